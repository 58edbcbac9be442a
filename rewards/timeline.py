"""What happened to a member, in words: each event explains itself from what was stored with it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from rewards import programs
from rewards.models import Bucket, Movement, Program, Redemption
from rewards.rules.nth_order import ordinal

Json = dict[str, Any]
# What a shopper counts as theirs. Reserved points are on their way out.
COUNTED = {str(bucket) for bucket in (Bucket.PENDING, Bucket.AVAILABLE, Bucket.DEBT)}
PAGE = 20
LEGS_READ_MAX = 1000
GIFTS_READ_MAX = 200


@dataclass(frozen=True, slots=True)
class Event:
    """The legs of one posting, read together. `points` is what the member has more, or less, by it.

    What happens to a gift moves no points and has no legs.
    """

    id: int
    key: str
    kind: str
    at: datetime
    recorded_at: datetime
    points: int
    text: str
    legs: tuple[Movement, ...]


def events(
    program: Program, member_id: int, *, before: int | None = None, limit: int = PAGE, all: bool = False
) -> tuple[list[Event], int | None]:
    """The newest events first, and where the next page begins. `all`: also those that change nothing."""
    own = Movement.objects.filter(program=program, member_id=member_id, lot__program=program)
    rows = own.select_related("lot").order_by("-id")
    if before is not None:
        rows = rows.filter(id__lt=before)
    found: list[Event] = []
    older: int | None = None
    names, zone = programs.document(program)["points"], ZoneInfo(program.timezone)
    for legs in _postings(rows[:LEGS_READ_MAX]):
        if len(found) == limit:
            older = found[-1].legs[-1].pk
            break
        event = _event(legs, names, zone)
        if all or event.points or event.kind == "release":
            found.append(event)
    since = found[-1].recorded_at if older else None
    until = own.filter(id=before).values_list("recorded_at", flat=True).first() if before else None
    found += _of_gifts(program.pk, member_id, since, until, all=all)
    return sorted(found, key=lambda event: event.recorded_at, reverse=True), older


def _of_gifts(
    program_id: int, member_id: int, since: datetime | None, until: datetime | None, *, all: bool
) -> Iterator[Event]:
    """What happened to rewards that cost nothing, for which there are no movements, in a part of time."""
    rows = Redemption.objects.filter(program_id=program_id, member_id=member_id, points=0).order_by("-id")
    for row in rows[:GIFTS_READ_MAX]:
        for number, said in enumerate(row.history):
            at = datetime.fromisoformat(said["at"])
            is_here = (since is None or at >= since) and (until is None or at < until)
            if is_here and said["what"] in _GIFTS and (all or said["what"] != "issue"):
                key = f"redemption:{row.pk}:{number}"
                yield Event(row.pk, key, "gift", at, at, 0, gift_sentence(row, said), ())


def gift_sentence(redemption: Redemption, said: Json) -> str:
    """What happened to a reward that cost nothing, in words for the shopper."""
    sentence = _GIFTS[said["what"]].format(reward=redemption.reward["title"])
    return f"{sentence} {said['why']}" if said.get("why") else sentence


def _postings(rows: Iterable[Movement]) -> Iterable[list[Movement]]:
    """Legs of one key, put together; they were written in one go."""
    legs: list[Movement] = []
    for row in rows:
        if legs and _stem(legs[-1]) != _stem(row):
            yield legs
            legs = []
        legs.append(row)
    if legs:
        yield legs


def _stem(movement: Movement) -> str:
    return movement.key.rpartition(":")[0]


def _event(legs: list[Movement], names: Json, zone: ZoneInfo) -> Event:
    first = legs[-1]
    points = sum(leg.points * ((leg.target in COUNTED) - (leg.source in COUNTED)) for leg in legs)
    return Event(
        id=first.pk,
        key=_stem(first),
        kind=first.kind,
        at=first.happened_at,
        recorded_at=first.recorded_at,
        points=points,
        text=" ".join([sentence(first.explanation, points, names), *_besides(legs, names, zone)]),
        legs=tuple(legs),
    )


def _besides(legs: list[Movement], names: Json, zone: ZoneInfo) -> Iterable[str]:
    """What the same posting did beside what it is about: holds, debts."""
    if legs[0].kind == "merge":
        return

    def moved(source: Bucket, target: Bucket) -> int:
        return sum(leg.points for leg in legs if (leg.source, leg.target) == (source, target))

    if moved(Bucket.ISSUED, Bucket.PENDING):
        day = max(leg.lot.available_at for leg in legs).astimezone(zone)
        yield f"On hold until {day.day} {day:%b %Y}."
    if released := moved(Bucket.PENDING, Bucket.AVAILABLE):
        yield f"{counted(released, names)} can be used now."
    if paid := moved(Bucket.AVAILABLE, Bucket.DEBT):
        yield f"{paid} of them paid what was owed."
    if owed := moved(Bucket.DEBT, Bucket.ISSUED) + moved(Bucket.DEBT, Bucket.SPENT):
        yield f"{counted(owed, names)} had been spent already and {_are(owed)} owed."
    if forgiven := moved(Bucket.ADJUSTED, Bucket.ISSUED):
        yield f"{counted(forgiven, names)} had been spent already and {_are(forgiven)} forgiven."


def _are(points: int) -> str:
    return "is" if points == 1 else "are"


def sentence(explanation: Json, points: int, names: Json) -> str:
    """One sentence that answers “why?”. `names` are the program's words for one point and many."""
    writer = _SENTENCES.get(explanation.get("rule", ""))
    return writer(explanation, points, names) if writer else counted(points, names)


def counted(points: int, names: Json) -> str:
    """`1 point`, `37 points`."""
    return f"{points} {names['one'] if abs(points) == 1 else names['many']}"


def _order(explanation: Json, points: int, names: Json) -> str:
    number = explanation["order"]
    if reason := explanation.get("nothing"):
        return f"Order {number} earns nothing: {_NOTHING[reason]}."
    if explanation["before"] and not explanation["points"]:
        why = _taken_back(explanation) or "nothing of it is left"
        return f"Order {number} earns nothing any more: {why}."
    formula = _formula(explanation, names)
    if why := _taken_back(explanation):
        formula += f", as {why}"
    if explanation["before"] and points:
        change = "more" if points > 0 else "less"
        return (
            f"Order {number} now earns {counted(explanation['points'], names)}, "
            f"{abs(points)} {change} than before: {formula}."
        )
    return f"Order {number} earned {counted(explanation['points'], names)}: {formula}."


def _formula(explanation: Json, names: Json) -> str:
    """`29.90 x 1.25 = 37.375, rounded down, 100 points more for First order`."""
    rate, rounded = explanation["rate"], explanation.get("rounded", explanation["points"])
    per = "" if rate["per"] in ("1", "1.00", "1.000") else f" / {rate['per']}"
    points = "" if rate["points"] == 1 and explanation.get("multipliers") else f" x {rate['points']}"
    formula = f"{_multiplied(explanation)}{points}{per} = {explanation['exact']}"
    if cap := explanation.get("cap"):
        rounded = cap["earned"] - sum(flat["points"] for flat in explanation.get("flat", ()))
    if explanation["exact"] != str(rounded):
        formula += f", rounded {_ROUNDED[explanation['rounding']]}"
    for flat in explanation.get("flat", ()):
        formula += f", {counted(flat['points'], names)} more for {flat['title']}"
    return formula + (f", {_CAPS[cap['of']].format(room=cap['room'])}" if cap else "")


def _multiplied(explanation: Json) -> str:
    """The basis with its multipliers: those for all of it as factors, the others as what they add."""
    basis, multipliers = explanation["basis"], explanation.get("multipliers", [])
    whole = [found for found in multipliers if found["of"] == basis]
    parts = [found for found in multipliers if found["of"] != basis]
    factor = sum((Decimal(found["factor"]) - 1 for found in whole), Decimal(1))
    said = basis
    if whole:
        said += f" x {factor.normalize():f} ({' and '.join(found['title'] for found in whole)})"
    for found in parts:
        more = (Decimal(found["factor"]) - 1).normalize()
        said += f" + {found['of']}{'' if more == 1 else f' x {more:f}'} ({found['title']})"
    return f"({said})" if parts and explanation["rate"]["points"] != 1 else said


def _taken_back(explanation: Json) -> str:
    """Money that went back without goods."""
    refunded, lost = explanation.get("refunded_amount"), explanation.get("charged_back")
    given = f"{refunded} was given back" if refunded else ""
    taken = f"{lost} was lost in a chargeback" if lost else ""
    return " and ".join(filter(None, (given, taken)))


def _signup(explanation: Json, points: int, names: Json) -> str:
    return f"Welcome: {counted(explanation['points'], names)} for joining."


def _tier(explanation: Json, points: int, names: Json) -> str:
    return f"Welcome to {explanation['tier']}: {counted(explanation['points'], names)}."


def _action(explanation: Json, points: int, names: Json) -> str:
    given = counted(explanation["points"], names)
    if explanation["kind"] == "birthday":
        return f"Happy birthday: {given}."
    return f"{explanation['title']}: {given}."


def _challenge(explanation: Json, points: int, names: Json) -> str:
    again = f" for the {ordinal(explanation['turn'])} time" if explanation["turn"] > 1 else ""
    return f"“{explanation['title']}” achieved{again}: {counted(explanation['points'], names)}."


def _referral(explanation: Json, points: int, names: Json) -> str:
    given = counted(explanation["points"], names)
    if explanation["change"] == "paid":
        return f"A friend you invited ordered: {given}."
    return f"The order of a friend you invited was undone: {given} taken back."


def _adjustment(explanation: Json, points: int, names: Json) -> str:
    return explanation["reason"] or "Changed by the shop."


def _redemption(explanation: Json, points: int, names: Json) -> str:
    back = ", so the points are back" if points > 0 else ""
    reason = f": {explanation['reason']}" if explanation.get("reason") else "."
    said = _REDEMPTION[explanation["change"]]
    return said.format(reward=explanation["reward"], back=back, reason=reason)


def _release(explanation: Json, points: int, names: Json) -> str:
    return "The hold is over."


def _lapse(explanation: Json, points: int, names: Json) -> str:
    lapsed = counted(explanation["points"], names)
    if explanation.get("idle_since"):
        return f"{lapsed} lapsed after a long time without earning or redeeming."
    return f"{lapsed} reached the end of their time."


def _merge(explanation: Json, points: int, names: Json) -> str:
    return "Two customer accounts became one."


_SENTENCES = {
    "order": _order,
    "signup": _signup,
    "tier": _tier,
    "action": _action,
    "challenge": _challenge,
    "referral": _referral,
    "adjustment": _adjustment,
    "redemption": _redemption,
    "release": _release,
    "lapse": _lapse,
    "merge": _merge,
}
_NOTHING = {
    "test": "it is a test order",
    "cancelled": "it was cancelled",
    "customer_tag": "this customer is excluded by a tag",
    "channel": "orders of its sales channel are excluded",
}
_CAPS = {
    "order": "cut to the {room} that an order can earn",
    "day": "cut to the {room} that were left for that day",
    "member": "cut to the {room} that were left under the limit for a member",
}
_ROUNDED = {"down": "down", "up": "up", "nearest": "to the nearest"}
_REDEMPTION = {
    "reserve": "Redeemed: {reward}.",
    "issue": "The code for “{reward}” is ready.",
    "promise": "The shop has “{reward}” ready to be handed over.",
    "deliver": "You have “{reward}”.",
    "give_back": "“{reward}” can't be had, so the points are back{reason}",
    "fail": "“{reward}” could not be made, so the points are back.",
    "expired": "“{reward}” ended unused{back}.",
    "cancelled": "“{reward}” was undone, so the points are back.",
    "replace": "“{reward}” has a new code.",
    "use": "“{reward}” was used in an order.",
    "return": "The order that used “{reward}” was undone, so the points are back.",
}
_GIFTS = {
    "given": "A gift: {reward}.",
    "issue": "The code for “{reward}” is ready.",
    "give_back": "“{reward}” can't be had.",
    "fail": "“{reward}” could not be made.",
    "expired": "“{reward}” ended unused.",
    "cancelled": "“{reward}” was taken back.",
    "replace": "“{reward}” has a new code.",
    "use": "“{reward}” was used in an order.",
    "return": "The order that used “{reward}” was undone.",
}
