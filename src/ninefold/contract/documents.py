"""The documents that a GraphQL endpoint runs, as its clients' builds list them. Loaded for contracts with an endpoint alone.

Three forms are read: Apollo's persisted query manifest, Relay's persisted queries (an object of texts by their ids, which
GraphQL Code Generator writes too), and plain GraphQL, of which each operation is a document with the fragments that it uses,
wherever they stand.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    Source,
    Visitor,
    parse,
    print_ast,
    validate,
    visit,
)

from ninefold.contract.source import read_bytes
from ninefold.errors import ContractProblems, FileError, Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from graphql import GraphQLSchema

#: Largest file that is read, in bytes, and most files of a folder.
MOST_BYTES, MOST_FILES = 64 * 1024 * 1024, 10_000
#: What Apollo's manifests say that they are.
FORMAT = "apollo-persisted-query-manifest"
_PLAIN = frozenset({".graphql", ".gql"})
_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Listed:
    """One document. `text` is what the API gets of it, `form` what all of its spellings have in common."""

    text: str
    node: DocumentNode = field(repr=False)
    form: bytes
    place: Place


@dataclass(frozen=True, slots=True)
class Graph:
    """What one endpoint serves. `documents` are those that it lists, by their ids; None: it lists none."""

    schema: GraphQLSchema
    documents: Mapping[str, Listed] | None = None


def form(document: DocumentNode) -> bytes:
    """The SHA-256 of a document without what means nothing: white space, comments, and the order of its definitions."""
    return sha256("\0".join(sorted(map(print_ast, document.definitions))).encode("utf-8", "surrogatepass")).digest()


def read_documents(path: Path, schema: GraphQLSchema) -> dict[str, Listed]:
    """The documents of a file or folder by their ids. A document is known by the SHA-256 of its text as well.

    The latter as Apollo's clients send it, and as `sha256:...` (GraphQL over HTTP, appendix A). Raises `FileError` where one
    cannot be read, and `ContractProblems` with the place of each fault.
    """
    lists = _Lists(schema)
    for file in _files(path):
        try:
            text = read_bytes(file, MOST_BYTES).decode("utf-8-sig")
        except UnicodeDecodeError:
            lists.fault("the file is not UTF-8", Place(str(file), 1, 1), "save it as UTF-8")
            continue
        if file.suffix in _PLAIN:
            lists.plain(text, str(file))
        else:
            lists.manifest(text, str(file))
    return lists.ended(Place(str(path)))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.rglob("*") if one.suffix in {*_PLAIN, ".json"} and one.is_file())
    if len(found) > MOST_FILES:
        raise FileError(
            f"has more than {MOST_FILES} files", place=Place(str(path)), remedy="name the folder of the documents alone"
        )
    return found


class _Twice(ValueError):
    """A name that comes twice in one object."""


class _Lists:
    """What was found so far, in all files."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._problems: list[Problem] = []
        self._found: dict[str, Listed] = {}
        self._operations: list[OperationDefinitionNode] = []
        self._fragments: dict[str, FragmentDefinitionNode] = {}

    def fault(self, what: str, place: Place, remedy: str) -> None:
        self._problems.append(Problem(what, place, remedy))

    def ended(self, whole: Place) -> dict[str, Listed]:
        """All of them. Raises `ContractProblems`."""
        for operation in self._operations:
            self._assembled(operation)
        if not self._found and not self._problems:
            self.fault("there are no documents", whole, "list those that clients send, or leave `documents` out")
        if self._problems:
            raise ContractProblems(self._problems)
        for one in list(self._found.values()):
            digest = sha256(one.text.encode()).hexdigest()
            self._found.setdefault(digest, one)
            self._found.setdefault(f"sha256:{digest}", one)
        return self._found

    # -- manifests

    def manifest(self, text: str, file: str) -> None:
        """Of Apollo or Relay."""
        try:
            data = json.loads(text, object_pairs_hook=_once)
        except json.JSONDecodeError as fault:
            self.fault(f"it is no JSON: {fault.msg}", Place(file, fault.lineno, fault.colno), "make it anew")
            return
        except _Twice as fault:
            name = str(fault)
            self.fault(f"{_shown(name)} stands in it twice", _Places(text, file).last(name), "make it anew")
            return
        except (RecursionError, ValueError):
            self.fault("it is no JSON that can be read", Place(file, 1, 1), "make it anew")
            return
        mine: set[str] = set()
        places = _Places(text, file)
        for id_, body, claims in self._entries(data, file):
            place = places.next(id_, named=bool(claims))
            if id_ in mine:
                self.fault(f"the id {_shown(id_)} stands in it twice", place, "make it anew")
                continue
            mine.add(id_)
            self._entry(id_, body, claims, place)

    def _entries(self, data: Any, file: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Ids and texts, and what the manifest says of each."""
        top = Place(file, 1, 1)
        if isinstance(data, dict) and isinstance(data.get("format"), str) and "operations" in data:
            if data["format"] != FORMAT or data.get("version") != 1 or not isinstance(data["operations"], list):
                self.fault(f"it is no {FORMAT} of version 1", top, "make it with Apollo's generator")
                return
            for number, one in enumerate(data["operations"]):
                if not isinstance(one, dict) or not all(_told(one.get(name)) for name in ("id", "body")):
                    self.fault(f"operations[{number}] has no `id` and `body` that are text", top, "make it anew")
                    continue
                yield one["id"], one["body"], one
        elif isinstance(data, dict) and all(_told(one) for one in (*data, *data.values())):
            yield from ((id_, body, {}) for id_, body in data.items())
        else:
            what = "it is neither Apollo's manifest nor an object of texts by their ids"
            self.fault(what, top, "name what the client's build lists its documents in")

    def _entry(self, id_: str, body: str, claims: Mapping[str, Any], place: Place) -> None:
        what = f"the document {_shown(id_)}"
        try:
            node = parse(Source(body))
        except GraphQLError as fault:
            self.fault(f"{what} cannot be read{_within(fault)}", place, "make it anew")
            return
        if not any(_fits(one, claims) for one in node.definitions):
            self.fault(
                f"{what} has no operation of the `name` and `type` that it is listed with", place, "make it anew"
            )
            return
        faults = validate(self._schema, node, max_errors=1)
        if faults:
            self.fault(f"{what} does not fit the schema{_within(faults[0])}", place, "make it anew, or mend the schema")
            return
        self._add(id_, Listed(body, node, form(node), place))

    def _add(self, id_: str, one: Listed) -> None:
        known = self._found.setdefault(id_, one)
        if known.form != one.form:
            what = f"the id {_shown(id_)} stands for another document in {known.place.file}"
            self.fault(what, one.place, "give each document an id of its own")

    # -- plain GraphQL

    def plain(self, text: str, file: str) -> None:
        """Operations and fragments."""
        try:
            node = parse(Source(text, file))
        except GraphQLError as fault:
            self.fault(f"it cannot be read: {fault.message}", _of(fault, file), "mend it")
            return
        for one in node.definitions:
            if isinstance(one, OperationDefinitionNode):
                self._operations.append(one)
            elif not isinstance(one, FragmentDefinitionNode):
                self.fault("it defines types, and no document that can be run", _start(one), "move it elsewhere")
            elif one.name.value in self._fragments:
                what = f"there is another fragment {one.name.value} in {_start(self._fragments[one.name.value])}"
                self.fault(what, _start(one), "rename one of them")
            else:
                self._fragments[one.name.value] = one

    def _assembled(self, operation: OperationDefinitionNode) -> None:
        """A document of one operation and the fragments that it uses."""
        used: dict[str, FragmentDefinitionNode] = {}
        waiting: list[OperationDefinitionNode | FragmentDefinitionNode] = [operation]
        while waiting:
            spread = _Spread()
            visit(waiting.pop(), spread)
            for name in spread.names:
                if name in self._fragments and name not in used:
                    used[name] = self._fragments[name]
                    waiting.append(used[name])
        node = DocumentNode(definitions=(operation, *used.values()))
        place = _start(operation)
        faults = validate(self._schema, node, max_errors=1)
        if faults:
            what = f"the document does not fit the schema: {faults[0].message}"
            self.fault(what, _of(faults[0], place.file), "mend it, or the schema")
            return
        text = print_ast(node)
        self._add(sha256(text.encode()).hexdigest(), Listed(text, parse(text), form(node), place))


class _Spread(Visitor):
    """The names of the fragments that something spreads."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self.names.append(node.name.value)


class _Places:
    """Where the ids of a manifest stand, asked for in their order: a search begins where the last one ended."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._ends = [one.start() for one in re.finditer("\n", text)]
        self._at = 0

    def next(self, id_: str, *, named: bool) -> Place:
        """`named`: it is the value of an `id`, and no name itself."""
        written = re.escape(json.dumps(id_, ensure_ascii=False))
        found = re.compile(rf'"id"\s*:\s*({written})' if named else rf"({written})\s*:").search(self._text, self._at)
        if found is not None:
            self._at = found.end(1)
        return self._place(found.start(1) if found is not None else 0)

    def last(self, name: str) -> Place:
        return self._place(max(0, self._text.rfind(json.dumps(name, ensure_ascii=False))))

    def _place(self, at: int) -> Place:
        line = bisect_left(self._ends, at)
        return Place(self._file, line + 1, at - (self._ends[line - 1] if line else -1))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Twice(name)
        found[name] = value
    return found


def _told(value: Any) -> bool:
    """Whether it is a text that can be an id or a document."""
    try:
        return isinstance(value, str) and bool(value.encode())
    except UnicodeEncodeError:
        return False


def _fits(node: Any, claims: Mapping[str, Any]) -> bool:
    """Whether it is the operation that a manifest says there is; what it does not say holds."""
    if not isinstance(node, OperationDefinitionNode):
        return False
    name = node.name.value if node.name else None
    return bool(claims.get("name", name) == name and claims.get("type", node.operation.value) == node.operation.value)


def _shown(id_: str) -> str:
    return repr(id_ if len(id_) <= _LONGEST_SHOWN else f"{id_[:_LONGEST_SHOWN]}...")


def _within(fault: GraphQLError) -> str:
    """Where in a document's own text something is wrong, and what."""
    where = f" in its line {fault.locations[0].line}, column {fault.locations[0].column}" if fault.locations else ""
    return f"{where}: {fault.message}"


def _of(fault: GraphQLError, file: str) -> Place:
    if not fault.locations:
        return Place(file, 1, 1)
    at = fault.locations[0]
    return Place(fault.source.name if fault.source else file, at.line, at.column)


def _start(node: Any) -> Place:
    at = node.loc.source.get_location(node.loc.start)
    return Place(node.loc.source.name, at.line, at.column)
