"""Six states of one order, told in every sequence, with duplicates and old news between: one result.

Each of the 720 sequences gets an order and a customer of its own, so that one batch tells them all.
"""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from rewards import earning, orders, programs
from rewards.audit import audit
from rewards.facts import FetchedOrder, Line, OrderFact
from rewards.models import Member, Order, Program

BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW = BEGIN + timedelta(days=3)
SEQUENCES = list(permutations(range(6)))


def story(dice: random.Random, last: str) -> list[OrderFact]:
    """Created, paid, edited (now it owes money), two pieces back, an amount back, and the last thing."""
    prices = [dice.randint(100, 9000) for _ in range(3)]
    lines = tuple(
        Line(n + 1, price, pieces := dice.randint(2, 5), pieces, dice.randint(0, 2 * price))
        for n, price in enumerate(prices)
    )
    created = OrderFact(1, 0, BEGIN, BEGIN, "EUR", lines=lines)
    paid = replace(created, paid=True)
    edited = replace(created, lines=(*lines, Line(9, dice.randint(100, 9000), 1, 1)))
    less = replace(
        edited, paid=True, lines=(replace(lines[0], current=lines[0].current - 2), *edited.lines[1:])
    )
    amount = replace(less, unexplained_refund=dice.randint(1, 3000))
    ends = {"cancelled": {"cancelled": True}, "fulfilled": {"fulfilled": True}, "owing": {"paid": False}}
    states = [created, paid, edited, less, amount, replace(amount, **ends[last])]
    return [replace(state, updated_at=BEGIN + timedelta(minutes=n)) for n, state in enumerate(states)]


def of_sequence(fact: OrderFact, number: int) -> OrderFact:
    return replace(fact, external_id=number + 1, customer_id=number + 1)


def told(
    states: list[OrderFact], sequence: tuple[int, ...], number: int, dice: random.Random
) -> list[list[OrderFact]]:
    """What arrives in each of six rounds: the next news, and sometimes some that was heard before."""
    rounds = []
    for position, which in enumerate(sequence):
        heard = [which]
        if dice.random() < 0.4:
            heard.insert(dice.randint(0, 1), dice.choice(sequence[: position + 1]))
        rounds.append([of_sequence(states[n], number) for n in heard])
    return rounds


def tell(program: Program, news: list[OrderFact], last: OrderFact) -> None:
    unsure = orders.settle_orders(program, news, now=NOW).unsure
    fetched = [
        FetchedOrder(of_sequence(last, ref.external_id - 1), paid_at=last.processed_at) for ref in unsure
    ]
    assert not orders.settle_orders(program, fetched, now=NOW).unsure


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("last", "number", "every", "hold_days"),
    [
        ("fulfilled", 1, 1, 0),
        ("owing", 2, 1, 0),
        ("cancelled", 3, 7, 0),
        ("fulfilled", 4, 7, 14),
        ("owing", 5, 7, 14),
        ("fulfilled", 6, 7, 0),
        ("owing", 7, 7, 0),
    ],
)
def test_every_sequence_of_six_states_ends_in_one_result(last, number, every, hold_days):
    dice = random.Random(number)
    program = programs.start("Test", "EUR", "Europe/Berlin")
    document = programs.document(program)
    changed = {**document["earning"], "hold_days": hold_days, "signup_bonus": 0}
    programs.apply(program, {**document, "earning": changed}, "test")
    program.versions.update(effective_from=programs.BEGINNING)
    states = story(dice, last)
    sequences = SEQUENCES[::every]
    rounds = [told(states, sequence, n, dice) for n, sequence in enumerate(sequences)]
    for arrived in zip(*rounds, strict=True):
        tell(program, [fact for news in arrived for fact in news], states[-1])

    points = earning.target(states[-1], programs.rules(program, 2)).points
    assert bool(points) == (last != "cancelled")
    assert set(Order.objects.filter(program=program).values_list("points")) == {(points,)}
    found = Member.objects.filter(program=program).values_list("pending", "available", "reserved", "debt")
    assert len(found) == len(sequences)
    assert set(found) == {(points if hold_days else 0, 0 if hold_days else points, 0, 0)}
    assert not any(finding.rows for finding in audit(program.pk))
