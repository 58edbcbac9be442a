"""A selection of fields, read the short way.

graphql-core's executor looks each field up anew wherever it is read, waits for what might be awaitable
and gathers errors. One call reads hundreds of fields and never notices; a bulk operation reads millions.
Here a selection is compiled once: what a field is called, who may see it, its arguments and its type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionSetNode,
    get_argument_values,
    get_named_type,
    is_list_type,
    is_non_null_type,
)

from sandbox.api.context import Context, snake
from sandbox.api.schema import check_scopes, value_of

Read = Callable[[Any], Any]
"""From a view to what the answer says of it."""


class Selections:
    """Compiles the selections of one document. Directives like `@include` are not for bulk operations."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, context: Context) -> None:
        self._schema, self._context = schema, context
        self._fragments = {
            d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
        }

    def compiled(self, selections: SelectionSetNode, kind: Any) -> Read:
        """Reads a view of this kind as a dict; access to a field without its scope is refused here."""
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            return self._of_several_kinds(selections)
        fields = [
            (node.alias.value if node.alias else node.name.value, self.field(node, kind))
            for node in self._fields(selections, kind)
        ]
        return lambda source: {name: read(source) for name, read in fields}

    def field(self, node: FieldNode, kind: GraphQLObjectType) -> Read:
        """Reads one field of a view of this kind."""
        name = node.name.value
        if name == "__typename":
            return lambda source: kind.name
        definition = kind.fields[name]
        check_scopes(self._context, kind, name, definition.type)
        given = {snake(key): value for key, value in get_argument_values(definition, node).items()}
        finish = self._completed(definition.type, node)
        return lambda source: finish(value_of(source, name, given))

    def _completed(self, wanted: Any, node: FieldNode) -> Read:
        """From what a view holds to what is said, by the type in the schema."""
        if is_non_null_type(wanted):
            return _never_null(self._completed(wanted.of_type, node), node.name.value)
        if is_list_type(wanted):
            item = self._completed(wanted.of_type, node)
            return lambda value: None if value is None else [item(one) for one in value]
        kind = get_named_type(wanted)
        read = self.compiled(node.selection_set, kind) if node.selection_set else kind.coerce_output_value
        return lambda value: None if value is None else read(value)

    def _of_several_kinds(self, selections: SelectionSetNode) -> Read:
        known: dict[str, Read] = {}

        def read(source: Any) -> Any:
            name = str(source["__typename"] if isinstance(source, dict) else source.kind)
            if name not in known:
                known[name] = self.compiled(selections, self._schema.type_map[name])
            return known[name](source)

        return read

    def _fields(self, selections: SelectionSetNode, kind: GraphQLObjectType) -> Iterator[FieldNode]:
        """Those that hold for the kind, out of their fragments."""
        for node in selections.selections:
            if isinstance(node, FieldNode):
                yield node
                continue
            part: Any = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            assert isinstance(part, InlineFragmentNode | FragmentDefinitionNode)
            if self._holds(part.type_condition, kind):
                yield from self._fields(part.selection_set, kind)

    def _holds(self, condition: Any, kind: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == kind.name:
            return True
        other: Any = self._schema.type_map[condition.name.value]
        return isinstance(other, GraphQLInterfaceType | GraphQLUnionType) and self._schema.is_sub_type(
            other, kind
        )


def _never_null(read: Read, name: str) -> Read:
    def checked(value: Any) -> Any:
        if (said := read(value)) is None:
            raise GraphQLError(f"{name} is never null, and was")
        return said

    return checked
