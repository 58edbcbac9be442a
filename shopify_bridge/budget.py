"""What a shop's cost bucket probably holds, so that calls wait instead of being throttled.

Each answer tells the bucket's state; between answers it is estimated from the restore rate. This is a
courtesy of one process: Shopify's own THROTTLED remains the judge.
https://shopify.dev/docs/api/usage/limits#graphql-admin-api-rate-limits
"""

import threading
from dataclasses import dataclass
from time import monotonic
from typing import Any

DEFAULT_COST = 10.0


@dataclass
class Bucket:
    """The last known state of one shop's bucket."""

    available: float
    maximum: float
    restore_rate: float
    seen_at: float

    def now(self) -> float:
        return min(self.maximum, self.available + (monotonic() - self.seen_at) * self.restore_rate)


_buckets: dict[str, Bucket] = {}
_costs: dict[str, float] = {}
_guard = threading.Lock()


def wait_seconds(shop_domain: str, operation: str, spare: float = 0.0) -> float:
    """How long until the bucket should hold what the operation asks; reserves that cost when it does.

    `spare` is the share of the whole bucket that is left to more urgent calls.
    """
    with _guard:
        bucket = _buckets.get(shop_domain)
        if bucket is None:
            return 0.0
        cost = min(_costs.get(operation, DEFAULT_COST), bucket.maximum)
        available = bucket.now()
        needed = min(cost + spare * bucket.maximum, bucket.maximum)
        if available < needed:
            return (needed - available) / bucket.restore_rate
        bucket.available, bucket.seen_at = available - cost, monotonic()
        return 0.0


def learn(shop_domain: str, operation: str, extensions: Any) -> None:
    """Take over what an answer says about costs."""
    cost = extensions.get("cost") if isinstance(extensions, dict) else None
    status = cost.get("throttleStatus") if isinstance(cost, dict) else None
    if not isinstance(cost, dict) or not isinstance(status, dict):
        return
    try:
        bucket = Bucket(
            available=float(status["currentlyAvailable"]),
            maximum=float(status["maximumAvailable"]),
            restore_rate=max(1.0, float(status["restoreRate"])),
            seen_at=monotonic(),
        )
        requested = float(cost.get("requestedQueryCost") or DEFAULT_COST)
    except (KeyError, TypeError, ValueError):
        return  # costs are a courtesy: an answer without them is still an answer
    with _guard:
        _buckets[shop_domain] = bucket
        _costs[operation] = requested


def forget(shop_domain: str) -> None:
    """The shop is gone."""
    with _guard:
        _buckets.pop(shop_domain, None)
