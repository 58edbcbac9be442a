"""Order rows: read under lock, and written set-based, of one program or several at once."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection

from rewards import tenancy
from rewards.accounts import Overtaken
from rewards.ledger_rows import reserve_ids
from rewards.tier_settings import Counted

Key = tuple[int, int]
"""(source, external id): an order of one shop."""


class OrderCame(Overtaken):
    """Somebody else wrote the same new order while we worked on it: look again."""


@dataclass(slots=True, eq=False)
class OpenOrder:
    """An order's row while it is settled; the columns are those of `models.Order`."""

    id: int
    program_id: int
    source_id: int
    external_id: int
    member_id: int | None = None
    facts: dict[str, Any] | None = None
    facts_at: datetime | None = None
    paid_at: datetime | None = None
    fulfilled_at: datetime | None = None
    context: dict[str, Any] | None = None
    settlements: int = 0
    points: int = 0
    blocked: str = ""
    disputes: dict[str, Any] = field(default_factory=dict)
    spend: int = 0
    counts_on: date | None = None
    firm_on: date | None = None
    is_new: bool = False

    @property
    def counted(self) -> Counted | None:
        """What it counts for on the way to a tier."""
        if self.counts_on is None or self.firm_on is None:
            return None
        return Counted.of_order(self.counts_on, self.firm_on, self.spend, self.points)


def plan_for_growth() -> datetime:
    """Never read a whole table, until the transaction ends. Returns the moment, as `clock.now` does.

    PostgreSQL keeps its plans for the checks of foreign keys as long as a connection lives. Made while a
    table was empty, they would read all of it for each row of an import.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp(), set_config('enable_seqscan', 'off', true)")
        moment: datetime = cursor.fetchone()[0]
    return moment


def locked(wanted: Mapping[int, Iterable[Key]]) -> dict[Key, OpenOrder]:
    """The rows of these programs' orders, locked in the order of their ids.

    Where there is none, a new one, unsaved.
    """
    orders = found(wanted, "ORDER BY o.id FOR UPDATE OF o")
    missing = [(program_id, key) for program_id, keys in wanted.items() for key in keys if key not in orders]
    for id, (program_id, key) in zip(reserve_ids("rewards_order", len(missing)), missing, strict=True):
        orders[key] = OpenOrder(id, program_id, *key, is_new=True)
    return orders


def found(wanted: Mapping[int, Iterable[Key]], lock: str = "") -> dict[Key, OpenOrder]:
    """The orders of these that are known."""
    columns = tenancy.columns(wanted)
    if not columns:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT o.id, o.program_id, o.source_id, o.external_id, o.member_id, o.facts, o.facts_at,
                   o.paid_at, o.fulfilled_at, o.context, o.settlements, o.points, o.blocked, o.disputes,
                   o.spend, o.counts_on, o.firm_on
            FROM rewards_order o
            JOIN unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS w (program_id, source_id, external_id)
              ON o.program_id = w.program_id AND o.source_id = w.source_id AND o.external_id = w.external_id
            WHERE {tenancy.of("o", columns[0])}
            {lock}
            """,  # noqa: S608
            columns,
        )
        rows = [OpenOrder(*values) for values in cursor.fetchall()]
    for row in rows:
        # Django leaves jsonb to the fields of its models.
        row.facts, row.context, row.disputes = map(_data, (row.facts, row.context, row.disputes))
    return {(order.source_id, order.external_id): order for order in rows}


def _data(text: Any) -> Any:
    return None if text is None else json.loads(text)


def locked_or_made(program_id: int, key: Key) -> OpenOrder:
    """The row of one order, locked, and made where there is none. Raises OrderCame."""
    order = locked({program_id: [key]})[key]
    if order.is_new:
        _insert([order])
    return order


def save(orders: Iterable[OpenOrder]) -> None:
    """Write what changed. Raises OrderCame when a new order has come into being meanwhile."""
    orders = list(orders)
    _update([order for order in orders if not order.is_new])
    _insert([order for order in orders if order.is_new])


def _insert(orders: Sequence[OpenOrder]) -> None:
    """Whole, in one go: a row that is inserted and then updated costs its indexes twice."""
    if not orders:
        return
    # In one order everywhere, so that of two with the same new orders one waits for the other.
    orders = sorted(orders, key=lambda order: (order.program_id, order.source_id, order.external_id))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rewards_order (source_id, external_id, program_id, id, member_id, facts, facts_at,
                                       paid_at, fulfilled_at, context, settlements, points, blocked,
                                       spend, counts_on, firm_on)
            OVERRIDING SYSTEM VALUE
            SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                %s::text[]::jsonb[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[],
                %s::text[]::jsonb[], %s::int[], %s::bigint[], %s::text[],
                %s::bigint[], %s::date[], %s::date[])
            ON CONFLICT (program_id, source_id, external_id) DO NOTHING
            """,
            [
                [order.source_id for order in orders],
                [order.external_id for order in orders],
                *_columns(orders),
            ],
        )
        if cursor.rowcount != len(orders):
            raise OrderCame
    for order in orders:
        order.is_new = False


def _update(orders: Sequence[OpenOrder]) -> None:
    if not orders:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE rewards_order o
            SET member_id = v.member_id, facts = v.facts, facts_at = v.facts_at, paid_at = v.paid_at,
                fulfilled_at = v.fulfilled_at, context = v.context, settlements = v.settlements,
                points = v.points, blocked = v.blocked, spend = v.spend, counts_on = v.counts_on,
                firm_on = v.firm_on, updated_at = now()
            FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[]::jsonb[], %s::timestamptz[],
                        %s::timestamptz[], %s::timestamptz[], %s::text[]::jsonb[], %s::int[], %s::bigint[],
                        %s::text[], %s::bigint[], %s::date[], %s::date[])
                AS v (program_id, id, member_id, facts, facts_at, paid_at, fulfilled_at, context, settlements,
                      points, blocked, spend, counts_on, firm_on)
            WHERE o.program_id = v.program_id AND o.id = v.id
              AND {tenancy.of("o", (order.program_id for order in orders))}
            """,  # noqa: S608
            _columns(orders),
        )


def _columns(orders: Sequence[OpenOrder]) -> list[list[Any]]:
    return [
        [order.program_id for order in orders],
        [order.id for order in orders],
        [order.member_id for order in orders],
        [None if order.facts is None else json.dumps(order.facts) for order in orders],
        [order.facts_at for order in orders],
        [order.paid_at for order in orders],
        [order.fulfilled_at for order in orders],
        [None if order.context is None else json.dumps(order.context) for order in orders],
        [order.settlements for order in orders],
        [order.points for order in orders],
        [order.blocked for order in orders],
        [order.spend for order in orders],
        [order.counts_on for order in orders],
        [order.firm_on for order in orders],
    ]
