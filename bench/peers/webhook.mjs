// The webhook door as a careful Express app has it: Shopify's own validation, one committed insert, 200.
import { createHash } from "node:crypto";
import express from "express";
import { pool, shopify } from "./shopify.mjs";

const keep = {
  name: "keep",
  text: `
    INSERT INTO shopify_bridge_inboxrow (program_id, shop_id, shop_domain, webhook_id, event_id, topic,
                                         api_version, triggered_at, body, body_hash)
    SELECT COALESCE(shop.program_id, 0), COALESCE(shop.id, 0), $1, $2, $3, $4, $5, $6, $7, $8
    FROM (SELECT) AS delivery LEFT JOIN shopify_bridge_shop AS shop ON shop.domain = $1
    ON CONFLICT (program_id, shop_id, webhook_id) DO NOTHING`,
};

async function receive(request, response) {
  const valid = await shopify.webhooks.validate({
    rawBody: request.body.toString("utf8"),
    rawRequest: request,
    rawResponse: response,
  });
  if (!valid.valid) return response.status(401).end();
  const header = (name) => request.headers[name] ?? "";
  try {
    await pool.query({
      ...keep,
      values: [
        valid.domain,
        valid.webhookId,
        valid.eventId ?? "",
        header("x-shopify-topic"),
        valid.apiVersion,
        valid.triggeredAt ?? null,
        request.body,
        createHash("sha256").update(request.body).digest(),
      ],
    });
  } catch {
    return response.status(503).set("Retry-After", "10").end();
  }
  return response.set("Cache-Control", "no-store").status(200).end();
}

const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.post("/webhooks", express.raw({ type: () => true, limit: "10mb" }), receive);
app.listen(Number(process.env.PORT), "127.0.0.1");
