"""Store credit: given and taken by apps, spent by shoppers, reverted by refunds, ended by time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox import order_payloads
from sandbox.model import Customer, Order
from sandbox.store import Store
from sandbox.world import ShopState, World

from .conftest import Query, call, number
from .shop import sign_in

CREDIT = """
mutation($id: ID!, $input: StoreCreditAccountCreditInput!) {
  made: storeCreditAccountCredit(id: $id, creditInput: $input) {
    storeCreditAccountTransaction {
      amount { amount } balanceAfterTransaction { amount } account { id }
      ... on StoreCreditAccountCreditTransaction { id expiresAt remainingAmount { amount } }
    }
    userErrors { field code }
  }
}"""
DEBIT = """
mutation($id: ID!, $input: StoreCreditAccountDebitInput!) {
  made: storeCreditAccountDebit(id: $id, debitInput: $input) {
    storeCreditAccountTransaction { amount { amount } balanceAfterTransaction { amount } }
    userErrors { field code }
  }
}"""
ACCOUNT = """
query($id: ID!, $query: String) { storeCreditAccount(id: $id) {
  balance { amount currencyCode } owner { ... on Customer { id } }
  transactions(first: 50, reverse: true, query: $query) { nodes {
    __typename amount { amount } balanceAfterTransaction { amount } event
    ... on StoreCreditAccountCreditTransaction { id remainingAmount { amount } }
    ... on StoreCreditAccountDebitTransaction { id }
    ... on StoreCreditAccountDebitRevertTransaction { id debitTransaction { id } }
    ... on StoreCreditAccountExpirationTransaction { creditTransaction { id } }
  } }
} }"""
AMOUNT = "creditInput.creditAmount.amount"
START = datetime(2026, 11, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World(Store(None), now=lambda: clock.now)


@pytest.fixture
def ada(state: ShopState) -> Customer:
    return next(c for c in state.customers.values() if c.first_name == "Ada")


def gid(customer: Customer) -> str:
    return f"gid://shopify/Customer/{customer.id}"


def money(amount: str, currency: str = "USD") -> dict[str, str]:
    return {"amount": amount, "currencyCode": currency}


def credit(query: Query, who: str, amount: str, expires: datetime | None = None, **more: Any) -> Any:
    given = {"creditAmount": money(amount), "expiresAt": expires.isoformat() if expires else None}
    return query(CREDIT, id=who, input=given | more)["data"]["made"]


def debit(query: Query, account: str, amount: str, currency: str = "USD") -> Any:
    return query(DEBIT, id=account, input={"debitAmount": money(amount, currency)})["data"]["made"]


def account_of(query: Query, customer: Customer, amount: str = "20.00") -> str:
    made = credit(query, gid(customer), amount)
    assert made["userErrors"] == []
    return made["storeCreditAccountTransaction"]["account"]["id"]


def look(query: Query, account: str, search: str | None = None) -> Any:
    return query(ACCOUNT, id=account, query=search)["data"]["storeCreditAccount"]


# -- by apps ---------------------------------------------------------------------------------------


def test_credit_goes_to_a_customer_or_an_account(query: Query, ada: Customer) -> None:
    made = credit(query, gid(ada), "12.50")["storeCreditAccountTransaction"]
    assert (made["balanceAfterTransaction"], made["remainingAmount"]) == (
        {"amount": "12.5"},
        {"amount": "12.5"},
    )
    account = made["account"]["id"]
    again = credit(query, account, "1.00")["storeCreditAccountTransaction"]
    assert (again["balanceAfterTransaction"], again["account"]["id"]) == ({"amount": "13.5"}, account)
    accounts = 'storeCreditAccounts(first: 2, query: "currency_code:USD") { nodes { id balance { amount } } }'
    document = f"query($id: ID!) {{ customer(id: $id) {{ {accounts} }} }}"
    found = query(document, id=gid(ada))["data"]["customer"]["storeCreditAccounts"]["nodes"]
    assert found == [{"id": account, "balance": {"amount": "13.5"}}]


def test_newest_first_with_ids_that_grow(query: Query, ada: Customer) -> None:
    """Even within one second."""
    account = account_of(query, ada, "1.00")
    for amount in ("2.00", "3.00"):
        credit(query, account, amount)
    debit(query, account, "4.00")
    found = look(query, account)
    assert [one["amount"]["amount"] for one in found["transactions"]["nodes"]] == [
        "-4.0",
        "3.0",
        "2.0",
        "1.0",
    ]
    ids = [number(one["id"]) for one in found["transactions"]["nodes"]]
    assert ids == sorted(ids, reverse=True)
    assert (found["balance"]["amount"], found["owner"]["id"]) == ("2.0", gid(ada))
    (taken,) = look(query, account, "type:debit")["transactions"]["nodes"]
    assert (taken["__typename"], taken["event"]) == ("StoreCreditAccountDebitTransaction", "ADJUSTMENT")


@pytest.mark.parametrize(
    ("who", "given", "field", "code"),
    [
        ("gid://shopify/Customer/1", {}, "id", "OWNER_NOT_FOUND"),
        ("gid://shopify/StoreCreditAccount/1", {}, "id", "ACCOUNT_NOT_FOUND"),
        (None, {"creditAmount": money("0")}, "creditInput.creditAmount.amount", "NEGATIVE_OR_ZERO_AMOUNT"),
        (
            None,
            {"creditAmount": money("100000.01")},
            "creditInput.creditAmount.amount",
            "CREDIT_LIMIT_EXCEEDED",
        ),
        (
            None,
            {"creditAmount": money("1", "EUR")},
            "creditInput.creditAmount.currencyCode",
            "UNSUPPORTED_CURRENCY",
        ),
        (None, {"expiresAt": START.isoformat()}, "creditInput.expiresAt", "EXPIRES_AT_IN_PAST"),
    ],
)
def test_credit_that_is_refused(
    query: Query, ada: Customer, who: str | None, given: dict[str, Any], field: str, code: str
) -> None:
    answer = credit(query, who or gid(ada), "1.00", **given)
    assert answer == {
        "storeCreditAccountTransaction": None,
        "userErrors": [{"field": field.split("."), "code": code}],
    }


def test_credit_and_debit_of_an_account_are_in_its_currency(query: Query, ada: Customer) -> None:
    account = account_of(query, ada)
    answer = credit(query, account, "1", creditAmount=money("1", "EUR"))
    assert [error["code"] for error in answer["userErrors"]] == ["MISMATCHING_CURRENCY"]
    assert [e["code"] for e in debit(query, account, "1", "EUR")["userErrors"]] == ["MISMATCHING_CURRENCY"]


def test_debit_that_is_refused(query: Query, ada: Customer) -> None:
    assert [e["code"] for e in debit(query, gid(ada), "1")["userErrors"]] == ["ACCOUNT_NOT_FOUND"]
    account = account_of(query, ada, "5.00")
    for amount, code in (("5.01", "INSUFFICIENT_FUNDS"), ("-1", "NEGATIVE_OR_ZERO_AMOUNT")):
        assert [e["code"] for e in debit(query, account, amount)["userErrors"]] == [code]
    assert debit(query, gid(ada), "5.00")["userErrors"] == []


def test_scopes_are_needed(client: FlaskClient, query: Query, app_token: str, ada: Customer) -> None:
    given = {"creditAmount": money("1")}
    answer = query(CREDIT, app_token, id=gid(ada), input=given)
    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


@pytest.mark.parametrize("fault", ["timeout_after_work", "cut", "late_create"])
def test_credit_that_was_given_without_an_answer_is_found(
    client: FlaskClient, query: Query, app_token: str, state: ShopState, ada: Customer, fault: str
) -> None:
    """What the caller sees is no answer; the account says what happened."""
    state.installation.scopes += ["write_store_credit_account_transactions", "read_store_credit_accounts"]
    wanted = {"operation": "storeCreditAccountCredit", "fault": fault, "times": 1, "seconds": 0.05}
    client.post("/sandbox/faults", json={"operations": [wanted]})
    variables = {"id": gid(ada), "input": {"creditAmount": money("7.00")}}
    call(client, app_token, CREDIT, variables)
    for _ in range(200):
        if state.store_credit:
            break
        time.sleep(0.01)
    (account,) = state.store_credit.values()
    assert [one.amount for one in account.transactions] == [700]
    assert call(client, app_token, CREDIT, variables).json["data"]["made"]["userErrors"] == []
    assert [one.amount for one in account.transactions] == [700, 700]  # no key: twice is twice


# -- in time ---------------------------------------------------------------------------------------


def test_what_is_not_spent_of_a_credit_ends_with_it(query: Query, ada: Customer, clock: Clock) -> None:
    account = account_of(query, ada, "10.00")
    credit(query, account, "5.00", START + timedelta(days=2))
    credit(query, account, "3.00", START + timedelta(days=1))
    debit(query, account, "4.00")  # 3 of the soonest, 1 of the next
    clock.now = START + timedelta(days=2)
    found = look(query, account)
    assert found["balance"]["amount"] == "10.0"
    (over,) = look(query, account, "type:expiration")["transactions"]["nodes"]
    assert (over["__typename"], over["amount"]["amount"]) == (
        "StoreCreditAccountExpirationTransaction",
        "-4.0",
    )
    credits = look(query, account, "type:credit")["transactions"]["nodes"]
    assert [one["remainingAmount"]["amount"] for one in credits] == ["0.0", "4.0", "10.0"]
    assert over["creditTransaction"]["id"] == credits[1]["id"]
    assert [e["code"] for e in debit(query, account, "10.01")["userErrors"]] == ["INSUFFICIENT_FUNDS"]


# -- at the checkout -------------------------------------------------------------------------------


def fill_cart(client: FlaskClient, state: ShopState) -> None:
    product = state.product_by_handle("dune-mug")
    assert product is not None
    client.post("/cart/add.js", json={"id": product.variants[0].id})


def buy(client: FlaskClient, state: ShopState) -> Order:
    fill_cart(client, state)
    client.post("/checkout/store-credit", data={"use": "1"})
    client.post("/checkout/pay")
    return max(state.orders.values(), key=lambda order: order.number)


def paid(order: Order) -> dict[str, int]:
    return {one.gateway: one.amount for one in order.transactions}


def test_it_is_spent_when_the_customer_chooses_so(
    client: FlaskClient, query: Query, state: ShopState, ada: Customer
) -> None:
    account = account_of(query, ada, "20.00")
    sign_in(client, ada)
    fill_cart(client, state)
    client.post("/checkout/pay")
    (without,) = state.orders.values()
    assert set(paid(without)) == {"sandbox_card"}
    assert "Store credit: $20.00" in client.get("/account").text
    order = buy(client, state)
    assert paid(order)["shopify_store_credit"] == 2000
    assert sum(paid(order).values()) > 2000
    found = look(query, account)
    assert found["balance"]["amount"] == "0.0"
    assert found["transactions"]["nodes"][0]["event"] == "ORDER_PAYMENT"
    assert "Store credit" not in client.get("/account").text


def test_the_whole_order_may_come_from_it(
    client: FlaskClient, query: Query, state: ShopState, ada: Customer
) -> None:
    account_of(query, ada, "100.00")
    sign_in(client, ada)
    order = buy(client, state)
    assert set(paid(order)) == {"shopify_store_credit"}
    assert order_payloads.order(state, order)["payment_gateway_names"] == ["shopify_store_credit"]


def test_a_guest_has_none_and_a_shop_may_have_it_off(
    client: FlaskClient, query: Query, state: ShopState, ada: Customer
) -> None:
    account_of(query, ada)
    assert set(paid(buy(client, state))) == {"sandbox_card"}
    sign_in(client, ada)
    client.post("/sandbox/shop", json={"store_credit": False})
    enabled = query("{ storeCreditConfiguration { storeCreditEnabled } }")["data"]
    assert enabled == {"storeCreditConfiguration": {"storeCreditEnabled": False}}
    assert set(paid(buy(client, state))) == {"sandbox_card"}
    assert client.post("/sandbox/shop", json={"store_credit": "no"}).status_code == 400


def test_what_ended_is_not_spent(
    client: FlaskClient, query: Query, state: ShopState, ada: Customer, clock: Clock
) -> None:
    credit(query, gid(ada), "20.00", START + timedelta(hours=1))
    sign_in(client, ada)
    clock.now = START + timedelta(hours=1)
    assert set(paid(buy(client, state))) == {"sandbox_card"}


def test_a_refund_gives_back_to_where_it_came_from(
    client: FlaskClient, query: Query, state: ShopState, ada: Customer
) -> None:
    account = account_of(query, ada, "10.00")
    sign_in(client, ada)
    order = buy(client, state)
    client.post(f"/admin/orders/{order.id}/refund", data={"amount": "1.00"})
    assert order.refunds[0].transactions[0].gateway == "sandbox_card"  # what was paid last goes back first
    client.post(f"/admin/orders/{order.id}/cancel")
    found = look(query, account)
    assert found["balance"]["amount"] == "10.0"
    back, spent = found["transactions"]["nodes"][:2]
    assert (back["__typename"], back["event"]) == ("StoreCreditAccountDebitRevertTransaction", "ORDER_REFUND")
    assert back["debitTransaction"]["id"] == spent["id"]
    books = client.get("/sandbox/books").json
    assert books["store_credit"] == [{"customer_id": ada.id, "balance": 1000}]
    assert "$10.00" in client.get(f"/admin/customers/{ada.id}").text
