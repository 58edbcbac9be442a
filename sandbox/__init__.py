"""A pretend Shopify: stateful, strict, offline. It imports nothing of the app and speaks HTTP only."""
