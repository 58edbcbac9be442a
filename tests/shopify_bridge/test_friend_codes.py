"""Friends' codes: made once whatever becomes of the answers, and ended."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from rewards import advocates, claims, people, programs
from rewards.claims import Friend
from rewards.mail_addresses import Mail
from rewards.models import Claim, Program
from shopify_bridge import friend_codes, vault
from shopify_bridge.models import Shop
from tests.factories import ShopFactory
from tests.shopify_bridge.conftest import Scripted, json_answer

pytestmark = pytest.mark.django_db
FIXED = {"kind": "fixed", "title": "Five off", "value": "5", "valid_days": 7}


@pytest.fixture
def claim() -> Claim:
    shop = ShopFactory.create()
    shop.access_token = vault.seal("shpat_1", "access", shop.domain)
    shop.access_token_expires_at = timezone.now() + timedelta(hours=1)
    shop.save()
    program = Program.objects.get(pk=shop.program_id)
    document = {**programs.document(program), "referrals": {"active": True, "points": 10, "reward": FIXED}}
    programs.apply(program, document, "test")
    member = people.enrol(program, {(shop.pk, 1): timezone.now()})[shop.pk, 1]
    link = advocates.made(program, member)
    friend = Friend(shop.pk, mail=Mail.of("a@example.com"))
    found, _ = claims.take(program, link.code, friend, "key")
    return found


class Codes:
    """A shop that has these discounts, by code. `says`: what comes instead of an answer."""

    def __init__(self, server: Scripted) -> None:
        self.known: dict[str, str] = {}
        self.ended: list[str] = []
        self.refuses = ""
        self.is_silent = False
        self.made: list[dict[str, Any]] = []
        server.answer = self.answer

    def answer(self, asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        variables = asked["variables"]
        if asked["operationName"] == "discount_by_code":
            title = self.known.get(variables["code"])
            node = title and {"id": f"gid/{variables['code']}", "codeDiscount": {"title": title}}
            return json_answer({"data": {"codeDiscountNodeByCode": node}})
        if asked["operationName"] == "discount_deactivate":
            self.ended.append(variables["id"])
            return json_answer({"data": {"discountCodeDeactivate": {"userErrors": []}}})
        discount = variables["discount"]
        errors = []
        if self.refuses:
            errors = [{"field": ["value"], "message": self.refuses, "code": "INVALID"}]
        elif discount["code"] in self.known:
            errors = [{"field": ["code"], "message": "taken", "code": "TAKEN"}]
        else:
            self.known[discount["code"]] = discount["title"]
            self.made.append(discount)
        if self.is_silent:
            return 503, {}, b""
        node = None if errors else {"id": f"gid/{discount['code']}"}
        return json_answer(
            {"data": {"discountCodeBasicCreate": {"codeDiscountNode": node, "userErrors": errors}}}
        )


def test_what_it_says(scripted: Scripted, claim: Claim) -> None:
    codes = Codes(scripted)
    done = friend_codes.work_on(claim)
    assert (done.state, done.external_ref, done.due_at) == ("issued", f"gid/{claim.code}", done.expires_at)
    (made,) = codes.made
    assert made["title"] == f"Five off [loyalty friend {claim.program_id}-{claim.pk}]"
    assert made["usageLimit"] == 1
    assert made["context"] == {"all": "ALL"}
    assert made["customerGets"]["value"]["discountAmount"]["amount"] == "5.00"
    assert done.expires_at == done.created_at + timedelta(days=7)


def test_a_lost_answer_is_a_question(scripted: Scripted, claim: Claim) -> None:
    codes = Codes(scripted)
    codes.is_silent = True
    waiting = friend_codes.work_on(claim)
    assert (waiting.state, waiting.attempts) == ("reserved", 1)
    codes.is_silent = False
    assert friend_codes.work_on(waiting).state == "issued"
    assert len(codes.made) == 1


def test_what_is_taken_by_another_discount_is_chosen_anew(scripted: Scripted, claim: Claim) -> None:
    codes = Codes(scripted)
    first = claim.code
    assert first
    codes.known[first] = "Summer sale"
    done = friend_codes.work_on(claim)
    assert done.state == "issued"
    assert done.code != first


def test_what_shopify_refuses_is_over_and_looked_for_once_more(scripted: Scripted, claim: Claim) -> None:
    codes = Codes(scripted)
    codes.refuses = "no such value"
    failed = friend_codes.work_on(claim)
    assert failed.state == "failed"
    assert "no such value" in failed.note
    codes.known[claim.code or ""] = friend_codes.title(claim)
    assert friend_codes.work_on(failed).due_at is None
    assert codes.ended == [f"gid/{claim.code}"]


def test_its_last_day_ends_it_by_the_clock(scripted: Scripted, claim: Claim) -> None:
    codes = Codes(scripted)
    friend_codes.work_on(claim)
    assert friend_codes.work_due() == 0
    past = timezone.now() - timedelta(minutes=1)
    Claim.objects.update(expires_at=past, due_at=past)
    assert friend_codes.work_due() == 1
    claim.refresh_from_db()
    assert (claim.state, claim.due_at) == ("ended", None)
    assert codes.ended == [f"gid/{claim.code}"]


def test_it_goes_on_when_the_app_is_installed_again(scripted: Scripted, claim: Claim) -> None:
    codes = Codes(scripted)
    Shop.objects.filter(pk=claim.source_id).update(state=Shop.State.UNINSTALLED)
    away = friend_codes.work_on(claim)
    assert (away.state, codes.made) == (Claim.State.RESERVED, [])
    assert away.due_at is not None
    Shop.objects.filter(pk=claim.source_id).update(state=Shop.State.ACTIVE)
    assert friend_codes.work_on(away).state == Claim.State.ISSUED
