"""The pages of promo codes: made with a form, followed, found in the register, taken home as a file."""

import csv
from datetime import UTC, datetime, timedelta

import pytest

from rewards.models import PromoCode, Promotion
from tests.loyalty_app.merchant.conftest import Merchant


def plan(**changes: object) -> dict[str, object]:
    said = {"name": "Flyer", "kind": "fixed", "amount": "5", "number": "3", "prefix": "fly", "ends": ""}
    return {**said, "minimum_subtotal": "", **changes}


def made(merchant: Merchant, **changes: object) -> Promotion:
    merchant.post("/app/promotions", plan(**changes))
    return Promotion.objects.latest("pk")


def test_a_campaign_is_made_with_its_codes(merchant: Merchant) -> None:
    day = (datetime.now(UTC) + timedelta(days=30)).date()
    promotion = made(merchant, minimum_subtotal="20", ends=day.isoformat())
    assert (promotion.value, promotion.reward["minimum_subtotal"]) == (500, "20.00")
    codes = PromoCode.objects.filter(promotion=promotion)
    assert [code.code[:3] for code in codes] == ["FLY"] * 3
    page = merchant.page(f"/app/promotions/{promotion.pk}")
    assert "5.00 EUR off an order of at least 20.00 EUR" in page
    assert f"{day.day} {day:%b %Y}" in page
    assert "3 codes for 5.00 EUR off an order" in merchant.page("/app/promotions")


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": " ", "number": "0"}, {"name", "number"}),
        ({"number": "10001"}, {"number"}),
        ({"number": "many", "kind": "lottery"}, {"number", "kind"}),
        ({"amount": "", "minimum_subtotal": "x"}, {"amount", "minimum_subtotal"}),
        ({"kind": "percentage", "amount": "101"}, {"amount"}),
        ({"prefix": "A-B"}, {"prefix"}),
        ({"ends": "2020-01-01"}, {"ends"}),
        ({"ends": "soon", "name": 7}, {"ends", "name"}),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    merchant: Merchant, changes: dict[str, object], fields: set[str]
) -> None:
    assert set(merchant.errors("/app/promotions", plan(**changes))) == fields
    assert not Promotion.objects.exists()


def test_a_code_is_followed_from_the_register_to_its_order(merchant: Merchant) -> None:
    promotion = made(merchant, kind="free_shipping", amount="")
    code = PromoCode.objects.filter(promotion=promotion).earliest("pk")
    assert "To be made" in merchant.page(f"/app/codes?q={code.code.lower()}")
    merchant.order(20, name="<#1002>", codes=(code.code,))
    html = merchant.page(f"/app/codes?q={code.code}")
    assert "in the order <bdi>&lt;#1002&gt;</bdi>" in html
    page = merchant.page(f"/app/promotions/{promotion.pk}")
    assert "/admin/orders/5001" in page
    assert code.code in page


def test_the_file_has_every_code_and_nothing_that_a_spreadsheet_reckons_with(merchant: Merchant) -> None:
    promotion = made(merchant)
    first, second, third = PromoCode.objects.filter(promotion=promotion).order_by("pk")
    merchant.order(20, name="=cmd()", codes=(first.code,))
    PromoCode.objects.filter(pk=second.pk).update(state="failed", reason="must be unique")
    answer = merchant.fetch(f"/app/promotions/{promotion.pk}/codes")
    rows = list(csv.reader(answer.content.decode().splitlines()))
    assert rows[0] == ["code", "state", "used in order", "used at", "problem"]
    assert [row[:3] for row in rows[1:]] == [
        [first.code, "used", "'=cmd()"],
        [second.code, "failed", ""],
        [third.code, "waiting", ""],
    ]
    assert rows[2][4] == "must be unique"


def test_it_is_ended_once(merchant: Merchant) -> None:
    promotion = made(merchant)
    merchant.post(f"/app/promotions/{promotion.pk}/end", {})
    promotion.refresh_from_db()
    assert promotion.state == Promotion.State.ENDING
    assert "already" in merchant.errors(f"/app/promotions/{promotion.pk}/end", {})[""]
