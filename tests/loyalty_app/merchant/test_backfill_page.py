"""The page of past orders: counted, looked at, posted, stopped and gone on with."""

from typing import Any

import pytest

from rewards import programs
from shopify_bridge.models import Backfill, Shop
from tests.loyalty_app.merchant.conftest import NOON, Merchant

PATH = "/app/backfill"


def row(merchant: Merchant, **changes: Any) -> Backfill:
    values = {"author": "42", "expected": 1500, "looked_at": 1500, "orders": 1200, "points": 34_567}
    return Backfill.objects.create(
        program_id=merchant.program.pk, shop_id=merchant.shop.pk, **{**values, "members": 900, **changes}
    )


def test_it_begins_with_a_preview(merchant: Merchant) -> None:
    assert "Make a preview" in merchant.page(PATH)
    merchant.post(PATH, {"span": "window"})
    begun = Backfill.objects.get()
    assert (begun.author, begun.state, begun.confirmed_by) == ("42", "working", "")
    assert begun.since is not None
    assert "under way" in merchant.errors(PATH, {"span": "window"})[""]
    html = merchant.page(PATH)
    assert "Shopify collects the orders" in html
    assert "Make a preview" not in html


@pytest.mark.parametrize("span", ["all", "none", None, {"a": 1}])
def test_all_orders_only_with_the_permission(merchant: Merchant, span: object) -> None:
    assert set(merchant.errors(PATH, {"span": span})) == {"span"}
    Shop.objects.update(scopes="read_orders,read_all_orders")
    merchant.post(PATH, {"span": "all"})
    assert Backfill.objects.get().since is None


def test_the_preview_says_what_it_comes_to(merchant: Merchant) -> None:
    row(merchant, state="ready")
    html = merchant.page(PATH)
    for said in ("900", "1,200", "of 1,500 looked at", "34,567", "1,728.35 EUR", "Post 34,567 points"):
        assert said in html
    assert "may lapse soon" not in html
    document = {**merchant.document(), "expiry": {"policy": "rolling", "months": 1}}
    programs.apply(merchant.program, document, "test")
    assert "may lapse soon" in merchant.page(PATH)


def test_nothing_to_post_has_no_button(merchant: Merchant) -> None:
    row(merchant, state="ready", orders=0, points=0, members=0)
    html = merchant.page(PATH)
    assert f"{PATH}/post" not in html
    assert "Discard" in html


def test_staff_post_stop_go_on_and_end(merchant: Merchant) -> None:
    made = row(merchant, state="ready")
    for step, state in (
        ("post", "working"),
        ("stop", "stopped"),
        ("resume", "working"),
        ("stop", "stopped"),
        ("cancel", "cancelled"),
    ):
        merchant.post(f"{PATH}/{step}", {})
        made.refresh_from_db()
        assert made.state == state
        assert merchant.page(PATH)
    assert made.confirmed_by == "42"
    assert "Reload" in merchant.errors(f"{PATH}/post", {})[""]
    merchant.post(f"{PATH}/other", {}, 404)


def test_how_far_it_is(merchant: Merchant) -> None:
    assert merchant.fetch(f"{PATH}/progress").json() == {"ok": True, "busy": False}
    made = row(merchant, state="working", confirmed_by="42", looked_at=300)
    answer = merchant.fetch(f"{PATH}/progress").json()
    assert (answer["busy"], answer["done"], answer["of"]) == (True, 300, 1500)
    assert answer["said"] == "300 of 1,500 orders posted"
    Backfill.objects.filter(pk=made.pk).update(state="stopped", problem="The shop is <locked>")
    assert "The shop is &lt;locked&gt;" in merchant.page(PATH)
    Backfill.objects.filter(pk=made.pk).update(state="done", finished_at=NOON, failed=2)
    html = merchant.page(PATH)
    assert "Posted on 20 Nov 2026, 13:00." in html
    assert "2 orders could not be settled." in html


def test_another_shops_is_not_shown(merchant: Merchant) -> None:
    row(Merchant("other.myshopify.com"), state="ready")
    assert "34,567" not in merchant.page(PATH)
    merchant.post(f"{PATH}/post", {}, 404)
