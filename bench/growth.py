"""Settling beside ten thousand movements, and beside a million: the same orders, the same worker.

Databases hold 10^4, 10^5 and 10^6 movements (quick: the first two; full: 10^7 too) of histories as
`bench.history` copies them: holds, releases, refunds, codes, merges. In each, in turn and three times, one
worker settles 5,000 new orders (quick: 2,000) that wait in the inbox, of its members in turn. What grew most
stands for ours, what is smallest for the peer, with the median of three turns; all rates are in the notes.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from psycopg import sql

from bench import deliveries
from bench.deliveries import Buyer, Queue
from bench.figures import Sample, Turns
from bench.stage import ROOT, Stage

ROUNDS = 3
# A delivery says too little of an order where points wait on hold: it would be asked for at Shopify.
NO_HOLD = "UPDATE rewards_programversion SET document = jsonb_set(document, '{earning,hold_days}', '0')"
BUYERS = """
    SELECT i.program_id, i.source_id, i.external_id FROM rewards_identity i
    JOIN rewards_member m ON m.program_id = i.program_id AND m.id = i.member_id AND m.merged_into_id IS NULL
    ORDER BY md5(i.external_id::text) LIMIT 200000
"""


@contextmanager
def settling(stage: Stage) -> Iterator[Turns]:
    exponents = range(4, 1 + stage.pick(quick=5, usual=6, full=7))
    with ExitStack() as stack:
        queues = {exponent: stack.enter_context(_grown(stage, exponent)) for exponent in exponents}
        found = _measured(queues, stage.pick(quick=2_000, usual=5_000))
        yield Turns(lambda: found[exponents[-1]], lambda: found[exponents[0]])


@contextmanager
def _grown(stage: Stage, exponent: int) -> Iterator[Queue]:
    """A database with ten to this power of movements."""
    database = f"bench_growth_{exponent}"
    stage.fresh_database(database)
    subprocess.run(
        [sys.executable, "-m", "bench.history", "--movements", str(10**exponent)],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": stage.url(database)},
        stdin=subprocess.DEVNULL,
        check=True,
    )
    try:
        with stage.connect(database) as connection:
            connection.execute(NO_HOLD)
            buyers = [Buyer(*row) for row in connection.execute(BUYERS).fetchall()]
        with deliveries.queue(stage, buyers, database=database) as queue:
            yield queue
    finally:
        with stage.connect("postgres") as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))


def _measured(queues: dict[int, Queue], rows: int) -> dict[int, Sample]:
    """One after the other, so that what else the machine does hits all."""
    turns = [{exponent: queue.turn(rows) for exponent, queue in queues.items()} for _ in range(ROUNDS)]
    found = {
        exponent: sorted((turn[exponent] for turn in turns), key=lambda sample: sample.figure)[ROUNDS // 2]
        for exponent in queues
    }
    found[max(queues)].notes.update({f"10^{exponent}": sample.figure for exponent, sample in found.items()})
    return found
