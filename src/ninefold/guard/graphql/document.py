"""One document, found to be valid, and each of its operations: what it asks for, whoever asks and with whatever variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    NamedTypeNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    visit,
)
from graphql.type import GraphQLInterfaceType, GraphQLObjectType, is_abstract_type

from ninefold.guard.graphql.weigh import ENDLESS, Inputs, Weighing, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DocumentNode, GraphQLSchema

    from ninefold.contract.graphql import Graphql
    from ninefold.guard.plan import Plan
    from ninefold.guard.project import Projector

#: So many costs of one operation are remembered, by the sizes that its variables say.
MOST_WEIGHTS = 64


class Unfit(Exception):
    """A query may not reach the API. `told` is for the caller, `why` for the trail; `code` is one that clients know."""

    def __init__(self, status: int, told: str, why: str = "", code: str = "") -> None:
        super().__init__(why or told)
        self.status = status
        self.told = told
        self.code = code


class Asked(msgspec.Struct):
    """One operation of a valid document. `fields` are those that not everybody may ask for.

    `sizes` are the variables that say how long lists are, themselves (no type) or by what is in the input object that they are,
    with their defaults; `weights` is what it comes to by the sizes that they say.
    `projector` is that of its answers; made once it is known that the query is no larger than it may be. `plans` are those that
    it goes on with, by those that it came with.
    """

    node: Any
    fragments: dict[str, Any]
    fields: tuple[tuple[str, frozenset[str]], ...]
    introspects: bool
    sizes: tuple[tuple[str, str, int | None], ...]
    weights: dict[tuple[int | None, ...], tuple[int, int]] = {}  # each gets its own
    projector: Projector | None = None
    plans: dict[Plan, Plan] = {}


class Document:
    """A valid one. Safe for one thread."""

    __slots__ = ("_asked", "_fragments", "_held", "_inputs", "_named", "_node", "_schema", "_settings", "operations")

    def __init__(
        self,
        node: DocumentNode,
        schema: GraphQLSchema,
        settings: Graphql,
        held: Mapping[str, frozenset[str]],
        inputs: Inputs,
    ) -> None:
        """`held` are the fields that are not for everybody, with whom they are for; `inputs` those of the schema."""
        self._node = node
        self._schema = schema
        self._settings = settings
        self._held = held
        self._inputs = inputs
        self._fragments = {one.name.value: one for one in node.definitions if isinstance(one, FragmentDefinitionNode)}
        self.operations = tuple(one for one in node.definitions if isinstance(one, OperationDefinitionNode))
        named = {one.name.value if one.name else None: one for one in self.operations}
        #: By the names that requests may say; None: there is only one.
        self._named = {**named, None: self.operations[0]} if len(self.operations) == 1 else named
        self._asked: dict[int, Asked] = {}

    def asked(self, name: str | None) -> Asked:
        """Its operation of this name, or (None) its only one. Raises `Unfit`."""
        node = self._named.get(name)
        if node is None:
            raise Unfit(400, "The document has no one operation of that name.")
        known = self._asked.get(id(node))
        if known is None:
            known = self._asked[id(node)] = self._look(node)
        return known

    def weigh(self, asked: Asked, variables: Mapping[str, Any]) -> tuple[int, int]:
        """Cost and depth of one of its operations. Variables that say nothing about sizes are not looked at."""
        try:
            sizes = tuple([
                default if name not in variables
                else self._inputs.size(variables[name], kind) if kind
                else told(variables[name])
                for name, kind, default in asked.sizes
            ])  # fmt: skip
        except RecursionError:  # a variable nests deeper than any schema
            return ENDLESS, ENDLESS
        known = asked.weights.get(sizes)
        return self._weighed(asked, sizes) if known is None else known

    def least(self, asked: Asked) -> tuple[int, int]:
        """Cost and depth where every variable that says a size says one."""
        return self._weighed(asked, tuple(1 for _ in asked.sizes))

    def _weighed(self, asked: Asked, sizes: tuple[int | None, ...]) -> tuple[int, int]:
        values = {(name, bool(kind)): size for (name, kind, _), size in zip(asked.sizes, sizes, strict=True)}
        root = self._schema.get_root_type(asked.node.operation)
        assert root is not None
        weighing = Weighing(self._schema, self._settings, self._inputs, self._fragments, values)
        try:
            known = weighing.of(asked.node.selection_set, root)
        except RecursionError:  # a chain of fragments nests deeper than any contract allows
            known = ENDLESS, ENDLESS
        if len(asked.weights) >= MOST_WEIGHTS:
            asked.weights.clear()
        asked.weights[sizes] = known
        return known

    def _look(self, node: OperationDefinitionNode) -> Asked:
        info = TypeInfo(self._schema)
        found = _Fields(info, self._schema, self._held, self._settings)
        visit(self._node, TypeInfoVisitor(info, found))
        declared = {one.variable.name.value: one for one in node.variable_definitions or ()}
        sizes: list[tuple[str, str, int | None]] = []
        for name, one in declared.items():
            kind = _named(one.type)
            if name in found.sizes:
                sizes.append((name, "", told(one.default_value)))
            elif kind in self._inputs:
                sizes.append((name, kind, self._inputs.size(one.default_value, kind)))
        return Asked(node, self._fragments, tuple(found.held.items()), found.introspects, tuple(sizes))


class Counted(Visitor):
    """What is counted before a document is held against its schema."""

    def __init__(self) -> None:
        super().__init__()
        self.aliases = self.directives = self.beside = 0
        self.deferred = False

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.aliases += node.alias is not None and node.alias.value != node.name.value

    def enter_directive(self, node: Any, *_: Any) -> None:
        self.directives += 1
        self.deferred |= node.name.value in {"defer", "stream"}

    def enter_selection_set(self, node: Any, *_: Any) -> None:
        self.beside = max(self.beside, len(node.selections))


class _Fields(Visitor):
    """Fields that not everybody may ask for, by every type that they may be of; and variables that say sizes."""

    def __init__(
        self, info: TypeInfo, schema: GraphQLSchema, held: Mapping[str, frozenset[str]], settings: Graphql
    ) -> None:
        super().__init__()
        self._info = info
        self._schema = schema
        self._known = held
        self._named = settings.sizes
        self.held: dict[str, frozenset[str]] = {}
        self.introspects = False
        self.sizes: set[str] = set()

    def enter_argument(self, node: Any, *_: Any) -> None:
        if node.name.value in self._named and isinstance(node.value, VariableNode):
            self.sizes.add(node.value.name.value)

    def enter_object_field(self, node: Any, *_: Any) -> None:
        self.enter_argument(node)

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        name = node.name.value
        self.introspects |= name in {"__schema", "__type"}
        parent = self._info.get_parent_type()
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return
        types = [parent.name, *(one.name for one in parent.interfaces)]
        if is_abstract_type(parent):
            for one in self._schema.get_possible_types(parent):
                types += [one.name, *(above.name for above in one.interfaces)]
        for kind in types:
            holders = self._known.get(f"{kind}.{name}")
            if holders is not None:
                self.held[f"{kind}.{name}"] = holders


def _named(kind: Any) -> str:
    """The name of a variable's type, without lists and exclamation marks."""
    while not isinstance(kind, NamedTypeNode):
        kind = kind.type
    name: str = kind.name.value
    return name
