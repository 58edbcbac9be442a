"""What rules gave: read from the explanations of movements, as the orders are now."""

from datetime import timedelta

from rewards import clock, ledger, programs, rule_reports
from rewards.ledger import Book
from rewards.rule_reports import Given
from tests.rewards.conftest import NOW, line, order

DAY = timedelta(days=1)
DOUBLE = {"id": "double", "kind": "multiplier", "factor": "2", "on": {"vendors": ["Acme"]}}
EXTRA = {"id": "extra", "kind": "bonus", "points": 7}


def given(world, rule="", since=NOW - DAY, until=NOW + DAY):
    return rule_reports.given(world.program, since, until, rule)


def test_each_rule_is_told_what_it_gave_as_the_orders_are_now(world):
    world.rules(rules=[DOUBLE, EXTRA], rate={"points": 3, "per": "2"})
    lines = line(1000, id=1, vendor="Acme"), line(500, id=2)
    world.settle(order(*lines), order(*lines, external_id=5002))
    assert given(world) == {"double": Given(30, 2), "extra": Given(14, 2)}
    half = line(1000, id=1, vendor="Acme", ordered=1, current=0), line(500, id=2)
    world.settle(order(*half, minutes=1))
    assert given(world) == {"double": Given(15, 1), "extra": Given(14, 2)}
    world.settle(order(*lines, external_id=5002, minutes=2, cancelled=True))
    assert given(world) == {"extra": Given(7, 1)}
    assert given(world, "double") == {}
    assert given(world, "extra") == {"extra": Given(7, 1)}


def test_an_order_belongs_to_the_time_of_its_first_award(world):
    world.rules(rules=[EXTRA])
    world.settle(order(line(1000)))
    world.settle(order(line(1000), line(500, id=2), minutes=60 * 24 * 3))
    assert given(world) == {"extra": Given(7, 1)}
    assert given(world, since=NOW + DAY, until=NOW + 9 * DAY) == {}


def test_a_tier_is_told_like_a_rule_and_amounts_that_go_on_are_cut(world):
    world.rules(rules=[{"id": "all", "kind": "multiplier", "factor": "3"}])
    world.settle(order(line(1000, ordered=3, current=1, discount=1)))
    assert given(world) == {"all": Given(19, 1)}


def test_other_occasions_count_by_the_time_they_were_given(world):
    member = world.earn(10)
    book = Book.open(world.program.pk, [member.pk], now=clock.now())
    explanation = {
        "rule": "action",
        "kind": "birthday",
        "id": "cake",
        "points": 50,
        "version": 1,
        "title": "Cake",
    }
    posting = book.posting(member.pk, "member:1:cake:2026", "action", explanation, NOW)
    posting.award(50, "action", available_at=book.now)
    book.write()
    assert given(world) == {"cake": Given(50, 1)}
    ledger.adjust(world.program.pk, member.pk, 5, key="k", reason="x", note="", author="y")
    assert given(world) == {"cake": Given(50, 1)}


def test_nothing_of_another_program_counts(world):
    world.rules(rules=[EXTRA])
    world.settle(order(line(1000)))
    other = programs.start("Other", "EUR", "UTC")
    assert rule_reports.given(other, NOW - DAY, NOW + DAY) == {}
