"""The members' pages: found, explained, changed by hand once, and handed out."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from rewards import ledger, people
from rewards.facts import Line
from rewards.models import Member, Movement
from shopify_bridge.models import InboxRow
from tests.loyalty_app.merchant.conftest import NOON, Merchant

KEY = "0123456789abcdef"


def adjustment(points: object, **changes: object) -> dict[str, object]:
    return {"points": points, "reason": "Sorry for the delay", "note": "", "key": KEY, **changes}


def test_a_double_click_books_once(merchant: Merchant) -> None:
    member = merchant.member()
    path = f"/app/members/{member.pk}/adjustments"
    for _ in range(2):
        assert merchant.post(path, adjustment("25"))["toast"] == "25 points given"
    member.refresh_from_db()
    assert member.available == 25
    merchant.post(path, adjustment("-5", key="another-key"))
    member.refresh_from_db()
    assert member.available == 20


def test_a_reason_that_the_database_refuses_is_taken_without_what_it_refuses(merchant: Merchant) -> None:
    """It was answered with 500 once."""
    member = merchant.member()
    merchant.post(f"/app/members/{member.pk}/adjustments", {**adjustment("25"), "reason": "So\0rry\ud800"})
    assert "Sorry" in merchant.page(f"/app/members/{member.pk}")


def test_the_same_key_for_another_member_is_another_booking(merchant: Merchant) -> None:
    members = [merchant.member(7001), merchant.member(7002)]
    for member in members:
        merchant.post(f"/app/members/{member.pk}/adjustments", adjustment("25"))
    assert [Member.objects.get(pk=member.pk).available for member in members] == [25, 25]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (adjustment(""), {"points"}),
        (adjustment("0"), {"points"}),
        (adjustment("1.5"), {"points"}),
        (adjustment("9" * 15), {"points"}),
        (adjustment("-1"), {"points"}),
        (adjustment("5", reason=" "), {"reason"}),
        (adjustment("5", note="x" * 201, reason="x" * 201), {"note", "reason"}),
        (adjustment("5", key=""), {""}),
        ({}, {"points", "reason", ""}),
    ],
)
def test_errors_stand_at_their_fields_and_book_nothing(
    merchant: Merchant, body: dict[str, Any], fields: set[str]
) -> None:
    member = merchant.member()
    assert set(merchant.errors(f"/app/members/{member.pk}/adjustments", body)) == fields
    assert not Movement.objects.filter(program=merchant.program).exists()


def test_a_member_page_explains_each_movement(merchant: Merchant) -> None:
    merchant.order(30, name="#1001")
    member = merchant.member()
    merchant.post(
        f"/app/members/{member.pk}/adjustments",
        adjustment("-10", reason="<i>Mistake</i>", note="<script>x</script>"),
    )
    html = merchant.page(f"/app/members/{member.pk}")
    assert "Order #1001 earned 30 points: 30.00 x 1 = 30" in html
    assert "&lt;i&gt;Mistake&lt;/i&gt;" in html
    assert "&lt;script&gt;x&lt;/script&gt;" in html
    assert "<script>x" not in html
    assert "+30" in html
    assert "−10" in html
    assert f"adjust:{member.pk}:{KEY}:0" in html


def test_points_on_hold_say_when_they_are_free(merchant: Merchant) -> None:
    merchant.apply(hold_days=14)
    merchant.order(30)
    assert "the first are free on 4 Dec 2026" in merchant.page(f"/app/members/{merchant.member().pk}")


def test_a_debt_is_explained(merchant: Merchant) -> None:
    merchant.order(30, name="#1001")
    member = merchant.member()
    ledger.adjust(merchant.program.pk, member.pk, -30, key="spent", reason="Spent in the store")
    refunded = (replace(Line(1, 3000, 1, 1), current=0),)
    merchant.order(30, name="#1001", at=NOON + timedelta(hours=1), lines=refunded)
    html = merchant.page(f"/app/members/{member.pk}")
    assert "Order #1001 was refunded on 20 Nov 2026" in html
    assert "Owes 30" in merchant.page("/app/members")


def test_pages_go_forth_and_back_without_a_gap(merchant: Merchant) -> None:
    refs = {(merchant.shop.pk, 8000 + number): NOON for number in range(60)}
    found = people.enrol(merchant.program, refs)
    for number, member_id in enumerate(sorted(found.values())):
        if number % 3:
            ledger.adjust(merchant.program.pk, member_id, number % 7 + 1, key=f"k{number}", reason="x")
    for sort in ("newest", "points"):
        pages, path = [], f"/app/members?sort={sort}"
        while path:
            html = merchant.page(path)
            pages.append(member_ids(html))
            path = link(html, "Next")
        assert sorted(id for part in pages for id in part) == sorted(found.values())
        assert [len(part) for part in pages] == [25, 25, 10]
        back = merchant.page(link(html, "Previous"))
        assert member_ids(back) == pages[1]
        assert member_ids(merchant.page(link(back, "Previous"))) == pages[0]


def member_ids(html: str) -> list[int]:
    return [int(part.split('"')[0]) for part in html.split('href="/app/members/')[1:]]


def link(html: str, label: str) -> str:
    before, found, _ = html.partition(f">{label}</s-button>")
    return before.rpartition('href="')[2].split('"')[0].replace("&amp;", "&") if found else ""


@pytest.mark.parametrize("mark", ["x", "1", "1.", "1.x", "9" * 30 + ".1", "-1.1", "٣.٤"])
def test_a_mark_that_is_none_shows_the_first_page(merchant: Merchant, mark: str) -> None:
    merchant.member()
    merchant.page(f"/app/members?sort=points&after={mark}")
    merchant.page(f"/app/members/{merchant.member().pk}?before={mark}")


def test_search_by_customer_number_needs_nobody(merchant: Merchant) -> None:
    member = merchant.member(7001)
    assert member_ids(merchant.page("/app/members?q=7001")) == [member.pk]
    assert "Nobody found" in merchant.page("/app/members?q=7002")


def test_search_by_name_says_when_shopify_cant_be_asked(merchant: Merchant) -> None:
    html = merchant.page("/app/members?q=%3Cb%3Eada")
    assert "can&#x27;t be asked right now" in html
    assert "<b>ada" not in html


def test_without_names_members_are_called_by_number(merchant: Merchant) -> None:
    merchant.member(7001)
    assert "Customer 7001" in merchant.page("/app/members")


def test_merged_members_lead_to_the_survivor_and_leave_the_list(merchant: Merchant) -> None:
    gone, kept = merchant.member(7001), merchant.member(7002)
    people.merge(merchant.program, (merchant.shop.pk, 7002), (merchant.shop.pk, 7001), happened_at=NOON)
    assert member_ids(merchant.page("/app/members")) == [kept.pk]
    answer = merchant.fetch(f"/app/members/{gone.pk}")
    assert answer["Location"].startswith(f"/app/members/{kept.pk}")
    errors = merchant.errors(f"/app/members/{gone.pk}/adjustments", adjustment("5"))
    assert "merged" in errors[""]


def test_an_erased_member_has_numbers_and_no_person(merchant: Merchant) -> None:
    merchant.order(30)
    member = merchant.member()
    people.forget(merchant.program, (merchant.shop.pk, 7001))
    html = merchant.page(f"/app/members/{member.pk}")
    assert "Erased customer" in html
    assert "7001" not in html
    assert "erased" in merchant.errors(f"/app/members/{member.pk}/adjustments", adjustment("5"))[""]


def test_all_that_is_stored_is_handed_out(merchant: Merchant) -> None:
    merchant.order(30)
    member = merchant.member()
    answer = merchant.fetch(f"/app/members/{member.pk}/data")
    assert answer["Cache-Control"] == "no-store, private"
    stored = answer.json()  # type: ignore[attr-defined]
    assert stored["member"]["available"] == 30
    assert stored["customers"] == [{"source_id": merchant.shop.pk, "external_id": 7001}]
    assert [len(stored[table]) for table in ("orders", "awards", "movements", "redemptions")] == [1, 1, 1, 0]


def park(merchant: Merchant, **changes: object) -> InboxRow:
    values: dict[str, Any] = {
        "program_id": merchant.program.pk,
        "shop_id": merchant.shop.pk,
        "shop_domain": merchant.shop.domain,
        "webhook_id": "w",
        "topic": "<b>orders/paid",
        "body": b'{"email": "ada@example.com"}',
        "body_hash": sha256(b"").digest(),
        "state": InboxRow.State.PARKED,
        "reason": "<script>currency is missing",
    }
    return InboxRow.objects.create(**{**values, **changes})


def test_parked_deliveries_show_their_reason_and_nothing_personal(merchant: Merchant) -> None:
    park(merchant)
    html = merchant.page("/app/inbox")
    assert "&lt;script&gt;currency is missing" in html
    assert "ada@example.com" not in html
    assert "1 waits for you" in merchant.page("/app/")


def test_a_replay_puts_the_delivery_to_work_again(merchant: Merchant) -> None:
    rows = [park(merchant, webhook_id=name) for name in "abc"]
    merchant.post(f"/app/inbox/{rows[0].pk}/replay", {})
    rows[0].refresh_from_db()
    assert rows[0].state == InboxRow.State.WAITING
    assert merchant.post("/app/inbox/replay", {})["toast"].startswith("2 ")
    assert not InboxRow.objects.filter(state=InboxRow.State.PARKED).exists()


def test_replaying_all_leaves_another_shops_alone(merchant: Merchant) -> None:
    other = Merchant("other.myshopify.com")
    theirs = park(other)
    merchant.post("/app/inbox/replay", {})
    theirs.refresh_from_db()
    assert theirs.state == InboxRow.State.PARKED
