"""Referrals in the panel: figures, what waits to be decided, and the settings."""

from datetime import timedelta

import pytest

from rewards import advocates, claims, programs, referrals
from rewards.claims import Friend
from rewards.facts import FetchedOrder, Line, OrderFact
from rewards.mail_addresses import Mail
from rewards.models import Advocate, Referral
from rewards.orders import settle_orders
from tests.loyalty_app.merchant.conftest import NOON, Merchant

PATH = "/app/referrals"
HOME = "192.0.2.1"
LATER = NOON + timedelta(hours=1)
FIXED = {"kind": "fixed", "title": "Five off", "value": "5", "minimum_subtotal": "20"}


@pytest.fixture
def inviting(merchant: Merchant) -> Merchant:
    says(merchant)
    return merchant


def says(merchant: Merchant, **said: object) -> None:
    merchant.save({**merchant.document(), "referrals": {"active": True, "points": 100, **said}})
    merchant.program.refresh_from_db()


def bought(merchant: Merchant, customer: int = 7002, address: str = HOME, name: str = "friend") -> Referral:
    """The first order of a friend of customer 7001; from the member's own address it waits."""
    program = merchant.program
    advocate = advocates.made(program, merchant.member().pk)
    advocates.remember(advocate, advocates.traces(program, None, HOME), now=NOON)
    friend = Friend(merchant.shop.pk, mail=Mail.of(f"{name}@example.com"), address=address)
    claims.visit(program, advocate.code, friend, now=NOON)
    claim, _ = claims.take(program, advocate.code, friend, name, now=NOON)
    fact = OrderFact(
        source_id=merchant.shop.pk,
        external_id=customer,
        name=f"#{customer}",
        updated_at=LATER,
        processed_at=LATER,
        currency="EUR",
        customer_id=customer,
        paid=True,
        codes=(claim.code or "",),
        lines=(Line(1, 4500, 1, 1),),
    )
    settle_orders(program, [FetchedOrder(fact, paid_at=LATER, ordinal=1)], now=LATER)
    return Referral.objects.get(order__external_id=customer)


def test_it_says_why_nobody_can_invite_while_the_friends_reward_cannot_be_had(inviting: Merchant) -> None:
    assert "Members can't invite friends now" not in inviting.page(PATH)
    programs.withhold(inviting.program.pk, programs.FRIENDS, "gone", "Shopify no longer has product 12.")
    html = inviting.page(PATH)
    assert "Members can't invite friends now" in html
    assert "Shopify no longer has product 12." in html


def test_the_panel_leads_there_and_says_how_to_begin(merchant: Merchant) -> None:
    assert f'<s-link href="{PATH}">' in merchant.page("/app/")
    html = merchant.page(PATH)
    assert "Members can't invite friends yet" in html
    assert "Nothing waits" in html
    assert "Members who invite" not in html


def test_what_waits_is_shown_with_its_reasons(inviting: Merchant) -> None:
    bought(inviting)
    html = inviting.page(PATH)
    assert "Member and friend used the same internet connection." in html
    assert "#7002" in html
    assert "45.00 EUR" in html
    assert "Customer 7001" in html


@pytest.mark.parametrize(
    ("step", "state", "points"), [("approve", "paid", 100), ("refuse", "refused", 0), ("block", "blocked", 0)]
)
def test_each_is_decided_once(inviting: Merchant, step: str, state: str, points: int) -> None:
    referral = bought(inviting)
    answer = inviting.post(f"{PATH}/{referral.pk}/{step}", {})
    assert answer["go"] == PATH
    assert inviting.errors(f"{PATH}/{referral.pk}/{step}", {}) == {"": "This was decided already."}
    referrals.work_due()
    referral.refresh_from_db()
    assert (referral.state, referral.author) == (state, "42")
    assert inviting.member().available == points
    html = inviting.page(PATH)
    assert "Nothing waits" in html
    assert f">{referral.get_state_display()}</s-badge>" in html


def test_who_is_blocked_can_be_let_in_again(inviting: Merchant) -> None:
    referral = bought(inviting)
    inviting.post(f"{PATH}/{referral.pk}/block", {})
    unblock = f"{PATH}/members/{inviting.member().pk}/unblock"
    assert unblock in inviting.page(PATH)
    inviting.post(unblock, {})
    assert Advocate.objects.get().blocked_at is None
    assert unblock not in inviting.page(PATH)
    inviting.post(f"{PATH}/members/{inviting.member(7009).pk}/unblock", {}, 404)


def test_figures_and_leaderboard(inviting: Merchant) -> None:
    says(inviting, reward=FIXED)
    for customer, address, name in ((7002, "192.0.2.2", "alice"), (7003, "192.0.2.3", "boris")):
        bought(inviting, customer, address, name)
    referrals.work_due()
    link = Advocate.objects.get().code
    claims.take(inviting.program, link, Friend(inviting.shop.pk, mail=Mail.of("x@yopmail.com")), "bad")
    html = inviting.page(PATH)
    figures = html[html.index("So far") : html.index("Waiting for you")]
    # 2 x 100 points of 5.00 each, and 2 x 5.00 off.
    for said in ("2</dd>", "1 more refused", "90.00 EUR", "20.00 EUR", "200 points paid"):
        assert said in figures
    board = html[html.index("Members who invite") : html.index("Decided")]
    assert "Customer 7001" in board
    assert "90.00 EUR" in board


def test_names_stay_text(inviting: Merchant) -> None:
    says(inviting, reward={**FIXED, "title": "<script>alert(1)</script>"})
    bought(inviting)
    for path in (PATH, f"{PATH}/settings"):
        assert "<script>alert(1)" not in inviting.page(path)


def test_the_settings_are_those_of_the_schema(merchant: Merchant) -> None:
    html = merchant.page(f"{PATH}/settings")
    assert 'name="reward.percent"' in html
    assert 'name="reward.value"' not in html
    html = merchant.page(f"{PATH}/settings?kind=fixed")
    assert 'name="reward.value"' in html
    assert 'name="reward.percent"' not in html
    typed = {
        "version": str(merchant.program.version),
        "active": True,
        "points": "150",
        "minimum": "25",
        "most": "",
        "reward.kind": "fixed",
        "reward.title": "Five off",
        "reward.value": "5,00",
        "reward.minimum_subtotal": "",
        "reward.valid_days": "14",
        "reward.combines_with.order": True,
    }
    said = merchant.post(f"{PATH}/settings/preview", typed)
    assert "Referrals, members can invite friends: switched on." in said["differences"]
    assert any("no limit" in risk for risk in said["risks"])
    assert merchant.post(f"{PATH}/settings", typed)["toast"] == "Referrals saved"
    said = merchant.document()["referrals"]
    assert (said["active"], said["points"], said["minimum"], said["most"]) == (True, 150, "25.00", None)
    assert said["reward"] == {
        "kind": "fixed",
        "title": "Five off",
        "value": "5.00",
        "minimum_subtotal": None,
        "minimum_quantity": None,
        "on": {"products": [], "variants": [], "collections": []},
        "purchase": "one_time",
        "valid_days": 14,
        "combines_with": {"order": True, "product": False, "shipping": True},
    }


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"points": "many"}, "points"),
        ({"minimum": "0"}, "minimum"),
        ({"claims_per_day": "0"}, "claims_per_day"),
        ({"reward.percent": "101"}, "reward.percent"),
        ({"reward.title": ""}, "reward.title"),
        ({"reward.kind": "fixed", "reward.value": ""}, "reward.value"),
        ({"reward.points": "5"}, ""),
    ],
)
def test_what_is_wrong_stands_at_its_field(merchant: Merchant, typed: dict[str, str], field: str) -> None:
    typed = {"version": str(merchant.program.version), **typed}
    assert field in merchant.errors(f"{PATH}/settings", typed)
    assert programs.document(merchant.program) == merchant.document()


def test_the_template_switches_them_on(merchant: Merchant) -> None:
    html = merchant.page("/app/templates/referral")
    assert "Referrals, members can invite friends: switched on." in html
    merchant.post("/app/templates/referral", {"version": str(merchant.program.version)})
    said = merchant.document()["referrals"]
    assert (said["active"], said["points"], said["minimum"]) == (True, 200, "25.00")
