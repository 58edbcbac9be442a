"""Every bench: its name, what it does, the goal and how often it is run."""

from functools import partial

from bench import ack, end_to_end, growth, history_import, me, memory, recurring, redeem, settle, shops
from bench.figures import Bench

_recurring = partial(Bench, goal=3, runs=1, unit=" s", at_most=True, faults=recurring.out_of_proportion)
BENCHES: dict[str, Bench] = {
    "ack": Bench(ack.whole_order, goal=2.5, runs=5, faults=ack.slower_at_worst),
    "ack-1kb": Bench(ack.our_fields, goal=2.5, runs=5, faults=ack.slower_at_worst),
    "settle": Bench(settle.one, goal=1.0, runs=5),
    "settle-2": Bench(settle.two, goal=1.5, runs=5),
    "end-to-end": Bench(
        end_to_end.at_rate, goal=1, runs=3, unit=" s", at_most=True, faults=end_to_end.too_late
    ),
    "growth": Bench(growth.settling, goal=0.9, runs=1),
    "shops": Bench(shops.settling, goal=0.8, runs=1),
    "import": Bench(
        history_import.from_file,
        goal=6,
        runs=1,
        unit=" s",
        at_most=True,
        faults=history_import.too_much_memory,
    ),
    "me": Bench(me.read, goal=1.0, runs=5, faults=me.slow_at_half),
    "redeem": Bench(redeem.domain, goal=0.8, runs=5),
    "redeem-http": Bench(redeem.over_http, goal=0.3, runs=5),
    "release": _recurring(recurring.release),
    "memory": Bench(memory.growth, goal=1.2, runs=1, unit=" MB", at_most=True),
    "expiry": _recurring(recurring.lapse),
    "tiers": _recurring(recurring.review),
}
