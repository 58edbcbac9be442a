"""What a reward means to the merchant, in words, by the domain's own arithmetic."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from rewards import offers
from rewards.money import exponent, major, minor
from rewards.rule_reports import Given
from rewards.rules import Saying
from rewards.rules.words import listed

Json = dict[str, Any]

KINDS = {
    "fixed": ("Amount off", "A fixed amount off one order."),
    "percentage": ("Percentage off", "A share of one order."),
    "free_shipping": ("Free shipping", "The shipping of one order."),
    "variable": ("Shopper's choice", "Shoppers choose how many points they turn into money off."),
}
ICONS = {
    "fixed": "cash-dollar",
    "percentage": "discount",
    "free_shipping": "delivery",
    "variable": "adjust",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """A reward's price, and what it costs the shop."""

    price: str
    meaning: str


def cost(reward: Json, document: Json, currency: str) -> Cost:
    """“100 points = 5.00 EUR” and “Shoppers spend 100.00 EUR for it: 5% back.”"""
    names, points = document["points"], reward["points"]
    price = counted(points, names)
    if reward["kind"] == "fixed":
        return Cost(
            f"{price} = {_money(reward['value'], currency)}",
            _back(points, reward["value"], document, currency),
        )
    if reward["kind"] == "variable":
        least = counted(offers.cheapest(reward, currency), names)
        span = f"From {least} for {_money(reward['min'], currency)} to {_money(reward['max'], currency)}."
        return Cost(
            f"{price} = {_money(reward['per'], currency)}",
            f"{_back(points, reward['per'], document, currency)} {span}",
        )
    what = f"{_short(reward['percent'])}% of" if reward["kind"] == "percentage" else "the shipping of"
    return Cost(price, f"{_effort(points, document, currency)} It costs you {what} one order.")


def rate(document: Json, currency: str) -> str:
    """“1 point for every 1.00 EUR”"""
    said = document["earning"]["rate"]
    if not said["points"]:
        return "Orders earn nothing by their amount"
    return f"{counted(said['points'], document['points'])} for every {_money(said['per'], currency)}"


def limits(document: Json, saying: Saying) -> Iterator[str]:
    """What earns nothing, and what no order or member earns more than."""
    earning = document["earning"]
    excluded, caps = earning["excluded"], earning["caps"]
    if goods := saying.goods(excluded):
        yield f"Nothing is earned{goods}."
    if earning["excluded_customer_tags"]:
        tags = listed([f"“{tag}”" for tag in earning["excluded_customer_tags"]], "or")
        yield f"Customers who are tagged {tags} earn nothing."
    if excluded["channels"]:
        yield f"Orders of the sales channel {listed(excluded['channels'], 'or')} earn nothing."
    if excluded["subscription_renewals"]:
        yield "Renewals of subscriptions earn nothing."
    days = f"{caps['member_days']} days"
    for name, what in (("order", "An order"), ("day", "A member's day"), ("member", f"A member in {days}")):
        if caps[name] is not None:
            yield f"{what} earns {counted(caps[name], document['points'])} at the most."


def challenge(said: Json, saying: Saying) -> str:
    """“3 orders within 60 days: 100 points”"""
    count, days = said["count"], said["within_days"]
    if said["kind"] == "months":
        task = f"An order in each of {count} months in a row"
    elif said["kind"] == "collections":
        names = [str(saying.things.get(("collection", id), id)) for id in said["collections"]]
        named = f" of {listed(names, 'and')}" if names else ""
        task = f"Orders from {count} different collections{named}"
    else:
        task = "1 order" if count == 1 else f"{count} orders"
    within = f" within {days} days" if days else ""
    badge = f" and the badge “{said['badge']}”" if said["badge"] else ""
    again = ", again and again" if said["repeat"] else ""
    gift = saying.points(said["points"]) if said["points"] or not badge else ""
    given = f"{gift}{badge}".removeprefix(" and ")
    return f"{task}{within}: {given}{again}{saying.period(said['starts'], said['ends'])}"


def given(found: Given | None, of_orders: bool, when: str, names: Json) -> str:
    """“Gave 1,234 points to 56 orders in the last 30 days”"""
    if found is None:
        return f"Gave nothing {when}"
    one, many = ("order", "orders") if of_orders else ("time", "times")
    times = f"{found.times:,} {one if found.times == 1 else many}"
    return f"Gave {counted(found.points, names)} {'to' if of_orders else 'in'} {times} {when}"


def counted(points: int, names: Json) -> str:
    """`1 point`, `1,234 points`"""
    return f"{points:,} {names['one'] if abs(points) == 1 else names['many']}"


def number_of(count: int, name: str) -> str:
    """`1 order`, `1,234 orders`"""
    return f"{count:,} {name if count == 1 else f'{name}s'}"


def _back(points: int, value: str, document: Json, currency: str) -> str:
    spend = _spend(points, document, currency)
    if spend is None:
        return "Orders earn nothing, so shoppers have to get these points another way."
    share = Fraction(minor(value, currency)) / spend * 100
    return f"Shoppers spend {money_of(spend, currency)} for it: {percent(share)} back."


def _effort(points: int, document: Json, currency: str) -> str:
    spend = _spend(points, document, currency)
    if spend is None:
        return "Orders earn nothing, so shoppers have to get these points another way."
    return f"Shoppers spend {money_of(spend, currency)} for it."


def _spend(points: int, document: Json, currency: str) -> Fraction | None:
    """Minor units that have to be spent to earn so many points."""
    rate = document["earning"]["rate"]
    if not rate["points"]:
        return None
    return Fraction(points * minor(rate["per"], currency), rate["points"])


def percent(share: Fraction) -> str:
    """`5%`, of a share in hundredths."""
    return f"{_short(f'{float(share):,.2f}')}%"


def _short(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def money_of(amount: Fraction, currency: str) -> str:
    """`1,234.50 EUR`, of minor units."""
    return _money(major(round(amount), currency), currency)


def _money(amount: str, currency: str) -> str:
    whole, _, rest = amount.partition(".")
    rest = rest.ljust(exponent(currency), "0")
    grouped = f"{int(whole):,}"
    return f"{grouped}.{rest} {currency}" if rest else f"{grouped} {currency}"
