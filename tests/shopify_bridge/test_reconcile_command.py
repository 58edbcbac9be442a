"""`manage.py reconcile`, against the sandbox."""

import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from rewards.models import Program
from shopify_bridge.models import OrderCheck, Shop


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("reconcile", *arguments, stdout=out)
    return out.getvalue()


def test_it_says_what_it_saw(shop: Shop) -> None:
    assert f"{shop.domain}: " in run("--shop", shop.domain, "--days", "1")
    assert "orders looked at, 0 were behind" in run()
    shop.refresh_from_db()
    assert shop.reconcile_report is not None
    assert shop.reconcile_report["healed"] == 0


def test_days_can_be_named(shop: Shop) -> None:
    Program.objects.update(created_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert "orders looked at" in run("--shop", shop.domain, "--from", "2026-11-01", "--to", "2026-11-03")
    check = OrderCheck.objects.get(shop_id=shop.pk)
    zone = ZoneInfo(shop.timezone)
    assert check.since.astimezone(zone).isoformat()[:16] == "2026-11-01T00:00"
    assert check.until.astimezone(zone).isoformat()[:16] == "2026-11-03T23:59"
    assert check.heals
    with pytest.raises(CommandError, match="before"):
        run("--shop", shop.domain, "--from", "2026-11-03", "--to", "2026-11-01")


def test_what_cant_be_done_is_said(shop: Shop) -> None:
    with pytest.raises(CommandError, match="has not installed"):
        run("--shop", "other.myshopify.com")
    with pytest.raises(CommandError, match="at least 1"):
        run("--shop", shop.domain, "--days", "0")
    Shop.objects.filter(pk=shop.pk).update(access_token="", refresh_token="")
    with pytest.raises(CommandError, match="can't be asked"):
        run("--shop", shop.domain)
