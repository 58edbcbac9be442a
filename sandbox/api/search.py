"""The search syntax of `query:` arguments: terms, quotes, comparisons, AND, OR, NOT, parentheses.

Unlike Shopify, which ignores what it doesn't know, the sandbox refuses it: a typo must not find everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from graphql import GraphQLError

Test = Callable[[Any], bool]
Field = Callable[[Any], Any]
_TOKEN = re.compile(
    r"""\s*(\(|\)|-?[\w.]+:(?:<=|>=|<|>)?(?:"[^"]*"|'[^']*'|[^\s()]+)|"[^"]*"|'[^']*'|[^\s()]+)"""
)


@dataclass
class Searchable:
    """The fields of a kind: `exact` compare as text, `dates` as moments, `default` is for plain words."""

    exact: dict[str, Field]
    dates: dict[str, Field]
    default: Field | None = None


def compile_query(text: str | None, kind: Searchable, now: datetime) -> Test:
    if text is None or not text.strip():
        return lambda _: True
    tokens = [match[1] for match in _TOKEN.finditer(text)]
    test, rest = _any_of(tokens, kind, now)
    if rest:
        raise GraphQLError(f"can't read the search query at {' '.join(rest)}")
    return test


def _any_of(tokens: list[str], kind: Searchable, now: datetime) -> tuple[Test, list[str]]:
    first, tokens = _all_of(tokens, kind, now)
    tests = [first]
    while tokens and tokens[0] == "OR":
        following, tokens = _all_of(tokens[1:], kind, now)
        tests.append(following)
    return (lambda item: any(test(item) for test in tests)), tokens


def _all_of(tokens: list[str], kind: Searchable, now: datetime) -> tuple[Test, list[str]]:
    tests: list[Test] = []
    while tokens and tokens[0] not in (")", "OR"):
        if tokens[0] == "AND":
            tokens = tokens[1:]
            continue
        test, tokens = _one(tokens, kind, now)
        tests.append(test)
    return (lambda item: all(test(item) for test in tests)), tokens


def _one(tokens: list[str], kind: Searchable, now: datetime) -> tuple[Test, list[str]]:
    head, rest = tokens[0], tokens[1:]
    if head == "NOT" and rest:
        inner, rest = _one(rest, kind, now)
        return (lambda item: not inner(item)), rest
    if head == "(":
        inner, rest = _any_of(rest, kind, now)
        return inner, rest[1:]
    if head.startswith("-") and ":" in head:
        negated = _term(head[1:], kind, now)
        return (lambda item: not negated(item)), rest
    return _term(head, kind, now), rest


def _term(term: str, kind: Searchable, now: datetime) -> Test:
    match = re.fullmatch(r"([\w.]+):(<=|>=|<|>)?(.*)", term, re.DOTALL)
    if match is None:
        return _word(_unquote(term), kind)
    name, comparison, value = match[1], match[2] or "=", _unquote(match[3])
    if name in kind.dates:
        return _date(kind.dates[name], comparison, value, now)
    if name not in kind.exact:
        known = ", ".join(sorted([*kind.exact, *kind.dates]))
        raise GraphQLError(f"the sandbox can't search by {name}; it knows {known}")
    return _text(kind.exact[name], comparison, value)


def _unquote(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _word(word: str, kind: Searchable) -> Test:
    if kind.default is None:
        raise GraphQLError(f"can't search for {word} without a field")
    by = kind.default
    return lambda item: word.lower() in str(by(item) or "").lower()


def _text(by: Field, comparison: str, value: str) -> Test:
    wanted = [part.strip().lower() for part in value.split(",")]

    def matches(item: Any) -> bool:
        found = by(item)
        values = [
            str(each).lower() for each in (found if isinstance(found, list) else [found]) if each is not None
        ]
        if comparison != "=":
            return any(_compare(float(each), comparison, float(value)) for each in values)
        return any(each == want or _wild(each, want) for each in values for want in wanted)

    return matches


def _wild(text: str, pattern: str) -> bool:
    if pattern == "*":
        return bool(text)
    return pattern.endswith("*") and text.startswith(pattern[:-1])


def _date(by: Field, comparison: str, value: str, now: datetime) -> Test:
    try:
        moment = now if value == "now" else datetime.fromisoformat(value)
    except ValueError as error:
        raise GraphQLError(f"{value} is not a date") from error
    limit = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    whole_day = len(value) == 10

    def matches(item: Any) -> bool:
        found = by(item)
        if found is None:
            return False
        if comparison == "=":
            return bool(limit <= found < limit + (timedelta(days=1) if whole_day else timedelta(seconds=1)))
        if whole_day and comparison in ("<=", ">"):
            return _compare(found, "<" if comparison == "<=" else ">=", limit + timedelta(days=1))
        return _compare(found, comparison, limit)

    return matches


def _compare(left: Any, comparison: str, right: Any) -> bool:
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[comparison])
