// Reads a table of signed requests as JSON from standard input, prints what Shopify's own Node package says of each.
import '@shopify/shopify-api/adapters/node';
import { readFileSync } from 'node:fs';
import { LogSeverity, shopifyApi } from '@shopify/shopify-api';

const { clientId, secret, cases } = JSON.parse(readFileSync(0, 'utf8'));
const shopify = shopifyApi({
  apiKey: clientId,
  apiSecretKey: secret,
  hostName: 'app.example.com',
  isEmbeddedApp: true,
  apiVersion: '2026-07',
  scopes: [],
  logger: { level: LogSeverity.Error, log: () => {} },
});

const judges = {
  proxy: ({ query }) => shopify.utils.validateHmac(query, { signator: 'appProxy' }),
  token: async ({ token }) => Boolean(await shopify.session.decodeSessionToken(token)),
  webhook: async ({ body, headers }) => {
    const rawRequest = { method: 'POST', url: '/webhooks', headers };
    return (await shopify.webhooks.validate({ rawBody: body, rawRequest, rawResponse: {} })).valid;
  },
};

const answers = [];
for (const one of cases) {
  answers.push(await Promise.resolve(one).then(judges[one.kind]).catch(() => false));
}
console.log(JSON.stringify(answers));
