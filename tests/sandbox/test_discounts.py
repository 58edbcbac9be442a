"""Which codes apply in the checkout, and how discounts are made by the API."""

from datetime import timedelta
from typing import Any

import pytest

from sandbox import commerce, totals
from sandbox.model import CartLine, Customer, Discount, Items, RedeemCode, Session
from sandbox.world import ShopState, World
from tests.sandbox.conftest import Query

CREATE = """
mutation($input: DiscountCodeBasicInput!) {
  discountCodeBasicCreate(basicCodeDiscount: $input) {
    codeDiscountNode { id }
    userErrors { field code }
  }
}"""
FIVE_OFF = {
    "title": "Five off",
    "code": "FIVE-OFF",
    "startsAt": "2026-01-01T00:00:00Z",
    "context": {"all": "ALL"},
    "customerGets": {"value": {"discountAmount": {"amount": "5.00"}}, "items": {"all": True}},
}


def create(query: Query, **changes: Any) -> list[dict[str, Any]]:
    answer = query(CREATE, input={k: v for k, v in (FIVE_OFF | changes).items() if v is not None})
    return answer["data"]["discountCodeBasicCreate"]["userErrors"]


def node_id(state: ShopState, code: str) -> str:
    discount = state.discount_by_code(code)
    assert discount is not None
    return f"gid://shopify/DiscountCodeNode/{discount.id}"


@pytest.mark.parametrize("name", ["title", "code", "startsAt", "context", "customerGets"])
def test_what_the_schema_lets_be_null_is_needed_all_the_same(query: Query, name: str) -> None:
    assert create(query, **{name: None}) == [{"field": ["basicCodeDiscount", name], "code": "BLANK"}]


def test_a_code_is_taken_whatever_its_case(query: Query) -> None:
    assert create(query) == []
    assert create(query, code="five-off") == [{"field": ["basicCodeDiscount", "code"], "code": "TAKEN"}]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"endsAt": "2025-01-01T00:00:00Z"}, "END_DATE_BEFORE_START_DATE"),
        ({"customerGets": {"value": {"percentage": 10}, "items": {"all": True}}}, "VALUE_OUTSIDE_RANGE"),
        ({"customerGets": {"value": {"discountAmount": {"amount": "0"}}}}, "GREATER_THAN"),
        ({"context": {"customers": {"add": ["gid://shopify/Customer/1"]}}}, "INVALID"),
        ({"usageLimit": 0}, "GREATER_THAN"),
    ],
)
def test_what_makes_no_sense_is_refused(query: Query, changes: dict[str, Any], code: str) -> None:
    assert [error["code"] for error in create(query, **changes)] == [code]


def test_deactivating_ends_the_discount_now(query: Query, state: ShopState) -> None:
    create(query)
    off = "mutation($id: ID!) { discountCodeDeactivate(id: $id) { userErrors { code } } }"
    query(off, id=node_id(state, "FIVE-OFF"))
    fields = "codeDiscount { ... on DiscountCodeBasic { status } }"
    found = query(f'{{ codeDiscountNodeByCode(code: "five-off") {{ {fields} }} }}')
    assert found["data"]["codeDiscountNodeByCode"]["codeDiscount"] == {"status": "EXPIRED"}


# -- in the checkout -------------------------------------------------------------------------------


@pytest.fixture
def ada(state: ShopState) -> Customer:
    return next(c for c in state.customers.values() if c.first_name == "Ada")


@pytest.fixture
def session(world: World, state: ShopState) -> Session:
    with world.change():
        session = world.new_session(state)
        variant = state.product_by_handle("dune-mug").variants[0]  # 18.00
        commerce.add_to_cart(world, state, session, variant.id, 2)
    return session


def add(world: World, state: ShopState, code: str = "CODE", uses: int = 0, **fields: Any) -> RedeemCode:
    now = world.now()
    discount = Discount(
        world.new_id(), "basic", code, now - timedelta(days=1), None, now, now, 1, value_amount=500
    )
    for name, value in fields.items():
        setattr(discount, name, value)
    made = RedeemCode(world.new_id(), discount.id, code, now, uses)
    with world.change():
        world.save(state, discount)
        world.save(state, made)
    return made


def reason(world: World, state: ShopState, session: Session, code: str = "CODE") -> str:
    with world.change():
        return commerce.add_code(world, state, session, code).reason


def test_a_fitting_code_is_taken_off_and_counted_once_paid(
    world: World, state: ShopState, session: Session, ada: Customer
) -> None:
    code = add(world, state, usage_limit=1, customer_ids=[ada.id])
    assert "sign in" in reason(world, state, session)
    with world.change():
        commerce.sign_in(world, state, session, ada.id)
    assert reason(world, state, session, "code") == ""
    with world.change():
        order = commerce.checkout(world, state, session)
    assert [(use.code, use.amount, use.kind) for use in order.discount_codes] == [
        ("CODE", 500, "fixed_amount")
    ]
    assert (totals.subtotal(order), totals.financial_status(order)) == (3100, "paid")
    assert (code.usage_count, code.used_by, session.cart) == (1, [ada.id], [])
    with world.change():
        commerce.add_to_cart(world, state, session, order.lines[0].variant_id or 0)
    assert "usage limit" in reason(world, state, session)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"customer_ids": [1]}, "sign in"),
        ({"minimum_subtotal": 3601}, "36.01"),
        ({"minimum_quantity": 3}, "3 items"),
        ({"items": Items(product_ids=[1])}, "doesn't apply"),
        ({"usage_limit": 2, "uses": 2}, "usage limit"),
    ],
)
def test_a_code_that_does_not_fit_says_why(
    world: World, state: ShopState, session: Session, fields: dict[str, Any], words: str
) -> None:
    add(world, state, **fields)
    assert words in reason(world, state, session)
    assert session.codes == []


def test_dates_and_unknown_codes(world: World, state: ShopState, session: Session) -> None:
    now = world.now()
    add(world, state, "OVER", ends_at=now - timedelta(seconds=1))
    add(world, state, "SOON", starts_at=now + timedelta(hours=1))
    assert "ended" in reason(world, state, session, "OVER")
    assert "yet" in reason(world, state, session, "SOON")
    assert "valid" in reason(world, state, session, "NOPE")


def test_two_codes_go_together_only_when_both_say_so(
    world: World, state: ShopState, session: Session
) -> None:
    add(world, state, "ONE", combines_with_order=True)
    add(world, state, "TWO")
    add(world, state, "THREE", combines_with_order=True)
    assert reason(world, state, session, "ONE") == ""
    assert "combined" in reason(world, state, session, "TWO")
    assert reason(world, state, session, "THREE") == ""
    with world.change():
        priced = commerce.price_cart(world, state, session.cart, None, session.codes)
    assert (priced.line_discount, priced.subtotal) == (1000, 2600)


def test_a_percentage_of_a_collection_leaves_the_rest_alone(world: World, state: ShopState) -> None:
    cups = state.collection_by_handle("cups")
    add(world, state, value_amount=None, value_percentage="0.5", items=Items(collection_ids=[cups.id]))
    mug = state.product_by_handle("dune-mug").variants[0]
    knife = state.product_by_handle("bread-knife").variants[0]
    cart = [CartLine(mug.id, 1), CartLine(knife.id, 1)]
    with world.change():
        priced = commerce.price_cart(world, state, cart, None, ["CODE"])
    assert [line.discount for line in priced.lines] == [900, 0]


def test_a_code_that_was_used_meanwhile_stops_the_checkout(
    world: World, state: ShopState, session: Session
) -> None:
    code = add(world, state, usage_limit=1)
    reason(world, state, session)
    code.usage_count = 1
    with world.change(), pytest.raises(commerce.CheckoutRefused, match="usage limit"):
        commerce.checkout(world, state, session)
    assert state.orders == {}
