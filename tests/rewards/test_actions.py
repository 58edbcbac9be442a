"""Points that no order gave: once for each occasion, within limits, by the rules of when it happened."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from rewards import actions, people, personal, programs, timeline
from rewards.actions import AlreadyDecided, LimitReached, NoSuchAction, NotForYou, NotNow
from rewards.models import Action, Member, Movement
from tests.rewards.conftest import NOW, World, line, order

RULES = [
    {"id": "news", "kind": "newsletter", "points": 30},
    {"id": "follow", "kind": "social", "points": 10, "url": "https://social.example/shop"},
    {"id": "review", "kind": "review", "points": 20, "with_picture": 35, "most": 2},
    {"id": "photo", "kind": "content", "title": "Your photo", "points": 100, "most": 2},
    {"id": "visit", "kind": "custom", "title": "Shop visit", "points": 5, "most": None},
    {"id": "party", "kind": "custom", "points": 50, "most": 2},
]


@pytest.fixture
def rules(world):
    world.rules(rules=RULES)
    people.enrol(world.program, {(1, 7001): NOW, (1, 7002): NOW}, now=NOW)
    return world


def earn(world, rule, occasion="once", customer=7001, **more):
    more = {"now": NOW, **more}
    return actions.earn(world.program, world.member(customer).pk, rule, occasion, **more)


@pytest.mark.parametrize(
    ("rule", "more", "points"),
    [
        ("news", {}, 30),
        ("follow", {}, 10),
        ("review", {}, 20),
        ("review", {"picture": True}, 35),
        ("visit", {"picture": True}, 5),
        ("party", {}, 50),
    ],
)
def test_an_occasion_gives_once(rules, rule, more, points):
    first, is_new = earn(rules, rule, **more)
    again, is_new_again = earn(rules, rule, **more)
    assert (is_new, is_new_again) == (True, False)
    assert first.pk == again.pk
    assert first.state == again.state == "given"
    assert rules.member().available == points
    assert rules.member(7002).available == 0


def test_the_key_says_who_for_what_and_when(rules):
    earn(rules, "visit", "2026")
    member = rules.member()
    movement = Movement.objects.get(program=rules.program)
    assert movement.key == f"member:{member.pk}:visit:2026:0"
    assert movement.source == "issued"
    (event,), _ = timeline.events(rules.program, member.pk)
    assert event.text == "Shop visit: 5 points."


def test_limits_hold_in_all_or_in_a_local_year(rules):
    for place in ("a", "b"):
        earn(rules, "party", place)
        earn(rules, "review", place)
    for rule in ("party", "review"):
        with pytest.raises(LimitReached):
            earn(rules, rule, "c")
    # It is 2027 in Berlin an hour before it is in London.
    new_year = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
    with pytest.raises(LimitReached):
        earn(rules, "review", "c", now=new_year - timedelta(seconds=1))
    earn(rules, "review", "c", now=new_year)
    with pytest.raises(LimitReached):
        earn(rules, "party", "c", now=new_year)
    for number in range(50):
        earn(rules, "visit", f"v{number}")
    assert rules.member().available == 100 + 60 + 250


def test_what_no_rule_says_gives_nothing(rules):
    with pytest.raises(NoSuchAction):
        earn(rules, "unknown")
    rules.rules(rules=[{**rule, "archived": True} for rule in RULES])
    with pytest.raises(NoSuchAction):
        earn(rules, "follow")
    assert not Action.objects.exists()


def test_a_repetition_gets_its_answer_when_the_rule_is_gone(rules):
    first, _ = earn(rules, "follow")
    rules.rules(rules=[])
    assert earn(rules, "follow") == (first, False)


def test_periods_begin_and_end_in_the_shop(rules):
    rules.rules(rules=[{**RULES[4], "starts": "2026-12-01", "ends": "2026-12-07"}])
    for moment, is_on in (
        (datetime(2026, 11, 30, 22, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 30, 23, 0, tzinfo=UTC), True),
        (datetime(2026, 12, 7, 22, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 12, 7, 23, 0, tzinfo=UTC), False),
    ):
        if is_on:
            earn(rules, "visit", moment.isoformat(), now=moment)
        else:
            with pytest.raises(NotNow):
                earn(rules, "visit", moment.isoformat(), now=moment)


@pytest.mark.parametrize(
    ("audience", "with_order", "without"),
    [
        ({"never_ordered": True}, False, True),
        ({"not_ordered_days": 3}, False, False),
        ({"not_ordered_days": 1}, True, False),
        ({"member_since": "2026-11-20"}, True, True),
        ({"member_since": "2026-11-19"}, False, False),
        ({"customer_tags": ["VIP"]}, False, True),
        ({"tiers": ["gold"]}, False, False),
    ],
)
def test_a_rule_is_for_its_audience(rules, audience, with_order, without):
    document = {**programs.document(rules.program), "tiers": {"levels": [{"id": "gold", "name": "Gold"}]}}
    rules.apply(document)
    rules.rules(rules=[{**RULES[4], "audience": audience}])
    rules.earn(10)
    Member.objects.filter(pk=rules.member(7002).pk).update(tags=["vip"])
    tomorrow = NOW + timedelta(days=1)
    for customer, is_meant in ((7001, with_order), (7002, without)):
        if is_meant:
            earn(rules, "visit", customer=customer, now=tomorrow)
        else:
            with pytest.raises(NotForYou):
                earn(rules, "visit", customer=customer, now=tomorrow)


def test_who_is_excluded_by_a_tag_earns_nothing_by_other_ways_either(rules):
    rules.rules(excluded_customer_tags=["Staff"])
    Member.objects.filter(pk=rules.member().pk).update(tags=["staff"])
    with pytest.raises(NotForYou):
        earn(rules, "follow")


def test_what_happened_a_while_ago_goes_by_the_rules_of_then(rules):
    rules.rules(rules=[{**RULES[4], "points": 7}])
    rules.program.versions.filter(number=rules.program.version).update(created_at=NOW)
    earn(rules, "visit", "before", at=NOW - timedelta(seconds=1))
    earn(rules, "visit", "after", at=NOW)
    assert rules.member().available == 5 + 7
    with pytest.raises(NoSuchAction):
        earn(rules, "follow", at=NOW)


def test_nothing_is_given_for_what_was_before_the_program(rules):
    rules.program.versions.update(created_at=NOW)
    with pytest.raises(NoSuchAction):
        earn(rules, "visit", at=NOW - timedelta(seconds=1))


def test_a_contribution_waits_and_is_approved_once(rules):
    action, _ = earn(rules, "photo", data={"text": "Look!"})
    assert action.state == "waiting"
    assert rules.member().available == 0
    # Its points are those of when it was handed in.
    rules.rules(rules=[{**rule, "points": 1} for rule in RULES])
    approved = actions.approve(rules.program, action.pk, "staff 1", now=NOW)
    assert (approved.state, approved.author) == ("given", "staff 1")
    for decide in (lambda: actions.approve(rules.program, action.pk, "x"),
                   lambda: actions.refuse(rules.program, action.pk, "x", "no")):  # fmt: skip
        with pytest.raises(AlreadyDecided):
            decide()
    assert rules.member().available == 100


def test_a_refused_contribution_leaves_its_place_to_another(rules):
    action, _ = earn(rules, "photo", "a", data={"text": "Bad"})
    earn(rules, "photo", "b")
    with pytest.raises(LimitReached):
        earn(rules, "photo", "c")
    refused = actions.refuse(rules.program, action.pk, "staff 1", "Not our product", now=NOW)
    assert (refused.state, refused.reason, refused.decided_at) == ("refused", "Not our product", NOW)
    earn(rules, "photo", "c")
    assert earn(rules, "photo", "a") == (refused, False)
    assert rules.member().available == 0


def test_another_program_s_contributions_can_t_be_decided(rules):
    action, _ = earn(rules, "photo")
    stranger = World()
    for decide in (actions.approve, lambda *a: actions.refuse(*a, "no")):
        with pytest.raises(AlreadyDecided):
            decide(stranger.program, action.pk, "x")
    action.refresh_from_db()
    assert action.state == "waiting"


def test_a_merge_brings_along_what_the_other_has_not_done(rules):
    earn(rules, "follow")
    earn(rules, "follow", customer=7002)
    earn(rules, "news")
    waiting, _ = earn(rules, "photo", "same")
    of_both, _ = earn(rules, "photo", "same", customer=7002)
    people.merge(rules.program, (1, 7002), (1, 7001), happened_at=NOW, now=NOW)
    _, is_new = earn(rules, "news", customer=7002)
    assert not is_new
    for action in (waiting, of_both):
        actions.approve(rules.program, action.pk, "staff", now=NOW)
    assert rules.member(7002).available == 10 + 10 + 30 + 100 + 100


def test_who_is_forgotten_leaves_only_numbers(rules):
    given, _ = earn(rules, "visit", data={"key": "a@example.com"})
    waiting, _ = earn(rules, "photo", data={"text": "My face"})
    member = rules.member()
    stored = personal.stored(member)
    assert [action["data"] for action in stored["actions"]] == [{"key": "a@example.com"}, {"text": "My face"}]
    people.forget(rules.program, (1, 7001))
    for action in (given, waiting):
        action.refresh_from_db()
        assert action.data == {}
    assert waiting.state == "refused"
    with pytest.raises(AlreadyDecided):
        actions.approve(rules.program, waiting.pk, "staff")
    with pytest.raises(NotForYou):
        actions.earn(rules.program, member.pk, "party", "late", now=NOW)


def test_a_key_of_somebody_else_isn_t_kept_with_points():
    assert actions.occasion_of("a@example.com") == actions.occasion_of("a@example.com")
    assert len(actions.occasion_of("x" * 10_000)) <= 48
    assert "example" not in actions.occasion_of("a@example.com")


def at_once(number, work):
    """So many threads that begin together; what each returned or raised."""
    barrier, found = threading.Barrier(number), []

    def run(turn):
        try:
            barrier.wait()
            found.append(work(turn))
        except actions.NotGiven as error:
            found.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(turn,)) for turn in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == number
    return found


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("rule", "same", "given"), [("visit", True, 1), ("party", False, 2)])
def test_of_many_at_once_those_within_the_limit_are_given(rule, same, given):
    world = World()
    world.rules(rules=RULES)
    people.enrol(world.program, {(1, 7001): NOW}, now=NOW)
    points = next(found["points"] for found in RULES if found["id"] == rule)
    found = at_once(8, lambda turn: earn(world, rule, "same" if same else f"{turn}"))
    assert sum(1 for answer in found if isinstance(answer, tuple) and answer[1]) == given
    assert world.member().available == given * points
    programs.erase(world.program.pk)


@pytest.mark.django_db(transaction=True)
def test_two_who_approve_at_once_give_once():
    world = World()
    world.rules(rules=RULES)
    people.enrol(world.program, {(1, 7001): NOW}, now=NOW)
    action, _ = earn(world, "photo")

    def approve(turn):
        try:
            return actions.approve(world.program, action.pk, f"staff {turn}", now=NOW)
        except AlreadyDecided:
            return None

    found = at_once(8, approve)
    assert len([answer for answer in found if answer]) == 1
    assert world.member().available == 100
    programs.erase(world.program.pk)


def test_orders_still_earn_beside_it(rules):
    rules.settle(order(line(1000)))
    earn(rules, "news")
    assert rules.member().available == 40
