"""Many redemptions at once: of one balance, with one key, and while the calls to Shopify go wrong."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import psycopg
import requests

from tests.smoke.expected import SIGNUP_BONUS
from tests.smoke.shop import Browser, Json, Unexpected, expect, wait_until
from tests.soak.accidents import happening
from tests.soak.state import Soak

AT_ONCE = 32
PRICE = 100
REWARD = "five-off"
FUNDED_WITHIN_SECONDS = 600
AT_REST_WITHIN_SECONDS = 600
OPERATION = "discountCodeBasicCreate"
SHOPPERS = 20
ASKED_AGAIN = 60
"""How often a shopper's page asks again, a second apart, when it got no answer."""
NO_ANSWER = (502, 504)
"""Of Shopify's proxy, when the app can't be reached or takes longer than ten seconds."""
KILLED_MEANWHILE = ["web", "worker", "postgres"]
CALLERS_AT_EXPIRY = 200


def lift_the_limit(soak: Soak) -> str:
    """The program allows 300 redemptions a minute and member; these tests want more."""
    demo = soak.run.demo
    exported = demo.manage("program", "export", "--shop", demo.shop)
    expect(exported.returncode == 0, f"program export: {exported.stderr[-500:]}")
    file = demo.var / "program.json"
    file.write_text(json.dumps({**json.loads(exported.stdout), "redemptions_per_minute": 100_000}))
    applied = demo.manage("program", "apply", "--shop", demo.shop, str(file))
    expect(applied.returncode == 0, f"program apply: {applied.stderr[-500:]}")
    return applied.stdout.strip()


def contend(soak: Soak) -> str:
    """Of N requests on a balance for N/10 exactly N/10 succeed."""
    wanted = soak.size.redemptions
    affordable = wanted // 10
    customer = _funded(soak, "Contended", affordable * PRICE)
    watch = _Lowest(soak, customer)
    began = time.monotonic()
    with watch:
        answers = _all_at_once(soak, customer, [f"contended-{i}" for i in range(wanted)])
    seconds = time.monotonic() - began
    # 200 in place of 201: the first answer came too late for Shopify's proxy, the same key was used again.
    made = sum(answer.status_code in (200, 201) for answer in answers)
    refused = sum(answer.status_code == 409 for answer in answers)
    expect(
        (made, refused) == (affordable, wanted - affordable),
        f"of {wanted} redemptions on a balance for {affordable} {made} succeeded and {refused} were refused",
    )
    expect(watch.lowest == 0, f"the lowest balance seen is {watch.lowest}")
    soak.run.owed[customer] = 0
    _all_at_rest(soak, [customer])
    states = Counter(state for state, _ in soak.books.redemptions([customer]).values())
    expect(states == {"issued": affordable}, f"the redemptions are {dict(states)}")
    return (
        f"{wanted} requests, {AT_ONCE} at a time, {wanted / seconds:.0f} per second: {made} codes, "
        f"{refused} refused, the lowest of {watch.looks} looks at the balance {watch.lowest}"
    )


def repeat(soak: Soak) -> str:
    """One key is one redemption, however often and however many at once."""
    customer = _funded(soak, "Repeating", 10 * PRICE)
    answers = _all_at_once(soak, customer, ["the-same-key"] * AT_ONCE)
    statuses = Counter(answer.status_code for answer in answers)
    made = statuses.pop(201, 0)  # by one answer, if that came in time for Shopify's proxy
    expect(made <= 1 and set(statuses) == {200}, f"one key made {made} and was answered {dict(statuses)}")
    ids = {answer.json()["id"] for answer in answers}
    expect(len(ids) == 1, f"one key made the redemptions {ids}")
    _all_at_rest(soak, [customer])
    browser = soak.run.shop.browser(customer)
    first, second = (browser.redeem(REWARD, "the-same-key").json() for _ in range(2))
    expect(first == second, f"the same key was answered {first} and {second}")
    changed = browser.redeem("ten-percent", "the-same-key")
    expect(changed.status_code == 422, f"the same key with another reward: {changed.status_code}")
    soak.run.owed[customer] = 9 * PRICE
    return f"{AT_ONCE} requests with one key made 1 redemption; with another reward 422"


def meet_accidents(soak: Soak) -> str:
    """The calls to Shopify go wrong while web, worker and database die; every shopper gets an answer."""
    each = soak.size.creates // SHOPPERS
    soak.asking = _all_funded(soak, "Asking", each * PRICE)
    soak.run.shop.drive("faults", reset=True, seed=soak.seed, operations=_accidents(soak))
    answered = _Counted(len(soak.asking) * each)
    with ThreadPoolExecutor(AT_ONCE) as shoppers:
        browsers = list(shoppers.map(soak.run.shop.browser, soak.asking)) * each
        kinds = soak.chance("killed while redeeming").sample(KILLED_MEANWHILE, len(KILLED_MEANWHILE))
        with happening(soak, "redeeming", kinds, answered.share):
            answers = list(shoppers.map(lambda browser: answered(_ask_until_answered(browser)), browsers))
    soak.run.shop.drive("faults", reset=True)
    said = Counter(answer.json()["state"] for answer in answers)
    return f"{len(answers)} requests, answered {dict(said)}"


def _accidents(soak: Soak) -> list[Json]:
    """20 % made and not answered in time, 10 % 5xx, 10 % throttled, 5 % taken.

    The first that strikes counts, so the shares of the later ones are shares of what is left.
    """
    return [
        {"operation": OPERATION, "fault": "timeout_after_work", "rate": 0.2, "seconds": soak.too_late},
        {"operation": OPERATION, "fault": "5xx", "rate": 0.1 / 0.8},
        {"operation": OPERATION, "fault": "throttle", "rate": 0.1 / 0.7},
        {"operation": OPERATION, "fault": "taken", "rate": 0.05 / 0.6},
    ]


def compare_with_the_shop(soak: Soak) -> str:
    """With points and a code, or without either: no code without points, no points without a code."""
    _all_at_rest(soak, soak.asking)
    found = soak.books.redemptions(soak.asking)
    wanted = soak.size.creates // SHOPPERS * SHOPPERS
    expect(len(found) == wanted, f"{wanted} requests made {len(found)} redemptions")
    states = Counter(state for state, _ in found.values())
    # Nothing was refused for good, so none may fail: 5xx, time-outs and codes called taken are no refusals.
    expect(set(states) == {"issued"}, f"the redemptions are {dict(states)}")
    soak.run.owed.update(dict.fromkeys(soak.asking, 0))
    return f"{dict(states)}; {_compare_codes(soak)}"


def _compare_codes(soak: Soak) -> str:
    """Each is paid for once, works, and nothing else was ever made."""
    mine = soak.books.redemptions([*soak.run.owed])
    shops = soak.books.codes(soak.run.shop)
    paid = {code for code, (state, _) in mine.items() if state == "issued"}
    free = set(shops) - paid
    expect(not free, f"{len(free)} codes in the shop cost nothing: {sorted(free)[:5]}")
    missing = {code for code in paid if shops.get(code) != "ACTIVE"}
    expect(not missing, f"{len(missing)} codes were paid for and don't work: {sorted(missing)[:5]}")
    return f"{len(paid)} codes paid, {len(shops)} in the shop, the same"


def renew_the_token(soak: Soak) -> str:
    """All callers find the token expired at once; the sandbox knows how many pairs it gave."""
    each = CALLERS_AT_EXPIRY // SHOPPERS
    customers = _all_funded(soak, "Renewing", each * PRICE)
    before = dict(soak.books.app_tokens())
    with ThreadPoolExecutor(CALLERS_AT_EXPIRY) as callers:
        browsers = list(callers.map(soak.run.shop.browser, customers * each))
        soak.books.end_token()
        answers = list(callers.map(lambda browser: _ask(browser), browsers))
    statuses = Counter(answer.status_code for answer in answers)
    expect(set(statuses) <= {200, 201}, f"the callers were answered {dict(statuses)}")
    new = {access: old for access, old in soak.books.app_tokens() if access not in before}
    expect(
        len(new) == 1 and set(new.values()) <= set(before),
        f"the sandbox gave {len(new)} new pairs, in place of one that replaces the one before",
    )
    _all_at_rest(soak, customers)
    soak.run.owed.update(dict.fromkeys(customers, 0))
    state, _ = soak.books.shop_state()
    expect(state == "active", f"the shop is {state}")
    lost = len(before) - 1
    return f"{CALLERS_AT_EXPIRY} callers, 1 refresh; earlier, kills lost the answers of {lost} refreshes"


def _funded(soak: Soak, name: str, points: int) -> int:
    """A new member with exactly these points."""
    shop = soak.run.shop
    customer = shop.new_customer(name)
    shop.order(customer, f"{points - SIGNUP_BONUS}.00")
    wait_until(
        FUNDED_WITHIN_SECONDS,
        f"{name} has {points} points",
        lambda: soak.books.balances([customer]).get(customer) == points,
    )
    return customer


def _all_funded(soak: Soak, name: str, points: int) -> list[int]:
    with ThreadPoolExecutor(SHOPPERS) as tills:
        return list(tills.map(lambda i: _funded(soak, f"{name} {i}", points), range(SHOPPERS)))


def _all_at_once(soak: Soak, customer: int, keys: list[str]) -> list[requests.Response]:
    with ThreadPoolExecutor(AT_ONCE) as shoppers:
        browsers = list(shoppers.map(lambda _: soak.run.shop.browser(customer), range(AT_ONCE)))
        pairs = ((browsers[place % AT_ONCE], key) for place, key in enumerate(keys))
        return list(shoppers.map(lambda pair: _ask(*pair), pairs))


def _ask(browser: Browser, key: str = "") -> requests.Response:
    """The app's answer. While nothing dies that is never a 5xx; Shopify's proxy may be told too late."""
    key = key or str(uuid.uuid4())
    for _ in range(ASKED_AGAIN):
        answer = browser.redeem(REWARD, key)
        if answer.status_code not in NO_ANSWER:
            expect(
                answer.status_code < 500, f"a shopper was answered {answer.status_code}: {answer.text[:300]}"
            )
            return answer
    raise Unexpected(f"the redemption {key} was not answered in {ASKED_AGAIN} tries")


def _ask_until_answered(browser: Browser) -> requests.Response:
    """As a shopper's page does while processes die: with the same key, until there is an answer.

    No database is 503 and no web 502 or 504; a 500 would be a mistake.
    """
    key = str(uuid.uuid4())
    for _ in range(ASKED_AGAIN):
        answer = browser.redeem(REWARD, key)
        if answer.status_code < 500:
            return answer
        expect(
            answer.status_code in (503, *NO_ANSWER),
            f"a shopper was answered {answer.status_code}: {answer.text[:300]}",
        )
        time.sleep(1)
    raise Unexpected(f"the redemption {key} was not answered in {ASKED_AGAIN} tries")


class _Counted:
    """Counts the answers that pass through it."""

    def __init__(self, wanted: int) -> None:
        self._wanted, self._answers = wanted, itertools.count(1)
        self._seen = 0

    def __call__(self, answer: requests.Response) -> requests.Response:
        self._seen = next(self._answers)
        return answer

    def share(self) -> float:
        return self._seen / self._wanted


def _all_at_rest(soak: Soak, customers: list[int]) -> None:
    """The last ones are looked at by their shoppers, as their pages do: their pauses may have grown long."""
    browsers: dict[int, Browser] = {}

    def look() -> bool:
        waiting = soak.books.waiting_redemptions(customers)
        for customer, redemption in waiting[:AT_ONCE]:
            browser = browsers.get(customer) or browsers.setdefault(customer, soak.run.shop.browser(customer))
            browser.redemption(redemption)
        return not waiting

    wait_until(AT_REST_WITHIN_SECONDS, "no redemption waits for Shopify", look)


class _Lowest:
    """Looks at a balance all the time."""

    def __init__(self, soak: Soak, customer: int) -> None:
        self._books, self._customer = soak.books, customer
        self._over = Event()
        self._thread = Thread(target=self._look, name="lowest balance")
        self.lowest = soak.books.available(customer)
        self.looks = 0

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.01):
            try:
                self.lowest = min(self.lowest, self._books.available(self._customer))
            except psycopg.OperationalError:
                continue
            self.looks += 1
