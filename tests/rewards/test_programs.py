"""The program as data: complete, checked, in versions that stay as they were."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings

from rewards import documents, orders, programs
from rewards.documents import BadProgram
from rewards.models import Lot, Member, Movement, Order, Program
from rewards.programs import NotTheNewest
from tests.rewards.any_document import DOCUMENTS
from tests.rewards.conftest import NOW, line, order


def changed(**changes):
    return {**programs.starter("Test", "EUR"), **changes}


def errors(document, currency="EUR"):
    with pytest.raises(BadProgram) as refused:
        documents.checked(document, currency)
    return refused.value.errors


def reward(**changes):
    return {"id": "r", "kind": "fixed", "title": "R", "points": 10, "value": "5", **changes}


def test_a_checked_document_is_complete_and_stays_the_same():
    once = documents.checked(programs.starter("Test", "EUR"), "EUR")
    assert documents.checked(once, "EUR") == once
    assert once["earning"]["rate"] == {"points": 1, "per": "1.00"}
    assert once["earning"]["basis"]["tax"] is False
    assert once["rewards"][0]["combines_with"] == {"order": False, "product": False, "shipping": True}


@pytest.mark.parametrize(
    ("currency", "unit", "five"),
    [("EUR", "1.00", "5.00"), ("JPY", "100", "500"), ("KWD", "1.000", "5.000")],
)
def test_a_starter_gives_about_the_same_in_every_currency(currency, unit, five):
    starter = programs.starter("Test", currency)
    assert starter["earning"]["rate"] == {"points": 1, "per": unit}
    assert starter["rewards"][0]["value"] == five


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_the_starter_fits_every_currency(currency):
    assert documents.checked(programs.starter("Test", currency), currency)


@pytest.mark.parametrize(
    ("document", "path", "why"),
    [
        (changed(nmae="x"), "nmae", "Did you mean “name”?"),
        (changed(name=""), "name", "empty"),
        (changed(earning={}), "earning.rate", "is missing"),
        (changed(earning={"rate": {"points": 1, "per": "0"}}), "earning.rate.per", "above 0"),
        (changed(earning={"rate": {"points": 1, "per": "1.001"}}), "earning.rate.per", "more decimals"),
        (changed(earning={"rate": {"points": 1, "per": "1,5"}}), "earning.rate.per", "expected form"),
        (changed(rewards=[reward(), reward()]), "rewards.1.id", "used twice"),
        (changed(rewards=[reward(percent="5")]), "rewards.0.percent", "is unknown"),
        (changed(rewards=[reward(kind="percentage")]), "rewards.0.percent", "is missing"),
        (changed(rewards=[reward(kind="percentage", percent="5")]), "rewards.0.value", "is unknown"),
        (changed(rewards=[reward(kind="cash")]), "rewards.0.kind", "none of"),
        (changed(rewards=[reward(points="many")]), "rewards.0.points", "type"),
        (changed(rewards=[reward(titel="x")]), "rewards.0.titel", "Did you mean “title”?"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(document, path, why):
    found = errors(document)
    assert any(key.startswith(path) and why in found[key] for key in found), found


@pytest.mark.parametrize("percent", ["0", "101"])
def test_a_percentage_is_above_zero_and_at_most_a_hundred(percent):
    offer = {"id": "r", "kind": "percentage", "title": "R", "points": 10, "percent": percent}
    assert "rewards.0.percent" in errors(changed(rewards=[offer]))


def test_a_range_must_be_one_and_be_walked_in_whole_steps():
    offer = {"id": "r", "kind": "variable", "title": "R", "points": 10, "per": "1", "min": "5", "max": "2"}
    assert "rewards.0.max" in errors(changed(rewards=[{**offer, "step": "1"}]))
    assert "rewards.0.step" in errors(changed(rewards=[{**offer, "max": "10", "step": "3"}]))
    assert "rewards.0.step" in errors(changed(rewards=[{**offer, "max": "10", "step": "0.001"}]))


@pytest.mark.django_db
def test_versions_are_kept_and_dated():
    program = programs.start("Test", "EUR", "UTC")
    orders.settle_orders(program, [order(line(100))])
    version = programs.apply(program, changed(name="New"), "ann")
    assert (version.number, program.version, program.name) == (2, 2, "New")
    dated = programs.versions(program)
    assert programs.in_force(dated, version.effective_from) == 2
    assert programs.in_force(dated, NOW) == 1
    assert programs.document_of(program.pk, 1)["name"] == "Test Rewards"


@pytest.mark.django_db
def test_until_an_order_has_earned_a_change_holds_for_the_past_too():
    program = programs.start("Test", "EUR", "UTC")
    changed_to = changed(expiry={"policy": "rolling", "months": 1})
    programs.apply(program, changed_to, "ann")
    assert programs.in_force(programs.versions(program), NOW) == 2
    # What lapses, though, lapses no sooner: points for signing up are there already.
    assert program.expiry_since > NOW
    orders.settle_orders(program, [order(line(100))])
    programs.apply(program, changed(name="New"), "ann")
    assert programs.in_force(programs.versions(program), NOW) == 2


@pytest.mark.django_db
def test_orders_are_settled_by_what_the_program_says_now_whoever_holds_an_older_state_of_it():
    program = programs.start("Test", "EUR", "UTC")
    held = Program.objects.get(pk=program.pk)
    orders.settle_orders(held, [order(line(100), external_id=1)])
    programs.apply(program, changed(expiry={"policy": "rolling", "months": 1}), "ann")
    moment = program.expiry_since
    orders.settle_orders(held, [order(line(100), external_id=2, processed_at=moment, updated_at=moment)])
    assert [found.context["version"] for found in Order.objects.order_by("external_id")] == [1, 2]
    assert Lot.objects.get(order__external_id=2).expires_at is not None


@pytest.mark.django_db
def test_a_payment_in_the_second_of_a_change_has_the_new_rules():
    """Payments are dated in whole seconds, so the change must not look younger than they are."""
    program = programs.start("Test", "EUR", "UTC")
    version = programs.apply(program, changed(name="Newer"), "me")
    paid_at = datetime.now(UTC).replace(microsecond=0)
    assert version.effective_from.microsecond == 0
    assert programs.in_force(programs.versions(program), max(paid_at, version.effective_from)) == 2


@pytest.mark.django_db
def test_a_bad_document_changes_nothing():
    program = programs.start("Test", "EUR", "UTC")
    with pytest.raises(BadProgram):
        programs.apply(program, changed(name=5), "ann")
    program.refresh_from_db()
    assert program.version == 1


@pytest.mark.django_db
def test_saying_the_same_makes_no_version():
    program = programs.start("Test", "EUR", "UTC")
    again = programs.apply(program, programs.starter("Test", "EUR"), "ann")
    assert (again.number, again.author, program.version) == (1, "start", 1)


@pytest.mark.django_db
def test_whoever_has_seen_an_older_version_overwrites_nothing():
    program = programs.start("Test", "EUR", "UTC")
    programs.apply(program, changed(name="Ada's"), "ada", expect=1)
    with pytest.raises(NotTheNewest) as refused:
        programs.apply(program, changed(name="Bob's"), "bob", expect=1)
    assert refused.value.newest == 2
    assert programs.document(program)["name"] == "Ada's"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_apply_at_once_one_is_told():
    program = programs.start("Test", "EUR", "UTC")
    both_here = Barrier(2)

    def apply(name):
        both_here.wait()
        try:
            return programs.apply(
                Program.objects.get(pk=program.pk), changed(name=name), name, expect=1
            ).number
        except NotTheNewest as refused:
            return f"refused for {refused.newest}"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(apply, ("Ada's", "Bob's")))
    assert sorted(map(str, answers)) == ["2", "refused for 2"]


@pytest.mark.django_db
def test_an_old_version_can_be_the_newest_again():
    program = programs.start("Test", "EUR", "UTC")
    programs.apply(program, changed(name="New"), "ann", note="For Christmas")
    restored = programs.restore(program, 1, "bob")
    assert (restored.number, restored.author, restored.note) == (3, "bob", "As in version 1")
    assert programs.document(program) == programs.document_of(program.pk, 1)
    assert programs.changes(program, 3) == ["Program name: “New” became “Test Rewards”."]
    assert programs.changes(program, 1) == []


@pytest.mark.django_db
def test_an_old_version_is_checked_by_the_rules_of_today():
    program = programs.start("Test", "EUR", "UTC")
    programs.apply(program, changed(name="New"), "ann")
    # As from a release that knew no difference between this and a good one.
    document = {**programs.document_of(program.pk, 1), "code_prefix": "low case"}
    program.versions.filter(number=1).update(document=document)
    programs.document_of.cache_clear()
    with pytest.raises(BadProgram, match="code_prefix"):
        programs.restore(program, 1, "bob")
    assert program.version == 2
    programs.document_of.cache_clear()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=DOCUMENTS)
def test_export_then_apply_is_the_identity(db, document):
    program = programs.start("Test", "EUR", "UTC")
    programs.apply(program, document, "ann")
    exported = json.loads(json.dumps(program.versions.get(number=program.version).document))
    assert exported == document
    number = program.version
    assert programs.apply(program, exported, "bob").number == number
    assert programs.document(program) == document


def test_erasing_a_program_takes_everything_of_it_and_nothing_of_others(world):
    world.earn(100)
    other = programs.start("Other", "EUR", "UTC")
    programs.erase(world.program.pk)
    assert list(Program.objects.all()) == [other]
    assert not Member.objects.exists()
    assert not Movement.objects.exists()
    world.program = other
    world.rules(signup_bonus=0)
    world.settle(order(line(100)))
    assert world.member().available == 1
