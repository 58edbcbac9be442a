"""Points become codes, codes are used, and both come back."""

from __future__ import annotations

import uuid
from decimal import Decimal

from tests.smoke.shop import Browser, Json, answers, expect, wait_until
from tests.smoke.state import Run

PIECES = 2
VARIABLE_DOLLARS = 7
# reward id, its price in points, points to name in the request
KINDS = [
    ("five-off", 100, None),
    ("ten-percent", 200, None),
    ("free-shipping", 150, None),
    ("choose", 20 * VARIABLE_DOLLARS, 20 * VARIABLE_DOLLARS),
]


def use_each_kind(run: Run) -> str:
    said = []
    customer = run.by_wealth()[0]
    browser = run.shop.browser(customer)
    for reward, price, chosen in KINDS:
        made = redeem(run, customer, browser, reward, price, chosen)
        order = run.shop.order_seen(buy(run, customer, browser, made["code"]))
        expect(order["discountCodes"] == [made["code"]], f"the order carries {order['discountCodes']}")
        off = taken_off(order)
        expect(off == _promised(reward, order), f"{reward} took {off} off the order")
        browser.state_becomes(made["id"], "used")
        said.append(f"{reward} took {off:.2f} off")
    run.check_balance(customer)
    return ", ".join(said)


def cancel_an_order(run: Run) -> str:
    customer = run.by_wealth()[1]
    browser = run.shop.browser(customer)
    before = run.owed[customer]
    made = redeem(run, customer, browser, "five-off", 100, None)
    order = buy(run, customer, browser, made["code"])
    browser.state_becomes(made["id"], "used")
    run.check_balance(customer)
    run.shop.cancel(order)
    browser.state_becomes(made["id"], "returned")
    run.owed[customer] = before
    run.check_balance(customer)
    return f"{before} points before and after"


def undo(run: Run) -> str:
    customer = run.by_wealth()[2]
    browser = run.shop.browser(customer)
    before = run.owed[customer]
    made = redeem(run, customer, browser, "five-off", 100, None)
    seen = run.shop.code_seen(made["code"])
    expect(seen and seen["status"] == "ACTIVE", f"Shopify shows the code as {seen}")
    answer = browser.give_back(made["id"])
    expect(answer.ok, f"giving back: {answer.status_code} {answer.text[:300]}")
    browser.state_becomes(made["id"], "cancelled")
    seen = run.shop.code_seen(made["code"])
    expect(seen and seen["status"] == "EXPIRED", f"Shopify still shows the code as {seen}")
    run.owed[customer] = before
    run.check_balance(customer)
    return f"disabled in the shop, {before} points before and after"


def refuse(run: Run) -> str:
    """Repeated, changed, too dear, unknown, not signed in."""
    customer = run.by_wealth()[3]
    browser = run.shop.browser(customer)
    first = browser.redeem("five-off", "smoke-key")
    again = browser.redeem("five-off", "smoke-key")
    answers(first, 201)
    answers(again, 200)
    expect(first.json()["id"] == again.json()["id"], "the same key made two redemptions")
    run.owed[customer] -= 100
    answers(browser.redeem("ten-percent", "smoke-key"), 422, "key_reused")
    answers(browser.redeem("no-such-reward", "smoke-other"), 422)
    answers(browser.redeem("choose", "smoke-odd", 30), 422)
    run.check_balance(customer)
    poorest = run.by_wealth()[-1]
    answers(run.shop.browser(poorest).redeem("five-off", "smoke-poor"), 409, "insufficient_points")
    run.check_balance(poorest)
    answers(run.shop.browser().redeem("five-off", "smoke-guest"), 401)
    return "the same key twice is one, with other parameters 422, too few points 409, a guest 401"


def redeem(
    run: Run,
    customer: int,
    browser: Browser,
    reward: str,
    price: int,
    points: int | None = None,
    state: str = "issued",
) -> Json:
    """The redemption, once it is in this state; its price is owed no more."""
    answer = browser.redeem(reward, str(uuid.uuid4()), points)
    answers(answer, 201)
    made = answer.json()
    expect(made["points"] == price, f"{reward} cost {made['points']} points in place of {price}")
    run.owed[customer] -= price
    return browser.state_becomes(made["id"], state)


def buy(run: Run, customer: int, browser: Browser, code: str | None = None) -> int:
    """An order, with a code or without; its points are owed from now on."""
    order = browser.buy(dear_variant(run), PIECES, code)
    earn(run, customer, browser, order)
    return order


def dear_variant(run: Run) -> int:
    """A variant of which a few pieces are worth more than any of these rewards."""
    return next(variant for variant, price in run.shop.variants() if Decimal(price) >= 15)


def earn(run: Run, customer: int, browser: Browser, order: int) -> None:
    """The points of an order are owed from now on, and soon there."""
    lines = run.shop.order_seen(order)["lineItems"]["nodes"]
    run.owed[customer] += int(sum(_net(line) for line in lines))
    owed = run.owed[customer]
    wait_until(10, f"customer {customer} has {owed} points", lambda: browser.available() == owed)


def _net(line: Json) -> Decimal:
    return _amount(line["originalUnitPriceSet"]) * line["quantity"] - off_line(line)


def off_line(line: Json) -> Decimal:
    """What codes took off one line."""
    return Decimal(sum(_amount(given["allocatedAmountSet"]) for given in line["discountAllocations"]))


def taken_off(order: Json) -> Decimal:
    """What the code took off goods and shipping."""
    goods = sum(off_line(line) for line in order["lineItems"]["nodes"])
    shipping = sum(
        _amount(line["originalPriceSet"]) - _amount(line["discountedPriceSet"])
        for line in order["shippingLines"]["nodes"]
    )
    return Decimal(goods + shipping)


def _promised(reward: str, order: Json) -> Decimal:
    goods = sum(
        _amount(line["originalUnitPriceSet"]) * line["quantity"] for line in order["lineItems"]["nodes"]
    )
    shipping = sum(_amount(line["originalPriceSet"]) for line in order["shippingLines"]["nodes"])
    match reward:
        case "five-off":
            return Decimal("5.00")
        case "ten-percent":
            return (goods / 10).quantize(Decimal("0.01"))
        case "free-shipping":
            return Decimal(shipping)
    return Decimal(VARIABLE_DOLLARS)


def _amount(bag: Json) -> Decimal:
    return Decimal(bag["shopMoney"]["amount"])
