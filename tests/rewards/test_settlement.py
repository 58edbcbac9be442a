"""Orders of several programs, settled together: each program has what it would have alone."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rewards import ledger, orders, people, programs, tenancy
from rewards.accounts import LedgerBroken, MemberMerged
from rewards.audit import audit
from rewards.earning import TooManyPoints
from rewards.ledger import Opening
from rewards.models import Member, MemberTier, Movement, Order, Program
from rewards.settlement import Batch, settle_together
from tests.rewards.conftest import NOW, line, order

pytestmark = pytest.mark.django_db

FIRST = {"id": "first", "kind": "first_order", "points": 30}
LEVELS = [{"id": "silver", "name": "Silver", "from": "60", "entry_points": 7, "multiplier": {"factor": "2"}}]
WEEKLY = {"id": "two", "kind": "orders", "title": "Two", "count": 2, "points": 5, "repeat": True}
SORTS = [
    {},
    {"earning": {"rules": [FIRST], "signup_bonus": 50}},
    {"tiers": {"levels": LEVELS}},
    {"debt": "forgive", "challenges": [WEEKLY]},
]
"""Programs that ask the database for different things, and for the same."""


@pytest.fixture(autouse=True)
def promises(db):
    yield
    assert [(finding.check.name, finding.rows) for finding in audit() if finding.rows] == []


def program_of(sort):
    made = programs.start("Test", "EUR", "Europe/Berlin")
    document = {**programs.document(made), **SORTS[sort]}
    document["earning"] = {
        **programs.document(made)["earning"],
        "signup_bonus": 0,
        **SORTS[sort].get("earning", {}),
    }
    programs.apply(made, document, "test")
    made.versions.update(effective_from=programs.BEGINNING, created_at=programs.BEGINNING)
    return Program.objects.get(pk=made.pk)


def news_of(source, seed):
    """Orders of three customers, each in some states, and in any order."""
    random = Random(seed)
    told = []
    for number in range(4):
        customer = random.choice([7001, 7002, 7003, None])
        price, states = random.randrange(1000, 9000), random.randrange(1, 4)
        for minutes in range(states):
            left = 1 if minutes == 0 else random.choice([0, 1])
            changes = {"external_id": 5001 + number, "customer_id": customer, "source_id": source}
            told.append(order(line(price, current=left), minutes=minutes, **changes))
    random.shuffle(told)
    return told


def standing(program):
    """All that the program's people can see, without the numbers of rows."""
    movements = Movement.objects.filter(program=program).order_by("happened_at", "id")
    return (
        sorted(
            (one.member.identities.get().external_id, one.kind, one.source, one.target, one.points)
            for one in movements
        ),
        sorted(
            Order.objects.filter(program=program).values_list("external_id", "points", "spend", "blocked")
        ),
        sorted(
            Member.objects.filter(program=program).values_list(
                "identities__external_id", "pending", "available", "reserved", "debt"
            )
        ),
        sorted(MemberTier.objects.filter(program=program).values_list("tier", "member__joined_at")),
    )


@pytest.mark.parametrize("seed", range(12))
def test_it_makes_no_difference_with_whom_a_program_is_settled(seed):
    random = Random(seed)
    sorts = [random.randrange(len(SORTS)) for _ in range(5)]
    together, alone = [program_of(sort) for sort in sorts], [program_of(sort) for sort in sorts]
    news = [news_of(source, seed * 100 + source) for source in range(5)]
    for half in (slice(0, 5), slice(5, None)):
        # Who has no news left isn't in the second one.
        batches = [Batch(program, told[half]) for program, told in zip(together, news, strict=True)]
        settle_together([batch for batch in batches if batch.news], now=NOW)
        for program, told in zip(alone, news, strict=True):
            orders.settle_orders(program, [_elsewhere(one) for one in told[half]], now=NOW)
    assert [standing(program) for program in together] == [standing(program) for program in alone]


def _elsewhere(fact):
    return replace(fact, source_id=fact.source_id + 10)


def test_twenty_programs_cost_as_many_statements_as_two():
    assert len(statements_of(2)) == len(statements_of(20))


def statements_of(number):
    made = [program_of(0) for _ in range(number)]
    first = [Batch(one, [order(line(1000), source_id=100 + one.pk)]) for one in made]
    settle_together(first, now=NOW)
    # An order more of each member, one taken back, and one of somebody new.
    news = [
        (
            order(line(1000), external_id=5002, source_id=100 + one.pk),
            order(line(1000), external_id=5003, customer_id=7002, source_id=100 + one.pk),
            order(line(1000, current=0), minutes=1, source_id=100 + one.pk),
        )
        for one in made
    ]
    with CaptureQueriesContext(connection) as captured:
        settle_together([Batch(one, told) for one, told in zip(made, news, strict=True)], now=NOW)
    points = Member.objects.filter(program__in=made).values_list("available", flat=True)
    assert list(points) == [10] * 2 * number
    return [query["sql"] for query in captured.captured_queries if " FROM rewards_lot " not in query["sql"]]


def test_in_a_database_that_is_spread_each_statement_is_about_one_program(monkeypatch):
    made = [program_of(0) for _ in range(3)]
    monkeypatch.setattr(tenancy, "is_spread", lambda: True)
    news = [Batch(one, [order(line(1000), source_id=100 + one.pk)]) for one in made]
    with CaptureQueriesContext(connection) as captured:
        settle_together(news, now=NOW)
    locks = [query["sql"] for query in captured.captured_queries if "FOR UPDATE OF m" in query["sql"]]
    assert [f"m.program_id = {one.pk}" in sql for one, sql in zip(made, locks, strict=True)] == [True] * 3


def test_where_one_fails_nothing_of_the_others_is_kept():
    made = [program_of(0) for _ in range(3)]
    prices = [1000, 10**17, 1000]
    news = [
        Batch(one, [order(line(price, ordered=100), source_id=100 + one.pk)])
        for one, price in zip(made, prices, strict=True)
    ]
    with pytest.raises(TooManyPoints):
        settle_together(news, now=NOW)
    assert not Order.objects.exists()
    assert not Member.objects.exists()


def test_who_is_forgotten_in_one_program_is_a_customer_in_another():
    first, second = program_of(0), program_of(0)
    people.forget(first, (1, 7001))
    news = [Batch(first, [order(line(1000))]), Batch(second, [order(line(1000), source_id=2)])]
    settle_together(news, now=NOW)
    assert list(Member.objects.values_list("program_id", "available")) == [(second.pk, 10)]
    assert Order.objects.get(program=first).facts["customer_id"] is None
    # Later news of the same orders brings nobody back, and changes nothing for the other.
    news = [
        Batch(first, [order(line(1000), minutes=5)]),
        Batch(second, [order(line(1000), minutes=5, source_id=2)]),
    ]
    settle_together(news, now=NOW)
    assert Order.objects.get(program=first).facts["customer_id"] is None
    assert Order.objects.get(program=second).facts["customer_id"] == 7001


def test_a_member_is_booked_in_their_own_program_only():
    first, second = program_of(0), program_of(0)
    orders.settle_orders(first, [order(line(1000))], now=NOW)
    member = Member.objects.get()
    with pytest.raises(LedgerBroken, match="not in their programs"):
        ledger.open_books([Opening(first.pk, [], NOW), Opening(second.pk, [member.pk], NOW)])


def test_who_was_merged_away_in_one_program_is_found_anew_for_all():
    first, second = program_of(0), program_of(0)
    settle_together(
        [
            Batch(first, [order(line(1000)), order(line(1000), external_id=5002, customer_id=7002)]),
            Batch(second, [order(line(1000), source_id=2)]),
        ],
        now=NOW,
    )
    gone = people.find(first.pk, [(1, 7001)])[1, 7001]
    people.merge(first, (1, 7002), (1, 7001), happened_at=NOW, now=NOW)
    with pytest.raises(MemberMerged):
        ledger.open_books([Opening(first.pk, [gone], NOW)])
    later = NOW + timedelta(hours=1)
    settle_together(
        [
            Batch(first, [order(line(2000), minutes=60)]),
            Batch(second, [order(line(3000), minutes=60, source_id=2)]),
        ],
        now=later,
    )
    kept = Member.objects.filter(merged_into=None).values_list("program_id", "available")
    assert sorted(kept) == [(first.pk, 30), (second.pk, 30)]
