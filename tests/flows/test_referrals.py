"""Friends: from the link to the points, and back, with accidents on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import MakeCustomer
from tests.flows.people import Customer, Merchant
from tests.smoke.shop import Browser, Json, wait_until

JOINED = 50
THANKS = 100
CREATE = "discountCodeBasicCreate"
REFERRALS = {
    "active": True,
    "points": THANKS,
    "minimum": "20",
    # All of this sits at one machine.
    "hold_suspicious": False,
    "claims_per_day": 100,
    "reward": {"kind": "fixed", "title": "5 off", "value": "5", "minimum_subtotal": "10"},
}


@pytest.fixture
def inviting(shop: Merchant, tmp_path: Path) -> Iterator[Merchant]:
    """The demo shop, where members can invite friends for a while."""
    before = shop.program()
    apply(shop, {**before, "referrals": REFERRALS}, tmp_path)
    yield shop
    apply(shop, before, tmp_path)


def apply(shop: Merchant, program: Json, folder: Path) -> None:
    file = folder / "program.json"
    file.write_text(json.dumps(program))
    shop.manage("program", "apply", "--shop", shop.domain, str(file))


def dearest(shop: Merchant) -> int:
    """The variant with the highest price."""
    variant, _ = max(shop.variants(), key=lambda found: float(found[1]))
    return variant


def link_of(customer: Customer) -> str:
    answer = customer.browser.post("/apps/loyalty/referral/link", json={})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["code"])


def claimed(browser: Browser, link: str, **said: Any) -> str:
    """The code that a friend gets, once it is made."""

    def ask() -> str | None:
        answer = browser.post(f"/apps/loyalty/referrals/{link}/claims", json={"key": "k", **said})
        assert answer.status_code in (200, 201), answer.text
        code: str | None = answer.json()["code"]
        return code

    return wait_until(60, "the friend's code", ask)


def becomes(customer: Customer, points: int) -> None:
    wait_until(30, f"{points} points", lambda: customer.points == points)


@pytest.mark.parametrize("fault", ["timeout_after_work", "5xx", "cut"])
def test_a_guest_s_code_thanks_once_whatever_happens(
    inviting: Merchant, make_customer: MakeCustomer, fault: str
) -> None:
    advocate, friend, before = make_customer(), make_customer(), inviting.number_of_codes()
    more = {"seconds": 9} if fault == "timeout_after_work" else {}
    inviting.drive("faults", operations=[{"operation": CREATE, "fault": fault, "times": 1, **more}])
    code = claimed(inviting.browser(), link_of(advocate), email=f"guest{advocate.id}@example.com")
    seen = inviting.code_seen(code)
    assert seen is not None
    assert seen["status"] == "ACTIVE"
    assert inviting.number_of_codes() == before + 1
    inviting.drive("faults", seed=3, webhooks={"duplicate": 1, "shuffle": 2})
    order = friend.browser.buy(dearest(inviting), 1, code)
    inviting.handled()
    becomes(advocate, JOINED + THANKS)
    inviting.cancel(order)
    inviting.handled()
    becomes(advocate, JOINED)


def test_a_link_that_was_followed_counts_from_any_device(
    inviting: Merchant, make_customer: MakeCustomer
) -> None:
    advocate, friend, stranger = (make_customer() for _ in range(3))
    link = link_of(advocate)
    answer = friend.browser.post(f"/apps/loyalty/referrals/{link}/visits", json={})
    assert answer.json()["reward"]["title"] == "5 off"
    friend.buys("40.00")
    stranger.buys("40.00")
    inviting.handled()
    becomes(advocate, JOINED + THANKS)
    friend.buys("40.00")
    inviting.handled()
    assert advocate.points == JOINED + THANKS
    friends = advocate.browser.get("/apps/loyalty/referral").json()["friends"]
    assert [one["state"] for one in friends] == ["paid"]


def test_who_ordered_before_is_nobody_s_friend(inviting: Merchant, make_customer: MakeCustomer) -> None:
    advocate, regular = make_customer(), make_customer()
    regular.buys("30.00")
    inviting.handled()
    code = claimed(inviting.browser(), link_of(advocate), email=f"regular{advocate.id}@example.com")
    regular.browser.buy(dearest(inviting), 1, code)
    inviting.handled()
    wait_until(30, "it is refused", lambda: _states(advocate) == ["not_counted"])
    assert advocate.points == JOINED


def _states(advocate: Customer) -> list[str]:
    friends = advocate.browser.get("/apps/loyalty/referral").json()["friends"]
    return [one["state"] for one in friends]


def test_a_code_of_a_signed_in_friend_is_for_them_alone(
    inviting: Merchant, make_customer: MakeCustomer
) -> None:
    advocate, friend, thief = (make_customer() for _ in range(3))
    code = claimed(friend.browser, link_of(advocate))
    thief.browser.post("/cart/add.js", json={"id": dearest(inviting), "quantity": 1})
    cart = thief.browser.post("/cart/update.js", json={"discount": code}).json()
    assert cart["discount_codes"] == [{"code": code, "applicable": False}]
