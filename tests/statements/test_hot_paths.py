"""Every statement of a hot path names its tenant, and finds its rows by an index where a table grows.

The one concerns a database that is spread over machines: a statement of one tenant goes to one shard. The
other keeps an order as cheap in a big shop as in a new one.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
import pytest
from django.db import connection

from loyalty_app import metrics
from loyalty_app.postgresql.places import DISTRIBUTED
from rewards import (
    advocates,
    birthdays,
    draws,
    due,
    gift_rounds,
    overview,
    prepared,
    programs,
    referrals,
    standing,
    tenancy,
    tier_rows,
    waits,
)
from rewards.models import Redemption
from shopify_bridge import credits, customer_tags, friend_codes, issuing, metafields, webhooks
from tests.statements.paths import EVENING, LIMITS, PATHS, RAFFLE, TREES, Scene, orders_of_all_shops
from tests.statements.reading import strays
from tests.statements.recording import Statement, aside, preferring_indexes, recorded, top

# Recurring work looks for tenants with something to do. These lock nothing, and the work itself is judged.
OF_ALL_TENANTS = {
    due.PROGRAMS.format(held="pending", moment="available_at"),
    due.PROGRAMS.format(held="available", moment="expires_at"),
    tier_rows.PROGRAMS_DUE,
    birthdays.PROGRAMS,
    gift_rounds.PROGRAMS,
    metafields.PROGRAMS_WITH_NEWS,
    customer_tags.SHOPS_WITH_WORK,
    issuing.LONGEST_DUE,
    friend_codes.LONGEST_DUE,
    referrals.PROGRAMS_DUE,
    advocates.PROGRAMS_WITH_OLD_DIGESTS,
    waits.LINES,
    draws.CALLED_OFF,
    credits.FORGET_DONE,
}
FEW_FOR_EACH_TENANT = {
    "rewards_programversion",
    "rewards_giftround",
    "shopify_bridge_backfill",
    "shopify_bridge_ordercheck",
    "rewards_budget",
    # Some for each reward; and who waits now, but nobody who ever did.
    "rewards_tally",
    "rewards_payout",
    "rewards_drawing",
    "rewards_wait",
    # Credits on their way now.
    "shopify_bridge_credit",
}
NO_TENANT = "no tenant for"
GROWING = {*DISTRIBUTED, "shopify_bridge_inboxrow"} - FEW_FOR_EACH_TENANT


@pytest.mark.parametrize("name", PATHS)
def test_it_names_its_tenant_and_finds_its_rows_by_an_index(name: str, scene: Scene) -> None:
    with recorded() as statements:
        PATHS[name](scene)
    assert statements
    assert [fault for statement in statements for fault in _faults(statement)] == []


def test_orders_of_several_programs_are_found_by_their_indexes(scene: Scene) -> None:
    with recorded() as statements:
        orders_of_all_shops(scene)
    shared = [statement for statement in statements if strays(statement.numbered)]
    assert {"rewards_order", "rewards_member", "rewards_identity"} <= {
        table for statement in shared for table in strays(statement.numbered)
    }
    faults = [fault for statement in statements for fault in _faults(statement)]
    assert [fault for fault in faults if not fault.startswith(NO_TENANT)] == []


def test_in_a_database_that_is_spread_they_are_settled_one_by_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenancy, "is_spread", lambda: True)
    with recorded() as statements:
        orders_of_all_shops(scene)
    assert [fault for statement in statements for fault in _faults(statement)] == []


def test_who_is_published_next_is_not_sorted_for(scene: Scene) -> None:
    """After a change of the program all members wait, and they are told in hundreds of parts."""
    standing.all_stale(scene.program.pk)
    with recorded() as statements:
        assert len(standing.unpublished(scene.program.pk, 25)) == 25
    (statement,) = statements
    assert [node["Node Type"] for node in _nodes(statement.plan)] == ["Limit", "Index Scan"]


def test_a_page_of_what_is_over_is_read_in_the_order_of_its_index(scene: Scene) -> None:
    member_id = (
        Redemption.objects.filter(program=scene.program).order_by("pk").values_list("member_id", flat=True)[0]
    )
    with recorded() as statements:
        assert overview.past(scene.program.pk, member_id, before=10**9)[0]
    (statement,) = statements
    assert [node["Node Type"] for node in _nodes(statement.plan)] == ["Limit", "Index Scan"]


def test_a_look_takes_two_statements_whatever_rewards_there_are(scene: Scene) -> None:
    """Whose shop it is, and all that is theirs."""
    with aside():
        _offer(scene, limited=True, own=True)
        scene.asks("GET", "me")
    with recorded() as statements:
        told = scene.asks("GET", "me")
    assert {"left", "entries", "given"} <= {name for reward in told["rewards"] for name in reward}
    assert len(statements) == 2


@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("own", [False, True])
def test_a_look_is_planned_for_any_shopper_after_five(scene: Scene, limited: bool, own: bool) -> None:
    _offer(scene, limited=limited, own=own)
    _forget_plans()
    for _ in range(8):
        scene.asks("GET", "me")
    kept = [planned for planned in _prepared() if planned.for_given > 1]
    assert [(planned.for_given, planned.for_any) for planned in kept] == [(5, 3), (5, 3)]


@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("own", [False, True])
def test_the_plan_for_any_shopper_finds_rows_by_an_index(scene: Scene, limited: bool, own: bool) -> None:
    _offer(scene, limited=limited, own=own)
    _forget_plans()
    with preferring_indexes():
        for _ in range(8):
            scene.asks("GET", "me")
        plans = [planned.plan() for planned in _prepared() if planned.for_any]
    _forget_plans()
    assert [fault for plan in plans for fault in _wide(plan, "a look")] == []
    assert "rewards_redemption" in {node.get("Relation Name") for plan in plans for node in _nodes(plan)}


def test_the_figures_of_the_inbox_cost_nothing_for_what_is_done(scene: Scene) -> None:
    with recorded() as statements:
        list(metrics._counted())
    of_inbox = [one for one in statements if "inboxrow" in one.sql]
    assert len(of_inbox) == 2
    assert not [fault for statement in of_inbox for fault in _faults(statement)]


def test_the_door_finds_the_shop_of_a_delivery_by_an_index(scene: Scene) -> None:
    """Its statement goes around Django's cursor. The inbox it writes to is the one queue of all tenants."""
    delivery = webhooks.Kept(scene.shop.domain, "1", "", "orders/paid", "", None, b"{}", False, b"hash")
    with preferring_indexes():
        cursor = psycopg.Cursor(connection.connection)
        cursor.execute(f"EXPLAIN {webhooks.KEEP}", [[value] for value in delivery])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Conflict Arbiter Indexes: inbox_delivery_once" in plan
    assert "Index Scan using shopify_bridge_shop_domain" in plan
    assert "Seq Scan" not in plan


def _offer(scene: Scene, *, limited: bool, own: bool) -> None:
    document = programs.document(scene.program)
    rewards = [{**reward, **LIMITS} if limited else reward for reward in document["rewards"]]
    if own:
        rewards += [{**EVENING, "in_total": 1}, TREES, RAFFLE]
    programs.apply(scene.program, {**document, "rewards": rewards}, "test")


class Planned(NamedTuple):
    """A statement that this connection has prepared, and how often it was planned."""

    name: str
    parameters: int
    for_given: int
    for_any: int

    def plan(self) -> dict[str, Any]:
        values = ", ".join(["NULL"] * self.parameters)
        with connection.cursor() as cursor:
            cursor.execute(f'EXPLAIN (FORMAT JSON) EXECUTE "{self.name}" ({values})')
            (told,) = cursor.fetchone()
        return top(told)


def _forget_plans() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    prepared._known.clear()


def _prepared() -> list[Planned]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, cardinality(parameter_types), custom_plans, generic_plans"
            " FROM pg_prepared_statements ORDER BY cardinality(parameter_types)"
        )
        return [Planned(*row) for row in cursor.fetchall()]


def _faults(statement: Statement) -> Iterator[str]:
    sql = " ".join(statement.sql.split())
    if statement.sql not in OF_ALL_TENANTS:
        for table in strays(statement.numbered):
            yield f"{NO_TENANT} {table}: {sql}"
    yield from _wide(statement.plan, sql)


def _wide(plan: dict[str, Any], sql: str) -> Iterator[str]:
    for node in _nodes(plan):
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in GROWING:
            yield f"{node['Relation Name']} is read whole: {sql}"
        if "Index Name" in node and not _narrow(node):
            yield f"{node['Index Name']} is walked from end to end, or for all of a tenant: {sql}"


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _narrow(node: dict[str, Any]) -> bool:
    """Whether an index is asked for more than a tenant, or holds a small part of its table only."""
    asked = re.sub(r"\(?\w*\.?program_id = [^)]*\)?( AND )?", "", node.get("Index Cond", ""))
    with aside(), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT indpred IS NOT NULL, indrelid::regclass::text
            FROM pg_index WHERE indexrelid = %s::regclass
            """,
            [node["Index Name"]],
        )
        is_partial, table = cursor.fetchone()
    return bool(asked.strip("()")) or is_partial or table not in GROWING


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT 1 FROM rewards_lot WHERE id = $1", {"rewards_lot"}),
        ("SELECT 1 FROM rewards_lot WHERE program_id = $1 OR id = $2", {"rewards_lot"}),
        ("SELECT 1 FROM rewards_lot WHERE program_id = ANY($1)", {"rewards_lot"}),
        ("SELECT 1 FROM rewards_lot WHERE program_id = $1 UNION SELECT 1 FROM rewards_lot", {"rewards_lot"}),
        (
            "SELECT 1 FROM rewards_lot l JOIN rewards_order o USING (id) WHERE l.program_id = 1",
            {"rewards_order"},
        ),
        (
            "SELECT FROM rewards_lot l LEFT JOIN rewards_order o ON o.program_id = 1 WHERE l.program_id = 1",
            {"rewards_order"},
        ),
        ("UPDATE rewards_lot SET given = 1 FROM unnest($1) v WHERE id = v", {"rewards_lot"}),
        ("INSERT INTO rewards_lot (id) VALUES ($1)", {"rewards_lot"}),
        (
            "SELECT FROM rewards_lot l JOIN rewards_order o ON o.program_id = l.program_id"
            " WHERE l.program_id = $1",
            set(),
        ),
        (
            "SELECT 1 FROM rewards_lot WHERE program_id = 1 AND id IN"
            " (SELECT lot_id FROM rewards_movement WHERE program_id = rewards_lot.program_id)",
            set(),
        ),
        ("INSERT INTO rewards_lot (program_id, id) SELECT $1, * FROM unnest($2)", set()),
        ("DELETE FROM rewards_lot l WHERE l.program_id = $1::bigint", set()),
    ],
)
def test_the_reader_sees_who_is_left_out(sql: str, found: set[str]) -> None:
    assert strays(sql) == found
