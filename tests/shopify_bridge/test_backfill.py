"""Orders from before the program: counted without a trace, posted once, whatever stops it in between."""

import io
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from django.core.management import CommandError, call_command

from rewards import people, programs
from rewards.audit import audit
from rewards.models import Member, Movement, Order, Program
from rewards.orders import settle_orders
from shopify_bridge import backfill, install, orders
from shopify_bridge.models import Backfill, BackfillCustomer, Shop
from tests.shopify_bridge.conftest import Sandbox
from tests.shopify_bridge.store import Store

pytestmark = pytest.mark.django_db
State = Backfill.State


class Past(Store):
    """A store whose orders are older than its program."""

    def counted(self, step: float = 30.0) -> Backfill:
        since = datetime.now(UTC) - timedelta(days=60)
        return worked(backfill.begin(self.shop, since, "42"), step)

    @property
    def program(self) -> Program:
        return Program.objects.get(pk=self.shop.program_id)

    def member(self) -> Member:
        return Member.objects.get(program=self.program, identities__external_id=self.customer)


def worked(row: Backfill, step: float = 30.0) -> Backfill:
    """Worked on until it rests, the bulk operation's pauses left out."""
    for _ in range(200):
        backfill.go_on(row, monotonic() + step)
        row.refresh_from_db()
        if row.state != State.WORKING:
            return row
    raise AssertionError(f"it didn't end: {row.problem}")


@pytest.fixture
def past(sandbox: Sandbox) -> Past:
    return Past(sandbox)


def figures(row: Backfill) -> tuple[str, int, int, int, int]:
    return (row.state, row.looked_at, row.orders, row.points, row.members)


def test_counting_saves_nothing(past: Past) -> None:
    for price in ("10.00", "20.00"):
        past.sells(price)
    past.sells("99.00", customer=None)
    row = past.counted()
    assert figures(row) == ("ready", 3, 2, 32, 1)
    assert not Order.objects.filter(source_id=past.shop.pk).exists()
    assert not Movement.objects.filter(program=past.program).exists()
    assert not BackfillCustomer.objects.exists()


def test_what_was_counted_is_posted_once(past: Past) -> None:
    made = [past.sells("10.00"), past.sells("20.00")]
    for _ in range(2):  # a second back-fill finds nothing more to give
        row = past.counted()
        expected = row.points
        before = sum(Order.objects.filter(program=past.program).values_list("points", flat=True))
        backfill.confirm(row, "43")
        assert worked(row).state == State.DONE
        after = sum(Order.objects.filter(program=past.program).values_list("points", flat=True))
        assert after - before == expected
    assert row.points == 0
    assert [past.points(order) for order in made] == [11, 21]
    bonus = programs.document(past.program)["earning"]["signup_bonus"]
    assert past.member().available == 32 + bonus
    assert not [finding.check.name for finding in audit() if finding.rows]


def test_orders_that_are_known_count_only_for_what_they_lack(past: Past) -> None:
    known = orders.fetch(past.shop, past.sells("10.00"))
    assert known is not None
    settle_orders(past.program, [known])
    past.sells("20.00")
    assert figures(past.counted())[1:] == (2, 1, 21, 1)


def test_who_asked_to_be_forgotten_is_not_counted(past: Past) -> None:
    past.sells()
    people.forget(past.program, (past.shop.pk, past.customer))
    assert figures(past.counted()) == ("ready", 1, 0, 0, 0)


def test_it_goes_on_where_it_was_interrupted(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "PART", 2)
    for _ in range(5):
        past.sells()
    row = past.counted(step=-1.0)
    assert figures(row) == ("ready", 5, 5, 55, 1)
    backfill.confirm(row, "42")
    backfill.go_on(row, monotonic() - 1)
    row.refresh_from_db()
    assert (row.state, row.looked_at) == ("working", 2)
    backfill.stop(row)
    backfill.go_on(row, monotonic() + 30)
    assert Order.objects.filter(program=past.program).count() == 2
    backfill.resume(row)
    row = worked(row, step=-1.0)
    assert (row.state, row.looked_at, row.failed) == ("done", 5, 0)
    assert past.member().available == 55 + 50


def test_posting_again_from_the_start_gives_nothing_twice(past: Past) -> None:
    """A restart between a part and the note of it can't happen, and would do no harm."""
    past.sells()
    row = past.counted()
    backfill.confirm(row, "42")
    worked(row)
    Backfill.objects.update(state=State.WORKING, bulk_offset=0)
    worked(row)
    assert past.member().available == 11 + 50


def test_a_stop_while_it_works_is_heard_after_the_part(past: Past) -> None:
    past.sells()
    row = backfill.begin(past.shop, None, "42")
    stale = Backfill.objects.get(pk=row.pk)
    backfill.stop(row)
    assert not backfill._note(stale, looked_at=1, state=State.READY)
    assert (stale.state, stale.looked_at) == ("stopped", 1)


def test_cancelling_leaves_the_shop_free_for_another(past: Past) -> None:
    past.sells()
    row = past.counted()
    with pytest.raises(backfill.NotNow):
        backfill.begin(past.shop, None, "42")
    backfill.cancel(row)
    for act in (backfill.cancel, backfill.stop, backfill.resume):
        with pytest.raises(backfill.NotNow):
            act(row)
    with pytest.raises(backfill.NotNow):
        backfill.confirm(row, "42")
    assert past.counted().state == State.READY


def test_an_old_preview_is_not_posted(past: Past) -> None:
    row = past.counted()
    Backfill.objects.update(created_at=datetime.now(UTC) - timedelta(days=7))
    row.refresh_from_db()
    with pytest.raises(backfill.NotNow, match="too old"):
        backfill.confirm(row, "42")


def test_an_order_that_cant_be_settled_stops_no_other(past: Past) -> None:
    good, bad = past.sells("10.00"), past.sells("99999999.00")
    document = {**programs.document(past.program)}
    document["earning"] = {**document["earning"], "rate": {"points": 1_000_000, "per": "0.01"}}
    programs.apply(past.program, document, "test")
    past.program.versions.update(effective_from=programs.BEGINNING)
    row = past.counted()
    assert (row.orders, row.points) == (1, 1_100_000_000)
    backfill.confirm(row, "42")
    row = worked(row)
    assert (row.state, row.failed) == ("done", 1)
    assert past.points(good) == 1_100_000_000
    assert not Order.objects.filter(external_id=bad).exists()


def test_a_shop_that_cant_be_asked_stops_it_until_it_is_resumed(past: Past) -> None:
    past.sells()
    tokens = (past.shop.access_token, past.shop.refresh_token)
    Shop.objects.filter(pk=past.shop.pk).update(access_token="", refresh_token="")
    row = past.counted()
    assert row.state == State.STOPPED
    assert row.problem
    Shop.objects.filter(pk=past.shop.pk).update(
        access_token=tokens[0], refresh_token=tokens[1], state=Shop.State.ACTIVE
    )
    backfill.resume(row)
    assert worked(row).state == State.READY


def test_the_command_counts_and_posts(past: Past) -> None:
    order = past.sells("10.00")
    out = io.StringIO()
    call_command("import_orders", "--shop", past.domain, "--preview", stdout=out)
    assert "1 orders counted: 1 of them would give 11 points to 1 members." in out.getvalue()
    assert not Order.objects.filter(source_id=past.shop.pk).exists()
    call_command("import_orders", "--shop", past.domain, "--all", stdout=out)
    assert "1 orders posted, 0 could not be settled." in out.getvalue()
    assert past.points(order) == 11
    backfill.begin(past.shop, None, "42")
    with pytest.raises(CommandError, match="under way"):
        call_command("import_orders", "--shop", past.domain, stdout=out)
    with pytest.raises(CommandError, match="has not installed"):
        call_command("import_orders", "--shop", "other.myshopify.com", stdout=out)


def test_a_redacted_shop_leaves_no_back_fill(past: Past) -> None:
    past.counted()
    install.uninstalled(past.shop, datetime.now(UTC) + timedelta(minutes=1))
    assert install.redact_shop(past.shop, datetime.now(UTC))
    assert not Backfill.objects.filter(shop_id=past.shop.pk).exists()


def test_a_file_that_is_gone_is_collected_anew_and_nothing_is_given_twice(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [past.sells("10.00"), past.sells("20.00"), past.sells("30.00")]
    row = past.counted()
    counted = row.points
    monkeypatch.setattr(backfill, "PART", 1)
    backfill.confirm(row, "42")
    backfill.go_on(row, monotonic() - 1)
    row.refresh_from_db()
    assert row.looked_at == 1
    past.sandbox.post("/sandbox/bulk/expire", shop=past.domain)
    backfill.go_on(row, monotonic() + 5)
    row.refresh_from_db()
    assert (row.state, row.restarts, row.looked_at, row.bulk_id) == (State.WORKING, 1, 0, "")
    assert "no longer keeps" in row.problem
    row = worked(row)
    assert (row.state, row.looked_at) == (State.DONE, 3)
    assert [past.points(order) for order in made] == [11, 21, 31]
    assert counted == 63
    assert not [finding.check.name for finding in audit() if finding.rows]


def test_counting_anew_counts_once(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    past.sells("10.00"), past.sells("20.00")
    monkeypatch.setattr(backfill, "PART", 1)
    row = backfill.begin(past.shop, datetime.now(UTC) - timedelta(days=60), "42")
    for _ in range(200):
        backfill.go_on(row, monotonic() - 1)
        row.refresh_from_db()
        if row.looked_at:
            break
    past.sandbox.post("/sandbox/bulk/expire", shop=past.domain)
    row = worked(row)
    assert figures(row) == ("ready", 2, 2, 32, 1)
    assert row.restarts == 1


def test_a_file_that_is_gone_too_often_waits_for_a_person(past: Past) -> None:
    past.sells()
    row = past.counted()
    backfill.confirm(row, "42")
    Backfill.objects.filter(pk=row.pk).update(restarts=backfill.RESTARTS_MAX)
    past.sandbox.post("/sandbox/bulk/expire", shop=past.domain)
    row = worked(row)
    assert row.state == State.STOPPED
    assert row.problem.endswith("4 times in a row")
    backfill.resume(row)
    assert worked(row).state == State.DONE
