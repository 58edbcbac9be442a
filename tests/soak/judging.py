"""What must hold once all is quiet: nothing waits, nothing is lost, every balance is what the model says."""

from __future__ import annotations

import re
import time

from tests.smoke.shop import Json, expect, wait_until
from tests.soak.state import Soak

DELIVERED_WITHIN_SECONDS = 600
DRAINED_WITHIN_SECONDS = 600
SHOWN_WITHIN_SECONDS = 240
SHOWN_DIFFERENCES = 5


def deliver(soak: Soak) -> str:
    """All that the shop has to say is said; from here on nothing is lost or doubled."""
    status = delivered(soak)
    soak.run.shop.drive("faults", reset=True)
    expect(not status["given_up"], f"{status['given_up']} deliveries failed for good")
    return f"{status['delivered']} deliveries, {status['duplicated']} doubled, {status['dropped']} lost"


def delivered(soak: Soak) -> Json:
    """What the sandbox says when no delivery is under way any more."""

    def look() -> Json | None:
        status = soak.run.shop.status()
        return None if status["pending"] else status

    return wait_until(DELIVERED_WITHIN_SECONDS, "every delivery is answered", look)


def drain(soak: Soak) -> str:
    """What a killed process had in hand waits for the end of its lease."""
    delivered(soak)
    what = "no delivery waits in the inbox"
    wait_until(DRAINED_WITHIN_SECONDS, what, lambda: soak.books.inbox("waiting") == 0)
    parked = soak.books.inbox("parked")
    expect(not parked, f"{parked} deliveries are parked")
    return f"{soak.books.inbox('done')} rows done, none waits, none is parked"


def reconcile(soak: Soak) -> str:
    """What was lost is found, all of it, in one look at every order."""
    began = time.monotonic()
    behind = len(differences(soak))
    done = soak.run.demo.manage("reconcile", "--shop", soak.run.demo.shop, seconds=1_200)
    said = re.search(r"(\d+) orders looked at, (\d+) were behind and are settled", done.stdout)
    expect(
        done.returncode == 0 and said and "could not be settled" not in done.stdout,
        f"manage.py reconcile: {done.stdout[-500:]}{done.stderr[-500:]}",
    )
    assert said is not None
    expect(int(said[1]) >= len(soak.run.sales), f"{said[1]} of {len(soak.run.sales)} orders were looked at")
    gaps = soak.books.open_gaps()
    expect(not gaps, f"{gaps} gaps are still open")
    return (
        f"{behind} members were behind; of {said[1]} orders {said[2]} were settled "
        f"in {time.monotonic() - began:.0f} s"
    )


def differences(soak: Soak) -> list[str]:
    seen = soak.books.balances([*soak.run.owed])
    return [
        f"customer {customer} has {seen.get(customer, 'no account')}, owed {owed}"
        for customer, owed in soak.run.owed.items()
        if seen.get(customer) != owed
    ]


def compare(soak: Soak) -> str:
    """The ledger at once, and soon after the standings that themes print."""
    found = differences(soak)
    expect(not found, f"{len(found)} balances differ: {'; '.join(found[:SHOWN_DIFFERENCES])}")
    wait_until(SHOWN_WITHIN_SECONDS, "the shop shows every balance", lambda: not _unpublished(soak))
    return (
        f"{len(soak.run.owed)} members, {sum(soak.run.owed.values())} points, in the ledger and in the shop"
    )


def _unpublished(soak: Soak) -> list[int]:
    customers = [*soak.run.owed]
    found = []
    for start in range(0, len(customers), 200):
        standings = soak.run.shop.standings(customers[start : start + 200])
        found += [c for c, said in standings.items() if not said or said["points"] != soak.run.owed[c]]
    return found


def audit(soak: Soak) -> str:
    """What it says stays beside the database."""
    done = soak.run.demo.manage("audit", seconds=600)
    (soak.run.demo.var / "audit.txt").write_text(done.stdout)
    expect(done.returncode == 0, f"manage.py audit: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    state, _ = soak.books.shop_state()
    expect(state == "active", f"the shop is {state}")
    promises = sum(line.startswith("ok") for line in done.stdout.splitlines())
    return f"{promises} promises kept; {done.stdout.strip().splitlines()[-1]}"
