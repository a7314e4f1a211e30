"""The types of a GraphQL service as its source declares them in SDL (GraphQL specification, section 3): in files of their own,
or in literals of JavaScript, TypeScript and Python.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from graphql import (
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLError,
    InterfaceTypeDefinitionNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    OperationType,
    ScalarTypeDefinitionNode,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    TypeNode,
    parse,
)

from ninefold.audit.graphql import Argument, Field, Types
from ninefold.audit.source import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from graphql import DefinitionNode

#: Most tokens of one text, and most texts.
TOKENS, TEXTS = 50_000, 200

_WHOLE = (".graphql", ".graphqls", ".gql")
_HOLDS = (".js", ".mjs", ".cjs", ".ts", ".py")
_LITERAL = re.compile(r"`([^`$]*)`|\"\"\"(.*?)\"\"\"|'''(.*?)'''", re.DOTALL)
_DECLARES = re.compile(r"^\s*(?:extend\s+)?(?:type|interface|schema|scalar|enum|union|input)\b", re.MULTILINE)
_SCALARS = frozenset({"Int", "Float", "String", "Boolean", "ID"})


def types_in(root: Path) -> Types | None:
    """All types together. None: there are none, or one is named that is declared nowhere, so these are not all."""
    definitions = [one for text in _texts(root) for one in _parsed(text)]
    leaves = {
        one.name.value for one in definitions if isinstance(one, ScalarTypeDefinitionNode | EnumTypeDefinitionNode)
    }
    leaves |= _SCALARS
    known = {one.name.value for one in definitions if isinstance(one, TypeDefinitionNode)} | leaves
    found: dict[str, list[Field]] = {}
    for one in definitions:
        if isinstance(one, ObjectTypeDefinitionNode | ObjectTypeExtensionNode | InterfaceTypeDefinitionNode):
            found.setdefault(one.name.value, []).extend(_field(field, leaves) for field in one.fields or ())
    roots = {OperationType.QUERY: "Query", OperationType.MUTATION: "Mutation"}
    for one in definitions:
        if isinstance(one, SchemaDefinitionNode):
            roots |= {kind.operation: kind.type.name.value for kind in one.operation_types}
    if roots[OperationType.QUERY] not in found or any(one.type not in known for all_ in found.values() for one in all_):
        return None
    fields = {name: tuple(all_) for name, all_ in found.items()}
    return Types(roots[OperationType.QUERY], roots[OperationType.MUTATION], fields)


def _texts(root: Path) -> Iterator[str]:
    left = TEXTS
    for file in files(root, *_WHOLE, *_HOLDS):
        if file.is_test:
            continue
        whole = file.name.endswith(_WHOLE)
        for text in [file.text] if whole else ("".join(one.groups("")) for one in _LITERAL.finditer(file.text)):
            if _DECLARES.search(text):
                yield text
                left -= 1
            if not left:
                return


def _parsed(text: str) -> tuple[DefinitionNode, ...]:
    try:
        return tuple(parse(text, no_location=True, max_tokens=TOKENS).definitions)
    except (GraphQLError, RecursionError):
        return ()


def _field(node: FieldDefinitionNode, leaves: set[str]) -> Field:
    kind, many = _named(node.type)
    arguments = tuple(
        Argument(
            one.name.value, _named(one.type)[0], isinstance(one.type, NonNullTypeNode) and one.default_value is None
        )
        for one in node.arguments or ()
    )
    sure = isinstance(node.type, NonNullTypeNode)
    return Field(node.name.value, kind, leaf=kind in leaves, many=many, sure=sure, arguments=arguments)


def _named(node: TypeNode) -> tuple[str, bool]:
    """The type below its wrappings, and whether one of them is a list."""
    many = False
    while isinstance(node, ListTypeNode | NonNullTypeNode):
        many = many or isinstance(node, ListTypeNode)
        node = node.type
    return (node.name.value if isinstance(node, NamedTypeNode) else ""), many
