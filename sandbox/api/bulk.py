"""Bulk operations: one query over everything, answered as a file of JSON lines."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    IntValueNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_argument_values,
    get_named_type,
    parse,
    validate,
)

from sandbox import payloads
from sandbox.api.connections import UNLIMITED, connect, in_order
from sandbox.api.context import Context, number, snake
from sandbox.api.mutation import MutationSet, Payload, mutation
from sandbox.api.order_views import OrderView
from sandbox.api.queries import Queries, matching_orders, sorted_by
from sandbox.api.schema import check_scopes, value_of
from sandbox.api.selection import Read, Selections
from sandbox.api.views import BulkOperationView
from sandbox.model import BulkOperation
from sandbox.orders import Refused
from sandbox.world import World

AT_ONCE = 5
CONNECTIONS = 5
LEVELS = 2
PAGE = 100  # so many root objects are read before others may use the shop


class BulkMutations(MutationSet):
    @mutation()
    def bulk_operation_run_query(self, query: str, group_objects: bool = False) -> Payload:
        schema: GraphQLSchema = self.context.services["schema"]
        document = _checked(schema, query)
        running = [op for op in self.here.bulk_operations.values() if op.status in ("CREATED", "RUNNING")]
        if len(running) >= AT_ONCE:
            raise Refused("Too many bulk operations are running", None, "LIMIT_REACHED")
        operation = BulkOperation(
            self.world.new_id(),
            query,
            self.world.now(),
            secrets.token_urlsafe(16),
            self.context.services["base_url"],
        )
        self.world.save(self.here, operation)
        work = threading.Thread(target=_run, args=(self.context, schema, document, operation), daemon=True)
        self.world.after_commit(work.start)
        return {"bulkOperation": BulkOperationView(self.context, operation)}


class BulkQueries(Queries):
    def bulk_operation(self, id: str) -> Any:
        found = self.here.bulk_operations.get(number(id, "BulkOperation"))
        return BulkOperationView(self.context, found) if found else None

    def bulk_operations(
        self, query: str | None = None, sort_key: str = "CREATED_AT", **args: Any
    ) -> dict[str, Any]:
        everything = self.here.bulk_operations.values()
        return connect(
            everything, lambda op: BulkOperationView(self.context, op), lambda op: op.created_at, **args
        )

    def current_bulk_operation(self, type: str = "QUERY") -> Any:
        newest = max(self.here.bulk_operations.values(), key=lambda op: op.id, default=None)
        return BulkOperationView(self.context, newest) if newest else None


class _Reading(BulkQueries):
    """The root of a bulk operation. There may be very many orders: no cursors are made for them."""

    def orders(
        self, query: str | None = None, sort_key: str = "ID", reverse: bool = False, **page: Any
    ) -> dict[str, Any]:
        found = matching_orders(self.context, self._orders(), query)
        ordered = in_order(found, sorted_by(sort_key), reverse)
        return {"nodes": [OrderView(self.context, order) for _, order in ordered]}


def fail_unfinished(world: World) -> None:
    """What ran when the process ended does not go on."""
    with world.change():
        for state in world.shops.values():
            for operation in state.bulk_operations.values():
                if operation.status in ("CREATED", "RUNNING"):
                    operation.status, operation.error_code = "FAILED", "INTERNAL_SERVER_ERROR"
                    operation.completed_at = world.now()
                    world.save(state, operation)


# -- is the query one that can be run? -------------------------------------------------------------


def _checked(schema: GraphQLSchema, query: str) -> DocumentNode:
    try:
        document = parse(query)
    except GraphQLError as error:
        raise Refused(f"Invalid bulk query: {error.message}", ["query"], "INVALID") from error
    errors = validate(schema, document)
    if errors:
        raise Refused(f"Invalid bulk query: {errors[0].message}", ["query"], "INVALID")
    operation = _operation(document)
    roots = _fields(operation.selection_set)
    if operation.operation.value != "query" or len(roots) != 1:
        raise Refused("Bulk queries must have exactly one root field", ["query"], "INVALID")
    depths = list(_connections(schema, operation.selection_set, schema.query_type, 1))
    if not depths or not _is_connection(schema.query_type, roots[0]):
        raise Refused("Bulk queries must contain at least one connection.", ["query"], "INVALID")
    _of_nodes(roots[0])  # or it is refused
    if len(depths) > CONNECTIONS:
        raise Refused(
            f"Bulk queries cannot contain more than {CONNECTIONS} connections.", ["query"], "INVALID"
        )
    if max(depths) > LEVELS:
        message = f"Bulk queries cannot contain connections with a nesting depth greater than {LEVELS}."
        raise Refused(message, ["query"], "INVALID")
    return document


def _operation(document: DocumentNode) -> OperationDefinitionNode:
    return next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))


def _fields(selections: SelectionSetNode | None) -> list[FieldNode]:
    return [node for node in selections.selections if isinstance(node, FieldNode)] if selections else []


def _is_connection(parent: Any, node: FieldNode) -> bool:
    known = getattr(parent, "fields", {}).get(node.name.value)
    return known is not None and get_named_type(known.type).name.endswith("Connection")


def _connections(
    schema: GraphQLSchema, selections: SelectionSetNode, parent: Any, depth: int
) -> Iterator[int]:
    """The depth of each connection in the query."""
    for node in _fields(selections):
        if node.selection_set is None or node.name.value not in getattr(parent, "fields", {}):
            continue
        inner = get_named_type(parent.fields[node.name.value].type)
        if _is_connection(parent, node):
            yield depth
            yield from _connections(schema, node.selection_set, inner, depth + 1)
        else:
            yield from _connections(schema, node.selection_set, inner, depth)


# -- the work --------------------------------------------------------------------------------------


def _run(context: Context, schema: GraphQLSchema, document: DocumentNode, operation: BulkOperation) -> None:
    world = context.world
    lines: list[str] = []
    try:
        with world.change():
            operation.status = "RUNNING"
            found, read = _reading(context, schema, document)
        for start in range(0, len(found), PAGE):
            with world.change():
                nodes = [read(view) for view in found[start : start + PAGE]]
            lines += [json.dumps(line, separators=(",", ":")) for node in nodes for line in flatten(node)]
    except GraphQLError as error:
        denied = (error.extensions or {}).get("code") == "ACCESS_DENIED"
        _finish(context, operation, "FAILED", "ACCESS_DENIED" if denied else "INTERNAL_SERVER_ERROR")
        return
    with world.change():  # its file is there when it is completed, and no sooner
        operation.object_count, operation.root_object_count = len(lines), len(found)
        operation.result = "".join(f"{line}\n" for line in lines)
        _finish(context, operation, "COMPLETED")


def _finish(context: Context, operation: BulkOperation, status: str, error: str | None = None) -> None:
    world, state = context.world, context.state
    with world.change():
        operation.status, operation.error_code, operation.completed_at = status, error, world.now()
        world.save(state, operation)
        world.emit(state, "bulk_operations/finish", payloads.bulk_finish(operation))


def _reading(context: Context, schema: GraphQLSchema, document: DocumentNode) -> tuple[list[Any], Read]:
    """What the query finds, and how each of them is read."""
    kind = schema.query_type
    assert kind is not None
    (root,) = _fields(_unlimited(_operation(document).selection_set, kind))
    field = kind.fields[root.name.value]
    connection: Any = get_named_type(field.type)
    check_scopes(context, kind, root.name.value, field.type)
    args = {snake(name): value for name, value in get_argument_values(field, root).items()}
    found = value_of(_Reading(context), root.name.value, args)["nodes"]
    selections = Selections(schema, document, context)
    return found, selections.compiled(_of_nodes(root), get_named_type(connection.fields["nodes"].type))


def _of_nodes(connection: FieldNode) -> SelectionSetNode:
    """What is asked of each node, by `nodes` or by `edges`."""
    parts = {node.name.value: node for node in _fields(connection.selection_set)}
    if "edges" in parts:
        parts = {node.name.value: node for node in _fields(parts["edges"].selection_set)}
    node = parts.get("node") or parts.get("nodes")
    if node is None or node.selection_set is None:
        raise Refused("Bulk queries must ask for the nodes of a connection", ["query"], "INVALID")
    return node.selection_set


def _nodes(connection: dict[str, Any]) -> list[dict[str, Any]]:
    if "nodes" in connection:
        return list(connection["nodes"])
    return [edge["node"] for edge in connection["edges"]]


def _unlimited(selections: SelectionSetNode, parent: Any) -> SelectionSetNode:
    changed = []
    for node in selections.selections:
        if not isinstance(node, FieldNode) or node.selection_set is None:
            changed.append(node)
            continue
        inner = _unlimited(node.selection_set, get_named_type(parent.fields[node.name.value].type))
        arguments = list(node.arguments or ())
        if _is_connection(parent, node) and not any(a.name.value == "first" for a in arguments):
            arguments.append(_argument("first", IntValueNode(value=str(UNLIMITED))))
        changed.append(_copy(node, arguments, inner.selections))
    return SelectionSetNode(selections=tuple(changed))


def _copy(node: FieldNode, arguments: Any, selections: Any) -> FieldNode:
    return FieldNode(
        name=node.name,
        alias=node.alias,
        arguments=tuple(a for a in arguments),
        directives=node.directives,
        selection_set=SelectionSetNode(selections=tuple(selections)),
    )


def _argument(name: str, value: Any) -> ArgumentNode:
    return ArgumentNode(name=NameNode(value=name), value=value)


def flatten(node: dict[str, Any], parent: str | None = None) -> Iterator[dict[str, Any]]:
    """A node and, as lines of their own behind it, what its connections hold."""
    own, children = {}, []
    for name, value in node.items():
        if isinstance(value, dict) and ("edges" in value or "nodes" in value):
            children += _nodes(value)
        else:
            own[name] = value
    yield own | ({"__parentId": parent} if parent else {})
    for child in children:
        yield from flatten(child, node.get("id"))
