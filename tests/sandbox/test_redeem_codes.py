"""Many codes of one discount."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox import commerce
from sandbox.api.redeem_code_mutations import finish_creations
from sandbox.model import CodeCreation, Customer, NewCode
from sandbox.seed import seed_demo_shop
from sandbox.store import Store
from sandbox.world import ShopState, World

from .conftest import Query

CREATE = """mutation($input: DiscountCodeBasicInput!) {
  made: discountCodeBasicCreate(basicCodeDiscount: $input) { codeDiscountNode { id } } }"""
ADD = """mutation($id: ID!, $codes: [DiscountRedeemCodeInput!]!) {
  made: discountRedeemCodeBulkAdd(discountId: $id, codes: $codes) {
    bulkCreation { id done codesCount importedCount failedCount } userErrors { field code } } }"""
POLL = """query($id: ID!) { discountRedeemCodeBulkCreation(id: $id) {
  done codesCount importedCount failedCount
  codes(first: 250) { nodes { code discountRedeemCode { id code } errors { field message code } } } } }"""
DELETE = """mutation($id: ID!, $ids: [ID!], $search: String) {
  made: discountCodeRedeemCodeBulkDelete(discountId: $id, ids: $ids, search: $search) {
    job { id done } userErrors { field code message } } }"""
CODES = """query($id: ID!, $query: String) { codeDiscountNode(id: $id) { codeDiscount {
  ... on DiscountCodeBasic {
    asyncUsageCount codesCount { count precision }
    codes(first: 250, query: $query) { nodes { id code asyncUsageCount } } } } } }"""


@pytest.fixture(autouse=True)
def at_once(client: FlaskClient) -> None:
    client.post("/sandbox/faults", json={"job_seconds": 0.01})


@pytest.fixture
def discount(query: Query) -> str:
    """Five off, each code once: its id."""
    fields = {
        "title": "Five off", "code": "FIRST", "startsAt": "2026-01-01T00:00:00Z", "context": {"all": "ALL"},
        "customerGets": {"value": {"discountAmount": {"amount": "5.00"}}, "items": {"all": True}},
        "usageLimit": 1, "appliesOncePerCustomer": True,
    }  # fmt: skip
    return query(CREATE, input=fields)["data"]["made"]["codeDiscountNode"]["id"]


def until(found: Callable[[], Any]) -> Any:
    for _ in range(500):
        if value := found():
            return value
        time.sleep(0.01)
    raise AssertionError("it never came")


def add(query: Query, discount: str, *codes: str) -> dict[str, Any]:
    """What became of each, once it is done."""
    answer = query(ADD, id=discount, codes=[{"code": code} for code in codes])["data"]["made"]
    assert answer["userErrors"] == []
    creation = answer["bulkCreation"]
    assert (creation["done"], creation["codesCount"], creation["importedCount"]) == (False, len(codes), 0)

    def done() -> Any:
        found = query(POLL, id=creation["id"])["data"]["discountRedeemCodeBulkCreation"]
        return found if found["done"] else None

    return until(done)


def codes(query: Query, discount: str, search: str | None = None) -> list[str]:
    found = query(CODES, id=discount, query=search)["data"]["codeDiscountNode"]["codeDiscount"]
    return [code["code"] for code in found["codes"]["nodes"]]


def test_codes_are_there_a_moment_later(query: Query, discount: str) -> None:
    result = add(query, discount, "SECOND", "THIRD")
    assert (result["importedCount"], result["failedCount"]) == (2, 0)
    assert [node["discountRedeemCode"]["code"] for node in result["codes"]["nodes"]] == ["SECOND", "THIRD"]
    assert codes(query, discount) == ["FIRST", "SECOND", "THIRD"]
    assert codes(query, discount, "code:third") == ["THIRD"]
    by_code = query('{ codeDiscountNodeByCode(code: "third") { id } }')
    assert by_code["data"]["codeDiscountNodeByCode"]["id"] == discount
    found = query('{ discountNodes(first: 5, query: "code:SECOND") { nodes { id } } }')
    assert len(found["data"]["discountNodes"]["nodes"]) == 1


def test_a_moment_may_be_long(client: FlaskClient, query: Query, state: ShopState, discount: str) -> None:
    client.post("/sandbox/faults", json={"job_seconds": 3600})
    creation = query(ADD, id=discount, codes=[{"code": "SECOND"}])["data"]["made"]["bulkCreation"]
    found = query(POLL, id=creation["id"])["data"]["discountRedeemCodeBulkCreation"]
    assert (found["done"], found["codes"]["nodes"][0]["discountRedeemCode"]) == (False, None)
    assert set(state.codes) == {"FIRST"}


def test_each_code_that_may_not_be_says_why(query: Query, discount: str) -> None:
    result = add(query, discount, "NEW", "first", "new", "", "A" * 256, "A\nB")
    assert (result["importedCount"], result["failedCount"]) == (1, 5)
    messages = [[error["message"] for error in node["errors"]] for node in result["codes"]["nodes"]]
    assert messages == [
        [],
        ["must be unique. Please try a different code."],
        ["Codes must be unique within BulkDiscountCodeCreation"],
        ["is too short (minimum is 1 character)"],
        ["is too long (maximum is 255 characters)"],
        ["cannot contain newline characters."],
    ]
    assert result["codes"]["nodes"][1]["errors"][0]["code"] is None
    assert codes(query, discount) == ["FIRST", "NEW"]


def test_no_more_than_250_and_no_fewer_than_one(query: Query, discount: str) -> None:
    many = query(ADD, id=discount, codes=[{"code": f"C{i}"} for i in range(251)])
    assert many["errors"][0]["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"
    none = query(ADD, id=discount, codes=[])["data"]["made"]
    assert none["userErrors"] == [{"field": ["codes"], "code": "BLANK"}]
    gone = query(ADD, id="gid://shopify/DiscountCodeNode/1", codes=[{"code": "A"}])["data"]["made"]
    assert gone["userErrors"] == [{"field": ["discountId"], "code": "INVALID"}]


def test_limits_are_those_of_a_single_code(
    query: Query, client: FlaskClient, world: World, state: ShopState, discount: str
) -> None:
    ada = next(iter(state.customers.values()))
    add(query, discount, "SECOND")
    for code in ("FIRST", "SECOND"):
        assert buy(world, state, ada, code) == ""
    assert "usage limit" in buy(world, state, ada, "SECOND")
    shown = query(CODES, id=discount)["data"]["codeDiscountNode"]["codeDiscount"]
    assert [code["asyncUsageCount"] for code in shown["codes"]["nodes"]] == [1, 1]
    assert (shown["asyncUsageCount"], shown["codesCount"]["count"]) == (2, 2)


def buy(world: World, state: ShopState, customer: Customer, code: str) -> str:
    """The reason why the code doesn't apply; empty when it was used."""
    with world.change():
        session = world.new_session(state)
        commerce.sign_in(world, state, session, customer.id)
        commerce.add_to_cart(world, state, session, next(iter(state.variants)))
        answer = commerce.add_code(world, state, session, code)
        if answer.ok:
            commerce.checkout(world, state, session)
    return answer.reason


def test_two_codes_of_one_discount_do_not_combine(
    query: Query, client: FlaskClient, state: ShopState, discount: str
) -> None:
    add(query, discount, "SECOND")
    client.post("/cart/add.js", json={"id": next(iter(state.variants))})
    cart = client.post("/cart/update.js", json={"discount": "FIRST,SECOND"}).json
    assert [code["applicable"] for code in cart["discount_codes"]] == [True, False]


def test_codes_are_taken_away_by_id_or_by_search(query: Query, discount: str) -> None:
    add(query, discount, "SECOND", "TMP-1", "TMP-2")
    nodes = query(CODES, id=discount)["data"]["codeDiscountNode"]["codeDiscount"]["codes"]["nodes"]
    second = next(node["id"] for node in nodes if node["code"] == "SECOND")
    answer = query(DELETE, id=discount, ids=[second])["data"]["made"]
    assert (answer["job"]["done"], answer["userErrors"]) == (False, [])
    until(lambda: codes(query, discount) == ["FIRST", "TMP-1", "TMP-2"])
    query(DELETE, id=discount, search="code:TMP-*")
    until(lambda: codes(query, discount) == ["FIRST"])
    assert query('{ codeDiscountNodeByCode(code: "TMP-1") { id } }')["data"]["codeDiscountNodeByCode"] is None


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "MISSING_ARGUMENT"),
        ({"ids": ["gid://shopify/DiscountRedeemCode/1"], "search": "code:A"}, "TOO_MANY_ARGUMENTS"),
        ({"search": " "}, "BLANK"),
        ({"ids": []}, None),
    ],
)
def test_what_goes_is_said_in_one_way(
    query: Query, discount: str, given: dict[str, Any], code: str | None
) -> None:
    answer = query(DELETE, id=discount, **given)["data"]["made"]
    assert [error["code"] for error in answer["userErrors"]] == [code]


def test_the_code_of_many_is_not_changed(query: Query, discount: str) -> None:
    rename = """mutation($id: ID!, $code: String!) {
      made: discountCodeBasicUpdate(id: $id, basicCodeDiscount: {code: $code}) {
        userErrors { field message } } }"""
    assert query(rename, id=discount, code="ONE")["data"]["made"]["userErrors"] == []
    assert codes(query, discount) == ["ONE"]
    add(query, discount, "SECOND")
    (error,) = query(rename, id=discount, code="TWO")["data"]["made"]["userErrors"]
    assert error == {"field": ["id"], "message": "Cannot update the code of a bulk discount."}


def test_a_discount_takes_its_codes_along(query: Query, state: ShopState, discount: str) -> None:
    add(query, discount, "SECOND")
    query("mutation($id: ID!) { discountCodeDelete(id: $id) { deletedCodeDiscountId } }", id=discount)
    assert state.codes == {}


def test_what_was_asked_for_before_a_restart_is_done_after_it(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    state = seed_demo_shop(world)
    with world.change():
        creation = CodeCreation(world.new_id(), 1, world.now(), [NewCode(world.new_id(), "A")])
        world.save(state, creation)
    again = World(Store(tmp_path))
    finish_creations(again)
    (found,) = again.shops[state.domain].code_creations.values()
    assert found.done
    assert found.codes[0].error == "Code discount does not exist."
