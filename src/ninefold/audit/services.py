"""Whether the APIs of one fleet authenticate alike: the same scheme, in the same field, by the same name (sign 5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ninefold.audit.finding import Location, Severity
from ninefold.audit.inputs.name import is_url
from ninefold.audit.rule import Looked, Observation, Untried
from ninefold.contract.description import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ninefold.audit.target import Target
    from ninefold.contract.description import Description, SecurityScheme

#: Where one credential is exchanged for another, a scheme of its own is the standard (RFC 6749 section 3.2).
_EXCHANGE = re.compile(r"token|log-?_?in|sign-?_?in|session|auth", re.IGNORECASE)

#: Most APIs that a sentence names.
_NAMED = 6


class _Asked(NamedTuple):
    """One scheme that one API asks for: `wire` is what goes over the wire, `field` where, both in words."""

    api: Description
    scheme: SecurityScheme
    wire: str
    field: str


def differing(target: Target) -> Looked:
    """One observation for each API and cause: other credentials, another field for the same one, another name for it."""
    promised = [one for one in target.fleet if one.kind is Kind.OPENAPI]
    asked = {id(api): list(_asked(api)) for api in promised}
    secured = [api for api in promised if asked[id(api)]]
    if len(secured) < 2:
        raise Untried("fewer than two of the descriptions promise a security scheme", missed=False)
    every = [one for api in secured for one in asked[id(api)]]
    kinds = [{one.wire for one in asked[id(api)]} for api in secured]
    seen: list[Observation] = []
    if not set.intersection(*kinds):
        detail = f"No credential opens all of the APIs: {_named(every, lambda one: one.wire)}."
        seen += _each(every, detail, "schemes")
    for wire in sorted({one.wire for one in every}):
        same = [one for one in every if one.wire == wire]
        fields = {one.field.lower() for one in same}
        if len(fields) > 1 and not _shared(same, "field"):
            detail = f"{wire[0].upper()}{wire[1:]} goes by several names: {_named(same, lambda one: f'`{one.field}`')}."
            seen += _each(same, detail, f"field {wire}")
        elif len({one.scheme.name for one in same}) > 1 and not _shared(same, "name"):
            detail = f"The definition of {wire} has several names: {_named(same, lambda one: f'`{one.scheme.name}`')}."
            seen += _each(same, detail, f"name {wire}", Severity.LOW)
    return Looked(len(every), tuple(seen))


def _asked(api: Description) -> Iterator[_Asked]:
    """The schemes that some operation asks for which is no exchange of credentials."""
    used = dict.fromkeys(
        name
        for operation in api.operations
        if not _EXCHANGE.search(operation.path)
        for choice in operation.security or ()
        for name in choice
    )
    for name in used:
        scheme = api.schemes.get(name)
        if scheme and (wire := _wire(scheme)):
            yield _Asked(api, scheme, *wire)


def _wire(scheme: SecurityScheme) -> tuple[str, str] | None:
    """A token is a bearer token on the wire, whoever issues it (RFC 6750). None: nothing is known of it."""
    raw = scheme.raw
    if scheme.kind == "apiKey":
        field, place = str(raw.get("name", "")), str(raw.get("in", ""))
        if field.lower() == "authorization":
            return "a bearer token", "Authorization"
        return f"an API key in the {place}", field
    if scheme.kind in {"oauth2", "openIdConnect"}:
        return "a bearer token", "Authorization"
    if scheme.kind == "http":
        word = str(raw.get("scheme", "")).lower()
        return ("a bearer token" if word == "bearer" else f"HTTP {word}"), "Authorization"
    return ("a client certificate", "TLS") if scheme.kind == "mutualTLS" else None


def _shared(same: list[_Asked], what: str) -> bool:
    """Whether all of the APIs that ask for it have one field, or one name, in common."""
    told: dict[str, set[str]] = {}
    for one in same:
        told.setdefault(one.api.source, set()).add(one.field.lower() if what == "field" else one.scheme.name)
    return len(told) < 2 or bool(set.intersection(*told.values()))


def _named(asked: list[_Asked], word: Callable[[_Asked], str]) -> str:
    told: dict[str, list[str]] = {}
    for one in asked:
        told.setdefault(word(one), []).append(one.api.source)
    said = []
    for name, sources in told.items():
        apis = list(dict.fromkeys(sources))
        more = f" and {len(apis) - _NAMED} more" if len(apis) > _NAMED else ""
        said.append(f"{name} in {', '.join(apis[:_NAMED])}{more}")
    return "; ".join(said)


def _each(asked: list[_Asked], detail: str, cause: str, severity: Severity | None = None) -> Iterator[Observation]:
    for one in asked:
        source = one.api.source
        url, file = (source, "") if is_url(source) else ("", source)
        place = Location(pointer=one.scheme.pointer, file=file, url=url)
        yield Observation(place, detail, cause=cause, severity=severity)
