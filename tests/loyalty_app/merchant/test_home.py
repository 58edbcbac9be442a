"""The first page: its numbers come out of the ledger, in the shop's own days."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from loyalty_app.merchant import chart, home
from rewards import audit, reports
from rewards.facts import Line
from rewards.models import Program, Redemption
from rewards.redemptions import issued
from rewards.reports import Day
from rewards.reservations import Request, reserve
from shopify_bridge.models import Shop
from tests.loyalty_app.merchant.conftest import NOON, Merchant

# Summer time ends in Berlin on 25 October 2026: that day has 25 hours.
NOW = datetime(2026, 10, 28, 12, tzinfo=UTC)


def test_a_known_week_against_the_week_before(merchant: Merchant) -> None:
    merchant.member(7001, NOW - timedelta(days=8))
    merchant.member(7002, NOW - timedelta(days=1))
    merchant.order(100, at=NOW - timedelta(days=8))
    merchant.order(200, at=NOW - timedelta(days=2), external_id=5002)
    refunded = (replace(Line(1, 20_000, 1, 1), current=0),)
    merchant.order(200, at=NOW - timedelta(days=1), external_id=5002, lines=refunded)
    merchant.order(40, at=NOW - timedelta(hours=1), external_id=5003, customer_id=7002)
    request = Request(merchant.member().pk, merchant.shop.pk, 7001, "five-off", "key")
    redemption, _ = reserve(merchant.program, request, now=NOW - timedelta(hours=3))
    Redemption.objects.filter(pk=redemption.pk).update(created_at=NOW - timedelta(hours=3))
    issued(merchant.program.pk, redemption.pk, "gid", now=NOW - timedelta(hours=3))
    this, before = reports.week(merchant.program, NOW)
    assert this == reports.Figures(
        joined=1, earned=240, taken_back=200, spent=100, returned=0, redemptions=1, orders=2
    )
    assert before == reports.Figures(
        joined=1, earned=100, taken_back=0, spent=0, returned=0, redemptions=0, orders=1
    )


def test_a_day_is_the_shops_own_and_may_have_25_hours(merchant: Merchant) -> None:
    last_moment = datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC)  # 23:59:59 in Berlin
    merchant.order(10, at=last_moment)
    merchant.order(7, at=last_moment + timedelta(seconds=1), external_id=5002)
    days = reports.days(merchant.program, datetime(2026, 10, 26).date(), 3)  # noqa: DTZ001
    assert [(day.date.day, day.earned) for day in days] == [(24, 0), (25, 10), (26, 7)]


def test_the_page_of_an_empty_shop(merchant: Merchant) -> None:
    html = merchant.page("/app/")
    assert "Nothing yet." in html
    assert "still to come" in html
    assert "<svg" not in html


def test_the_page_says_the_numbers(merchant: Merchant) -> None:
    merchant.order(1234, at=datetime.now(UTC))
    html = merchant.page("/app/")
    assert "1,234" in html
    assert "<svg" in html


def test_huge_numbers_stay_whole(merchant: Merchant) -> None:
    merchant.apply(rate={"points": 1_000_000, "per": "1.00"})
    merchant.order(9_000_000, at=datetime.now(UTC))
    assert "9,000,000,000,000" in merchant.page("/app/")


@pytest.mark.parametrize(
    ("days", "line"),
    [
        ([Day(NOON.date(), 0, 0)], 2.0),
        ([Day(NOON.date(), 100, 0)], 158.0),
        ([Day(NOON.date(), 0, 100)], 2.0),
        ([Day(NOON.date(), 10**15, 1)], 158.0),
    ],
)
def test_bars_stay_inside_the_chart(days: list[Day], line: float) -> None:
    drawn = chart.chart(days)
    assert drawn.line == pytest.approx(line, abs=0.01)
    for bar in drawn.bars:
        assert bar.top >= 0
        assert bar.line + bar.down <= chart.HEIGHT
        assert bool(bar.up) == bool(bar.day.earned)


def test_a_step_is_put_away_for_good(merchant: Merchant) -> None:
    for _ in range(2):
        merchant.post("/app/steps", {"step": "rates"})
    merchant.post("/app/steps", {"step": "embed"})
    merchant.shop.refresh_from_db()
    assert merchant.shop.steps_dismissed == ["rates", "embed"]
    html = merchant.page("/app/")
    assert 'data-step="rates"' not in html
    assert 'data-step="widget"' in html
    assert merchant.errors("/app/steps", {"step": "nonsense"})


def test_the_browser_says_whether_the_embed_is_on(merchant: Merchant) -> None:
    merchant.post("/app/embed", {"active": False})
    assert "The app embed is off" in merchant.page("/app/")
    merchant.post("/app/embed", {"active": True})
    assert "The app embed is on" in merchant.page("/app/")
    assert merchant.errors("/app/embed", {"active": "true"})


def test_the_theme_editors_address_names_the_embed(merchant: Merchant) -> None:
    client_id = "0123456789abcdef0123456789abcdef"
    html = merchant.page("/app/").replace("&amp;", "&")
    assert (
        "https://demo.myshopify.com/admin/themes/current/editor?context=apps&template=index"
        f"&activateAppId={client_id}/{home.EMBED_BLOCK}" in html
    )


@pytest.mark.parametrize(
    ("state", "reason", "heading"),
    [
        (Shop.State.PAUSED, "Shopify says that the shop is frozen.", "can&#x27;t talk to Shopify"),
        (Shop.State.ACTIVE, "Not all permissions of the app are granted.", "Some permissions are missing"),
    ],
)
def test_what_cant_wait_is_said_first(merchant: Merchant, state: str, reason: str, heading: str) -> None:
    Shop.objects.filter(pk=merchant.shop.pk).update(state=state, state_reason=reason)
    html = merchant.page("/app/")
    assert heading in html
    assert reason in html


def test_orders_in_another_currency_are_said(merchant: Merchant) -> None:
    merchant.order(10)
    assert "another currency" not in merchant.page("/app/")
    merchant.order(10, external_id=5002, currency="USD")
    assert "The program counts in EUR; 1 of the latest orders don&#x27;t." in merchant.page("/app/")
    assert "another currency" in merchant.page(f"/app/members/{merchant.member().pk}")


def test_a_broken_ledger_is_said(merchant: Merchant) -> None:
    audit.audit_due()
    assert "Every balance equals its movements." in merchant.page("/app/")
    Program.objects.update(broken_promises=["Each lapse once."])
    assert "The check found differences." in merchant.page("/app/")
    assert "Broken: Each lapse once." in merchant.page("/app/settings")
    merchant.post("/app/settings/audit", {})
    assert "Being checked." in merchant.page("/app/settings")


def test_an_audit_is_due_once_a_day(merchant: Merchant) -> None:
    audit.audit_due()
    merchant.program.refresh_from_db()
    first = merchant.program.audited_at
    audit.audit_due()
    merchant.program.refresh_from_db()
    assert merchant.program.audited_at == first
    Program.objects.update(audited_at=datetime.now(UTC) - timedelta(days=1, seconds=1))
    audit.audit_due()
    merchant.program.refresh_from_db()
    assert merchant.program.audited_at != first


def test_missing_permissions_are_named(merchant: Merchant) -> None:
    Shop.objects.filter(pk=merchant.shop.pk).update(scopes="read_orders,write_customers")
    html = merchant.page("/app/settings")
    missing = html.partition('heading="Missing">')[2].partition("<")[0]
    assert "write_discounts" in missing
    assert "read_customers" not in missing.replace("read_customer_merge", "")
