"""Promotions at a shop that is slow, forgetful and cut off in the middle."""

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
from django.utils import timezone

from rewards import programs, promotions
from rewards.models import Program, PromoCode, Promotion
from shopify_bridge import promoting, vault
from shopify_bridge.models import Shop
from tests.factories import ShopFactory
from tests.shopify_bridge.conftest import Scripted, json_answer

pytestmark = pytest.mark.django_db(transaction=True)
DISCOUNT = "gid://shopify/DiscountCodeNode/1"
Answer = tuple[int, dict[str, str], bytes]


class Shopify:
    """What it was asked for; `lost`: so many answers to come that never arrive."""

    def __init__(self) -> None:
        self.codes: dict[str, str] = {}
        self.parts: dict[str, list[dict[str, Any]]] = {}
        self.refused: set[str] = set()
        self.slow = 0
        self.lost = 0
        self.asked: list[str] = []

    def __call__(self, asked: dict[str, Any]) -> Answer:
        operation, variables = asked["operationName"], asked["variables"]
        self.asked.append(operation)
        answer = getattr(self, operation)(**variables)
        if operation == "redeem_codes_add" and self.lost:
            self.lost -= 1
            return 502, {}, b""
        return json_answer({"data": answer})

    def discount_basic_create(self, discount: dict[str, Any]) -> Any:
        if discount["code"] in self.codes:
            errors = [{"field": ["code"], "message": "taken", "code": "TAKEN"}]
            return {"discountCodeBasicCreate": {"codeDiscountNode": None, "userErrors": errors}}
        assert discount["context"] == {"all": "ALL"}
        self.codes[discount["code"]] = DISCOUNT
        return {"discountCodeBasicCreate": {"codeDiscountNode": {"id": DISCOUNT}, "userErrors": []}}

    def discount_by_code(self, code: str) -> Any:
        id = self.codes.get(code)
        return {"codeDiscountNodeByCode": id and {"id": id, "codeDiscount": {"title": "Another"}}}

    def discount_deactivate(self, id: str) -> Any:
        return {"discountCodeDeactivate": {"codeDiscountNode": {"id": id}, "userErrors": []}}

    def redeem_codes_add(self, id: str, codes: list[dict[str, str]]) -> Any:
        assert len(codes) <= 250
        part = f"gid://shopify/DiscountRedeemCodeBulkCreation/{len(self.parts) + 1}"
        self.parts[part] = []
        for code in (one["code"] for one in codes):
            is_free = code not in self.codes and code not in self.refused
            errors = [] if is_free else [{"message": "must be unique"}]
            if is_free:
                self.codes[code] = id
            self.parts[part].append({"code": code, "errors": errors})
        return {"discountRedeemCodeBulkAdd": {"bulkCreation": {"id": part}, "userErrors": []}}

    def redeem_codes_added(self, id: str) -> Any:
        self.slow -= 1
        found = {"done": self.slow < 0, "codes": {"nodes": self.parts[id]}}
        return {"discountRedeemCodeBulkCreation": found}


@pytest.fixture
def shopify(scripted: Scripted) -> Shopify:
    made = Shopify()
    scripted.answer = made
    return made


def start(number: int) -> Promotion:
    shop = ShopFactory.create()
    shop.access_token = vault.seal("shpat_1", "access", shop.domain)
    shop.access_token_expires_at = timezone.now() + timedelta(hours=1)
    shop.save()
    program = Program.objects.get(pk=shop.program_id)
    reward = programs.reward(programs.document(program), "five-off")
    assert reward is not None
    return promotions.start(program, promotions.Plan(shop.pk, "Flyer", reward, number, "", None, "4711"))


def go_on(promotion: Promotion, seconds: float = 20) -> Promotion:
    promoting.go_on(promotion, monotonic() + seconds)
    promotion.refresh_from_db()
    return promotion


def test_codes_are_added_by_250_until_all_are_there(shopify: Shopify) -> None:
    promotion = go_on(start(600))
    assert promotion.state == Promotion.State.READY
    assert promotion.due_at is None
    assert len(shopify.codes) == promotions.counts(promotion)["ready"] == 600
    assert shopify.asked.count("redeem_codes_add") == 3


def test_a_part_that_takes_its_time_is_asked_after_later(shopify: Shopify) -> None:
    shopify.slow = 1
    promotion = go_on(start(10))
    assert (promotion.state, promotions.counts(promotion)["asked"]) == (Promotion.State.MAKING, 9)
    assert promotion.due_at is not None
    assert promotion.due_at > datetime.now(UTC)
    assert go_on(promotion).state == Promotion.State.READY
    assert shopify.asked.count("redeem_codes_add") == 1


def test_a_call_whose_answer_was_lost_is_made_again_and_its_codes_are_ours(shopify: Shopify) -> None:
    shopify.lost = 1
    promotion = start(300)
    for _ in range(3):
        promotion = go_on(promotion)
    assert promotion.state == Promotion.State.READY
    assert promotions.counts(promotion)["ready"] == len(shopify.codes) == 300
    assert not PromoCode.objects.exclude(reason="").exists()


def test_a_code_that_is_somebody_elses_says_why_it_failed(shopify: Shopify) -> None:
    promotion = start(3)
    taken = PromoCode.objects.order_by("pk")[2].code
    shopify.codes[taken] = "gid://shopify/DiscountCodeNode/77"
    promotion = go_on(promotion)
    assert promotion.state == Promotion.State.READY
    failed = PromoCode.objects.get(state=PromoCode.State.FAILED)
    assert (failed.code, failed.reason) == (taken, "must be unique")


def test_another_first_code_is_chosen_where_it_is_taken(shopify: Shopify) -> None:
    promotion = start(1)
    taken = promotions.first_code(promotion).code
    shopify.codes[taken] = "gid://shopify/DiscountCodeNode/77"
    assert go_on(promotion).state == Promotion.State.MAKING
    assert go_on(promotion).state == Promotion.State.READY
    assert promotions.first_code(promotion).code != taken


def test_no_time_left_goes_on_next_time(shopify: Shopify) -> None:
    promotion = go_on(start(600), seconds=0)
    assert (promotion.state, promotions.counts(promotion)["ready"]) == (Promotion.State.MAKING, 1)
    promoting.work_due()
    promotion.refresh_from_db()
    assert promotion.state == Promotion.State.READY


def test_it_is_ended_in_shopify(shopify: Shopify) -> None:
    promotion = go_on(start(10))
    promotions.end(promotion.program_id, promotion.pk)
    assert go_on(promotion).state == Promotion.State.ENDED
    assert shopify.asked[-1] == "discount_deactivate"


def test_one_that_was_never_made_is_ended_without_shopify(shopify: Shopify) -> None:
    promotion = start(10)
    promotions.end(promotion.program_id, promotion.pk)
    assert go_on(promotion).state == Promotion.State.ENDED
    assert shopify.asked == []


def test_it_goes_on_when_the_app_is_installed_again(shopify: Shopify) -> None:
    promotion = start(2)
    Shop.objects.update(state=Shop.State.UNINSTALLED)
    assert go_on(promotion).due_at is not None
    Shop.objects.update(state=Shop.State.ACTIVE)
    assert go_on(promotion).state == Promotion.State.READY
