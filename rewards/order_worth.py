"""What an order is worth by the rules of its first award: how many points, from when, until when on hold."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rewards import dates, earning, programs
from rewards.contexts import Context
from rewards.earning import Rules
from rewards.facts import OrderFact
from rewards.models import Order, Program
from rewards.order_rows import OpenOrder


def rules_of(program: Program, order: Order | OpenOrder, fact: OrderFact) -> Rules:
    """Those of its first award."""
    assert order.context is not None  # who asks has looked
    return programs.rules(program, order.context["version"], fact.currency)


def goal(program: Program, order: Order | OpenOrder, fact: OrderFact) -> earning.Target:
    """What an order deserves, by the rules of its first award. Raises TooManyPoints."""
    rules = rules_of(program, order, fact)
    assert order.context is not None  # who asks has looked
    lost = sum(dispute["amount"] for dispute in order.disputes.values() if dispute["lost"])
    return earning.target(fact, rules, Context.of(order.context), charged_back=lost)


def happened_at(program: Program, order: OpenOrder, fact: OrderFact, goal: earning.Target) -> datetime:
    """A first award is dated back to the payment; what changes it later is dated by the news."""
    if order.settlements == 0 and (order.counts_on is None or goal.points):
        return moment_of(order, rules_of(program, order, fact))
    return _changed_at(order, fact)


def moment_of(order: OpenOrder, rules: Rules) -> datetime:
    """When the points of an order were earned."""
    assert order.paid_at is not None  # the context is only given when the gates are open
    if rules.award_on == "fulfilled" and order.fulfilled_at is not None:
        return max(order.paid_at, order.fulfilled_at)  # what is paid on delivery earns at the payment
    return order.paid_at


def available_at(moment: datetime, rules: Rules, program: Program, now: datetime) -> datetime:
    """When points of this moment can be spent: at once, or at the start of the local day the hold ends."""
    if not rules.hold_days:
        return min(moment, now)  # the shop's clock may be ahead of ours
    zone = ZoneInfo(program.timezone)
    return dates.start_of_day(dates.local_date(moment, zone) + timedelta(days=rules.hold_days), zone)


def _changed_at(order: OpenOrder, fact: OrderFact) -> datetime:
    return max([fact.updated_at, *(datetime.fromisoformat(one["at"]) for one in order.disputes.values())])
