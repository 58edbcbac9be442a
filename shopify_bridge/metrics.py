"""Counters of the bridge, for Prometheus."""

from prometheus_client import Counter

HANDLED = Counter("loyalty_inbox_handled", "Deliveries that are done")
PARKED = Counter("loyalty_inbox_parked", "Deliveries set aside for a person")
RINGS_LOST = Counter("loyalty_rings_lost", "Times the queue couldn't be rung")
PUBLISHED = Counter("loyalty_standings_published", "Members whose standing was written to Shopify")
