"""Tokens that carry their own checksum, so that what only looks like one is told from one."""

from __future__ import annotations

import base64
import json
import string
import zlib
from typing import Any

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def checked(token: str) -> bool:
    """Whether the last six characters are the CRC-32 of those between prefix and them, in base 62.

    So GitHub's `ghp_` and its kind and npm's `npm_` are made: 30 characters and six.
    """
    body = token.partition("_")[2]
    return len(body) == 36 and base62(zlib.crc32(body[:30].encode())) == body[30:]


def base62(number: int) -> str:
    """Digits, capitals, small letters; six characters, zeros before."""
    made = ""
    while number:
        number, rest = divmod(number, 62)
        made = _BASE62[rest] + made
    return made.rjust(6, "0")


def signed(token: str) -> bool:
    """Whether a JWT (RFC 7519) has a header that names an algorithm, claims, a signature of that length, and is no sample."""
    parts = token.split(".")
    if len(parts) != 3:
        return False
    header, claims = _decoded(parts[0]), _decoded(parts[1])
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return False
    algorithm = str(header.get("alg", "none"))
    sample = claims.get("name") == "John Doe" or claims.get("sub") == "1234567890"
    return algorithm[:2] in {"HS", "RS", "ES", "PS", "Ed"} and len(parts[2]) >= 43 and not sample


def _decoded(part: str) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
