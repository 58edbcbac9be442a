"""The register of codes: found by what people know of them, told in words, changed with a reason."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from loyalty_app.merchant import codes, customers
from rewards import redemptions, reservations
from rewards.models import Redemption
from shopify_bridge import issuing
from tests.loyalty_app.merchant.conftest import Merchant

State = Redemption.State


@pytest.fixture(autouse=True)
def shopify(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shopify does what it is asked for, and disabling takes a moment."""

    def work_on(redemption: Redemption, **_: Any) -> Redemption:
        if redemption.extends_to is not None:
            redemptions.extended(redemption.program_id, redemption.pk)
        redemption.refresh_from_db()
        return redemption

    monkeypatch.setattr(issuing, "work_on", work_on)


@pytest.fixture
def code(merchant: Merchant) -> Redemption:
    merchant.order(250)
    return issued(merchant, "k1")


def issued(merchant: Merchant, key: str, reward: str = "five-off") -> Redemption:
    asked = reservations.Request(merchant.member().pk, merchant.shop.pk, 7001, reward, key)
    redemption, _ = reservations.reserve(merchant.program, asked)
    redemptions.issued(merchant.program.pk, redemption.pk, f"gid://{key}")
    redemption.refresh_from_db()
    return redemption


def change(merchant: Merchant, code: Redemption, what: str, **said: object) -> dict[str, Any]:
    return merchant.post(f"/app/codes/{code.pk}/{what}", {"note": "They asked", **said})


def test_a_code_is_found_by_itself_by_its_state_its_reward_and_its_customer(
    merchant: Merchant, code: Redemption
) -> None:
    other = issued(merchant, "k2", "free-shipping")
    sought = {
        "": {code.code, other.code},
        f"?q={code.code.lower()}": {code.code},
        "?q=7001": {code.code, other.code},
        "?q=7002": set(),
        "?reward=free-shipping": {other.code},
        "?reward=free-shipping&state=used": set(),
        "?state=issued": {code.code, other.code},
        "?state=nonsense": {code.code, other.code},
    }
    for query, expected in sought.items():
        html = merchant.page(f"/app/codes{query}")
        assert {one for one in (code.code, other.code) if f"<code>{one}</code>" in html} == expected, query


@pytest.mark.parametrize("asked", ["q=%00x", "reward=%00x", "state=%00", "before=%00"])
def test_what_the_database_refuses_finds_nothing_worse_than_nothing(
    merchant: Merchant, code: Redemption, asked: str
) -> None:
    merchant.page(f"/app/codes?{asked}")


def test_a_code_is_found_by_the_order_that_used_it(
    merchant: Merchant, code: Redemption, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant.order(20, external_id=5002, name="#1002", codes=(code.code,))
    asked: list[str] = []

    def changed(_: Any, search: str) -> Any:
        asked.append(search)
        return iter([(5002, "#1002", datetime.now(UTC))])

    monkeypatch.setattr(codes.orders, "changed", changed)
    html = merchant.page("/app/codes?q=%231002%22%20OR%20status:any")
    assert asked == ['name:"#1002ORstatusany"'], "nothing of it steers Shopify's search"
    assert f"<code>{code.code}</code>" in html
    assert "#1002" in html


def test_shopify_that_does_not_answer_is_said(
    merchant: Merchant, code: Redemption, monkeypatch: pytest.MonkeyPatch
) -> None:
    def search(*_: Any) -> Any:
        raise customers.CantAsk

    monkeypatch.setattr(customers, "search", search)
    assert "be asked right now" in merchant.page("/app/codes?q=Mary")


def test_the_pages_of_the_register_show_each_code_once(
    merchant: Merchant, code: Redemption, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "PAGE", 2)
    merchant.order(900, external_id=5003)
    everything = {code.code, *(issued(merchant, f"more-{number}").code for number in range(4))}
    seen: list[str] = []
    path = "/app/codes?state=issued"
    while path:
        html = merchant.page(path)
        seen += [one for one in everything if f"<code>{one}</code>" in html]
        older = re.search('href="(/app/codes[^"]*before=[0-9]+)"', html)
        path = unescape(older[1]) if older else ""
    assert sorted(seen) == sorted(everything)


def test_its_page_tells_its_life(merchant: Merchant, code: Redemption) -> None:
    merchant.order(20, external_id=5002, name="<#1002>", codes=(code.code,))
    html = merchant.page(f"/app/codes/{code.pk}")
    places = [
        html.index(text)
        for text in (
            "It was used in an order.",
            "The code was made in Shopify.",
            "The customer asked for it.",
        )
    ]
    assert places == sorted(places)
    assert "&lt;#1002&gt;" in html
    assert "/admin/orders/5002" in html
    assert "Cancel the code" not in html


def test_a_new_end_is_set_through_the_day_in_the_shop(merchant: Merchant, code: Redemption) -> None:
    assert code.expires_at is not None
    day = (code.expires_at + timedelta(days=30)).date()
    answer = change(merchant, code, "extend", until=day.isoformat())
    assert answer["toast"] == "The new end is set"
    code.refresh_from_db()
    assert code.expires_at is not None
    assert code.expires_at.isoformat().startswith(f"{day}T2"), "the end of the day in Berlin"
    assert f"To end on {day.day} {day:%b %Y} instead of" in merchant.page(f"/app/codes/{code.pk}")


@pytest.mark.parametrize(
    ("said", "ending_with"),
    [
        (("cancel", "back"), "points"),
        (("cancel", "stay"), "nothing"),
        (("reissue", ""), "new_code"),
    ],
)
def test_it_is_ended_as_said(
    merchant: Merchant, code: Redemption, said: tuple[str, str], ending_with: str
) -> None:
    what, points = said
    change(merchant, code, what, points=points)
    code.refresh_from_db()
    assert (code.state, code.ending_as, code.ending_with) == (State.ENDING, State.CANCELLED, ending_with)
    html = merchant.page(f"/app/codes/{code.pk}")
    assert "They asked" in html
    assert "Cancel the code" not in html


def test_the_page_of_a_code_that_was_replaced_leads_to_the_other(
    merchant: Merchant, code: Redemption
) -> None:
    change(merchant, code, "reissue")
    redemptions.ended(code.program_id, code.pk)
    new = Redemption.objects.get(key=f"replaces:{code.pk}")
    assert f'href="/app/codes/{new.pk}"' in merchant.page(f"/app/codes/{code.pk}")
    assert f'href="/app/codes/{code.pk}"' in merchant.page(f"/app/codes/{new.pk}")


@pytest.mark.parametrize(
    ("what", "said", "field"),
    [
        ("cancel", {"note": " "}, "note"),
        ("reissue", {"note": "x" * 201}, "note"),
        ("cancel", {"note": 5}, "note"),
        ("extend", {"until": "tomorrow"}, "until"),
        ("extend", {"until": "2020-01-01"}, "until"),
        ("extend", {"until": "9999-12-31"}, "until"),
        ("extend", {"until": None}, "until"),
    ],
)
def test_what_cannot_be_done_is_said_at_its_field(
    merchant: Merchant, code: Redemption, what: str, said: dict[str, object], field: str
) -> None:
    assert set(merchant.errors(f"/app/codes/{code.pk}/{what}", {"note": "They asked", **said})) == {field}


def test_what_is_over_cannot_be_changed(merchant: Merchant, code: Redemption) -> None:
    merchant.order(20, external_id=5002, codes=(code.code,))
    errors = merchant.errors(f"/app/codes/{code.pk}/cancel", {"note": "They asked"})
    assert "used by now" in errors[""]
