"""What is known of one request when a condition asks: each attribute, read strictly, or not there.

Two servers may read a request in two ways. Where that could change what an attribute is (a query parameter that comes twice,
a path segment with `;parameters`, text that is not in Unicode's normal form C), the attribute counts as unreadable: an
allowing rule that asks for it is then false, a denying one true.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any
from unicodedata import is_normalized
from urllib.parse import unquote

from ninefold.contract.value import moment
from ninefold.guard.treatment import is_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ninefold.contract.attribute import Attribute, Value
    from ninefold.contract.description import Operation
    from ninefold.guard.request import Request

#: The longest text and list that a condition reads. Past them it could take too long to decide.
MOST_CHARACTERS = 16_384
MOST_ITEMS = 1000
MOST_NESTING = 16
#: Objects in one body. Looking for members that come twice takes a microsecond for each, and nobody else is served meanwhile.
MOST_OBJECTS = 10_000

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?\Z")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CHARSET = re.compile(r"(?i)charset\*?\s*=\s*\"?([^\s\";]*)")
_PARAMETER = re.compile(r"\{([^{}]*)\}")


class Unreadable(Exception):
    """An attribute is not there, or not what it was declared to be. Says why, never the value."""


class Malformed(Exception):
    """The request's body is no JSON that has one reading."""


class Facts:
    """One request, and what was worked out about it. `resource` is (a part of) the answer, once there is one."""

    __slots__ = (
        "_body",
        "_key",
        "_keyring",
        "_path",
        "_query",
        "fixed",
        "operation",
        "request",
        "resource",
        "template",
    )

    def __init__(self, request: Request, operation: Operation, template: Template) -> None:
        self.request = request
        self.operation = operation
        self.template = template
        self.resource: Any = None
        #: What conditions have read already; the resource alone changes between an answer's elements.
        self.fixed: dict[int, dict[str, Any]] = {}
        self._path: dict[str, str] | None = None
        self._query: dict[str, list[str]] | None = None
        self._body: Any = None

    def read_body(self) -> None:
        """Take `Request.content` in, if it says that it is JSON. Raises `Malformed`."""
        content, fields = self.request.content, self.request.fields
        media = fields.get(b"content-type", b"").decode("latin-1")
        if not content or not is_json(media):
            return
        if fields.get(b"content-encoding", b"identity").lower() != b"identity":
            raise Malformed("the body is encoded, and cannot be read")
        charset = _CHARSET.search(media)
        if charset is not None and charset[1].lower() not in {"utf-8", "utf8", "us-ascii"}:
            raise Malformed("the body says that it is not UTF-8")
        self._body = read_json(content)

    @property
    def body(self) -> Any:
        return self._body

    @property
    def path(self) -> dict[str, str]:
        if self._path is None:
            self._path = self.template.read(self.request.path)
        return self._path

    @property
    def query(self) -> dict[str, list[str]]:
        if self._query is None:
            self._query = read_query(self.request.target.partition(b"?")[2])
        return self._query


class Template:
    """A path template, and the expression that reads its parameters out of a path."""

    __slots__ = ("_expression", "_pieces")

    def __init__(self, path: str) -> None:
        self._pieces = _PARAMETER.split(path)
        self._expression: re.Pattern[str] | None = None  # made once it is asked for: many are not

    def read(self, path: str) -> dict[str, str]:
        """Raises `Unreadable` where the path, decoded, is not of this template."""
        if self._expression is None:
            self._expression = re.compile("([^/]+?)".join(map(re.escape, self._pieces[::2])) + r"\Z")
        found = self._expression.match(unquote(path))
        if found is None:
            raise Unreadable("the path is not as described")
        return dict(zip(self._pieces[1::2], found.groups(), strict=True))


def read_query(raw: bytes) -> dict[str, list[str]]:
    """The parameters of a query, as forms write them (WHATWG URL, application/x-www-form-urlencoded).

    Raises `Unreadable` where servers read it in several ways: a `;` (it parts parameters for some), other bytes than UTF-8.
    """
    try:
        text = raw.decode("ascii")
        if ";" in text or _BROKEN_ESCAPE.search(text):
            raise Unreadable("the query has a `;` or a broken escape, which servers read in several ways")
        found: dict[str, list[str]] = {}
        for pair in text.split("&") if text else ():
            name, _, value = pair.replace("+", " ").partition("=")
            found.setdefault(unquote(name, errors="strict"), []).append(unquote(value, errors="strict"))
    except UnicodeDecodeError:
        raise Unreadable("the query is not UTF-8") from None
    return found


def read_json(content: bytes) -> Any:
    """JSON that everybody reads alike (RFC 8259, I-JSON's RFC 7493): UTF-8, no member twice in an object.

    Members that differ in case alone count as the same: some libraries take one for the other. Raises `Malformed`.
    """
    try:
        text = content.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_Objects(), parse_constant=_constant)
    except UnicodeDecodeError:
        raise Malformed("the body is not UTF-8") from None
    except Malformed:
        raise
    except (ValueError, RecursionError) as fault:
        raise Malformed(f"the body is no JSON ({type(fault).__name__})") from None
    return value


class _Objects:
    """Makes the objects of one text, so many and no more, each with every member once."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = MOST_OBJECTS

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self._left -= 1
        if self._left < 0:
            raise Malformed(f"the body has more than {MOST_OBJECTS} objects")
        if len(pairs) > 1 and len({name.casefold() for name, _ in pairs}) < len(pairs):
            raise Malformed("the body has a member twice in one object")
        return dict(pairs)


def _constant(name: str) -> Any:
    raise Malformed(f"the body is no JSON (it has {name})")


def reader(attribute: Attribute, *, presence: bool) -> Callable[[Facts], Any]:
    """What gives an attribute's value, as the CEL library takes it, or raises `Unreadable`.

    `presence`: whether it is there is all that is asked.
    """
    raw = _RAW[attribute.root](attribute)
    if presence:
        return lambda facts: _present(raw, facts)
    if attribute.root == "query":
        name, cel = attribute.path[0], attribute.cel
        return lambda facts: _parameter(facts.query, name, cel)
    if attribute.root == "path":
        parse = _PARSED[attribute.cel]
        return lambda facts: parse(_settled(raw(facts)))
    text = _answered_text if attribute.root == "resource" else _text
    convert = _converter(attribute.cel, attribute.value, text)
    return lambda facts: convert(raw(facts))


def _present(raw: Callable[[Facts], Any], facts: Facts) -> bool:
    try:
        return raw(facts) is not None
    except Unreadable:
        return False


def _parameter(query: Mapping[str, list[str]], name: str, cel: str) -> Any:
    if any(other.startswith(f"{name}[") or (other != name and other.casefold() == name.casefold()) for other in query):
        raise Unreadable(f"the query has {name!r} in a second spelling")
    values = query.get(name)
    if values is None:
        raise Unreadable(f"the query has no {name!r}")
    if cel.startswith("list("):
        if len(values) > MOST_ITEMS:
            raise Unreadable(f"the query has {name!r} more than {MOST_ITEMS} times")
        parse = _PARSED[cel[5:-1]]
        return [parse(_text(one)) for one in values]
    if len(values) > 1:
        raise Unreadable(f"the query has {name!r} more than once")
    return _PARSED[cel](_text(values[0]))


def _settled(value: str) -> str:
    if ";" in value:
        raise Unreadable("the path has `;` in a parameter, which some servers cut off")
    return _text(value)


# -- the attributes as they came


def _of_caller(attribute: Attribute) -> Callable[[Facts], Any]:
    name = attribute.path[0]
    if name == "claims":
        return lambda facts: _within(facts.request.claims, attribute.path[1:])
    if name == "id":
        return lambda facts: facts.request.caller or None
    if name == "scopes":
        return lambda facts: sorted(facts.request.scopes)
    if name == "subject":
        return lambda facts: facts.request.subject or None
    if name == "tenant":
        return lambda facts: (
            (facts.request.key is not None and facts.request.key.tenant) or facts.request.tenant or None
        )
    return {
        "role": lambda facts: (facts.request.key is not None and facts.request.key.role) or None,
        "owner": lambda facts: (facts.request.key is not None and facts.request.key.owner) or None,
        "tier": lambda facts: (facts.request.key is not None and facts.request.key.tier) or None,
    }[name]


def _of_address(attribute: Attribute) -> Callable[[Facts], Any]:
    if not attribute.path:
        return lambda facts: facts.request.address or None
    network = ip_network(attribute.path[0])

    def read(facts: Facts) -> Any:
        try:
            return _address(facts.request.address) in network
        except ValueError:
            raise Unreadable("it is no address") from None

    return read


@lru_cache(maxsize=65_536)
def _address(text: str) -> IPv4Address | IPv6Address:
    """IPv4 in IPv6's clothes (RFC 4291 section 2.5.5.2) is IPv4."""
    whole = ip_address(text)
    return getattr(whole, "ipv4_mapped", None) or whole


def _of_operation(attribute: Attribute) -> Callable[[Facts], Any]:
    return {
        "id": lambda facts: facts.operation.id,
        "method": lambda facts: facts.request.method,
        "path": lambda facts: facts.operation.path,
        "tags": lambda facts: list(facts.operation.tags),
    }[attribute.path[0]]


def _of_time(attribute: Attribute) -> Callable[[Facts], Any]:
    if not attribute.path:
        return lambda facts: moment(facts.request.time)
    if attribute.path[0] == "hour":
        return lambda facts: int(facts.request.time % 86400 // 3600)
    return lambda facts: (int(facts.request.time // 86400) + 4) % 7  # the epoch was a Thursday; Sunday is 0


def _of_field(attribute: Attribute) -> Callable[[Facts], Any]:
    name = attribute.path[0].encode()

    def read(facts: Facts) -> Any:
        if name in facts.request.repeated:
            raise Unreadable("the header field came more than once")
        value = facts.request.fields.get(name)
        if value is None:
            return None
        if not value.isascii():
            raise Unreadable("the header field is not ASCII, which servers read in several ways")
        return value.decode()

    return read


_RAW: dict[str, Callable[[Attribute], Callable[[Facts], Any]]] = {
    "caller": _of_caller,
    "operation": _of_operation,
    "time": _of_time,
    "headers": _of_field,
    "address": _of_address,
    "device": lambda _: lambda facts: facts.request.device or None,
    "path": lambda attribute: lambda facts: facts.path.get(attribute.path[0]),
    "query": lambda attribute: lambda facts: facts.query.get(attribute.path[0]),
    "body": lambda attribute: lambda facts: _within(facts.body, attribute.path),
    "resource": lambda attribute: lambda facts: _within(facts.resource, attribute.path),
}


def _within(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


# -- as the library takes them


def _text(value: Any) -> str:
    """Text from a request: bounded, and with one reading."""
    if not isinstance(value, str):
        raise Unreadable("it is no string")
    if len(value) > MOST_CHARACTERS:
        raise Unreadable(f"it is longer than {MOST_CHARACTERS} characters")
    if "\0" in value:
        raise Unreadable("it has a NUL, where some servers end it")
    if not value.isascii():
        _whole(value)
        if not is_normalized("NFC", value):
            raise Unreadable("it is not in Unicode's normal form C")
    return value


def _whole(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unreadable("it has half of a surrogate pair") from None
    return value


def _answered_text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MOST_CHARACTERS:
        raise Unreadable("it is no string, or a longer one than conditions read")
    return value if value.isascii() else _whole(value)


def _integer(value: Any) -> int:
    if type(value) is not int or not -(1 << 63) <= value < 1 << 63:
        raise Unreadable("it is no integer of 64 bits")
    return value


def _double(value: Any) -> float:
    if type(value) is int and -(1 << 53) <= value <= 1 << 53:
        return float(value)
    if type(value) is not float:
        raise Unreadable("it is no number")
    return value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise Unreadable("it is neither true nor false")
    return value


def _converter(cel: str, value: Value | None, text: Callable[[Any], str]) -> Callable[[Any], Any]:
    """To what a type of CEL is in Python; `value` is what the description says of it, `text` how strings are read."""
    scalars: dict[str, Callable[[Any], Any]] = {
        "string": text, "int": _integer, "double": _double, "bool": _boolean, "timestamp": lambda value: value,
    }  # fmt: skip
    if cel in scalars:
        convert = scalars[cel]
    elif cel.startswith("list("):
        items = value.items if value is not None else None
        inner = _converter(items.cel if items is not None else cel[5:-1], items, text)

        def convert(value: Any) -> Any:
            if not isinstance(value, list) or len(value) > MOST_ITEMS:
                raise Unreadable(f"it is no array, or one of more than {MOST_ITEMS} elements")
            return [inner(one) for one in value]
    elif cel == "object" and value is not None:
        convert = _Members(value, text)
    elif cel.startswith("map("):
        others = value.others if value is not None else None
        inner = _converter(others.cel if others is not None else cel[12:-1], others, text)

        def convert(value: Any) -> Any:
            if not isinstance(value, dict) or len(value) > MOST_ITEMS:
                raise Unreadable(f"it is no object, or one of more than {MOST_ITEMS} members")
            return {text(name): inner(one) for name, one in value.items()}
    else:

        def convert(value: Any) -> Any:
            return _anything(value, text, MOST_NESTING)

    def read(value: Any) -> Any:
        if value is None:
            raise Unreadable("it is not there")
        return convert(value)

    return read


class _Members:
    """Objects with the members that the description declares, each as it declares it; others, and nulls, are left out."""

    __slots__ = ("_known", "_text", "_value")

    def __init__(self, value: Value, text: Callable[[Any], str]) -> None:
        self._value = value
        self._text = text
        self._known: dict[str, Callable[[Any], Any]] = {}

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise Unreadable("it is no object")
        return {name: self._of(name)(one) for name, one in value.items() if one is not None and self._declares(name)}

    def _declares(self, name: str) -> bool:
        return name in self._known or self._value.member(name) is not None

    def _of(self, name: str) -> Callable[[Any], Any]:
        known = self._known.get(name)
        if known is None:  # made once it is met, for a schema may hold itself
            member = self._value.member(name)
            assert member is not None
            known = self._known[name] = _converter(member.cel, member, self._text)
        return known


def _anything(value: Any, text: Callable[[Any], str], deep: int) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, str):
        return text(value)
    if not deep or len(value) > MOST_ITEMS:
        raise Unreadable("it is nested too deep, or too long")
    if isinstance(value, dict):
        return {text(name): _anything(one, text, deep - 1) for name, one in value.items()}
    return [_anything(one, text, deep - 1) for one in value]


def _parsed_integer(value: str) -> int:
    if _INTEGER.match(value) is None:
        raise Unreadable("it is no integer")
    return _integer(int(value))


def _parsed_number(value: str) -> float:
    if _NUMBER.match(value) is None:
        raise Unreadable("it is no number")
    return float(value)


def _parsed_boolean(value: str) -> bool:
    if value not in {"true", "false"}:
        raise Unreadable("it is neither true nor false")
    return value == "true"


_PARSED: dict[str, Callable[[str], Any]] = {
    "string": lambda value: value, "int": _parsed_integer, "double": _parsed_number, "bool": _parsed_boolean,
}  # fmt: skip
