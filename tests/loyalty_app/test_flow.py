"""Points by Shopify Flow: once for each run or key, signed, and clear about what can't be done."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client
from django.urls import resolve

from rewards import people, programs
from rewards.models import Action, Member, Program
from shopify_bridge.models import Shop
from tests.factories import IdentityFactory, ShopFactory
from tests.shopify_bridge import signing

pytestmark = pytest.mark.django_db
TOML = Path(__file__).parents[2] / "extensions/loyalty-flow-points/shopify.extension.toml"
RULES = [
    {"id": "stars", "kind": "review", "points": 20, "with_picture": 35, "most": 2},
    {"id": "visit", "kind": "custom", "points": 5, "most": None},
    {"id": "follow", "kind": "social", "points": 10, "url": "https://social.example/"},
]


@pytest.fixture
def shop() -> Shop:
    made = ShopFactory()
    program = Program.objects.get(pk=made.program_id)
    document = {**programs.document(program)}
    programs.apply(program, {**document, "earning": {**document["earning"], "rules": RULES}}, "test")
    IdentityFactory(shop=made, external_id=7001)
    return made


def call(shop: Shop, properties: Any, run_id: Any, signature: str | None = None) -> HttpResponse:
    body = json.dumps(
        {
            "shop_id": shop.shopify_id,
            "shopify_domain": shop.domain,
            "action_run_id": run_id,
            "action_definition_id": "loyalty-flow-points",
            "properties": properties,
        }
    ).encode()
    headers = {"X-Shopify-Hmac-Sha256": signing.webhook_hmac(body) if signature is None else signature}
    return Client().post("/flow/points", body, "application/json", headers=headers)


def run(shop: Shop, run_id: Any = "run-1", **properties: Any) -> HttpResponse:
    asked = {"customer_id": "gid://shopify/Customer/7001", "rule": "stars", **properties}
    return call(shop, asked, run_id)


def points() -> int:
    return Member.objects.get(identities__external_id=7001).available


def test_a_run_pays_once_however_often_it_is_sent(shop: Shop) -> None:
    for _ in range(3):
        answer = run(shop)
        assert (answer.status_code, answer.json()) == (200, {"state": "given", "points": 20})
    assert points() == 20
    run(shop, run_id="run-2")
    assert points() == 40


def test_a_key_pays_once_in_whatever_run(shop: Shop) -> None:
    for number in range(3):
        run(shop, run_id=f"run-{number}", key="review 17", picture="true")
    assert points() == 35
    run(shop, key="review 18", picture=True)
    assert points() == 70


def test_a_key_is_never_taken_for_a_run(shop: Shop) -> None:
    run(shop, run_id="17", rule="visit")
    run(shop, run_id="18", key="17", rule="visit")
    assert points() == 10


@pytest.mark.parametrize("customer", [7001, "7001", "gid://shopify/Customer/7001"])
def test_a_customer_as_number_or_gid(shop: Shop, customer: Any) -> None:
    assert run(shop, customer_id=customer).json()["state"] == "given"


def test_what_the_rules_refuse_is_no_failure_of_the_workflow(shop: Shop) -> None:
    for number in range(3):
        answer = run(shop, key=f"{number}")
    assert answer.status_code == 200
    assert answer.json() == {"state": "none", "reason": "This can be had 2 times a year."}
    assert points() == 40


def test_an_erased_customer_comes_not_back(shop: Shop) -> None:
    people.forget(Program.objects.get(pk=shop.program_id), (shop.pk, 7001))
    answer = run(shop)
    assert (answer.status_code, answer.json()["state"]) == (200, "none")
    assert not Action.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": "unknown"},
        {"rule": "follow"},
        {"rule": ""},
        {"rule": None},
        {"rule": ["stars"]},
        {"rule": "\0"},
        {"customer_id": ""},
        {"customer_id": None},
        {"customer_id": "gid://shopify/Order/x"},
        {"customer_id": -7},
        {"customer_id": 10**30},
        {"run_id": None},
        {"run_id": {}},
        {"key": "x" * 256},
        {"key": ["x"]},
    ],
)
def test_what_the_merchant_has_to_mend_fails(shop: Shop, wrong: dict[str, Any]) -> None:
    answer = run(shop, **wrong)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")
    assert not Action.objects.exists()


@pytest.mark.parametrize("properties", [None, [], "x"])
def test_without_settings_nothing_can_be_done(shop: Shop, properties: Any) -> None:
    assert call(shop, properties, "run-1").status_code == 422


@pytest.mark.parametrize("signature", ["", "forged", signing.webhook_hmac(b"other"), "é"])
def test_only_shopify_can_ask(shop: Shop, signature: str) -> None:
    asked = {"customer_id": 7001, "rule": "stars"}
    assert call(shop, asked, "run-1", signature).status_code == 401
    assert not Action.objects.exists()


def test_the_extension_asks_for_what_is_read_and_names_this_address() -> None:
    toml = tomllib.loads(TOML.read_text())
    (extension,) = toml["extensions"]
    assert resolve("/" + extension["runtime_url"].split("/", 3)[3]).url_name is None
    fields = {field.get("key", field["type"]) for field in toml["settings"]["fields"]}
    assert fields == {"customer_reference", "rule", "key", "picture"}


def test_by_command(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["give", "--shop", shop.domain, "--customer", "7001", "--rule", "visit", "--key", "2026"]
    for _ in range(2):
        call_command(*given)
    assert capsys.readouterr().out == "5 given.\nIt was given before.\n"
    assert points() == 5
    for name, wrong in (("--shop", "nowhere"), ("--customer", "1"), ("--rule", "follow")):
        asked = list(given)
        asked[asked.index(name) + 1] = wrong
        with pytest.raises(CommandError):
            call_command(*asked)
