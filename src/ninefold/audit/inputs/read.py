"""Reads whatever the command line names as an API's description: a file, an app in place, a URL."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ninefold.audit.inputs import app, content, har
from ninefold.audit.inputs.name import is_app, is_url
from ninefold.audit.inputs.published import fetched
from ninefold.audit.probe import Limits, Probe, parse_origin
from ninefold.contract.source import read_bytes
from ninefold.errors import DescriptionError, Place

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from ninefold.audit.key import Key
    from ninefold.audit.probe import Origin
    from ninefold.contract.description import Description

#: Requests that one description at a URL may cost.
_BUDGET = 8


def described(
    name: str,
    *,
    agent: str,
    trusted: Callable[[], ssl.SSLContext],
    graphql: str = content.GRAPHQL,
    origin: Origin | None = None,
    key: Key | None = None,
) -> Description:
    """The description that `name` leads to. `agent` and `trusted` are for a URL: who asks, and whom it believes.

    `key` goes to a URL of `origin` and to no other. Raises `FileError`, `DescriptionError` or `ServiceError`.
    """
    if is_url(name):
        return _from_url(
            name, agent, trusted(), graphql, lambda other: key if origin and _alike(origin, other) else None
        )
    if is_app(name) and not Path(name).exists():
        return app.described(name)
    return content.described(read_bytes(Path(name), har.MOST_BYTES), name, graphql)


def _alike(one: Origin, other: Origin) -> bool:
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def _from_url(
    url: str, agent: str, context: ssl.SSLContext, graphql: str, key: Callable[[Origin], Key | None]
) -> Description:
    try:
        parts = urlsplit(url)
    except ValueError as fault:
        raise DescriptionError(f"is no URL ({fault})", place=Place("the description"), remedy="mend it") from None
    place = Place(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")
    if "@" in parts.netloc:
        raise DescriptionError("has a user in its URL", place=place, remedy="leave it out; --key gives a credential")
    try:
        origin = parse_origin(f"{parts.scheme}://{parts.netloc}")
    except ValueError as fault:
        raise DescriptionError(str(fault), place=place, remedy="give scheme, host, port and path") from None
    with Probe(origin, agent=agent, context=context, limits=Limits(_BUDGET, total=60.0)) as probe:
        made = fetched(probe, url, key(origin), graphql)
    return replace(made, source=str(place), notes=(f"The description was fetched from {place}.", *made.notes))
