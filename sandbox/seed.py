"""The demo shop at its first start: a small coffee and kitchen shop with customers and no orders."""

from __future__ import annotations

from datetime import timedelta

from sandbox.config import DEFAULT_SHOP
from sandbox.model import Collection, Customer, Installation, Product, Shop, Variant
from sandbox.world import ShopState, World

_COLLECTIONS = [
    ("Coffee", "coffee", "Roasted on Tuesdays and Fridays, in bags that breathe."),
    ("Brewing", "brewing", "Everything between the bean and the cup."),
    ("Cups and mugs", "cups", "Stoneware and glass for every size of morning."),
    ("Kitchen", "kitchen", "A few good tools, made to be handed down."),
    ("Gifts", "gifts", "Sets, cards and small things that are easy to post."),
]

# title, handle, picture, type, collections, tags, [(variant, price in cents)], description
_PRODUCTS: list[tuple[str, str, str, str, str, str, list[tuple[str, int]], str]] = [
    ("Harbour House Blend", "harbour-house-blend", "coffee-bag", "Coffee", "coffee", "blend",
     [("250 g", 1150), ("1 kg", 3900)], "Chocolate and hazelnut. The one we drink ourselves, all day."),
    ("Morning Post Espresso", "morning-post-espresso", "coffee-bag", "Coffee", "coffee", "espresso",
     [("250 g", 1250), ("1 kg", 4200)], "Dark caramel and a long finish; forgiving in any machine."),
    ("Yirga Hills Ethiopia", "yirga-hills-ethiopia", "coffee-bag", "Coffee", "coffee", "single-origin,filter",
     [("250 g", 1490)], "Washed, floral, with bergamot. Best as a slow filter."),
    ("Santa Rosa Guatemala", "santa-rosa-guatemala", "coffee-bag", "Coffee", "coffee", "single-origin",
     [("250 g", 1390), ("1 kg", 4750)], "Red apple and brown sugar from volcanic soil."),
    ("Night Shift Decaf", "night-shift-decaf", "coffee-bag", "Coffee", "coffee", "decaf",
     [("250 g", 1320)], "Decaffeinated with mountain water; keeps its cocoa."),
    ("Cold Brew Pouches", "cold-brew-pouches", "pouch", "Coffee", "coffee,gifts", "cold-brew",
     [("Pack of 8", 1680)], "One pouch, one litre of water, one night in the fridge."),
    ("Paper Cone Dripper", "paper-cone-dripper", "dripper", "Brewing", "brewing", "filter",
     [("Small", 2200), ("Large", 2600)], "Ceramic cone with straight ribs for an even flow."),
    ("Gooseneck Kettle", "gooseneck-kettle", "kettle", "Brewing", "brewing", "kettle",
     [("0.9 l", 7900)], "Pours a thin, calm stream and stands on any stove."),
    ("Hand Grinder No. 2", "hand-grinder", "grinder", "Brewing", "brewing,gifts", "grinder",
     [("Steel burrs", 9800)], "Forty steps from espresso to press, folds into a rucksack."),
    ("French Press", "french-press", "press", "Brewing", "brewing", "press",
     [("0.35 l", 3400), ("1 l", 4600)], "Double filter, thick glass, a handle that stays cool."),
    ("Filter Papers", "filter-papers", "papers", "Brewing", "brewing", "filter",
     [("100 pieces", 595)], "Unbleached, in the shape of our dripper."),
    ("Brewing Scale", "brewing-scale", "scale", "Brewing", "brewing", "scale",
     [("Black", 5400)], "A tenth of a gram, with a timer that starts by itself."),
    ("Dune Mug", "dune-mug", "mug", "Cups", "cups", "stoneware",
     [("Sand", 1800), ("Slate", 1800)], "Thrown by hand; no two rims are quite the same."),
    ("Cortado Glass", "cortado-glass", "glass", "Cups", "cups", "glass",
     [("Set of 4", 2400)], "Ribbed, tempered, stackable."),
    ("Espresso Cup", "espresso-cup", "cup", "Cups", "cups", "stoneware",
     [("Set of 2", 2650)], "Thick walls that keep 40 ml warm for as long as it lasts."),
    ("Travel Cup", "travel-cup", "travel-cup", "Cups", "cups,gifts", "to-go",
     [("0.35 l", 2900)], "Closes with a quarter turn and does not drip on trains."),
    ("Breakfast Bowl", "breakfast-bowl", "bowl", "Cups", "cups,kitchen", "stoneware",
     [("Sand", 2100), ("Slate", 2100)], "The right size for granola, soup and second helpings."),
    ("Olive Wood Spoon", "olive-wood-spoon", "spoon", "Kitchen", "kitchen", "wood",
     [("30 cm", 1499)], "Cut from one piece, oiled twice."),
    ("Linen Tea Towel", "linen-tea-towel", "towel", "Kitchen", "kitchen,gifts", "linen",
     [("Set of 2", 1999)], "Dries glasses without a trace and looks better every year."),
    ("Cast Iron Skillet", "cast-iron-skillet", "skillet", "Kitchen", "kitchen", "iron",
     [("24 cm", 5900)], "Seasoned with flax oil; ready on the day it arrives."),
    ("Bread Knife", "bread-knife", "knife", "Kitchen", "kitchen", "steel",
     [("23 cm", 4450)], "Wide teeth for crusts, a walnut handle for the hand."),
    ("Storage Jar", "storage-jar", "jar", "Kitchen", "kitchen", "glass",
     [("0.5 l", 1290), ("1 l", 1690)], "Airtight, with a lid of beech."),
    ("First Cup Set", "first-cup-set", "box", "Sets", "gifts,brewing", "set",
     [("One box", 4990)], "Dripper, papers and a bag of house blend, wrapped."),
    ("Gift Card", "gift-card", "gift-card", "Gift card", "gifts", "",
     [("25.00", 2500), ("50.00", 5000), ("100.00", 10000)], "For people who like to choose for themselves."),
]  # fmt: skip

_CUSTOMERS = [
    ("Ada", "Okafor", "ada.okafor@example.com", ""),
    ("Jonas", "Lindqvist", "jonas.lindqvist@example.com", ""),
    ("Mei", "Tanaka", "mei.tanaka@example.com", "newsletter"),
    ("Rosa", "Delgado", "rosa.delgado@example.com", "wholesale"),
    ("Sam", "Whitfield", "sam.whitfield@example.com", ""),
]


def seed_demo_shop(world: World) -> ShopState:
    """Does nothing when the shop is already there."""
    if DEFAULT_SHOP in world.shops:
        return world.shops[DEFAULT_SHOP]
    with world.change():
        state = add_shop(world, DEFAULT_SHOP, "Harbour Coffee & Kitchen")
        _add_products(world, state)
        _add_customers(world, state)
    return state


def add_shop(
    world: World,
    domain: str,
    name: str,
    currency: str = "USD",
    timezone: str = "America/New_York",
    taxes_included: bool = False,
    tax_rate: str = "0.08",
) -> ShopState:
    """An empty shop."""
    now = world.now()
    shop = Shop(
        id=world.new_id(), domain=domain, name=name, email=f"owner@{domain.split('.')[0]}.example.com",
        currency=currency, timezone=timezone, country="US", taxes_included=taxes_included,
        tax_rate=tax_rate, tax_title="Sales tax", plan="basic", shipping_title="Standard",
        shipping_price=600, created_at=now, updated_at=now,
    )  # fmt: skip
    return world.add_shop(shop, Installation(world.new_id()))


def _add_products(world: World, state: ShopState) -> None:
    now = world.now()
    collections = {
        handle: Collection(world.new_id(), title, handle, text, now) for title, handle, text in _COLLECTIONS
    }
    for title, handle, picture, kind, places, tags, variants, text in _PRODUCTS:
        product = Product(
            id=world.new_id(), title=title, handle=handle, description=text, vendor=state.shop.name,
            product_type=kind, picture=picture, created_at=now, updated_at=now,
            tags=[tag for tag in tags.split(",") if tag], gift_card=handle == "gift-card",
        )  # fmt: skip
        for number, (name, price) in enumerate(variants, 1):
            product.variants.append(
                Variant(
                    id=world.new_id(),
                    product_id=product.id,
                    title=name,
                    price=price,
                    sku=f"{handle.upper()[:12].rstrip('-')}-{number}",
                    taxable=not product.gift_card,
                    requires_shipping=not product.gift_card,
                )
            )
        world.save(state, product)
        for place in places.split(","):
            collections[place].product_ids.append(product.id)
    for collection in collections.values():
        world.save(state, collection)


def _add_customers(world: World, state: ShopState) -> None:
    for age, (first, last, email, tags) in enumerate(_CUSTOMERS, 1):
        since = world.now() - timedelta(days=40 * age)
        customer = Customer(
            id=world.new_id(), email=email, first_name=first, last_name=last, phone=None,
            created_at=since, updated_at=since, tags=[tag for tag in tags.split(",") if tag],
        )  # fmt: skip
        world.save(state, customer)
