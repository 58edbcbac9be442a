"""Rewards that no order uses up, to the end of their lives: an evening, a donation, a prize draw."""

from __future__ import annotations

import hashlib
import uuid

import requests

from tests.smoke.shop import Browser, Json, answers, expect, wait_until
from tests.smoke.state import Run

EVENING = {"id": "evening", "kind": "exclusive", "title": "An evening with us", "points": 100, "in_total": 1}
TREES = {
    "id": "trees",
    "kind": "donation",
    "title": "Plant trees",
    "points": 20,
    "cause": "The Wood",
    "per": "1.00",
    "min": "1.00",
    "max": "20.00",
    "step": "1.00",
}
RAFFLE = {
    "id": "raffle",
    "kind": "draw",
    "title": "Win a bicycle",
    "points": 10,
    "prize": "A bicycle",
    "terms": "One prize for one person.",
    "closes": "2100-01-01",
}
PAST = "2020-01-01"
RETURNED_WITHIN_SECONDS = 40
TOLD_WITHIN_SECONDS = 70


def hand_over(run: Run) -> str:
    """Of one evening: had by one, waited for by another, given back, kept, had again, handed over."""
    run.offer(EVENING)
    first, second, third = (run.shop.browser(customer) for customer in run.by_wealth()[:3])
    taken = _redeem(first, "evening")
    expect(taken["state"] == "issued", f"the evening is {taken['state']}")
    answers(_try(second, "evening"), 409, "limit_reached")
    joined = second.post("/apps/loyalty/rewards/evening/waits", json={})
    answers(joined, 201)
    expect(joined.json()["place"] == 1, f"the first in line has the place {joined.json()['place']}")
    run.shop.panel(f"tasks/{taken['id']}/refuse", reason="The band is ill.")
    first.state_becomes(taken["id"], "cancelled")
    run.check_balance(run.by_wealth()[0])
    answers(_try(third, "evening"), 409, "sold_out")
    wait_until(TOLD_WITHIN_SECONDS, "it is kept for the first in line", lambda: _seen(second)["kept_until"])
    customer = run.by_wealth()[1]
    had = _redeem(second, "evening")
    run.owed[customer] -= EVENING["points"]
    run.shop.panel(f"tasks/{had['id']}/done")
    second.state_becomes(had["id"], "used")
    run.check_balance(customer)
    return "given back with a reason, kept for who waited, handed over once"


def donate(run: Run) -> str:
    """Points become money for a cause; everybody sees the sum; it is paid out, and not twice."""
    run.offer(EVENING, TREES)
    customer = run.by_wealth()[2]
    made = _redeem(run.shop.browser(customer), "trees", points=140)
    expect(made["state"] == "used", f"the donation is {made['state']}")
    run.owed[customer] -= 140
    run.check_balance(customer)
    given = _reward(run.shop.browser(), "trees")["given"]
    expect(given == "7.00", f"everybody reads that {given} were given")
    paid = {"paid_on": "2026-01-01", "receipt": "No. 1", "key": uuid.uuid4().hex}
    for _ in range(2):
        run.shop.panel("donations/trees/payouts", amount="5.00", **paid)
    refused = run.shop.try_panel(
        "donations/trees/payouts", amount="2.01", **{**paid, "key": uuid.uuid4().hex}
    )
    answers(refused, 422)
    return f"140 points gave {given}, 5.00 were paid out once, no more than was given can be"


def draw(run: Run) -> str:
    """Entries, the end, the winners as anybody reckons them; another draw is called off."""
    run.offer(EVENING, TREES, RAFFLE, {**RAFFLE, "id": "other"})
    entries = {}
    for customer, count in zip(run.by_wealth()[3:6], (2, 1, 1), strict=True):
        browser = run.shop.browser(customer)
        entries[customer] = [_redeem(browser, "raffle")["id"] for _ in range(count)]
        run.owed[customer] -= RAFFLE["points"] * count
    customer, browser = run.by_wealth()[6], run.shop.browser(run.by_wealth()[6])
    _redeem(browser, "other")
    promised = _reward(browser, "raffle")["commitment"]
    answers(run.shop.try_panel("draws/raffle/draw"), 422)
    run.shop.panel("draws/other/call-off", reason="The bicycle was stolen.")
    wait_until(
        RETURNED_WITHIN_SECONDS, "the entry is given back", lambda: browser.available() == run.owed[customer]
    )
    run.offer(EVENING, TREES, {**RAFFLE, "closes": PAST}, {**RAFFLE, "id": "other"})
    answers(_try(browser, "raffle"), 409, "closed")
    run.shop.panel("draws/raffle/draw")
    answers(run.shop.try_panel("draws/raffle/draw"), 422)
    told = run.shop.browser().get("/apps/loyalty/rewards/raffle/draw").json()
    expect(hashlib.sha256(told["seed"].encode()).hexdigest() == promised, "the seed isn't the one promised")
    (turn,) = told["turns"]
    expect(sorted(turn["entries"]) == sorted(entries.values()), f"other entries took part: {turn['entries']}")
    best = min((entry for own in turn["entries"] for entry in own), key=lambda entry: _number(told, entry))
    expect(turn["winning_entries"] == [best], f"{turn['winning_entries']} won in place of {best}")
    for customer in entries:
        run.check_balance(customer)
    return f"of 4 entries the one numbered {best} won, by the seed that was promised; another was called off"


def _number(told: Json, entry: int) -> str:
    return hashlib.sha256(f"{told['seed']}:{entry}".encode()).hexdigest()


def _try(browser: Browser, reward: str, points: int | None = None) -> requests.Response:
    return browser.redeem(reward, str(uuid.uuid4()), points)


def _redeem(browser: Browser, reward: str, points: int | None = None) -> Json:
    answer = _try(browser, reward, points)
    answers(answer, 201)
    made: Json = answer.json()
    return made


def _reward(browser: Browser, id: str) -> Json:
    return next(reward for reward in browser.me()["rewards"] if reward["id"] == id)


def _seen(browser: Browser) -> Json:
    return _reward(browser, "evening")
