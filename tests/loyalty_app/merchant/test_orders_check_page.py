"""Points equal orders: gaps in the panel, their repair, and checks that staff ask for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rewards import dates
from rewards.models import Program
from shopify_bridge.models import Gap, OrderCheck, Shop
from tests.loyalty_app.merchant.conftest import NOON, Merchant

PATH = "/app/orders-check"


def gap(merchant: Merchant, external_id: int = 5001, **changes: Any) -> Gap:
    values = {"name": f"#{external_id}", "kind": Gap.Kind.MISSING, "changed_at": NOON, **changes}
    return Gap.objects.create(
        program_id=merchant.program.pk, shop_id=merchant.shop.pk, external_id=external_id, **values
    )


def today(merchant: Merchant) -> str:
    return dates.local_date(datetime.now(UTC), dates.ZoneInfo(merchant.shop.timezone)).isoformat()


def test_when_nothing_differs_the_page_says_so(merchant: Merchant) -> None:
    assert "The first check is still to come." in merchant.page(PATH)
    Shop.objects.update(reconciled_at=NOON, reconcile_report={"looked_at": 7, "found": 0, "healed": 0})
    html = merchant.page(PATH)
    assert "Checked on 20 Nov 2026, 13:00" in html
    assert "Repair all" not in html
    assert "All orders were known." in merchant.page("/app/")


def test_a_gap_is_listed_with_its_reason_and_a_button(merchant: Merchant) -> None:
    row = gap(merchant, problem="Try <b>later</b>")
    Shop.objects.update(reconciled_at=NOON)
    html = merchant.page(PATH)
    assert "#5001" in html
    assert "Shopify never told the app about this order." in html
    assert "Try &lt;b&gt;later&lt;/b&gt;" in html
    assert f'data-post="{PATH}/{row.pk}/repair"' in html
    assert "Repair all" in html
    assert "1 order differs." in merchant.page("/app/")
    assert "1 still differs." in merchant.page("/app/settings")


def test_what_another_currency_causes_has_no_button(merchant: Merchant) -> None:
    row = gap(merchant, kind=Gap.Kind.CURRENCY)
    html = merchant.page(PATH)
    assert "in another currency than the program" in html
    assert f"{row.pk}/repair" not in html
    assert "Repair all" not in html


def test_what_was_repaired_says_when_by_whom_and_what_it_changed(merchant: Merchant) -> None:
    gap(merchant, 1, healed_at=NOON, healed_by="reconcile", points=1234)
    gap(merchant, 2, healed_at=NOON, healed_by="delivery", points=-5)
    gap(merchant, 3, healed_at=NOON, healed_by="42", points=0)
    html = merchant.page(PATH)
    for said in ("+1,234", "−5", "no change", "the app&#x27;s own check", "came late", "staff user 42"):
        assert said in html


def test_gaps_of_another_shop_are_not_shown(merchant: Merchant) -> None:
    other = Merchant("other.myshopify.com")
    gap(other, name="#secret")
    assert "#secret" not in merchant.page(PATH)
    merchant.post(f"{PATH}/repair", {})
    assert not Gap.objects.exclude(asked_by="").exists()


def test_repair_all_asks_a_worker(merchant: Merchant) -> None:
    rows = [gap(merchant, 1), gap(merchant, 2), gap(merchant, 3, kind=Gap.Kind.CURRENCY)]
    assert merchant.post(f"{PATH}/repair", {})["toast"] == "Repairing 2 ..."
    assert [Gap.objects.get(pk=row.pk).asked_by for row in rows] == ["42", "42", ""]
    assert merchant.fetch(f"{PATH}/progress").json()["busy"]


def test_a_repair_while_shopify_cant_be_asked_says_so(merchant: Merchant) -> None:
    row = gap(merchant)
    assert "Shopify can't be asked" in merchant.errors(f"{PATH}/{row.pk}/repair", {})[""]
    row.refresh_from_db()
    assert row.healed_at is None


def test_staff_have_days_compared_and_see_how_far_it_is(merchant: Merchant) -> None:
    day = today(merchant)
    Program.objects.update(created_at=NOON - timedelta(days=3000))
    assert merchant.fetch(f"{PATH}/progress").json() == {"ok": True, "busy": False}
    for _ in range(2):  # a second click starts no second check
        merchant.post(PATH, {"from": day, "to": day})
    check = OrderCheck.objects.get()
    assert (check.author, check.heals) == ("42", False)
    zone = dates.ZoneInfo(merchant.shop.timezone)
    assert check.since == dates.start_of_day(dates.local_date(datetime.now(UTC), zone), zone)
    assert "Waiting for a worker" in merchant.page(PATH)
    OrderCheck.objects.update(expected=40, looked_at=10, problem="Shopify is still collecting the orders")
    answer = merchant.fetch(f"{PATH}/progress").json()
    assert answer == {
        "ok": True,
        "busy": True,
        "done": 10,
        "of": 40,
        "said": "10 orders compared of 40",
        "why": "Shopify is still collecting the orders",
    }
    OrderCheck.objects.update(state=OrderCheck.State.DONE, finished_at=NOON, found=3)
    assert "10 orders compared, 3 differed" in merchant.page(PATH)
    OrderCheck.objects.update(state=OrderCheck.State.STOPPED, problem="Shopify says that the shop is locked")
    assert "stopped: Shopify says that the shop is locked." in merchant.page(PATH)


@pytest.mark.parametrize(
    ("typed", "fields"),
    [
        ({}, {"from", "to"}),
        ({"from": "yesterday", "to": "2026-11-20"}, {"from"}),
        ({"from": "2026-11-20", "to": "2026-11-19"}, {"from"}),
        ({"from": "2999-01-01", "to": "2999-01-02"}, {"from"}),
        ({"from": "2020-01-01", "to": "2026-11-19"}, {"from"}),
    ],
)
def test_days_that_make_no_sense_are_said_at_their_field(
    merchant: Merchant, typed: dict[str, str], fields: set[str]
) -> None:
    assert set(merchant.errors(PATH, typed)) == fields
    assert not OrderCheck.objects.exists()


def test_who_may_see_all_orders_may_compare_all(merchant: Merchant) -> None:
    Shop.objects.update(scopes="read_orders,read_all_orders")
    Program.objects.update(created_at=NOON - timedelta(days=3000))
    merchant.post(PATH, {"from": "2020-01-01", "to": today(merchant)})
    assert datetime.now(UTC) - OrderCheck.objects.get().since > timedelta(days=365)
