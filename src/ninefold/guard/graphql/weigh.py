"""What a query comes to: how deep it is, and how many fields, each as often as the lists that it is in have items.

Fragments are weighed once each, and not wherever they are spread, so that a document of a kilobyte cannot take longer than it
is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    VariableNode,
    get_named_type,
)
from graphql.type import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from graphql import FragmentDefinitionNode, GraphQLSchema, SelectionSetNode
    from graphql.type import GraphQLField, GraphQLNamedType, GraphQLType

    from ninefold.contract.graphql import Graphql

#: What a size counts as that is no number: more than any contract allows.
ENDLESS = 10**9
#: The sizes that variables say: themselves, or (True) by what is in them.
Sizes: TypeAlias = "Mapping[tuple[str, bool], int | None]"
_NOTHING: Sizes = {}
#: Digits of a number that are read; one with more counts as endless.
_LONGEST = 10


class Weighing:
    """Of one operation, with the values of its variables. The document is valid: no fragment leads back to itself."""

    def __init__(
        self,
        schema: GraphQLSchema,
        settings: Graphql,
        inputs: Inputs,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Sizes,
    ) -> None:
        self._schema = schema
        self._inputs = inputs
        self._lists = settings.lists
        self._names = settings.sizes
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
                many = min(ENDLESS, many * (said or size or self._lists))
            listed = listed.of_type
        # what was said for a list is used up by it; what stands at a connection holds for the list inside
        cost, depth = self.of(field.selection_set, get_named_type(kind), 0 if several else said or size)
        return min(ENDLESS, 1 + many * cost), depth + 1

    def _size(self, field: FieldNode, named: GraphQLField) -> int:
        """The largest size that an argument says, or its default does; 0: none does."""
        given = {one.name.value: one.value for one in field.arguments or ()}
        largest = 0
        for name in self._names:
            size = told(given.pop(name, None), self._variables)
            largest = max(largest, (_default(name, named) if size is None else size) or 0)
        for name, argument in named.args.items():
            kind = get_named_type(argument.type).name
            if kind not in self._inputs or name in self._names:
                continue
            found = self._inputs.size(given.get(name), kind, self._variables)
            if found is None and argument.ast_node is not None:
                found = self._inputs.size(argument.ast_node.default_value, kind)
            largest = max(largest, found or 0)
        return largest


def told(value: Any, variables: Sizes = _NOTHING) -> int | None:
    """The size that a value says, be it one of a variable's or one that is written in the document; None: it says none.

    What is no number may be read as any, so it is endless.
    """
    if isinstance(value, VariableNode):
        return variables.get((value.name.value, False))
    if value is None or isinstance(value, NullValueNode):
        return None
    if isinstance(value, IntValueNode):
        value = int(value.value) if len(value.value) <= _LONGEST else ENDLESS
    if not isinstance(value, int) or isinstance(value, bool):
        return ENDLESS
    return min(ENDLESS, max(1, abs(value)))


class Inputs:
    """The input objects of a schema that may say a size, by a number in them or in what is in them."""

    def __init__(self, schema: GraphQLSchema, names: Collection[str]) -> None:
        """`names` are those that say sizes."""
        objects = [one for one in schema.type_map.values() if isinstance(one, GraphQLInputObjectType)]
        fields = {kind.name: {name: get_named_type(one.type) for name, one in kind.fields.items()} for kind in objects}
        #: By the name of a type the fields that matter, with the type in which it goes on; None: they are sizes.
        self._kinds: dict[str, dict[str, str | None]] = {
            kind: {name: None for name, one in inner.items() if name in names and _numbers(one)}
            for kind, inner in fields.items()
        }
        reaching = {kind for kind, sizes in self._kinds.items() if sizes}
        more = reaching
        while more:
            for kind, inner in fields.items():
                self._kinds[kind] |= {name: one.name for name, one in inner.items() if one.name in more}
            more = {kind for kind, found in self._kinds.items() if found} - reaching
            reaching |= more
        self._objects = {kind.name: kind for kind in objects}
        self._defaults: dict[str, dict[str, int]] = {}
        for kind in reaching:
            self._default(kind)

    def __contains__(self, kind: str) -> bool:
        return bool(self._kinds.get(kind))

    def size(self, value: Any, kind: str, variables: Sizes = _NOTHING) -> int | None:
        """The largest size in a value of this type, be it a variable's or written in the document; None: it says none."""
        if isinstance(value, VariableNode):
            return variables.get((value.name.value, True))
        fields = self._kinds.get(kind)
        if not fields:
            return None
        found: list[int | None] = []
        if isinstance(value, list | ListValueNode):
            found += [self.size(one, kind, variables) for one in (value if isinstance(value, list) else value.values)]
        elif isinstance(value, dict | ObjectValueNode):
            said, defaults = dict(_members(value)), self._defaults[kind]
            for name, inner in fields.items():
                one = said.get(name)
                size = told(one, variables) if inner is None else self.size(one, inner, variables)
                found.append(defaults.get(name) if size is None else size)
        return max((one for one in found if one is not None), default=None)

    def _default(self, kind: str) -> None:
        """What the fields of a type say where a value leaves them out. Of a default that holds itself, nothing."""
        if kind in self._defaults:
            return
        found = self._defaults[kind] = {}
        for name, inner in self._kinds[kind].items():
            node = self._objects[kind].fields[name].ast_node
            default = node.default_value if node is not None else None
            if inner is not None:
                self._default(inner)
            size = told(default) if inner is None else self.size(default, inner)
            if size is not None:
                found[name] = size


def _members(value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, ObjectValueNode):
        return ((one.name.value, one.value) for one in value.fields)
    return value.items() if isinstance(value, dict) else ()


def _numbers(kind: GraphQLNamedType) -> bool:
    """Whether its values may be numbers: a `first` that is a text is half of a name."""
    return isinstance(kind, GraphQLScalarType) and kind.name not in {"String", "Boolean", "ID"}


def _field_of(name: str, parent: GraphQLNamedType) -> GraphQLField | None:
    if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        found: GraphQLField | None = parent.fields.get(name)
        return found
    return None


def _default(argument: str, field: GraphQLField) -> int | None:
    """The size that the schema says for an argument that is not given."""
    known = field.args.get(argument)
    return told(known.ast_node.default_value) if known is not None and known.ast_node is not None else None
