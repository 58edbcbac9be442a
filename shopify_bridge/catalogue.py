"""What rules ask of products - their tags and collections - as Shopify tells it, kept for a day.

It is read when an order needs it, and forgotten when Shopify tells of a change. Shopify tells of every sale
of a product as of a change, so what a change is told with is compared with the last one. It doesn't tell when
a product enters or leaves a collection whose conditions look at something else, such as its stock: that is
seen when the day is over, as is news that got lost.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import QuerySet
from shopify import ApiAccess

from rewards import programs
from rewards.facts import FetchedOrder, OrderFact, ProductFact
from rewards.models import Program
from shopify_bridge import payloads
from shopify_bridge.client import AdminClient
from shopify_bridge.database import retried
from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.models import Product, Shop
from shopify_bridge.payloads import Json

log = logging.getLogger(__name__)

Key = tuple[int, int]
"""Shop and product."""
Catalogue = dict[Key, ProductFact]

SCOPE = "read_products"
KEPT = timedelta(hours=24)
ASKED_AT_ONCE = 25
COLLECTIONS_AT_FIRST = 25
"""Even where each product costs what its page holds, a question stays below the 1,000 that Shopify allows."""
COLLECTIONS_THEN = 250

# One by one, however few statistics there are: a join may walk through all of a program's products.
KNOWN = """
    SELECT wanted.shop_id, wanted.external_id, known.facts
    FROM unnest(%s::bigint[], %s::bigint[]) AS wanted (shop_id, external_id)
    CROSS JOIN LATERAL (
        SELECT facts, read_at FROM shopify_bridge_product product
        WHERE product.program_id = %s AND product.shop_id = wanted.shop_id
          AND product.external_id = wanted.external_id
        LIMIT 1
    ) known
    WHERE known.facts IS NOT NULL AND known.read_at > %s
"""
BEGIN = """
    INSERT INTO shopify_bridge_product (program_id, shop_id, external_id, read_at)
    SELECT %s, %s, external_id, %s FROM unnest(%s::bigint[]) AS asked (external_id) ORDER BY external_id
    ON CONFLICT (program_id, shop_id, external_id) DO UPDATE SET read_at = EXCLUDED.read_at, facts = NULL
"""
# Only where nobody has told of a change since, nor begun to read it again.
KEEP = """
    UPDATE shopify_bridge_product AS product SET facts = answer.facts::jsonb
    FROM unnest(%s::bigint[], %s::text[]) AS answer (external_id, facts)
    WHERE product.program_id = %s AND product.shop_id = %s AND product.external_id = answer.external_id
      AND product.read_at = %s
"""


def may_read(shop: Shop) -> bool:
    """Whether the merchant lets the app read products; an installation of before may lack it."""
    return bool(ApiAccess(shop.scopes).covers(ApiAccess(SCOPE)))


def known(program: Program, orders: Iterable[OrderFact]) -> Catalogue:
    """What is known of the products of these orders, where rules ask for it."""
    return _known(program.pk, _named(orders)) if programs.needs_products(program) else {}


def complete(
    shop: Shop,
    program: Program,
    orders: Sequence[FetchedOrder],
    *,
    spare: Callable[[Shop], float] = lambda shop: 0.0,
) -> Catalogue:
    """The products of these orders of a shop, where rules ask for them; those unknown are asked for.

    Outside any transaction. `spare`: what is left to more urgent calls. Raises TryAgain and NeedsHuman.
    """
    if programs.look_at_lines(program) and not may_read(shop):
        # Not even which product it is was said of a line that was asked for.
        raise NeedsHuman("The app may not read the shop's products yet: open it and agree.", "products")
    if not programs.needs_products(program):
        return {}
    wanted = _named(order.fact for order in orders)
    found = _known(program.pk, wanted)
    missing = {product for _, product in wanted - found.keys()}
    return found | read(shop, missing, spare=spare(shop)) if missing else found


def at_hand(shop: Shop, keys: Set[Key], most: int) -> tuple[Catalogue, int]:
    """What is known of these products, and how many were asked for: those unknown, so many at most.

    Who can't be asked right now leaves them unknown.
    """
    found = _known(shop.program_id, keys)
    missing = sorted(product for source, product in keys - found.keys() if source == shop.pk)[:most]
    if not missing or not may_read(shop):
        return found, 0
    try:
        return found | read(shop, missing), len(missing)
    except (TryAgain, NeedsHuman) as problem:
        log.info("products unknown", extra={"shop": shop.domain, "why": str(problem)})
        return found, most


def _named(orders: Iterable[OrderFact]) -> set[Key]:
    return {(order.source_id, line.product_id) for order in orders for line in order.lines if line.product_id}


def _known(program_id: int, keys: Collection[Key]) -> Catalogue:
    if not keys:
        return {}
    shops, products = zip(*keys, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [list(shops), list(products), program_id, datetime.now(UTC) - KEPT])
        return {(shop, product): _fact(json.loads(facts)) for shop, product, facts in cursor.fetchall()}


def read(shop: Shop, product_ids: Collection[int], *, spare: float = 0.0) -> Catalogue:
    """Ask Shopify for these products, and keep what it says. A deleted one has nothing."""
    found: Catalogue = {}
    client = AdminClient(shop, spare=spare)
    left = sorted(product_ids)
    while left:
        ids, left = left[:ASKED_AT_ONCE], left[ASKED_AT_ONCE:]
        began = datetime.now(UTC)
        _begin(shop, ids, began)
        answers = {product_id: _facts(client, node) for product_id, node in _asked(client, ids)}
        _keep(shop, answers, began)
        found |= {(shop.pk, product_id): _fact(facts) for product_id, facts in answers.items()}
    return found


def changed(shop: Shop, product_id: int, told: Json) -> None:
    """Shopify told of a product. `told`: with what, apart from the moment."""
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
    _forget(_of_shop(shop).filter(external_id=product_id).exclude(told=digest), told=digest)


def deleted(shop: Shop, product_id: int) -> None:
    """A product is no more."""
    _of_shop(shop).filter(external_id=product_id).delete()


def forget(shop: Shop) -> None:
    """A collection is new, another or gone: any product may be in it, or no longer."""
    _forget(_of_shop(shop).filter(read_at__gt=datetime.now(UTC) - KEPT))


def _of_shop(shop: Shop) -> QuerySet[Product]:
    return Product.objects.filter(program_id=shop.program_id, shop_id=shop.pk)


def _forget(rows: QuerySet[Product], **values: str) -> None:
    """With another moment, so that whoever is reading them right now doesn't keep what was before."""
    rows.update(facts=None, read_at=datetime.now(UTC), **values)


def _asked(client: AdminClient, ids: Sequence[int]) -> Iterator[tuple[int, Json | None]]:
    gids = [f"gid://shopify/Product/{product_id}" for product_id in ids]
    answer = client.run("products", {"ids": gids, "first": COLLECTIONS_AT_FIRST, "after": None})
    return zip(ids, answer["nodes"], strict=True)


def _facts(client: AdminClient, node: Json | None) -> Json:
    """As it is kept."""
    if node is None:
        return {"tags": [], "collections": []}
    tags = [payloads.printable(tag) for tag in node["tags"]]
    return {"tags": tags, "collections": list(_collections(client, node))}


def _collections(client: AdminClient, node: Json) -> Iterator[int]:
    gid = f"gid://shopify/Product/{node['legacyResourceId']}"
    while True:
        yield from (int(collection["legacyResourceId"]) for collection in node["collections"]["nodes"])
        page = node["collections"]["pageInfo"]
        if not page["hasNextPage"]:
            return
        more = {"ids": [gid], "first": COLLECTIONS_THEN, "after": page["endCursor"]}
        (node,) = client.run("products", more)["nodes"]
        if node is None:
            return  # deleted meanwhile


def _fact(facts: Json) -> ProductFact:
    return ProductFact(frozenset(facts["tags"]), frozenset(facts["collections"]))


@retried
def _begin(shop: Shop, ids: Sequence[int], began: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(BEGIN, [shop.program_id, shop.pk, began, list(ids)])


@retried
def _keep(shop: Shop, answers: dict[int, Json], began: datetime) -> None:
    facts = [json.dumps(facts) for facts in answers.values()]
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [list(answers), facts, shop.program_id, shop.pk, began])
