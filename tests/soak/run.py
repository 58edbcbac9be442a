"""The stages of `make soak`, in their order. Each says its figures, or why it doesn't hold."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from loyalty_app import embedded
from loyalty_app.embedded.folders import SOCKET_NAME
from tests.smoke.demo import ROOT, DemoTrouble, free_port, running
from tests.smoke.shop import Unexpected
from tests.smoke.state import Run
from tests.soak import acknowledged, budget, judging, redeeming, traffic, wires
from tests.soak.accidents import happening, planned
from tests.soak.books import Books
from tests.soak.state import LONG, SHORT, Size, Soak
from tests.soak.traffic import DELIVERIES, Traffic

FIRST_PORT = 18300
PLAN = "enterprise"
SETTINGS = {
    "WEB_THREADS": "40",
    "SANDBOX_DELIVERY_THREADS": "16",
    # More tries than Shopify's eight, and shorter gaps: here the app dies every few seconds.
    "SANDBOX_RETRY_SECONDS": "0.5,1,1,2,2,2,3,3,3,4,4,4,8,8,16,16,32,32",
}


def prepare(soak: Soak) -> str:
    """Before the first order, since one from before a change of the program has to be asked for."""
    with ThreadPoolExecutor(1) as others:
        lifted = others.submit(redeeming.lift_the_limit, soak)
        signed_up = traffic.sign_up(soak)
        return f"{signed_up}; {lifted.result()}"


def sell_while_processes_die(soak: Soak) -> str:
    shop = soak.run.shop
    shop.drive("shop", plan=PLAN)
    shop.drive("faults", reset=True, seed=soak.seed, webhooks=DELIVERIES, operations=traffic.accidents(soak))
    sold = Traffic(soak, "accidents", soak.size.orders)
    with happening(soak, "selling", planned(soak), sold.share):
        sold.sell()
    traffic.reckon(soak)
    return sold.said()


def walk(soak: Soak) -> None:
    _step("Members, and a program without a limit", prepare, soak)
    if soak.size.standard_orders:
        _step("Orders on a standard plan", budget.sell_on_a_standard_plan, soak)
    _step("Orders while processes die", sell_while_processes_die, soak)
    _step("Every delivery is answered", judging.deliver, soak)
    _step("Contention", redeeming.contend, soak)
    _step("One key, one redemption", redeeming.repeat, soak)
    _step("The token expires", redeeming.renew_the_token, soak)
    _step("Ambiguous creates while processes die", redeeming.meet_accidents, soak)
    _step("Acknowledged means stored", acknowledged.keep_what_was_acknowledged, soak)
    _step("Every delivery is handled", judging.drain, soak)
    _step("Each redemption ended once", redeeming.compare_with_the_shop, soak)
    _step("Reconcile", judging.reconcile, soak)
    _step("Every balance equals the model", judging.compare, soak)
    _step("The ledger's invariants", judging.audit, soak)


def _step(title: str, step: Callable[[Soak], str], soak: Soak) -> None:
    began = time.monotonic()
    try:
        figures = step(soak)
    except Unexpected as trouble:
        raise Unexpected(f"{title}: {trouble}") from trouble
    _say(title, time.monotonic() - began, figures)


def _say(title: str, seconds: float, figures: str) -> None:
    print(f"{seconds:6.1f} s  {title}: {figures}", flush=True)


def main() -> int:
    size: Size = LONG if os.environ.get("LONG") else SHORT
    seed = int(os.environ.get("SEED") or secrets.randbelow(1_000_000))
    print(
        f"Seed {seed}, {size.name} form; the same again: make soak SEED={seed}{' LONG=1' * (size is LONG)}\n"
        f"Plan of the shop: {PLAN}, 2,000 cost points a second. Limits of the app's calls: connect 2 s, "
        f"read {size.read_seconds} s.",
        flush=True,
    )
    began, var = time.monotonic(), ROOT / "var" / "soak"
    try:
        soak = _run(var, size, seed, began)
    except (Unexpected, DemoTrouble, requests.RequestException) as trouble:
        print(f"\nFAILED  seed {seed}: {trouble}\nThe logs are in {_short(var / 'log')}.", file=sys.stderr)
        return 1
    killed = ", ".join(f"{kind} {count}" for kind, count in sorted(soak.killed.items()))
    held = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in sorted(soak.held.items()))
    print(f"\nKilled with -9: {killed}. Wires held still: {held}.")
    print(f"All holds. Seed {seed}; {time.monotonic() - began:.0f} seconds.")
    return 0


def _run(var: Path, size: Size, seed: int, began: float) -> Soak:
    folder = embedded.socket_folder(var)
    sockets = {"postgres": folder / SOCKET_NAME, "valkey": folder / "valkey.sock"}
    port = int(os.environ.get("DEMO_PORT") or free_port(FIRST_PORT))
    with wires.laid(sockets) as laid:
        ports = {f"SOAK_{name.upper()}": str(number) for name, number in laid.ports.items()}
        settings = {**SETTINGS, **ports, "SHOPIFY_READ_SECONDS": str(size.read_seconds)}
        with running(var, port, ("-m", "tests.soak.supervisor"), **settings) as demo:
            _say("A sandbox shop with the app", time.monotonic() - began, f"fresh, at {demo.sandbox}")
            soak = Soak(Run(demo), Books(demo), laid, size, seed)
            walk(soak)
    return soak


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
