"""Parameters held against the description: of the path, the query, header fields and cookies (OpenAPI 3.1, 4.8.12).

After who calls and what he may do, so that a stranger learns nothing of the API from it; after the limits, so that guessing
costs. What the query has beside what is declared does not go on (`requests.undeclared`); the rest of it does, to the byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from ninefold.guard.answer import Answer, refuse
from ninefold.guard.ceilings import Ceilings
from ninefold.guard.flaw import Flaw
from ninefold.guard.foreign import Template, Unreadable, read_query
from ninefold.guard.pages import Pages
from ninefold.guard.parameter import Value
from ninefold.guard.plan import Check, Setting, Step
from ninefold.guard.request import nominated
from ninefold.guard.validate import MOST_FLAWS
from ninefold.guard.written import Miswritten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ninefold.contract.description import Operation, Parameter, Schema
    from ninefold.contract.lists import Lists
    from ninefold.guard.entrance import Entrance
    from ninefold.guard.request import Request

#: Good targets of one operation that are remembered, of at most so many bytes: asked for again, they cost a look-up.
MOST_REMEMBERED, LONGEST_REMEMBERED = 512, 256
#: Header fields that are no parameters, whatever is declared (OpenAPI 3.1, 4.8.12.2).
_NO_PARAMETERS = frozenset({"accept", "content-type", "authorization"})
#: Schemas of a path parameter that take whatever text there is.
_FREE = frozenset({"type", "description", "example", "examples", "title", "default", "deprecated"})

#: What is refused even where flaws are only told of: the contract says so elsewhere.
_REFUSED = frozenset({"undeclared", "ceiling"})
#: What parts the names of members, and what stands around a cookie's name and value.
_BRACKETS, _BLANK = frozenset("[]"), b" \t\n\r\f\v"

#: What is wrong with a field that an intermediary leaves out.
_HOP, _NOTHING = Flaw("", "connection", "is said to be for the connection alone"), frozenset[bytes]()

#: Where a flaw stands: the place of the parameter, its name, and what is wrong.
_Placed = tuple[str, str, Flaw]


def compile_parameters(setting: Setting) -> Check | None:
    operation, entrance = setting.operation, setting.entrance
    if operation is None or entrance is None or operation.id in entrance.settings.open:
        return None
    mine = setting.contract.keys.header.lower()
    declared = [one for one in operation.parameters if not _is_guards(one, mine)]
    path = _Path(operation, [one for one in declared if one.location == "path"], entrance)
    query = _Query([one for one in declared if one.location == "query"], entrance)
    headers = _headers([one for one in declared if one.location == "header"], entrance)
    cookies = _cookies([one for one in declared if one.location == "cookie"], entrance)
    pages = _pages(operation, setting.contract.limits.lists, entrance)
    judges = entrance.settings.invalid == "refuse"
    known: dict[bytes, tuple[bytes, int, str]] = {}

    def look(request: Request) -> list[_Placed]:
        target = request.target
        found: list[_Placed] = []
        good = known.get(target)
        if good is not None:
            request.target, request.told = good[0], good[2] or request.told
            request.dropped += good[1]
        else:
            found += path.flaws(request.path)
            before = request.dropped
            found += query.flaws(request)
            told = ""
            if pages is not None and not (found and judges):
                flaws, told = pages.held(request)
                found += flaws
                request.told = told or request.told
            if not found and len(target) <= LONGEST_REMEMBERED and request.dropped >= before:
                if len(known) >= MOST_REMEMBERED:
                    known.clear()
                known[target] = request.target, request.dropped - before, told
        if headers is not None:
            found += headers(request)
        if cookies is not None:
            found += cookies(request)
        return found

    def check(request: Request) -> Answer | None:
        before = request.dropped
        try:
            found = look(request)
        except Unreadable as fault:
            return refuse(400, "parameters", str(fault))
        if request.content is not None:  # asked once more, with the body: what stays behind was counted
            request.dropped = before
        if not found:
            return None
        reason = "; ".join(f"{place} {name}{flaw.pointer}: {flaw.keyword}" for place, name, flaw in found[:MOST_FLAWS])
        if not judges and not any(flaw.keyword in _REFUSED for _, _, flaw in found):
            request.told = f"would be 400: {reason}"
            return None
        errors = [
            {
                "in": place,
                "parameter": name,
                "detail": flaw.detail,
                **({"pointer": f"#{flaw.pointer}"} if flaw.pointer else {}),
            }
            for place, name, flaw in found[:MOST_FLAWS]
        ]
        return refuse(400, "parameters", reason, errors=errors)

    if path.asked or query.asked or headers is not None or cookies is not None:
        return check

    def only_with_a_query(request: Request) -> Answer | None:
        return check(request) if len(request.target) != len(request.path) else None

    return only_with_a_query


def _pages(operation: Operation, lists: Lists, entrance: Entrance) -> Pages | None:
    ceilings = Ceilings(lists, entrance.description)
    most, sizes = ceilings.of(operation), ceilings.sizes(operation)
    return Pages(sizes, most, entrance, clamps=lists.asked == "clamp") if sizes and most is not None else None


def _is_guards(parameter: Parameter, key_field: str) -> bool:
    """What the guard itself reads, and the API does not get."""
    name = parameter.name.lower()
    return parameter.location == "header" and (name == key_field or name in _NO_PARAMETERS)


class _Path:
    """The parameters of a path."""

    __slots__ = ("_template", "_values", "asked")

    def __init__(self, operation: Operation, parameters: list[Parameter], entrance: Entrance) -> None:
        asked = [one for one in parameters if not _free(one.schema, one.style)]
        self._values = [Value(one, entrance) for one in asked]
        self._template = Template(operation.path)
        #: Whether any of them says what it takes.
        self.asked = bool(asked)

    def flaws(self, path: str) -> Iterator[_Placed]:
        """Raises `Unreadable` where a path has no one reading."""
        if not self.asked:
            return
        found = self._template.read(path)
        for value in self._values:
            text = found.get(value.name)
            if text is None:
                continue
            try:
                text = _unlabelled(text, value)
                yield from (("path", value.name, flaw) for flaw in value.text(text))
            except Miswritten as fault:
                yield "path", value.name, Flaw("", "style", str(fault))


def _unlabelled(text: str, value: Value) -> str:
    """A value without what its style begins it with (RFC 6570: `.a`, `;name=a`)."""
    if value.style == "label":
        if text[:1] != ".":
            raise Miswritten("does not begin with a point")
        return text[1:].replace(".", ",") if value.explode else text[1:]
    if value.style == "matrix":
        begins = f";{value.name}="
        if not text.startswith(begins):
            raise Miswritten("does not begin with its name")
        return text[len(begins) :].replace(begins, ",") if value.explode else text[len(begins) :]
    return text


def _free(schema: Schema, style: str) -> bool:
    return (
        style == "simple"
        and isinstance(schema, dict)
        and schema.get("type", "string") == "string"
        and set(schema) <= _FREE
    )


class _Query:
    """The parameters of a query."""

    __slots__ = ("_deep", "_names", "_spread", "_undeclared", "_values", "asked")

    def __init__(self, parameters: list[Parameter], entrance: Entrance) -> None:
        self._values = {one.name: Value(one, entrance) for one in parameters}
        #: Objects whose members stand in the query by themselves, and those that are written as `name[member]`.
        self._spread = [
            one
            for one in self._values.values()
            if one.written.object and one.style == "form" and one.explode and not one.media
        ]
        self._deep = {one.name: one for one in self._values.values() if one.style == "deepObject"}
        self._names = {name: one for one in self._spread for name in one.written.members}
        self._undeclared = entrance.settings.undeclared
        #: Whether some parameter has to be there.
        self.asked = any(one.required for one in self._values.values())

    def flaws(self, request: Request) -> Iterator[_Placed]:
        """What is wrong; and the target without what is not declared. Raises `Unreadable`: it has no one reading."""
        path, mark, raw = request.target.partition(b"?")
        if not mark and not self.asked:
            return
        parts = [one for one in raw.decode("latin-1").split("&") if one]
        if self._values:
            read_query(raw)  # strictly: servers have to read in it what is read here
        came: dict[str, list[str]] = {}
        kept: list[str] = []
        left: list[str] = []
        for part in parts:
            name, _, text = part.partition("=")
            key = self._key(_text(name)) if self._values else None
            if key is None:
                left.append(_text(name))
            else:
                came.setdefault(key, []).append(text if key in self._values else part)
                kept.append(part)
        inside = 0
        for value in self._values.values():
            if value.read is not None and len(texts := came.get(value.name, [])) == 1 and (texts[0] or not value.empty):
                json, flaws = value.json(_text(texts[0]))
                if json is not None and json.dropped:
                    inside += json.dropped
                    kept = [_rewritten(part, value.name, json.content) for part in kept]
            else:
                flaws = self._flaws(value, came)
            for flaw in flaws:
                yield "query", value.name, flaw
        if not left and not inside:
            return
        if self._undeclared == "refuse":
            for name in dict.fromkeys(left):
                yield "query", name[:64], Flaw("", "undeclared", "is not declared")
        request.dropped += len(left) + inside
        if self._undeclared == "drop":
            request.target = path + (b"?" + "&".join(kept).encode() if kept else b"")

    def _key(self, name: str) -> str | None:
        """What of the declared a name in the query belongs to; None: nothing."""
        if name in self._values and self._values[name] not in self._spread and name not in self._deep:
            return name
        if name in self._names:
            return f"{self._names[name].name}{{}}"
        head, bracket, inner = name.partition("[")
        if bracket and head in self._deep:
            plain = inner[-1:] == "]" and not _BRACKETS & set(inner[:-1])
            return f"{head}[]" if not plain or inner[:-1] in self._deep[head].admitted else None
        # some servers make an object of `a[b][]`, so that of brackets only the empty ones are an array's
        return f"{head}[" if inner == "]" and head in self._values and self._values[head].listed else None

    def _flaws(self, value: Value, came: dict[str, list[str]]) -> tuple[Flaw, ...]:
        try:
            if value in self._spread:
                return self._members(value, came.get(f"{value.name}{{}}", []))
            if value.name in self._deep:
                return self._members(value, came.get(f"{value.name}[]", []))
            bracketed = [part.partition("=")[2] for part in came.get(f"{value.name}[", [])]
            if bracketed and value.name in came:
                return (Flaw("", "style", "is written in two ways"),)
            return self._single(value, came.get(value.name, bracketed))
        except Miswritten as fault:
            return (Flaw("", "style", str(fault)),)

    @staticmethod
    def _single(value: Value, texts: list[str]) -> tuple[Flaw, ...]:
        if not texts:
            return (Flaw("", "required", "is missing"),) if value.required else ()
        whole = value.written
        if value.listed:
            return value.validate.of_value(whole.items([_text(one) for one in texts]))
        if len(texts) > 1:
            return (Flaw("", "repeated", "came more than once"),)
        if value.empty and not texts[0]:
            return ()
        if (whole.array or whole.object) and not value.media:
            return value.value(whole.joined(texts[0], encoded=True))
        return value.text(_text(texts[0]))

    @staticmethod
    def _members(value: Value, parts: list[str]) -> tuple[Flaw, ...]:
        """An object whose members came by themselves."""
        if not parts:
            return (Flaw("", "required", "is missing"),) if value.required else ()
        found: dict[str, str] = {}
        for part in parts:
            name, _, text = part.partition("=")
            key = _text(name)
            if value.style == "deepObject":
                inner = key[len(value.name) + 1 :]
                if inner[-1:] != "]" or _BRACKETS & set(inner[:-1]):
                    raise Miswritten("is nested deeper than its style can say")
                key = inner[:-1]
            found[key] = _text(text)
        return value.validate.of_value(value.written.fields(found, len(parts)))


def _rewritten(part: str, name: str, content: bytes) -> str:
    """The part of a query that has the parameter of this name, with this for its value; others as they are."""
    raw, _, _ = part.partition("=")
    return f"{raw}={quote(content, safe='')}" if _text(raw) == name else part


def _text(raw: str) -> str:
    return unquote(raw.replace("+", " "))  # `read_query` has made sure that it is UTF-8


def _headers(parameters: list[Parameter], entrance: Entrance) -> Callable[[Request], Iterator[_Placed]] | None:
    values = [(one.name.lower().encode("latin-1", "replace"), Value(one, entrance)) for one in parameters]
    if not values:
        return None

    def look(request: Request) -> Iterator[_Placed]:
        gone = nominated(request) if b"connection" in request.fields else _NOTHING
        for field, value in values:
            raw = request.fields.get(field)
            if field in gone and raw is not None:
                yield "header", value.name, _HOP
                continue
            if raw is None:
                if value.required:
                    yield "header", value.name, Flaw("", "required", "is missing")
                continue
            if field in request.repeated and not value.written.array:
                yield "header", value.name, Flaw("", "repeated", "came more than once")
                continue
            yield from _of_text("header", value, raw)

    return look


def _cookies(parameters: list[Parameter], entrance: Entrance) -> Callable[[Request], Iterator[_Placed]] | None:
    values = [Value(one, entrance) for one in parameters]
    if not values:
        return None

    def look(request: Request) -> Iterator[_Placed]:
        found: dict[bytes, list[bytes]] = {}
        if b"cookie" in request.fields and b"cookie" in nominated(request):
            yield "cookie", values[0].name, _HOP
        for pair in request.fields.get(b"cookie", b"").split(b";"):
            name, mark, text = pair.strip(b" \t").partition(b"=")
            if mark:
                found.setdefault(name.strip(_BLANK), []).append(text if name == name.strip(_BLANK) else _BLANK)
        for value in values:
            texts = found.get(value.name.encode("latin-1", "replace"), [])
            if len(texts) > 1:
                yield "cookie", value.name, Flaw("", "repeated", "came more than once")
            elif texts:
                read = _readings(texts[0])
                if not read:
                    yield (
                        "cookie",
                        value.name,
                        Flaw("", "style", "has spaces or quotes that servers read in several ways"),
                    )
                for text in read:
                    yield from _of_text("cookie", value, text)
            elif value.required:
                yield "cookie", value.name, Flaw("", "required", "is missing")

    return look


def _readings(text: bytes) -> tuple[bytes, ...]:
    """What servers take a cookie's value for: some leave out its quotes (RFC 6265 section 4.1.1). Empty: for more than that."""
    if text != text.strip(_BLANK):
        return ()
    if text[:1] != b'"':
        return (text,)
    return () if len(text) < 2 or text[-1:] != b'"' or b"\\" in text else (text, text[1:-1])


def _of_text(place: str, value: Value, raw: bytes) -> Iterator[_Placed]:
    try:
        text = raw.decode("utf-8")
        yield from ((place, value.name, flaw) for flaw in value.text(text))
    except UnicodeDecodeError:
        yield place, value.name, Flaw("", "encoding", "is not UTF-8")
    except Miswritten as fault:
        yield place, value.name, Flaw("", "style", str(fault))


def _basis(setting: Setting) -> object:
    """Operations that ask nothing of their parameters, and declare none of a query, share one check."""
    operation = setting.operation
    if operation is None or operation.id in setting.contract.requests.open:
        return operation is None
    plain = all(one.location == "path" and _free(one.schema, one.style) for one in operation.parameters)
    return "" if plain else operation.id


STEP = Step("parameters", compile_parameters, _basis)
