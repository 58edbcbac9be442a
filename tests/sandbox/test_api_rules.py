"""The strictness of the Admin API: scopes, cost, versions, history, search, pages, accidents."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from graphql import GraphQLError

from sandbox.api.queries import ORDERS
from sandbox.api.search import compile_query
from sandbox.model import Order
from sandbox.world import ShopState, World
from tests.sandbox.conftest import Query, call, number

ALL_ORDERS = "{ orders(first: 10) { nodes { id } } }"
SET = """
mutation($metafields: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $metafields) {
    metafields { namespace compareDigest }
    userErrors { code elementIndex }
  }
}"""


def test_a_missing_scope_is_access_denied(query: Query, app_token: str) -> None:
    for document in (
        '{ storeCreditAccount(id: "gid://shopify/StoreCreditAccount/1") { id } }',
        'mutation { orderMarkAsPaid(input: {id: "gid://shopify/Order/1"}) { order { id } } }',
        'mutation { tagsAdd(id: "gid://shopify/Order/1", tags: ["a"]) { node { id } } }',
    ):
        answer = query(document, token=app_token)
        assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


def test_who_may_write_may_read(query: Query, client: FlaskClient, state: ShopState, app_token: str) -> None:
    state.installation.scopes = ["write_orders"]
    assert "errors" not in query(ALL_ORDERS, token=app_token)
    state.installation.scopes = ["read_customers"]
    assert query(ALL_ORDERS, token=app_token)["errors"][0]["path"] == ["orders"]


def test_unknown_tokens_and_shops(client: FlaskClient, admin_token: str) -> None:
    assert call(client, "shpat_nobody", ALL_ORDERS).status_code == 401
    headers = {"X-Shopify-Access-Token": admin_token, "Host": "nobody.myshopify.com"}
    answer = client.post("/admin/api/2026-10/graphql.json", json={"query": ALL_ORDERS}, headers=headers)
    assert answer.status_code == 404


@pytest.mark.parametrize(("asked", "served"), [("2026-10", "2026-10"), ("2025-07", "2026-01")])
def test_a_retired_version_is_served_by_the_oldest(
    client: FlaskClient, admin_token: str, asked: str, served: str
) -> None:
    headers = {"X-Shopify-Access-Token": admin_token}
    answer = client.post(f"/admin/api/{asked}/graphql.json", json={"query": ALL_ORDERS}, headers=headers)
    assert answer.headers["X-Shopify-API-Version"] == served


def test_the_bucket_empties_and_says_so_inside_200(query: Query, app_token: str, client: FlaskClient) -> None:
    cost = query("{ orders(first: 50) { nodes { id customer { id } } } }", token=app_token)["extensions"][
        "cost"
    ]
    assert cost["requestedQueryCost"] > cost["actualQueryCost"]
    assert cost["throttleStatus"]["maximumAvailable"] == 2000
    many = " ".join(
        f"m{i}: metafieldsDelete(metafields: []) {{ userErrors {{ message }} }}" for i in range(90)
    )
    answers = [query(f"mutation {{ {many} }}", token=app_token) for _ in range(4)]
    (error,) = answers[-1]["errors"]
    assert error["extensions"]["code"] == "THROTTLED"
    status = answers[-1]["extensions"]["cost"]["throttleStatus"]
    assert status["currentlyAvailable"] < 900
    (told,) = client.get("/sandbox/status").get_json()["cost"].values()
    turned_away = sum("errors" in answer for answer in answers)
    assert told["throttled"] == turned_away
    assert told["lowest"] < 900
    assert told["spent"] == cost["actualQueryCost"] + (4 - turned_away) * 900


def test_a_page_size_by_variable_or_default_costs_the_same(query: Query) -> None:
    costs = set()
    for default, given in ((" = 50", {}), ("", {"n": 50}), (" = 5", {"n": 50})):
        document = f"query($n: Int{default}) {{ orders(first: $n) {{ nodes {{ customer {{ id }} }} }} }}"
        costs.add(query(document, **given)["extensions"]["cost"]["requestedQueryCost"])
    assert len(costs) == 1


@pytest.mark.parametrize("body", [{}, {"query": 1}, {"query": "{ shop { id } }", "variables": [1]}, []])
def test_a_body_that_is_no_call_is_400(client: FlaskClient, admin_token: str, body: Any) -> None:
    headers = {"X-Shopify-Access-Token": admin_token}
    assert client.post("/admin/api/2026-10/graphql.json", json=body, headers=headers).status_code == 400


def test_a_query_over_the_limit_is_refused(query: Query, app_token: str) -> None:
    deep = "{ orders(first: 250) { nodes { lineItems(first: 250) { nodes { id taxLines { title } } } "
    deep += "refunds { refundLineItems(first: 250) { nodes { lineItem { taxLines { title } } } } } } } }"
    assert query(deep, token=app_token)["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


def test_sixty_days_of_orders(
    query: Query, app_token: str, make_order: Callable[..., Any], state: ShopState
) -> None:
    old, new = (state.orders[number(make_order(("1.00", 1))["id"])] for _ in range(2))
    old.created_at -= timedelta(days=61)
    ids = [f"gid://shopify/Order/{new.id}"]
    assert [n["id"] for n in query(ALL_ORDERS, token=app_token)["data"]["orders"]["nodes"]] == ids
    one = query(f'{{ order(id: "gid://shopify/Order/{old.id}") {{ id }} }}', token=app_token)
    assert one["data"]["order"] is None
    assert len(query(ALL_ORDERS)["data"]["orders"]["nodes"]) == 2
    state.installation.scopes.append("read_all_orders")
    assert len(query(ALL_ORDERS, token=app_token)["data"]["orders"]["nodes"]) == 2


PAGE = """
query($after: String, $reverse: Boolean!) {
  orders(first: 2, after: $after, sortKey: UPDATED_AT, reverse: $reverse) {
    nodes { id }
    pageInfo { hasNextPage endCursor }
  }
}"""


@pytest.mark.parametrize("reverse", [False, True])
def test_pages_neither_skip_nor_repeat(query: Query, make_order: Callable[..., Any], reverse: bool) -> None:
    made = {make_order(("1.00", 1))["id"] for _ in range(5)}
    seen: list[str] = []
    after, more = None, True
    while more:
        page = query(PAGE, after=after, reverse=reverse)["data"]["orders"]
        seen += [node["id"] for node in page["nodes"]]
        more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
    assert len(seen) == 5
    assert set(seen) == made


def test_a_page_size_is_needed(query: Query) -> None:
    assert query("{ orders { nodes { id } } }")["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


# -- search ----------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def order(**fields: Any) -> Order:
    moment = {"created_at": NOW, "processed_at": NOW, "updated_at": NOW}
    base: dict[str, Any] = {
        "id": 7,
        "number": 1001,
        "currency": "USD",
        "taxes_included": False,
        "source_name": "web",
    }
    return Order(**(base | moment | fields))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("updated_at:>=2026-11-21T12:00:00Z", True),
        ("updated_at:>'2026-11-21T12:00:00Z'", False),
        ("created_at:<2026-11-21", False),
        ("created_at:2026-11-21", True),
        ("created_at:<=2026-11-21", True),
        ("created_at:>2026-11-21", False),
        ("test:false AND customer_id:5", True),
        ("test:true OR customer_id:5", True),
        ("(test:true OR customer_id:5) id:8", False),
        ("-customer_id:5", False),
        ("NOT test:true", True),
        ("name:1001", True),
        ("id:6,7", True),
        ("financial_status:paid", True),
        ("", True),
    ],
)
def test_search_terms(text: str, found: bool) -> None:
    assert compile_query(text, ORDERS, NOW)(order(customer_id=5)) is found


@pytest.mark.parametrize("text", ["update_at:>2026-01-01", "updated_at:>yesterday", "id:7 )"])
def test_a_search_that_can_not_be_read_is_an_error(text: str) -> None:
    with pytest.raises(GraphQLError):
        compile_query(text, ORDERS, NOW)


# -- metafields ------------------------------------------------------------------------------------


def field(owner: str, **changes: Any) -> dict[str, Any]:
    return {"ownerId": owner, "namespace": "$app", "key": "standing", "type": "json", "value": "{}"} | changes


def test_metafields_are_all_or_nothing(query: Query, app_token: str, state: ShopState) -> None:
    owner = f"gid://shopify/Customer/{next(iter(state.customers))}"
    gone = field("gid://shopify/Customer/1")
    answer = query(SET, token=app_token, metafields=[field(owner), gone])["data"]["metafieldsSet"]
    assert answer["userErrors"] == [{"code": "INVALID", "elementIndex": 1}]
    assert state.metafields == {}
    many = [field(owner, key=f"key{n}") for n in range(26)]
    errors = query(SET, token=app_token, metafields=many)["data"]["metafieldsSet"]["userErrors"]
    assert errors[0]["code"] == "LESS_THAN_OR_EQUAL_TO"


def test_the_app_and_the_driver_mean_the_same_namespace(
    query: Query, app_token: str, state: ShopState
) -> None:
    owner = f"gid://shopify/Customer/{next(iter(state.customers))}"
    query(SET, token=app_token, metafields=[field(owner, value='{"points": 3}')])
    field_text = 'metafield(namespace: "$app", key: "standing") { jsonValue }'
    read = f"query($id: ID!) {{ customer(id: $id) {{ {field_text} }} }}"
    assert query(read, id=owner)["data"]["customer"]["metafield"] == {"jsonValue": {"points": 3}}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"value": "{"}, "INVALID_VALUE"),
        ({"type": "number_integer", "value": "1"}, "INVALID_TYPE"),
        ({"key": "no spaces"}, "INVALID"),
        ({"namespace": "app--1", "type": "json"}, "APP_NOT_AUTHORIZED"),
        ({"compareDigest": "0"}, "STALE_OBJECT"),
        ({"value": '"' + "x" * 16384 + '"'}, "TOO_LONG"),
    ],
)
def test_bad_metafields(query: Query, state: ShopState, changes: dict[str, Any], code: str) -> None:
    owner = f"gid://shopify/Customer/{next(iter(state.customers))}"
    errors = query(SET, metafields=[field(owner, **changes)])["data"]["metafieldsSet"]["userErrors"]
    assert [error["code"] for error in errors] == [code]


def test_compare_and_set(query: Query, state: ShopState) -> None:
    owner = f"gid://shopify/Customer/{next(iter(state.customers))}"

    def write(digest: str | None) -> Any:
        return query(SET, metafields=[field(owner, compareDigest=digest)])["data"]["metafieldsSet"]

    first = write(None)["metafields"][0]["compareDigest"]
    assert write(None)["userErrors"][0]["code"] == "STALE_OBJECT"
    assert write(first)["userErrors"] == []


# -- accidents -------------------------------------------------------------------------------------

ON = 'mutation { discountCodeActivate(id: "gid://shopify/DiscountCodeNode/1") { userErrors { code } } }'


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("5xx", 502),
        ("html", 200),
        ("cut", 200),
        ("unauthorized", 401),
        ("too_many", 429),
        ("frozen", 402),
        ("locked", 423),
        ("late_create", 504),
    ],
)
def test_an_accident_strikes_as_often_as_told_and_only_the_app(
    client: FlaskClient, app_token: str, admin_token: str, fault: str, status: int
) -> None:
    wanted = {"operation": "discountCodeActivate", "fault": fault, "times": 1, "seconds": 0}
    assert client.post("/sandbox/faults", json={"operations": [wanted]}).status_code == 200
    assert call(client, admin_token, ON).get_json()["data"]
    struck = call(client, app_token, ON)
    assert struck.status_code == status
    if status == 200:
        assert struck.get_json(silent=True) is None
    assert call(client, app_token, ON).get_json()["data"]


@pytest.mark.parametrize(
    ("name", "arguments", "asked"),
    [
        ("discountCodeBxgyCreate", "bxgyCodeDiscount: {}", "codeDiscountNode { id }"),
        ("discountCodeBxgyUpdate", 'id: "gid://shopify/DiscountCodeNode/1", bxgyCodeDiscount: {}', ""),
        (
            "discountRedeemCodeBulkAdd",
            'discountId: "gid://shopify/DiscountCodeNode/1", codes: [{code: "A"}]',
            "bulkCreation { id }",
        ),
        (
            "discountCodeRedeemCodeBulkDelete",
            'discountId: "gid://shopify/DiscountCodeNode/1", search: "A"',
            "job { id }",
        ),
        (
            "storeCreditAccountDebit",
            'id: "gid://shopify/Customer/1", debitInput: {debitAmount: {amount: 1, currencyCode: USD}}',
            "",
        ),
        ("giftCardCreate", "input: {}", "giftCard { id }"),
        ("giftCardUpdate", 'id: "gid://shopify/GiftCard/1", input: {note: "x"}', ""),
        ("giftCardDeactivate", 'id: "gid://shopify/GiftCard/1"', ""),
    ],
)
def test_accidents_strike_every_call_for_rewards(
    client: FlaskClient, app_token: str, state: ShopState, name: str, arguments: str, asked: str
) -> None:
    state.installation.scopes += ["write_gift_cards", "write_store_credit_account_transactions"]
    document = f"mutation {{ {name}({arguments}) {{ {asked} userErrors {{ message }} }} }}"
    faults = ("throttle", "5xx", "cut", "late_create", "timeout_after_work")
    wanted = [{"operation": name, "fault": fault, "times": 1, "seconds": 0} for fault in faults]
    client.post("/sandbox/faults", json={"operations": wanted})
    answers = [call(client, app_token, document) for _ in (*faults, None)]
    assert [answer.status_code for answer in answers] == [200, 502, 200, 504, 200, 200]
    assert answers[0].json["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert answers[2].get_json(silent=True) is None
    assert answers[4].json["data"] == answers[5].json["data"]


def test_throttle_taken_and_timeout(client: FlaskClient, app_token: str) -> None:
    wanted = [
        {"operation": "discountCodeActivate", "fault": name, "times": 1, "seconds": 0.2}
        for name in ("throttle", "taken", "timeout_after_work")
    ]
    client.post("/sandbox/faults", json={"operations": wanted})
    assert call(client, app_token, ON).get_json()["errors"][0]["extensions"]["code"] == "THROTTLED"
    taken = call(client, app_token, ON).get_json()["data"]["discountCodeActivate"]
    assert taken["userErrors"][0]["code"] == "TAKEN"
    began = time.monotonic()
    assert call(client, app_token, ON).get_json()["data"]
    assert time.monotonic() - began >= 0.2


def test_faults_are_checked_and_reset(client: FlaskClient) -> None:
    for wrong in (
        {"operations": [{"operation": "x", "fault": "y"}]},
        {"webhook": {}},
        {"webhooks": {"drops": 1}},
    ):
        assert client.post("/sandbox/faults", json=wrong).status_code == 400
    client.post(
        "/sandbox/faults",
        json={
            "webhooks": {"drop": 1},
            "operations": [{"operation": "*", "fault": "5xx"}],
            "job_seconds": 9,
        },
    )
    assert client.post("/sandbox/faults", json={"reset": True}).get_json() == {
        "seed": 1,
        "job_seconds": 0.2,
        "webhooks": {"duplicate": 0.0, "renamed": 0.0, "drop": 0.0, "shuffle": 0.0, "delay": 0.0},
        "operations": [],
    }


def test_a_second_shop_is_another_world(client: FlaskClient, admin_token: str, world: World) -> None:
    assert (
        client.post("/sandbox/shops", json={"domain": "other.myshopify.com", "currency": "JPY"}).status_code
        == 201
    )
    headers = {"X-Shopify-Access-Token": admin_token, "Host": "other.localhost:18100"}
    document = "{ shop { currencyCode } customers(first: 1) { nodes { id } } }"
    answer = client.post(
        "/admin/api/2026-10/graphql.json", json={"query": document}, headers=headers
    ).get_json()
    assert answer["data"] == {"shop": {"currencyCode": "JPY"}, "customers": {"nodes": []}}
