"""Settling for ten thousand shops, and for one: the same number of orders, the same worker, one database.

One shop has 10,000 members with a settled order each (quick: 1,000); as many shops have a program and a
member of their own. 20,000 new orders wait in the inbox (quick: 2,000), two of each member: in ours those of
the many shops, in the peer's those of the one. A batch of 500 is 250 shops' there, and one program's here.

A worker that runs has met its programs: each of the many shops has had an order before, at the rate noted as
"first met", at which what settling asks of its program was read.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from bench import deliveries, fill
from bench.deliveries import Buyer
from bench.figures import Sample, Turns
from bench.stage import Stage
from rewards import programs
from shopify_bridge.models import Shop

ORDERS_EACH = 2
MANY = (
    """
    INSERT INTO rewards_program (name, currency, timezone, version, salt)
    SELECT name, currency, timezone, version, uuid_send(gen_random_uuid())
    FROM rewards_program, generate_series(1, %(shops)s)
    """,
    """
    INSERT INTO rewards_programversion (program_id, number, document, effective_from, author)
    SELECT p.id, v.number, v.document, v.effective_from, v.author
    FROM rewards_programversion v JOIN rewards_program p ON p.id <> v.program_id
    """,
    """
    INSERT INTO shopify_bridge_shop (program_id, domain, name, currency, timezone, state, state_reason,
        scopes, access_token, refresh_token, "grant", app_installation_gid, published_program_version)
    SELECT id, 'shop-' || id || '.myshopify.com', name, currency, timezone, 'active', '', '', '', '',
        'exchange', '', version
    FROM rewards_program WHERE id <> %(one)s
    """,
    """
    INSERT INTO rewards_member (program_id, joined_at, available, pending, version, published_version,
        active_at)
    SELECT id, now() - interval '90 days', 0, 0, 1, 1, now() FROM rewards_program WHERE id <> %(one)s
    """,
    """
    INSERT INTO rewards_identity (program_id, source_id, external_id, member_id)
    SELECT m.program_id, s.id, 20000000 + m.id, m.id
    FROM rewards_member m JOIN shopify_bridge_shop s ON s.program_id = m.program_id
    WHERE m.program_id <> %(one)s
    """,
)
BUYERS = """
    SELECT program_id, source_id, external_id FROM rewards_identity WHERE (program_id = %s) = %s
    ORDER BY md5(external_id::text)
"""


@contextmanager
def settling(stage: Stage) -> Iterator[Turns]:
    shops = stage.pick(quick=1_000, usual=10_000)
    program = programs.start("Bench", "EUR", "UTC")
    shop = Shop.objects.create(program_id=program.pk, domain="bench.myshopify.com", currency="EUR")
    connections.close_all()
    with stage.connect() as connection, connection.cursor() as cursor:
        fill.members(cursor, program.pk, shop.pk, shops)
        for statement in MANY:
            cursor.execute(statement, {"shops": shops, "one": program.pk})
        cursor.execute("VACUUM (ANALYZE)")
        one, many = (
            [Buyer(*row) for row in cursor.execute(BUYERS, [program.pk, own]).fetchall()]
            for own in (True, False)
        )
    with deliveries.queue(stage, many) as of_many, deliveries.queue(stage, one) as of_one:
        met, rows = of_many.turn(shops), shops * ORDERS_EACH

        def ours() -> Sample:
            sample = of_many.turn(rows)
            sample.notes["first met/s"] = met.figure
            return sample

        yield Turns(ours, lambda: of_one.turn(rows))
