"""A credit that may have arrived is shown with what could be it, and a person says what became of it."""

from datetime import timedelta

import pytest

from loyalty_app import metrics
from rewards import ledger, programs, reservations
from rewards.models import Redemption
from shopify_bridge import permissions
from shopify_bridge.models import Credit
from tests.loyalty_app.merchant.conftest import NOON, Merchant

PATH = "/app/store-credit"
SEEN = [
    {"id": f"gid://shopify/StoreCreditAccountCreditTransaction/{number}", "created_at": NOON.isoformat()}
    for number in (61, 62)
]


@pytest.fixture
def parked(merchant: Merchant) -> Redemption:
    """5.00 for 100 of 150 points, of which nobody knows whether it arrived."""
    reward = {"id": "credit", "kind": "store_credit", "title": "<b>Credit</b>", "points": 100, "value": "5"}
    merchant.save({**merchant.document(), "rewards": [reward]})
    member = merchant.member()
    ledger.adjust(merchant.program.pk, member.pk, 150, key="gift", reason="Test")
    wanted = reservations.Request(member.pk, merchant.shop.pk, 7001, "credit", "key")
    redemption, _ = reservations.reserve(merchant.program, wanted)
    Credit.objects.create(
        program_id=merchant.program.pk,
        redemption=redemption,
        shop_id=merchant.shop.pk,
        customer_id=7001,
        asked_at=NOON,
        parked_at=NOON + timedelta(minutes=15),
        seen=[{**SEEN[0], "expires_at": None}, {**SEEN[1], "expires_at": NOON.isoformat()}],
    )
    return redemption


def test_it_is_shown_with_what_could_be_it(merchant: Merchant, parked: Redemption) -> None:
    assert "1 credit may have arrived: have a look." in merchant.page("/app/")
    html = merchant.page(PATH)
    assert "5.00 EUR" in html
    assert "&lt;b&gt;Credit" in html
    assert "no. 61" in html
    assert "no. 62" in html
    assert "good until 20 Nov 2026" in html
    assert f"/app/members/{parked.member_id}" in html


def test_it_is_counted_for_operators(parked: Redemption) -> None:
    figures = {family.name: family.samples for family in metrics._counted()}
    assert [sample.value for sample in figures["loyalty_store_credits_parked"]] == [1]


@pytest.mark.parametrize(
    ("said", "state", "available"), [("arrived", "used", 50), ("never-arrived", "failed", 150)]
)
def test_what_a_person_says_counts(
    merchant: Merchant, parked: Redemption, said: str, state: str, available: int
) -> None:
    assert merchant.post(f"{PATH}/{parked.pk}/{said}", {})["ok"]
    parked.refresh_from_db()
    assert (parked.state, merchant.member().available) == (state, available)
    assert "Did it arrive?" not in merchant.page(PATH)
    assert "may have arrived" not in merchant.page("/app/")
    merchant.post(f"{PATH}/{parked.pk}/{said}", {}, 404)


def test_permissions_are_asked_for_where_they_are_missing(merchant: Merchant) -> None:
    html = merchant.page(PATH)
    assert "Allow store credit" in html
    assert "Allow gift card" in html
    assert "request to its support" in html
    merchant.shop.scopes = "write_gift_cards"
    merchant.shop.save()
    html = merchant.page(PATH)
    assert "Allow gift card" not in html
    assert "<strong>Gift card</strong> is allowed." in html
    rewards = [{"kind": "gift_card"}, {"kind": "store_credit"}, {"kind": "fixed"}]
    assert permissions.allowed(merchant.shop, rewards) == [{"kind": "gift_card"}, {"kind": "fixed"}]


def test_who_cannot_ask_shopify_is_told(merchant: Merchant) -> None:
    assert "Please try again in a minute" in merchant.errors(f"{PATH}/permission", {})[""]


def test_the_starter_program_needs_none_of_them(merchant: Merchant) -> None:
    rewards = programs.starter("Demo", "EUR")["rewards"]
    assert permissions.allowed(merchant.shop, rewards) == rewards
