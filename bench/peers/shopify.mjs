// Shopify's own package, set up once, and the pool of connections that every peer uses.
import "@shopify/shopify-api/adapters/node";
import pg from "pg";
import { ApiVersion, LogSeverity, shopifyApi } from "@shopify/shopify-api";

export const shopify = shopifyApi({
  apiKey: process.env.SHOPIFY_API_KEY,
  apiSecretKey: process.env.SHOPIFY_API_SECRET,
  hostName: "app.example.com",
  apiVersion: ApiVersion.October26,
  isEmbeddedApp: true,
  logger: { level: LogSeverity.Error },
});

export const pool = new pg.Pool({ max: Number(process.env.POOL_SIZE), options: "-c statement_timeout=2s" });
