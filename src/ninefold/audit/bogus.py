"""A credential that nobody was ever given, put wherever an API may take one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.audit.key import Key

if TYPE_CHECKING:
    from ninefold.audit.answer import Ask
    from ninefold.audit.target import Target

#: How each of them begins.
HEAD = "nf-bogus-"


def with_bogus(target: Target, ask: Ask, secret: str) -> Ask:
    """The request with a credential of nobody, in each place where this API may take one."""
    places: set[tuple[str, str, str]] = set()
    for scheme in target.description.schemes.values() if target.description else ():
        if scheme.kind == "apiKey" and scheme.raw.get("in") in {"header", "query", "cookie"}:
            places.add((str(scheme.raw["in"]), str(scheme.raw.get("name", "")), secret))
    places |= {
        (key.place, key.name, key.value.rpartition(" ")[0] + " " * (" " in key.value) + secret) for key in target.keys
    }
    if not places:  # where it takes none that is known, what many take
        places = {("header", "X-API-Key", secret)}
    if all(name.lower() != "authorization" for _, name, _ in places):
        places.add(("header", "Authorization", f"Bearer {secret}"))
    for place, name, value in sorted(places):
        ask = Key(place, name, value).on(ask)
    return ask


def bogus_in(ask: Ask) -> tuple[str, ...]:
    """The values that hold such a credential."""
    return tuple(value for _, value in (*ask.headers, *ask.query) if HEAD in value)
