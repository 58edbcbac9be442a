"""What the program asks for and the shop doesn't let the app do: said where it is set up."""

from collections.abc import Iterator

from loyalty_app.merchant.answers import Json
from rewards import rules
from rewards.rules import Saying
from shopify_bridge import catalogue, customer_tags
from shopify_bridge.models import Shop

GOODS = ("products", "variants", "collections", "product_tags", "vendors")


def for_earning(shop: Shop, document: Json, saying: Saying) -> list[str]:
    """What looks at products without the permission to read them; new orders wait for it."""
    return [] if catalogue.may_read(shop) else list(_of_products(document, saying))


def for_tiers(shop: Shop, document: Json) -> list[str]:
    """The tags of levels that can't be put on customers."""
    if customer_tags.may_write(shop):
        return []
    return [
        f"“{level['customer_tag']}” for {level['name']}"
        for level in document["tiers"]["levels"]
        if level["customer_tag"]
    ]


def _of_products(document: Json, saying: Saying) -> Iterator[str]:
    earning = document["earning"]
    for rule in earning["rules"]:
        if not rule["archived"] and any(rule.get("on", {}).values()):
            yield rules.sentence(rule, saying)
    if any(earning["excluded"][name] for name in GOODS):
        yield "What is excluded from earning."
    for challenge in document["challenges"]:
        if challenge["kind"] == "collections" and not challenge["archived"]:
            yield f"The challenge “{challenge['title']}”."
