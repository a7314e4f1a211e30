"""The shape that the answer to a query has: what was selected, and errors in words that tell nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, get_named_type
from graphql.type import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
)

from ninefold.guard.mask import Sentence
from ninefold.guard.outline import Shape
from ninefold.leak.held import held

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode, SelectionSetNode
    from graphql.type import GraphQLNamedType, GraphQLType

_SCALARS = {
    "Int": {"integer"}, "Float": {"number"}, "String": {"string"}, "Boolean": {"boolean"}, "ID": {"string", "integer"},
}  # fmt: skip
#: What stands for the message of an error.
MESSAGE = Sentence("The request could not be answered.")


def errors(*, messages: bool) -> Shape:
    """Of the errors of an answer: their place, and (`messages`) what the API says of them."""
    text = Shape(scalars={"string"}, mask=None if messages else MESSAGE, free=messages)
    place = Shape(members={"line": Shape(scalars={"integer"}), "column": Shape(scalars={"integer"})})
    members = {
        "message": text,
        "locations": Shape(items=place),
        "path": Shape(items=Shape(scalars={"string", "integer"})),
        "extensions": Shape(members={"code": Shape(scalars={"string"})}),
    }
    return Shape(items=Shape(members=members))


class Selected:
    """Makes the shape for one operation of a valid document."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._fragments = fragments

    def shape(self, operation: OperationDefinitionNode, *, messages: bool) -> Shape:
        """Of a whole answer: `data`, and `errors` with their place. `messages`: as the API wrote them."""
        root = self._schema.get_root_type(operation.operation)
        assert root is not None
        data = self._composite([(operation.selection_set, root)])
        return Shape(members={"data": data, "errors": errors(messages=messages)})

    def _composite(self, selected: list[tuple[SelectionSetNode, GraphQLNamedType]]) -> Shape:
        """An object, of all that is selected of it: under one name the selections of every fragment melt."""
        fields: dict[str, list[tuple[FieldNode, GraphQLType]]] = {}
        spread: set[tuple[str, str]] = set()
        waiting = list(selected)
        shape = Shape(members={})
        assert shape.members is not None
        while waiting:
            selections, parent = waiting.pop()
            for one in selections.selections:
                if isinstance(one, FieldNode):
                    name = one.alias.value if one.alias else one.name.value
                    if one.name.value == "__typename":
                        shape.members[name] = Shape(scalars={"string"})
                    elif one.name.value.startswith("__"):
                        shape.members[name] = Shape(anything=True)  # who may ask for the schema gets it
                    elif isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
                        fields.setdefault(name, []).append((one, parent.fields[one.name.value].type))
                elif isinstance(one, FragmentSpreadNode):
                    fragment = self._fragments[one.name.value]
                    inner = self._schema.type_map[fragment.type_condition.name.value]
                    if (one.name.value, inner.name) not in spread:
                        spread.add((one.name.value, inner.name))
                        waiting.append((fragment.selection_set, inner))
                elif isinstance(one, InlineFragmentNode):
                    inner = self._schema.type_map[one.type_condition.name.value] if one.type_condition else parent
                    waiting.append((one.selection_set, inner))
        for name, found in fields.items():
            shape.members[name] = self._value(found)
        return shape

    def _value(self, found: list[tuple[FieldNode, GraphQLType]]) -> Shape:
        kinds = [kind for _, kind in found]
        if any(isinstance(_bare(kind), GraphQLList) for kind in kinds):
            inner = [
                (field, bare.of_type if isinstance(bare := _bare(kind), GraphQLList) else bare) for field, kind in found
            ]
            return Shape(items=self._value(inner))
        composite = [
            (field.selection_set, get_named_type(kind)) for field, kind in found if field.selection_set is not None
        ]
        if composite:
            return self._composite(composite)
        shape = Shape()
        for kind in kinds:
            named = get_named_type(kind)
            if isinstance(named, GraphQLEnumType):
                shape.scalars.add("string")
            elif named.name in _SCALARS:
                shape.scalars |= _SCALARS[named.name]
                shape.free |= named.name == "String" and not held(found[0][0].name.value)
            else:
                shape.anything = True  # a scalar of the schema's own may be anything
        return shape


def _bare(kind: GraphQLType) -> GraphQLType:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind
