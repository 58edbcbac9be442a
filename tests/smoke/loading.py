"""Real purchases into the shop, and their points compared."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from tests.smoke import purchases
from tests.smoke.expected import SIGNUP_BONUS, Line, Refund, Sale, balance
from tests.smoke.shop import Json, expect
from tests.smoke.state import Run

SEED = 2026
TILLS = 4
"""Orders made at the same time."""
DELIVERY_FAULTS = {"shuffle": 3.0, "duplicate": 0.05}
DELIVERED_WITHIN_SECONDS = 90
CURRENT_WITHIN_SECONDS = 60
"""After a year in a dozen seconds, on a busy machine. Single events, later on, get 10 seconds."""
SHOWN_DIFFERENCES = 5


def sign_up(run: Run) -> str:
    run.sales = purchases.load(datetime.now(UTC))
    for household in sorted({sale.household for sale in run.sales}):
        customer = run.shop.new_customer(f"Household {household}")
        run.customers[household] = customer
    rows = sum(len(sale.lines) for sale in run.sales)
    return f"{len(run.customers)} households with {len(run.sales)} baskets of {rows} rows"


def sell(run: Run) -> str:
    run.shop.drive("faults", seed=SEED, webhooks=DELIVERY_FAULTS)
    began = time.monotonic()
    with ThreadPoolExecutor(TILLS) as tills:
        run.sold = list(tills.map(lambda sale: sell_one(run, sale), run.sales))
    run.selling_seconds = time.monotonic()
    seconds = run.selling_seconds - began
    return f"{len(run.sold)} orders made, {len(run.sold) / seconds:.0f} per second"


def sell_one(run: Run, sale: Sale) -> tuple[int, list[int]]:
    made = run.shop.drive("orders", **_order(run, sale))
    return made["id"], made["lines"]


def sell_several(run: Run, sales: list[Sale]) -> list[tuple[int, list[int]]]:
    """In one call."""
    return [(made["id"], made["lines"]) for made in run.shop.sell([_order(run, sale) for sale in sales])]


def _order(run: Run, sale: Sale) -> Json:
    return {
        "customer": run.customers[sale.household],
        "processed_at": sale.sold_at.isoformat(),
        "lines": [_line(line) for line in sale.lines],
    }


def _line(line: Line) -> Json:
    return {
        "title": line.title,
        "price": dollars(line.price),
        "discounts": [dollars(d) for d in line.discounts],
    }


def dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def refund(run: Run) -> str:
    chosen = purchases.choose_refunds(run.sales, SEED)
    orders = {id(sale): sold for sale, sold in zip(run.sales, run.sold, strict=True)}
    with ThreadPoolExecutor(TILLS) as tills:
        list(tills.map(lambda item: refund_one(run, *item, *orders[id(item[0])]), chosen))
    for sale, given in chosen:
        sale.refunds.append(given)
    with_lines = sum(1 for _, given in chosen if given.lines)
    money = sum(given.money for _, given in chosen)
    return f"{with_lines} of lines, {len(chosen) - with_lines} of amounts only, {dollars(money)} given back"


def refund_one(run: Run, sale: Sale, given: Refund, order: int, line_ids: list[int]) -> None:
    lines = [(line_ids[place], 1) for place in given.lines]
    run.shop.refund(order, lines, dollars(given.money) if given.money else None, f"smoke-{order}")


def compare(run: Run) -> str:
    """All is delivered, and soon after every member's standing is what the calculation says."""
    if not run.owed:
        for household, customer in run.customers.items():
            run.owed[customer] = balance([s for s in run.sales if s.household == household])
    began = time.monotonic()
    status = run.shop.drive("idle", seconds=DELIVERED_WITHIN_SECONDS)
    delivered_at = time.monotonic()
    run.shop.drive("faults", reset=True)
    expect(not status["given_up"], f"{status['given_up']} deliveries failed for good")
    differences = _differences(run)
    while differences and time.monotonic() - delivered_at < CURRENT_WITHIN_SECONDS:
        time.sleep(0.1)
        differences = _differences(run)
    expect(
        not differences, f"{len(differences)} balances differ: {'; '.join(differences[:SHOWN_DIFFERENCES])}"
    )
    issued = sum(run.owed.values())
    return (
        f"{len(run.owed)} of {len(run.owed)} members, {issued} points; {status['delivered']} deliveries, "
        f"{status['duplicated']} of them doubled, all done {delivered_at - began:.1f} s later, "
        f"balances current {time.monotonic() - delivered_at:.1f} s after the last"
    )


def _differences(run: Run) -> list[str]:
    seen = run.shop.standings(list(run.owed))
    return [
        f"customer {customer} has {standing['points'] if standing else 'no standing'}, owed {owed}"
        for customer, owed in run.owed.items()
        if (standing := seen[customer]) is None or standing["points"] != owed
    ]


def compare_storefront(run: Run) -> str:
    """A few members ask for themselves, through the signed proxy."""
    some = run.by_wealth()[::6]
    for customer in some:
        seen, owed = run.shop.browser(customer).available(), run.owed[customer]
        expect(seen == owed, f"customer {customer} sees {seen} points and is owed {owed}")
    expect(run.shop.browser().me()["member"] is None, "a guest is shown as a member")
    run.check_balance(run.newcomer("New Comer"))
    return f"{len(some)} members, a guest and a newcomer with {SIGNUP_BONUS} points"
