"""Friends: from the link to the points of who invited them, and back."""

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection

from rewards import advocates, claims, ledger, orders, people, personal, programs, referrals, timeline
from rewards.advocates import NoSuchLink
from rewards.facts import FetchedOrder
from rewards.mail_addresses import Mail
from rewards.models import Advocate, Claim, Member, Movement, Order, Referral, Tombstone
from rewards.referrals import AlreadyDecided
from tests.rewards.conftest import NOW, World, line, order
from tests.rewards.inviting import ADVOCATE, CAFE, ELSEWHERE, FRIEND, HOME, LATER, THIRD, Inviting


@pytest.fixture
def inviting(world):
    return Inviting(world)


def state(referral):
    referral.refresh_from_db()
    return referral.state, referral.reasons


def test_a_friend_s_first_order_thanks_who_invited(inviting):
    link = inviting.link()
    code = inviting.code(link)
    referral = inviting.buy(code)
    assert (referral.known_by, referral.points, state(referral)) == ("code", 100, ("waiting", []))
    assert Claim.objects.get().state == "used"
    assert inviting.points() == 0
    assert inviting.work() == 1
    assert state(referral) == ("paid", [])
    assert inviting.points() == 100
    assert inviting.work() == 0
    movement = Movement.objects.get(kind="referral")
    assert movement.key == f"referral:{referral.pk}:0"
    assert movement.order_id is None
    (event,), _ = timeline.events(inviting.program, inviting.world.member(ADVOCATE).pk)
    assert event.text == "A friend you invited ordered: 100 points."


def test_a_member_has_one_link_in_letters_that_nobody_confuses(inviting):
    link = inviting.link()
    assert inviting.link() == link
    assert len(link) == 8
    assert not set(link) - set("ABCDEFGHJKLMNPQRSTUVWXYZ23456789")
    assert inviting.link(THIRD) != link
    assert advocates.open_link(inviting.program, link.lower()).code == link


@pytest.mark.parametrize("why", ["unknown", "off", "blocked", "erased", "another's program"])
def test_what_is_not_open_is_not_there(inviting, why):
    link, program = inviting.link(), inviting.program
    if why == "unknown":
        link = "AAAAAAAA"
    elif why == "off":
        inviting.says(active=False)
    elif why == "blocked":
        advocates.block(program.pk, Advocate.objects.get(), "staff", NOW)
    elif why == "erased":
        people.forget(program, (1, ADVOCATE))
    else:
        program = Inviting(World()).program
    for go in (claims.visit, lambda *a, **k: claims.take(*a, "key", **k)):
        with pytest.raises(NoSuchLink):
            go(program, link, inviting.friend(), now=NOW)
    assert not Claim.objects.exists()


def test_the_same_wish_gets_the_same_code_and_nobody_else_s(inviting):
    link = inviting.link()
    first, _ = inviting.take(link, key="mine")
    again, is_new = inviting.take(link, key="mine")
    assert (again.code, is_new) == (first.code, False)
    for other in (
        inviting.friend(mail="else@example.com"),
        inviting.friend(mail="else@example.com", customer=9),
    ):
        with pytest.raises(NoSuchLink):
            inviting.take(link, other, key="mine")
    for mail in ("friend@example.com", "F.riend+again@Example.com"):
        with pytest.raises(NoSuchLink):
            inviting.take(link, inviting.friend(mail=mail, address=ELSEWHERE))
        with pytest.raises(NoSuchLink):
            inviting.take(inviting.link(THIRD, None), inviting.friend(mail=mail))


def test_a_signed_in_friend_finds_the_code_on_another_device(inviting):
    link = inviting.link()
    first, _ = inviting.take(link, inviting.friend(FRIEND, None))
    again, is_new = inviting.take(link, inviting.friend(FRIEND, "another@example.com", ELSEWHERE))
    assert (again.code, is_new) == (first.code, False)
    with pytest.raises(NoSuchLink):
        inviting.take(inviting.link(THIRD), inviting.friend(FRIEND, None))


@pytest.mark.parametrize(
    ("friend", "reason"),
    [
        ({"mail": "advocate@example.com"}, "own_mail"),
        ({"mail": "adv.ocate+friend@example.com"}, "own_mail"),
        ({"mail": "x@mailinator.com"}, "disposable_mail"),
        ({"customer": ADVOCATE}, "same_customer"),
    ],
)
def test_what_is_certain_is_refused_and_kept_for_the_merchant(inviting, friend, reason):
    link = inviting.link()
    claim, _ = inviting.take(link, inviting.friend(**friend))
    assert (claim.state, claim.reasons, claim.code) == ("refused", [reason], None)
    assert Claim.objects.get().reasons == [reason]


def test_who_has_ordered_is_no_new_friend(inviting):
    inviting.buy(customer=FRIEND)
    claim, _ = inviting.take(inviting.link(), inviting.friend(FRIEND))
    assert claim.reasons == ["not_first_order"]


def test_too_many_claims_from_one_address(inviting):
    inviting.says(claims_per_day=2)
    link, other = inviting.link(), inviting.link(THIRD, "third@example.com", ELSEWHERE)
    for number, to in enumerate((link, other)):
        inviting.code(to, inviting.friend(mail=f"mail{number}@example.com"))
    for number in range(5):
        claim, _ = inviting.take(link, inviting.friend(mail=f"more{number}@example.com"))
        assert (claim.state, claim.reasons) == ("refused", ["too_many_claims"])
    assert Claim.objects.count() == 3, "of a flood one is written down"
    inviting.code(link, inviting.friend(mail="tomorrow@example.com"), now=NOW + timedelta(days=1, hours=1))
    inviting.code(link, inviting.friend(mail="nowhere@example.com", address="unknown"))


def test_a_link_gives_away_so_many_rewards_a_day_whatever_addresses_are_told(inviting, monkeypatch):
    monkeypatch.setattr(claims, "OF_A_LINK_A_DAY", 3)
    link = inviting.link()
    for number in range(3):
        inviting.take(link, inviting.friend(mail=f"mail{number}@example.com", address=""))
    with pytest.raises(NoSuchLink):
        inviting.take(link, inviting.friend(mail="late@example.com", address=""))
    assert Claim.objects.count() == 3
    inviting.code(link, inviting.friend(mail="late@example.com"), now=NOW + timedelta(days=1, hours=1))


@pytest.mark.parametrize(
    ("granted", "known_by", "outcome"), [(True, "code", "waiting"), (False, "link", "refused")]
)
def test_who_was_refused_the_reward_brings_no_thanks_by_the_link_either(inviting, granted, known_by, outcome):
    link = inviting.link()
    claims.visit(inviting.program, link, inviting.friend(FRIEND, None), now=NOW)
    assert inviting.take(link, inviting.friend(FRIEND, "x@yopmail.com"))[0].state == "refused"
    codes = [inviting.code(link, inviting.friend(FRIEND, "good@example.com"))] if granted else []
    referral = inviting.buy(*codes)
    assert (referral.known_by, referral.state) == (known_by, outcome)


def test_addresses_of_one_household_are_one(inviting):
    inviting.says(claims_per_day=1)
    link = inviting.link()
    inviting.code(link, inviting.friend(mail="one@example.com", address="2001:db8:1:2::3"))
    claim, _ = inviting.take(link, inviting.friend(mail="two@example.com", address="2001:db8:1:2:ffff::"))
    assert claim.reasons == ["too_many_claims"]
    inviting.code(link, inviting.friend(mail="three@example.com", address="2001:db8:1:3::3"))


def test_attribution_goes_by_the_code_even_when_another_link_was_followed_last(inviting):
    first, second = inviting.link(), inviting.link(THIRD, "third@example.com", ELSEWHERE)
    code = inviting.code(first)
    claims.visit(inviting.program, second, inviting.friend(FRIEND), now=NOW)
    referral = inviting.buy(code.lower())
    assert referral.known_by == "code"
    assert referral.advocate.code == first


def test_a_link_is_known_again_on_another_device(inviting):
    link = inviting.link()
    claims.visit(inviting.program, link, inviting.friend(FRIEND, None), now=NOW)
    claims.visit(inviting.program, link, inviting.friend(FRIEND, None), now=NOW)
    assert Claim.objects.get().state == "visited"
    assert Advocate.objects.get().clicks == 2
    referral = inviting.buy()
    assert (referral.known_by, referral.state) == ("link", "waiting")
    assert inviting.buy() is None, "once"


@pytest.mark.parametrize(("days", "counts"), [(7, True), (8, False)])
def test_a_link_counts_for_some_days(inviting, days, counts):
    inviting.says(link_days=7)
    claims.visit(inviting.program, inviting.link(), inviting.friend(FRIEND, None), now=NOW)
    bought = inviting.buy(now=NOW + timedelta(days=days) - timedelta(seconds=1))
    assert (bought is not None) == counts


def test_an_order_from_before_the_visit_thanks_nobody(inviting):
    claims.visit(inviting.program, inviting.link(), inviting.friend(FRIEND, None), now=LATER)
    assert inviting.buy(now=NOW) is None


def test_guests_and_members_leave_no_visit(inviting):
    link = inviting.link()
    claims.visit(inviting.program, link, inviting.friend(), now=NOW)
    with pytest.raises(NoSuchLink):
        claims.visit(inviting.program, link, inviting.friend(ADVOCATE), now=NOW)
    inviting.buy(customer=FRIEND)
    claims.visit(inviting.program, link, inviting.friend(FRIEND), now=LATER)
    assert not Claim.objects.exists()
    assert Advocate.objects.get().clicks == 2


def test_a_delivery_of_an_awaited_order_has_to_be_asked_for(inviting):
    """Which of the customer's orders it is, only a fetched order tells."""
    code = inviting.code(inviting.link())
    told = order(line(5000), customer_id=FRIEND, codes=(code,))
    assert orders.settle_orders(inviting.program, [told], now=LATER).unsure
    other = order(line(5000), customer_id=THIRD, external_id=5002)
    assert not orders.settle_orders(inviting.program, [other], now=LATER).unsure
    assert not Referral.objects.exists()


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"ordinal": 2}, ["not_first_order"]),
        ({"euros": 19}, ["below_minimum"]),
        ({"customer": ADVOCATE}, ["same_customer"]),
    ],
)
def test_an_order_that_is_no_friend_s_first_is_refused(inviting, changes, reasons):
    inviting.says(minimum="20")
    referral = inviting.buy(inviting.code(inviting.link()), **changes)
    assert state(referral) == ("refused", reasons)
    inviting.work(NOW + timedelta(days=400))
    assert inviting.world.member(ADVOCATE).available < 100


def test_an_earlier_order_that_we_know_ourselves_counts_too(inviting):
    code = inviting.code(inviting.link())
    inviting.buy(now=NOW)
    assert state(inviting.buy(code, ordinal=None)) == ("refused", ["not_first_order"])


def test_it_is_paid_when_the_hold_is_over(inviting):
    inviting.world.rules(hold_days=14)
    referral = inviting.buy(inviting.code(inviting.link()))
    assert inviting.work(LATER + timedelta(days=13)) == 0
    assert inviting.work(LATER + timedelta(days=15)) == 1
    assert state(referral) == ("paid", [])


@pytest.mark.parametrize("days", [0, 14])
def test_an_order_undone_before_is_not_paid_for(inviting, days):
    inviting.world.rules(hold_days=14)
    referral = inviting.buy(inviting.code(inviting.link()), external_id=5001)
    inviting.cancel(5001, LATER + timedelta(days=days))
    inviting.work(LATER + timedelta(days=20))
    assert state(referral) == ("refused", ["order_undone"])
    assert inviting.points() == 0


def test_a_refund_that_leaves_too_little_is_not_paid_for(inviting):
    inviting.says(minimum="20")
    inviting.world.rules(hold_days=14)
    referral = inviting.buy(inviting.code(inviting.link()), external_id=5001)
    fact = order(line(5000), unexplained_refund=4000, external_id=5001, customer_id=FRIEND,
                 processed_at=LATER, updated_at=LATER + timedelta(days=1))  # fmt: skip
    inviting.world.settle(FetchedOrder(fact, paid_at=LATER), now=LATER)
    inviting.work(LATER + timedelta(days=20))
    assert state(referral) == ("refused", ["below_minimum"])


@pytest.mark.parametrize("spent", [0, 60])
def test_points_of_an_order_undone_later_go_back(inviting, spent):
    referral = inviting.buy(inviting.code(inviting.link()), external_id=5001)
    inviting.work()
    if spent:
        ledger.adjust(inviting.program.pk, inviting.world.member().pk, -spent, key="x", reason="", now=LATER)
    inviting.cancel(5001, LATER + timedelta(days=30))
    assert inviting.work(LATER + timedelta(days=30)) == 1
    assert state(referral) == ("returned", ["order_undone"])
    member = inviting.world.member()
    assert (member.available, member.debt) == (0, -spent)
    assert inviting.work(LATER + timedelta(days=31)) == 0
    (event, *_), _ = timeline.events(inviting.program, member.pk)
    assert event.text.startswith("The order of a friend you invited was undone: 100 points taken back.")


def test_points_go_back_from_whoever_the_member_became(inviting):
    referral = inviting.buy(inviting.code(inviting.link()), external_id=5001)
    inviting.work()
    inviting.member(THIRD)
    people.merge(inviting.program, (1, THIRD), (1, ADVOCATE), happened_at=LATER, now=LATER)
    assert inviting.points(THIRD) == 100
    inviting.cancel(5001, LATER + timedelta(days=1))
    inviting.work(LATER + timedelta(days=1))
    assert state(referral)[0] == "returned"
    assert inviting.points(THIRD) == 0


def test_a_partial_refund_after_the_payment_changes_nothing(inviting):
    referral = inviting.buy(inviting.code(inviting.link()), external_id=5001)
    inviting.work()
    fact = order(line(5000), unexplained_refund=4000, external_id=5001, customer_id=FRIEND,
                 processed_at=LATER, updated_at=LATER + timedelta(days=1))  # fmt: skip
    inviting.world.settle(FetchedOrder(fact, paid_at=LATER), now=LATER)
    assert inviting.work(LATER + timedelta(days=2)) == 0
    assert state(referral) == ("paid", [])


@pytest.mark.parametrize("limit", [{"most": 1, "window_days": 10}, {"most_ever": 1}])
def test_a_member_is_paid_for_so_many(inviting, limit):
    inviting.says(**limit)
    link = inviting.link()
    first, second = (
        inviting.code(link, inviting.friend(mail=f"{name}@example.com", address=place))
        for name, place in (("alice", CAFE), ("boris", ELSEWHERE))
    )
    assert inviting.buy(first).state == "waiting"
    assert state(inviting.buy(second, customer=THIRD)) == ("refused", ["program_full"])
    claim, _ = inviting.take(link, inviting.friend(mail="carla@example.com", address="192.0.2.77"), now=LATER)
    assert claim.reasons == ["program_full"]
    later = LATER + timedelta(days=11)
    claim, _ = inviting.take(link, inviting.friend(mail="david@example.com", address="192.0.2.78"), now=later)
    assert (claim.state == "reserved") == ("most" in limit)


@pytest.mark.parametrize(
    ("friend", "reason"),
    [
        ({"address": HOME}, "same_network"),
        ({"mail": "advo.cate7@elsewhere.example"}, "similar_mail"),
    ],
)
def test_what_is_only_suspicious_waits_for_the_merchant(inviting, friend, reason):
    referral = inviting.buy(inviting.code(inviting.link(), inviting.friend(**friend)))
    assert state(referral) == ("held", [reason])
    assert inviting.work(LATER + timedelta(days=100)) == 0
    assert list(referrals.held(inviting.program.pk)) == [referral]
    referrals.approve(inviting.program, referral.pk, "staff 1", now=LATER)
    inviting.work(LATER)
    assert state(referral) == ("paid", [reason])
    assert referral.author == "staff 1"
    assert inviting.points() == 100


def test_where_nobody_wants_to_look_suspicious_ones_are_paid(inviting):
    inviting.says(hold_suspicious=False)
    referral = inviting.buy(inviting.code(inviting.link(), inviting.friend(address=HOME)))
    assert state(referral) == ("waiting", ["same_network"])


def test_a_held_one_whose_order_is_undone_leaves_the_queue(inviting):
    referral = inviting.buy(inviting.code(inviting.link(), inviting.friend(address=HOME)), external_id=5001)
    inviting.cancel(5001, LATER)
    inviting.work()
    assert state(referral) == ("refused", ["same_network", "order_undone"])


def test_refusing_and_blocking(inviting):
    link = inviting.link()
    held = [
        inviting.buy(
            inviting.code(link, inviting.friend(mail=f"{name}@example.com", address=HOME)), customer=customer
        )
        for name, customer in (("alice", 8001), ("boris", 8002), ("carla", 8003))
    ]
    referrals.refuse(inviting.program, held[0].pk, "staff", now=LATER)
    assert state(held[0])[0] == "refused"
    assert state(held[0])[1][-1] == "by_staff"
    referrals.block(inviting.program, held[1].pk, "staff", now=LATER)
    for one in held[1:]:
        assert state(one)[0] == "blocked"
    for one in held:
        for decide in (referrals.approve, referrals.refuse, referrals.block):
            with pytest.raises(AlreadyDecided):
                decide(inviting.program, one.pk, "staff")
    with pytest.raises(NoSuchLink):
        inviting.take(link, inviting.friend(mail="late@example.com"))
    advocates.unblock(inviting.program.pk, Advocate.objects.get())
    inviting.take(link, inviting.friend(mail="late@example.com"))


def test_another_program_s_can_t_be_decided(inviting):
    referral = inviting.buy(inviting.code(inviting.link(), inviting.friend(address=HOME)))
    stranger = World()
    for decide in (referrals.approve, referrals.refuse, referrals.block):
        with pytest.raises(AlreadyDecided):
            decide(stranger.program, referral.pk, "staff")
    assert state(referral)[0] == "held"


def test_an_order_that_was_settled_while_its_member_was_blocked_is_not_paid(inviting):
    link = inviting.link()
    referral = inviting.buy(inviting.code(link))
    assert referral.state == "waiting"
    Advocate.objects.filter(code=link).update(blocked_at=LATER)
    inviting.work()
    assert state(referral) == ("blocked", ["blocked"])
    assert inviting.points() == 0


def test_a_ring_is_held_from_its_first_referral_on(inviting):
    inviting.world.rules(hold_days=14)
    ring = [8000 + number for number in range(10)]
    links = [
        inviting.link(customer, f"{chr(97 + n) * 7}@example.com", f"192.0.2.{n}")
        for n, customer in enumerate(ring)
    ]
    made = []
    for n, link in enumerate(links):
        friend = inviting.friend(mail=f"{chr(107 + n) * 7}@example.com", address=f"198.51.100.{n}")
        made.append(inviting.buy(inviting.code(link, friend), customer=ring[(n + 1) % 10]))
    assert [state(one) for one in made] == [("held", ["ring"])] * 10


def test_a_chain_is_no_ring(inviting):
    chain = [8000 + number for number in range(4)]
    for n, (one, other) in enumerate(pairwise(chain)):
        link = inviting.link(one, f"{chr(97 + n) * 7}@example.com", f"192.0.2.{n}")
        friend = inviting.friend(mail=f"{chr(107 + n) * 7}@example.com", address=f"198.51.100.{n}")
        assert inviting.buy(inviting.code(link, friend), customer=other).state == "waiting"


def test_what_was_promised_stays_promised(inviting):
    code = inviting.code(inviting.link())
    inviting.says(active=False, points=1)
    referral = inviting.buy(code)
    assert (referral.points, referral.state) == (100, "waiting")


def test_a_merge_keeps_both_links_and_refuses_who_thanked_themselves(inviting):
    one, two = inviting.link(), inviting.link(FRIEND, "friend@example.com", CAFE)
    inviting.world.rules(hold_days=14)
    own = inviting.buy(inviting.code(one, inviting.friend(mail="zoe@example.com", address=ELSEWHERE)))
    people.merge(inviting.program, (1, FRIEND), (1, ADVOCATE), happened_at=LATER, now=LATER)
    member = inviting.world.member(FRIEND)
    assert {advocates.open_link(inviting.program, link).member_id for link in (one, two)} == {member.pk}
    assert advocates.made(inviting.program, member.pk).code == two
    inviting.work(LATER + timedelta(days=20))
    assert state(own) == ("refused", ["same_customer"])


def test_who_is_forgotten_leaves_no_address_and_is_not_thanked(inviting):
    inviting.world.rules(hold_days=14)
    link = inviting.link()
    waiting = inviting.buy(inviting.code(link))
    stored = personal.stored(inviting.world.member(ADVOCATE))
    assert [row["code"] for row in stored["links"]] == [link]
    assert [row["state"] for row in personal.stored(inviting.world.member(FRIEND))["invited_orders"]] == [
        "waiting"
    ]
    people.forget(inviting.program, (1, FRIEND))
    claim = Claim.objects.get()
    assert (claim.mail_digest, claim.place_digest, claim.key) == (None, None, "")
    people.forget(inviting.program, (1, ADVOCATE))
    advocate = Advocate.objects.get()
    assert (advocate.mail_digest, advocate.stem_digest, advocate.place_digest) == (None, None, None)
    assert state(waiting) == ("refused", ["erased"])
    assert Tombstone.objects.count() == 2


def test_addresses_are_kept_as_keyed_digests_until_their_day(inviting, settings):
    inviting.take(inviting.link(), now=NOW)
    rows = [Advocate.objects.get(), Claim.objects.get()]
    for row in rows:
        assert row.digests_until == NOW + timedelta(days=90)
        assert len(bytes(row.mail_digest)) == len(bytes(row.place_digest)) == 32
    mail = Mail.of("friend@example.com")
    same = advocates.traces(inviting.program, mail, CAFE)
    assert bytes(rows[1].mail_digest) == same.mail
    assert advocates.traces(World().program, mail, CAFE).mail != same.mail
    settings.SECRET_KEY = "another"
    assert advocates.traces(inviting.program, mail, CAFE).mail != same.mail
    assert advocates.forget_old(now=NOW + timedelta(days=89)) == 0


def test_old_digests_are_erased(inviting):
    inviting.take(inviting.link(), now=NOW)
    assert advocates.forget_old(now=NOW + timedelta(days=90)) == 2
    for row in (Advocate.objects.get(), Claim.objects.get()):
        assert (row.mail_digest, row.stem_digest, row.place_digest, row.digests_until) == (None,) * 4


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_from_one_address_those_within_the_limit_are_given():
    inviting = Inviting(World(), claims_per_day=3)
    link, barrier, found = inviting.link(), threading.Barrier(8), []

    def run(turn):
        try:
            barrier.wait()
            found.append(inviting.take(link, inviting.friend(mail=f"mail{turn}@example.com"))[0].state)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(turn,)) for turn in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["refused"] * 5 + ["reserved"] * 3
    programs.erase(inviting.program.pk)
    assert not Claim.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_pay_once():
    inviting = Inviting(World())
    inviting.buy(inviting.code(inviting.link()))
    barrier = threading.Barrier(4)

    def run():
        try:
            barrier.wait()
            inviting.work()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inviting.points() == 100
    assert Order.objects.exists()
    assert Member.objects.exists()
    programs.erase(inviting.program.pk)
