"""More points on what is bought: everything, or some products; always, or in a campaign."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

from rewards.rules.base import Audience, Json, Period, Reading, Rule, Selection
from rewards.rules.words import Saying


@dataclass(frozen=True, slots=True)
class Multiplier(Rule):
    """`x 2` adds the base once more. Those that add up do; of the others only the best counts."""

    factor: Fraction = Fraction(1)
    stackable: bool = True
    on: Selection = field(default_factory=Selection)

    kind: ClassVar[str] = "multiplier"
    label: ClassVar[str] = "More points"

    @classmethod
    def _own(cls, setting: Json, reading: Reading) -> Json:
        return {
            "factor": Fraction(setting["factor"]),
            "stackable": setting["stackable"],
            "on": Selection.of(setting["on"]),
        }

    @classmethod
    def of_tier(cls, level: Json) -> "Multiplier":
        """The perk of a tier's level."""
        said = level["multiplier"]
        return cls(
            id=f"tier:{level['id']}",
            title=level["name"],
            period=Period(),
            audience=Audience(),
            factor=Fraction(said["factor"]),
            stackable=said["stackable"],
        )

    @property
    def needs_products(self) -> bool:
        return self.on.needs_products

    @classmethod
    def _says(cls, setting: Json, saying: Saying) -> str:
        alone = "" if setting["stackable"] else " (only the best of these counts)"
        return f"{setting['factor']} x {saying.many}{saying.goods(setting['on'])}{alone}"
