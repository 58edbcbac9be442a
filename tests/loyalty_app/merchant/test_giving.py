"""A reward that staff give to one member: any of the program's, or another discount, with a reason."""

from typing import Any

import pytest

from rewards.models import Movement, Redemption
from shopify_bridge import issuing
from tests.loyalty_app.merchant.conftest import Merchant

KEY = "0123456789abcdef"


def gift(**changes: object) -> dict[str, object]:
    return {"reward": "reward:five-off", "amount": "", "why": "Sorry", "note": "", "key": KEY, **changes}


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shopify's part is the matter of other tests."""

    def work_on(redemption: Redemption, **_: Any) -> Redemption:
        return redemption

    monkeypatch.setattr(issuing, "work_on", work_on)


def test_a_double_click_gives_once(merchant: Merchant) -> None:
    member = merchant.member()
    for _ in range(2):
        assert merchant.post(f"/app/members/{member.pk}/gifts", gift())["toast"] == "“5.00 off” given"
    redemption = Redemption.objects.get()
    assert (redemption.member_id, redemption.points, redemption.value) == (member.pk, 0, 500)
    assert not Movement.objects.filter(redemption=redemption).exists()


def test_another_discount_is_called_by_what_it_gives(merchant: Merchant) -> None:
    member = merchant.member()
    asked = [("another-amount", "7,5"), ("another-percentage", "12.5"), ("free-shipping-once", "")]
    for number, (reward, amount) in enumerate(asked):
        merchant.post(
            f"/app/members/{member.pk}/gifts", gift(reward=reward, amount=amount, key=f"key-{number:06d}")
        )
    made = Redemption.objects.order_by("pk")
    assert [one.reward["title"] for one in made] == [
        "7.50 EUR off an order",
        "12.5% off an order",
        "The shipping of an order",
    ]
    assert [one.value for one in made] == [750, None, None]


def test_the_page_offers_what_can_be_given_and_tells_of_it(merchant: Merchant) -> None:
    member = merchant.member()
    html = merchant.page(f"/app/members/{member.pk}")
    assert 'value="reward:five-off"' in html
    assert 'value="reward:choose"' not in html, "the shopper would have to choose an amount"
    merchant.post(f"/app/members/{member.pk}/gifts", gift(why="<i>Sorry</i>"))
    html = merchant.page(f"/app/members/{member.pk}")
    assert "A gift: 5.00 off. &lt;i&gt;Sorry&lt;/i&gt;" in html


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"reward": "reward:nothing"}, {"reward"}),
        ({"reward": "reward:choose"}, {"reward"}),
        ({"reward": ""}, {"reward"}),
        ({"reward": "another-amount"}, {"amount"}),
        ({"reward": "another-amount", "amount": "1.234"}, {"amount"}),
        ({"reward": "another-percentage", "amount": "101"}, {"amount"}),
        ({"why": " ", "note": "x" * 201}, {"why", "note"}),
        ({"why": 5}, {"why"}),
        ({"key": "short"}, {""}),
        ({"key": "0123456789\x00"}, {""}),
        ({"key": 7, "reward": "x", "why": ""}, {"", "reward", "why"}),
    ],
)
def test_what_cannot_be_taken_is_said_at_its_field(
    merchant: Merchant, changes: dict[str, object], fields: set[str]
) -> None:
    member = merchant.member()
    assert set(merchant.errors(f"/app/members/{member.pk}/gifts", gift(**changes))) == fields
    assert not Redemption.objects.exists()


def test_a_strangers_member_is_not_there(merchant: Merchant) -> None:
    stranger = Merchant("stranger.myshopify.com").member(7009)
    assert merchant.fetch_with(f"/app/members/{stranger.pk}/gifts", gift()).status_code == 404
    assert not Redemption.objects.exists()
