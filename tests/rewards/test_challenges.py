"""Challenges: what orders lead to, against a slow oracle; what is given for it, once a turn."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import challenges, ledger, orders, people, personal, programs, timeline
from rewards.challenges import Challenge, Counted, progress
from rewards.facts import FetchedOrder, ProductFact
from rewards.models import Achievement, Movement
from rewards.rules.base import Period
from tests.rewards.conftest import NOW, line, order

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)


def challenge(kind="orders", count=3, **changes):
    values = {
        "id": "one",
        "kind": kind,
        "title": "Challenge",
        "count": count,
        "points": 100,
        "badge": "",
        "repeat": False,
        "within_days": None,
        "collections": frozenset({1, 2, 3}),
        "period": Period(),
    }
    return Challenge(**{**values, **changes})


def counted(*day, collections=()):
    moment = datetime(*day, 12, tzinfo=UTC)
    return Counted(moment, moment.date(), frozenset(collections))


def turns(found):
    return [moment.date().isoformat() for moment in found.achieved]


def test_so_many_orders():
    three = [counted(2026, 1, day) for day in (1, 10, 30)]
    assert progress(challenge(), three[:2], date(2026, 6, 1), BERLIN) == challenges.Progress((), 2, None)
    assert turns(progress(challenge(), three, date(2026, 6, 1), BERLIN)) == ["2026-01-30"]


@pytest.mark.parametrize(("last", "achieved"), [(date(2026, 3, 2), True), (date(2026, 3, 3), False)])
def test_within_so_many_days(last, achieved):
    three = [counted(2026, 1, 1), counted(2026, 1, 20), counted(last.year, last.month, last.day)]
    found = progress(challenge(within_days=60), three, last, BERLIN)
    assert bool(found.achieved) == achieved
    assert found.done == (3 if achieved else 2)
    if not achieved:
        assert found.until == date(2026, 3, 21)


def test_what_is_too_old_leads_nowhere_any_more():
    two = [counted(2026, 1, 1), counted(2026, 1, 20)]
    for today, done, until in (
        (date(2026, 1, 21), 2, date(2026, 3, 2)),
        (date(2026, 3, 2), 2, date(2026, 3, 2)),
        (date(2026, 3, 3), 1, date(2026, 3, 21)),
        (date(2026, 3, 22), 0, None),
    ):
        assert progress(challenge(within_days=60), two, today, BERLIN) == challenges.Progress((), done, until)


def test_from_so_many_collections():
    found = [counted(2026, 1, 1, collections=[1, 9]), counted(2026, 1, 2, collections=[1]),
             counted(2026, 1, 3, collections=[2]), counted(2026, 1, 4, collections=[2, 3])]  # fmt: skip
    three = challenge("collections")
    assert [progress(three, found[:n], date(2026, 2, 1), BERLIN).done for n in range(5)] == [0, 1, 1, 2, 3]
    assert turns(progress(three, found, date(2026, 2, 1), BERLIN)) == ["2026-01-04"]


def test_months_in_a_row_across_a_year():
    months = challenge("months", count=4)
    row = [counted(2026, 10, 31), counted(2026, 11, 1), counted(2026, 11, 30), counted(2026, 12, 5)]
    found = progress(months, row, date(2027, 1, 15), BERLIN)
    assert (found.achieved, found.done, found.until) == ((), 3, date(2027, 1, 31))
    assert progress(months, row, date(2027, 2, 1), BERLIN).done == 0
    assert turns(progress(months, [*row, counted(2027, 1, 31)], date(2027, 2, 1), BERLIN)) == ["2027-01-31"]
    gap = [*row, counted(2027, 2, 1)]
    assert progress(months, gap, date(2027, 2, 1), BERLIN).done == 1


def test_a_month_that_ended_a_turn_begins_no_other():
    months = challenge("months", count=2, repeat=True)
    row = [counted(2026, month, day) for month in (1, 2, 3, 4) for day in (1, 20)]
    assert turns(progress(months, row, date(2026, 4, 30), BERLIN)) == ["2026-02-01", "2026-04-01"]


def test_only_orders_of_its_time_count():
    period = Period(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC))
    row = [counted(2026, 1, day) for day in range(1, 8)]
    found = progress(challenge(count=5, period=period), row, date(2026, 1, 4), BERLIN)
    assert (found.achieved, found.done, found.until) == ((), 3, date(2026, 1, 5))


# --- the oracle: it knows only what a stretch of orders is worth, and looks for the most turns


def worth(one, stretch):
    """Whether some of these orders, the last one among them, are a whole turn."""
    *before, last = stretch
    if one.kind == "months":
        months = {order.month for order in stretch}
        return all(last.month - back in months for back in range(one.count))
    for size in range(len(before) + 1):
        for chosen in combinations(before, size):
            some = [*chosen, last]
            if one.within_days is not None and (last.day - min(o.day for o in some)).days > one.within_days:
                continue
            if one.kind == "orders" and len(some) == one.count:
                return True
            gathered = {c for o in some for c in o.collections} & one.collections
            if one.kind == "collections" and len(gathered) >= one.count:
                return True
    return False


def most_turns(one, row):
    @lru_cache
    def best(begin):
        found = 0
        for end in range(begin, len(row)):
            if worth(one, row[begin : end + 1]):
                following = end + 1
                if one.kind == "months":
                    while following < len(row) and row[following].month == row[end].month:
                        following += 1
                found = max(found, 1 + best(following))
        return found

    return min(best(0), 1) if not one.repeat else best(0)


histories = st.lists(
    st.tuples(st.integers(0, 200), st.frozensets(st.integers(1, 4), max_size=3)), max_size=9
).map(
    lambda days: [
        Counted(datetime(2026, 1, 1, tzinfo=UTC) + day * DAY, date(2026, 1, 1) + day * DAY, collections)
        for day, collections in sorted(days, key=lambda pair: pair[0])
    ]
)
kinds = st.builds(
    challenge,
    kind=st.sampled_from(["orders", "collections", "months"]),
    count=st.integers(1, 3),
    repeat=st.booleans(),
    within_days=st.none() | st.integers(1, 90),
)


@given(kinds, histories)
def test_as_many_turns_as_there_can_be(one, row):
    assert len(progress(one, row, date(2026, 8, 1), BERLIN).achieved) == most_turns(one, row)


@given(st.builds(challenge, count=st.integers(1, 3), within_days=st.none() | st.integers(1, 90)), histories)
def test_progress_says_how_many_orders_are_missing(one, row):
    today = max((order.day for order in row), default=date(2026, 1, 1))
    before = progress(one, row, today, BERLIN)
    if before.achieved:
        assert before.done == one.count
        return
    moment = datetime(today.year, today.month, today.day, 13, tzinfo=UTC)
    missing = [Counted(moment, today)] * (one.count - before.done)
    assert not progress(one, row + missing[:-1], today, BERLIN).achieved
    assert progress(one, row + missing, today, BERLIN).achieved


# --- what it gives

SETTING = {
    "id": "three",
    "kind": "orders",
    "title": "Three orders",
    "count": 3,
    "points": 100,
    "badge": "Regular",
}
EARLY = NOW - 200 * DAY


@pytest.fixture
def shop(world):
    def play(*settings):
        world.apply({**programs.document(world.program), "challenges": list(settings)})
        world.program.versions.update(created_at=EARLY)
        challenges._of_version.cache_clear()
        return world

    world.play = play
    return world


def bought(number, day=0, *, customer_id=7001, price=1000, current=1, products=(), **changes):
    lines = [
        line(price, id=place, current=current, product_id=id) for place, id in enumerate(products or [0], 1)
    ]
    moment = NOW - 100 * DAY + day * DAY
    more = {"external_id": 5000 + number, "customer_id": customer_id, **changes}
    return order(*lines, processed_at=moment, **{"updated_at": moment, **more})


def given_to(world, customer=7001):
    rows = Achievement.objects.filter(member=world.member(customer)).order_by("challenge", "turn")
    return [(row.challenge, row.turn) for row in rows]


def test_points_and_badge_for_the_third_order(shop):
    shop.play(SETTING)
    for number in (1, 2):
        shop.settle(bought(number, number))
    assert given_to(shop) == []
    shop.settle(bought(3, 3))
    member = shop.member()
    assert (member.available, given_to(shop)) == (130, [("three", 1)])
    movement = Movement.objects.get(kind="challenge")
    assert movement.key == f"challenge:{member.pk}:three:1:0"
    assert movement.happened_at == NOW - 97 * DAY
    events, _ = timeline.events(shop.program, member.pk)
    assert "“Three orders” achieved: 100 points." in [event.text for event in events]
    assert [row.badge for row in challenges.badges(shop.program.pk, member.pk)] == ["Regular"]
    assert [row["badge"] for row in personal.stored(member)["achievements"]] == ["Regular"]
    shop.settle(bought(4, 4))
    assert shop.member().available == 140


def test_many_orders_in_one_batch_and_the_same_again(shop):
    shop.play({**SETTING, "repeat": True})
    news = [bought(number, number) for number in range(7)]
    for _ in range(2):
        orders.settle_orders(shop.program, news, now=NOW)
    assert given_to(shop) == [("three", 1), ("three", 2)]
    assert shop.member().available == 70 + 200
    events, _ = timeline.events(shop.program, shop.member().pk)
    assert "“Three orders” achieved for the 2nd time: 100 points." in [event.text for event in events]


@given(st.permutations(range(6)))
def test_the_sequence_of_the_news_doesn_t_matter(sequence):
    row = [counted(2026, 1, 1 + number) for number in range(6)]
    one = challenge(count=2, repeat=True)
    known, had = [], 0
    for number in sequence:
        known = sorted([*known, row[number]], key=lambda order: order.moment)
        had = max(had, len(progress(one, known, date(2026, 2, 1), BERLIN).achieved))
    assert had == 3


def test_an_undone_order_counts_no_longer_and_what_was_achieved_stays(shop):
    shop.play({**SETTING, "repeat": True})
    for number in (1, 2):
        shop.settle(bought(number, number))
    later = NOW - 50 * DAY
    shop.settle(bought(2, 2, updated_at=later, cancelled=True))
    (standing,) = challenges.standings(shop.program, shop.member().pk, NOW)
    assert (standing.done, standing.turns) == (1, 0)
    for number in (3, 4):
        shop.settle(bought(number, number))
    assert given_to(shop) == [("three", 1)]
    shop.settle(bought(4, 4, current=0, updated_at=later))
    assert given_to(shop) == [("three", 1)]
    assert shop.member().available == 20 + 100
    (standing,) = challenges.standings(shop.program, shop.member().pk, NOW)
    assert (standing.done, standing.turns) == (0, 1)
    # The undone one has to be made up for before the next turn begins.
    for number in (5, 6, 7):
        shop.settle(bought(number, number))
    assert given_to(shop) == [("three", 1)]
    shop.settle(bought(8, 8))
    assert given_to(shop) == [("three", 1), ("three", 2)]


def test_an_order_without_points_counts_unless_it_earns_nothing_at_all(shop):
    shop.rules(excluded={"channels": ["pos"]})
    shop.play({**SETTING, "count": 2})
    shop.settle(bought(1, 1, price=0))
    shop.settle(bought(2, 2, channel="pos"))
    assert given_to(shop) == []
    shop.settle(bought(3, 3, price=0))
    assert given_to(shop) == [("three", 1)]


def test_what_was_before_it_could_be_read_doesn_t_count(shop):
    for number in (1, 2, 3):
        shop.settle(bought(number, number))
    shop.play(SETTING)
    shop.program.versions.filter(number=shop.program.version).update(created_at=NOW - 90 * DAY)
    challenges._of_version.cache_clear()
    shop.settle(bought(4, 11))
    assert given_to(shop) == []
    (standing,) = challenges.standings(shop.program, shop.member().pk, NOW)
    assert standing.done == 1
    # Unless it says that it does.
    shop.play({**SETTING, "starts": "2026-01-01"})
    shop.settle(bought(5, 12))
    assert given_to(shop) == [("three", 1)]


def test_collections_are_those_at_the_time_of_the_order(shop):
    shop.play({**SETTING, "kind": "collections", "collections": [11, 12], "count": 2})

    def settle(news, known):
        catalogue = {(1, id): ProductFact(collections=frozenset(there)) for id, there in known.items()}
        assert not orders.settle_orders(shop.program, [news], catalogue=catalogue, now=NOW).unsure

    assert orders.settle_orders(shop.program, [bought(1, 1, products=[1, 2])], now=NOW).unsure
    settle(bought(1, 1, products=[1, 2]), {1: [11, 99], 2: []})
    assert given_to(shop) == []
    settle(bought(2, 2, products=[2]), {2: [11]})
    assert given_to(shop) == []
    settle(bought(3, 3, products=[3]), {3: [12]})
    assert given_to(shop) == [("three", 1)]


def test_months_are_those_of_the_shop(shop):
    shop.play({**SETTING, "kind": "months", "count": 2, "starts": "2026-01-01"})
    # Half past midnight on 1 September in Berlin is an evening in August in London.
    for number, hour in enumerate((21, 22)):
        moment = datetime(2026, 8, 31, hour, 30, tzinfo=UTC)
        paid = {"external_id": 5000 + number, "processed_at": moment, "updated_at": moment}
        shop.settle(order(line(1000), **paid))
        assert given_to(shop) == [("three", 1)][:number]


def test_a_badge_alone(shop):
    shop.play({**SETTING, "points": 0, "count": 1})
    shop.settle(bought(1))
    assert (shop.member().available, given_to(shop)) == (10, [("three", 1)])
    assert not Movement.objects.filter(kind="challenge").exists()


def test_archived_and_past_challenges_give_nothing(shop):
    shop.play(
        {**SETTING, "count": 1, "archived": True}, {**SETTING, "id": "past", "count": 1, "ends": "2026-02-01"}
    )
    shop.settle(bought(1))
    assert given_to(shop) == []
    assert challenges.standings(shop.program, shop.member().pk, NOW) == []


def test_two_who_become_one_have_achieved_it_together(shop):
    shop.play({**SETTING, "repeat": True})
    for number, customer in enumerate((7001, 7001, 7001, 7001, 7002, 7002)):
        shop.settle(bought(number, number, customer_id=customer))
    assert given_to(shop, 7001) == [("three", 1)]
    people.merge(shop.program, (1, 7002), (1, 7001), happened_at=NOW, now=NOW)
    assert given_to(shop, 7002) == [("three", 1), ("three", 2)]
    assert shop.member(7002).available == 60 + 200


def test_of_two_who_both_achieved_it_both_keep_their_points(shop):
    shop.play({**SETTING, "count": 1})
    for number, customer in enumerate((7001, 7002)):
        shop.settle(bought(number, number, customer_id=customer))
    people.merge(shop.program, (1, 7002), (1, 7001), happened_at=NOW, now=NOW)
    assert shop.member(7002).available == 20 + 200
    assert len(challenges.badges(shop.program.pk, shop.member(7002).pk)) == 1


def test_standings_of_a_guest_and_of_who_is_through(shop):
    shop.play(SETTING, {**SETTING, "id": "month", "within_days": 30, "count": 5})
    found = challenges.standings(shop.program, None, NOW)
    assert [(one.challenge.id, one.done, one.turns, one.until) for one in found] == [
        ("three", 0, 0, None),
        ("month", 0, 0, None),
    ]
    for number in (1, 2, 3):
        shop.settle(bought(number, 90 + number))
    found = challenges.standings(shop.program, shop.member().pk, NOW)
    until = (NOW - 9 * DAY + 30 * DAY).date()
    assert [(one.done, one.turns, one.until, one.is_over) for one in found] == [
        (3, 1, None, True),
        (3, 0, until, False),
    ]


def test_a_program_without_challenges_asks_nothing_more(shop, django_assert_num_queries):
    member = shop.earn(10)
    with ledger.opened(shop.program.pk, [member.pk], now=NOW) as book, django_assert_num_queries(0):
        challenges.review(book, shop.program, [member.pk])


def test_fetched_orders_count_too(shop):
    shop.play({**SETTING, "count": 1})
    shop.settle(FetchedOrder(bought(1), paid_at=NOW - DAY))
    assert Achievement.objects.get().achieved_at == NOW - DAY
