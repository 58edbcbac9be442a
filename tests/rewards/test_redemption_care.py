"""What staff do with codes: end them with or without points, replace them, let them live longer."""

from datetime import timedelta

import pytest

from rewards import ledger, people, redemption_care, redemptions, reservations
from rewards.models import Movement, Redemption
from rewards.redemption_care import EndingWith, NotNow, Reason
from rewards.redemptions import State
from tests.rewards.conftest import NOW, line, order

WHY = Reason("4711", "The customer asked for it")
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def code(world):
    """A code for 100 of 250 points."""
    member = world.earn(250)
    asked = reservations.Request(member.pk, 1, 7001, "five-off", "k1")
    redemption, _ = reservations.reserve(world.program, asked, now=NOW)
    redemptions.issued(world.program.pk, redemption.pk, "gid://1", now=NOW)
    redemption.refresh_from_db()
    return redemption


def end(redemption, ending_with):
    redemption_care.end(redemption.program_id, redemption.pk, ending_with, WHY, now=LATER)
    redemptions.ended(redemption.program_id, redemption.pk, now=LATER)
    redemption.refresh_from_db()


def balances(redemption):
    member = redemption.member
    member.refresh_from_db()
    return member.available, member.reserved, member.debt


def use(world, redemption, number=2):
    world.settle(order(line(100), external_id=5000 + number, codes=(redemption.code,), minutes=90))
    redemption.refresh_from_db()


def successor(redemption):
    return Redemption.objects.get(key=f"replaces:{redemption.pk}")


def test_cancelled_with_its_points(world, code):
    end(code, EndingWith.POINTS)
    assert (code.state, balances(code)) == (State.CANCELLED, (250, 0, 0))
    asked, done = code.history[-2:]
    assert asked == {
        "what": "cancel",
        "at": LATER.isoformat(),
        "by": "4711",
        "note": "The customer asked for it",
        "new": "points",
    }
    assert done["what"] == "cancelled"


def test_cancelled_without_its_points(world, code):
    end(code, EndingWith.NOTHING)
    assert (code.state, balances(code)) == (State.CANCELLED, (150, 0, 0))
    use(world, code)
    assert (code.state, balances(code)) == (State.USED, (151, 0, 0)), "what it cost is spent already"


def test_a_new_code_is_paid_for_by_the_points_of_the_old_one(world, code):
    end(code, EndingWith.NEW_CODE)
    new = successor(code)
    assert (code.state, new.state, new.points, new.value) == (State.CANCELLED, State.RESERVED, 100, 500)
    assert new.code != code.code
    assert new.expires_at == LATER + timedelta(days=365)
    assert balances(code) == (150, 100, 0)
    redemptions.issued(world.program.pk, new.pk, "gid://2", now=LATER)
    assert balances(code) == (150, 0, 0)
    issued = Movement.objects.filter(source="issued").count()
    assert issued == 1, "nothing was given for it"


def test_a_new_code_that_cannot_be_made_frees_the_points(world, code):
    end(code, EndingWith.NEW_CODE)
    redemptions.failed(world.program.pk, successor(code).pk, "no", now=LATER)
    assert balances(code) == (250, 0, 0)


def test_who_used_the_old_code_after_all_pays_for_both(world, code):
    end(code, EndingWith.NEW_CODE)
    redemptions.issued(world.program.pk, successor(code).pk, "gid://2", now=LATER)
    use(world, code)
    assert (code.state, balances(code)) == (State.USED, (51, 0, 0))


def test_a_use_that_is_seen_before_the_end_leaves_everything_as_it_was(world, code):
    redemption_care.end(world.program.pk, code.pk, EndingWith.NEW_CODE, WHY, now=NOW)
    use(world, code)
    assert not redemptions.ended(world.program.pk, code.pk, now=LATER)
    assert (code.state, balances(code)) == (State.USED, (151, 0, 0))
    assert Redemption.objects.count() == 1


def test_a_code_is_replaced_twice(world, code):
    end(code, EndingWith.NEW_CODE)
    second = successor(code)
    redemptions.issued(world.program.pk, second.pk, "gid://2", now=LATER)
    end(second, EndingWith.NEW_CODE)
    end_of_chain = successor(second)
    redemptions.issued(world.program.pk, end_of_chain.pk, "gid://3", now=LATER)
    end(end_of_chain, EndingWith.POINTS)
    assert balances(code) == (250, 0, 0)


def test_a_new_code_lives_as_long_as_a_new_one_or_to_the_end_that_staff_gave_the_old_one(world, code):
    redemption_care.end(code.program_id, code.pk, EndingWith.NEW_CODE, WHY, now=LATER)
    redemptions.ended(code.program_id, code.pk, now=LATER)
    second = successor(code)
    assert second.expires_at - LATER == code.expires_at - NOW
    redemptions.issued(world.program.pk, second.pk, "gid://2", now=LATER)
    until = second.expires_at + timedelta(days=5)
    redemption_care.extend(second.program_id, second.pk, until, WHY, now=LATER)
    redemptions.extended(second.program_id, second.pk, now=LATER)
    second.refresh_from_db()
    end(second, EndingWith.NEW_CODE)
    assert successor(second).expires_at == until


def test_points_of_a_code_are_handed_over_after_a_merge_and_after_others_filled_their_lot(world, code):
    """The lot is the lost member's, so the survivor gets a child of it."""
    survivor = world.earn(10, customer_id=7002, external_id=5009)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW, now=NOW)
    code.refresh_from_db()
    assert code.member_id == survivor.pk
    end(code, EndingWith.NEW_CODE)
    assert balances(code) == (160, 100, 0)
    redemptions.failed(world.program.pk, successor(code).pk, "no", now=LATER)
    assert balances(code) == (260, 0, 0)


def test_points_that_paid_a_debt_meanwhile_are_not_handed_over_twice(world, code):
    """The refund took the lot's own points back; what comes back into it finds it full."""
    world.settle(order(line(25000, current=0), minutes=60))
    assert balances(code) == (0, 0, -100)
    end(code, EndingWith.NEW_CODE)
    assert balances(code) == (0, 100, -100)
    redemptions.failed(world.program.pk, successor(code).pk, "no", now=LATER)
    assert balances(code) == (0, 0, 0)
    ledger.adjust(world.program.pk, code.member_id, 5, key="x", reason="x", now=LATER)
    assert balances(code) == (5, 0, 0)


def test_a_later_end_holds_when_the_shop_knows_it(world, code):
    until = code.expires_at + timedelta(days=30)
    before = code.expires_at
    redemption_care.extend(world.program.pk, code.pk, until, WHY, now=NOW)
    code.refresh_from_db()
    assert (code.expires_at, code.extends_to) == (before, until)
    assert redemptions.extended(world.program.pk, code.pk, now=LATER)
    code.refresh_from_db()
    assert (code.expires_at, code.extends_to, code.due_at) == (until, None, until)
    asked = code.history[-2]
    assert (asked["old"], asked["new"]) == (before.isoformat(), until.isoformat())
    assert balances(code) == (150, 0, 0)


def test_an_end_that_the_shop_refuses_stays_as_it_was(world, code):
    before = code.expires_at
    redemption_care.extend(world.program.pk, code.pk, before + timedelta(days=1), WHY, now=NOW)
    assert redemptions.not_extended(world.program.pk, code.pk, "It is gone", now=LATER)
    code.refresh_from_db()
    assert (code.expires_at, code.extends_to, code.due_at) == (before, None, before)
    assert code.history[-1] == {"what": "not_extended", "at": LATER.isoformat(), "note": "It is gone"}


@pytest.mark.parametrize("state", [State.RESERVED, State.ENDING, State.USED, State.EXPIRED, State.FAILED])
def test_only_a_code_that_is_ready_to_use_can_be_changed(world, code, state):
    Redemption.objects.filter(pk=code.pk).update(state=state)
    with pytest.raises(NotNow, match="by now"):
        redemption_care.end(world.program.pk, code.pk, EndingWith.POINTS, WHY)
    with pytest.raises(NotNow):
        redemption_care.extend(world.program.pk, code.pk, NOW + timedelta(days=999), WHY)
    Redemption.objects.filter(pk=code.pk).update(state=State.ISSUED)


def test_an_end_is_only_moved_into_the_future(world, code):
    for until in (code.expires_at, NOW - timedelta(days=1)):
        with pytest.raises(NotNow, match="after"):
            redemption_care.extend(world.program.pk, code.pk, until, WHY, now=NOW)
    Redemption.objects.filter(pk=code.pk).update(expires_at=None)
    with pytest.raises(NotNow, match="no end"):
        redemption_care.extend(world.program.pk, code.pk, NOW + timedelta(days=999), WHY, now=NOW)
