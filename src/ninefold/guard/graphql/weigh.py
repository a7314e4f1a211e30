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
    VariableNode,
    get_named_type,
)
from graphql.type import GraphQLInterfaceType, GraphQLList, GraphQLNonNull, GraphQLObjectType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import FragmentDefinitionNode, GraphQLSchema, SelectionSetNode
    from graphql.type import GraphQLNamedType, GraphQLType

    from ninefold.contract.graphql import Graphql

#: What a size counts as that is no number: more than any contract allows.
ENDLESS = 10**9


class Weighing:
    """Of one operation, with the values of its variables. The document is valid: no fragment leads back to itself."""

    def __init__(
        self,
        schema: GraphQLSchema,
        settings: Graphql,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
    ) -> None:
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
        kind = _type_of(field.name.value, parent)
        if kind is None or field.selection_set is None:
            return 1, 1
        said = self._size(field)
        many = 1
        listed = kind
        while isinstance(listed, GraphQLNonNull | GraphQLList):
            if isinstance(listed, GraphQLList):
                many = min(ENDLESS, many * (said or size or self._settings.lists))
            listed = listed.of_type
        # what was said for a list is used up by it; what stands at a connection holds for the list inside
        cost, depth = self.of(field.selection_set, get_named_type(kind), 0 if many > 1 else said or size)
        return min(ENDLESS, 1 + many * cost), depth + 1

    def _size(self, field: FieldNode) -> int:
        """The largest size that an argument says; 0: none does."""
        largest = 0
        for argument in field.arguments or ():
            if argument.name.value not in self._settings.sizes:
                continue
            value: Any = argument.value
            if isinstance(value, VariableNode):
                told = self._variables.get(value.name.value)
            else:
                told = int(value.value) if isinstance(value, IntValueNode) else None
            if isinstance(told, int) and not isinstance(told, bool):
                largest = max(largest, min(ENDLESS, max(1, abs(told))))
            elif told is not None:
                largest = ENDLESS  # a size that is no number may be read as any
        return largest


def _type_of(name: str, parent: GraphQLNamedType) -> GraphQLType | None:
    if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) and name in parent.fields:
        kind: GraphQLType = parent.fields[name].type
        return kind
    return None
