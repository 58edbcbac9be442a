// A member's own page of the storefront in Express: Shopify's own check of the proxy's signature, two statements.
import express from "express";
import { pool, shopify } from "./shopify.mjs";

const findMember = {
  name: "member",
  text: `
    SELECT p.id AS program, p.version, m.id, m.available, m.pending, m.reserved, m.debt
    FROM shopify_bridge_shop s
    JOIN rewards_program p ON p.id = s.program_id
    LEFT JOIN rewards_identity i ON i.program_id = p.id AND i.source_id = s.id AND i.external_id = $2
    LEFT JOIN rewards_member m ON m.program_id = i.program_id AND m.id = i.member_id
    WHERE s.domain = $1 AND s.state <> 'uninstalled'`,
};
const findRedemptions = {
  name: "redemptions",
  text: `
    SELECT id, state, code, points, value, reward, expires_at FROM rewards_redemption
    WHERE program_id = $1 AND member_id = $2 AND state IN ('reserved', 'issued', 'ending')
    ORDER BY id DESC LIMIT 50`,
};
const findRewards = {
  name: "rewards",
  text: "SELECT document -> 'rewards' AS rewards FROM rewards_programversion WHERE program_id = $1 AND number = $2",
};
const known = new Map(); // A version never changes.
const HIDDEN = new Set(["archived", "version", "asked", "placed", "budget", "customer_tags", "in_total", "starts", "ends"]);

const saysSomething = (value) => value !== null && (typeof value !== "object" || Object.keys(value).length > 0);

/** Without what a reward doesn't say. */
const said = (settings) =>
  Object.fromEntries(
    Object.entries(settings)
      .map(([name, value]) => [name, value && typeof value === "object" && !Array.isArray(value) ? said(value) : value])
      .filter(([, value]) => saysSomething(value)),
  );

/** What its code lowers; free products don't come here. */
const discountOf = (reward) => {
  if (reward.kind === "free_shipping") return "shipping";
  return reward.on.products.length || reward.on.variants?.length || reward.on.collections.length ? "product" : "order";
};

const publicReward = (reward) =>
  Object.fromEntries(
    Object.entries(said({ ...reward, discount: discountOf(reward) })).filter(([name]) => !HIDDEN.has(name)),
  );

async function rewardsOf(program, version) {
  const key = `${program}-${version}`;
  if (!known.has(key)) {
    const [row] = (await pool.query({ ...findRewards, values: [program, version] })).rows;
    known.set(key, row.rewards.filter((reward) => !reward.archived));
  }
  return known.get(key);
}

function inReach(reward, available) {
  const variable = reward.kind === "variable";
  const price = variable ? Math.ceil((reward.min * reward.points) / reward.per) : reward.points;
  const missing = Math.max(0, price - available);
  return { ...publicReward(reward), affordable: missing === 0, missing };
}

const shown = (row) => ({
  id: Number(row.id),
  state: row.state,
  code: row.state === "reserved" ? null : row.code,
  points: Number(row.points),
  value: row.value === null ? null : (Number(row.value) / 100).toFixed(2),
  reward: publicReward(row.reward),
  expires_at: row.expires_at?.toISOString() ?? null,
});

async function me(request, response) {
  response.set("Cache-Control", "no-store, private");
  let valid = false;
  try {
    valid = await shopify.utils.validateHmac(request.query, { signator: "appProxy" });
  } catch {
    valid = false;
  }
  if (!valid) return response.status(401).json({ error: { code: "signature" } });
  const { shop, logged_in_customer_id: customer } = request.query;
  const [member] = (await pool.query({ ...findMember, values: [shop, customer || null] })).rows;
  if (!member) return response.status(404).json({ error: { code: "unknown_shop" } });
  const available = Number(member.available ?? 0);
  const offered = await rewardsOf(member.program, member.version);
  const rewards = offered.map((reward) => inReach(reward, available));
  if (!member.id) return response.json({ member: null, rewards, cashback: null, redemptions: [] });
  const found = await pool.query({ ...findRedemptions, values: [member.program, member.id] });
  return response.json({
    member: {
      id: Number(member.id),
      points: {
        available,
        pending: Number(member.pending),
        reserved: Number(member.reserved),
        debt: -Number(member.debt),
      },
      tier: null,
      next_tier: null,
    },
    rewards,
    cashback: null,
    redemptions: found.rows.map(shown),
  });
}

const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.get("/storefront/me", me);
app.listen(Number(process.env.PORT), "127.0.0.1");
