"""So many redemptions a minute, and no more, whichever process makes them."""

from datetime import timedelta

import pytest
from django.db import transaction

from rewards import clock, memories, paces, programs, reservations
from rewards.models import Redemption
from rewards.reservations import Request, TooMany
from tests.rewards.conftest import World
from tests.rewards.test_concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    made = World()
    made.apply({**programs.document(made.program), "redemptions_per_minute": 3})
    return made


@pytest.fixture
def member(world):
    memories.forget()
    return world.earn(10_000)


def redeem(world, member, key, now=None):
    return reservations.reserve(world.program, Request(member.pk, 1, 7001, "five-off", key), now=now)


def test_of_many_at_once_as_many_succeed_as_a_minute_allows(world, member):
    results = at_once([lambda key=key: redeem(world, member, str(key)) for key in range(24)])
    assert sum(isinstance(result, tuple) for result in results) == 3
    assert sum(isinstance(result, TooMany) for result in results) == 21
    assert Redemption.objects.count() == 3


def test_what_other_processes_made_in_between_counts(world, member, monkeypatch):
    redeem(world, member, "a")
    with monkeypatch.context() as other_process:
        other_process.setattr(paces, "of_member", lambda *_: paces.Pace())
        redeem(world, member, "b")
    redeem(world, member, "c")
    with pytest.raises(TooMany):
        redeem(world, member, "d")


@pytest.mark.parametrize("state", [Redemption.State.RESERVED, Redemption.State.FAILED])
def test_a_process_that_begins_finds_what_others_made(world, member, state):
    for key in "abc":
        redeem(world, member, key)
    Redemption.objects.filter(key__in="ab").update(state=state)
    memories.forget()
    with pytest.raises(TooMany):
        redeem(world, member, "d")


def test_a_minute_later_there_may_be_more(world, member):
    for key in "abc":
        redeem(world, member, key)
    later = clock.now() + timedelta(seconds=61)
    assert redeem(world, member, "d", later)[1]


def test_what_was_undone_doesnt_count(world, member):
    with transaction.atomic():
        for key in "abc":
            redeem(world, member, key)
        with pytest.raises(TooMany):
            redeem(world, member, "d")
        transaction.set_rollback(True)
    for key in "abc":
        assert redeem(world, member, key)[1]


def test_only_what_is_new_is_read(world, member):
    redeem(world, member, "a")
    assert paces.of_member(world.program.pk, member.pk).newest == 0
    redeem(world, member, "b")
    first = Redemption.objects.get(key="a")
    assert paces.of_member(world.program.pk, member.pk).newest == first.pk
