"""The ways to earn beside the money rate. A new one: a class in a module here, its line in `KINDS`, its
settings in `docs/program.schema.json`. See docs/add-an-earning-rule.md.
"""

from typing import Any

from rewards.rules.actions import Birthday, Content, Custom, Newsletter, Review, Sms, Social, Survey
from rewards.rules.base import Action, Audience, Basket, Circumstances, Flat, Reading, Rule, Selection
from rewards.rules.bonus import Bonus
from rewards.rules.first_order import FirstOrder
from rewards.rules.multiplier import Multiplier
from rewards.rules.nth_order import NthOrder
from rewards.rules.order_again import OrderAgain
from rewards.rules.order_over import OrderOver
from rewards.rules.surprise import Surprise
from rewards.rules.words import Saying

__all__ = [
    "KINDS",
    "Action",
    "Audience",
    "Basket",
    "Circumstances",
    "Flat",
    "Multiplier",
    "Reading",
    "Rule",
    "Saying",
    "Selection",
    "Surprise",
    "compiled",
    "sentence",
]

Json = dict[str, Any]

KINDS: dict[str, type[Rule]] = {
    rule.kind: rule
    for rule in (
        *(Multiplier, Bonus, FirstOrder, NthOrder, OrderOver, OrderAgain, Surprise),
        *(Birthday, Newsletter, Sms, Social, Review, Content, Survey, Custom),
    )
}


def compiled(document: Json, reading: Reading) -> tuple[Rule, ...]:
    """The rules of a complete document that are not archived, ready to be asked."""
    return tuple(
        KINDS[setting["kind"]].of(setting, reading)
        for setting in document["earning"]["rules"]
        if not setting["archived"]
    )


def sentence(setting: Json, saying: Saying) -> str:
    """A rule of a complete document as a merchant reads it."""
    return KINDS[setting["kind"]].sentence(setting, saying)
