"""Random histories of refunds: never more back than was earned, exactly that when all is refunded.

20,000 in `make test`; `make soak-model` takes as many as it is asked for, a million by default.
"""

import os
import random
from dataclasses import replace
from functools import reduce

import pytest

from rewards import documents, programs
from rewards.earning import ROUNDINGS, Rules, target
from rewards.facts import Line, OrderFact
from tests.rewards.conftest import order

PARTS = 4
HISTORIES = int(os.environ.get("MODEL_REFUNDS", "20000"))
DOCUMENT = documents.checked(programs.starter("T", "EUR"), "EUR")
RULES = Rules.of(DOCUMENT, 1, "EUR")
Refund = tuple[int, int]
"""(line, pieces), or (-1, amount)."""


def bought(dice: random.Random) -> OrderFact:
    lines = []
    for number in range(dice.randint(1, 4)):
        price, pieces = dice.randint(0, 20000), dice.randint(1, 5)
        discount = dice.choice([0, dice.randint(0, price * pieces)])
        tax = dice.choice([0, (price * pieces - discount) * 19 // 119])
        lines.append(Line(number, price, pieces, pieces, discount, tax))
    return order(*lines, taxes_included=dice.random() < 0.5)


def programme(dice: random.Random) -> Rules:
    return replace(
        RULES,
        rate_points=dice.choice([0, 1, 1, 3, 10]),
        rate_per=dice.choice([1, 7, 100, 100, 200]),
        rounding=dice.choice(sorted(ROUNDINGS)),
        with_tax=dice.random() < 0.5,
        before_discounts=dice.random() < 0.5,
    )


def refunds(dice: random.Random, fact: OrderFact) -> list[Refund]:
    """All pieces come back in some parts, and some money without any."""
    found: list[Refund] = []
    for index, line in enumerate(fact.lines):
        left = line.ordered
        while left:
            found.append((index, part := dice.randint(1, left)))
            left -= part
    found += [(-1, dice.randint(1, 4000)) for _ in range(dice.choice([0, 0, 1, 2]))]
    dice.shuffle(found)
    return found


def after(fact: OrderFact, refund: Refund) -> OrderFact:
    index, much = refund
    if index < 0:
        return replace(fact, unexplained_refund=fact.unexplained_refund + much)
    line = fact.lines[index]
    less = replace(line, current=line.current - much)
    return replace(fact, lines=(*fact.lines[:index], less, *fact.lines[index + 1 :]))


def reversals(fact: OrderFact, rules: Rules, history: list[Refund]) -> list[int]:
    """What each refund takes back: the difference to what the order deserved before."""
    taken, before = [], target(fact, rules).points
    for refund in history:
        fact = after(fact, refund)
        deserved = target(fact, rules).points
        taken.append(before - deserved)
        before = deserved
    return taken


@pytest.mark.parametrize("part", range(PARTS))
def test_what_refunds_take_back_is_never_more_than_was_earned(part):
    dice = random.Random(part)
    for number in range(HISTORIES // PARTS):
        fact, rules = bought(dice), programme(dice)
        earned, history = target(fact, rules).points, refunds(dice, fact)
        taken = reversals(fact, rules, history)
        told = f"history {number} of part {part}: {fact.lines} {history}"
        assert all(points >= 0 for points in taken), told
        assert sum(taken) == earned, told
        some = history[: len(history) // 2]
        other = reduce(after, dice.sample(some, len(some)), fact)
        assert earned - target(other, rules).points == sum(taken[: len(some)]), told
