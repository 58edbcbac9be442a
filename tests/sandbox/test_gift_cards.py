"""Gift cards: made by apps with the scope, redeemed by whoever has the code."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox.model import Customer, GiftCard, Order
from sandbox.world import ShopState

from .conftest import Query, call
from .shop import sign_in

FIELDS = """id balance { amount } initialValue { amount currencyCode } enabled lastCharacters maskedCode note
  expiresOn customer { id }"""
CREATE = f"""mutation($input: GiftCardCreateInput!) {{
  made: giftCardCreate(input: $input) {{
    giftCard {{ {FIELDS} }} giftCardCode userErrors {{ field code message }} }} }}"""
UPDATE = f"""mutation($id: ID!, $input: GiftCardUpdateInput!) {{
  made: giftCardUpdate(id: $id, input: $input) {{
    giftCard {{ {FIELDS} }} userErrors {{ field message }} }} }}"""
DEACTIVATE = """mutation($id: ID!) {
  made: giftCardDeactivate(id: $id) { giftCard { enabled deactivatedAt } userErrors { field code } } }"""
CODE = "thanks2026abcd"


@pytest.fixture
def ada(state: ShopState) -> Customer:
    return next(c for c in state.customers.values() if c.first_name == "Ada")


def create(query: Query, code: str | None = CODE, amount: str = "25.00", **fields: Any) -> dict[str, Any]:
    usual = {"code": code, "initialAmount": {"amount": amount, "currencyCode": "USD"}}
    return query(CREATE, input=usual | fields)["data"]["made"]


def made(query: Query, code: str = CODE, amount: str = "25.00", **fields: Any) -> dict[str, Any]:
    answer = create(query, code, amount, **fields)
    assert answer["userErrors"] == []
    return answer["giftCard"]


# -- by apps ---------------------------------------------------------------------------------------


def test_a_card_is_made_found_and_shown(query: Query, ada: Customer) -> None:
    owner = f"gid://shopify/Customer/{ada.id}"
    answer = create(query, "Thanks-2026-ABCD", customerId=owner, note="Reward 7", expiresOn="2099-12-31")
    assert answer["giftCardCode"] == CODE
    card = answer["giftCard"]
    assert card == {
        "id": card["id"], "balance": {"amount": "25.0"}, "enabled": True, "note": "Reward 7",
        "initialValue": {"amount": "25.0", "currencyCode": "USD"}, "lastCharacters": "abcd",
        "maskedCode": "•••• •••• •••• abcd", "expiresOn": "2099-12-31", "customer": {"id": owner},
    }  # fmt: skip
    by_id = query(f"query($id: ID!) {{ giftCard(id: $id) {{ {FIELDS} }} }}", id=card["id"])
    assert by_id["data"]["giftCard"] == card
    assert create(query, None)["giftCardCode"] != CODE


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (CODE, 1),
        ("nothing", 0),
        ("Okafor", 1),
        ("status:enabled balance_status:full", 2),
        ("status:disabled OR status:expired", 0),
        ("initial_value:>=100", 0),
        ("source:api_client expires_on:>=2099-01-01", 1),
    ],
)
def test_cards_are_searched_for(query: Query, ada: Customer, search: str, found: int) -> None:
    made(query, customerId=f"gid://shopify/Customer/{ada.id}", expiresOn="2099-12-31")
    made(query, "another1card")
    document = """query($query: String) {
      giftCards(first: 5, query: $query) { nodes { id } } giftCardsCount(query: $query) { count } }"""
    data = query(document, query=search)["data"]
    assert (len(data["giftCards"]["nodes"]), data["giftCardsCount"]["count"]) == (found, found)


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"code": "THANKS-2026-ABCD"}, "input.code", "TAKEN"),
        ({"code": "short77"}, "input.code", "TOO_SHORT"),
        ({"code": "a" * 21}, "input.code", "TOO_LONG"),
        ({"code": "thanks_2026"}, "input.code", "INVALID"),
        ({"initialAmount": None}, "input.initialAmount", "MISSING_ARGUMENT"),
        ({"amount": "0"}, "input.initialAmount.amount", "GREATER_THAN"),
        ({"amount": "2000.01"}, "input.initialAmount.amount", "GIFT_CARD_LIMIT_EXCEEDED"),
        (
            {"initialAmount": {"amount": "1", "currencyCode": "EUR"}},
            "input.initialAmount.currencyCode",
            "INVALID",
        ),
        ({"customerId": "gid://shopify/Customer/1"}, "input.customerId", "CUSTOMER_NOT_FOUND"),
        ({"expiresOn": "2020-01-01"}, "input.expiresOn", "INVALID"),
    ],
)
def test_cards_that_are_refused(query: Query, fields: dict[str, Any], field: str, code: str) -> None:
    made(query)
    (error,) = create(query, **({"code": "fresh4card"} | fields))["userErrors"]
    assert (".".join(error["field"]), error["code"]) == (field, code)
    limit = query("{ giftCardConfiguration { issueLimit { amount } } }")["data"]["giftCardConfiguration"]
    assert limit == {"issueLimit": {"amount": "2000.0"}}


def test_a_day_is_a_day(query: Query) -> None:
    answer = query(CREATE, input={"code": CODE, "expiresOn": "next year"})
    assert "is not a date" in answer["errors"][0]["message"]


def test_an_end_is_put_off_and_a_card_switched_off_for_good(query: Query, ada: Customer) -> None:
    card = made(query, expiresOn="2099-01-01", customerId=f"gid://shopify/Customer/{ada.id}")
    changed = query(UPDATE, id=card["id"], input={"expiresOn": "2099-06-01"})["data"]["made"]
    assert changed["giftCard"] == card | {"expiresOn": "2099-06-01"}
    stranger = query(UPDATE, id=card["id"], input={"customerId": "gid://shopify/Customer/1"})["data"]["made"]
    assert stranger["userErrors"][0]["field"] == ["input", "customerId"]
    for _ in range(2):
        off = query(DEACTIVATE, id=card["id"])["data"]["made"]
        assert off["giftCard"]["enabled"] is False
        assert off["giftCard"]["deactivatedAt"]
    late = query(UPDATE, id=card["id"], input={"note": "x"})["data"]["made"]
    assert late["userErrors"] == [{"field": ["id"], "message": "The gift card is deactivated."}]
    gone = query(DEACTIVATE, id="gid://shopify/GiftCard/1")["data"]["made"]
    assert gone["userErrors"] == [{"field": ["id"], "code": "GIFT_CARD_NOT_FOUND"}]


def test_the_scope_is_needed(query: Query, app_token: str, state: ShopState, ada: Customer) -> None:
    answer = query(CREATE, app_token, input={"code": CODE})
    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    answer = query("{ giftCards(first: 1) { nodes { id } } }", app_token)
    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    state.installation.scopes = ["write_gift_cards"]
    amount = {"amount": "1", "currencyCode": "USD"}
    bare = CREATE.replace("customer { id }", "")
    assert query(bare, app_token, input={"initialAmount": amount})["data"]["made"]["userErrors"] == []
    given = {"initialAmount": amount, "customerId": f"gid://shopify/Customer/{ada.id}"}
    answer = query(bare, app_token, input=given)
    assert "write_customers" in answer["errors"][0]["message"]


def test_a_card_that_was_made_without_an_answer_is_taken(
    client: FlaskClient, query: Query, app_token: str, state: ShopState
) -> None:
    """So a code of the caller's own tells a retry what happened."""
    state.installation.scopes = ["write_gift_cards", "read_customers"]
    wanted = {"operation": "giftCardCreate", "fault": "cut", "times": 1}
    client.post("/sandbox/faults", json={"operations": [wanted]})
    variables = {"input": {"code": CODE, "initialAmount": {"amount": "5", "currencyCode": "USD"}}}
    assert call(client, app_token, CREATE, variables).get_json(silent=True) is None
    again = call(client, app_token, CREATE, variables).json["data"]["made"]
    assert [error["code"] for error in again["userErrors"]] == ["TAKEN"]
    assert len(state.gift_cards) == 1


def test_the_accident_taken_is_that_of_the_call(
    client: FlaskClient, app_token: str, state: ShopState
) -> None:
    state.installation.scopes = ["write_gift_cards", "read_customers"]
    client.post("/sandbox/faults", json={"operations": [{"operation": "giftCardCreate", "fault": "taken"}]})
    answer = call(client, app_token, CREATE, {"input": {}}).json["data"]["made"]
    assert (answer["giftCard"], answer["giftCardCode"]) == (None, None)
    assert [error["field"] for error in answer["userErrors"]] == [["input", "code"]]


# -- at the checkout -------------------------------------------------------------------------------


def fill_cart(client: FlaskClient, state: ShopState) -> None:
    product = state.product_by_handle("dune-mug")
    assert product is not None
    client.post("/cart/add.js", json={"id": product.variants[0].id})


def pay(client: FlaskClient, state: ShopState) -> Order:
    assert client.post("/checkout/pay").status_code == 303
    return max(state.orders.values(), key=lambda order: order.number)


def card_of(state: ShopState, code: str = CODE) -> GiftCard:
    card = state.gift_card_by_code(code)
    assert card is not None
    return card


def test_cards_pay_as_much_as_they_have(client: FlaskClient, query: Query, state: ShopState) -> None:
    made(query, amount="5.00")
    made(query, "second2card", "100.00")
    fill_cart(client, state)
    for code in (CODE.upper(), "second2card"):
        assert client.post("/checkout/gift-card", data={"code": code}).status_code == 303
    assert "•••• abcd" in client.get("/checkout").text
    order = pay(client, state)
    amounts = [one.amount for one in order.transactions]
    assert {one.gateway for one in order.transactions} == {"gift_card"}
    assert amounts[0] == 500
    assert [card_of(state).balance, card_of(state, "second2card").balance] == [0, 10_000 - amounts[1]]
    found = query('{ giftCards(first: 5, query: "balance_status:empty") { nodes { lastCharacters } } }')
    assert found["data"]["giftCards"]["nodes"] == [{"lastCharacters": "abcd"}]


def test_the_rest_is_paid_otherwise_and_a_refund_fills_the_card(
    client: FlaskClient, query: Query, state: ShopState
) -> None:
    made(query, amount="5.00")
    fill_cart(client, state)
    client.post("/checkout/gift-card", data={"code": CODE})
    order = pay(client, state)
    assert [one.gateway for one in order.transactions] == ["gift_card", "sandbox_card"]
    assert card_of(state).balance == 0
    client.post(f"/admin/orders/{order.id}/cancel")
    assert card_of(state).balance == 500
    assert client.get("/sandbox/books").json["gift_cards"][0]["balance"] == 500


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"deactivated_at": "now"}, "ends in abcd was deactivated"),
        ({"expires_on": "2020-01-01"}, "ends in abcd has expired"),
        ({"balance": 0}, "ends in abcd is used up"),
        ({"code": "anothercode"}, "There is no gift card with this code"),
    ],
)
def test_cards_that_cannot_be_used_say_why(
    client: FlaskClient, query: Query, state: ShopState, change: dict[str, Any], words: str
) -> None:
    made(query)
    card = card_of(state)
    for name, value in change.items():
        setattr(card, name, value)
    fill_cart(client, state)
    answer = client.post("/checkout/gift-card", data={"code": CODE})
    assert answer.status_code == 422
    assert words in answer.text
    assert {one.gateway for one in pay(client, state).transactions} == {"sandbox_card"}


def test_a_card_that_was_used_meanwhile_stops_the_checkout(
    client: FlaskClient, query: Query, state: ShopState
) -> None:
    made(query)
    fill_cart(client, state)
    client.post("/checkout/gift-card", data={"code": CODE})
    card_of(state).balance = 0
    answer = client.post("/checkout/pay")
    assert (answer.status_code, "is used up" in answer.text) == (422, True)
    assert state.orders == {}
    assert {one.gateway for one in pay(client, state).transactions} == {"sandbox_card"}


def test_a_card_is_taken_back_out(client: FlaskClient, query: Query, state: ShopState) -> None:
    made(query)
    fill_cart(client, state)
    client.post("/checkout/gift-card", data={"code": CODE})
    client.post("/checkout/gift-card", data={"remove": str(card_of(state).id)})
    assert {one.gateway for one in pay(client, state).transactions} == {"sandbox_card"}


def test_store_credit_comes_before_gift_cards(
    client: FlaskClient, query: Query, state: ShopState, ada: Customer
) -> None:
    made(query, amount="100.00")
    given = "creditInput: {creditAmount: {amount: 4, currencyCode: USD}}"
    mutation = f"storeCreditAccountCredit(id: $id, {given})"
    query(
        f"mutation($id: ID!) {{ {mutation} {{ userErrors {{ code }} }} }}",
        id=f"gid://shopify/Customer/{ada.id}",
    )
    sign_in(client, ada)
    fill_cart(client, state)
    client.post("/checkout/gift-card", data={"code": CODE})
    client.post("/checkout/store-credit", data={"use": "1"})
    order = pay(client, state)
    assert [one.gateway for one in order.transactions] == ["shopify_store_credit", "gift_card"]
    page = client.get("/admin/gift-cards").text
    assert CODE in page
    assert "Usable" in page
