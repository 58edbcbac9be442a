"""Each guard by itself: what is refused, what is only suspicious, and what nobody knows."""

from dataclasses import replace

import pytest

from rewards import referral_guards as guards
from rewards.referral_guards import ClaimSeen, OrderSeen, Traces
from rewards.referrals import REASONS

ADVOCATE = Traces(mail=b"mail", stem=b"stem", place=b"place")
FRIEND = Traces(mail=b"other mail", stem=b"other stem", place=b"other place")
CLAIM = ClaimSeen(advocate=1, friend=2, theirs=FRIEND, own=ADVOCATE, most_claims=3)
ORDER = OrderSeen(advocate=1, friend=2, is_first=True, amount=5000, minimum=2000)
UNKNOWN = Traces()


@pytest.mark.parametrize(
    ("changes", "refused", "suspicious"),
    [
        ({}, (), ()),
        ({"friend": None}, (), ()),
        ({"friend": 1}, (guards.SAME_CUSTOMER,), ()),
        ({"theirs": replace(FRIEND, mail=b"mail")}, (guards.OWN_MAIL,), ()),
        ({"has_ordered": True}, (guards.NOT_FIRST_ORDER,), ()),
        ({"is_disposable": True}, (guards.DISPOSABLE_MAIL,), ()),
        ({"claims_of_day": 2}, (), ()),
        ({"claims_of_day": 3}, (guards.TOO_MANY_CLAIMS,), ()),
        ({"is_full": True}, (guards.PROGRAM_FULL,), ()),
        ({"theirs": replace(FRIEND, place=b"place")}, (), (guards.SAME_NETWORK,)),
        ({"theirs": replace(FRIEND, stem=b"stem")}, (), (guards.SIMILAR_MAIL,)),
        ({"others": (Traces(place=b"other place"),)}, (), (guards.SHARED_NETWORK,)),
        ({"others": (Traces(stem=b"other stem"),)}, (), (guards.SIMILAR_MAIL,)),
        ({"others": (Traces(mail=b"x", stem=b"y", place=b"z"),)}, (), ()),
        # What isn't known is like nothing, and not like what isn't known either.
        ({"theirs": UNKNOWN, "own": UNKNOWN, "others": (UNKNOWN,)}, (), ()),
        (
            {"friend": 1, "theirs": ADVOCATE, "is_full": True},
            (guards.SAME_CUSTOMER, guards.OWN_MAIL, guards.PROGRAM_FULL),
            (guards.SAME_NETWORK, guards.SIMILAR_MAIL),
        ),
    ],
)
def test_a_claim(changes, refused, suspicious):
    assert guards.of_claim(replace(CLAIM, **changes)) == (refused, suspicious)


@pytest.mark.parametrize(
    ("changes", "refused", "suspicious"),
    [
        ({}, (), ()),
        ({"friend": 1}, (guards.SAME_CUSTOMER,), ()),
        ({"is_first": False}, (guards.NOT_FIRST_ORDER,), ()),
        ({"amount": 2000}, (), ()),
        ({"amount": 1999}, (guards.BELOW_MINIMUM,), ()),
        ({"amount": 0, "is_undone": True}, (guards.ORDER_UNDONE,), ()),
        ({"is_full": True}, (guards.PROGRAM_FULL,), ()),
        ({"upstream": (4, 3)}, (), ()),
        ({"upstream": (4, 3, 2)}, (), (guards.RING,)),
    ],
)
def test_an_order(changes, refused, suspicious):
    assert guards.of_order(replace(ORDER, **changes)) == (refused, suspicious)


def test_each_reason_has_its_words():
    codes = {value for name, value in vars(guards).items() if name.isupper() and isinstance(value, str)}
    assert codes == guards.REASONS.keys() == REASONS.keys() - {"by_staff"}
