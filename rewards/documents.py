"""A program's document: checked against `docs/program.schema.json`, completed, and its errors in words.

What a schema can't say - amounts of a currency, ranges, an order of thresholds - stands in `meanings`.
"""

import difflib
import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from rewards import meanings

Json = dict[str, Any]

SCALARS = {"string", "integer", "number", "boolean", "null"}
SCHEMA_FILE = Path(__file__).resolve().parent.parent / "docs" / "program.schema.json"


class BadProgram(ValueError):
    """The document can't be a program. `errors` maps a path such as `earning.rate.per` to a sentence."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{path or 'program'}: {why}" for path, why in errors.items()))
        self.errors = errors


def checked(document: Json, currency: str) -> Json:
    """The document with every default filled in. Raises BadProgram with all that is wrong."""
    errors: dict[str, str] = {}
    for found in _validator().iter_errors(document):
        for error in _causes(found):
            path, why = _in_words(error)
            errors.setdefault(path, why)
    if errors:
        raise BadProgram(errors)
    complete = completed(document)
    if errors := dict(meanings.errors(complete, currency)):
        raise BadProgram(errors)
    meanings.write_alike(complete, currency)
    return complete


def completed(document: Json) -> Json:
    """The document with the defaults of what it doesn't say: an older one knows no newer settings."""
    complete = deepcopy(document)
    fill_in(complete)
    return complete


def fill_in(document: Json) -> None:
    """The same with the document itself, which the caller alone has."""
    _defaults().fill(document)


@cache
def schema() -> Json:
    """The JSON Schema of documents. Don't change it."""
    found: Json = json.loads(SCHEMA_FILE.read_text())
    return found


def properties(part: Json, value: Any) -> Iterator[tuple[str, Json]]:
    """(name, schema) of what an object may have, that of its kind included."""
    for known in parts(part, value):
        yield from known.get("properties", {}).items()


def resolved(part: Json) -> Json:
    """A part of the schema, with what it refers to; what stands beside the reference goes first."""
    if "$ref" not in part:
        return part
    name = part["$ref"].rpartition("/")[2]
    return {**resolved(schema()["$defs"][name]), **{key: said for key, said in part.items() if key != "$ref"}}


def usual(part: Json) -> Any:
    """What a setting says that isn't given, complete with the defaults inside it."""
    value = deepcopy(resolved(part).get("default"))
    _Defaults(part).fill(value)
    return value


def parts(part: Json, value: Any) -> Iterator[Json]:
    """A schema, and those parts of it that hold for values of this kind."""
    part = resolved(part)
    yield part
    for choice in part.get("anyOf", ()):
        if choice.get("type") == "object" and isinstance(value, dict):
            yield choice
    for branch in part.get("allOf", ()):
        said = branch["if"]["properties"]
        if isinstance(value, dict) and all(_fits(value.get(name), wanted) for name, wanted in said.items()):
            yield from parts(branch["then"], value)


def _fits(value: Any, wanted: Json) -> bool:
    return bool(value == wanted["const"] if "const" in wanted else value in wanted["enum"])


class _Defaults:
    """What values of a part of the schema say where they say nothing; read out of the schema once.

    The document of each program is completed whenever it is read, and mostly nothing is missing.
    """

    def __init__(self, part: Json) -> None:
        self.part = resolved(part)
        # The settings that decide which others there are, and by what they say, the settings.
        self.deciding = sorted(set(_deciding(self.part)))
        self.by_kind: dict[tuple[str, ...], _Settings] = {}

    @cached_property
    def of_items(self) -> "_Defaults":
        return _Defaults(self.part.get("items", {}))

    def settings(self, value: Json) -> "_Settings":
        """What an object of this kind may say."""
        kind = tuple([str(value.get(name)) for name in self.deciding])
        if kind not in self.by_kind:
            self.by_kind[kind] = _Settings.of(dict(properties(self.part, value)))
        return self.by_kind[kind]

    def fill(self, value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                self.of_items.fill(item)
        elif isinstance(value, dict):
            settings = self.settings(value)
            if not settings.defaults.keys() <= value.keys():
                missing = [name for name in settings.defaults if name not in value]
                value.update({name: deepcopy(settings.defaults[name]) for name in missing})
            for name, inside in settings.containers:
                inside.fill(value.get(name))


class _Settings(NamedTuple):
    """Of one kind of object: the defaults of those that have one, and those that may have others inside."""

    defaults: Json
    containers: list[tuple[str, _Defaults]]

    @classmethod
    def of(cls, properties: Json) -> "_Settings":
        parts = {name: resolved(part) for name, part in properties.items()}
        return cls(
            {name: part["default"] for name, part in parts.items() if "default" in part},
            [(name, _Defaults(part)) for name, part in parts.items() if not _is_plain(part)],
        )


def _deciding(part: Json) -> Iterator[str]:
    for branch in resolved(part).get("allOf", ()):
        yield from branch["if"]["properties"]
        yield from _deciding(branch["then"])


def _is_plain(part: Json) -> bool:
    """Whether there are no settings inside of its values."""
    part = resolved(part)
    if "enum" in part or "const" in part:
        return True
    said = part.get("type", ())
    types = {said} if isinstance(said, str) else set(said)
    if "array" in types and _is_plain(part.get("items", {})):
        types.remove("array")
    return types <= SCALARS and bool(said)


@cache
def _defaults() -> _Defaults:
    return _Defaults(schema())


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(schema())


def _causes(error: ValidationError) -> Iterator[ValidationError]:
    """What is wrong inside: of "this or nothing", what keeps it from being this."""
    if error.validator == "anyOf":
        for inner in error.context or ():
            if (inner.validator, inner.validator_value) != ("type", "null"):
                yield from _causes(inner)
    elif not _is_echo(error):
        yield error


def _is_echo(error: ValidationError) -> bool:
    """Where a setting of a kind is wrong, the schema also takes all settings of that kind for unknown."""
    if error.validator != "unevaluatedProperties":
        return False
    given = cast(Json, error.instance)
    known = {name for name, _ in properties(cast(Json, error.schema), given)}
    return known.issuperset(given)


def _in_words(error: ValidationError) -> tuple[str, str]:
    """(path, sentence) of what a schema found."""
    path = ".".join(str(part) for part in error.absolute_path)
    limit = error.validator_value
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        given = cast(Json, error.instance)
        known = [name for name, _ in properties(cast(Json, error.schema), given)]
        unknown = next((name for name in given if name not in known), "")
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
    "uniqueItems": "names something twice.",
    "enum": "“{given}” is none of {limit}.",
    "type": "“{given}” isn't of the type {limit}.",
}


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _suggestion(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f" Did you mean “{close[0]}”?" if close else ""
