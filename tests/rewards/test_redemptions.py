"""Points become a reward, and come back: every way through the states, to the point."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rewards import ledger, offers, people, programs, redemptions, reservations
from rewards.models import Member, Movement, Redemption
from rewards.redemptions import State
from tests.rewards.conftest import NOW, line, order


def ask(member, reward="five-off", key="k1", **changes):
    values = {"member_id": member.pk, "source_id": 1, "customer_id": 7001, "reward_id": reward, "key": key}
    return reservations.Request(**{**values, **changes})


def reserve(world, member, **changes):
    return reservations.reserve(world.program, ask(member, **changes), now=NOW)[0]


def balances(member):
    member.refresh_from_db()
    return member.available, member.reserved, member.debt


@pytest.fixture
def redeemed(world):
    """A member of 250 points, 100 of which became an issued code."""
    member = world.earn(250)
    redemption = reserve(world, member)
    redemptions.issued(world.program.pk, redemption.pk, "gid://1", now=NOW)
    redemption.refresh_from_db()
    return world, member, redemption


def test_reserving_sets_the_points_aside_and_chooses_the_code(world):
    member = world.earn(250)
    redemption = reserve(world, member)
    assert balances(member) == (150, 100, 0)
    assert redemption.state == State.RESERVED
    assert len(redemption.code) == 12
    assert set(redemption.code) <= set(redemptions.ALPHABET)


def test_the_same_key_gives_the_same_answer_and_takes_the_points_once(world):
    member = world.earn(250)
    first, created = reservations.reserve(world.program, ask(member), now=NOW)
    again, repeated = reservations.reserve(world.program, ask(member), now=NOW)
    assert (created, repeated, again.pk) == (True, False, first.pk)
    assert balances(member) == (150, 100, 0)


def test_the_same_key_for_something_else_is_refused(world):
    member = world.earn(250)
    reserve(world, member)
    with pytest.raises(reservations.KeyReused):
        reserve(world, member, reward_id="ten-percent")


def test_too_few_points_reserve_nothing(world):
    member = world.earn(99)
    with pytest.raises(ledger.Overdrawn, match="100 points were asked for, 99 are available"):
        reserve(world, member)
    assert balances(member) == (99, 0, 0)
    assert not Redemption.objects.exists()


def test_too_few_points_are_said_before_too_many_requests(world):
    document = {**programs.document(world.program), "redemptions_per_minute": 1}
    world.apply(document)
    member = world.earn(250)
    reserve(world, member, key="a")
    with pytest.raises(reservations.TooMany):
        reserve(world, member, key="b")
    with pytest.raises(ledger.Overdrawn):
        reserve(world, member, key="c", reward_id="ten-percent")


def test_an_archived_or_unknown_reward_is_not_on_offer(world):
    document = {**programs.document(world.program)}
    document["rewards"] = [{**document["rewards"][0], "archived": True}]
    world.apply(document)
    member = world.earn(250)
    for reward_id in ("five-off", "nothing"):
        with pytest.raises(reservations.NoSuchReward):
            reserve(world, member, reward_id=reward_id)


@pytest.mark.parametrize("points", [None, 0, -20, 10, 30, 1020])
def test_a_variable_reward_takes_whole_steps_within_its_range(world, points):
    reward = programs.reward(programs.document(world.program), "choose")
    with pytest.raises(offers.BadChoice, match=r"from 1\.00 to 50\.00"):
        offers.price(reward, "EUR", points)


def test_a_variable_reward_is_worth_what_was_paid(world):
    reward = programs.reward(programs.document(world.program), "choose")
    assert offers.price(reward, "EUR", 140) == offers.Price(140, 700)
    # 3 points per 2.00 in steps of 1.00: an odd step costs half a point more.
    odd = {**reward, "points": 3, "per": "2.00"}
    assert offers.price(odd, "EUR", 2) == offers.Price(2, 100)
    assert offers.price(odd, "EUR", 3) == offers.Price(3, 200)
    assert offers.price(odd, "EUR", 5) == offers.Price(5, 300)


def test_a_fixed_reward_has_one_price(world):
    reward = programs.reward(programs.document(world.program), "five-off")
    assert offers.price(reward, "EUR") == offers.price(reward, "EUR", 100) == offers.Price(100, 500)
    with pytest.raises(offers.BadChoice):
        offers.price(reward, "EUR", 99)


def test_issuing_spends_the_points_once(redeemed):
    world, member, redemption = redeemed
    assert redemption.state == State.ISSUED
    assert not redemptions.issued(world.program.pk, redemption.pk, "gid://1")
    assert balances(member) == (150, 0, 0)


def test_a_refusal_frees_the_points(world):
    member = world.earn(250)
    redemption = reserve(world, member)
    assert redemptions.failed(world.program.pk, redemption.pk, "refused", now=NOW)
    assert not redemptions.issued(world.program.pk, redemption.pk, "gid://1", now=NOW)
    assert balances(member) == (250, 0, 0)


def test_an_undone_code_gives_the_points_back_to_their_lots(redeemed):
    world, member, redemption = redeemed
    before = member.lots.get().given
    assert redemptions.start_ending(world.program.pk, redemption.pk, State.CANCELLED)
    assert redemptions.ended(world.program.pk, redemption.pk, now=NOW)
    redemption.refresh_from_db()
    assert redemption.state == State.CANCELLED
    assert balances(member) == (250, 0, 0)
    assert (member.lots.get().available, before) == (250, 250)


def test_unused_codes_keep_their_points_where_the_program_says_so(redeemed):
    world, member, redemption = redeemed
    world.apply({**programs.document(world.program), "return_unused": False})
    redemptions.start_ending(world.program.pk, redemption.pk, State.EXPIRED)
    redemptions.ended(world.program.pk, redemption.pk, now=NOW)
    assert balances(member) == (150, 0, 0)


def used_order(redemption, **changes):
    values = {"external_id": 5002, "codes": ("WELCOME10", redemption.code.lower())}
    return order(line(1000), **{**values, **changes})


def test_an_order_with_the_code_uses_it_and_its_cancellation_returns_it(redeemed):
    world, member, redemption = redeemed
    world.settle(used_order(redemption))
    redemption.refresh_from_db()
    assert (redemption.state, redemption.order.external_id) == (State.USED, 5002)
    assert balances(member) == (160, 0, 0)
    world.settle(used_order(redemption, cancelled=True, minutes=1))
    redemption.refresh_from_db()
    assert redemption.state == State.RETURNED
    assert balances(member) == (250, 0, 0)
    world.settle(used_order(redemption, cancelled=True, minutes=2))
    assert balances(member) == (250, 0, 0)


def test_a_use_that_is_heard_of_with_its_end_gives_the_points_back(world):
    """Found by random lives: nobody knew yet that the code was made, and its order came as cancelled."""
    member = world.earn(250)
    redemption = reserve(world, member)
    world.settle(used_order(redemption, cancelled=True))
    redemption.refresh_from_db()
    assert redemption.state == State.RETURNED
    assert balances(member) == (250, 0, 0)


def test_a_use_seen_after_the_points_came_back_takes_them_again(redeemed):
    world, member, redemption = redeemed
    redemptions.start_ending(world.program.pk, redemption.pk, State.CANCELLED)
    redemptions.ended(world.program.pk, redemption.pk, now=NOW)
    ledger.adjust(world.program.pk, member.pk, -200, key="x", reason="spent elsewhere", now=NOW)
    world.settle(used_order(redemption))
    redemption.refresh_from_db()
    assert redemption.state == State.USED
    # 50 were left, the order earned 10, 40 are owed.
    assert balances(member) == (0, 0, -40)


def test_a_use_seen_before_the_answer_of_the_shop_counts(world):
    member = world.earn(250)
    redemption = reserve(world, member)
    world.settle(used_order(redemption))
    redemption.refresh_from_db()
    assert redemption.state == State.USED
    assert balances(member) == (160, 0, 0)


def test_a_code_that_was_given_up_but_used_takes_the_points_again(world):
    member = world.earn(250)
    redemption = reserve(world, member)
    redemptions.failed(world.program.pk, redemption.pk, "gone", now=NOW)
    world.settle(used_order(redemption))
    assert balances(member) == (160, 0, 0)


@pytest.mark.parametrize("issued_first", [True, False])
def test_a_merge_while_redeeming_loses_nothing(world, issued_first):
    member = world.earn(250)
    world.earn(30, customer_id=7002, external_id=5008)
    redemption = reserve(world, member)
    if issued_first:
        redemptions.issued(world.program.pk, redemption.pk, "gid://1", now=NOW)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    survivor = world.member(7002)
    if not issued_first:
        assert balances(survivor) == (180, 100, 0)
        redemptions.issued(world.program.pk, redemption.pk, "gid://1", now=NOW)
    assert balances(survivor) == (180, 0, 0)
    redemptions.start_ending(world.program.pk, redemption.pk, State.CANCELLED)
    redemptions.ended(world.program.pk, redemption.pk, now=NOW)
    assert balances(survivor) == (280, 0, 0)


def test_a_merge_of_two_who_chose_the_same_key_keeps_both_redemptions(world):
    both = [world.earn(200), world.earn(200, customer_id=7002, external_id=5002)]
    kept, gone = (reserve(world, member) for member in both)
    people.merge(world.program, survivor=(1, 7001), lost=(1, 7002), happened_at=NOW, now=NOW)
    rows = Redemption.objects.filter(program=world.program, member=both[0]).order_by("pk")
    assert [(row.pk, row.key) for row in rows] == [(kept.pk, "k1"), (gone.pk, f"merged:{gone.pk}")]
    assert reserve(world, both[0]).pk == kept.pk


def test_a_merge_carries_debt_and_the_survivors_points_pay_it(world):
    spender = world.earn(100)
    reserve_all = reserve(world, spender)
    redemptions.issued(world.program.pk, reserve_all.pk, "gid://1", now=NOW)
    world.settle(order(line(10000, current=0), minutes=1))
    assert balances(spender) == (0, 0, -100)
    world.earn(30, customer_id=7002, external_id=5008)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    assert balances(world.member(7002)) == (0, 0, -70)


def test_a_refund_after_a_merge_reaches_the_lots_that_moved(world):
    world.earn(100)
    world.earn(30, customer_id=7002, external_id=5008)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    world.settle(order(line(10000, current=0), minutes=1))
    assert balances(world.member(7002)) == (30, 0, 0)


def test_returned_points_pay_debt_first(redeemed):
    world, member, redemption = redeemed
    world.settle(order(line(25000, current=0), minutes=1))
    assert balances(member) == (0, 0, -100)
    redemptions.start_ending(world.program.pk, redemption.pk, State.CANCELLED)
    redemptions.ended(world.program.pk, redemption.pk, now=NOW)
    assert balances(member) == (0, 0, 0)


def test_forgiven_debt_is_not_owed(world):
    world.apply({**programs.document(world.program), "debt": "forgive"})
    member = world.earn(100)
    redemption = reserve(world, member)
    redemptions.issued(world.program.pk, redemption.pk, "gid://1", now=NOW)
    world.settle(order(line(10000, current=0), minutes=1))
    assert balances(member) == (0, 0, 0)
    assert Movement.objects.filter(source="adjusted", target="issued", points=100).exists()


def test_points_on_hold_are_taken_first_by_their_own_refund(world):
    world.rules(hold_days=10)
    from rewards.facts import FetchedOrder

    held = FetchedOrder(order(line(10000)), paid_at=NOW)
    world.settle(held)
    member = world.member()
    assert (member.pending, member.available) == (100, 0)
    world.settle(FetchedOrder(replace(held.fact, unexplained_refund=4000, updated_at=NOW + timedelta(1))))
    member.refresh_from_db()
    assert (member.pending, member.available) == (60, 0)


def test_a_negative_adjustment_never_takes_more_than_is_available(world):
    member = world.earn(100)
    with pytest.raises(ledger.Overdrawn):
        ledger.adjust(world.program.pk, member.pk, -101, key="a", reason="too much", now=NOW)
    assert ledger.adjust(world.program.pk, member.pk, 5, key="b", reason="gift", now=NOW)
    assert not ledger.adjust(world.program.pk, member.pk, 5, key="b", reason="gift", now=NOW)
    assert balances(member) == (105, 0, 0)


def test_an_adjustment_of_nothing_is_refused(world):
    member = world.earn(100)
    with pytest.raises(ValueError, match="not zero"):
        ledger.adjust(world.program.pk, member.pk, 0, key="a", reason="nothing", now=NOW)


def test_members_of_other_programs_are_out_of_reach(world):
    other = programs.start("Other", "EUR", "UTC")
    stranger = Member.objects.create(program=other, joined_at=NOW)
    with pytest.raises(ledger.LedgerBroken):
        ledger.adjust(world.program.pk, stranger.pk, 5, key="a", reason="gift", now=NOW)


def test_whatever_code_is_made_is_looked_for_in_orders(world):
    for reward in programs.document(world.program)["rewards"]:
        code = redemptions.code_for(world.program, reward)
        assert redemptions.like_ours([code.lower(), "AUTUMN", "WELCOME2026", f"{code}-X"]) == {code}
    (card,) = redemptions.like_ours([redemptions.code_for(world.program, {"kind": "gift_card"})])
    assert len(card) == 16
