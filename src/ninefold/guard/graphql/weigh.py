"""What a query comes to: how deep it is, and how many fields, each as often as the lists that it is in have items.

Fragments are weighed once each, and not wherever they are spread, so that a document of a kilobyte cannot take longer than it
is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    NullValueNode,
    VariableNode,
    get_named_type,
)
from graphql.type import GraphQLInterfaceType, GraphQLList, GraphQLNonNull, GraphQLObjectType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import FragmentDefinitionNode, GraphQLSchema, SelectionSetNode
    from graphql.type import GraphQLField, GraphQLNamedType, GraphQLType

    from ninefold.contract.graphql import Graphql

#: What a size counts as that is no number: more than any contract allows.
ENDLESS = 10**9
#: Digits of a number that are read; one with more counts as endless.
_LONGEST = 10


class Weighing:
    """Of one operation, with the values of its variables. The document is valid: no fragment leads back to itself."""

    def __init__(
        self,
        schema: GraphQLSchema,
        settings: Graphql,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, int | None],
    ) -> None:
        """`variables` are the sizes that those say that say any."""
        self._schema = schema
        self._settings = settings
        self._fragments = fragments
        self._variables = variables
        self._known: dict[tuple[str, str, int], tuple[int, int]] = {}

    def of(self, selections: SelectionSetNode, parent: GraphQLNamedType, size: int = 0) -> tuple[int, int]:
        """Cost and depth. `size` is what an argument further out said of the lists in here (as connections do); 0: nothing."""
        cost = depth = 0
        for one in selections.selections:
            if isinstance(one, FieldNode):
                mine, below = self._field(one, parent, size)
            elif isinstance(one, FragmentSpreadNode):
                mine, below = self._spread(one.name.value, parent, size)
            else:
                assert isinstance(one, InlineFragmentNode)
                inner = self._schema.type_map[one.type_condition.name.value] if one.type_condition else parent
                mine, below = self.of(one.selection_set, inner, size)
            cost = min(ENDLESS, cost + mine)
            depth = max(depth, below)
        return cost, depth

    def _spread(self, name: str, parent: GraphQLNamedType, size: int) -> tuple[int, int]:
        key = name, parent.name, size
        if key not in self._known:
            fragment = self._fragments[name]
            inner = self._schema.type_map[fragment.type_condition.name.value]
            self._known[key] = self.of(fragment.selection_set, inner, size)
        return self._known[key]

    def _field(self, field: FieldNode, parent: GraphQLNamedType, size: int) -> tuple[int, int]:
        named = _field_of(field.name.value, parent)
        if named is None or field.selection_set is None:
            return 1, 1
        kind = named.type
        said = self._size(field, named)
        many, several = 1, False
        listed: GraphQLType = kind
        while isinstance(listed, GraphQLNonNull | GraphQLList):
            if isinstance(listed, GraphQLList):
                several = True
                many = min(ENDLESS, many * (said or size or self._settings.lists))
            listed = listed.of_type
        # what was said for a list is used up by it; what stands at a connection holds for the list inside
        cost, depth = self.of(field.selection_set, get_named_type(kind), 0 if several else said or size)
        return min(ENDLESS, 1 + many * cost), depth + 1

    def _size(self, field: FieldNode, named: GraphQLField) -> int:
        """The largest size that an argument says, or its default does; 0: none does."""
        largest = 0
        given = {one.name.value: one.value for one in field.arguments or ()}
        for name in self._settings.sizes:
            value: Any = given.get(name)
            size = self._variables.get(value.name.value) if isinstance(value, VariableNode) else told(value)
            if size is None:
                size = _default(name, named)
            largest = max(largest, size or 0)
        return largest


def told(value: Any) -> int | None:
    """The size that a value says, be it one of a variable's or one that is written in the document; None: it says none.

    What is no number may be read as any, so it is endless.
    """
    if value is None or isinstance(value, NullValueNode):
        return None
    if isinstance(value, IntValueNode):
        value = int(value.value) if len(value.value) <= _LONGEST else ENDLESS
    if not isinstance(value, int) or isinstance(value, bool):
        return ENDLESS
    return min(ENDLESS, max(1, abs(value)))


def _field_of(name: str, parent: GraphQLNamedType) -> GraphQLField | None:
    if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        found: GraphQLField | None = parent.fields.get(name)
        return found
    return None


def _default(argument: str, field: GraphQLField) -> int | None:
    """The size that the schema says for an argument that is not given."""
    known = field.args.get(argument)
    return told(known.ast_node.default_value) if known is not None and known.ast_node is not None else None
