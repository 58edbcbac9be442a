"""A preview of a change says what then happens: to the point, and without saving anything."""

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rewards import documents, orders, programs, simulate, tiers
from rewards.facts import FetchedOrder, ProductFact
from rewards.models import Budget, Member, MemberTier, Movement, Order
from rewards.simulate import Window
from tests.rewards.conftest import NOW, line, order

MONTH = Window(NOW - timedelta(days=30), NOW + timedelta(days=1))
SUMMER = {"id": "summer", "kind": "multiplier", "factor": "2", "on": {"collections": [11]}}
CATALOGUE = {
    (1, 101): ProductFact(tags=frozenset({"Sale"}), collections=frozenset({11})),
    (1, 102): ProductFact(collections=frozenset({12})),
    (1, 103): ProductFact(),
}


def known(keys):
    """What is known of products today."""
    return {key: CATALOGUE[key] for key in keys if key in CATALOGUE}


def paid(number, price=1000, *, customer=7001, days=None, tags=(), **changes):
    moment = NOW - timedelta(days=20 - number if days is None else days)
    values = {"external_id": 5000 + number, "customer_id": customer, "processed_at": moment}
    lines = changes.pop("lines", (line(price, product_id=101),))
    fact = order(*lines, **{**values, "updated_at": moment, **changes})
    return FetchedOrder(fact, customer_tags=tuple(tags), paid_at=moment)


def settle(program, *news):
    for item in news:
        assert not orders.settle_orders(program, [item], catalogue=CATALOGUE, now=NOW).unsure


def changed(program, **earning):
    document = deepcopy(programs.document(program))
    document["earning"].update(earning)
    return documents.checked(document, program.currency)


def looked_at(world, window=MONTH, **earning):
    return simulate.preview(world.program, changed(world.program, **earning), window, products=known)


def test_a_preview_counts_both_sides_per_member_and_in_money(world):
    settle(world.program, paid(1, 10000), paid(2, 5000, customer=7002), paid(3, 99, customer=7003))
    found = looked_at(world, rate={"points": 2, "per": "1"})
    assert (found.orders, found.members, found.before, found.after) == (3, 3, 150, 301)
    assert (found.gaining, found.losing, found.every, found.spent) == (3, 0, 1, 15099)
    assert [(row.customer_id, row.change) for row in found.top] == [(7001, 100), (7002, 50), (7003, 1)]
    # 5.00 for 100 points, or 1.00 for 20: the first one that gives most.
    assert found.worth_before == found.worth_after == simulate.Worth(Fraction(5), "5.00 off")
    assert found.assumed == []


def test_nothing_is_saved(world):
    settle(world.program, paid(1, 10000))
    rows = [list(model.objects.values()) for model in (Order, Member, Movement, Budget)]
    luck = {"id": "luck", "kind": "surprise", "amount": "1", "points": 5, "budget": 3}
    assert looked_at(world, rules=[luck, SUMMER]).after == 205
    assert rows == [list(model.objects.values()) for model in (Order, Member, Movement, Budget)]
    assert world.program.versions.count() == 2


def test_only_orders_of_the_window_count(world):
    settle(world.program, *(paid(number, days=days) for number, days in enumerate((31, 30, 1, -1))))
    assert looked_at(world).orders == 2


def test_the_last_month_is_that_of_the_shop(world):
    """Berlin is ahead of UTC: there, December has begun."""
    window = Window.last_month(world.program, datetime(2026, 11, 30, 23, 30, tzinfo=UTC))
    assert window == Window(datetime(2026, 10, 31, 23, tzinfo=UTC), datetime(2026, 11, 30, 23, tzinfo=UTC))


def test_what_went_back_earns_nothing_on_either_side(world):
    settle(world.program, paid(1, 10000), paid(2, 10000))
    for item in (
        paid(1, lines=(line(10000, current=0),), updated_at=NOW),
        paid(2, 10000, cancelled=True, updated_at=NOW),
    ):
        settle(world.program, item)
    found = looked_at(world, rate={"points": 5, "per": "1"})
    assert (found.orders, found.before, found.after, found.top) == (2, 0, 0, [])


def test_chargebacks_count(world):
    settle(world.program, paid(1, 10000))
    Order.objects.update(disputes={"1": {"amount": 4000, "lost": True}, "2": {"amount": 1000, "lost": False}})
    found = looked_at(world, rate={"points": 2, "per": "1"})
    assert (found.before, found.after) == (60, 120)
    Order.objects.update(disputes={})


def test_orders_that_the_rules_in_force_leave_out_can_count(world):
    """They have no context yet."""
    world.rules(award_on="fulfilled")
    settle(world.program, paid(1), paid(2, fulfilled=True))
    found = looked_at(world, award_on="paid")
    assert (found.before, found.after) == (10, 20)


def test_tags_of_then_count_where_they_are_known_and_those_of_today_elsewhere(world):
    settle(world.program, paid(1, tags=["staff"]), paid(2, customer=7002), paid(3, customer=7003))
    Member.objects.filter(identities__external_id__in=[7001]).update(tags=["vip"])
    Member.objects.filter(identities__external_id__in=[7002]).update(tags=["Staff"])
    found = looked_at(world, excluded_customer_tags=["staff"])
    assert (found.before, found.after) == (30, 10)
    assert found.assumed == [
        "Of 2 orders the customer's tags at that time aren't known; those of today were taken."
    ]


def test_products_are_those_of_then_and_those_of_today_where_nothing_was_kept(world):
    world.rules(rules=[SUMMER])
    settle(
        world.program,
        paid(1),
        paid(2, lines=(line(1000, product_id=102), line(1000, id=2, product_id=104))[:1]),
    )
    twelve = {**SUMMER, "id": "winter", "on": {"collections": [12, 11]}}
    found = looked_at(world, rules=[twelve])
    assert (found.before, found.after) == (30, 40)
    assert found.assumed == [
        "Tags and collections of products: 2 times those of then are unknown; today's were taken."
    ]
    # What was kept stays as it was, whatever the product is today.
    nothing = simulate.preview(world.program, changed(world.program, rules=[twelve]), MONTH)
    assert nothing.after == 30
    assert "2 times none are known" in nothing.assumed[0]


def test_a_product_that_nobody_knows_is_said(world):
    settle(world.program, paid(1, lines=(line(1000, product_id=999),)))
    found = looked_at(world, rules=[SUMMER])
    assert (found.after, len(found.assumed)) == (10, 1)


def test_the_places_of_a_budget_go_to_who_paid_first_and_only_what_is_left(world):
    luck = {"id": "luck", "kind": "surprise", "amount": "10", "points": 100, "budget": 3}
    world.rules(rules=[luck])
    settle(world.program, paid(1, days=40), paid(4), paid(2, customer=7002), paid(3, 900, customer=7003))
    assert looked_at(world).before == 110 + 110 + 9
    # One place is taken by the order from before.
    fewer = looked_at(world, rules=[{**luck, "budget": 2}])
    assert (fewer.before, fewer.after) == (229, 129)
    assert [row.customer_id for row in fewer.top] == [7001]


def test_an_order_that_earns_too_much_counts_for_nothing_and_is_said(world):
    settle(world.program, paid(1, 10**12), paid(2))
    luck = {"id": "luck", "kind": "surprise", "amount": "10", "points": 100, "budget": 3}
    found = looked_at(world, rate={"points": 1_000_000, "per": "0.01"}, rules=[luck])
    assert found.assumed == ["1 orders would earn more points than can be counted, and count for nothing."]
    assert found.after == 1_000_000_100


def test_of_many_orders_every_so_manieth_member_is_looked_at(world):
    settle(world.program, *(paid(number, customer=7000 + number) for number in range(1, 13)))
    document = changed(world.program, rate={"points": 2, "per": "1"})
    found = simulate.preview(world.program, document, MONTH, most=4)
    assert (found.every, found.members, found.before, found.after) == (3, 4, 40, 80)


def test_batches_are_small_and_part_no_member(world, monkeypatch):
    settle(world.program, *(paid(number, customer=7000 + number % 3) for number in range(1, 13)))
    monkeypatch.setattr(simulate, "BATCH", 2)
    sizes = [len(batch) for batch in simulate.Run(world.program, changed(world.program), MONTH)._batches()]
    assert sizes == [4, 4, 4]


# -- the preview equals what then happens -----------------------------------------------------------------

DATES = st.sampled_from([None, "2026-11-05", "2026-11-09T13:00", "2026-11-14"])
AUDIENCES = st.fixed_dictionaries(
    {},
    optional={
        "customer_tags": st.just(["VIP"]),
        "never_ordered": st.booleans(),
        "not_ordered_days": st.integers(1, 9),
        "member_since": st.just("2026-11-07"),
    },
)
GOODS = st.fixed_dictionaries(
    {}, optional={"products": st.just([102]), "collections": st.just([11]), "product_tags": st.just(["sale"])}
)
TAGS = {7001: ["vip"], 7002: ["staff"], 7003: []}
OWN = {
    "multiplier": {"factor": st.sampled_from(["0.5", "1.5", "3"]), "stackable": st.booleans(), "on": GOODS},
    "bonus": {"points": st.integers(1, 50), "on": GOODS},
    "first_order": {"points": st.integers(1, 50)},
    "nth_order": {"n": st.integers(2, 4), "repeat": st.booleans(), "points": st.integers(1, 50)},
    "order_over": {"amount": st.sampled_from(["5", "20", "50"]), "points": st.integers(1, 50)},
    "order_again": {"within_days": st.integers(1, 6), "points": st.integers(1, 50)},
    "surprise": {
        "amount": st.sampled_from(["5", "20"]),
        "points": st.integers(1, 50),
        "budget": st.integers(1, 4),
    },
}


LEVELS = [
    {"id": "silver", "name": "Silver", "from": "20", "multiplier": {"factor": "1.5"}},
    {"id": "gold", "name": "Gold", "from": "60", "multiplier": {"factor": "2", "stackable": False}},
]
TIERS = st.fixed_dictionaries(
    {
        "metric": st.sampled_from(["spend", "points", "orders"]),
        "window": st.sampled_from(["lifetime", "calendar_year", "rolling_year"]),
        "levels": st.sampled_from([LEVELS[:1], LEVELS]).flatmap(
            lambda levels: (
                st.tuples(
                    *(
                        st.builds(
                            lambda level, from_: {**level, "from": from_},
                            st.just(level),
                            st.just(str(number)),
                        )
                        for number, level in enumerate(levels, 2)
                    )
                ).map(list)
                | st.just(levels)
            )
        ),
    }
)


@st.composite
def programs_said(draw):
    """What a document says of earning and tiers."""
    tiers = draw(st.just({}) | TIERS)
    earning = draw(earnings())
    for rule in earning["rules"]:
        if tiers and draw(st.booleans()):
            rule["audience"] = {**rule["audience"], "tiers": ["silver"]}
    return {"earning": earning, "tiers": tiers}


@st.composite
def earnings(draw):
    rules = []
    for number, kind in enumerate(draw(st.lists(st.sampled_from(sorted(OWN)), max_size=4))):
        span = sorted(filter(None, (draw(DATES), draw(DATES))))
        times = {"starts": span[0], "ends": span[1]} if len(set(span)) == 2 else {}
        own = draw(st.fixed_dictionaries(OWN[kind]))
        rules.append({"id": f"r{number}", "kind": kind, **times, "audience": draw(AUDIENCES), **own})
    return {
        "rate": {"points": draw(st.integers(0, 3)), "per": "1"},
        "rounding": draw(st.sampled_from(["down", "nearest", "up"])),
        "award_on": draw(st.sampled_from(["paid", "paid", "fulfilled"])),
        "signup_bonus": 0,
        "excluded": draw(
            st.fixed_dictionaries(
                {}, optional={"products": st.just([103]), "product_tags": st.just(["sale"])}
            )
        ),
        "excluded_customer_tags": draw(st.sampled_from([[], ["staff"]])),
        "caps": draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "order": st.integers(1, 80),
                    "day": st.integers(20, 90),
                    "member": st.integers(20, 150),
                    "member_days": st.integers(2, 10),
                },
            )
        ),
        "rules": rules,
    }


@st.composite
def histories(draw):
    """Orders of a few customers, one after the other; some go back in part afterwards."""
    news, later = [], []
    for number in range(draw(st.integers(1, 7))):
        lines = tuple(
            line(
                draw(st.integers(1, 6000)),
                ordered,
                id=id,
                product_id=draw(st.sampled_from([0, 101, 102, 103])),
            )
            for id, ordered in enumerate(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)), 1)
        )
        customer = draw(st.integers(7001, 7003))
        item = paid(
            number,
            customer=customer,
            # Some on one day.
            days=20 - number * 0.7,
            tags=TAGS[customer],
            lines=lines,
            fulfilled=draw(st.booleans()),
        )
        news.append(item)
        if draw(st.integers(0, 3)) == 0:
            left = tuple(replace(one, current=draw(st.integers(0, one.ordered))) for one in lines)
            fact = replace(item.fact, lines=left, updated_at=NOW, cancelled=draw(st.booleans()))
            later.append(replace(item, fact=fact))
    return news, later


def begun(said):
    """A program that had these rules from the beginning."""
    program = programs.start("Test", "EUR", "Europe/Berlin")
    programs.apply(program, {**programs.starter("Test", "EUR"), **said}, "test")
    program.versions.update(effective_from=programs.BEGINNING)
    return program


def points_of_members(program):
    """Of orders, by the customer's number."""
    found = {}
    for row in Order.objects.filter(program=program, member__isnull=False):
        found[row.facts["customer_id"]] = found.get(row.facts["customer_id"], 0) + row.points
    return found


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(programs_said(), programs_said(), histories())
def test_the_preview_equals_what_then_happens(db, rules, others, history):
    # Which of a member's orders one is stays as it was counted, and only orders that were awarded count.
    assume(rules["earning"]["award_on"] == others["earning"]["award_on"] or not counts_orders(others))
    first, second = begun(rules), begun(others)
    for program in (first, second):
        for item in history[0]:
            assert not orders.settle_orders(program, [item], catalogue=CATALOGUE, now=item.paid_at).unsure
        assert not orders.settle_orders(program, history[1], catalogue=CATALOGUE, now=NOW).unsure
    # Of orders that had no first award under the rules in force, those of today are taken.
    for customer, tags in TAGS.items():
        Member.objects.filter(program=first, identities__external_id=customer).update(tags=tags)
    run = simulate.Run(first, programs.document(second), MONTH, products=known)
    rows = list(run.rows())
    assert {row.customer_id: row.before for row in rows} == points_of_members(first)
    assert {row.customer_id: row.after for row in rows} == points_of_members(second)


def counts_orders(said):
    return any(
        rule["kind"] in ("first_order", "nth_order", "order_again")
        or rule["audience"].get("never_ordered")
        or rule["audience"].get("not_ordered_days")
        for rule in said["earning"]["rules"]
    )


def tiers_of(program):
    found = MemberTier.objects.filter(program=program).exclude(tier="")
    return dict(found.values_list("member_id", "tier"))


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(programs_said(), TIERS, histories())
def test_who_is_said_to_move_then_moves(db, said, other, history):
    program = begun(said)
    for item in (*history[0], *history[1]):
        orders.settle_orders(program, [item], catalogue=CATALOGUE, now=NOW)
    before = tiers_of(program)
    document = documents.checked({**programs.document(program), "tiers": other}, "EUR")
    names = {"silver": "Silver", "gold": "Gold", None: ""}
    moves = list(simulate.moves(program, document, now=NOW))
    programs.apply(program, document, "test")
    tiers.follow(now=NOW)
    after = tiers_of(program)
    assert {move.member_id: (move.before, move.after) for move in moves} == {
        id: (names[before.get(id)], names[after.get(id)])
        for id in before.keys() | after.keys()
        if before.get(id) != after.get(id)
    }


def test_up_and_down_are_told_apart_where_levels_are_taken_out(world):
    both = {"tiers": {"metric": "orders", "levels": LEVELS}}
    world.apply({**programs.document(world.program), **both})
    world.program.refresh_from_db()
    settle(world.program, *(paid(number) for number in range(1, 3)))
    for levels, expected in (
        ([{**LEVELS[0], "from": "2"}], ("", "Silver", True)),
        ([{**LEVELS[0], "from": "1"}, {**LEVELS[1], "from": "2"}], ("", "Gold", True)),
    ):
        document = documents.checked(
            {**programs.document(world.program), "tiers": {"metric": "orders", "levels": levels}}, "EUR"
        )
        (move,) = simulate.moves(world.program, document, now=NOW)
        assert (move.before, move.after, move.is_up) == expected
    world.apply(
        {
            **programs.document(world.program),
            "tiers": {"metric": "orders", "levels": [{**LEVELS[0], "from": "1"}, {**LEVELS[1], "from": "2"}]},
        }
    )
    world.program.refresh_from_db()
    tiers.follow(now=NOW)
    lower = documents.checked(
        {
            **programs.document(world.program),
            "tiers": {"metric": "orders", "levels": [{**LEVELS[0], "from": "1"}]},
        },
        "EUR",
    )
    assert list(simulate.moves(world.program, lower, now=NOW)) == [], "Gold stays, closed"
    assert list(simulate.moves(world.program, changed(world.program, hold_days=3), now=NOW)) == []
