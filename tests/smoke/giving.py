"""What merchants give without points, and what their staff do with codes: gifts, promo codes, friends."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from tests.smoke.redeeming import PIECES, buy, dear_variant, redeem, taken_off
from tests.smoke.shop import Browser, Json, answers, expect, wait_until
from tests.smoke.state import Run

SPENT = 200
MILESTONE = {
    "id": "spent",
    "kind": "milestone",
    "title": "Thank you for 200",
    "reward": "five-off",
    "amount": f"{SPENT}",
}
THANKS = 100
REFERRALS = {
    "active": True,
    "points": THANKS,
    "minimum": "20",
    "reward": {"kind": "fixed", "title": "5 off", "value": "5", "minimum_subtotal": "10"},
}
FIVE = Decimal("5.00")
CODES = 3
MADE_WITHIN_SECONDS = 20
PAID_WITHIN_SECONDS = 30


def give(run: Run) -> str:
    """Staff give a member a reward of the program."""
    customer = run.by_wealth()[3]
    browser = run.shop.browser(customer)
    member = browser.me()["member"]["id"]
    gift = {"reward": "reward:five-off", "why": "Thank you", "note": "", "key": uuid.uuid4().hex}
    for _ in range(2):
        run.shop.panel(f"members/{member}/gifts", **gift)
    return f"given in the panel, {_use_gift(run, customer, browser)}"


def reach_milestone(run: Run) -> str:
    """Who spends enough is given a reward by the program."""
    run.offer(gifts=[MILESTONE], referrals=REFERRALS)
    customer = run.newcomer("Mile Stone")
    browser = run.shop.browser(customer)
    run.shop.order(customer, f"{SPENT}.00")
    run.owed[customer] += SPENT
    return f"{SPENT}.00 spent, {_use_gift(run, customer, browser)}"


def promote(run: Run) -> str:
    """Codes for a campaign: whoever has one uses it, and once."""
    campaign = {"name": "Flyer", "kind": "fixed", "amount": "5", "number": f"{CODES}", "prefix": "fly"}
    made = run.shop.panel("promotions", **campaign, ends="", minimum_subtotal="")
    path = made["go"].removeprefix("/app/")
    codes = list(_codes_become(run, path, lambda states: states == ["ready"] * CODES))
    order = run.shop.browser().buy(dear_variant(run), PIECES, codes[0])
    _takes_five(run, order)
    another = run.shop.browser(run.by_wealth()[4])
    another.fill_cart((dear_variant(run), PIECES))
    expect(not another.cart_takes(codes[0]), "a code was taken twice")
    expect(another.cart_takes(codes[1]), "another code of the campaign is refused")
    _codes_become(run, path, lambda states: sorted(states) == ["ready"] * (CODES - 1) + ["used"])
    return f"{CODES} codes made, one took {FIVE} off a guest's order, and no second one's"


def look_after(run: Run) -> str:
    """Staff let a code live longer, replace it, and cancel the other one."""
    customer = run.by_wealth()[4]
    browser = run.shop.browser(customer)
    before = run.owed[customer]
    old = redeem(run, customer, browser, "five-off", 100)
    day = (datetime.fromisoformat(old["expires_at"]) + timedelta(days=30)).date().isoformat()
    _staff(run, old, "extend", until=day)
    wait_until(MADE_WITHIN_SECONDS, "its end is later", lambda: _ends_later(run, browser, old))
    _staff(run, old, "reissue")
    browser.state_becomes(old["id"], "cancelled")
    new = _at_hand(browser, lambda one: one["id"] > old["id"])
    expect(new["code"] != old["code"] and new["points"] == old["points"], f"in its place is {new}")
    run.check_balance(customer)
    _staff(run, new, "cancel")
    browser.state_becomes(new["id"], "cancelled")
    for code in (old["code"], new["code"]):
        seen = run.shop.code_seen(code)
        expect(seen and seen["status"] == "EXPIRED", f"Shopify still shows the code as {seen}")
    run.owed[customer] = before
    run.check_balance(customer)
    return f"30 days more, another code for the same points, cancelled: {before} points before and after"


def refer(run: Run) -> str:
    """A friend follows a link and orders with their code; staff have to look, as both sit at one machine."""
    run.advocate, friend = run.newcomer("Ada Vocate"), run.newcomer("First Friend")
    answer = run.shop.browser(run.advocate).post("/apps/loyalty/referral/link", json={})
    answers(answer, 200)
    claims = f"/apps/loyalty/referrals/{answer.json()['code']}/claims"
    own = {"key": "own", "email": "ada.vocate+again@example.com"}
    answers(run.shop.browser().post(claims, json=own), 409, "not_for_you")
    browser = run.shop.browser(friend)
    code = wait_until(MADE_WITHIN_SECONDS, "the friend's code", lambda: _claimed(browser, claims))
    order = buy(run, friend, browser, code)
    _takes_five(run, order)
    held = wait_until(MADE_WITHIN_SECONDS, "staff can look at it", lambda: _held(run))
    run.check_balance(run.advocate)
    run.shop.panel(f"referrals/{held}/approve")
    run.owed[run.advocate] += THANKS
    run.check_balance(friend)
    return f"{FIVE} off the first order, approved in the panel; the member's own address was refused"


def thank(run: Run) -> str:
    """What was approved a few steps ago is paid."""
    browser, owed = run.shop.browser(run.advocate), run.owed[run.advocate]
    what = f"customer {run.advocate} is thanked"
    wait_until(PAID_WITHIN_SECONDS, what, lambda: browser.available() == owed)
    run.check_balance(run.advocate)
    return f"{THANKS} points, {owed} with those for signing up"


def _use_gift(run: Run, customer: int, browser: Browser) -> str:
    """The one gift at hand, in an order that takes no points."""
    gift = _at_hand(browser, lambda one: one["points"] == 0)
    run.check_balance(customer)
    _takes_five(run, buy(run, customer, browser, gift["code"]))
    browser.state_becomes(gift["id"], "used")
    run.check_balance(customer)
    return f"once, for no points: it took {FIVE} off an order"


def _at_hand(browser: Browser, is_it: Callable[[Json], bool]) -> Json:
    """The only one of the codes that can be used now."""

    def look() -> list[Json]:
        return [one for one in browser.me()["redemptions"] if one["state"] == "issued" and is_it(one)]

    found = wait_until(MADE_WITHIN_SECONDS, "a code is there", look)
    expect(len(found) == 1, f"in place of one there are {found}")
    return found[0]


def _takes_five(run: Run, order: int) -> None:
    taken = taken_off(run.shop.order_seen(order))
    expect(taken == FIVE, f"the code took {taken} off the order")


def _codes_become(run: Run, path: str, holds: Callable[[list[str]], bool]) -> dict[str, str]:
    """State by code of a campaign, as staff download it."""

    def look() -> dict[str, str] | None:
        rows = csv.DictReader(io.StringIO(run.shop.panel_page(f"{path}/codes")))
        found = {row["code"]: row["state"] for row in rows}
        return found if holds(list(found.values())) else None

    return wait_until(MADE_WITHIN_SECONDS, "the codes of the campaign are as expected", look)


def _staff(run: Run, redemption: Json, what: str, **said: str) -> None:
    run.shop.panel(f"codes/{redemption['id']}/{what}", note="They asked for it", **said)


def _ends_later(run: Run, browser: Browser, old: Json) -> bool:
    """For the shopper and in Shopify alike, which knows whole seconds."""
    before, now = (datetime.fromisoformat(one["expires_at"]) for one in (old, browser.redemption(old["id"])))
    seen = run.shop.code_seen(old["code"]) or {}
    return now > before and datetime.fromisoformat(seen["endsAt"]) == now.replace(microsecond=0)


def _claimed(browser: Browser, claims: str) -> str | None:
    answer = browser.post(claims, json={"key": "friend"})
    expect(answer.ok, f"the claim was answered {answer.status_code} {answer.text[:300]}")
    code: str | None = answer.json()["code"]
    return code


def _held(run: Run) -> str | None:
    """The number of the referral that waits for staff."""
    found = re.search(r"/app/referrals/(\d+)/approve", run.shop.panel_page("referrals"))
    return found[1] if found else None
