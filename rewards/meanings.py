"""What a schema can't say of a program's document: amounts of its currency, ranges, unique ids, risks.

Paths are those of the document, such as `earning.rules.2.ends`; sentences of errors go on after the path's
name, those of risks stand alone. What nobody wants but anybody may have is a risk.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from itertools import combinations
from typing import Any, NamedTuple

from rewards import cashback, kinds, offers, referral_meanings, tier_meanings
from rewards.kinds import codes
from rewards.money import BadMoney, major, minor

Json = dict[str, Any]
Problem = tuple[str, str]
"""(path, sentence)."""

AMOUNTS_OF_REWARDS = ("minimum_subtotal",)
YEARS = range(1900, 3000)
BACK_MOST = Fraction(1, 5)
"""More than this of what shoppers spend is hardly meant to go back to them."""
OF_ORDERS = ("bonus", "first_order", "nth_order", "order_over", "order_again", "surprise")
"""Kinds that give an order a number of points."""
ONCE: dict[str, tuple[str, ...]] = {
    "first_order": (),
    "nth_order": ("n",),
    "order_over": ("amount",),
    "order_again": ("within_days",),
    "birthday": (),
    "newsletter": (),
    "sms": (),
}
"""Two rules of such a kind that agree in these settings give twice for the same."""


def errors(document: Json, currency: str) -> Iterator[Problem]:
    """What makes a complete document impossible."""
    yield from _unwritable(document, "")
    yield from _positive_money(document["earning"]["rate"]["per"], "earning.rate.per", currency)
    for index, rule in enumerate(document["earning"]["rules"]):
        if "amount" in rule:
            yield from _positive_money(rule["amount"], f"earning.rules.{index}.amount", currency)
    yield from _once(document["rewards"], "rewards")
    for index, offer in enumerate(document["rewards"]):
        path = f"rewards.{index}"
        yield from _reward(offer, path, currency)
        yield from _dates(offer, path)
        if not offer["archived"]:
            yield from _known_tiers(offer["tiers"], f"{path}.tiers", document)
    yield from _rules(document, currency)
    yield from _challenges(document)
    yield from _gifts(document, currency)
    for name in _paid(document):
        yield from _positive_money(document["cashback"][name], f"cashback.{name}", currency)
    yield from _once(document["tiers"]["levels"], "tiers.levels")
    yield from tier_meanings.errors(document, currency)
    yield from _reward(document["referrals"]["reward"], "referrals.reward", currency)
    yield from referral_meanings.errors(document, currency)


def write_alike(document: Json, currency: str) -> None:
    """`"5"` becomes `"5.00"`, so that versions compare by what they mean."""
    rate = document["earning"]["rate"]
    rate["per"] = major(minor(rate["per"], currency), currency)
    for rule in document["earning"]["rules"]:
        if "amount" in rule:
            rule["amount"] = major(minor(rule["amount"], currency), currency)
    for gift in document["gifts"]:
        if "amount" in gift:
            gift["amount"] = major(minor(gift["amount"], currency), currency)
    for offer in [*document["rewards"], document["referrals"]["reward"]]:
        for name in _amounts(offer):
            offer[name] = major(minor(offer[name], currency), currency)
    for name in _paid(document):
        document["cashback"][name] = major(minor(document["cashback"][name], currency), currency)
    tier_meanings.write_alike(document, currency)
    referral_meanings.write_alike(document, currency)


def _unwritable(value: Any, path: str) -> Iterator[Problem]:
    """JSON has characters that no database keeps: the one numbered 0, and halves of pairs."""
    if isinstance(value, str) and any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in value):
        yield path, "has a character that can't be kept."
    parts = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for name, inner in parts:
        yield from _unwritable(inner, f"{path}.{name}".lstrip("."))


def _once(things: Iterable[Json], path: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, thing in enumerate(things):
        if thing["id"] in seen:
            yield f"{path}.{index}.id", f"“{thing['id']}” is used twice."
        seen.add(thing["id"])


def _reward(offer: Json, path: str, currency: str) -> Iterator[Problem]:
    for name in _amounts(offer):
        yield from _positive_money(offer[name], f"{path}.{name}", currency)
    for name, why in (*kinds.of(offer).errors(offer, currency), *_of_code(offer)):
        yield f"{path}.{name}", why


def _of_code(offer: Json) -> Iterator[Problem]:
    return codes.errors(offer) if kinds.of(offer).made_by == "discount" else iter(())


def _amounts(offer: Json) -> list[str]:
    """Settings of a reward that say an amount."""
    names = (*AMOUNTS_OF_REWARDS, *kinds.of(offer).amounts)
    return [name for name in names if offer.get(name) is not None]


def _paid(document: Json) -> list[str]:
    """Settings of cashback that say an amount."""
    said = document["cashback"] or {}
    return [name for name in ("value", "least") if said.get(name) is not None]


def _rules(document: Json, currency: str) -> Iterator[Problem]:
    rules = document["earning"]["rules"]
    yield from _once(rules, "earning.rules")
    for index, rule in enumerate(rules):
        path = f"earning.rules.{index}"
        yield from _dates(rule, path)
        if not rule["archived"]:
            yield from _known_tiers(rule["audience"]["tiers"], f"{path}.audience.tiers", document)
        if (since := rule["audience"]["member_since"]) and _moment(since) is None:
            yield f"{path}.audience.member_since", f"“{since}” is no date."
        if "amount" in rule:
            yield from _positive_money(rule["amount"], f"{path}.amount", currency)
        if "factor" in rule and Fraction(rule["factor"]) == 0:
            yield f"{path}.factor", "must be above 0."


def _challenges(document: Json) -> Iterator[Problem]:
    challenges, taken = document["challenges"], {rule["id"] for rule in document["earning"]["rules"]}
    yield from _once(challenges, "challenges")
    for index, challenge in enumerate(challenges):
        path = f"challenges.{index}"
        if challenge["id"] in taken:
            yield f"{path}.id", f"“{challenge['id']}” is used by a rule."
        yield from _dates(challenge, path)
        if challenge["kind"] == "collections" and challenge["count"] > len(challenge["collections"]):
            yield f"{path}.count", "must not be more than there are collections to buy from."


def _gifts(document: Json, currency: str) -> Iterator[Problem]:
    gifts, others = document["gifts"], [*document["earning"]["rules"], *document["challenges"]]
    taken = {other["id"] for other in others}
    rewards = {reward["id"]: reward for reward in document["rewards"]}
    yield from _once(gifts, "gifts")
    for index, gift in enumerate(gifts):
        path = f"gifts.{index}"
        if gift["id"] in taken:
            yield f"{path}.id", f"“{gift['id']}” is used by a rule or a challenge."
        yield from _dates(gift, path)
        if "amount" in gift:
            yield from _positive_money(gift["amount"], f"{path}.amount", currency)
        reward = rewards.get(gift["reward"])
        if reward is None:
            yield f"{path}.reward", f"“{gift['reward']}” is none of the rewards."
        elif not kinds.of(reward).can_be_given:
            yield (
                f"{path}.reward",
                f"“{reward['title']}” can't be given, as the shopper has to choose an amount.",
            )
        elif reward["kind"] == "exclusive" and reward["in_total"] and not gift["archived"]:
            yield (
                f"{path}.reward",
                f"“{reward['title']}” can't be given by a rule, which may give more of it than there are.",
            )
        if "tier" in gift and not gift["archived"]:
            yield from _known_tier(gift["tier"], f"{path}.tier", document)


def _known_tiers(slugs: Iterable[str], path: str, document: Json) -> Iterator[Problem]:
    for index, slug in enumerate(slugs):
        yield from _known_tier(slug, f"{path}.{index}", document)


def _known_tier(slug: str, path: str, document: Json) -> Iterator[Problem]:
    if slug not in {level["id"] for level in document["tiers"]["levels"]}:
        yield path, f"“{slug}” is none of the tiers."


def _dates(thing: Json, path: str) -> Iterator[Problem]:
    """Of what starts and ends. An hour that a clock change skips is all right: the change itself is meant."""
    for name in ("starts", "ends"):
        if thing[name] and _moment(thing[name]) is None:
            yield f"{path}.{name}", f"“{thing[name]}” is no date."
    span = _span(thing)
    if span.start is not None and span.end is not None and span.end <= span.start:
        yield f"{path}.ends", "must be after the start."


class _Span(NamedTuple):
    """From when and until when something holds, in the shop's local time; None: always."""

    start: datetime | None
    end: datetime | None

    def meets(self, other: "_Span") -> bool:
        return not (_ended(self, other.start) or _ended(other, self.start))


def _span(thing: Json) -> _Span:
    """A day alone begins with its first minute, and ends with its last."""
    start, end = (_moment(thing[name]) if thing[name] else None for name in ("starts", "ends"))
    if end is not None and "T" not in thing["ends"]:
        end += timedelta(days=1)
    return _Span(start, end)


def _ended(span: _Span, moment: datetime | None) -> bool:
    return span.end is not None and moment is not None and span.end <= moment


def _moment(said: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        return None
    return found if found.year in YEARS else None


def _positive_money(amount: str, path: str, currency: str) -> Iterator[Problem]:
    try:
        if minor(amount, currency) <= 0:
            yield path, "must be above 0."
    except BadMoney as error:
        yield path, str(error)


# -- risks -----------------------------------------------------------------------------------------------


def risks(document: Json, currency: str, today: date) -> Iterator[Problem]:
    """What is hardly meant, in a complete document without errors. `today`: the shop's own date."""
    now = datetime.combine(today, time())
    yield from _too_generous(document, currency, now)
    yield from _caps(document)
    yield from _cashback(document)
    for path, thing, kind in _dated(document):
        name = f"{kind} “{_called(thing)}”"
        if _ended(_span(thing), now):
            yield path, f"{name} is over: it gives nothing any more."
        elif kind == "Rule" and (why := _pointless(thing, document)):
            yield path, f"{name} {why}"
    yield from _doubled(document, currency, now)
    yield from referral_meanings.risks(document, currency)
    yield from _generous_gifts(document, currency)


def _generous_gifts(document: Json, currency: str) -> Iterator[Problem]:
    """What goes back of the money that a gift is given for, where the reward says what it is worth."""
    rewards = {reward["id"]: reward for reward in document["rewards"]}
    for path, gift, kind in _dated(document):
        if kind != "Gift" or "amount" not in gift:
            continue
        value = kinds.of(rewards[gift["reward"]]).value(rewards[gift["reward"]], currency)
        back = Fraction(value or 0, minor(gift["amount"], currency))
        if back > BACK_MOST:
            yield (
                f"{path}.amount",
                f"Gift “{gift['title']}” gives back {_number(back * 100)}% of {gift['amount']} {currency}.",
            )


def _dated(document: Json) -> Iterator[tuple[str, Json, str]]:
    """(path, rule, challenge or reward, what to call it), of those that aren't archived."""
    for kind, path, things in (
        ("Rule", "earning.rules", document["earning"]["rules"]),
        ("Challenge", "challenges", document["challenges"]),
        ("Gift", "gifts", document["gifts"]),
        ("Reward", "rewards", document["rewards"]),
    ):
        for index, thing in enumerate(things):
            if not thing["archived"]:
                yield f"{path}.{index}", thing, kind


def _in_force(document: Json, now: datetime) -> list[tuple[str, Json]]:
    """The rules that hold now or later, with their paths."""
    return [
        (path, thing)
        for path, thing, kind in _dated(document)
        if kind == "Rule" and not _ended(_span(thing), now)
    ]


def _called(thing: Json) -> str:
    name: str = thing["title"] or thing["id"]
    return name


def _too_generous(document: Json, currency: str, now: datetime) -> Iterator[Problem]:
    """What comes back of money spent: points for it, times the multipliers, worth the best reward."""
    best = _best_reward(document, currency)
    if best is None:
        return
    worth, reward = best
    rate, times = document["earning"]["rate"], _most_times(document, now)
    share = rate["points"] * times * worth / minor(rate["per"], currency)
    if share > BACK_MOST:
        multiplied = f", {_number(times)} times as many at best," if times > 1 else ""
        yield (
            "earning.rate",
            f"Shoppers get back up to {_number(share * 100)}% of what they spend: {rate['points']} for each "
            f"{rate['per']} {currency}{multiplied} and “{reward['title']}” for {reward['points']}.",
        )
    for path, rule in _in_force(document, now):
        back = rule["points"] * worth / minor(rule["amount"], currency) if "amount" in rule else Fraction(0)
        if back > BACK_MOST:
            yield (
                f"{path}.points",
                f"Rule “{_called(rule)}” gives back {_number(back * 100)}% of an order of "
                f"{rule['amount']} {currency}, besides what the order earns by itself.",
            )


def _best_reward(document: Json, currency: str) -> tuple[Fraction, Json] | None:
    """Minor units that a point is worth by the most generous reward that says so, and that reward."""
    on_offer = [reward for reward in document["rewards"] if not reward["archived"]]
    on_offer += cashback.as_reward(document, currency)
    worths = [(offers.worth(1, [reward], currency), reward) for reward in on_offer]
    known = [(worth, reward) for worth, reward in worths if worth is not None]
    return max(known, key=lambda one: one[0], default=None)


def _most_times(document: Json, now: datetime) -> Fraction:
    """The most that multipliers make of a line, at any moment and in any tier."""
    rules = [rule for _, rule in _in_force(document, now) if rule["kind"] == "multiplier"]
    moments = {now, *(start for rule in rules if (start := _span(rule).start) and start > now)}
    return max(
        _times(rules, level, moment) for level in (None, *document["tiers"]["levels"]) for moment in moments
    )


def _times(rules: Iterable[Json], level: Json | None, moment: datetime) -> Fraction:
    """As earning counts: what is stackable adds up, of the others the best one counts."""
    tier = level and level["id"]
    at_once = [
        rule
        for rule in rules
        if _span(rule).meets(_Span(moment, moment + timedelta(minutes=1)))
        and (not rule["audience"]["tiers"] or tier in rule["audience"]["tiers"])
    ]
    if level and level["multiplier"]:
        at_once.append(level["multiplier"])
    more = [(max(Fraction(0), Fraction(one["factor"]) - 1), one["stackable"]) for one in at_once]
    added = sum((part for part, stackable in more if stackable), Fraction(0))
    return 1 + added + max((part for part, stackable in more if not stackable), default=Fraction(0))


def _caps(document: Json) -> Iterator[Problem]:
    caps = document["earning"]["caps"]
    order, day, member = caps["order"], caps["day"], caps["member"]
    if order and day and order > day:
        yield "earning.caps.order", "An order may earn more than a whole day: the limit of the day counts."
    if day and member and day > member:
        days = caps["member_days"]
        yield (
            "earning.caps.day",
            f"A day may earn more than {days} days: the limit of the {days} days counts.",
        )


def _cashback(document: Json) -> Iterator[Problem]:
    if document["cashback"] is None:
        return
    if any(not reward["archived"] for reward in document["rewards"]):
        yield (
            "cashback",
            "Points become store credit by themselves, so hardly any are left for the rewards on offer.",
        )
    if not document["earning"]["hold_days"]:
        yield (
            "cashback",
            "Points are paid out as soon as an order earns them: a refund after that is owed. "
            "With days on hold most refunds come before.",
        )


def _pointless(rule: Json, document: Json) -> str:
    """Why a rule does nothing, or not what one expects."""
    audience, kind = rule["audience"], rule["kind"]
    pause = audience["not_ordered_days"]
    if audience["never_ordered"] and kind in ("nth_order", "order_again"):
        return "can never match: who has never ordered has no such order."
    if pause and (audience["never_ordered"] or kind == "first_order"):
        return "can never match: only who has ordered before has not ordered for some days."
    if kind == "order_again" and pause and pause > rule["within_days"]:
        return (
            f"can never match: nobody orders within {rule['within_days']} days and after a pause of {pause}."
        )
    if _is_excluded(rule, document["earning"]["excluded"]):
        return "can never match: all that it is for is excluded from earning."
    if kind == "multiplier":
        if not document["earning"]["rate"]["points"]:
            return "multiplies nothing: orders earn no points by their amount."
        if Fraction(rule["factor"]) == 1:
            return "changes nothing: once as many points is as many as before."
        if Fraction(rule["factor"]) < 1:
            return f"takes points away: only {rule['factor']} times as many are left."
    cap = document["earning"]["caps"]["order"]
    if cap and rule.get("points", 0) > cap and kind in OF_ORDERS:
        return f"promises {rule['points']} points, but no order may earn more than {cap}."
    return ""


def _is_excluded(rule: Json, excluded: Json) -> bool:
    """Whether each thing that the rule names is excluded by name."""
    named = [(name, thing) for name, things in rule.get("on", {}).items() for thing in things]
    return bool(named) and all(thing in excluded[name] for name, thing in named)


def _doubled(document: Json, currency: str, now: datetime) -> Iterator[Problem]:
    """Rules of one kind that both hold for the same order or person."""
    for (_, one), (path, other) in combinations(_in_force(document, now), 2):
        if one["kind"] != other["kind"] or not _meet(one, other):
            continue
        names = f"Rules “{_called(one)}” and “{_called(other)}”"
        settings = ONCE.get(one["kind"])
        if settings is not None and all(one[name] == other[name] for name in settings):
            yield path, f"{names} give points for the same: shoppers get both."
        if (
            one["kind"] == "multiplier"
            and not (one["stackable"] or other["stackable"])
            and _share(one, other)
        ):
            yield path, f"{names} hold for the same products and don't add up: only the better one counts."


def _meet(one: Json, other: Json) -> bool:
    """Whether there are moments and tiers in which both hold."""
    tiers, others = set(one["audience"]["tiers"]), set(other["audience"]["tiers"])
    return _span(one).meets(_span(other)) and (not tiers or not others or bool(tiers & others))


def _share(one: Json, other: Json) -> bool:
    """Whether both are about the same things, as far as their names tell."""
    ours, theirs = (
        {(name, thing) for name, things in rule["on"].items() for thing in things} for rule in (one, other)
    )
    return not ours or not theirs or bool(ours & theirs)


def _number(exact: Fraction) -> str:
    return f"{float(exact):,.1f}".removesuffix(".0")
