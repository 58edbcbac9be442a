"""The context of a first award: which order of the member's it is, what caps and budgets leave, for good."""

from dataclasses import replace
from datetime import timedelta

from rewards import orders, people
from rewards.facts import FetchedOrder, OrderRef, ProductFact
from rewards.models import Budget, Movement, Order
from tests.rewards.conftest import NOW, line, order

FIRST = {"id": "first", "kind": "first_order", "points": 100}
SUMMER = {"id": "summer", "kind": "multiplier", "factor": "2", "on": {"collections": [11]}}
SURPRISE = {"id": "luck", "kind": "surprise", "amount": "50", "points": 50, "budget": 2}


def nth(number, price=1000, days=None, **changes):
    """The member's order with this number, paid so many days from now, as Shopify tells of it when asked."""
    days = number if days is None else days
    moment = NOW + timedelta(days=days)
    fact = order(line(price), external_id=5000 + number, processed_at=moment, updated_at=moment, **changes)
    return FetchedOrder(fact, paid_at=moment)


def told(number, ordinal, **changes):
    return replace(nth(number, **changes), ordinal=ordinal)


def points(world):
    rows = Order.objects.filter(program=world.program).order_by("external_id")
    return list(rows.values_list("points", flat=True))


def settle(world, *news, catalogue=None):
    return orders.settle_orders(
        world.program, news, catalogue=catalogue, now=NOW + timedelta(days=400)
    ).unsure


def test_the_first_order_is_the_one_paid_first(world):
    world.rules(rules=[FIRST])
    settle(world, nth(2), nth(1), nth(3))
    assert points(world) == [110, 10, 10]


def test_orders_that_come_in_any_order_have_the_place_that_shopify_tells(world):
    world.rules(rules=[FIRST])
    for item in (told(3, 3), told(1, 1), told(2, 2)):
        settle(world, item)
    assert points(world) == [110, 10, 10]


def test_a_customer_of_years_before_the_program_has_no_first_order(world):
    world.rules(rules=[FIRST, {"id": "ten", "kind": "nth_order", "n": 10, "points": 7}])
    settle(world, told(1, 8))
    settle(world, nth(2).fact)
    settle(world, nth(3).fact)
    assert points(world) == [10, 10, 17]


def test_an_order_of_someone_without_a_known_one_is_asked_about(world):
    world.rules(rules=[FIRST])
    assert settle(world, nth(1).fact) == (OrderRef(1, 5001),)
    assert points(world) == [0]
    settle(world, told(1, 1))
    assert not settle(world, nth(2).fact)
    assert points(world) == [110, 10]


def test_a_late_order_from_before_the_known_ones_is_asked_about(world):
    world.rules(rules=[FIRST])
    settle(world, told(2, 2))
    assert settle(world, nth(1).fact) == (OrderRef(1, 5001),)


def test_without_such_rules_nothing_is_asked_and_nothing_is_kept(world):
    assert not settle(world, nth(1).fact)
    assert Order.objects.get(program=world.program).context == {
        "version": world.program.version, "excluded": False, "tags": []
    }  # fmt: skip


def test_ordering_again_soon_counts_from_the_order_before(world):
    world.rules(rules=[{"id": "again", "kind": "order_again", "within_days": 30, "points": 5}])
    settle(world, nth(1, days=0), nth(2, days=30), nth(3, days=61))
    assert points(world) == [10, 15, 10]


def test_shopify_may_know_an_order_before_the_first_known_one(world):
    world.rules(rules=[{"id": "again", "kind": "order_again", "within_days": 30, "points": 5}])
    settle(world, replace(told(1, 2), previous_at=NOW - timedelta(days=3)))
    assert points(world) == [15]


def test_a_refund_takes_the_bonus_only_with_the_last_piece(world):
    world.rules(rules=[FIRST])
    first = told(1, 1)
    settle(world, first)
    for minutes, current in ((1, 1), (2, 0)):
        fact = replace(first.fact, updated_at=first.fact.updated_at + timedelta(minutes=minutes))
        settle(world, replace(fact, lines=(line(500, ordered=2, current=current),)))
        assert points(world) == [105 if current else 0]


def test_a_later_version_changes_no_old_order(world):
    world.rules(rules=[FIRST])
    first = told(1, 1)
    settle(world, first)
    world.rules(rules=[], rate={"points": 5, "per": "1"})
    again = replace(first.fact, updated_at=first.fact.updated_at + timedelta(minutes=1))
    settle(world, replace(again, unexplained_refund=100))
    assert points(world) == [109]


def test_a_day_gives_no_more_than_its_cap_and_a_refund_frees_no_room(world):
    world.rules(caps={"day": 25})
    hours = [nth(number, days=number / 24) for number in (1, 2, 3)]
    settle(world, *hours)
    assert points(world) == [10, 10, 5]
    moment = NOW + timedelta(hours=5)
    settle(world, replace(hours[0].fact, cancelled=True, updated_at=moment))
    settle(world, nth(4, days=4 / 24))
    assert points(world) == [0, 10, 5, 0]


def test_the_days_of_a_cap_are_those_of_the_shop(world):
    """The 20th ends at 23:00 in UTC."""
    world.rules(caps={"day": 10})
    settle(world, nth(1, days=10.9 / 24), nth(2, days=11.1 / 24))
    assert points(world) == [10, 10]


def test_a_member_earns_no_more_than_the_cap_in_so_many_days(world):
    world.rules(caps={"member": 25, "member_days": 30})
    settle(world, nth(1, days=0), nth(2, days=15), nth(3, days=29))
    settle(world, nth(4, days=30))
    assert points(world) == [10, 10, 5, 10]


def test_an_order_made_dearer_stays_within_the_room_it_had(world):
    world.rules(caps={"day": 15})
    first = nth(1)
    settle(world, first)
    dearer = replace(first.fact, lines=(line(9000),), updated_at=first.fact.updated_at + timedelta(hours=1))
    settle(world, dearer)
    assert points(world) == [15]


def test_a_budget_is_for_the_orders_paid_first_and_places_are_not_handed_on(world):
    world.rules(rules=[SURPRISE])
    customers = {"customer_id": 7001}, {"customer_id": 7002}, {"customer_id": 7003}
    news = [nth(number, price=5000, **customers[number - 1]) for number in (1, 2, 3)]
    settle(world, nth(4, price=4999), news[2], news[0], news[1])
    assert points(world) == [100, 100, 50, 49]
    settle(world, replace(news[0].fact, cancelled=True, updated_at=NOW + timedelta(days=9)))
    settle(world, nth(5, price=5000))
    assert points(world) == [0, 100, 50, 49, 50]
    assert Budget.objects.get(program=world.program).used == 2


def test_a_delivery_that_may_lie_on_either_side_of_a_boundary_is_asked_about(world):
    double = {"id": "night", "kind": "multiplier", "factor": "2", "ends": "2026-11-20T14:00"}
    world.rules(rules=[double])
    fact = replace(nth(1, days=0).fact, updated_at=NOW + timedelta(hours=2))
    assert settle(world, fact) == (OrderRef(1, 5001),)
    settle(world, FetchedOrder(fact, paid_at=NOW + timedelta(minutes=59)))
    assert points(world) == [20]


def test_tags_of_the_customer_are_asked_for_where_an_audience_names_some(world):
    rule = {**SUMMER, "on": {}, "audience": {"customer_tags": ["VIP"]}}
    world.rules(rules=[rule])
    assert settle(world, nth(1).fact) == (OrderRef(1, 5001),)
    settle(world, replace(nth(1), customer_tags=("vip",)), nth(2))
    assert points(world) == [20, 10]


def test_who_joined_too_late_is_not_meant(world):
    world.rules(rules=[{**SUMMER, "on": {}, "audience": {"member_since": "2026-11-20"}}])
    people.enrol(world.program, {(1, 7002): NOW + timedelta(days=1)})
    settle(world, nth(1, days=2), nth(2, days=2, customer_id=7002))
    assert points(world) == [10, 10]
    people.enrol(world.program, {(1, 7003): NOW})
    settle(world, nth(3, days=2, customer_id=7003))
    assert points(world) == [10, 10, 20]


IN_SUMMER = {(1, 101): ProductFact(tags=frozenset({"Sale"}), collections=frozenset({11, 12}))}


def bought(*products, minutes=0, **changes):
    lines = [line(1000, id=product, product_id=product) for product in products]
    return order(*lines, minutes=minutes, **changes)


def test_an_order_with_a_product_nobody_knows_is_asked_about(world):
    world.rules(rules=[SUMMER])
    assert settle(world, bought(101)) == (OrderRef(1, 5001),)
    assert not settle(world, bought(101), catalogue=IN_SUMMER)
    assert points(world) == [20]
    context = Order.objects.get(program=world.program).context
    assert context["products"] == {"101": {"tags": [], "collections": [11]}}


def test_what_a_product_was_at_the_time_of_the_order_counts(world):
    world.rules(rules=[SUMMER])
    settle(world, bought(101), catalogue=IN_SUMMER)
    settle(
        world, replace(bought(101, minutes=5), unexplained_refund=100), catalogue={(1, 101): ProductFact()}
    )
    assert points(world) == [18]


def test_what_an_edit_adds_is_learnt_and_the_rest_stays(world):
    world.rules(rules=[SUMMER])
    settle(world, bought(101), catalogue=IN_SUMMER)
    edited = bought(101, 102, minutes=5)
    assert settle(world, edited) == (OrderRef(1, 5001),)
    settle(world, edited, catalogue={(1, 101): ProductFact(), (1, 102): IN_SUMMER[1, 101]})
    assert points(world) == [40]


def test_a_cancelled_order_asks_for_no_products(world):
    world.rules(rules=[SUMMER])
    settle(world, bought(101), catalogue=IN_SUMMER)
    assert not settle(world, bought(101, 102, minutes=5, cancelled=True))
    assert points(world) == [0]


def test_a_forecast_takes_no_place_and_tells_what_settling_gives(world):
    world.rules(rules=[FIRST, SURPRISE, SUMMER], caps={"day": 180})
    news = [nth(1, price=5000), nth(2, price=5000, days=1.1), nth(3, price=5000)]
    foreseen = orders.forecast(world.program, news)
    assert not Budget.objects.exists()
    settle(world, *news)
    told = [foreseen.get(OrderRef(1, 5000 + number), 0) for number in (1, 2, 3)]
    assert told == points(world) == [180, 0, 50]


def test_each_award_names_its_rules(world):
    world.rules(rules=[FIRST])
    settle(world, told(1, 1))
    explained = Movement.objects.get(program=world.program).explanation
    assert explained["flat"] == [{"rule": "first", "title": "First order", "points": 100}]
