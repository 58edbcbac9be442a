"""The executable schema: how a value becomes an answer, and who may see it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLError,
    GraphQLNamedType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    get_directive_values,
    get_named_type,
    value_from_ast_untyped,
)

from sandbox.api.context import REQUIRED_SCOPES, Context, access_denied, snake

HERE = Path(__file__).parent.parent


def load_schema() -> GraphQLSchema:
    schema = build_schema((HERE / "schema.graphql").read_text())
    for name, scalar in schema.type_map.items():
        if isinstance(scalar, GraphQLScalarType) and name in _SCALARS:
            parse, serialize = _SCALARS[name]
            scalar.coerce_output_value = serialize  # type: ignore[method-assign]
            scalar.coerce_input_value = parse  # type: ignore[method-assign]
            scalar.coerce_input_literal = _literal(parse)  # type: ignore[method-assign,assignment]
    return schema


def _literal(parse: Any) -> Any:
    return lambda node: parse(value_from_ast_untyped(node))


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise GraphQLError("a decimal must be a string or a number")
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise GraphQLError(f"{value!r} is not a decimal") from error
    if not number.is_finite():
        raise GraphQLError(f"{value!r} is not a decimal")
    return number


def _time(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise GraphQLError(f"{value!r} is not a date and time") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _time_text(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _day(value: Any) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError) as error:
        raise GraphQLError(f"{value!r} is not a date") from error


def _unsigned(value: Any) -> int:
    if not str(value).isdecimal():
        raise GraphQLError(f"{value!r} is not an unsigned number")
    return int(value)


_SCALARS: dict[str, tuple[Any, Any]] = {
    "Decimal": (_decimal, str),
    "Money": (_decimal, str),
    "Date": (_day, str),
    "DateTime": (_time, _time_text),
    "UnsignedInt64": (_unsigned, str),
    "JSON": (lambda value: value, lambda value: json.loads(json.dumps(value))),
}


# Every view has a `kind` (its type) and a `context` (who calls), so these two fields go by other names.
RENAMED = {"kind": "kind_name", "context": "discount_context"}


def resolve_field(source: Any, info: GraphQLResolveInfo, **args: Any) -> Any:
    check_scopes(info.context, info.parent_type, info.field_name, info.return_type)
    if info.parent_type.name == "Mutation":
        directive = info.schema.get_directive("idempotent")
        given = (
            get_directive_values(directive, info.field_nodes[0], info.variable_values) if directive else None
        )
        info.context.services["idempotency_key"] = given["key"] if given else None
    return value_of(source, info.field_name, {snake(key): value for key, value in args.items()})


def value_of(source: Any, name: str, args: dict[str, Any]) -> Any:
    """What a view says of a field; the arguments by their names in Python."""
    if isinstance(source, dict):
        return source.get(name)
    value = getattr(source, RENAMED.get(name) or snake(name))
    return value(**args) if callable(value) else value


def check_scopes(context: Context, parent: GraphQLNamedType, name: str, wanted: Any) -> None:
    """By the field, and by the type behind it; a connection stands for what it holds."""
    if context.sees_everything:
        return
    reached = get_named_type(wanted).name.removesuffix("Connection")
    for needed in (REQUIRED_SCOPES.get(f"{parent.name}.{name}"), REQUIRED_SCOPES.get(reached)):
        if needed and not context.allows(needed):
            raise access_denied(name, needed)


def resolve_type(value: Any, info: GraphQLResolveInfo, abstract: GraphQLAbstractType) -> str:
    return str(value["__typename"] if isinstance(value, dict) else value.kind)
