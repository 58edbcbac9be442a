"""The walls of the ledger: what the database itself refuses, and what an audit finds."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from rewards import holds, ledger, people
from rewards.facts import FetchedOrder
from rewards.ledger import Book, LedgerBroken, MemberMerged, again_if_overtaken
from rewards.models import Bucket, Lot, Member, Movement
from tests.rewards.conftest import NOW, line, order


def refused(work):
    with pytest.raises(DatabaseError), transaction.atomic():
        work()


def test_movements_are_never_changed_or_deleted(world):
    world.earn(100)
    refused(lambda: Movement.objects.update(points=1))
    refused(lambda: Movement.objects.all()._raw_delete("default"))


@pytest.mark.parametrize(
    "change", [{"available": -1}, {"debt": -1}, {"debt": 1, "available": 0}, {"pending": -5}]
)
def test_no_balance_can_be_impossible(world, change):
    member = world.earn(100)
    refused(lambda: Member.objects.filter(pk=member.pk).update(**change))


def test_a_lot_never_holds_more_than_it_was_given(world):
    world.earn(100)
    refused(lambda: Lot.objects.update(available=101))


def test_a_row_cant_point_into_another_program(world):
    member = world.earn(100)
    from rewards import programs

    other = programs.start("Other", "EUR", "UTC")
    with transaction.atomic(), connection.cursor() as cursor:
        Lot.objects.create(program=other, member=member, kind="x", given=1, available_at=NOW)
        with pytest.raises(IntegrityError):
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True)


def test_the_same_key_is_posted_once(world):
    member = world.earn(100)
    movement = Movement.objects.get()
    movement.pk = None
    refused(movement.save)
    assert Book(world.program.pk, NOW).posted(movement.key.rpartition(":")[0])
    assert member.movements.count() == 1


def test_a_movement_of_nothing_or_below_nothing_is_a_defect(world):
    member = world.earn(100)
    with transaction.atomic():
        book = Book.open(world.program.pk, [member.pk], now=NOW)
        posting = book.posting(member.pk, "x", "test", {}, NOW)
        with pytest.raises(LedgerBroken):
            posting.move(book.lots[0], Bucket.AVAILABLE, Bucket.SPENT, 0)
        with pytest.raises(LedgerBroken):
            posting.move(book.lots[0], Bucket.AVAILABLE, Bucket.SPENT, 101)


def test_a_balance_that_changed_under_our_lock_is_a_defect(world):
    member = world.earn(100)
    with transaction.atomic():
        book = Book.open(world.program.pk, [member.pk], now=NOW)
        Member.objects.filter(pk=member.pk).update(version=99)
        book.posting(member.pk, "x", "test", {}, NOW).award(1, "test", available_at=NOW)
        with pytest.raises(LedgerBroken):
            book.write()
        transaction.set_rollback(True)


def test_merged_members_are_looked_up_again(world):
    gone = world.earn(100)
    world.earn(10, customer_id=7002, external_id=5002)
    people.merge(world.program, (1, 7002), (1, 7001), happened_at=NOW)
    tries = []

    @again_if_overtaken
    def work():
        tries.append(1)
        with transaction.atomic():
            Book.open(world.program.pk, [gone.pk], now=NOW)

    with pytest.raises(MemberMerged) as merged:
        work()
    assert merged.value.survivors == {gone.pk: world.member(7002).pk}
    assert len(tries) == ledger.ATTEMPTS


def test_holds_end_once_at_their_moment_and_pay_debt_first(world):
    world.rules(hold_days=14)
    world.settle(FetchedOrder(order(line(10000)), paid_at=NOW))
    member = world.member()
    assert holds.release_due(now=NOW + timedelta(days=13)) == 0
    assert holds.release_due(now=NOW + timedelta(days=14)) == 1
    assert holds.release_due(now=NOW + timedelta(days=14)) == 0
    member.refresh_from_db()
    assert (member.pending, member.available) == (0, 100)


def test_two_holds_of_one_member_end_together_each_by_a_movement_of_its_own(world):
    world.rules(hold_days=14)
    for number in (1, 2):
        news = order(line(1000 * number), external_id=5000 + number)
        world.settle(FetchedOrder(news, paid_at=NOW))
    assert holds.release_due(now=NOW + timedelta(days=14)) == 2
    assert (world.member().pending, world.member().available) == (0, 30)
    released = Movement.objects.filter(program=world.program, kind="release").values_list("key", flat=True)
    lots = Lot.objects.filter(program=world.program).values_list("id", flat=True)
    assert sorted(released) == sorted(f"release:{lot}:0" for lot in lots)
