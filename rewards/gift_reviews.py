"""Gifts that follow from orders: given when an order brings them, taken back when a refund unmakes that.

What was used by then stays used, and whoever reaches the same again gets nothing for it. A gift that ended
unused was had. All of it is decided under the member's lock, from what is stored, so it may be decided again.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from rewards import budgets, dates, gift_rules, gifts, redemption_care, redemptions
from rewards.gift_rules import MILESTONE, SURPRISE, GiftRule
from rewards.gifts import Gift
from rewards.ledger import Book
from rewards.models import Program, Redemption
from rewards.order_rows import OpenOrder

State = Redemption.State
EndingWith = Redemption.EndingWith
UNUSED = (State.RESERVED, State.ISSUED)
UNMADE = "The order that brought it was undone, or is worth less by now."
Given = dict[tuple[int, str], list[Redemption]]
"""By member and rule, in the order of giving."""


class Spent(NamedTuple):
    """An order that counts."""

    day: date
    spend: int
    paid_at: datetime
    source_id: int


class Milestone(NamedTuple):
    """A milestone as one member sees it; amounts in minor units."""

    rule: GiftRule
    # 0: it is reached, and the next order brings the reward.
    missing: int
    # The last day on which no more than that is missing.
    until: date | None

    @property
    def spent(self) -> int:
        return max(0, self.rule.amount - self.missing)


def review(book: Book, program: Program, orders: Sequence[OpenOrder], others: Iterable[int] = ()) -> None:
    """Give and take what follows from these orders, as they are now; `others`: members whose orders moved.

    Orders are saved by now. A program without such rules pays nothing.
    """
    rules = gift_rules.of_program(program, MILESTONE, SURPRISE)
    ours = [order for order in orders if order.member_id in book.accounts and order.counts_on is not None]
    members = {order.member_id for order in ours if order.member_id is not None} | set(others)
    if not rules or not members:
        return
    given = _given(program.pk, sorted(members), [rule.id for rule in rules])
    spent = _spent(program.pk, sorted(members), [rule for rule in rules if rule.kind == MILESTONE])
    new: list[Gift] = []
    for rule in rules:
        if rule.kind == MILESTONE:
            for member_id in sorted(members):
                about = spent[member_id, rule.id], given[member_id, rule.id]
                new += _milestones(rule, member_id, *about, book.now)
        else:
            new += [gift for order in ours if (gift := _surprise(program.pk, rule, order, given, book.now))]
    gifts.give_all(program, new, book.now)


def standings(program: Program, member_id: int | None, now: datetime) -> list[Milestone]:
    """The milestones that are on, each with how far a member is; somebody unknown has spent nothing."""
    rules = [rule for rule in gift_rules.of_program(program, MILESTONE) if rule.period.covers(now)]
    members = [member_id] if rules and member_id else []
    given = _given(program.pk, members, [rule.id for rule in rules])
    spent = _spent(program.pk, members, rules)
    zone = ZoneInfo(program.timezone)
    return [
        _standing(rule, spent[member_id or 0, rule.id], given[member_id or 0, rule.id], now, zone)
        for rule in rules
    ]


def _standing(
    rule: GiftRule, spent: Iterable[Spent], given: Iterable[Redemption], now: datetime, zone: ZoneInfo
) -> Milestone:
    today = dates.local_date(now, zone)
    found = gift_rules.progress(rule.amount, rule.within_days, _by_day(spent), today)
    # What was used stays though its orders were undone: that comes first. What couldn't be made is owed.
    ahead = sum(_stands(one) for one in given) - found.reached
    missing = max(0, (ahead + 1) * rule.amount - found.spent)
    last_days = [day for day in (found.until, rule.period.last_day(zone)) if day]
    return Milestone(rule, missing, min(last_days, default=None))


def _milestones(
    rule: GiftRule, member_id: int, spent: Sequence[Spent], given: list[Redemption], now: datetime
) -> list[Gift]:
    deserved = gift_rules.milestones(rule.amount, rule.within_days, _by_day(spent))
    standing = [one for one in given if _stands(one)]
    missing = deserved - len(standing)
    if missing < 0:
        _take_back(reversed(standing), -missing, now)
    first = len(given) + 1
    source_id = spent[-1].source_id if spent else 0
    return [rule.gift(member_id, turn, source_id) for turn in range(first, first + missing)]


def _by_day(spent: Iterable[Spent]) -> Iterator[tuple[date, int]]:
    return ((order.day, order.spend) for order in spent)


def _surprise(program_id: int, rule: GiftRule, order: OpenOrder, given: Given, now: datetime) -> Gift | None:
    assert order.member_id is not None  # who asks has looked
    assert order.paid_at is not None  # or it wouldn't count
    gift = rule.gift(order.member_id, order.id, order.source_id)
    known = _with_successors(given[order.member_id, rule.id], gift.key)
    if known:
        if order.spend < rule.amount:
            _take_back([one for one in known if _stands(one)], 1, now)
        return None
    fits = order.spend >= rule.amount and rule.period.covers(order.paid_at)
    # Who has it keeps the place, also where the gift is taken back.
    return gift if fits and budgets.take(program_id, rule.id, rule.budget) else None


def _with_successors(given: Iterable[Redemption], key: str) -> list[Redemption]:
    """The gift with a key, and those that came in its place when staff had another code made."""
    found: list[Redemption] = []
    keys = {key}
    for one in given:
        if one.key in keys:
            found.append(one)
            keys.add(redemptions.successor_key(one.pk))
    return found


def _stands(given: Redemption) -> bool:
    """Whether it counts as had.

    Not where it couldn't be made, was taken back before it was used, or has another one in its place.
    """
    is_taken = given.ending_with == EndingWith.TAKEN and given.state != State.USED
    is_replaced = given.ending_with == EndingWith.NEW_CODE and given.state == State.CANCELLED
    return given.state != State.FAILED and not is_taken and not is_replaced


def _take_back(standing: Iterable[Redemption], count: int, now: datetime) -> None:
    unused = [one for one in standing if one.state in UNUSED or redemption_care.is_being_replaced(one)]
    for one in unused[:count]:
        redemption_care.take_back(one, UNMADE, now)


def _given(program_id: int, members: list[int], rules: list[str]) -> Given:
    found: Given = defaultdict(list)
    rows = Redemption.objects.filter(
        program_id=program_id, member_id__in=members, points=0, rule__in=rules
    ).order_by("pk")
    for row in rows:
        found[row.member_id, row.rule].append(row)
    return found


def _spent(
    program_id: int, members: list[int], rules: Sequence[GiftRule]
) -> dict[tuple[int, str], list[Spent]]:
    """What counts, by member and rule, oldest first."""
    found: dict[tuple[int, str], list[Spent]] = defaultdict(list)
    if not (members and rules):
        return found
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT member_id, counts_on, spend, paid_at, source_id FROM rewards_order
            WHERE program_id = %s AND member_id = ANY(%s) AND counts_on IS NOT NULL AND spend > 0
            ORDER BY counts_on, id
            """,
            [program_id, members],
        )
        for member_id, *order in cursor.fetchall():
            spent = Spent(*order)
            for rule in rules:
                if rule.period.covers(spent.paid_at):
                    found[member_id, rule.id].append(spent)
    return found
