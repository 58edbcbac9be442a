"""The stages of `make soak`, in their order. Each says its figures, or why it doesn't hold."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.smoke.demo import ROOT, DemoTrouble, free_port, running
from tests.smoke.shop import Unexpected, expect, wait_until
from tests.smoke.state import Run
from tests.soak import acknowledged, redeeming
from tests.soak.books import Books
from tests.soak.kills import Killer, Killing
from tests.soak.state import LONG, SHORT, Size, Soak
from tests.soak.traffic import DELIVERIES, OPERATIONS, Traffic

FIRST_PORT = 18300
PLAN = "enterprise"
DRAINED_WITHIN_SECONDS = 240
YOUNG_SECONDS = 31
"""So long a change is left to its webhook before reconciliation calls it a gap."""
RECONCILE_SECONDS = 600
SHOWN_DIFFERENCES = 5
ENVIRONMENT = {
    "WEB_THREADS": "40",
    # More tries than Shopify's eight, and shorter gaps: here the app dies every few seconds.
    "SANDBOX_RETRY_SECONDS": "0.5,1,1,2,2,2,3,3,3,4,4,4,8,8,16,16,32,32",
}


def sell_while_processes_die(soak: Soak, traffic: Traffic) -> str:
    shop, killer = soak.run.shop, Killer(soak)
    shop.drive("shop", plan=PLAN)
    shop.drive("faults", seed=soak.seed, webhooks=DELIVERIES, operations=OPERATIONS)
    signed_up = traffic.sign_up()
    killing = Killing(soak, soak.size.selling_seconds)
    killing.start()
    traffic.sell()
    killing.finish()
    killer.wait_until_all_is_back()
    traffic.reckon()
    return f"{signed_up}; {traffic.said()}"


def deliver(soak: Soak) -> str:
    """All that the shop has to say is said; from here on nothing is lost or doubled."""
    status = soak.run.shop.drive("idle", seconds=100)
    soak.run.shop.drive("faults", reset=True)
    expect(not status["given_up"], f"{status['given_up']} deliveries failed for good")
    return f"{status['delivered']} deliveries, {status['duplicated']} doubled, {status['dropped']} lost"


def drain(soak: Soak) -> str:
    """What a killed process had in hand waits for the end of its lease, a minute."""
    soak.run.shop.drive("idle", seconds=100)
    what = "no delivery waits in the inbox"
    wait_until(DRAINED_WITHIN_SECONDS, what, lambda: soak.books.inbox("waiting") == 0)
    parked = soak.books.inbox("parked")
    expect(not parked, f"{parked} deliveries are parked")
    return f"{soak.books.inbox('done')} rows done, none waits, none is parked"


def reconcile(soak: Soak, since: float) -> str:
    """What was lost is found; the second look finds nothing more."""
    time.sleep(max(0.0, since + YOUNG_SECONDS - time.monotonic()))
    began = time.monotonic()
    behind = len(differences(soak))
    first, second = (soak.run.demo.manage("reconcile", "--shop", soak.run.demo.shop) for _ in range(2))
    for done in (first, second):
        expect(done.returncode == 0, f"manage.py reconcile: {done.stdout[-500:]}{done.stderr[-500:]}")
    return f"{behind} members behind before it; {first.stdout.strip()} {time.monotonic() - began:.0f} s"


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
    wait_until(60, "the shop shows every balance", lambda: not _unpublished(soak))
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
    done = soak.run.demo.manage("audit")
    expect(done.returncode == 0, f"manage.py audit: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    state, _ = soak.books.shop_state()
    expect(state == "active", f"the shop is {state}")
    return done.stdout.strip().splitlines()[-1]


def walk(soak: Soak) -> None:
    traffic = Traffic(soak)
    _step("Orders while processes die", lambda: sell_while_processes_die(soak, traffic))
    sold = time.monotonic()
    _step("Every delivery is answered", lambda: deliver(soak))
    _step("The limit of redemptions is lifted", lambda: redeeming.lift_the_limit(soak))
    _step("Contention", lambda: redeeming.contend(soak))
    _step("One key, one redemption", lambda: redeeming.repeat(soak))
    _step("The token expires", lambda: redeeming.renew_the_token(soak))
    _step("Ambiguous creates while processes die", lambda: redeeming.meet_accidents(soak))
    _step("Acknowledged means stored", lambda: acknowledged.keep_what_was_acknowledged(soak))
    _step("Every delivery is handled", lambda: drain(soak))
    _step("Each redemption ended once", lambda: redeeming.compare_with_the_shop(soak))
    _step("Reconcile", lambda: reconcile(soak, sold))
    _step("Every balance equals the model", lambda: compare(soak))
    _step("The ledger's invariants", lambda: audit(soak))


def _step(title: str, step: Callable[[], str]) -> None:
    began = time.monotonic()
    try:
        figures = step()
    except Unexpected as trouble:
        raise Unexpected(f"{title}: {trouble}") from trouble
    _say(title, time.monotonic() - began, figures)


def _say(title: str, seconds: float, figures: str) -> None:
    print(f"{seconds:6.1f} s  {title}: {figures}", flush=True)


def main() -> int:
    size: Size = LONG if os.environ.get("LONG") else SHORT
    seed = int(os.environ.get("SEED") or secrets.randbelow(1_000_000))
    os.environ.update(ENVIRONMENT)
    print(f"Seed {seed}, {size.name} form, plan {PLAN}. The same again: make soak SEED={seed}", flush=True)
    began, var = time.monotonic(), ROOT / "var" / "soak"
    try:
        with running(var, int(os.environ.get("DEMO_PORT") or free_port(FIRST_PORT))) as demo:
            _say("A sandbox shop with the app", time.monotonic() - began, f"fresh, at {demo.sandbox}")
            soak = Soak(Run(demo), Books(demo), size, seed)
            walk(soak)
    except (Unexpected, DemoTrouble) as trouble:
        print(f"\nFAILED  seed {seed}: {trouble}\nThe logs are in {_short(var / 'log')}.", file=sys.stderr)
        return 1
    killed = ", ".join(f"{kind} {count}" for kind, count in sorted(soak.killed.items()))
    print(f"\nAll holds. Seed {seed}; killed with -9: {killed}; {time.monotonic() - began:.0f} seconds.")
    return 0


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
