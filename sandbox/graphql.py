"""`POST /admin/api/{version}/graphql.json`: who calls, what it costs, which accident strikes, the answer."""

from __future__ import annotations

import json
import re
import threading
import time
from typing import Any

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)

from sandbox import tokens
from sandbox.api.context import Context
from sandbox.api.cost import LARGEST_COST, Bucket, Buckets, Estimate, actual_cost
from sandbox.api.order_views import OrderView
from sandbox.api.queries import VERSIONS, find_orders, node
from sandbox.api.roots import Mutations, Queries
from sandbox.api.schema import load_schema, resolve_field, resolve_type
from sandbox.config import Config
from sandbox.faults import Faults, OperationFault
from sandbox.world import ShopState, World

blueprint = Blueprint("graphql", __name__)

SCHEMA = load_schema()
_documents: dict[str, DocumentNode | list[GraphQLError]] = {}
STABLE = sorted(version for version, supported in VERSIONS.items() if supported)


@blueprint.post("/admin/api/<version>/graphql.json")
def graphql(version: str) -> ResponseReturnValue:
    world: World = current_app.extensions["world"]
    state = world.shop_for_host(request.host)
    if state is None or not re.fullmatch(r"\d{4}-\d{2}|unstable", version):
        return _answer({"errors": "Not Found"}, version, 404)
    served = version if version in VERSIONS else STABLE[0]  # a retired version is served by the oldest
    context = _context(world, state, served)
    if context is None:
        message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
        return _answer({"errors": message}, served, 401)
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        return _answer({"errors": {"query": "Required parameter missing or invalid"}}, served, 400)
    if not isinstance(body.get("variables") or {}, dict):
        return _answer({"errors": {"variables": "Must be an object"}}, served, 400)
    return _Call(context, body).answer()


def _context(world: World, state: ShopState, version: str) -> Context | None:
    config: Config = current_app.extensions["config"]
    access = request.headers.get("X-Shopify-Access-Token", "")
    services = {
        "node": node,
        "order_view": OrderView,
        "find_orders": find_orders,
        "schema": SCHEMA,
        "app": current_app.extensions["app_config"],
        "faults": current_app.extensions["faults"],
        "buckets": current_app.extensions["buckets"],
        # Not the Host of the call: a shop's name leads nowhere from this machine.
        "base_url": f"http://127.0.0.1:{request.environ['SERVER_PORT']}",
        "idempotency_key": None,
    }
    if access and access == current_app.extensions["admin_token"]:
        scopes = frozenset(state.installation.scopes)
        return Context(world, state, config, "admin", scopes, version, services=services)
    with world.change():
        token = tokens.authenticate(world, state, access)
    if token is None or not state.installation.installed:
        return None
    return Context(
        world, state, config, "app", frozenset(state.installation.scopes), version, services=services
    )


def _answer(body: Any, version: str, status: int = 200) -> Response:
    answer = Response(json.dumps(body), status, content_type="application/json; charset=utf-8")
    answer.headers["X-Shopify-API-Version"] = version
    return answer


def _document(text: str) -> DocumentNode | list[GraphQLError]:
    """Parsed and validated once; callers send the same few documents again and again."""
    known = _documents.get(text)
    if known is None:
        try:
            document = parse(text)
            known = validate(SCHEMA, document) or document
        except GraphQLError as error:
            known = [error]
        if len(_documents) > 1000:
            _documents.clear()
        _documents[text] = known
    return known


class _Call:
    def __init__(self, context: Context, body: dict[str, Any]) -> None:
        self._context, self._body = context, body
        self._variables = body.get("variables") or {}

    def answer(self) -> Response:
        document = _document(self._body["query"])
        if isinstance(document, list):
            return self._send({"errors": [error.formatted for error in document]})
        operation = get_operation_ast(document, self._body.get("operationName"))
        if operation is None:
            return self._send({"errors": [{"message": "An operation name is required"}]})
        self._document, self._operation = document, operation
        faults: Faults = self._context.services["faults"]
        fault = faults.strike(_root_fields(operation)) if self._context.caller == "app" else None
        return self._with_fault(fault) if fault else self._send(self._run())

    def _send(self, body: Any, status: int = 200) -> Response:
        return _answer(body, self._context.version, status)

    # -- the work ------------------------------------------------------------------------------------

    def _run(self) -> dict[str, Any]:
        root = SCHEMA.mutation_type if self._operation.operation.value == "mutation" else SCHEMA.query_type
        requested = Estimate(SCHEMA, self._document, self._variables).of(self._operation.selection_set, root)
        bucket = self._bucket()
        if requested > LARGEST_COST and not self._context.sees_everything:
            text = (
                f"Query cost is {requested}, which exceeds the single query max cost limit ({LARGEST_COST})."
            )
            return {"errors": [{"message": text, "extensions": {"code": "MAX_COST_EXCEEDED"}}]}
        if not bucket.take(requested):
            return _throttled(bucket, requested)
        body = self._execute()
        reckoned = requested if root is SCHEMA.mutation_type else actual_cost(body.get("data"))
        actual = min(requested, reckoned)
        bucket.give_back(max(0, requested - actual))
        return body | {"extensions": {"cost": bucket.as_json(requested, actual)}}

    def _bucket(self) -> Bucket:
        buckets: Buckets = self._context.services["buckets"]
        state = self._context.state
        return buckets.of(state.domain, self._context.caller, state.shop.plan)

    def _execute(self) -> dict[str, Any]:
        is_mutation = self._operation.operation.value == "mutation"
        root: Any = Mutations(self._context) if is_mutation else Queries(self._context)
        with self._context.world.change():
            result = execute_sync(
                SCHEMA,
                self._document,
                root_value=root,
                context_value=self._context,
                variable_values=self._variables,
                operation_name=self._body.get("operationName"),
                field_resolver=resolve_field,
                type_resolver=resolve_type,
            )
        body: dict[str, Any] = {}
        if result.data is not None or not result.errors:
            body["data"] = result.data
        if result.errors:
            for error in result.errors:
                # A mistake of the sandbox must be seen as one, not taken for an answer of Shopify's.
                if error.original_error and not isinstance(error.original_error, GraphQLError):
                    raise error.original_error
            body["errors"] = [error.formatted for error in result.errors]
        return body

    # -- accidents -----------------------------------------------------------------------------------

    def _with_fault(self, fault: OperationFault) -> Response:
        match fault.fault:
            case "timeout_after_work":
                body = self._run()
                time.sleep(fault.seconds)
                return self._send(body)
            case "late_create":
                threading.Timer(fault.seconds, self._run).start()
                return self._send({"errors": "Gateway Timeout"}, 504)
            case "throttle":
                return self._send(_throttled(self._bucket(), 10))
            case "too_many":
                answer = self._send({"errors": "Exceeded 2 calls per second for api client."}, 429)
                answer.headers["Retry-After"] = "1.0"
                return answer
            case "taken":
                return self._send({"data": _taken(self._operation)})
            case "html":
                return Response(
                    "<!doctype html><title>Something went wrong</title>", content_type="text/html"
                )
            case "cut":
                text = json.dumps(self._run())
                return Response(text[: len(text) // 2], content_type="application/json")
            case "frozen":
                return self._send({"errors": "Unavailable Shop"}, 402)
            case "locked":
                return self._send({"errors": "Locked"}, 423)
            case "unauthorized":
                return self._send({"errors": "[API] Invalid API key or access token"}, 401)
        return Response("<html><h1>502 Bad Gateway</h1></html>", 502, content_type="text/html")


_CODES = {
    "discountCodeFreeShippingCreate": ["freeShippingCodeDiscount", "code"],
    "discountCodeBxgyCreate": ["bxgyCodeDiscount", "code"],
    "giftCardCreate": ["input", "code"],
}


def _taken(operation: OperationDefinitionNode) -> dict[str, Any]:
    """Each root field's payload with nothing but the error."""
    return {(field.alias or field.name).value: _taken_payload(field) for field in _fields(operation)}


def _taken_payload(field: FieldNode) -> dict[str, Any]:
    error = {
        "field": _CODES.get(field.name.value, ["basicCodeDiscount", "code"]),
        "code": "TAKEN",
        "message": "Code must be unique. Please try a different code.",
        "extraInfo": None,
    }
    asked = field.selection_set.selections if field.selection_set else ()
    nothing = {(one.alias or one.name).value: None for one in asked if isinstance(one, FieldNode)}
    return nothing | {"userErrors": [error]}


def _throttled(bucket: Bucket, requested: int) -> dict[str, Any]:
    error = {
        "message": "Throttled",
        "extensions": {
            "code": "THROTTLED",
            "documentation": "https://shopify.dev/api/usage/rate-limits",
        },
    }
    return {"errors": [error], "extensions": {"cost": bucket.as_json(requested, None)}}


def _fields(operation: OperationDefinitionNode) -> list[FieldNode]:
    return [node for node in operation.selection_set.selections if isinstance(node, FieldNode)]


def _root_fields(operation: OperationDefinitionNode) -> list[str]:
    return [field.name.value for field in _fields(operation)]
