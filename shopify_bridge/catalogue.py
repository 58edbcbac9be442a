"""What rules ask of products - their tags and collections - as Shopify tells it, kept for a while."""

from shopify import ApiAccess

from shopify_bridge.models import Shop

SCOPE = "read_products"


def may_read(shop: Shop) -> bool:
    """Whether the merchant lets the app read products; an installation of before may lack it."""
    return bool(ApiAccess(shop.scopes).covers(ApiAccess(SCOPE)))
