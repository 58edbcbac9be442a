"""Orders of a shop on a standard plan: 100 cost points a second have to do for all that the app asks."""

from __future__ import annotations

import time
from typing import Any

from tests.smoke.shop import expect, wait_until
from tests.soak import judging, traffic
from tests.soak.state import Soak
from tests.soak.traffic import Traffic

PLAN = "basic"
HANDLED_WITHIN_SECONDS = 240
SHARE_TURNED_AWAY = 0.25
"""Of the calls. Three processes share a bucket and each only estimates it, so some find it empty; one that
didn't wait as it is told would be turned away ten times for each call that is answered."""
# Nothing is lost here: what is right in the end owes nothing to reconciliation.
DELIVERIES = {"shuffle": 3.0, "duplicate": 0.05, "renamed": 0.5}


def sell_on_a_standard_plan(soak: Soak) -> str:
    soak.run.shop.drive("shop", plan=PLAN)
    soak.run.shop.drive("faults", reset=True, seed=soak.seed, webhooks=DELIVERIES)
    sold = Traffic(soak, "standard plan", soak.size.standard_orders)
    began = time.monotonic()
    sold.sell()
    status = judging.delivered(soak)
    expect(not status["given_up"], f"{status['given_up']} deliveries failed for good")
    wait_until(
        HANDLED_WITHIN_SECONDS,
        "no delivery waits in the inbox",
        lambda: soak.books.inbox("waiting") == 0,
    )
    handled = time.monotonic() - began
    expect(not soak.books.inbox("parked"), "deliveries are parked")
    traffic.reckon(soak)
    judging.compare(soak)
    cost = _cost(soak)
    share = cost["throttled"] / cost["calls"]
    expect(share <= SHARE_TURNED_AWAY, f"{cost['throttled']} of {cost['calls']} calls found the bucket empty")
    return (
        f"{sold.said()}; handled after {handled:.0f} s, every point right and shown after "
        f"{time.monotonic() - began:.0f} s; {cost['calls']} calls for {cost['spent']} points, "
        f"{cost['throttled']} turned away, the bucket never under {cost['lowest']:.0f} of 2000"
    )


def _cost(soak: Soak) -> dict[str, Any]:
    cost: dict[str, Any] = soak.run.shop.status()["cost"][soak.run.demo.shop]
    return cost
