"""Members and their identities: joining once, becoming one, being forgotten."""

from dataclasses import replace

import pytest
from django.apps import apps

from rewards import ledger, people, personal, programs, redemptions, reservations
from rewards.facts import FetchedOrder
from rewards.models import Identity, Member, Order, Tombstone
from tests.rewards.conftest import NOW, line, order


def test_joining_twice_gives_one_member_and_one_bonus(world):
    world.rules(signup_bonus=50)
    first = people.enrol(world.program, {(1, 7001): NOW, (1, 7002): NOW}, now=NOW)
    again = people.enrol(world.program, {(1, 7001): NOW, (2, 7001): NOW}, now=NOW)
    assert again[1, 7001] == first[1, 7001] != again[2, 7001]
    assert {member.available for member in Member.objects.all()} == {50}
    assert people.enrol(world.program, {}) == {}


def test_a_merge_of_strangers_only_ties_the_ids(world):
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    assert world.member(7001) == world.member(7002)
    world.earn(10, customer_id=7001)
    assert world.member(7002).available == 10


def test_a_merge_that_is_told_twice_happens_once(world):
    world.earn(100)
    world.earn(30, customer_id=7002, external_id=5002)
    for _ in range(2):
        people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    assert world.member(7001).available == 130


def test_merges_form_chains(world):
    for number, customer in enumerate((7001, 7002, 7003)):
        world.earn(10, customer_id=customer, external_id=5001 + number)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    people.merge(world.program, (1, 7003), (1, 7002), happened_at=NOW)
    assert world.member(7001) == world.member(7003)
    assert world.member(7001).available == 30
    assert Member.objects.filter(merged_into=world.member(7003)).count() == 2


def test_a_merge_into_somebody_forgotten_forgets_both(world):
    world.earn(100)
    people.forget(world.program, (1, 7002))
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    assert not Identity.objects.exists()
    assert not Member.objects.filter(redacted_at=None).exists()


def test_a_merge_of_somebody_forgotten_brings_nothing_back(world):
    world.earn(100)
    people.forget(world.program, (1, 7001))
    world.earn(30, customer_id=7002, external_id=5002)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    assert world.member(7002).available == 30
    assert not Identity.objects.filter(external_id=7001).exists()


def test_debt_of_a_late_use_survives_a_merge(world):
    """The lot that the debt names had nothing left, so it wasn't among the loaded ones."""
    world.rules(signup_bonus=100)
    people.enrol(world.program, {(1, 7001): NOW}, now=NOW)
    member = world.member()
    redemption, _ = reservations.reserve(
        world.program, reservations.Request(member.pk, 1, 7001, "five-off", "k"), now=NOW
    )
    redemptions.failed(world.program.pk, redemption.pk, "gone", now=NOW)
    ledger.adjust(world.program.pk, member.pk, -100, key="x", reason="spent", now=NOW)
    world.settle(order(external_id=5002, codes=(redemption.code,)))
    world.rules(signup_bonus=0)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    assert world.member(7002).debt == -100


def test_forgetting_one_of_two_shops_keeps_the_person_of_the_other(world):
    world.earn(100)
    Identity.objects.create(program=world.program, source_id=2, external_id=8001, member=world.member(7001))
    people.forget_source(world.program.pk, 2)
    assert world.member(7001).redacted_at is None
    assert Tombstone.objects.count() == 1
    people.forget_source(world.program.pk, 1)
    assert Order.objects.get().facts["customer_id"] is None
    assert not Member.objects.filter(redacted_at=None).exists()


def test_forgetting_leaves_orders_of_a_merged_self_named(world):
    """A deleted id that lives on in a survivor must not blank the survivor's orders."""
    world.earn(100)
    world.earn(30, customer_id=7002, external_id=5002)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    people.forget(world.program, (1, 7001))
    named = dict(Order.objects.values_list("external_id", "facts__customer_id"))
    assert named == {5001: None, 5002: 7002}
    assert world.member(7002).redacted_at is None


def test_tags_are_kept_whole_and_changed_in_parts(world):
    world.earn(100)

    def tags():
        return world.member().tags

    people.remember_tags(world.program.pk, (1, 7001), ["vip"], added=True)
    assert tags() is None  # a part of an unknown whole says nothing
    people.remember_tags(world.program.pk, (1, 7001), ["b", "a"])
    people.remember_tags(world.program.pk, (1, 7001), ["vip"], added=True)
    people.remember_tags(world.program.pk, (1, 7001), ["a"], added=False)
    assert tags() == ["b", "vip"]
    before = world.member().version
    people.remember_tags(world.program.pk, (1, 7001), ["vip"], added=True)
    people.remember_tags(world.program.pk, (1, 9999), ["vip"])
    assert world.member().version == before


def test_a_closed_member_is_marked_once(world):
    world.earn(100)
    people.close(world.program, (1, 7001), at=NOW)
    people.close(world.program, (1, 9999), at=NOW)
    assert world.member().closed_at == NOW


def test_what_is_stored_of_a_person_can_be_handed_over(world):
    world.earn(100)
    stored = personal.stored(world.member())
    assert stored["member"]["available"] == 100
    assert [part["external_id"] for part in stored["customers"]] == [7001]
    assert len(stored["orders"]) == len(stored["movements"]) == len(stored["awards"]) == 1


@pytest.mark.parametrize("currency", ["GBP"])
def test_an_order_of_another_currency_waits_for_the_merchant(world, currency):
    world.settle(order(line(1000), currency=currency))
    found = Order.objects.get()
    assert (found.blocked, found.points) == ("currency", 0)
    world.settle(order(line(1000), minutes=1))
    found.refresh_from_db()
    assert (found.blocked, found.points) == ("", 10)


def test_programs_of_other_merchants_know_nothing_of_a_forgotten_customer(world):
    people.forget(world.program, (1, 7001))
    other = programs.start("Other", "EUR", "UTC")
    assert people.enrol(other, {(1, 7001): NOW})
    assert not people.enrol(world.program, {(1, 7001): NOW})


def test_the_deletion_of_a_merged_id_doesnt_close_the_survivor(world):
    world.earn(100)
    world.earn(30, customer_id=7002, external_id=5002)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    people.close(world.program, (1, 7001), at=NOW)
    assert world.member(7002).closed_at is None


def test_with_a_customer_go_the_ids_that_were_merged_into_theirs(world):
    """Shopify asks to erase the id that is left, and no other."""
    for number, customer in enumerate((7001, 7002, 7003)):
        world.earn(10, customer_id=customer, external_id=5001 + number)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    people.merge(world.program, (1, 7003), (1, 7002), happened_at=NOW)
    people.forget(world.program, (1, 7003))
    assert not Identity.objects.exists()
    assert not Member.objects.filter(redacted_at=None, merged_into=None).exists()
    assert set(Order.objects.values_list("facts__customer_id", flat=True)) == {None}
    late = order(line(5000), customer_id=7001, external_id=5009)
    world.settle(late)
    assert Order.objects.get(external_id=5009).points == 0
    assert not people.enrol(world.program, {(1, 7001): NOW, (1, 7002): NOW}, now=NOW)


def test_tags_kept_with_the_orders_of_an_erased_customer_go_too(world):
    world.rules(excluded_customer_tags=["staff"])
    told = FetchedOrder(order(line(1000)), customer_tags=("vip", "lives in Berlin"))
    world.settle(told)
    people.forget(world.program, (1, 7001))
    world.settle(replace(told, fact=order(line(1000), external_id=5002)))
    assert [found.context["tags"] for found in Order.objects.all()] == [[], []]


def test_a_code_that_is_being_made_is_made_for_the_survivor(world):
    world.earn(100)
    request = reservations.Request(world.member().pk, 1, 7001, "five-off", "k")
    redemption, _ = reservations.reserve(world.program, request, now=NOW)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    redemption.refresh_from_db()
    assert redemption.customer_id == 7002


def test_every_table_of_members_is_in_the_answer_to_who_asks():
    of_members = {
        model
        for model in apps.get_app_config("rewards").get_models()
        if any(field.name == "member" for field in model._meta.get_fields() if field.concrete)
    }
    assert {model for model, _ in personal.TABLES.values()} == of_members
