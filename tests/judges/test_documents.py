"""Our GraphQL documents and `shopify.app.toml` beside the real schema of the API version we use."""

import gzip
import json
import re
import tomllib
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from graphql import (
    DocumentNode,
    GraphQLSchema,
    NoDeprecatedCustomRule,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    get_named_type,
    parse,
    specified_rules,
    validate,
    visit,
)
from shopify import ApiAccess

from rewards.kinds import KINDS
from shopify_bridge import disputes
from shopify_bridge.handlers import HANDLERS
from shopify_bridge.queries import FOLDER, repeated
from tests.judges.node import ROOT

TOML = tomllib.loads((ROOT / "shopify.app.toml").read_text())
DOCUMENTS = sorted(FOLDER.glob("*.graphql"))
# Documents that only issuers of some kinds of rewards send, by how their names begin.
OPTIONAL = {"gift_card": "gift_card", "store_credit": "store_credit"}
SUPPORTED_MONTHS = 12
WARN_DAYS = 45
# What no field of the schema names: https://shopify.dev/docs/api/usage/access-scopes
OUTSIDE_THE_SCHEMA = {
    "write_app_proxy": "[app_proxy]",
    "write_customers": "metafieldsSet on customers, and the declared customer metafield",
}
TOPIC_SCOPES = {
    "orders/": "read_orders",
    "refunds/": "read_orders",
    "customers/merge": "read_customer_merge",
    "customers/": "read_customers",
    "customers_": "read_customers",
    "customer.": "read_customers",
    "products/": "read_products",
    "collections/": "read_products",
}
NO_SCOPE = ("app/", "shop/", "customers/data_request", "customers/redact")


@cache
def introspection() -> dict[str, Any]:
    path = ROOT / f"node_modules/@shopify/dev-mcp/dist/data/admin_{settings.SHOPIFY_API_VERSION}.json.gz"
    with gzip.open(path) as file:
        content: dict[str, Any] = json.load(file)
    return content


@cache
def schema() -> GraphQLSchema:
    return build_client_schema(introspection()["data"], assume_valid=True)


@cache
def field_scopes() -> dict[tuple[str, str], frozenset[str]]:
    """(type, field) -> scopes of which any is enough; the empty name stands for the type itself."""
    return {
        (item["typeName"], item.get("fieldName") or ""): frozenset(item["offlineScopes"])
        for item in introspection()["offline_scopes"]["items"]
        if item["offlineScopes"]
    }


class NeededScopes(Visitor):
    """Collects, for each field of a document, the scopes of which any is enough."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.found: set[frozenset[str]] = set()

    def enter_inline_fragment(self, node: Any, *_: Any) -> None:
        key = (node.type_condition.name.value, "")
        self.found |= {field_scopes()[key]} if key in field_scopes() else set()

    def enter_field(self, node: Any, *_: Any) -> None:
        parent, output = self.info.get_parent_type(), self.info.get_type()
        keys = [(parent.name, node.name.value)] if parent else []
        if output is not None:
            keys.append((get_named_type(output).name, ""))
        self.found |= {field_scopes()[key] for key in keys if key in field_scopes()}


def needed_by(document: DocumentNode) -> set[frozenset[str]]:
    info = TypeInfo(schema())
    needed = NeededScopes(info)
    visit(document, TypeInfoVisitor(info, needed))
    return needed.found


def topic_scope(topic: str) -> set[str]:
    if topic.startswith(NO_SCOPE):
        return set()
    return {next(scope for prefix, scope in TOPIC_SCOPES.items() if topic.startswith(prefix))}


def topics() -> list[str]:
    subscriptions = TOML["webhooks"]["subscriptions"]
    return [
        topic
        for subscription in subscriptions
        for topic in subscription.get("topics", []) + subscription.get("compliance_topics", [])
    ]


def requirements() -> set[frozenset[str]]:
    needed = {frozenset({scope}) for scope in OUTSIDE_THE_SCHEMA}
    needed |= {frozenset({scope}) for topic in topics() for scope in topic_scope(topic)}
    for path in DOCUMENTS:
        if not path.stem.startswith(tuple(OPTIONAL)):
            needed |= needed_by(parse(path.read_text()))
    return needed


def unmet(scopes: set[str], needed: set[frozenset[str]] | None = None) -> list[frozenset[str]]:
    granted = ApiAccess(scopes)
    wanted = requirements() if needed is None else needed
    return [choice for choice in wanted if not any(granted.covers(ApiAccess([scope])) for scope in choice)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_document_is_valid_and_uses_nothing_deprecated(path: Path) -> None:
    document = parse(path.read_text())
    errors = validate(schema(), document, [*specified_rules, NoDeprecatedCustomRule])
    assert [error.message for error in errors] == []


@pytest.mark.parametrize("operation", ["tags_add", "tags_remove"])
def test_what_is_asked_many_times_at_once_is_valid(operation: str) -> None:
    document = parse(repeated(operation, 25))
    assert [error.message for error in validate(schema(), document)] == []
    (asked,) = document.definitions
    assert isinstance(asked, OperationDefinitionNode)
    assert len(asked.selection_set.selections) == 25


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_file_holds_one_operation_of_its_own_name(path: Path) -> None:
    operations = [
        node for node in parse(path.read_text()).definitions if isinstance(node, OperationDefinitionNode)
    ]
    assert len(operations) == 1
    assert operations[0].name
    assert operations[0].name.value == path.stem


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_mutation_asks_for_its_user_errors(path: Path) -> None:
    text = path.read_text()
    assert ("mutation" in text) == ("userErrors" in text)


def test_the_validator_does_find_mistakes() -> None:
    wrong = validate(schema(), parse("{ shop { nam } }"))
    old = validate(schema(), parse("{ order(id: 1) { totalPrice } }"), [NoDeprecatedCustomRule])
    assert wrong
    assert old


def test_scopes_are_what_the_code_needs_and_no_more() -> None:
    scopes = set(TOML["access_scopes"]["scopes"].split(","))
    assert unmet(scopes) == []
    # read_x beside write_x is shown to the merchant on its own line; anything else must be needed.
    spare = {
        scope
        for scope in scopes
        if not unmet(scopes - {scope}) and scope.replace("read_", "write_", 1) not in scopes - {scope}
    }
    assert spare == set()


def test_what_an_optional_scope_is_needed_for_works_without_it() -> None:
    """Its topics aren't in the configuration, which holds for every shop."""
    (described,) = [
        value for value in _enum("WebhookSubscriptionTopic") if value["name"] == "DISPUTES_UPDATE"
    ]
    of_kinds = {scope for kind in KINDS.values() for scope in kind.scopes}
    assert set(TOML["access_scopes"]["optional_scopes"]) == {disputes.SCOPE, *of_kinds}
    assert disputes.SCOPE in described["description"]
    assert not set(disputes.TOPICS) & set(topics())


@pytest.mark.parametrize(("prefix", "kind"), OPTIONAL.items())
def test_a_kind_of_reward_names_the_permissions_that_it_takes(prefix: str, kind: str) -> None:
    common, own = set(TOML["access_scopes"]["scopes"].split(",")), set(KINDS[kind].scopes)
    paths = [path for path in DOCUMENTS if path.stem.startswith(prefix)]
    needed = set().union(*(needed_by(parse(path.read_text())) for path in paths))
    assert unmet(common | own, needed) == []
    assert all(unmet((common | own) - {scope}, needed) for scope in own)


def test_topics_are_handled_and_real() -> None:
    enum = {value["name"] for value in _enum("WebhookSubscriptionTopic")}
    compliance = {"CUSTOMERS_DATA_REQUEST", "CUSTOMERS_REDACT", "SHOP_REDACT"}
    assert len(topics()) == len(set(topics()))
    assert {*topics(), *disputes.TOPICS} == set(HANDLERS)
    assert {re.sub(r"[/.]", "_", topic).upper() for topic in topics()} <= enum | compliance


def _enum(name: str) -> list[dict[str, Any]]:
    types = introspection()["data"]["__schema"]["types"]
    values: list[dict[str, Any]] = next(kind["enumValues"] for kind in types if kind["name"] == name)
    return values


def test_each_subscription_says_who_handles_it() -> None:
    text = (ROOT / "shopify.app.toml").read_text()
    blocks = re.findall(r"# Handled by: (.*)\n(?:#.*\n)*\[\[webhooks\.subscriptions\]\]", text)
    subscriptions = TOML["webhooks"]["subscriptions"]
    assert len(blocks) == len(subscriptions)
    for line, subscription in zip(blocks, subscriptions, strict=True):
        named = set(re.findall(r"handlers\.(\w+)", line))
        all_topics = subscription.get("topics", []) + subscription.get("compliance_topics", [])
        assert named == {HANDLERS[topic].__name__ for topic in all_topics}


def test_deliveries_carry_what_tells_them_apart() -> None:
    """Shopify collapses deliveries whose reduced payloads are alike."""
    for subscription in TOML["webhooks"]["subscriptions"]:
        fields = subscription.get("include_fields")
        if fields is not None:
            assert {"id", "customer_id"} & set(fields)
            # A consent contains its moment.
            consents = {"email_marketing_consent", "sms_marketing_consent"}
            assert ({"updated_at", "processed_at"} | consents) & set(fields)
            assert not [
                name for name in fields if re.search(r"name$|mail|phone|address", name) and "." in name
            ]


def test_the_same_version_everywhere_and_far_from_its_end() -> None:
    version = settings.SHOPIFY_API_VERSION
    assert TOML["webhooks"]["api_version"] == version
    year, month = map(int, version.split("-"))
    end = date(year + SUPPORTED_MONTHS // 12, month, 1)
    left = (end - date.today()).days  # noqa: DTZ011
    assert left > WARN_DAYS, f"{version} ends on {end}: move to a newer version of the Admin API"
    assert date(year, month, 1) <= date.today() + timedelta(days=1)  # noqa: DTZ011
