"""Every bench: its name, what it does, the goal and how often it is run."""

from bench import ack, me
from bench.figures import Bench

BENCHES: dict[str, Bench] = {
    "ack": Bench(ack.whole_order, goal=2.5, runs=5, faults=ack.slower_at_worst),
    "ack-1kb": Bench(ack.our_fields, goal=2.5, runs=5, faults=ack.slower_at_worst),
    "me": Bench(me.read, goal=1.0, runs=5, faults=me.slow_at_half),
}
