"""The sandbox can't be more generous than Shopify: its schema is a part of the real one."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLUnionType,
    build_client_schema,
    is_required_argument,
    is_required_input_field,
)

from sandbox.api.context import REQUIRED_SCOPES
from sandbox.graphql import SCHEMA
from sandbox.tools import cut_schema

REAL_FILE = Path(__file__).parents[2] / "node_modules/@shopify/dev-mcp/dist/data/admin_2026-10.json.gz"


@pytest.fixture(scope="module")
def introspection() -> dict[str, Any]:
    return json.loads(gzip.decompress(REAL_FILE.read_bytes()))


@pytest.fixture(scope="module")
def real(introspection: dict[str, Any]) -> Any:
    return build_client_schema(introspection["data"], assume_valid=True)


def own_types() -> dict[str, Any]:
    built_in = {"Int", "Float", "String", "Boolean", "ID"}
    return {n: t for n, t in SCHEMA.type_map.items() if not n.startswith("__") and n not in built_in}


def test_every_type_exists_and_is_of_the_same_kind(real: Any) -> None:
    strangers = [n for n, t in own_types().items() if type(real.type_map.get(n)) is not type(t)]
    assert strangers == []


def test_every_field_and_argument_has_the_real_type(real: Any) -> None:
    wrong = []
    for name, own in own_types().items():
        for field_name, field in getattr(own, "fields", {}).items():
            original = real.type_map[name].fields.get(field_name)
            if original is None or str(original.type) != str(field.type):
                wrong.append(f"{name}.{field_name}")
                continue
            for argument_name, argument in getattr(field, "args", {}).items():
                real_argument = original.args.get(argument_name)
                if real_argument is None or str(real_argument.type) != str(argument.type):
                    wrong.append(f"{name}.{field_name}({argument_name})")
    assert wrong == []


def test_no_required_argument_or_input_field_is_missing(real: Any) -> None:
    missing = []
    for name, own in own_types().items():
        theirs = real.type_map[name]
        if isinstance(own, GraphQLInputObjectType):
            needed = {n for n, f in theirs.fields.items() if is_required_input_field(f)}
            missing += [f"{name}.{n}" for n in needed - set(own.fields)]
            continue
        for field_name, field in getattr(own, "fields", {}).items():
            arguments = theirs.fields[field_name].args
            needed = {n for n, argument in arguments.items() if is_required_argument(argument)}
            missing += [f"{name}.{field_name}({n})" for n in needed - set(field.args)]
    assert missing == []


def test_every_enum_value_and_union_member_exists(real: Any) -> None:
    strangers = []
    for name, own in own_types().items():
        theirs = real.type_map[name]
        if hasattr(own, "values"):
            strangers += [f"{name}.{v}" for v in own.values if v not in theirs.values]
        if isinstance(own, GraphQLUnionType):
            members = {member.name for member in theirs.types}
            strangers += [f"{name}: {m.name}" for m in own.types if m.name not in members]
        for interface in getattr(own, "interfaces", ()):
            if interface.name not in {i.name for i in theirs.interfaces}:
                strangers.append(f"{name} implements {interface.name}")
    assert strangers == []


def test_schema_and_scopes_are_what_the_tool_cuts(introspection: dict[str, Any]) -> None:
    selection = cut_schema.read_selection((cut_schema.HERE / "selection.txt").read_text())
    assert cut_schema.Cutter(introspection, selection).cut() == cut_schema.SCHEMA.read_text()
    assert cut_schema.cut_scopes(introspection, selection) == REQUIRED_SCOPES
