"""A second shop with another program, the same purchases: tiers, a department, a campaign week, first orders.

What each member is owed is reckoned here, independently of the app, in whole cents and exact fractions.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor
from zoneinfo import ZoneInfo

from tests.smoke import loading
from tests.smoke.expected import SIGNUP_BONUS, Line, Sale
from tests.smoke.shop import Json, Shop, Unexpected, expect
from tests.smoke.state import Run

DOMAIN = "second-program.myshopify.com"
ZONE = ZoneInfo("America/New_York")
DEPARTMENT = "PRODUCE"
FIRST_ORDER = 100
WEEK = Fraction(3, 2)
LEVELS = {"silver": (100_000, 50), "gold": (300_000, 200)}
"""With how many cents in twelve months a tier is reached, and the points on arriving there."""
WEEKS_AGO = 50
"""Early in the year: of older orders a delivery doesn't say on which side of the week they were paid."""
CURRENT_WITHIN_SECONDS = 60
SHOWN_DIFFERENCES = 5
Owed = tuple[int, str | None, str | None]
"""(points, tier, what is missing to the next one) of one customer."""


@dataclass
class Second:
    """The second shop, once it is there."""

    shop: Shop
    variants: dict[str, int]
    week: tuple[datetime, datetime]
    customers: dict[int, int] = field(default_factory=dict)  # household -> customer id
    sold: list[tuple[int, list[int]]] = field(default_factory=list)  # order and line ids, as in `Run.sales`
    has_refunds: bool = False


def open_shop(run: Run) -> str:
    """A shop with a product for each of two departments, one of them in a collection, and its program."""
    run.shop.drive("shops", domain=DOMAIN, timezone=str(ZONE))
    shop = Shop(run.demo, DOMAIN)
    # Who sells hundreds of orders a second is on that plan: a member's first orders are asked about.
    shop.drive("shop", plan="plus")
    shop.drive("install")
    variants = {name: shop.new_product(name) for name in (DEPARTMENT, "OTHER")}
    collection = shop.new_collection("Fruit and vegetables", [variants[DEPARTMENT][0]])
    monday = _monday(datetime.now(UTC).astimezone(ZONE) - timedelta(weeks=WEEKS_AGO))
    week = (monday, monday + timedelta(days=7))
    run.second = Second(shop, {name: variant for name, (_, variant) in variants.items()}, week)
    document = _program(json.loads(_manage(run, "export")), collection, week)
    file = run.demo.var / "second-program.json"
    file.write_text(json.dumps(document))
    return _manage(run, "apply", str(file)).splitlines()[0]


def _monday(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=moment.weekday())


def _manage(run: Run, action: str, *files: str) -> str:
    done = run.demo.manage("program", action, "--shop", DOMAIN, *files)
    expect(done.returncode == 0, f"program {action}: {done.stderr[-500:]}")
    return done.stdout


def _program(document: Json, collection: int, week: tuple[datetime, datetime]) -> Json:
    last = week[1] - timedelta(days=1)
    document["earning"]["rules"] = [
        {"id": "department", "kind": "multiplier", "factor": "2", "on": {"collections": [collection]}},
        {
            "id": "week",
            "kind": "multiplier",
            "factor": "1.5",
            "starts": week[0].date().isoformat(),
            "ends": last.date().isoformat(),
        },
        {"id": "first", "kind": "first_order", "points": FIRST_ORDER},
    ]
    document["tiers"] = {
        "metric": "spend",
        "window": "rolling_year",
        "levels": [
            {"id": id, "name": id.title(), "from": loading.dollars(cents), "entry_points": points}
            for id, (cents, points) in LEVELS.items()
        ],
    }
    return document


def sell(run: Run) -> str:
    """The purchases of the first shop, each line of the product of its department."""
    second = _second(run)
    for household in run.customers:
        second.customers[household] = second.shop.new_customer(f"Household {household}")
    second.shop.drive("faults", seed=loading.SEED, webhooks=loading.DELIVERY_FAULTS)
    began = time.monotonic()
    made = second.shop.sell([_order(second, sale) for sale in run.sales])
    second.sold = [(order["id"], order["lines"]) for order in made]
    return f"{len(made)} orders made, {len(made) / (time.monotonic() - began):.0f} per second"


def _order(second: Second, sale: Sale) -> Json:
    return {
        "customer": second.customers[sale.household],
        "processed_at": sale.sold_at.isoformat(),
        "lines": [
            {
                "title": line.title,
                "price": loading.dollars(line.price),
                "discounts": [loading.dollars(discount) for discount in line.discounts],
                "variant": second.variants[_department(line)],
            }
            for line in sale.lines
        ],
    }


def _department(line: Line) -> str:
    return DEPARTMENT if line.department == DEPARTMENT else "OTHER"


def refund(run: Run) -> str:
    """What was refunded in the first shop, here too."""
    second = _second(run)
    refunded = [(sale, sold) for sale, sold in zip(run.sales, second.sold, strict=True) if sale.refunds]
    second.has_refunds = True
    for sale, (order, lines) in refunded:
        for given in sale.refunds:
            money = loading.dollars(given.money) if given.money else None
            gone = [(lines[place], 1) for place in given.lines]
            second.shop.refund(order, gone, money, f"second-{order}")
    return f"{len(refunded)} orders refunded"


def compare(run: Run) -> str:
    """All is delivered, and soon after points, tier and the way to the next are what the calculation says."""
    second = _second(run)
    status = second.shop.drive("idle", seconds=loading.DELIVERED_WITHIN_SECONDS)
    second.shop.drive("faults", reset=True)
    expect(not status["given_up"], f"{status['given_up']} deliveries failed for good")
    owed = {
        customer: _owed(second, [sale for sale in run.sales if sale.household == household])
        for household, customer in second.customers.items()
    }
    deadline = time.monotonic() + CURRENT_WITHIN_SECONDS
    while (differences := _differences(second, owed)) and time.monotonic() < deadline:
        time.sleep(0.1)
    expect(
        not differences, f"{len(differences)} members differ: {'; '.join(differences[:SHOWN_DIFFERENCES])}"
    )
    tiers = [tier for _, tier, _ in owed.values()]
    told = ", ".join(f"{tiers.count(name)} {name or 'without a tier'}" for name in (*LEVELS, None))
    return f"{len(owed)} members, {sum(points for points, _, _ in owed.values())} points; {told}"


def _differences(second: Second, owed: dict[int, Owed]) -> list[str]:
    seen = second.shop.standings(list(owed))
    found = []
    for customer, expected in owed.items():
        standing = seen[customer] or {}
        tier, ahead = standing.get("tier"), standing.get("next_tier")
        got = (standing.get("points"), tier and tier["id"], ahead and ahead["missing"])
        if got != expected:
            found.append(f"customer {customer} has {got}, owed {expected}")
    return found


def _owed(second: Second, sales: list[Sale]) -> Owed:
    first = min(sales, key=lambda sale: sale.sold_at)
    points = SIGNUP_BONUS + sum(_points(second, sale, second.has_refunds) for sale in sales)
    points += FIRST_ORDER if _kept(first, second.has_refunds) else 0
    current = [sale for sale in sales if _is_current(sale)]
    # Nothing was given back before all was sold: who was there once has been welcomed.
    reached = sum(_basis(sale, False) for sale in current)
    points += sum(bonus for cents, bonus in LEVELS.values() if reached >= cents)
    spent = sum(_basis(sale, second.has_refunds) for sale in current)
    held = [name for name, (cents, _) in LEVELS.items() if spent >= cents]
    ahead = [cents for cents, _ in LEVELS.values() if spent < cents]
    return points, held[-1] if held else None, loading.dollars(ahead[0] - spent) if ahead else None


def _is_current(sale: Sale) -> bool:
    """A sale counts through the same day of the next year."""
    day = sale.sold_at.astimezone(ZONE).date()
    same = day.replace(day=28) if (day.month, day.day) == (2, 29) else day
    return same.replace(year=day.year + 1) >= datetime.now(ZONE).date()


def _points(second: Second, sale: Sale, with_refunds: bool) -> int:
    kept, whole = _kept(sale, with_refunds), sum(line.net for line in _kept(sale, with_refunds))
    if not whole:
        return 0
    in_week = second.week[0] <= sale.sold_at < second.week[1]
    exact = sum(
        (line.net * (1 + (line.department == DEPARTMENT) + (WEEK - 1 if in_week else 0)) for line in kept),
        Fraction(0),
    )
    return floor(exact * _basis(sale, with_refunds) / whole / 100)


def _kept(sale: Sale, with_refunds: bool) -> list[Line]:
    gone = {place for refund in sale.refunds for place in refund.lines} if with_refunds else set()
    return [line for place, line in enumerate(sale.lines) if place not in gone]


def _basis(sale: Sale, with_refunds: bool) -> int:
    """Cents that count: lines that are kept, without money given back for nothing."""
    kept = sum(line.net for line in _kept(sale, with_refunds))
    money_back = sum(refund.money for refund in sale.refunds) if with_refunds else 0
    return max(0, kept - max(0, money_back - (sale.net - kept)))


def _second(run: Run) -> Second:
    if run.second is None:
        raise Unexpected("there is no second shop")
    return run.second
