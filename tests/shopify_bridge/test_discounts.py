"""Redemptions that meet a death in the middle."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from rewards import people, redemption_care, redemptions, reservations
from rewards.models import Program, Redemption
from shopify_bridge import issuing, vault, waiting
from shopify_bridge.issuers import discount
from shopify_bridge.models import Shop
from tests.factories import ShopFactory
from tests.shopify_bridge.conftest import Scripted, json_answer

CUSTOMER = 7001
WHY = redemption_care.Reason("4711", "Asked for")


@pytest.mark.django_db(transaction=True)
def test_a_second_try_cut_short_by_a_death_is_taken_up_within_a_minute(scripted: Scripted) -> None:
    """Found by the soak: PostgreSQL died while Shopify made the code, and its points were set aside for a
    quarter of an hour before anybody looked for it again.
    """
    shop = _shop()
    redemption = _reserved(shop)
    redemptions.put_off(redemption, datetime.now(UTC))  # the first try got no answer
    redemption.refresh_from_db()
    due_while_asked: list[datetime] = []

    def answer(asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if asked["operationName"] == "discount_by_code":
            return json_answer({"data": {"codeDiscountNodeByCode": None}})
        due_at = Redemption.objects.get(pk=redemption.pk).due_at
        connections.close_all()
        assert due_at is not None
        due_while_asked.append(due_at)
        made = {"codeDiscountNode": {"id": "gid://shopify/DiscountCodeNode/1"}, "userErrors": []}
        return json_answer({"data": {"discountCodeBasicCreate": made}})

    scripted.answer = answer
    assert issuing.work_on(redemption).state == Redemption.State.ISSUED
    (due_at,) = due_while_asked
    assert due_at < datetime.now(UTC) + waiting.LEASE + timedelta(seconds=1)


@pytest.mark.django_db(transaction=True)
def test_a_code_of_our_own_whose_answer_was_lost_is_adopted(scripted: Scripted) -> None:
    """Whoever made it died before it could note so: to the next one it is a first try."""
    redemption = _reserved(_shop())
    scripted.answer = _codes_of({redemption.code: _node(discount.title(redemption))})
    worked_on = issuing.work_on(redemption)
    assert (worked_on.state, worked_on.code) == (Redemption.State.ISSUED, redemption.code)
    assert worked_on.external_ref == "gid://shopify/DiscountCodeNode/9"


@pytest.mark.django_db(transaction=True)
def test_a_code_that_is_taken_by_nobody_in_sight_is_neither_given_up_nor_replaced(scripted: Scripted) -> None:
    """Found by the soak: three such answers in a row ended a redemption as failed. And had one of the codes
    been made by a request that was still on its way, another code in its place would have made two.
    """
    redemption = _reserved(_shop())
    shown: dict[str, Any] = {}
    scripted.answer = _codes_of(shown, taken={redemption.code})
    for _ in range(4):
        worked_on = issuing.work_on(redemption)
        assert (worked_on.state, worked_on.code) == (Redemption.State.RESERVED, redemption.code)
        assert worked_on.due_at is not None
        redemption = worked_on
    shown[redemption.code] = _node(discount.title(redemption))
    assert issuing.work_on(redemption).state == Redemption.State.ISSUED


@pytest.mark.django_db(transaction=True)
def test_codes_of_other_discounts_are_replaced_until_one_is_free(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = [f"TAKEN{number:07d}" for number in range(5)]
    codes = iter([*taken, "FREEFREEFREE"])
    monkeypatch.setattr(redemptions, "new_code", lambda: next(codes))
    redemption = _reserved(_shop())
    scripted.answer = _codes_of({code: _node("Summer sale") for code in taken})
    worked_on = issuing.work_on(redemption)
    assert worked_on.state == Redemption.State.RESERVED, "as many as one step tries belong to others"
    worked_on = issuing.work_on(worked_on)
    assert (worked_on.state, worked_on.code) == (Redemption.State.ISSUED, "FREEFREEFREE")
    made = [
        asked["variables"]["discount"] for _, _, asked in scripted.asked if "discount" in asked["variables"]
    ]
    assert [discount["code"] for discount in made] == [*taken, "FREEFREEFREE"]
    assert all(discount["customerGets"]["items"] == {"all": True} for discount in made)


@pytest.mark.django_db(transaction=True)
def test_a_later_end_is_asked_for_until_shopify_has_answered(scripted: Scripted) -> None:
    redemption = _issued(_shop(), scripted)
    assert redemption.expires_at is not None
    until = redemption.expires_at + timedelta(days=30)
    redemption = redemption_care.extend(redemption.program_id, redemption.pk, until, WHY)
    asked: list[dict[str, Any]] = []
    answers = iter([(502, {}, b""), json_answer(_updated([]))])

    def answer(request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        asked.append(request)
        return next(answers)

    scripted.answer = answer
    worked_on = issuing.work_on(redemption)
    assert (worked_on.state, worked_on.expires_at) == (Redemption.State.ISSUED, redemption.expires_at)
    assert worked_on.due_at is not None
    assert worked_on.due_at < datetime.now(UTC) + timedelta(minutes=1)
    assert issuing.work_on(worked_on).expires_at == until
    assert [one["operationName"] for one in asked] == ["discount_basic_update"] * 2
    assert asked[1]["variables"] == {"id": redemption.external_ref, "discount": {"endsAt": until.isoformat()}}


@pytest.mark.django_db(transaction=True)
def test_an_end_that_shopify_refuses_is_left_and_the_reason_kept(scripted: Scripted) -> None:
    redemption = _issued(_shop(), scripted)
    before = redemption.expires_at
    assert before is not None
    redemption = redemption_care.extend(redemption.program_id, redemption.pk, before + timedelta(1), WHY)
    errors = [{"field": ["id"], "message": "Discount does not exist", "code": "INVALID"}]
    scripted.answer = lambda _: json_answer(_updated(errors))
    worked_on = issuing.work_on(redemption)
    assert (worked_on.expires_at, worked_on.extends_to) == (before, None)
    assert "does not exist" in worked_on.history[-1]["note"]


@pytest.mark.django_db(transaction=True)
def test_a_code_that_staff_replace_is_disabled_before_the_other_one_is_made(scripted: Scripted) -> None:
    redemption = _issued(_shop(), scripted)
    ending_with = Redemption.EndingWith.NEW_CODE
    redemption = redemption_care.end(redemption.program_id, redemption.pk, ending_with, WHY)
    scripted.asked.clear()
    scripted.answer = _life
    assert issuing.work_on(redemption).state == Redemption.State.CANCELLED
    new = Redemption.objects.get(key=f"replaces:{redemption.pk}")
    assert issuing.work_on(new).state == Redemption.State.ISSUED
    operations = [asked["operationName"] for _, _, asked in scripted.asked]
    assert operations == ["discount_deactivate", "orders_changed", "discount_basic_create"]


@pytest.mark.django_db(transaction=True)
def test_what_was_not_asked_for_before_the_shop_left_is_not_waited_for(scripted: Scripted) -> None:
    shop = _shop()
    redemption = _reserved(shop)
    Shop.objects.filter(pk=shop.pk).update(state=Shop.State.UNINSTALLED)
    issuing.work_on(redemption)
    redemption.refresh_from_db()
    assert redemption.state == Redemption.State.FAILED
    assert redemption.member.available == 50
    assert scripted.asked == []


def _updated(errors: list[dict[str, Any]]) -> dict[str, Any]:
    node = None if errors else {"id": "gid://shopify/DiscountCodeNode/1"}
    return {"data": {"discountCodeBasicUpdate": {"codeDiscountNode": node, "userErrors": errors}}}


def _life(asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """A shop that does everything, and has no orders."""
    node = {"codeDiscountNode": {"id": "gid://shopify/DiscountCodeNode/1"}, "userErrors": []}
    pages = {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    said = {
        "discount_basic_create": {"discountCodeBasicCreate": node},
        "discount_deactivate": {"discountCodeDeactivate": node},
        "orders_changed": {"orders": pages},
    }
    return json_answer({"data": said[asked["operationName"]]})


def _issued(shop: Shop, scripted: Scripted) -> Redemption:
    scripted.answer = _life
    redemption = issuing.work_on(_reserved(shop))
    assert redemption.state == Redemption.State.ISSUED
    return redemption


def _codes_of(shown: dict[str, Any], taken: set[str] | None = None) -> Any:
    """A shop where these codes are `shown`, and these are `taken` too without being seen."""

    def answer(asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        variables = asked["variables"]
        if asked["operationName"] == "discount_by_code":
            return json_answer({"data": {"codeDiscountNodeByCode": shown.get(variables["code"])}})
        errors = []
        if _asks_to_make(asked, {*shown, *(taken or set())}):
            errors = [{"field": ["code"], "message": "Code is taken", "code": "TAKEN"}]
        made = {"codeDiscountNode": None if errors else {"id": "gid://shopify/DiscountCodeNode/1"}}
        return json_answer({"data": {"discountCodeBasicCreate": {**made, "userErrors": errors}}})

    return answer


def _asks_to_make(asked: dict[str, Any], codes: set[str]) -> bool:
    return asked["variables"].get("discount", {}).get("code") in codes


def _node(title: str) -> dict[str, Any]:
    return {"id": "gid://shopify/DiscountCodeNode/9", "codeDiscount": {"title": title, "status": "ACTIVE"}}


def _shop() -> Shop:
    shop = ShopFactory.create()
    shop.access_token = vault.seal("shpat_1", "access", shop.domain)
    shop.access_token_expires_at = timezone.now() + timedelta(hours=1)
    shop.save()
    return shop


def _reserved(shop: Shop) -> Redemption:
    """20 points of the 50 for signing up."""
    program = Program.objects.get(pk=shop.program_id)
    ref = (shop.pk, CUSTOMER)
    member_id = people.enrol(program, {ref: datetime.now(UTC)})[ref]
    wanted = reservations.Request(member_id, shop.pk, CUSTOMER, "choose", "key", 20)
    redemption, _ = reservations.reserve(program, wanted)
    return redemption
