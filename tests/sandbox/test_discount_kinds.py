"""Every kind of discount: made by the API, kept to by cart and checkout, refused with a reason in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox import commerce
from sandbox.discounts import Goods, pieces_gotten
from sandbox.model import Buys, Discount, Items, Variant
from sandbox.world import ShopState, World

from .conftest import Query, number

FIELDS = """
  __typename
  ... on DiscountCodeBasic {
    endsAt recurringCycleLimit discountClasses
    customerGets { appliesOnOneTimePurchase appliesOnSubscription }
  }
  ... on DiscountCodeFreeShipping {
    endsAt appliesOnSubscription discountClasses maximumShippingPrice { amount }
    destinationSelection {
      ... on DiscountCountryAll { allCountries }
      ... on DiscountCountries { countries includeRestOfWorld }
    }
  }
  ... on DiscountCodeBxgy {
    endsAt usesPerOrderLimit discountClasses asyncUsageCount
    customerBuys {
      isSubscription
      items { ... on DiscountCollections { collections(first: 5) { nodes { title } } } }
      value { ... on DiscountQuantity { quantity } ... on DiscountPurchaseAmount { amount } }
    }
    customerGets {
      items { ... on DiscountProducts { products(first: 5) { nodes { handle } } } }
      value {
        ... on DiscountOnQuantity {
          quantity { quantity }
          effect {
            ... on DiscountPercentage { percentage }
            ... on DiscountAmount { amount { amount } appliesOnEachItem }
          }
        }
      }
    }
  }
"""
KINDS = {
    "basic": ("discountCodeBasic", "basicCodeDiscount", "DiscountCodeBasicInput"),
    "shipping": ("discountCodeFreeShipping", "freeShippingCodeDiscount", "DiscountCodeFreeShippingInput"),
    "bxgy": ("discountCodeBxgy", "bxgyCodeDiscount", "DiscountCodeBxgyInput"),
}
Make = Callable[..., dict[str, Any]]


def create_document(kind: str) -> str:
    mutation, argument, type_name = KINDS[kind]
    return f"""mutation($input: {type_name}!) {{ made: {mutation}Create({argument}: $input) {{
      codeDiscountNode {{ id codeDiscount {{ {FIELDS} }} }} userErrors {{ field code message }} }} }}"""


def update_document(kind: str) -> str:
    mutation, argument, type_name = KINDS[kind]
    return f"""mutation($id: ID!, $input: {type_name}!) {{
      made: {mutation}Update(id: $id, {argument}: $input) {{
        codeDiscountNode {{ id codeDiscount {{ {FIELDS} }} }} userErrors {{ field code message }} }} }}"""


def gid(kind: str, thing: Any) -> str:
    return f"gid://shopify/{kind}/{thing.id}"


@pytest.fixture
def mug(state: ShopState) -> Variant:
    return state.product_by_handle("dune-mug").variants[0]  # 18.00


@pytest.fixture
def knife(state: ShopState) -> Variant:
    return state.product_by_handle("bread-knife").variants[0]


@pytest.fixture
def make(query: Query, state: ShopState) -> Make:
    """`make("basic", code="CODE", ...)` answers the payload; what isn't given is five off everything."""

    def run(kind: str, code: str = "CODE", **fields: Any) -> dict[str, Any]:
        usual: dict[str, Any] = {
            "title": code, "code": code, "startsAt": "2026-01-01T00:00:00Z", "context": {"all": "ALL"},
        }  # fmt: skip
        if kind == "basic":
            value = {"discountAmount": {"amount": "5.00"}}
            usual["customerGets"] = {"value": value, "items": {"all": True}}
        if kind == "bxgy":
            cups, knife = state.collection_by_handle("cups"), state.product_by_handle("bread-knife")
            usual["customerBuys"] = {
                "items": {"collections": {"add": [gid("Collection", cups)]}}, "value": {"quantity": "2"},
            }  # fmt: skip
            on_quantity = {"quantity": "1", "effect": {"percentage": 1.0}}
            usual["customerGets"] = {
                "items": {"products": {"productsToAdd": [gid("Product", knife)]}},
                "value": {"discountOnQuantity": on_quantity},
            }
        return query(create_document(kind), input=usual | fields)["data"]["made"]

    return run


def made(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["userErrors"] == []
    return answer["codeDiscountNode"]["codeDiscount"]


def errors(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(".".join(error["field"] or []), error["code"]) for error in answer["userErrors"]]


def fill(client: FlaskClient, *variants: Variant, plan: int | None = None) -> None:
    for variant in variants:
        answer = client.post("/cart/add.js", json={"id": variant.id, "selling_plan": plan})
        assert answer.status_code == 200, answer.text


def use(client: FlaskClient, *codes: str) -> dict[str, Any]:
    return client.post("/cart/update.js", json={"discount": ",".join(codes)}).json


def refusal(client: FlaskClient, code: str) -> str:
    """What the checkout says to the code; empty when it takes it."""
    answer = client.post("/checkout/discount", data={"code": code})
    return answer.text if answer.status_code == 422 else ""


# -- buy X, get Y ----------------------------------------------------------------------------------


def test_buy_x_get_y_is_made_and_shown(make: Make, query: Query) -> None:
    shown = made(make("bxgy", usesPerOrderLimit=1))
    assert shown["__typename"] == "DiscountCodeBxgy"
    assert (shown["discountClasses"], shown["usesPerOrderLimit"]) == (["PRODUCT"], 1)
    assert shown["customerBuys"]["value"] == {"quantity": "2"}
    assert shown["customerBuys"]["items"]["collections"]["nodes"] == [{"title": "Cups and mugs"}]
    gets = shown["customerGets"]
    assert gets["value"] == {"quantity": {"quantity": "1"}, "effect": {"percentage": 1.0}}
    assert gets["items"]["products"]["nodes"] == [{"handle": "bread-knife"}]
    found = query(f'{{ codeDiscountNodeByCode(code: "code") {{ codeDiscount {{ {FIELDS} }} }} }}')
    assert found["data"]["codeDiscountNodeByCode"]["codeDiscount"] == shown


def test_buy_x_get_y_lowers_what_is_got(
    client: FlaskClient, state: ShopState, make: Make, mug: Variant, knife: Variant
) -> None:
    made(make("bxgy"))
    fill(client, mug, knife)
    assert "needs 2 of the items to buy and 1 to get" in refusal(client, "CODE")
    fill(client, mug)
    assert use(client, "CODE")["total_discount"] == knife.price
    client.post("/checkout/pay")
    (order,) = state.orders.values()
    assert [line.discount for line in order.lines] == [0, knife.price]
    (application,) = order.discount_applications
    assert (application.value, application.value_type, application.target_selection) == (
        "100.0", "percentage", "entitled"
    )  # fmt: skip
    assert state.codes["CODE"].usage_count == 1


def test_what_is_to_be_got_has_to_be_in_the_cart(client: FlaskClient, make: Make, mug: Variant) -> None:
    made(make("bxgy"))
    fill(client, mug, mug)
    assert "is for an item that isn&#39;t in your cart" in refusal(client, "CODE")


def bxgy(buys: Buys, items: Items, **fields: Any) -> Discount:
    now: Any = None
    return Discount(
        1, "bxgy", "", now, None, now, now, 1, value_percentage="1", items=items, buys=buys, **fields
    )


@pytest.mark.parametrize(
    ("lines", "buys", "fields", "gotten"),
    [
        # (price, pieces, product): products 1 and 2 are to be bought, 2 and 3 to be got
        ([(100, 2, 1), (50, 1, 3)], {"quantity": 2}, {}, [0, 1]),
        ([(100, 4, 1), (50, 3, 3)], {"quantity": 2}, {}, [0, 2]),
        ([(100, 4, 1), (50, 3, 3)], {"quantity": 2}, {"uses_per_order": 1}, [0, 1]),
        ([(100, 2, 1), (50, 1, 3), (40, 1, 3)], {"quantity": 2}, {}, [0, 0, 1]),
        # one product on both sides: three for two
        ([(80, 3, 2)], {"quantity": 2}, {}, [1]),
        ([(80, 2, 2)], {"quantity": 2}, {}, [0]),
        ([(80, 6, 2)], {"quantity": 2}, {}, [2]),
        # a set is whole or nothing
        ([(100, 2, 1), (50, 1, 3)], {"quantity": 2}, {"gets_quantity": 2}, [0, 0]),
        # by amount; the cheap one is got while enough of the rest was bought
        ([(100, 1, 1), (50, 1, 3)], {"amount": 100}, {}, [0, 1]),
        ([(100, 1, 1), (50, 1, 3)], {"amount": 101}, {}, [0, 0]),
        ([(60, 1, 2), (100, 1, 1)], {"amount": 100}, {}, [1, 0]),
        ([(60, 1, 2), (90, 1, 1)], {"amount": 100}, {}, [0, 0]),
    ],
)
def test_whole_sets_of_the_cheapest_that_are_not_needed_as_bought(
    state: ShopState, lines: Any, buys: Any, fields: Any, gotten: list[int]
) -> None:
    discount = bxgy(Buys(Items([1, 2], []), **buys), Items([2, 3], []), **fields)
    goods = [Goods(price, pieces, product) for price, pieces, product in lines]
    assert pieces_gotten(state, discount, goods) == gotten


def test_an_amount_off_what_is_got_is_at_most_its_price(
    client: FlaskClient, make: Make, state: ShopState, mug: Variant, knife: Variant
) -> None:
    gets = {
        "items": {"products": {"productVariantsToAdd": [gid("ProductVariant", knife)]}},
        "value": {"discountOnQuantity": {"quantity": "1", "effect": {"amount": "3.00"}}},
    }
    shown = made(make("bxgy", customerGets=gets))
    effect = shown["customerGets"]["value"]["effect"]
    assert effect == {"amount": {"amount": "3.0"}, "appliesOnEachItem": True}
    fill(client, mug, mug, knife)
    assert use(client, "CODE")["total_discount"] == 300
    knife.price = 200
    assert use(client, "CODE")["total_discount"] == 200


def gets(**changes: Any) -> dict[str, Any]:
    items = {"products": {"productsToAdd": ["gid://shopify/Product/1"]}}
    return {"items": items, "value": on_quantity(percentage=1.0)} | changes


def on_quantity(**effect: float) -> dict[str, Any]:
    return {"discountOnQuantity": {"quantity": "1", **({"effect": effect} if effect else {})}}


ON_QUANTITY = "bxgyCodeDiscount.customerGets.value.discountOnQuantity"


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"customerBuys": None}, "bxgyCodeDiscount.customerBuys", "BLANK"),
        ({"customerGets": None}, "bxgyCodeDiscount.customerGets", "BLANK"),
        ({"customerGets": gets(items={"all": True})}, "bxgyCodeDiscount.customerGets", "INVALID"),
        (
            {"customerBuys": {"items": {"all": True}, "value": {"quantity": "1"}}},
            "bxgyCodeDiscount.customerBuys.items",
            "BLANK",
        ),
        (
            {"customerGets": gets(value={"percentage": 0.5})},
            "bxgyCodeDiscount.customerGets.value.percentage",
            "INVALID",
        ),
        ({"customerGets": gets(value={"discountOnQuantity": {}})}, f"{ON_QUANTITY}.quantity", "BLANK"),
        (
            {"customerGets": gets(value=on_quantity())},
            f"{ON_QUANTITY}.effect",
            "BLANK",
        ),
        (
            {
                "customerGets": gets(
                    value={"discountOnQuantity": {"quantity": "1", "effect": {"percentage": 2}}}
                )
            },
            f"{ON_QUANTITY}.effect.percentage",
            "VALUE_OUTSIDE_RANGE",
        ),
        ({"customerGets": gets()}, "bxgyCodeDiscount.customerGets.items.products", "INVALID"),
        ({"usesPerOrderLimit": 0}, "bxgyCodeDiscount.usesPerOrderLimit", "GREATER_THAN"),
    ],
)
def test_buy_x_get_y_that_is_refused(make: Make, fields: Any, field: str, code: str) -> None:
    assert errors(make("bxgy", **fields)) == [(field, code)]


def test_the_purchase_of_what_is_got_cannot_be_chosen(make: Make, state: ShopState, knife: Variant) -> None:
    items = {"products": {"productVariantsToAdd": [gid("ProductVariant", knife)]}}
    answer = make("bxgy", customerGets=gets(items=items, appliesOnSubscription=True))
    assert errors(answer) == [("bxgyCodeDiscount.customerGets.appliesOnSubscription", "INVALID")]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({}, "TOO_MANY_ARGUMENTS"),
        ({"quantity": "1", "amount": "1"}, "TOO_MANY_ARGUMENTS"),
        ({"quantity": "0"}, "GREATER_THAN"),
        ({"amount": "-1"}, "GREATER_THAN"),
    ],
)
def test_what_is_bought_is_a_number_or_an_amount(make: Make, state: ShopState, value: Any, code: str) -> None:
    cups = state.collection_by_handle("cups")
    buys = {"items": {"collections": {"add": [gid("Collection", cups)]}}, "value": value}
    assert [error for _, error in errors(make("bxgy", customerBuys=buys))] == [code]


# -- scope and value -------------------------------------------------------------------------------


def test_only_some_products_variants_or_collections(
    client: FlaskClient, make: Make, state: ShopState, mug: Variant, knife: Variant
) -> None:
    cups = state.collection_by_handle("cups")
    scopes = {
        "PRODUCT": {"products": {"productsToAdd": [f"gid://shopify/Product/{mug.product_id}"]}},
        "VARIANT": {"products": {"productVariantsToAdd": [gid("ProductVariant", mug)]}},
        "SHELF": {"collections": {"add": [gid("Collection", cups)]}},
    }
    for code, items in scopes.items():
        shown = made(make("basic", code, customerGets={"value": {"percentage": 0.5}, "items": items}))
        assert shown["discountClasses"] == ["PRODUCT"]
    fill(client, knife)
    for code in scopes:
        assert "doesn&#39;t apply to the items in your cart" in refusal(client, code)
    fill(client, mug)
    assert [use(client, code)["total_discount"] for code in scopes] == [900, 900, 900]


def test_two_lists_of_goods_exclude_each_other(make: Make, state: ShopState, mug: Variant) -> None:
    product = {"productsToAdd": [f"gid://shopify/Product/{mug.product_id}"]}
    both = product | {"productVariantsToAdd": [gid("ProductVariant", mug)]}
    shelf = {"collections": {"add": [gid("Collection", state.collection_by_handle("cups"))]}}
    value = {"percentage": 0.5}
    path = "basicCodeDiscount.customerGets.items"
    twice = make("basic", customerGets={"value": value, "items": {"products": both}})
    assert errors(twice) == [(f"{path}.products.productVariantsToAdd", "IMPLICIT_DUPLICATE")]
    mixed = make("basic", customerGets={"value": value, "items": {"products": product} | shelf})
    assert errors(mixed) == [(f"{path}.collections.add", "CONFLICT")]


def test_one_value_of_one_kind(query: Query) -> None:
    value = {"percentage": 0.5, "discountAmount": {"amount": "1"}}
    fields = {"title": "A", "code": "A", "startsAt": "2026-01-01T00:00:00Z", "context": {"all": "ALL"}}
    answer = query(create_document("basic"), input=fields | {"customerGets": {"value": value}})
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_on_quantity_is_for_buy_x_get_y_alone(make: Make) -> None:
    answer = make("basic", customerGets=gets(items={"all": True}))
    path = "basicCodeDiscount.customerGets.value.discountOnQuantity"
    assert errors(answer) == [(path, "INVALID")]


def test_a_minimum_of_pieces_or_of_money(client: FlaskClient, make: Make, mug: Variant) -> None:
    both = {
        "quantity": {"greaterThanOrEqualToQuantity": "2"},
        "subtotal": {"greaterThanOrEqualToSubtotal": "20.00"},
    }
    path = "basicCodeDiscount.minimumRequirement.subtotal.greaterThanOrEqualToSubtotal"
    assert errors(make("basic", minimumRequirement=both)) == [(path, "CONFLICT")]
    made(make("basic", "PIECES", minimumRequirement={"quantity": both["quantity"]}))
    made(make("basic", "MONEY", minimumRequirement={"subtotal": both["subtotal"]}))
    fill(client, mug)
    assert "needs at least 2 items" in refusal(client, "PIECES")
    assert "needs a subtotal of at least 20.00 USD" in refusal(client, "MONEY")
    fill(client, mug)
    assert [use(client, code)["total_discount"] for code in ("PIECES", "MONEY")] == [500, 500]


@pytest.mark.parametrize(
    ("code", "error"), [("", "TOO_SHORT"), ("  ", "BLANK"), ("A\nB", "INVALID"), ("A" * 256, "TOO_LONG")]
)
def test_codes_that_cannot_be(make: Make, code: str, error: str) -> None:
    assert errors(make("basic", code, title="A title")) == [("basicCodeDiscount.code", error)]


# -- once or as a subscription ---------------------------------------------------------------------


def test_subscriptions_are_another_line_with_the_same_variant(
    client: FlaskClient, state: ShopState, mug: Variant
) -> None:
    fill(client, mug)
    fill(client, mug, mug, plan=1)
    items = client.get("/cart.js").json["items"]
    assert [(item["quantity"], "selling_plan_allocation" in item) for item in items] == [
        (1, False),
        (2, True),
    ]
    changed = client.post("/cart/change.js", json={"id": items[1]["key"], "quantity": 1}).json
    assert [item["quantity"] for item in changed["items"]] == [1, 1]
    client.post("/checkout/pay")
    (order,) = state.orders.values()
    assert [line.subscription for line in order.lines] == [False, True]


def test_plans_that_are_not_there(client: FlaskClient, state: ShopState, mug: Variant) -> None:
    assert client.post("/cart/add.js", json={"id": mug.id, "selling_plan": 2}).status_code == 422
    client.post("/sandbox/shop", json={"sells_subscriptions": False})
    assert client.post("/cart/add.js", json={"id": mug.id, "selling_plan": 1}).status_code == 422


def test_an_order_tells_of_its_subscription(client: FlaskClient, query: Query, mug: Variant) -> None:
    fill(client, mug, plan=1)
    client.post("/checkout/pay")
    document = "{ orders(first: 1) { nodes { lineItems(first: 1) { nodes { sellingPlan { name } } } } } }"
    (order,) = query(document)["data"]["orders"]["nodes"]
    assert order["lineItems"]["nodes"] == [{"sellingPlan": {"name": "Delivered every month"}}]


def purchase(once: bool, subscription: bool) -> dict[str, bool]:
    return {"appliesOnOneTimePurchase": once, "appliesOnSubscription": subscription}


def five_off(**fields: Any) -> dict[str, Any]:
    return {"value": {"discountAmount": {"amount": "5.00"}}, "items": {"all": True}, **fields}


def test_a_code_for_one_way_of_buying_leaves_the_other_alone(
    client: FlaskClient, make: Make, mug: Variant
) -> None:
    made(make("basic", "ONCE", customerGets=five_off(**purchase(True, False))))
    shown = made(
        make("basic", "OFTEN", customerGets=five_off(**purchase(False, True)), recurringCycleLimit=3)
    )
    assert shown["recurringCycleLimit"] == 3
    assert shown["customerGets"] == purchase(False, True)
    fill(client, mug)
    assert "OFTEN is for subscriptions only" in refusal(client, "OFTEN")
    assert use(client, "ONCE")["total_discount"] == 500
    client.post("/cart/clear.js")
    fill(client, mug, plan=1)
    assert "ONCE is for one-time purchases only" in refusal(client, "ONCE")
    assert use(client, "OFTEN")["total_discount"] == 500


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({"customerGets": five_off(**purchase(False, False))}, "customerGets", "APPLIES_ON_NOTHING"),
        (
            {"customerGets": five_off(appliesOnSubscription=None)},
            "customerGets.appliesOnSubscription",
            "INVALID",
        ),
        (
            {"recurringCycleLimit": 3},
            "recurringCycleLimit",
            "MULTIPLE_RECURRING_CYCLE_LIMIT_FOR_NON_SUBSCRIPTION_ITEMS",
        ),
        ({"recurringCycleLimit": -1}, "recurringCycleLimit", "RECURRING_CYCLE_LIMIT_NOT_A_VALID_INTEGER"),
    ],
)
def test_ways_of_buying_that_are_refused(make: Make, fields: Any, path: str, code: str) -> None:
    assert errors(make("basic", **fields)) == [(f"basicCodeDiscount.{path}", code)]


def test_a_shop_without_subscriptions_knows_no_ways_of_buying(
    client: FlaskClient, make: Make, query: Query
) -> None:
    client.post("/sandbox/shop", json={"sells_subscriptions": False})
    shop = query("{ shop { features { sellsSubscriptions } } }")["data"]["shop"]
    assert shop["features"] == {"sellsSubscriptions": False}
    answer = make("basic", customerGets=five_off(appliesOnOneTimePurchase=True))
    assert errors(answer) == [("basicCodeDiscount.customerGets.appliesOnOneTimePurchase", "INVALID")]
    assert "Customer gets applies on one time purchase is not permitted" in answer["userErrors"][0]["message"]
    limit = make("basic", recurringCycleLimit=1)
    assert errors(limit) == [("basicCodeDiscount.recurringCycleLimit", "INVALID")]
    shipping = make("shipping", appliesOnSubscription=False)
    assert errors(shipping) == [("freeShippingCodeDiscount.appliesOnSubscription", "INVALID")]
    assert errors(make("basic")) == []


# -- free shipping ---------------------------------------------------------------------------------


def test_free_shipping_for_some_countries(client: FlaskClient, make: Make, mug: Variant) -> None:
    countries = {"add": ["DE", "FR"], "remove": ["FR"]}
    shown = made(make("shipping", destination={"countries": countries}))
    assert shown["destinationSelection"] == {"countries": ["DE"], "includeRestOfWorld": False}
    fill(client, mug)
    assert use(client, "CODE")["discount_codes"] == [{"code": "CODE", "applicable": True}]
    assert "isn&#39;t for shipping to US" in refusal(client, "CODE")
    client.post("/checkout/country", data={"country": "DE"})
    assert refusal(client, "CODE") == ""
    client.post("/checkout/country", data={"country": "FR"})
    assert "isn&#39;t for shipping to FR" in client.get("/checkout").text


def test_free_shipping_for_the_rest_of_the_world(client: FlaskClient, make: Make, mug: Variant) -> None:
    made(make("shipping", destination={"countries": {"add": ["DE"], "includeRestOfWorld": True}}))
    fill(client, mug)
    assert "isn&#39;t for shipping to US" in refusal(client, "CODE")
    client.post("/checkout/country", data={"country": "JP"})
    assert refusal(client, "CODE") == ""


def test_free_shipping_up_to_a_price(client: FlaskClient, make: Make, state: ShopState, mug: Variant) -> None:
    shown = made(make("shipping", maximumShippingPrice="5.99"))
    assert shown["maximumShippingPrice"] == {"amount": "5.99"}
    fill(client, mug)
    assert "is for shipping up to 5.99 USD" in refusal(client, "CODE")
    client.post("/sandbox/shop", json={"shipping_price": 599})
    assert refusal(client, "CODE") == ""
    client.post("/checkout/pay")
    (order,) = state.orders.values()
    assert (order.shipping_lines[0].discount, order.discount_codes[0].kind) == (599, "shipping")


def test_free_shipping_needs_something_to_ship(client: FlaskClient, make: Make, state: ShopState) -> None:
    made(make("shipping"))
    fill(client, state.product_by_handle("gift-card").variants[0])
    assert "doesn&#39;t apply to the items" in refusal(client, "CODE")


def test_free_shipping_for_one_way_of_buying(client: FlaskClient, make: Make, mug: Variant) -> None:
    assert made(make("shipping", **purchase(False, True)))["appliesOnSubscription"] is True
    fill(client, mug)
    assert "is for subscriptions only" in refusal(client, "CODE")
    fill(client, mug, plan=1)
    assert refusal(client, "CODE") == ""


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({"destination": {"all": True, "countries": {"add": ["DE"]}}}, "destination", "CONFLICT"),
        ({"destination": {"countries": {}}}, "destination.countries", "BLANK"),
        ({"maximumShippingPrice": "-1"}, "maximumShippingPrice", "GREATER_THAN_OR_EQUAL_TO"),
        (
            {"combinesWith": {"shippingDiscounts": True}},
            "combinesWith",
            "INVALID_COMBINES_WITH_FOR_DISCOUNT_CLASS",
        ),
        (purchase(False, False), "", "APPLIES_ON_NOTHING"),
    ],
)
def test_free_shipping_that_is_refused(make: Make, fields: Any, path: str, code: str) -> None:
    assert errors(make("shipping", **fields)) == [(f"freeShippingCodeDiscount.{path}".strip("."), code)]


# -- together --------------------------------------------------------------------------------------

ALL = {"orderDiscounts": True, "productDiscounts": True, "shippingDiscounts": True}


def test_classes_combine_when_both_sides_say_so(
    client: FlaskClient, make: Make, state: ShopState, mug: Variant, knife: Variant
) -> None:
    made(make("bxgy", "GIFT", combinesWith=ALL))
    made(make("basic", "ORDER", combinesWith=ALL))
    made(make("basic", "ALONE"))
    made(make("shipping", "SHIP", combinesWith=ALL | {"shippingDiscounts": False}))
    fill(client, mug, mug, knife)
    cart = use(client, "GIFT", "ORDER", "SHIP", "ALONE")
    assert [code["applicable"] for code in cart["discount_codes"]] == [True, True, True, False]
    assert cart["total_discount"] == knife.price + 500
    assert "can&#39;t be combined with GIFT" in refusal(client, "ALONE")
    client.post("/checkout/pay")
    (order,) = state.orders.values()
    assert {use.code for use in order.discount_codes} == {"GIFT", "ORDER", "SHIP"}


def test_one_product_discount_for_each_line_the_better_one(
    client: FlaskClient, make: Make, state: ShopState, mug: Variant, knife: Variant
) -> None:
    for code, share, variants in (("HALF", 0.5, [mug, knife]), ("TENTH", 0.1, [mug, knife])):
        ids = [gid("ProductVariant", variant) for variant in variants]
        items = {"products": {"productVariantsToAdd": ids}}
        gets = {"value": {"percentage": share}, "items": items}
        made(make("basic", code, customerGets=gets, combinesWith=ALL))
    fill(client, mug, knife)
    cart = use(client, "TENTH", "HALF")
    assert cart["total_discount"] == (mug.price + knife.price) // 2
    assert cart["discount_codes"] == [
        {"code": "TENTH", "applicable": False},
        {"code": "HALF", "applicable": True},
    ]
    assert "TENTH lowers no price further" in client.get("/checkout").text
    assert "TENTH lowers no price further" in refusal(client, "tenth")
    client.post("/checkout/pay")
    assert (state.codes["TENTH"].usage_count, state.codes["HALF"].usage_count) == (0, 1)


# -- later -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["basic", "shipping", "bxgy"])
def test_an_end_is_put_off(make: Make, query: Query, kind: str) -> None:
    node = make(kind, endsAt="2027-01-01T00:00:00Z")["codeDiscountNode"]
    assert node["codeDiscount"]["endsAt"] == "2027-01-01T00:00:00Z"
    answer = query(update_document(kind), id=node["id"], input={"endsAt": "2027-06-01T00:00:00Z"})
    changed = made(answer["data"]["made"])
    assert changed == node["codeDiscount"] | {"endsAt": "2027-06-01T00:00:00Z"}
    other = next(name for name in KINDS if name != kind)
    wrong = query(update_document(other), id=node["id"], input={"endsAt": None})["data"]["made"]
    assert errors(wrong) == [("id", "INVALID")]


def test_a_product_that_is_deleted_leaves_the_discounts(
    client: FlaskClient, query: Query, make: Make, state: ShopState, mug: Variant, knife: Variant
) -> None:
    node = make("bxgy")["codeDiscountNode"]
    delete = "mutation($id: ID!) { productDelete(input: {id: $id}) { deletedProductId } }"
    query(delete, id=f"gid://shopify/Product/{knife.product_id}")
    discount = state.discounts[number(node["id"])]
    assert (discount.items.product_ids, discount.items.are_all) == ([], False)
    fill(client, mug, mug)
    assert "is for an item that isn&#39;t in your cart" in refusal(client, "CODE")


def test_variants_that_are_replaced_and_collections_that_are_deleted_leave_too(
    query: Query, make: Make, state: ShopState, mug: Variant
) -> None:
    items = {"products": {"productVariantsToAdd": [gid("ProductVariant", mug)]}}
    value = {"percentage": 0.5}
    scoped = make("basic", "VARIANT", customerGets={"value": value, "items": items})["codeDiscountNode"]
    bought = make("bxgy")["codeDiscountNode"]
    replace = """mutation($id: ID!) { productSet(identifier: {id: $id},
      input: {variants: [{price: 1, optionValues: [{optionName: "Size", name: "S"}]}]}) {
        userErrors { message } } }"""
    answer = query(replace, id=f"gid://shopify/Product/{mug.product_id}")
    assert answer["data"]["productSet"]["userErrors"] == []
    assert mug.id not in state.variants
    assert state.discounts[number(scoped["id"])].items.variant_ids == []
    delete = "mutation($id: ID!) { collectionDelete(input: {id: $id}) { deletedCollectionId } }"
    query(delete, id=gid("Collection", state.collection_by_handle("cups")))
    buys = state.discounts[number(bought["id"])].buys
    assert buys is not None
    assert (buys.items.collection_ids, buys.items.are_all) == ([], False)


def test_a_code_is_paid_for_as_it_was_shown(world: World, state: ShopState, make: Make, mug: Variant) -> None:
    """What no longer applies stops the checkout instead of raising the price."""
    made(make("shipping", maximumShippingPrice="6.00"))
    with world.change():
        session = world.new_session(state)
        commerce.add_to_cart(world, state, session, mug.id)
        assert commerce.add_code(world, state, session, "CODE").ok
        state.shop.shipping_price = 700
        with pytest.raises(commerce.CheckoutRefused, match=r"up to 6\.00 USD"):
            commerce.checkout(world, state, session)
