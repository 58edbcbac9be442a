"""What a reward means to the merchant, in words, by the domain's own arithmetic."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from rewards import kinds
from rewards.kinds import codes
from rewards.money import exponent, major, minor
from rewards.rule_reports import Given
from rewards.rules import Saying
from rewards.rules.words import listed

Json = dict[str, Any]

ICONS = {
    "fixed": "cash-dollar",
    "percentage": "discount",
    "free_shipping": "delivery",
    "variable": "adjust",
    "free_product": "gift",
    "exclusive": "star",
    "donation": "heart",
    "draw": "confetti",
    "store_credit": "wallet",
    "gift_card": "gift-card",
}
"""Of the kinds of rewards."""


@dataclass(frozen=True, slots=True)
class Cost:
    """A reward's price, and what it costs the shop."""

    price: str
    meaning: str


def cost(reward: Json, document: Json, saying: Saying) -> Cost:
    """`100 points = 5.00 EUR`, `Shoppers spend 100.00 EUR for it: 5% back. They get 5.00 EUR off.`"""
    kind, points, currency = kinds.of(reward), reward["points"], saying.currency
    price, effort = counted(points, document["points"]), _effort(points, document, currency)
    worth = kind.of_a_point(reward, currency)
    gives = " ".join(said for said in _given(reward, saying) if said)
    if worth is None:
        return Cost(price, f"{effort}. {gives}")
    back = _back(worth, document, currency)
    return Cost(f"{price} = {money_of(worth * points, currency)}", f"{effort}{back}. {gives}")


def _given(reward: Json, saying: Saying) -> Iterator[str]:
    kind = kinds.of(reward)
    yield f"They get {kind.gives(reward, saying)}."
    yield kind.at_worst(reward, saying)
    if kind.made_by == "discount":
        yield from codes.conditions(reward, saying)


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


def gift(said: Json, document: Json, saying: Saying) -> str:
    """“For each 500.00 EUR spent within 365 days: 10.00 off”"""
    titles = {reward["id"]: reward["title"] for reward in document["rewards"]}
    days = said.get("within_days")
    occasion = {
        "milestone": lambda: (
            f"For each {saying.money(said['amount'])} spent{f' within {days} days' if days else ''}"
        ),
        "surprise_gift": lambda: (
            f"For the next {number_of(said['budget'], 'order')} of at least {saying.money(said['amount'])}"
        ),
        "win_back": lambda: (
            f"After {said['days']} days without an order, at most once in {said['again_days']} days"
        ),
        "tier_perk": lambda: (
            f"For {saying.tiers.get(said['tier'], said['tier'])} members, every {said['every']}"
        ),
    }[said["kind"]]()
    return f"{occasion}: {titles[said['reward']]}{saying.period(said['starts'], said['ends'])}"


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


def _effort(points: int, document: Json, currency: str) -> str:
    rate = document["earning"]["rate"]
    if not rate["points"]:
        return "Orders earn nothing, so shoppers have to get these points another way"
    spend = Fraction(points * minor(rate["per"], currency), rate["points"])
    return f"Shoppers spend {money_of(spend, currency)} for it"


def _back(worth: Fraction, document: Json, currency: str) -> str:
    """`worth`: minor units that a point is worth."""
    rate = document["earning"]["rate"]
    if not rate["points"]:
        return ""
    return f": {percent(worth * rate['points'] / minor(rate['per'], currency) * 100)} back"


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
