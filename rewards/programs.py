"""The program as data: a JSON document in versions, checked against `docs/program.schema.json`.

Orders keep the version of their first award, so a change never reaches back.
"""

import difflib
import json
import secrets
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

from django.db import connection, transaction
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from rewards import clock, offers
from rewards.earning import Rules
from rewards.models import (
    Identity,
    Lot,
    Member,
    Movement,
    Notice,
    Order,
    Program,
    ProgramVersion,
    Redemption,
    Tombstone,
)
from rewards.money import BadMoney, exponent, major, minor

Json = dict[str, Any]

SCHEMA_FILE = Path(__file__).resolve().parent.parent / "docs" / "program.schema.json"
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""The first version holds for everything before it, so that past orders have rules."""

FIELDS: dict[str, frozenset[str]] = {
    "fixed": frozenset({"value"}),
    "percentage": frozenset({"percent"}),
    "free_shipping": frozenset(),
    "variable": frozenset({"per", "min", "max", "step"}),
}
"""What a reward has besides what all have, by its kind."""
FIELDS_OF_KINDS = frozenset().union(*FIELDS.values())
MONEY_OF_REWARDS = ("value", "per", "min", "max", "step", "minimum_subtotal")


class BadProgram(ValueError):
    """The document can't be a program. `errors` maps a path such as `earning.rate.per` to a sentence."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{path or 'program'}: {why}" for path, why in errors.items()))
        self.errors = errors


def starter(name: str, currency: str) -> Json:
    """What a new program says: 1 point per unit of money, a sign-up bonus, four rewards."""
    # A yen is a hundredth of what most units are worth; three-decimal currencies are close enough.
    unit = 1 if exponent(currency) else 100
    return {
        "name": f"{name} Rewards"[:120],
        "points": {"one": "point", "many": "points"},
        "earning": {"rate": {"points": 1, "per": str(unit)}, "signup_bonus": 50},
        "rewards": [
            {
                "id": "five-off",
                "kind": "fixed",
                "title": f"{major(minor(5 * unit, currency), currency)} off",
                "points": 100,
                "value": str(5 * unit),
            },
            {"id": "ten-percent", "kind": "percentage", "title": "10% off", "points": 200, "percent": "10"},
            {"id": "free-shipping", "kind": "free_shipping", "title": "Free shipping", "points": 150},
            {
                "id": "choose",
                "kind": "variable",
                "title": "Choose your discount",
                "points": 20,
                "per": str(unit),
                "min": str(unit),
                "max": str(50 * unit),
                "step": str(unit),
            },
        ],
    }


def start(name: str, currency: str, timezone: str) -> Program:
    """A new program with the starter document. `name` is the shop's own."""
    with transaction.atomic():
        program = Program.objects.create(
            name=name[:120], currency=currency, timezone=timezone, salt=secrets.token_bytes(16)
        )
        document = checked(starter(name, currency), currency)
        ProgramVersion.objects.create(
            program=program, number=1, document=document, effective_from=BEGINNING, author="start"
        )
    return program


def document(program: Program) -> Json:
    """The document in force, complete with defaults."""
    return document_of(program.pk, program.version)


@lru_cache(maxsize=2000)
def document_of(program_id: int, number: int) -> Json:
    """A version never changes, so it may be remembered. Don't change what you get."""
    row = ProgramVersion.objects.get(program_id=program_id, number=number)
    found: Json = row.document
    return found


@lru_cache(maxsize=2000)
def rules(program_id: int, number: int, currency: str) -> Rules:
    """The earning rules of a version, compiled once."""
    return Rules.of(document_of(program_id, number), number, currency)


def on_offer(document: Json) -> list[Json]:
    """The rewards a shopper can have."""
    return [reward for reward in document["rewards"] if not reward["archived"]]


@lru_cache(maxsize=2000)
def offered(program_id: int, number: int, currency: str) -> list[tuple[Json, int]]:
    """What a version has on offer, as all may see it, each with its least price. Don't change it."""
    rewards = on_offer(document_of(program_id, number))
    return [(offers.public(reward), offers.cheapest(reward, currency)) for reward in rewards]


def versions(program_id: int) -> list[tuple[datetime, int]]:
    """(effective from, number), newest first."""
    rows = ProgramVersion.objects.filter(program_id=program_id).order_by("-effective_from", "-number")
    return list(rows.values_list("effective_from", "number"))


def in_force(dated: list[tuple[datetime, int]], moment: datetime) -> int:
    """The number of the version that held at a moment, out of `versions`."""
    return next(number for start, number in dated if start <= moment)


def apply(program: Program, document: Json, author: str) -> ProgramVersion:
    """Check a document and make it the version in force from now on. Raises BadProgram."""
    complete = checked(document, program.currency)
    with transaction.atomic():
        locked = Program.objects.select_for_update().get(pk=program.pk)
        version = ProgramVersion.objects.create(
            program=locked,
            number=locked.version + 1,
            document=complete,
            # Payments are dated in whole seconds: the second of the change belongs to the new version.
            effective_from=clock.now().replace(microsecond=0),
            author=author[:120],
        )
        if lifetime(complete) != lifetime(document_of(locked.pk, locked.version)):
            locked.expiry_since = version.effective_from
        locked.version = version.number
        locked.name = complete["name"]
        locked.save(update_fields=["version", "name", "expiry_since"])
    program.version, program.name, program.expiry_since = locked.version, locked.name, locked.expiry_since
    return version


def lifetime(document: Json) -> Json:
    """What decides when points lapse; notices don't."""
    said = document.get("expiry", {"policy": "never"})
    return {name: value for name, value in said.items() if name != "notice_days"}


def erase(program_id: int) -> None:
    """Delete a program with all its people, orders and movements. For a merchant who has left."""
    with transaction.atomic(), connection.cursor() as cursor:
        # The only way past the wall that keeps movements; see the migration `walls`.
        cursor.execute("SET LOCAL rewards.erasing = %s", [str(program_id)])
        for model in (Movement, Notice, Redemption, Lot, Order, Identity, Tombstone, Member, ProgramVersion):
            model.objects.filter(program_id=program_id)._raw_delete("default")
        Program.objects.filter(pk=program_id).delete()
    document_of.cache_clear()
    rules.cache_clear()
    offered.cache_clear()


def checked(document: Json, currency: str) -> Json:
    """The document with every default filled in. Raises BadProgram with all that is wrong."""
    errors: dict[str, str] = {}
    for error in _validator().iter_errors(document):
        path, why = _in_words(error)
        errors.setdefault(path, why)
    if errors:
        raise BadProgram(errors)
    complete = deepcopy(document)
    _fill(complete, _schema())
    for reward in complete["rewards"]:
        _fill(reward, _schema()["$defs"]["reward"])
    if errors := dict(_meanings(complete, currency)):
        raise BadProgram(errors)
    _write_money_alike(complete, currency)
    return complete


def reward(document: Json, reward_id: str) -> Json | None:
    """The reward with this id, archived ones included."""
    return next((found for found in document["rewards"] if found["id"] == reward_id), None)


@cache
def _schema() -> Json:
    schema: Json = json.loads(SCHEMA_FILE.read_text())
    return schema


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(_schema())


def _in_words(error: ValidationError) -> tuple[str, str]:
    """(path, sentence) of what a schema found."""
    path = ".".join(str(part) for part in error.absolute_path)
    limit = error.validator_value
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        known, given = list(_properties(error.schema)), cast(Json, error.instance)
        unknown = next(name for name in given if name not in known)
        return _below(path, unknown), "is unknown." + _suggestion(unknown, known)
    if error.validator == "required":
        given, needed = cast(Json, error.instance), cast(list[str], limit)
        return _below(path, next(name for name in needed if name not in given)), "is missing."
    phrase = _PHRASES.get(str(error.validator), "isn't what belongs here.")
    return path, phrase.format(given=error.instance, limit=limit)


_PHRASES = {
    "pattern": "“{given}” doesn't have the expected form.",
    "minLength": "must not be empty.",
    "maxLength": "is longer than {limit} characters.",
    "minimum": "must be at least {limit}.",
    "maximum": "must be at most {limit}.",
    "maxItems": "has more than {limit} entries.",
    "enum": "“{given}” is none of {limit}.",
    "type": "“{given}” isn't of the type {limit}.",
}


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _properties(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})


def _suggestion(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f" Did you mean “{close[0]}”?" if close else ""


def _fill(value: Json, schema: Json) -> None:
    for name, part in schema.get("properties", {}).items():
        if "default" in part and name not in value:
            value[name] = deepcopy(part["default"])
        if isinstance(value.get(name), dict):
            _fill(value[name], part)


def _write_money_alike(document: Json, currency: str) -> None:
    """`"5"` becomes `"5.00"`, so that versions compare by what they mean."""
    rate = document["earning"]["rate"]
    rate["per"] = major(minor(rate["per"], currency), currency)
    for offer in document["rewards"]:
        for name in MONEY_OF_REWARDS:
            if offer.get(name) is not None:
                offer[name] = major(minor(offer[name], currency), currency)


def _meanings(document: Json, currency: str) -> Iterator[tuple[str, str]]:
    """What a schema can't say: amounts of this currency, ranges, unique ids."""
    rate = document["earning"]["rate"]
    yield from _positive_money(rate["per"], "earning.rate.per", currency)
    seen: set[str] = set()
    for index, offer in enumerate(document["rewards"]):
        path = f"rewards.{index}"
        if offer["id"] in seen:
            yield f"{path}.id", f"“{offer['id']}” is used twice."
        seen.add(offer["id"])
        for name in MONEY_OF_REWARDS:
            if offer.get(name) is not None:
                yield from _positive_money(offer[name], f"{path}.{name}", currency)
        yield from _reward_meanings(offer, path, currency)


def _reward_meanings(offer: Json, path: str, currency: str) -> Iterator[tuple[str, str]]:
    for name in FIELDS_OF_KINDS - FIELDS[offer["kind"]]:
        if name in offer:
            yield f"{path}.{name}", "doesn't belong to a reward of this kind."
    if offer["kind"] == "percentage" and not 0 < float(offer["percent"]) <= 100:
        yield f"{path}.percent", "must be above 0 and at most 100."
    if offer["kind"] == "variable":
        try:
            low, high, step = (minor(offer[name], currency) for name in ("min", "max", "step"))
        except BadMoney:
            return
        if high < low:
            yield f"{path}.max", "must not be less than the minimum."
        elif step > 0 and (high - low) % step:
            yield f"{path}.step", "must lead from the minimum to the maximum in whole steps."


def _positive_money(amount: str, path: str, currency: str) -> Iterator[tuple[str, str]]:
    try:
        if minor(amount, currency) <= 0:
            yield path, "must be above 0."
    except BadMoney as error:
        yield path, str(error)
