"""One GraphQL endpoint: whether a query may reach the API, and what may come back. What was judged is remembered."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    parse,
    validate,
    visit,
)
from graphql.type import GraphQLInterfaceType, GraphQLObjectType, is_abstract_type

from ninefold.guard.graphql.answer import Selected
from ninefold.guard.graphql.weigh import Weighing
from ninefold.guard.program import Program
from ninefold.guard.project import Projector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DocumentNode, GraphQLSchema

    from ninefold.contract.graphql import Graphql

#: Documents that are remembered of one endpoint.
MOST_REMEMBERED = 512
#: Most fields of one selection: what comparing them may cost grows with the square.
MOST_BESIDE = 120


class Unfit(Exception):
    """A query may not reach the API. `told` is for the caller, `why` for the trail; `status` 400 or 403."""

    def __init__(self, status: int, told: str, why: str = "") -> None:
        super().__init__(why or told)
        self.status = status
        self.told = told


class Asked(msgspec.Struct):
    """One operation of a document that was found to be valid. `fields` are those that not everybody may ask for.

    `projector` is that of its answers; made once it is known that the query is no larger than it may be.
    """

    node: Any
    fragments: dict[str, Any]
    fields: tuple[tuple[str, frozenset[str]], ...]
    introspects: bool
    projector: Projector | None = None


class Judge:
    """Safe for one thread."""

    def __init__(self, settings: Graphql, schema: GraphQLSchema) -> None:
        self._settings = settings
        self._schema = schema
        self._held = {name: frozenset(holders) for name, holders in settings.fields.items()}
        self._known: dict[bytes, tuple[DocumentNode, dict[str, Asked]]] = {}

    def judge(
        self, query: str, name: str | None, variables: Mapping[str, Any], scopes: frozenset[str], *, reads: bool
    ) -> Asked:
        """What is asked for. `name` is `operationName`; `reads`: by GET, so nothing may change. Raises `Unfit`."""
        digest = sha256(query.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is None:
            known = self._read(query), {}
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[digest] = known
        document, operations = known
        node = _chosen(document, name)
        key = node.name.value if node.name else ""
        asked = operations.get(key)
        if asked is None:
            asked = operations[key] = self._asked(document, node)
        if reads and node.operation is not OperationType.QUERY:
            raise Unfit(400, "Only queries may be sent by GET.", "a mutation by GET")
        if asked.introspects and not scopes.intersection(self._settings.introspection):
            raise Unfit(400, "The schema cannot be asked for.", "introspection")
        for field, holders in asked.fields:
            if holders.isdisjoint(scopes):
                raise Unfit(403, "The query asks for a field that the caller may not see.", f"the field {field}")
        self._weigh(asked, variables)
        if asked.projector is None:
            shape = Selected(self._schema, asked.fragments).shape(asked.node, messages=self._settings.messages)
            asked.projector = Projector(shape, Program())
        return asked

    def _read(self, query: str) -> DocumentNode:
        try:
            document = parse(query, max_lexical_tokens=self._settings.tokens)
        except GraphQLError as fault:
            raise Unfit(400, "The document cannot be read.", fault.message.partition("\n")[0][:100]) from None
        except RecursionError:
            raise Unfit(400, "The document cannot be read.", "it nests too deep") from None
        counted = _Counted()
        visit(document, counted)
        if counted.aliases > self._settings.aliases:
            raise Unfit(400, f"More than {self._settings.aliases} fields have other names than their own.")
        if counted.directives > self._settings.directives:
            raise Unfit(400, f"The document has more than {self._settings.directives} directives.")
        if counted.beside > MOST_BESIDE:
            raise Unfit(400, f"One selection has more than {MOST_BESIDE} fields.")
        if counted.deferred:
            raise Unfit(400, "Answers in parts are not served.", "@defer or @stream")
        faults = validate(self._schema, document, max_errors=1, hide_suggestions=True)
        if faults:
            raise Unfit(400, "The document is not valid for this schema.", "it is not valid for the schema")
        return document

    def _asked(self, document: DocumentNode, node: OperationDefinitionNode) -> Asked:
        fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
        info = TypeInfo(self._schema)
        found = _Fields(info, self._schema, self._held)
        visit(document, TypeInfoVisitor(info, found))
        return Asked(node, fragments, tuple(found.held.items()), found.introspects)

    def _weigh(self, asked: Asked, variables: Mapping[str, Any]) -> None:
        root = self._schema.get_root_type(asked.node.operation)
        assert root is not None
        defaults = {
            one.variable.name.value: int(one.default_value.value)
            for one in asked.node.variable_definitions or ()
            if one.default_value is not None and one.default_value.kind == "int_value"
        }
        weighing = Weighing(self._schema, self._settings, asked.fragments, {**defaults, **variables})
        cost, depth = weighing.of(asked.node.selection_set, root)
        if depth > self._settings.depth:
            raise Unfit(400, f"The query is deeper than {self._settings.depth}.", f"depth {depth}")
        if cost > self._settings.cost:
            raise Unfit(400, f"The query comes to more than {self._settings.cost} fields.", f"cost {cost}")


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    named = [one for one in operations if name is None or (one.name is not None and one.name.value == name)]
    if len(named) != 1:
        raise Unfit(400, "The document has no one operation of that name.")
    if named[0].operation is OperationType.SUBSCRIPTION:
        raise Unfit(400, "Subscriptions are not served here.")
    return named[0]


class _Counted(Visitor):
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
    """Fields that not everybody may ask for, by every type that they may be of."""

    def __init__(self, info: TypeInfo, schema: GraphQLSchema, held: Mapping[str, frozenset[str]]) -> None:
        super().__init__()
        self._info = info
        self._schema = schema
        self._known = held
        self.held: dict[str, frozenset[str]] = {}
        self.introspects = False

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        name = node.name.value
        self.introspects |= name in {"__schema", "__type"}
        parent = self._info.get_parent_type()
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return
        types = [parent.name, *(one.name for one in parent.interfaces)]
        if is_abstract_type(parent):
            types += [one.name for one in self._schema.get_possible_types(parent)]
        for kind in types:
            holders = self._known.get(f"{kind}.{name}")
            if holders is not None:
                self.held[f"{kind}.{name}"] = holders
