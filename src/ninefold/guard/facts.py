"""What is known of one request when a condition asks: each attribute, read strictly, or not there.

Two servers may read a request in two ways. Where that could change what an attribute is (a query parameter that comes twice,
a path segment with `;parameters`, text that is not in Unicode's normal form C), the attribute counts as unreadable: an
allowing rule that asks for it is then false, a denying one true.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from ninefold.contract.value import moment
from ninefold.guard.foreign import Unreadable, read_body, read_query
from ninefold.guard.typed import MOST_ITEMS, PARSED, answered_text, converter, foreign_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ninefold.contract.attribute import Attribute
    from ninefold.contract.description import Operation
    from ninefold.guard.foreign import Template
    from ninefold.guard.request import Request


class Facts:
    """One request, and what was worked out about it. `resource` is (a part of) the answer, once there is one."""

    __slots__ = ("_body", "_path", "_query", "_unread", "fixed", "operation", "request", "resource", "template")

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
        self._unread = ""

    def read_body(self) -> None:
        """Take `Request.content` in. Raises `Malformed`."""
        try:
            self._body = read_body(self.request.fields, self.request.content or b"")
        except Unreadable as fault:
            self._unread = str(fault)

    @property
    def body(self) -> Any:
        """The request's JSON. Raises `Unreadable` where its body is something else."""
        if self._unread:
            raise Unreadable(self._unread)
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


def reader(attribute: Attribute, *, presence: bool) -> Callable[[Facts], Any]:
    """What gives an attribute's value, as the CEL library takes it, or raises `Unreadable`.

    `presence`: whether it is there is all that is asked.
    """
    raw = _RAW[attribute.root](attribute)
    if presence:  # what is there and cannot be read is neither there nor not
        return lambda facts: raw(facts) is not None
    if attribute.root == "query":
        name, cel = attribute.path[0], attribute.cel
        return lambda facts: _parameter(facts.query, name, cel)
    if attribute.root == "path":
        parse = PARSED[attribute.cel]
        return lambda facts: parse(_settled(raw(facts)))
    text = answered_text if attribute.root == "resource" else foreign_text
    convert = converter(attribute.cel, attribute.value, text)
    return lambda facts: convert(raw(facts))


def _given(query: Mapping[str, list[str]], name: str) -> list[str] | None:
    """The values of a query parameter; None where it is not there. Raises `Unreadable` where another name may mean it too."""
    if any(other.startswith(f"{name}[") or (other != name and other.casefold() == name.casefold()) for other in query):
        raise Unreadable(f"the query has {name!r} in a second spelling")
    return query.get(name)


def _parameter(query: Mapping[str, list[str]], name: str, cel: str) -> Any:
    values = _given(query, name)
    if values is None:
        raise Unreadable(f"the query has no {name!r}")
    if cel.startswith("list("):
        if len(values) > MOST_ITEMS:
            raise Unreadable(f"the query has {name!r} more than {MOST_ITEMS} times")
        parse = PARSED[cel[5:-1]]
        return [parse(foreign_text(one)) for one in values]
    if len(values) > 1:
        raise Unreadable(f"the query has {name!r} more than once")
    return PARSED[cel](foreign_text(values[0]))


def _settled(value: str) -> str:
    if ";" in value:
        raise Unreadable("the path has `;` in a parameter, which some servers cut off")
    return foreign_text(value)


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
    "query": lambda attribute: lambda facts: _given(facts.query, attribute.path[0]),
    "body": lambda attribute: lambda facts: _within(facts.body, attribute.path, foreign=True),
    "resource": lambda attribute: lambda facts: _within(facts.resource, attribute.path),
}


def _within(value: Any, path: tuple[str, ...], *, foreign: bool = False) -> Any:
    """What stands there; None where nothing does.

    Raises `Unreadable` where nothing could, or where something may in another spelling.
    """
    for name in path:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise Unreadable("what would hold it is no object")
        found = value.get(name)
        if found is None and foreign and any(one != name and one.casefold() == name.casefold() for one in value):
            raise Unreadable("it is there in another spelling")
        value = found
    return value
