"""Names that say secret: of members in an answer, of variables in source. Whole words only, and nothing about secrets
(`password_changed_at`, `secret_name`, `page_token` hold none).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_FORM = r"(?:_?(?:hash(?:ed)?|digest|salt|plain(?:text)?|clear(?:text)?|enc(?:rypted)?|value|raw|s|\d))*$"

#: What proves or pays: no reader of an answer needs it, whatever the method.
_PROOF = re.compile(
    r"(?:^|_)(?:pass(?:word|wd|phrase|code)|pass(?=_?hash)|pwd|private_?key|mfa_?secret|otp_?secret|totp_?secret"
    r"|ssn|social_?security(?:_?(?:number|no))?|(?:credit_?)?card_?(?:number|num|no|pin)|cvv|cvc|security_?code)"
    + _FORM,
    re.IGNORECASE,
)

#: What opens something: the request that makes it shows it once, and none after that.
_OPENS = re.compile(
    r"(?:^|_)(?:secret(?:_?key)?|(?:api|access|signing|encryption)_?key|iban"
    r"|(?:access|refresh|auth|session|bearer|reset|api|id)_?token)" + _FORM,
    re.IGNORECASE,
)

#: What a line of a log must not hold, beside both.
_LOGGED = re.compile(
    r"^(?:jwt|authorization|credentials?|cookies?|bearer|passw|pass)$|_(?:jwt|authorization)$"
    r"|(?:^|(?<!page)(?<!next)(?<!continuation)(?<!sync)(?<!cancellation)(?<!csrf)(?<!stop)_)token$",
    re.IGNORECASE,
)

_TIMES = frozenset({"date", "date-time", "time", "duration"})
_MASK = re.compile(r"[*\u2022\u25cf]{2}|x{4}", re.IGNORECASE)


def snake(name: str) -> str:
    """`cardNumber`, `Card-Number` and `card_number` as the last of these."""
    return _CAMEL.sub("_", name).replace("-", "_").replace(" ", "_").lower()


def proves(name: str) -> bool:
    """A password, its hash, a card's number and the like."""
    return _PROOF.search(snake(name)) is not None


def opens(name: str) -> bool:
    """That, or a key, a secret, a token that gives access."""
    return proves(name) or _OPENS.search(snake(name)) is not None


def tells(name: str) -> bool:
    """That, or what else has no place in a log."""
    return opens(name) or _LOGGED.search(snake(name)) is not None


def harmless(schema: Mapping[str, Any]) -> bool:
    """Whether a member with such a schema holds no secret, whatever its name: a flag, a time, a masked value, one of few."""
    kind = schema.get("type")
    if kind == "boolean" or schema.get("writeOnly") is True or schema.get("format") in _TIMES or "enum" in schema:
        return True
    length = schema.get("maxLength")
    shown = " ".join(str(schema.get(word, "")) for word in ("example", "examples", "pattern"))
    return (isinstance(length, int) and length <= 4) or _MASK.search(shown) is not None
