"""The steps of `make smoke`, in their order. Each says its figures, or why it doesn't hold."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import requests

from tests.smoke import accidents, giving, kinds, loading, own, redeeming, second
from tests.smoke.demo import ROOT, DemoTrouble, free_port, running
from tests.smoke.shop import Unexpected
from tests.smoke.state import Run

Step = tuple[str, Callable[[Run], str]]
STEPS: list[Step] = [
    ("Customers sign up", loading.sign_up),
    ("Real purchases, shuffled and doubled", loading.sell),
    ("Refunds of lines and of amounts", loading.refund),
    ("Every balance equals the independent calculation", loading.compare),
    ("The storefront says the same", loading.compare_storefront),
    ("Each kind of reward becomes a code and is used", redeeming.use_each_kind),
    ("Cancelling an order with a code gives all back", redeeming.cancel_an_order),
    ("An unused code is given back", redeeming.undo),
    ("What can't be redeemed is refused", redeeming.refuse),
    ("An exclusive reward is waited for and handed over", own.hand_over),
    ("A donation is counted and paid out", own.donate),
    ("A prize draw ends as everybody can reckon", own.draw),
    ("A product is free beside another", kinds.free_product),
    ("Points become store credit, and credit pays", kinds.store_credit),
    ("A gift card pays, another is given back", kinds.gift_card),
    ("Cashback comes by itself", kinds.cashback),
    ("A gift from staff", giving.give),
    ("A gift for a milestone", giving.reach_milestone),
    ("A friend is invited, and orders", giving.refer),
    ("Promo codes for a campaign", giving.promote),
    ("Staff extend, replace and cancel a code", giving.look_after),
    ("Who invited a friend is thanked", giving.thank),
    ("Two accounts become one", accidents.merge),
    ("Who is forgotten stays forgotten", accidents.forget),
    ("Forged deliveries are refused", accidents.forge),
    ("The queue's server is stopped", accidents.stop_the_queue),
    ("Every balance still equals the calculation", loading.compare),
    ("A second shop with another program", second.open_shop),
    ("The same purchases there, shuffled and doubled", second.sell),
    ("Points and tiers equal the independent calculation", second.compare),
    ("The same refunds there", second.refund),
    ("Points and tiers still equal the calculation", second.compare),
    ("The ledger's invariants and the configuration", accidents.audit),
]


def run_steps(steps: list[Step], folder: str) -> int:
    """Walk through them in a fresh demo; 0 when all hold."""
    began = time.monotonic()
    var = ROOT / "var" / folder
    try:
        with running(var, int(os.environ.get("DEMO_PORT") or free_port())) as demo:
            _say("A sandbox shop with the app", time.monotonic() - began, f"fresh, at {demo.sandbox}")
            _walk(Run(demo), steps)
    except (Unexpected, DemoTrouble, requests.RequestException) as trouble:
        print(f"\nFAILED  {trouble}\nThe logs are in {_short(var / 'log')}.", file=sys.stderr)
        return 1
    print(f"\nAll holds. {time.monotonic() - began:.0f} seconds.")
    return 0


def _walk(run: Run, steps: list[Step]) -> None:
    for title, step in steps:
        began = time.monotonic()
        try:
            figures = step(run)
        except Unexpected as trouble:
            raise Unexpected(f"{title}: {trouble}") from trouble
        _say(title, time.monotonic() - began, figures)


def _say(title: str, seconds: float, figures: str) -> None:
    print(f"{seconds:6.1f} s  {title}: {figures}", flush=True)


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(run_steps(STEPS, "smoke"))
