"""The cost of a call and the leaky bucket it is taken from.

Shopify's way of reckoning is not published in full; this one keeps to what is: an object costs 1, a scalar
nothing, a mutation 10, a connection grows with `first` or `last` (here: less than in proportion).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

LARGEST_COST = 1000
_FREE = {"MoneyBag", "MoneyV2", "PageInfo", "Count"}
# plan -> points restored per second; the bucket holds twenty times that
RESTORE = {"basic": 100, "advanced": 200, "plus": 1000, "enterprise": 2000}
DRIVER_RESTORE = 1_000_000


def _size(wanted: int) -> int:
    return wanted if wanted <= 10 else 10 + (wanted - 10) // 10


class Estimate:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: dict[str, Any]) -> None:
        self._schema = schema
        self._variables = _defaults(document) | variables
        self._fragments = {
            d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
        }

    def of(self, selections: SelectionSetNode, parent: Any) -> int:
        total = 0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                total += self._field(node, parent)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                inner = self._schema.type_map[condition.name.value] if condition else parent
                total += self.of(node.selection_set, inner)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                inner = self._schema.type_map[fragment.type_condition.name.value]
                total += self.of(fragment.selection_set, inner)
        return total

    def _field(self, node: FieldNode, parent: Any) -> int:
        name = node.name.value
        if name.startswith("__") or name not in getattr(parent, "fields", {}):
            return 0
        kind = get_named_type(parent.fields[name].type)
        if is_leaf_type(kind) or node.selection_set is None:
            return 0
        inside = self.of(node.selection_set, kind)
        if parent.name == "Mutation":
            return 10
        if kind.name.endswith("Connection"):
            return 2 + _size(self._page(node)) * max(1, inside)
        passes_through = kind.name in _FREE or name == "edges" or (parent.name.endswith("Edge"))
        return inside + (0 if passes_through else 1)

    def _page(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                if isinstance(argument.value, IntValueNode):
                    return int(argument.value.value)
                if isinstance(argument.value, VariableNode):
                    return int(self._variables.get(argument.value.name.value) or 0)
        return 0


def _defaults(document: DocumentNode) -> dict[str, Any]:
    """Whole numbers are enough: only sizes of pages count."""
    definitions = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    return {
        variable.variable.name.value: int(variable.default_value.value)
        for definition in definitions
        for variable in definition.variable_definitions or ()
        if isinstance(variable.default_value, IntValueNode)
    }


def actual_cost(data: Any) -> int:
    """Objects in the answer, money aside."""
    if isinstance(data, list):
        return sum(actual_cost(item) for item in data)
    if not isinstance(data, dict):
        return 0
    inside = sum(actual_cost(value) for value in data.values())
    money = "amount" in data or "shopMoney" in data or "hasNextPage" in data
    return inside + (0 if money else 1)


@dataclass
class Bucket:
    restore: float
    calls: int = 0
    spent: int = 0
    throttled: int = 0
    lowest: float = field(init=False)
    level: float = field(init=False)
    _seen: float = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self.level, self._seen = self.size, time.monotonic()
        self.lowest = self.level

    @property
    def size(self) -> float:
        return self.restore * 20

    def take(self, cost: int) -> bool:
        with self._lock:
            self._fill()
            self.calls += 1
            if self.level < cost:
                self.throttled += 1
                return False
            self.level -= cost
            self.spent += cost
            self.lowest = min(self.lowest, self.level)
            return True

    def give_back(self, cost: int) -> None:
        with self._lock:
            self._fill()
            self.level = min(self.size, self.level + cost)
            self.spent -= cost

    def _fill(self) -> None:
        now = time.monotonic()
        self.level = min(self.size, self.level + (now - self._seen) * self.restore)
        self._seen = now

    def as_json(self, requested: int, actual: int | None) -> dict[str, Any]:
        return {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": float(self.size),
                "currentlyAvailable": int(self.level),
                "restoreRate": float(self.restore),
            },
        }


class Buckets:
    """One per app and shop."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._lock = threading.Lock()

    def of(self, domain: str, caller: str, plan: str) -> Bucket:
        rate = DRIVER_RESTORE if caller == "admin" else RESTORE[plan]
        with self._lock:
            bucket = self._buckets.get((domain, caller))
            if bucket is None or bucket.restore != rate:
                bucket = self._buckets[domain, caller] = Bucket(rate)
            return bucket

    def of_app(self, domain: str) -> dict[str, Any]:
        """What the app has used and how often it was turned away, since the shop has its plan."""
        bucket = self._buckets.get((domain, "app"))
        if bucket is None:
            return {"calls": 0, "spent": 0, "throttled": 0, "lowest": None}
        return {name: getattr(bucket, name) for name in ("calls", "spent", "throttled", "lowest")}
