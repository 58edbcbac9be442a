"""Gifts by rule in the world of the tests: what brings them, and which there are."""

from rewards import redemption_care, redemptions
from rewards.models import Redemption
from rewards.redemption_care import EndingWith, Reason
from tests.rewards.conftest import NOW, line, order

RULE = "thanks"
WHY = Reason("4711", "It was lost")


def buy(world, euros, number, *, at=NOW, now=None, **changes):
    said = {"external_id": 5000 + number, "processed_at": at, "updated_at": at, **changes}
    world.settle(order(line(euros * 100), **said), now=now or max(at, NOW))


def refund(world, euros, number, *, left=0, minutes=30, **changes):
    lines = [line(euros * 100, current=0)] if not left else [line(left * 100, id=1)]
    world.settle(order(*lines, external_id=5000 + number, minutes=minutes, **changes))


def gifts(**about):
    return list(Redemption.objects.filter(points=0, **about).order_by("pk"))


def issue(world, *given):
    for one in given:
        redemptions.issued(world.program.pk, one.pk, f"gid://{one.pk}", now=NOW)


def replaced(world, one):
    """Staff have another code made."""
    redemption_care.end(world.program.pk, one.pk, EndingWith.NEW_CODE, WHY, now=NOW)
    redemptions.ended(world.program.pk, one.pk, now=NOW)
    new = Redemption.objects.get(key=f"replaces:{one.pk}")
    issue(world, new)
    return new


def spend(world, cents, number, at):
    world.settle(order(line(cents), external_id=5000 + number, processed_at=at, updated_at=at), now=at)
