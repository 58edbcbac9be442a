"""Bulk operations answer everything as JSON lines, whatever the size of a page."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from sandbox.api import bulk
from sandbox.world import ShopState
from tests.sandbox.conftest import Query

RUN = """
mutation($query: String!) {
  bulkOperationRunQuery(query: $query) { bulkOperation { id status } userErrors { code message } }
}"""
ASK = "query($id: ID!) { bulkOperation(id: $id) { status errorCode objectCount rootObjectCount url } }"
EVERYTHING = "{ orders { edges { node { id name lineItems { edges { node { id quantity } } } } } } }"


def run(query: Query, document: str) -> dict[str, Any]:
    return query(RUN, query=document)["data"]["bulkOperationRunQuery"]


def finished(query: Query, operation: str, status: str = "COMPLETED") -> dict[str, Any]:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        answer = query(ASK, id=operation)["data"]["bulkOperation"]
        if answer["status"] == status:
            return answer
        time.sleep(0.01)
    raise AssertionError("the bulk operation did not end")


def test_children_follow_their_parents(
    query: Query, client: FlaskClient, make_order: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "PAGE", 2)
    orders = [make_order(("1.00", 2), ("2.00", 1)) for _ in range(5)]
    operation = finished(query, run(query, EVERYTHING)["bulkOperation"]["id"])
    assert (operation["rootObjectCount"], operation["objectCount"]) == ("5", "15")
    text = client.get(urlsplit(operation["url"]).path).text
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["id"] for line in lines if "name" in line] == [order["id"] for order in orders]
    parents = [line["__parentId"] for line in lines if "__parentId" in line]
    assert parents == [order["id"] for order in orders for _ in range(2)]


MANY_FIELDS = """
fragment Named on Order { called: name ... on Node { id } }
query {
  orders(query: "NAME", PAGE) {
    nodes {
      ...Named
      __typename
      processedAt
      cancelReason
      totalPriceSet { shopMoney { amount currencyCode } }
      customer { id }
      lineItems(PAGE) { nodes { ... on LineItem { quantity, taxable, discountAllocations { HOW } } } }
    }
  }
}""".replace("HOW", "discountApplication { __typename value { ... on MoneyV2 { amount } } index }")


def test_a_field_is_said_as_by_any_other_query(query: Query, client: FlaskClient) -> None:
    lines = [
        {"title": "A thing", "price": "9.00", "discounts": ["1.50"]},
        {"title": "Another", "price": "3.00"},
    ]
    sold = client.post("/sandbox/orders", json=[{"customer": None, "lines": lines}, {"lines": lines[:1]}])
    assert sold.status_code == 201, sold.text
    document = MANY_FIELDS.replace("NAME", "")
    (one, two) = query(document.replace("PAGE", "first: 50"))["data"]["orders"]["nodes"]
    operation = finished(
        query, run(query, document.replace(", PAGE", "").replace("(PAGE)", ""))["bulkOperation"]["id"]
    )
    text = client.get(urlsplit(operation["url"]).path).text
    parts = [
        line
        for order in (one, two)
        for line in (
            order,
            *({**item, "__parentId": order["id"]} for item in order.pop("lineItems")["nodes"]),
        )
    ]
    assert [json.loads(line) for line in text.splitlines()] == parts
    assert len(parts) == 5


def test_what_the_app_may_not_see_ends_it(
    query: Query, state: ShopState, app_token: str, make_order: Callable[..., Any]
) -> None:
    make_order(("1.00", 1))
    state.installation.scopes = ["read_orders"]
    asked = "{ orders { nodes { id customer { id } } } }"
    answer = query(RUN, token=app_token, query=asked)["data"]["bulkOperationRunQuery"]
    ended = finished(query, answer["bulkOperation"]["id"], "FAILED")
    assert (ended["errorCode"], ended["url"]) == ("ACCESS_DENIED", None)


def test_nothing_found_has_no_file(query: Query) -> None:
    assert finished(query, run(query, EVERYTHING)["bulkOperation"]["id"])["url"] is None


def test_it_is_asked_about_as_a_node_too(query: Query) -> None:
    operation = run(query, EVERYTHING)["bulkOperation"]["id"]
    finished(query, operation)
    ask = "query($id: ID!) { node(id: $id) { id ... on BulkOperation { status } } }"
    assert query(ask, id=operation)["data"]["node"] == {"id": operation, "status": "COMPLETED"}


@pytest.mark.parametrize(
    "document",
    [
        "{ shop { name } }",
        "{ orders { nodes { nothing } } }",
        "{ orders { pageInfo { hasNextPage } } }",
        "{",
        "mutation { orderDelete(orderId: 1) { deletedId } }",
    ],
)
def test_queries_that_can_not_be_run(query: Query, document: str) -> None:
    assert run(query, document)["userErrors"][0]["code"] == "INVALID"


def test_the_file_needs_its_secret(query: Query, client: FlaskClient, make_order: Callable[..., Any]) -> None:
    make_order(("1.00", 1))
    path = urlsplit(finished(query, run(query, EVERYTHING)["bulkOperation"]["id"])["url"]).path
    assert client.get(path.replace(".jsonl", "x.jsonl")).status_code == 404


def test_a_part_of_the_file_can_be_asked_for(
    query: Query, client: FlaskClient, make_order: Callable[..., Any]
) -> None:
    make_order(("1.00", 1))
    path = urlsplit(finished(query, run(query, EVERYTHING)["bulkOperation"]["id"])["url"]).path
    whole = client.get(path).data
    part = client.get(path, headers={"Range": "bytes=10-"})
    assert (part.status_code, part.data) == (206, whole[10:])
