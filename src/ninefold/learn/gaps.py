"""Holds what was seen against what is described: operations, parameters, bodies, answers and their members."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ninefold.audit.sensitive import tells
from ninefold.contract.description import escape, unescape
from ninefold.learn.gap import Gap
from ninefold.learn.proposal import as_operation, promised

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.contract.description import Description, Operation

#: Deepest schema that is walked, as `ninefold.audit.inputs.shape` makes them no deeper.
_DEEPEST = 16
_PARTS = ("allOf", "oneOf", "anyOf")
_STRUCTURE = frozenset({"type", "properties", "items", "additionalProperties", "enum", "const", *_PARTS})


@dataclass(frozen=True, slots=True)
class Compared:
    """`gaps` by place, `unseen` the described operations that nothing was seen of."""

    gaps: tuple[Gap, ...]
    unseen: tuple[Operation, ...]


def compare(seen: Description, described: Description) -> Compared:
    """`seen` is the description of what was seen (`ninefold.learn.sketch`, a HAR recording)."""
    walk = _Walk(described)
    known = list(described.operations)
    met: set[str] = set()
    for operation in seen.operations:
        found = _match(operation, known)
        if found is None:
            walk.shadow(operation)
        else:
            met.add(found.id)
            walk.operation(operation, found)
    return Compared(tuple(walk.gaps()), tuple(one for one in known if one.id not in met))


def _match(operation: Operation, known: list[Operation]) -> Operation | None:
    """The described operation that answers what was seen: literal segments before parameters."""
    wanted = operation.path.strip("/").split("/")
    best: tuple[int, Operation] | None = None
    for one in known:
        parts = one.path.strip("/").split("/")
        if one.method != operation.method or len(parts) != len(wanted):
            continue
        literal = 0
        for part, want in zip(parts, wanted, strict=True):
            if part == want:
                literal += 1
            elif "{" not in part:
                break
        else:
            if best is None or literal > best[0]:
                best = literal, one
    return best[1] if best is not None else None


class _Walk:
    """Through one description; what is missing at one place is one gap, wherever it was met."""

    def __init__(self, described: Description) -> None:
        self._described = described
        self._older = described.dialect in {"2.0", "3.0"}
        self._found: dict[tuple[str, str], Gap] = {}

    def gaps(self) -> Iterator[Gap]:
        yield from sorted(self._found.values(), key=lambda gap: (gap.kind != "operation", gap.pointer))

    def shadow(self, operation: Operation) -> None:
        raw = {name: self._worded(one) for name, one in as_operation(operation.raw).items() if name != "security"}
        path = next(
            (one.path for one in self._described.operations if _alike(one.path, operation.path)), operation.path
        )
        self._add(
            "operation",
            f"/paths/{escape(path)}/{operation.method.lower()}",
            f"{operation.method} {operation.path} is served and not described",
            raw,
            operation,
            careful=True,
        )

    def operation(self, seen: Operation, found: Operation) -> None:
        here = self._at(found.pointer)
        if here is None:
            return
        known = {one.name for one in found.parameters if one.location == "query"}
        for one in seen.parameters:
            if one.location == "query" and one.name not in known:
                self._add(
                    "parameter",
                    f"{here}/parameters/{escape(one.name)}",
                    f"the query parameter `{one.name}` is sent and not described",
                    {"name": one.name, "in": "query", "schema": self._promised(one.schema)},
                    found,
                )
        for media, schema in seen.request.items():
            self._media(f"{here}/requestBody", media, schema, found, "a request body", found.request)
        for status, response in seen.responses.items():
            self._answer(here, status, response.media, found)

    def _answer(self, here: str, status: str, media: Any, found: Operation) -> None:
        if status in {"404", "401", "403", "429", "500", "502", "503"} and status not in found.responses:
            return  # what any API says; the guard says the same
        named = next((one for one in (status, f"{status[0]}XX", "default") if one in found.responses), "")
        if not named:
            content = {name: {"schema": self._promised(one)} if one is not None else {} for name, one in media.items()}
            value = {"description": "seen", **({"content": content} if content else {})}
            self._add(
                "status", f"{here}/responses/{status}", f"it answers {status}, which is not described", value, found
            )
            return
        raw = self._described.at(f"#{here}/responses")
        key = next((one for one in raw if str(one).upper() == named.upper()), named)
        for name, schema in media.items():
            self._media(
                f"{here}/responses/{escape(str(key))}", name, schema, found, f"{status}", found.responses[named].media
            )

    def _media(self, pointer: str, media: str, schema: Any, found: Operation, what: str, known: Any) -> None:
        place = self._at(pointer)
        declared = next((one for one in known if one.partition(";")[0].strip().lower() == media), None)
        if declared is None:
            ranged = {media.partition("/")[0] + "/*", "*/*"} & {one.lower() for one in known}
            if not ranged:
                value = {"schema": self._promised(schema)} if schema is not None else {}
                self._add(
                    "body" if "requestBody" in pointer else "media",
                    f"{place or pointer}/content/{escape(media)}",
                    f"{what} comes as {media}, which is not described",
                    value,
                    found,
                )
            return
        if schema is not None and place is not None:
            self._schema(schema, f"{place}/content/{escape(declared)}/schema", found, what, "", 0)

    def _schema(self, seen: Any, pointer: str, found: Operation, what: str, path: str, depth: int) -> None:
        place = self._at(pointer)
        if place is None or depth > _DEEPEST or not isinstance(seen, dict):
            return
        members: dict[str, str] = {}
        open_ = self._members(place, members, set())
        kinds = seen.get("type", [])
        for name, schema in (seen.get("properties") or {}).items():
            if name in members:
                self._schema(schema, members[name], found, what, f"{path}/{name}", depth + 1)
            elif not open_:
                self._add(
                    "member",
                    f"{place}/properties/{escape(name)}",
                    f"`{path}/{name}` ({_kind(schema)}) is in {what} and not described",
                    self._promised(schema),
                    found,
                    careful=tells(name),
                )
        if "object" in ([kinds] if isinstance(kinds, str) else kinds) and "additionalProperties" in seen and not open_:
            self._add(
                "member",
                f"{place}/additionalProperties",
                f"`{path}` in {what} has members that are named by data, and none such is described",
                self._promised(seen["additionalProperties"]),
                found,
            )
        if "items" in seen:
            items = self._items(place, set())
            if items is not None:
                self._schema(seen["items"], items, found, what, f"{path}/*", depth + 1)
        self._type(seen, place, found, what, path)

    def _type(self, seen: dict[str, Any], place: str, found: Operation, what: str, path: str) -> None:
        """Where one type is described and another was seen, only a person can tell which is wrong."""
        declared = self._described.at(f"#{place}")
        if not isinstance(declared, dict) or "type" not in declared:
            return
        said, saw = declared["type"], seen.get("type", [])
        kinds = {said} if isinstance(said, str) else set(said)
        if "number" in kinds:
            kinds.add("integer")
        other = ({saw} if isinstance(saw, str) else set(saw)) - kinds - {"null"}
        if other:
            text = f"`{path or '/'}` in {what} is described as {said}, and comes as {' or '.join(sorted(other))}"
            self._add("type", f"{place}/type", text, None, found)

    def _members(self, place: str, members: dict[str, str], seen: set[str]) -> bool:
        """Collect what is declared at a place, with the parts that it is made of; True: it may have anything."""
        if place in seen:
            return False
        seen.add(place)
        node = self._described.at(f"#{place}")
        if not isinstance(node, dict) or not _STRUCTURE & set(node):
            return node is not False
        open_ = node.get("additionalProperties", False) is not False or "patternProperties" in node
        for name in node.get("properties") or {}:
            members.setdefault(name, f"{place}/properties/{escape(name)}")
        for word in _PARTS:
            for number in range(len(node.get(word) or ())):
                part = self._at(f"{place}/{word}/{number}")
                if part is not None:
                    open_ |= self._members(part, members, seen)
        return open_

    def _items(self, place: str, seen: set[str]) -> str | None:
        if place in seen:
            return None
        seen.add(place)
        node = self._described.at(f"#{place}")
        if not isinstance(node, dict):
            return None
        if isinstance(node.get("items"), dict):
            return f"{place}/items"
        for word in _PARTS:
            for number in range(len(node.get(word) or ())):
                part = self._at(f"{place}/{word}/{number}")
                found = self._items(part, seen) if part is not None else None
                if found is not None:
                    return found
        return None

    def _at(self, pointer: str) -> str | None:
        """The pointer with every reference on its way followed; None: there is nothing."""
        here: Any = self._described.document
        place = ""
        for part in pointer.split("/")[1:]:
            name: Any = unescape(part)
            if isinstance(here, list):
                if not name.isdecimal() or int(name) >= len(here):
                    return None
                here = here[int(name)]
            elif isinstance(here, dict):
                found = next((one for one in here if str(one) == name), None)
                if found is None:
                    return None
                here = here[found]
            else:
                return None
            place += f"/{part}"
            for _ in range(20):
                if not (isinstance(here, dict) and isinstance(to := here.get("$ref"), str) and to.startswith("#/")):
                    break
                place, here = to[1:], self._described.at(to)
        return place

    def _promised(self, schema: Any) -> Any:
        return self._worded(promised(schema))

    def _worded(self, schema: Any) -> Any:
        """A schema in the words of the description's dialect: before 3.1 a type is one, and null a flag."""
        if isinstance(schema, list):
            return [self._worded(one) for one in schema]
        if not isinstance(schema, dict):
            return schema
        made = {name: self._worded(one) for name, one in schema.items()}
        kinds = made.get("type")
        if not self._older or kinds is None or isinstance(kinds, dict):
            return made
        several = [kinds] if isinstance(kinds, str) else list(kinds)
        if "null" in several:
            several.remove("null")
            made["nullable"] = True
        if len(several) == 1:
            made["type"] = several[0]
        else:
            del made["type"]
            if several:
                made["anyOf"] = [{"type": one} for one in several]
        return made

    def _add(
        self, kind: str, pointer: str, text: str, value: Any, operation: Operation, *, careful: bool = False
    ) -> None:
        key = kind, pointer
        named = f"{operation.method} {operation.path}"
        known = self._found.get(key)
        if known is None:
            self._found[key] = Gap(kind, pointer, text, value, (named,), careful)
        elif named not in known.operations:
            self._found[key] = replace(known, operations=(*known.operations, named))


def _alike(one: str, other: str) -> bool:
    """Whether two templates are of the same paths, whatever their parameters are called."""
    mine, theirs = one.split("/"), other.split("/")
    same = len(mine) == len(theirs)
    return same and all(a == b or (a[:1] == "{" and b[:1] == "{") for a, b in zip(mine, theirs, strict=True))


def _kind(schema: Any) -> str:
    kind = schema.get("type", "anything") if isinstance(schema, dict) else "anything"
    return kind if isinstance(kind, str) else " or ".join(kind)
