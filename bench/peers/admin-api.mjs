// What answers in Shopify's place at once, so that a redemption's time is the app's: each code is made.
import { createServer } from "node:http";

const made = JSON.stringify({
  data: {
    discountCodeBasicCreate: { codeDiscountNode: { id: "gid://shopify/DiscountCodeNode/1" }, userErrors: [] },
  },
  extensions: {
    cost: {
      requestedQueryCost: 10,
      actualQueryCost: 10,
      throttleStatus: { maximumAvailable: 1e9, currentlyAvailable: 1e9, restoreRate: 1e6 },
    },
  },
});

createServer((request, response) => {
  request.resume();
  request.on("end", () => response.setHeader("Content-Type", "application/json").end(made));
}).listen(Number(process.env.PORT), "127.0.0.1");
