"""`make soak`: the same purchases while processes are killed and Shopify stumbles; the books must be equal.

What is killed is started again by the demo; deliveries that met a dead app come again by the sandbox.
"""

from __future__ import annotations

import random
import sys
import threading
import time

import psutil

from tests.smoke import accidents, loading, redeeming
from tests.smoke.run import Step, run_steps
from tests.smoke.state import Run

SEED = 7
KILL_EVERY_SECONDS = 1.0
VICTIMS = ("web", "worker", "clock", "valkey", "postgres")
STUMBLES = [
    {"operation": "*", "fault": fault, "rate": rate}
    for fault, rate in (("5xx", 0.1), ("throttle", 0.1), ("cut", 0.05), ("too_many", 0.02))
]


def storm(run: Run) -> str:
    """All of it at once: orders and refunds come in while things break."""
    run.shop.drive("faults", seed=SEED, operations=STUMBLES)
    killer = Killer(run)
    with killer:
        sold = loading.sell(run)
        refunded = loading.refund(run)
    return f"{sold}; {refunded}; killed: {', '.join(killer.killed)}"


class Killer:
    """Ends processes of the demo with SIGKILL, one after the other, while the block runs."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._chance = random.Random(SEED)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on)
        self.killed: list[str] = []

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *problem: object) -> None:
        self._over.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._over.wait(KILL_EVERY_SECONDS):
            name = self._chance.choice(VICTIMS)
            victim = self._find(name)
            if victim is not None:
                victim.kill()
                self.killed.append(name)

    def _find(self, name: str) -> psutil.Process | None:
        match name:
            case "valkey":
                return self._run.demo.queue_server()
            case "postgres":
                return self._run.demo.database_server()
        return self._run.demo.process(name)


def calm(run: Run) -> str:
    """The app answers again before people come to redeem."""
    began = time.monotonic()
    run.shop.drive("faults", reset=True)
    run.demo.wait_until_ready()
    return f"ready {time.monotonic() - began:.1f} s later"


STEPS: list[Step] = [
    ("Customers sign up", loading.sign_up),
    ("A year of purchases in a storm", storm),
    ("The storm is over", calm),
    ("Every balance equals the independent calculation", loading.compare),
    ("The storefront says the same", loading.compare_storefront),
    ("Each kind of reward becomes a code and is used", redeeming.use_each_kind),
    ("The ledger's invariants and the configuration", accidents.audit),
]


if __name__ == "__main__":
    sys.exit(run_steps(STEPS, "soak"))
