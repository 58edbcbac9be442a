"""What held at the first award of an order: kept with it, and never computed again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rewards.facts import ProductFact
from rewards.rules import Selection

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """`Order.context`, ready to be asked. It holds no more than the rules of its version ask for."""

    excluded: bool = False
    # The member's tier when the order was paid.
    tier: str = ""
    # Ids of the rules that are for this order.
    rules: frozenset[str] = frozenset()
    products: Mapping[int, ProductFact] = field(default_factory=dict)
    # What caps leave the order: {"day": 20, "member": 500}.
    room: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Json) -> "Context":
        """From what is kept with an order."""
        return cls(
            excluded=data["excluded"],
            tier=data.get("tier", ""),
            rules=frozenset(data.get("rules", ())),
            products={int(id): _product(said) for id, said in data.get("products", {}).items()},
            room=data.get("room", {}),
        )


NO_CONTEXT = Context()


def products_as_data(products: Mapping[int, ProductFact], named: Selection) -> Json:
    """Of these products what some rule names; all of them, so that it is seen that they were known."""
    return {
        str(id): {
            "tags": sorted(named.tags & {tag.casefold() for tag in known.tags}),
            "collections": sorted(named.collections & known.collections),
        }
        for id, known in products.items()
    }


def _product(said: Json) -> ProductFact:
    return ProductFact(frozenset(said["tags"]), frozenset(said["collections"]))
