"""The parts of a compact JWS (RFC 7515 section 7.1), read in the one way that they have.

A reader that is lenient in one place, and another that is in another place, see two tokens in one text. So a JSON object
with a name twice is none (RFC 8725 section 2.4), nor is one in another encoding than UTF-8, and of all texts that are base64url
for the same bytes one alone is accepted.
"""

from __future__ import annotations

import json
import re
from typing import Any

from joserfc.util import urlsafe_b64decode

from ninefold.identity.fault import BadToken

_COMPACT = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_JWE = re.compile(rb"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){4}")
#: The header fields that carry a key or say where to get one (RFC 8725 section 3.10): whoever signed could name his own.
_KEY_SOURCES = ("jku", "jwk", "x5u", "x5c")
MOST_KEY_ID = 256


def split(text: bytes, most: int) -> tuple[bytes, bytes, bytes]:
    """Header, payload and signature, still in base64url. Raises `BadToken`; nothing is decoded past `most` bytes."""
    if len(text) > most:
        raise BadToken("it is longer than identity.size")
    if _COMPACT.fullmatch(text) is None:
        raise BadToken(
            "it is no compact JWS" if _JWE.fullmatch(text) is None else "it is encrypted, which is not accepted"
        )
    header, payload, signature = text.split(b".")
    return header, payload, signature


def decoded(part: bytes, what: str) -> bytes:
    """The bytes of a part. Raises `BadToken`."""
    try:
        return urlsafe_b64decode(part)
    except ValueError:
        raise BadToken(f"its {what} is no base64url") from None


def members(part: bytes, what: str) -> dict[str, Any]:
    """The JSON object of a part. Raises `BadToken`."""
    return json_object(decoded(part, what), what)


def json_object(content: bytes, what: str) -> dict[str, Any]:
    """A JSON object, each name of it once, with numbers that are some. Raises `BadToken`."""
    try:
        found = json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadToken(f"its {what} is no JSON that has one reading") from None
    if not isinstance(found, dict):
        raise BadToken(f"its {what} is no JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def check_header(header: dict[str, Any], *, embedded: str = "") -> None:
    """Raises `BadToken` for a header that asks for what is not done here. `embedded`: the key source that is expected."""
    for name in _KEY_SOURCES:
        if name in header and name != embedded:
            raise BadToken(f"its header brings a key of its own ({name})")
    if "crit" in header:
        raise BadToken("its header has extensions that must be understood, and none is (crit)")
    if "b64" in header:
        raise BadToken("its payload would not be encoded (b64)")
    if "enc" in header or "zip" in header:
        raise BadToken("its header is one of a JWE")
    if "cty" in header:
        raise BadToken("there is something nested in it (cty)")
    if not isinstance(header.get("alg"), str):
        raise BadToken("its header names no algorithm")
    key_id = header.get("kid")
    if key_id is not None and not (isinstance(key_id, str) and 0 < len(key_id) <= MOST_KEY_ID and key_id.isprintable()):
        raise BadToken("its key id is none")


def media(header: dict[str, Any]) -> str:
    """What `typ` says, in the short form and in lower case (RFC 7515 section 4.1.9); empty: nothing. Raises `BadToken`."""
    found = header.get("typ", "")
    if not isinstance(found, str):
        raise BadToken("its type is no text")
    return found.lower().removeprefix("application/")
