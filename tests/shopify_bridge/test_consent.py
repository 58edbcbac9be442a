"""Consents to marketing as Shopify tells of them: the first one gives, and only what is news."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rewards import people, programs
from rewards.models import Action, Member, Program
from shopify_bridge import payloads
from shopify_bridge.models import InboxRow, Shop
from shopify_bridge.payloads import BadPayload
from tests.factories import ShopFactory
from tests.shopify_bridge.test_handlers import deliver

pytestmark = pytest.mark.django_db
EMAIL, SMS = "customers_email_marketing_consent/update", "customers_marketing_consent/update"
RULES = [{"id": "news", "kind": "newsletter", "points": 30}, {"id": "texts", "kind": "sms", "points": 20}]


@pytest.fixture
def shop() -> Shop:
    made = ShopFactory()
    program = Program.objects.get(pk=made.program_id)
    document = {**programs.document(program)}
    document["earning"] = {**document["earning"], "signup_bonus": 0, "rules": RULES}
    programs.apply(program, document, "test")
    return made


def consent(state: str | None = "subscribed", at: datetime | None = None) -> dict[str, Any]:
    at = at or datetime.now(UTC) + timedelta(seconds=1)
    return {"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": at.isoformat()}


def by_email(**said: Any) -> dict[str, Any]:
    return {"customer_id": 7001, "email_marketing_consent": consent(**said)}


def by_text(**said: Any) -> dict[str, Any]:
    given = {**consent(**said), "consent_collected_from": "OTHER"}
    return {"id": 7001, "sms_marketing_consent": given}


def points() -> int:
    member = Member.objects.filter(identities__external_id=7001).first()
    return member.available if member else 0


def test_each_consent_gives_once(shop: Shop) -> None:
    for body in (by_email(), by_email(state="unsubscribed"), by_email()):
        assert deliver(shop, EMAIL, body).state == InboxRow.State.DONE
    assert points() == 30
    for body in (by_text(), by_text()):
        assert deliver(shop, SMS, body).state == InboxRow.State.DONE
    assert points() == 50
    assert list(Action.objects.values_list("data", flat=True)) == [{}, {}]


@pytest.mark.parametrize("state", [None, "not_subscribed", "pending", "unsubscribed", "invalid", "redacted"])
def test_only_an_agreement_gives(shop: Shop, state: str | None) -> None:
    deliver(shop, EMAIL, by_email(state=state))
    deliver(shop, SMS, by_text(state=state))
    assert points() == 0


def test_who_agreed_before_the_rule_gets_nothing_for_it(shop: Shop) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    deliver(shop, EMAIL, by_email(at=long_ago))
    assert points() == 0
    deliver(shop, EMAIL, by_email())
    assert points() == 30


def test_without_a_moment_it_is_that_of_the_delivery(shop: Shop) -> None:
    body = by_email()
    body["email_marketing_consent"]["consent_updated_at"] = None
    deliver(shop, EMAIL, body)
    assert points() == 30


def test_a_consent_that_comes_before_its_customer(shop: Shop) -> None:
    deliver(shop, EMAIL, by_email())
    deliver(shop, "customers/create", {"id": 7001, "created_at": "2026-01-01T00:00:00Z"})
    assert points() == 30
    assert Member.objects.count() == 1


def test_who_was_erased_stays_so(shop: Shop) -> None:
    deliver(shop, EMAIL, by_email())
    people.forget(Program.objects.get(pk=shop.program_id), (shop.pk, 7001))
    deliver(shop, SMS, by_text())
    assert Action.objects.count() == 1


def test_a_program_without_the_rule(shop: Shop) -> None:
    other = ShopFactory()
    assert deliver(other, EMAIL, by_email()).state == InboxRow.State.DONE
    assert not Action.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"customer_id": 7001, "email_marketing_consent": "subscribed"},
        {"customer_id": "7001", "email_marketing_consent": {"state": "subscribed"}},
        {"customer_id": 7001, "email_marketing_consent": {"state": ["subscribed"]}},
        {"customer_id": 7001, "email_marketing_consent": {"state": "enthusiastic"}},
        {"customer_id": 7001, "email_marketing_consent": {"state": "subscribed", "consent_updated_at": "x"}},
        {"customer_id": 7001, "sms_marketing_consent": {"state": "subscribed"}},
    ],
)
def test_what_can_t_be_understood_is_parked(shop: Shop, body: dict[str, Any]) -> None:
    with pytest.raises(BadPayload):
        payloads.consent(body)
    assert deliver(shop, EMAIL, body).state == InboxRow.State.PARKED
