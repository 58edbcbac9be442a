"""Tiers in the ledger: orders lift, refunds lower, late news keeps its tier, entries pay once."""

from datetime import UTC, date, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import Error, connection, transaction

from rewards import (
    actions,
    ledger,
    orders,
    people,
    personal,
    programs,
    reservations,
    standing,
    tier_grants,
    tiers,
    timeline,
)
from rewards.facts import FetchedOrder
from rewards.models import Member, MemberTier, Movement, Order, TierChange, TierGrant
from rewards.offers import Shopper
from rewards.reservations import Request
from tests.rewards.conftest import NOW, line, order

LEVELS = [
    {"id": "silver", "name": "Silver", "from": "100", "entry_points": 10},
    {
        "id": "gold",
        "name": "Gold",
        "from": "500",
        "keep": "300",
        "multiplier": {"factor": "2"},
        "entry_points": 50,
    },
    {"id": "platinum", "name": "Platinum", "from": "2000", "entry_points": 200},
]


def with_tiers(world, levels=LEVELS, **said):
    world.apply({**programs.document(world.program), "tiers": {"levels": levels, **said}})
    world.program.refresh_from_db()


def buy(world, amount, number=1, days=0, customer_id=7001, now=None, **changes):
    """An order of so many euros, paid so many days after NOW, and heard of then."""
    at = NOW + timedelta(days=days)
    fact = order(
        line(amount * 100),
        external_id=5000 + number,
        processed_at=at,
        updated_at=at,
        customer_id=customer_id,
        **changes,
    )
    world.settle(fact, now=now or at)
    return fact


def tier(world, customer_id=7001):
    found = MemberTier.objects.filter(member=world.member(customer_id)).first()
    return found and (found.tier or None)


def history(world, customer_id=7001):
    rows = TierChange.objects.filter(member=world.member(customer_id)).order_by("id")
    return [(row.previous, row.tier, row.reason) for row in rows]


def points(world, number=1):
    return Order.objects.get(program=world.program, external_id=5000 + number).points


def test_an_order_lifts_and_earns_by_the_tier_before(world):
    with_tiers(world)
    buy(world, 500)
    assert tier(world) == "gold"
    assert points(world) == 500
    buy(world, 100, number=2, days=1)
    assert points(world, 2) == 200
    assert history(world) == [("", "gold", "reached")]


def test_a_program_without_tiers_keeps_no_rows(world):
    buy(world, 500)
    assert not MemberTier.objects.exists()
    found = Order.objects.get()
    assert (found.spend, found.counts_on.isoformat()) == (50_000, "2026-11-20")


def test_entry_points_come_once_for_each_level_those_skipped_included(world):
    with_tiers(world)
    buy(world, 500)
    assert world.member().available == 500 + 10 + 50
    texts = [event.text for event in timeline.events(world.program, world.member().pk)[0]]
    assert "Welcome to Gold: 50 points." in texts
    # Down by a refund, and up again.
    world.settle(order(line(50_000, current=0), external_id=5001, minutes=60))
    assert tier(world) is None
    buy(world, 600, number=2, days=1)
    assert tier(world) == "gold"
    assert Movement.objects.filter(kind="tier").count() == 2


def test_entry_points_of_skipped_levels_only_where_the_program_says_so(world):
    with_tiers(world, skipped_entry_points=False)
    buy(world, 500)
    assert world.member().available == 550


def test_a_refund_lowers_to_what_fits(world):
    with_tiers(world)
    buy(world, 500)
    world.settle(order(line(50_000), external_id=5001, minutes=60, unexplained_refund=20_000))
    assert tier(world) == "gold"
    world.settle(order(line(50_000), external_id=5001, minutes=120, unexplained_refund=25_000))
    assert history(world)[1:] == [("gold", "silver", "not_kept")]


def test_a_refund_that_changes_no_points_counts_all_the_same(world):
    with_tiers(world, levels=[{"id": "silver", "name": "Silver", "from": "100.00"}])
    buy(world, 100)
    world.rules(rate={"points": 0, "per": "1.00"})
    buy(world, 100, number=2, customer_id=7002)
    assert (points(world, 2), tier(world, 7002)) == (0, "silver")
    refunded = order(line(10_000), external_id=5002, customer_id=7002, minutes=9, unexplained_refund=1)
    world.settle(refunded)
    assert tier(world, 7002) is None


def test_grace_holds_the_tier_after_a_refund(world):
    with_tiers(world, grace_days=10)
    buy(world, 500)
    world.settle(order(line(50_000, current=0), external_id=5001, minutes=60))
    assert tier(world) == "gold"
    assert MemberTier.objects.get().falls_on.isoformat() == "2026-11-30"


def test_a_late_order_keeps_the_tier_of_its_moment(world):
    with_tiers(world)
    buy(world, 500)
    buy(world, 10, number=2, days=10)
    late = NOW - timedelta(hours=1)
    world.settle(order(line(3000), external_id=5003, processed_at=late, updated_at=late), now=NOW)
    assert points(world, 3) == 30
    member = world.member().pk
    moments = [NOW, NOW + timedelta(seconds=1), NOW + timedelta(days=10)]
    held = tiers.held_at(world.program.pk, [(member, moment) for moment in moments])
    assert held == [None, "gold", "gold"]


def test_what_lifts_is_dated_by_its_payment_however_late_it_is_heard_of(world):
    with_tiers(world)
    buy(world, 500, now=NOW + timedelta(days=3))
    buy(world, 10, number=2, days=1)
    assert points(world, 2) == 20


def test_orders_on_hold_lift_when_they_are_free(world):
    with_tiers(world, upgrade="after_hold")
    world.rules(hold_days=14)
    world.settle(FetchedOrder(order(line(50_000)), paid_at=NOW))
    assert tier(world) is None
    assert MemberTier.objects.get().due_on.isoformat() == "2026-12-04"


def test_by_number_of_orders(world):
    levels = [{"id": "regular", "name": "Regular", "from": "2"}]
    with_tiers(world, levels=levels, metric="orders")
    buy(world, 10)
    buy(world, 10, number=2)
    assert tier(world) == "regular"
    world.settle(order(line(1000, current=0), external_id=5002, minutes=5))
    assert tier(world) is None


def test_by_points_that_orders_and_actions_gave(world):
    world.rules(signup_bonus=40)
    levels = [{"id": "silver", "name": "Silver", "from": "100", "entry_points": 500}]
    with_tiers(world, levels=levels, metric="points")
    buy(world, 50)
    member = world.member().pk
    ledger.adjust(world.program.pk, member, 1000, key="gift", reason="for you", now=NOW)
    assert tier(world) is None
    assert MemberTier.objects.get().amount == 90
    buy(world, 10, number=2)
    assert tier(world) == "silver"
    # Neither spending nor the entry points change what counts.
    ledger.adjust(world.program.pk, member, -900, key="spent", reason="by hand", now=NOW)
    buy(world, 1, number=3)
    assert MemberTier.objects.get().amount == 101


def test_points_of_an_action_lift_too(world):
    world.rules(rules=[{"id": "vote", "kind": "custom", "title": "A vote", "points": 40}])
    with_tiers(world, levels=[{"id": "silver", "name": "Silver", "from": "50"}], metric="points")
    buy(world, 10)
    actions.earn(world.program, world.member().pk, "vote", "first", now=NOW)
    assert tier(world) == "silver"


def test_who_joins_has_what_the_welcome_counts_for(world):
    world.rules(signup_bonus=40)
    with_tiers(world, levels=[{"id": "silver", "name": "Silver", "from": "40"}], metric="points")
    people.enrol(world.program, {(1, 7001): NOW}, now=NOW)
    assert tier(world) == "silver"


def test_several_orders_of_one_delivery_lift_as_if_they_came_one_by_one(world):
    with_tiers(world, skipped_entry_points=False)
    told = [
        order(line(amount * 100), external_id=5000 + number, processed_at=at, updated_at=at)
        for number, amount in enumerate([100, 400, 30, 2000, 7])
        for at in [NOW + timedelta(minutes=number)]
    ]
    assert not orders.settle_orders(world.program, told, now=NOW + timedelta(hours=1)).unsure
    assert [points(world, number) for number in range(5)] == [100, 400, 60, 4000, 7]
    assert [new for _, new, _ in history(world)] == ["silver", "gold", "platinum"]
    assert Movement.objects.filter(kind="tier").count() == 3


def test_merging_adds_up_and_keeps_the_higher_tier(world):
    with_tiers(world)
    buy(world, 60)
    buy(world, 500, number=2, customer_id=7002)
    lost = world.member(7002).pk
    people.merge(world.program, (1, 7001), (1, 7002), happened_at=NOW, now=NOW)
    assert tier(world) == "gold"
    assert MemberTier.objects.get().amount == 56_000
    assert history(world) == [("", "gold", "merged")]
    # The lost one was welcomed already.
    assert Movement.objects.filter(kind="tier").values_list("member_id", flat=True).distinct().get() == lost


def test_merging_may_lift(world):
    with_tiers(world)
    buy(world, 300)
    buy(world, 250, number=2, customer_id=7002)
    people.merge(world.program, (1, 7001), (1, 7002), happened_at=NOW, now=NOW)
    assert history(world) == [("", "silver", "reached"), ("silver", "gold", "reached")]
    keys = Movement.objects.filter(kind="tier").values_list("key", flat=True)
    assert sorted(key.split(":")[2] for key in keys) == ["gold", "silver", "silver"]


def test_the_history_is_never_changed(world):
    with_tiers(world)
    buy(world, 500)
    for change in (
        lambda: TierChange.objects.update(tier="platinum"),
        lambda: TierChange.objects.all().delete(),
    ):
        with pytest.raises(Error, match="never changed"), transaction.atomic():
            change()


def test_what_is_stored_of_tiers_can_be_handed_over(world):
    with_tiers(world)
    buy(world, 500)
    tier_grants.invite(world.program, world.member().pk, "platinum", None, "Ann", "Our friend", now=NOW)
    stored = personal.stored(world.member())
    assert [move["tier"] for move in stored["tiers"]] == ["gold", "platinum"]
    assert [given["reason"] for given in stored["tiers_given"]] == ["Our friend"]


def test_a_redacted_member_keeps_numbers_only(world):
    with_tiers(world)
    buy(world, 500)
    tier_grants.invite(world.program, world.member().pk, "gold", None, "Ann", "Bob's friend", now=NOW)
    people.forget(world.program, (1, 7001))
    assert TierGrant.objects.get().reason == ""
    assert Member.objects.get().redacted_at
    assert MemberTier.objects.get().tier == "gold"


def test_erasing_a_program_erases_its_tiers(world):
    with_tiers(world)
    buy(world, 500)
    programs.erase(world.program.pk)
    assert not MemberTier.objects.exists()
    assert not TierChange.objects.exists()


def test_members_are_told_when_only_their_way_changed(world):
    """Points stay, for they are rounded down, and the amount doesn't."""
    with_tiers(world)
    buy(world, 90)
    before = world.member().version
    world.settle(order(line(9000), line(50, id=2), external_id=5001, minutes=5))
    assert world.member().version > before
    assert world.member().available == 90


def test_the_day_is_that_of_the_shop(world):
    """Half past eleven in the night of the 20th in UTC is the 21st in Berlin."""
    with_tiers(world)
    night = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    world.settle(order(line(10_000), processed_at=night, updated_at=night), now=night)
    assert Order.objects.get().counts_on.isoformat() == "2026-11-21"
    assert MemberTier.objects.get().until.isoformat() == "2027-11-21"


# --- nights and changes of the program ----------------------------------------------------------------------

A_YEAR = 365


def night(days):
    """The first minute of the local day so many days after NOW."""
    return datetime(2026, 11, 19, 23, 0, 30, tzinfo=UTC) + timedelta(days=days)


def test_the_night_after_the_last_day_takes_the_tier(world):
    with_tiers(world)
    buy(world, 500)
    tiers.follow(now=NOW)
    assert tiers.review_due(now=night(A_YEAR + 1) - timedelta(minutes=1)) == 0
    assert tiers.review_due(now=night(A_YEAR + 1)) == 1
    assert tiers.review_due(now=night(A_YEAR + 1)) == 0
    assert history(world)[-1] == ("gold", "", "not_kept")
    lost = TierChange.objects.latest("id")
    assert lost.happened_at == datetime(2027, 11, 20, 23, tzinfo=UTC)
    assert MemberTier.objects.get().due_on is None


def test_each_shop_has_its_own_midnight(world):
    with_tiers(world)
    buy(world, 500)
    tiers.follow(now=NOW)
    # In Honolulu it is still the day before.
    world.program.timezone = "Pacific/Honolulu"
    world.program.save(update_fields=["timezone"])
    assert tiers.review_due(now=night(A_YEAR + 1)) == 0
    assert tiers.review_due(now=night(A_YEAR + 1) + timedelta(hours=11)) == 1


def test_nights_that_were_missed_are_dated_as_if_they_had_not_been(world):
    with_tiers(world, downgrade="step")
    buy(world, 2000)
    tiers.follow(now=NOW)
    tiers.review_due(now=night(A_YEAR * 4))
    moves = TierChange.objects.order_by("id").values_list("tier", "happened_at")
    assert [(new, moment.date().isoformat()) for new, moment in moves] == [
        ("platinum", "2026-11-20"),
        ("gold", "2027-11-20"),
        ("silver", "2028-11-20"),
        ("", "2029-11-20"),
    ]


def test_the_hold_of_an_order_ends_in_the_night(world):
    with_tiers(world, upgrade="after_hold")
    world.rules(hold_days=14)
    world.settle(FetchedOrder(order(line(50_000)), paid_at=NOW))
    tiers.follow(now=NOW)
    assert tiers.review_due(now=night(13)) == 0
    assert tiers.review_due(now=night(14)) == 1
    assert tier(world) == "gold"
    assert world.member().available == 60


def changed(world, levels, now=NOW, **said):
    with_tiers(world, levels, **said)
    return tiers.follow(now=now)


def test_lower_thresholds_lift_soon_after_the_change(world):
    with_tiers(world)
    buy(world, 60)
    assert changed(world, [{**LEVELS[0], "from": "50"}]) == 1
    assert tier(world) == "silver"
    assert tiers.follow(now=NOW) == 0


def test_tiers_that_are_switched_on_count_what_was_bought_before(world):
    buy(world, 600)
    assert changed(world, LEVELS) == 1
    assert tier(world) == "gold"


def test_a_tier_that_is_taken_out_stays_closed_until_its_members_own_date(world):
    with_tiers(world)
    buy(world, 500)
    buy(world, 100, number=2, customer_id=7002)
    changed(world, [])
    levels = programs.document(world.program)["tiers"]["levels"]
    assert [(level["id"], level["closed"]) for level in levels] == [("silver", True), ("gold", True)]
    assert (tier(world), tier(world, 7002)) == ("gold", "silver")
    assert tiers.public(programs.document(world.program)) is None
    # It still counts, though nobody new comes.
    buy(world, 10, number=3, days=1)
    assert points(world, 3) == 20
    buy(world, 400, number=4, days=1, customer_id=7002)
    buy(world, 600, number=5, days=1, customer_id=7003)
    assert (tier(world, 7002), tier(world, 7003)) == ("silver", None)
    tiers.review_due(now=night(A_YEAR + 1))
    # Who was confirmed by 500 within a year has 10 of it left; 7002 has the 400 of a day later.
    assert (tier(world), tier(world, 7002)) == (None, "silver")
    tiers.review_due(now=night(A_YEAR + 2))
    assert tier(world, 7002) is None
    changed(world, [])
    assert programs.document(world.program)["tiers"]["levels"] == []


def test_a_tier_that_nobody_has_is_gone_at_once(world):
    with_tiers(world)
    buy(world, 100)
    changed(world, LEVELS[:1])
    assert [level["id"] for level in programs.document(world.program)["tiers"]["levels"]] == ["silver"]


def test_a_closed_tier_keeps_its_place_and_can_be_opened_again(world):
    with_tiers(world)
    buy(world, 500)
    changed(world, [LEVELS[0], LEVELS[2]])
    levels = programs.document(world.program)["tiers"]["levels"]
    assert [level["id"] for level in levels] == ["silver", "gold", "platinum"]
    version = world.program.version
    changed(world, [LEVELS[0], LEVELS[2]])
    assert world.program.version == version, "it says the same"
    with pytest.raises(tier_grants.NoSuchLevel):
        tier_grants.invite(world.program, world.member().pk, "gold", None, "staff")
    buy(world, 1500, number=2, days=1)
    assert tier(world) == "platinum"
    changed(world, LEVELS)
    buy(world, 500, number=3, days=1, customer_id=7002)
    assert tier(world, 7002) == "gold"


def test_a_tier_is_taken_out_while_something_else_is_counted(world):
    with_tiers(world)
    buy(world, 500)
    with_tiers(world, [LEVELS[0]], metric="orders")
    tiers.follow(now=NOW)
    assert tier(world) == "gold"
    tiers.review_due(now=night(A_YEAR + 1))
    assert tier(world) is None


def test_a_gift_of_a_tier_that_is_taken_out_lasts(world):
    with_tiers(world)
    buy(world, 100)
    member = world.member()
    tier_grants.invite(world.program, member.pk, "platinum", None, "staff", now=NOW)
    changed(world, LEVELS[:1])
    assert tier(world) == "platinum"
    tier_grants.uninvite(world.program, member.pk, "platinum", "staff", now=NOW)
    assert tier(world) == "silver"


def test_nobody_is_moved_down_by_an_edit_before_their_own_date(world):
    with_tiers(world)
    buy(world, 500)
    harder = [{**level, "from": str(10 * int(level["from"])), "keep": None} for level in LEVELS]
    changed(world, harder)
    # Neither at once nor by what happens meanwhile.
    buy(world, 1, number=2, days=30)
    tiers.review_due(now=night(200))
    assert tier(world) == "gold"
    tiers.review_due(now=night(A_YEAR + 1))
    assert tier(world) is None


def test_a_change_that_is_undone_before_anybody_followed_it(world):
    with_tiers(world)
    tiers.follow(now=NOW)
    with_tiers(world, [{**LEVELS[0], "from": "1"}])
    buy(world, 60)
    assert tier(world) == "silver"
    changed(world, LEVELS)
    # By the version that confirmed it, silver stays until its own date.
    assert tier(world) == "silver"
    assert MemberTier.objects.get().reviewed == world.program.version


def test_a_change_that_concerns_no_threshold_asks_nobody(world):
    with_tiers(world)
    buy(world, 500)
    tiers.follow(now=NOW)
    assert changed(world, [{**level, "perks": ["A song"]} for level in LEVELS]) == 0
    world.rules(rate={"points": 2, "per": "1.00"})
    assert tiers.follow(now=NOW) == 0


def test_who_would_move_is_who_then_moves(world):
    with_tiers(world)
    for number, amount in enumerate((60, 100, 499, 500, 2000)):
        buy(world, amount, number=number, customer_id=7001 + number)
    levels = [{**LEVELS[0], "from": "50"}, {**LEVELS[1], "from": "400"}]
    document = programs.checked({**programs.document(world.program), "tiers": {"levels": levels}}, "EUR")
    told = {member: new for member, _, new in tiers.foreseen(world.program, document, now=NOW)}
    changed(world, levels)
    moved = TierChange.objects.filter(version=world.program.version)
    assert told == {move.member_id: move.tier or None for move in moved}
    # Platinum was taken out; its member stays there.
    assert sorted(told.values()) == ["gold", "silver"]


def test_orders_from_before_tiers_were_known_count_as_if_they_had_been(world):
    """What the migration says of old orders is what settling said of new ones."""
    migration = import_module("rewards.migrations.0016_tiers")
    world.rules(hold_days=3)
    for number, days in enumerate((0, 40)):
        fact = order(
            line(1999, ordered=3, current=2, discount=100),
            external_id=5000 + number,
            processed_at=NOW + timedelta(days=days),
            updated_at=NOW + timedelta(days=days),
        )
        world.settle(FetchedOrder(fact))
    world.settle(order(line(500), external_id=5009, customer_id=None))
    columns = ("external_id", "counts_on", "firm_on", "spend")
    before = set(Order.objects.values_list(*columns))
    Order.objects.update(counts_on=None, firm_on=None, spend=0)
    with connection.schema_editor(atomic=False) as editor:
        migration.count_old_orders(apps, editor)
    assert set(Order.objects.values_list(*columns)) == before
    assert sorted(spend for *_, spend in before) == [0, 3931, 3931]


# --- what is given ------------------------------------------------------------------------------------------

CLUB = {
    "id": "club",
    "name": "Club",
    "membership": {"product": 77, "days": 30},
    "multiplier": {"factor": "3"},
    "entry_points": 5,
}
FRIENDS = {"id": "friends", "name": "Friends", "by_invitation": True, "hidden": True}


def join_club(world, number, days=0, quantity=1, current=None, minutes=0):
    at = NOW + timedelta(days=days)
    fact = order(
        line(900, ordered=quantity, current=current, product_id=77),
        external_id=5000 + number,
        processed_at=at,
        updated_at=at + timedelta(minutes=minutes),
    )
    world.settle(fact, now=at + timedelta(minutes=minutes))


def ends_on(world):
    found = MemberTier.objects.get().ends_on
    return found and found.isoformat()


def test_a_membership_lasts_as_many_days_as_were_bought(world):
    with_tiers(world, [*LEVELS, CLUB])
    tiers.follow(now=NOW)
    join_club(world, 1)
    assert (tier(world), ends_on(world)) == ("club", "2026-12-19")
    assert history(world) == [("", "club", "granted")]
    buy(world, 10, number=2, days=1)
    assert points(world, 2) == 30
    tiers.review_due(now=night(29))
    assert tier(world) == "club"
    tiers.review_due(now=night(30))
    assert history(world)[-1] == ("club", "", "grant_ended")


def test_a_second_membership_goes_on_where_the_first_ends_and_goes_back_with_its_order(world):
    with_tiers(world, [*LEVELS, CLUB])
    join_club(world, 1)
    join_club(world, 2, days=10, quantity=2)
    assert ends_on(world) == "2027-02-17"
    join_club(world, 2, days=10, quantity=2, current=1, minutes=5)
    assert ends_on(world) == "2027-01-18"
    join_club(world, 2, days=10, quantity=2, current=0, minutes=9)
    assert ends_on(world) == "2026-12-19"


def test_a_membership_that_is_excluded_from_earning_goes_back_all_the_same(world):
    with_tiers(world, [CLUB])
    world.rules(excluded={"products": [77]})
    join_club(world, 1)
    assert (points(world), tier(world)) == (0, "club")
    join_club(world, 1, current=0, minutes=5)
    assert tier(world) is None
    join_club(world, 1, minutes=9)
    assert tier(world) == "club"


def test_a_later_price_of_a_membership_changes_none_that_was_bought(world):
    with_tiers(world, [CLUB])
    join_club(world, 1)
    document = {**programs.document(world.program), "tiers": {"levels": [{**CLUB, "membership": None}]}}
    programs.apply(world.program, document, "test")
    join_club(world, 1, minutes=5, quantity=2)
    assert ends_on(world) == "2027-01-18"


def test_an_invitation_gives_a_tier_and_takes_it_back(world):
    with_tiers(world, [*LEVELS, FRIENDS])
    buy(world, 500)
    member = world.member().pk
    tier_grants.invite(world.program, member, "friends", date(2026, 12, 24), "Ann", "A friend", now=NOW)
    assert (tier(world), ends_on(world)) == ("friends", "2026-12-24")
    tier_grants.invite(world.program, member, "friends", None, "Ann", now=NOW)
    assert (tier(world), ends_on(world)) == ("friends", None)
    assert tier_grants.uninvite(world.program, member, "friends", "Bob", now=NOW)
    assert not tier_grants.uninvite(world.program, member, "friends", "Bob", now=NOW)
    assert history(world)[1:] == [("gold", "friends", "granted"), ("friends", "gold", "grant_ended")]
    assert set(TierGrant.objects.values_list("author", "revoked_by")) == {("Ann", "Ann"), ("Ann", "Bob")}


def test_an_invitation_ends_in_the_night_after_its_last_day(world):
    with_tiers(world, [FRIENDS])
    tiers.follow(now=NOW)
    buy(world, 1)
    tier_grants.invite(world.program, world.member().pk, "friends", date(2026, 11, 22), "Ann", now=NOW)
    assert tiers.review_due(now=night(2)) == 0
    assert tiers.review_due(now=night(3)) == 1
    assert tier(world) is None


def test_invitations_that_cannot_be(world):
    with_tiers(world)
    buy(world, 1)
    member = world.member().pk
    with pytest.raises(tier_grants.NoSuchLevel):
        tier_grants.invite(world.program, member, "diamond", None, "Ann", now=NOW)
    with pytest.raises(ValueError, match="passed"):
        tier_grants.invite(world.program, member, "gold", date(2026, 11, 19), "Ann", now=NOW)


def test_grants_of_who_is_merged_are_the_survivors(world):
    with_tiers(world, [*LEVELS, CLUB])
    buy(world, 500, number=9, customer_id=7002)
    join_club(world, 1)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW, now=NOW)
    assert (tier(world, 7002), ends_on(world)) == ("club", "2026-12-19")


# --- what people see ----------------------------------------------------------------------------------------


def seen(world):
    found = standing.standings(world.program, [world.member()])[world.member().pk]
    return found["tier"], found["next_tier"]


def test_the_standing_tells_the_tier_and_the_way_to_the_next(world):
    with_tiers(world, [{**LEVELS[0], "perks": ["A song"]}, *LEVELS[1:]])
    buy(world, 62, days=1)
    silver = {"id": "silver", "name": "Silver", "metric": "spend", "missing": "38.00", "by": "2027-11-21"}
    assert seen(world) == (None, silver)
    buy(world, 50, number=2, days=2)
    held, way = seen(world)
    assert held == {"id": "silver", "name": "Silver", "perks": ["A song"], "until": None}
    assert (way["id"], way["missing"]) == ("gold", "388.00")


def test_who_never_bought_has_the_whole_way_ahead(world):
    with_tiers(world)
    people.enrol(world.program, {(1, 7001): NOW}, now=NOW)
    assert not MemberTier.objects.exists()
    assert seen(world)[1]["missing"] == "100.00"


def test_without_tiers_there_is_no_way(world):
    buy(world, 10)
    assert seen(world) == (None, None)


def test_no_way_is_told_that_was_counted_in_other_things(world):
    with_tiers(world)
    buy(world, 62)
    levels = [{"id": "silver", "name": "Silver", "from": "5"}]
    with_tiers(world, levels, metric="orders")
    assert seen(world) == (None, None)
    tiers.follow(now=NOW)
    assert seen(world)[1]["missing"] == 4


def test_the_program_shows_its_visible_levels(world):
    assert standing.public_program(world.program)["tiers"] is None
    with_tiers(world, [*LEVELS[:2], FRIENDS])
    assert standing.public_program(world.program)["tiers"] == {
        "metric": "spend",
        "window": "rolling_year",
        "levels": [
            {"id": "silver", "name": "Silver", "from": "100.00", "entry_points": 10, "perks": []},
            {
                "id": "gold",
                "name": "Gold",
                "from": "500.00",
                "multiplier": {"factor": "2", "stackable": True},
                "entry_points": 50,
                "perks": [],
            },
        ],
    }


def test_rewards_of_a_tier_are_for_its_members(world):
    document = programs.document(world.program)
    rewards = [{**reward, "tiers": ["gold"]} for reward in document["rewards"][:1]] + document["rewards"][1:]
    world.apply({**document, "rewards": rewards, "tiers": {"levels": LEVELS}})
    buy(world, 300)
    request = Request(world.member().pk, 1, 7001, "five-off", "key")
    with pytest.raises(reservations.NoSuchReward, match="for other members"):
        reservations.reserve(world.program, request)
    assert "five-off" not in ids_for(world, "silver")
    buy(world, 300, number=2)
    made, _ = reservations.reserve(world.program, request)
    assert made.points == 100
    assert "five-off" in ids_for(world, "gold")


def ids_for(world, tier):
    return [reward["id"] for reward in standing.rewards_for(world.program, Shopper(300, tier), NOW)]
