"""Cuts sandbox/schema.graphql out of Shopify's introspection file, as selection.txt says.

Usage: python -m sandbox.tools.cut_schema node_modules/@shopify/dev-mcp/dist/data/admin_2026-10.json.gz
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SCHEMA = HERE.parent / "schema.graphql"
SCOPES = HERE.parent / "scopes.json"
# Arguments of Shopify's that the sandbox doesn't serve.
LEFT_OUT = {
    "savedSearchId", "media", "message", "callbackUrl", "format", "locationId", "truncateAt", "displayable",
    "includeRemovals", "capturable", "manuallyResolvable",
}  # fmt: skip
BUILT_IN = {"Int", "Float", "String", "Boolean", "ID"}
Type = dict[str, Any]


def named(ref: Type) -> str:
    while ref.get("ofType"):
        ref = ref["ofType"]
    return str(ref["name"])


def spell(ref: Type) -> str:
    if ref["kind"] == "NON_NULL":
        return spell(ref["ofType"]) + "!"
    if ref["kind"] == "LIST":
        return f"[{spell(ref['ofType'])}]"
    return str(ref["name"])


def read_selection(text: str) -> dict[str, list[str]]:
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    pairs = [line.split(":", 1) for line in lines if line]
    return {name.strip(): members.split() for name, members in pairs}


class Cutter:
    def __init__(self, introspection: dict[str, Any], selection: dict[str, list[str]]) -> None:
        types = introspection["data"]["__schema"]["types"]
        self._real: dict[str, Type] = {t["name"]: t for t in types}
        self._selection = selection
        self._printed: dict[str, str] = {}

    def cut(self) -> str:
        for name in self._selection:
            self._add(name)
        root = "schema {\n  query: QueryRoot\n  mutation: Mutation\n}"
        idempotent = "directive @idempotent(key: String!) on FIELD"
        body = [self._printed[name] for name in sorted(self._printed)]
        return "\n\n".join([root, idempotent, *body]) + "\n"

    def _add(self, name: str) -> None:
        if name in self._printed or name in BUILT_IN:
            return
        self._printed[name] = ""  # types refer to each other
        kind = self._real[name]["kind"]
        self._printed[name] = {
            "OBJECT": self._fields,
            "INTERFACE": self._fields,
            "INPUT_OBJECT": self._inputs,
            "ENUM": self._enum,
            "UNION": self._union,
            "SCALAR": lambda t: f"scalar {t['name']}",
        }[kind](self._real[name])

    def _usable(self, ref: Type) -> bool:
        """Selected, or of the kinds that come along by themselves."""
        name = named(ref)
        kind = self._real[name]["kind"] if name in self._real else "SCALAR"
        follows = name.endswith(("Connection", "Edge", "Payload", "UserError", "ScopeError"))
        if name.endswith("Connection"):
            return name.removesuffix("Connection") in self._selection
        return kind in ("SCALAR", "ENUM") or name in self._selection or follows

    def _wanted(self, real: Type) -> list[Type]:
        """The fields to print: those selected; of the rest all that can be used."""
        names = self._selection.get(real["name"])
        if real["name"].endswith("Connection"):
            names = ["edges", "nodes", "pageInfo"]
        if real["name"].endswith("Edge"):
            names = ["cursor", "node"]
        found = [f for f in real["fields"] if (f["name"] in names if names else self._usable(f["type"]))]
        missing = set(names or []) - {f["name"] for f in found}
        if missing:
            raise SystemExit(f"{real['name']} has no {', '.join(sorted(missing))}")
        return found

    def _fields(self, real: Type) -> str:
        lines = []
        for member in self._wanted(real):
            self._add(named(member["type"]))
            arguments = [a for a in member["args"] if a["name"] not in LEFT_OUT and self._usable(a["type"])]
            inner = ", ".join(self._value(a) for a in arguments)
            lines.append(f"  {member['name']}{f'({inner})' if inner else ''}: {spell(member['type'])}")
        keyword = "interface" if real["kind"] == "INTERFACE" else "type"
        interfaces = [i["name"] for i in real.get("interfaces") or [] if i["name"] in self._selection]
        for name in interfaces:
            self._add(name)
        implements = f" implements {' & '.join(interfaces)}" if interfaces else ""
        return "\n".join([f"{keyword} {real['name']}{implements} {{", *lines, "}"])

    def _inputs(self, real: Type) -> str:
        names = self._selection[real["name"]]
        members = {f["name"]: f for f in real["inputFields"]}
        lines = [f"  {self._value(members[name])}" for name in members if name in names]
        if set(names) - set(members):
            raise SystemExit(f"{real['name']} has no {', '.join(sorted(set(names) - set(members)))}")
        return "\n".join([f"input {real['name']} {{", *lines, "}"])

    def _value(self, value: Type) -> str:
        self._add(named(value["type"]))
        default = f" = {value['defaultValue']}" if value.get("defaultValue") else ""
        return f"{value['name']}: {spell(value['type'])}{default}"

    def _enum(self, real: Type) -> str:
        names = self._selection.get(real["name"])
        values = [v["name"] for v in real["enumValues"] if names is None or v["name"] in names]
        return "\n".join([f"enum {real['name']} {{", *(f"  {v}" for v in values), "}"])

    def _union(self, real: Type) -> str:
        members = self._selection[real["name"]]
        for name in members:
            self._add(name)
        return f"union {real['name']} = {' | '.join(members)}"


def cut_scopes(introspection: dict[str, Any], selection: dict[str, list[str]]) -> dict[str, list[str]]:
    """`Type` or `Type.field` -> scopes of which one is needed."""
    scopes = {}
    for item in introspection["offline_scopes"]["items"]:
        name, member = item["typeName"], item.get("fieldName")
        selected = name in selection and (member is None or member in selection[name])
        if selected and item["offlineScopes"]:
            scopes[f"{name}.{member}" if member else name] = item["offlineScopes"]
    return dict(sorted(scopes.items()))


def main(path: str) -> None:
    introspection = json.loads(gzip.decompress(Path(path).read_bytes()))
    selection = read_selection((HERE / "selection.txt").read_text())
    SCHEMA.write_text(Cutter(introspection, selection).cut())
    SCOPES.write_text(json.dumps(cut_scopes(introspection, selection), indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
