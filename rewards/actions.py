"""Points that no order gave: each occasion of a rule pays once, under the lock of its member.

A contribution waits until the merchant approves of it. What is given, and to whom, is decided by the rules
that were in force when it happened.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Count, Max, Q

from rewards import clock, dates, first_awards, programs, tiers
from rewards import rules as ways
from rewards.ledger import Book, again_if_overtaken
from rewards.models import Action, Member, Order, Program

Json = dict[str, Any]
State = Action.State

ONCE = "once"
"""The occasion of what can happen but once."""
DIGITS = 32


class NotGiven(Exception):
    """Nothing is given for this; the message says why."""


class NoSuchAction(NotGiven):
    """No rule in force has this id."""


class NotNow(NotGiven):
    """The rule has not begun, or is over."""


class NotForYou(NotGiven):
    """The rule is for others."""


class LimitReached(NotGiven):
    """The member had as much of it as one can have."""


class AlreadyDecided(Exception):
    """Nothing waits here any more: somebody else was quicker."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A rule, and the version of the program that says it."""

    rule: ways.Action
    version: int


def occasion_of(key: str) -> str:
    """A key that somebody else chose: of any length, and what it says of a person isn't kept with points."""
    return hashlib.sha256(key.encode()).hexdigest()[:DIGITS]


def in_force(program: Program, at: datetime) -> list[InForce]:
    """The rules for what is no order, as they could be read at a moment.

    A new program holds for past orders too. But nobody did for its sake what they had done before.
    """
    version = programs.known_at(program.pk, at)
    if version is None:
        return []
    return [InForce(rule, version) for rule in programs.rules(program, version).actions]


def named(program: Program, name: str, at: datetime) -> ways.Action:
    """The rule with this id; or the only one of this kind. Raises NoSuchAction."""
    rules = [found.rule for found in in_force(program, at)]
    meant = [rule for rule in rules if rule.id == name] or [rule for rule in rules if rule.kind == name]
    if len(meant) != 1:
        raise NoSuchAction(f"There is no way to earn called “{name}”.")
    return meant[0]


@again_if_overtaken
@transaction.atomic
def earn(
    program: Program,
    member_id: int,
    rule_id: str,
    occasion: str,
    *,
    data: Json | None = None,
    picture: bool = False,
    at: datetime | None = None,
    now: datetime | None = None,
) -> tuple[Action, bool]:
    """Give what the rule gives for this occasion, or let it wait. The same occasion gets its first answer.

    Returns it, and whether it is new. `at`: when it happened, if that is a while ago. Raises NotGiven.
    """
    now = now or clock.now()
    at = min(at or now, now)
    member_id = survivor(program.pk, member_id)
    book = Book.open(program.pk, [member_id], now=now, spenders=())
    mine = Action.objects.filter(program_id=program.pk, member_id=member_id)
    if known := mine.filter(rule=rule_id, occasion=occasion).order_by("occasion").first():
        return known, False
    found = _rule(program, rule_id, at)
    _judge(program, member_id, found, at)
    action = Action(
        program_id=program.pk,
        member_id=member_id,
        rule=rule_id,
        occasion=occasion,
        version=found.version,
        points=found.rule.worth(picture=picture),
        state=State.WAITING if found.rule.waits else State.GIVEN,
        data=data or {},
        happened_at=at,
    )
    action.save(force_insert=True)
    if action.state == State.GIVEN:
        _give(program, book, found.rule, action)
    return action, True


def earn_by_kind(program: Program, member_id: int, kind: str, *, at: datetime) -> None:
    """What happens but once, told by the shop system: every rule of its kind gives, as far as it allows."""
    for found in in_force(program, at):
        if found.rule.kind == kind:
            with suppress(NotGiven):
                earn(program, member_id, found.rule.id, ONCE, at=at)


def told(
    program: Program, member_id: int, name: str, key: str, *, picture: bool = False
) -> tuple[Action, bool]:
    """What another app, or an operator, tells of: the same key is the same occasion. Raises NotGiven."""
    rule = named(program, name, clock.now())
    if not rule.told:
        raise NoSuchAction(f"“{name}” is nothing that another app can tell of.")
    return earn(program, member_id, rule.id, occasion_of(key), data={"key": key}, picture=picture)


@again_if_overtaken
@transaction.atomic
def approve(program: Program, action_id: int, author: str, *, now: datetime | None = None) -> Action:
    """Give the points of what waited. Raises AlreadyDecided."""
    now = now or clock.now()
    action, book = _decided(program, action_id, now)
    action.state, action.author, action.decided_at = State.GIVEN, author[:120], now
    action.save(update_fields=["state", "author", "decided_at"])
    _give(program, book, rule_of(program, action), action)
    return action


@again_if_overtaken
@transaction.atomic
def refuse(
    program: Program, action_id: int, author: str, reason: str, *, now: datetime | None = None
) -> Action:
    """Nothing is given for what waited; the shopper reads why. Raises AlreadyDecided."""
    now = now or clock.now()
    action, _ = _decided(program, action_id, now)
    action.state, action.author, action.decided_at = State.REFUSED, author[:120], now
    action.reason = reason
    action.save(update_fields=["state", "author", "reason", "decided_at"])
    return action


@dataclass(frozen=True, slots=True)
class Way:
    """A rule that is for a member now, and how far they are with it."""

    rule: ways.Action
    # Given and waiting; how many of them wait; how many more there can be, None: as many as one likes.
    had: int
    waiting: int
    left: int | None
    # The newest of them, where one was refused: the reason is the shopper's to read.
    refused: str | None


def open_to(program: Program, member_id: int | None, at: datetime) -> list[Way]:
    """The rules that are on, for this member; for somebody unknown those that are for all."""
    rules = [found for found in in_force(program, at) if found.rule.period.covers(at)]
    if member_id is None:
        return [_way(found.rule, {}) for found in rules if found.rule.audience == ways.Audience()]
    who = circumstances(program, member_id, at)
    if who is None:
        return []
    done = _done(program, member_id, at)
    tags = list(who.customer_tags)
    meant = [f.rule for f in rules if f.rule.holds(who) and not _excludes(program, f.version, tags)]
    return [_way(rule, done.get(rule.id, {})) for rule in meant]


def _way(rule: ways.Action, done: Json) -> Way:
    had = done.get("in_year" if rule.yearly else "in_all", 0)
    left = None if rule.most is None else max(0, rule.most - had)
    return Way(rule, had, done.get("waiting", 0), left, done.get("refused"))


def _done(program: Program, member_id: int, at: datetime) -> dict[str, Json]:
    """What a member did, counted by rule."""
    mine = Action.objects.filter(program_id=program.pk, member_id=member_id)
    begin, end = dates.year_of(at, ZoneInfo(program.timezone))
    counted = ~Q(state=State.REFUSED)
    rows = mine.values("rule").annotate(
        in_all=Count("id", filter=counted),
        in_year=Count("id", filter=counted & Q(happened_at__gte=begin, happened_at__lt=end)),
        waiting=Count("id", filter=Q(state=State.WAITING)),
        newest=Max("id"),
    )
    done: dict[str, Json] = {row["rule"]: {**row} for row in rows}
    newest = mine.filter(pk__in=[row["newest"] for row in done.values()], state=State.REFUSED)
    for rule, reason in newest.values_list("rule", "reason"):
        done[rule]["refused"] = reason
    return done


def waiting(program_id: int) -> Any:
    """What the merchant has yet to look at, oldest first."""
    return Action.objects.filter(program_id=program_id, state=State.WAITING).order_by("id")


def are_judged(program: Program) -> bool:
    """Whether there is something to approve of now, or may be soon."""
    rules = programs.rules(program, program.version).actions
    return any(rule.waits for rule in rules) or waiting(program.pk).exists()


def carry_over(program_id: int, gone_id: int, kept_id: int) -> None:
    """What one did, the other did, where they didn't do the same. Needs the locks of both."""
    kept = Action.objects.filter(program_id=program_id, member_id=kept_id)
    known = set(kept.values_list("rule", "occasion"))
    moved = [
        action.pk
        for action in Action.objects.filter(program_id=program_id, member_id=gone_id)
        if (action.rule, action.occasion) not in known
    ]
    Action.objects.filter(program_id=program_id, pk__in=moved).update(member_id=kept_id)


def forget(program_id: int, member_id: int, now: datetime) -> None:
    """Erase what a member said. What waited is over: there is nothing left to approve of."""
    said = Action.objects.filter(program_id=program_id, member_id=member_id)
    said.filter(state=State.WAITING).update(state=State.REFUSED, decided_at=now)
    said.update(data={}, reason="")


def survivor(program_id: int, member_id: int) -> int:
    """Who a member became, if they were merged."""
    rows = Member.objects.filter(program_id=program_id, pk=member_id)
    return rows.values_list("merged_into_id", flat=True).get() or member_id


def _rule(program: Program, rule_id: str, at: datetime) -> InForce:
    for found in in_force(program, at):
        if found.rule.id == rule_id:
            return found
    raise NoSuchAction(f"There is no way to earn called “{rule_id}”.")


def rule_of(program: Program, action: Action) -> ways.Action:
    """The rule that held when it happened."""
    rules = programs.rules(program, action.version).actions
    return next(rule for rule in rules if rule.id == action.rule)


def _judge(program: Program, member_id: int, found: InForce, at: datetime) -> None:
    """Whether the member can have it, this once more. Raises NotGiven."""
    rule = found.rule
    if not rule.period.covers(at):
        raise NotNow("This is not on at the moment.")
    who = circumstances(program, member_id, at)
    if who is None or not rule.holds(who) or _excludes(program, found.version, list(who.customer_tags)):
        raise NotForYou("This is not for you.")
    if rule.most is not None and used(program, member_id, rule, at) >= rule.most:
        often = "once" if rule.most == 1 else f"{rule.most} times"
        raise LimitReached(f"This can be had {often}{' a year' if rule.yearly else ''}.")


def _excludes(program: Program, version: int, tags: list[str]) -> bool:
    return programs.rules(program, version).excludes(tags)


def used(program: Program, member_id: int, rule: ways.Action, at: datetime) -> int:
    """How often a member had it, or may yet have it; in the local year, where that is what counts."""
    mine = Action.objects.filter(program_id=program.pk, member_id=member_id, rule=rule.id)
    counted = mine.exclude(state=State.REFUSED)
    if not rule.yearly:
        return counted.count()
    zone = ZoneInfo(program.timezone)
    begin, end = dates.year_of(at, zone)
    return counted.filter(happened_at__gte=begin, happened_at__lt=end).count()


def circumstances(program: Program, member_id: int, at: datetime) -> ways.Circumstances | None:
    """Who does something that is no order: their place is that of their next one. None: they were erased."""
    member = Member.objects.get(program_id=program.pk, pk=member_id)
    if member.redacted_at:
        return None
    orders = Order.objects.filter(program_id=program.pk, member_id=member_id, context__isnull=False)
    past = [
        (paid_at, context)
        for paid_at, context in orders.order_by("-paid_at").values_list("paid_at", "context")
        if paid_at and context and paid_at <= at
    ]
    # Their tags, as far as anybody told of them.
    tags: list[str] = member.tags if member.tags is not None else past[0][1]["tags"] if past else []
    (tier,) = tiers.held_at(program.pk, [(member_id, at)])
    return ways.Circumstances(
        moment=at,
        zone=ZoneInfo(program.timezone),
        tier=tier or "",
        customer_tags=frozenset(tag.casefold() for tag in tags),
        joined_at=member.joined_at,
        ordinal=first_awards.next_place([context.get("ordinal", 1) for _, context in past]),
        previous_at=past[0][0] if past else None,
    )


def _decided(program: Program, action_id: int, now: datetime) -> tuple[Action, Book]:
    """What waits, with its member locked. Raises AlreadyDecided."""
    rows = Action.objects.filter(program_id=program.pk, pk=action_id)
    member_id = rows.values_list("member_id", flat=True).first()
    if member_id is None:
        raise AlreadyDecided("This isn't there any more.")
    book = Book.open(program.pk, [survivor(program.pk, member_id)], now=now, spenders=())
    action = rows.select_for_update().get()
    if action.state != State.WAITING:
        raise AlreadyDecided("This was decided already.")
    return action, book


def _give(program: Program, book: Book, rule: ways.Action, action: Action) -> None:
    """Post it. The key names who did it, whoever they became since."""
    (account_id,) = book.accounts
    explanation = {
        "rule": "action",
        "kind": rule.kind,
        "id": rule.id,
        "title": rule.title,
        "version": action.version,
        "points": action.points,
    }
    key = f"member:{action.member_id}:{rule.id}:{action.occasion}"
    posting = book.posting(account_id, key, "action", explanation, action.happened_at)
    posting.award(action.points, "action", available_at=book.now)
    tiers.review(book, program, book.accounts, book.now)
    book.write()
