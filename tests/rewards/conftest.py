"""What the tests of the domain share: a program, and short ways to say what happened."""

from datetime import UTC, datetime, timedelta

import pytest

from rewards import orders, programs
from rewards.audit import audit
from rewards.facts import Line, OrderFact
from rewards.models import Member

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class World:
    """A program in EUR without a sign-up bonus, and the news of its orders."""

    def __init__(self):
        self.program = programs.start("Test", "EUR", "Europe/Berlin")
        self.rules(signup_bonus=0)

    def rules(self, **earning):
        document = {**programs.document(self.program)}
        document["earning"] = {**document["earning"], **earning}
        self.apply(document)

    def apply(self, document):
        """A version that holds for the past too: the tests' orders are older than the test."""
        programs.apply(self.program, document, "test")
        self.program.versions.update(effective_from=programs.BEGINNING, created_at=programs.BEGINNING)

    def settle(self, *news, now=NOW):
        for item in news:
            assert not orders.settle_orders(self.program, [item], now=now).unsure

    def earn(self, points, customer_id=7001, now=NOW, **changes):
        self.settle(order(line(points * 100), customer_id=customer_id, **changes), now=now)
        return self.member(customer_id)

    def member(self, customer_id=7001):
        return Member.objects.get(program=self.program, identities__external_id=customer_id)


def order(*lines, minutes=0, **changes):
    values = {
        "source_id": 1,
        "external_id": 5001,
        "updated_at": NOW + timedelta(minutes=minutes),
        "processed_at": NOW,
        "currency": "EUR",
        "customer_id": 7001,
        "paid": True,
        "lines": lines,
    }
    return OrderFact(**{**values, **changes})


def line(price, ordered=1, current=None, id=1, **changes):
    current = ordered if current is None else current
    return Line(id=id, price=price, ordered=ordered, current=current, **changes)


@pytest.fixture
def world(db):
    """The promises are checked after every test that uses it."""
    made = World()
    yield made
    broken = [(finding.check.name, finding.rows) for finding in audit() if finding.rows]
    assert not broken


@pytest.fixture
def by_rule(world):
    """The world's program with one rule."""

    def apply(kind, **said):
        rule = {"id": "thanks", "kind": kind, "title": "Thank you", "reward": "five-off", **said}
        rule.setdefault("starts", "2020-01-01")
        world.apply({**programs.document(world.program), "gifts": [rule]})

    return apply
