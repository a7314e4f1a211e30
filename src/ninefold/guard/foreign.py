"""A request's own words, read strictly: its path, its query, its JSON body.

Two servers may read a request in two ways. Where that could change what is read here, it is not read at all.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ninefold.guard.charset import is_utf8
from ninefold.guard.segment import first_fit
from ninefold.guard.treatment import is_json

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Objects in one body. Looking for members that come twice takes a microsecond for each, and nobody else is served meanwhile.
MOST_OBJECTS = 10_000

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PARAMETER = re.compile(r"\{([^{}]*)\}")


class Unreadable(Exception):
    """An attribute is not there, or not what it was declared to be. Says why, never the value."""


class Malformed(Exception):
    """The request's body is no JSON that has one reading."""


class Template:
    """A path template, and the expressions that read its parameters out of a path."""

    __slots__ = ("_longest", "_pieces", "_shortest")

    def __init__(self, path: str) -> None:
        self._pieces = _PARAMETER.split(path)
        # made once they are asked for: many are not
        self._shortest: re.Pattern[str] | None = None
        self._longest: re.Pattern[str] | None = None

    def read(self, path: str) -> dict[str, str]:
        """Raises `Unreadable` where the path, decoded, is not of this template, or is in two ways (`{a}-{b}` and 1-2-3)."""
        if self._shortest is None:
            literal = self._pieces[::2]
            if len(literal) == 1:
                self._shortest = re.compile(re.escape(literal[0]) + r"\Z")
            else:
                self._shortest = re.compile(first_fit(literal, "[^/]"))
            if any("/" not in one for one in self._pieces[2:-1:2]):  # two parameters in one segment
                # the last part is the shortest from the end when the first is the longest
                self._longest = re.compile(first_fit([one[::-1] for one in reversed(literal)], "[^/]"))
        text = unquote(path) if "%" in path else path
        found = self._shortest.match(text)
        if found is None:
            raise Unreadable("the path is not as described")
        if self._longest is not None:
            other = self._longest.match(text[::-1])
            if other is None or tuple(one[::-1] for one in reversed(other.groups())) != found.groups():
                raise Unreadable("the path can be read in two ways")
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


def read_body(fields: Mapping[bytes, bytes], content: bytes) -> Any:
    """The JSON of a request; None where nothing came.

    Raises `Malformed`, and `Unreadable` where it is said to be something else.
    """
    media = fields.get(b"content-type", b"").decode("latin-1")
    if not content:
        return None
    if not is_json(media):
        raise Unreadable("the body is not said to be JSON")
    if fields.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Malformed("the body is encoded, and cannot be read")
    if not is_utf8(media):
        raise Malformed("the body says that it is not UTF-8")
    return read_json(content)


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
