"""What a token says (RFC 7519 section 4, RFC 9068 section 2.2, RFC 7662 section 2.2), held against what it has to say."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from joserfc.util import urlsafe_b64decode

from ninefold.identity.fault import BadToken, Expired
from ninefold.identity.token import Token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.identity.rules import Rules

MOST_TEXT = 256
MOST_NAMES = 256
#: Claims of ID tokens (OIDC Core section 2), logout tokens and security events (RFC 8417): the same issuer signs those too.
_FOREIGN = ("nonce", "at_hash", "c_hash", "s_hash", "events")
_PROFILE = ("iss", "exp", "aud", "sub", "client_id", "iat", "jti")
#: No clock is past this, and a float is still exact to the second.
_END_OF_TIME = float(2**40)


def check(claims: Mapping[str, Any], rules: Rules, now: float) -> None:
    """Raises `BadToken` where a JWT is not for here, or not for now."""
    if claims.get("iss") != rules.issuer:
        raise BadToken("its issuer is another")
    _for_here(claims.get("aud"), rules)
    for name in _FOREIGN:
        if name in claims:
            raise BadToken(f"it is another kind of token ({name})")
    for name in (*(_PROFILE if rules.profile == "rfc9068" else ("exp", "iat")), *rules.required):
        if _at(claims, name) is None:
            raise BadToken(f"it has no {name}")
    _for_now(claims, rules, now)


def _for_here(audience: Any, rules: Rules) -> None:
    listed = audience if isinstance(audience, list) else [audience]
    if not listed or len(listed) > MOST_NAMES or not all(isinstance(one, str) for one in listed):
        raise BadToken("its audience is none")
    if rules.audience.isdisjoint(listed):
        raise BadToken("it is for another audience")


def _for_now(claims: Mapping[str, Any], rules: Rules, now: float) -> None:
    expires, issued, begins = (_instant(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is not None and now >= expires + rules.leeway:
        raise Expired("it has expired")
    if begins is not None and now < begins - rules.leeway:
        raise BadToken("it is not valid yet")
    if issued is not None:
        if now < issued - rules.leeway:
            raise BadToken("it was issued in the future")
        if now > issued + rules.max_age + rules.leeway:
            raise BadToken("it is older than identity.max_age")
        if expires is not None and expires < issued:
            raise BadToken("it expired before it was issued")


def introspected(answer: Mapping[str, Any], rules: Rules, now: float, cache: float) -> Token:
    """The token of an introspection's answer, for at most `cache` seconds. Raises `BadToken`."""
    if answer.get("active") is not True:
        raise BadToken("the issuer says that it is not active")
    if answer.get("iss", rules.issuer) != rules.issuer:
        raise BadToken("its issuer is another")
    _for_here(answer.get("aud"), rules)
    for name in rules.required:
        if _at(answer, name) is None:
            raise BadToken(f"it has no {name}")
    _for_now(answer, rules, now)
    return token(answer, rules, "", now + cache)


def token(claims: Mapping[str, Any], rules: Rules, signer: str, until: float = _END_OF_TIME) -> Token:
    """What the guard has to know, of claims that were checked. Raises `BadToken`."""
    subject = _text(claims, rules.subject) or _text(claims, "client_id")
    if not subject:
        raise BadToken("it says not whom it is about")
    issued = _instant(claims, "iat") or 0.0
    ends = [until]
    if (expires := _instant(claims, "exp")) is not None:
        ends.append(expires + rules.leeway)
    if issued:
        ends.append(issued + rules.max_age + rules.leeway)
    jkt, x5t = _confirmed(claims.get("cnf"), rules)
    return Token(
        subject, _text(claims, "jti"), _text(claims, rules.tenant), _names(claims, rules.roles),
        _names(claims, rules.scopes), issued, min(ends), signer, jkt, x5t,
        {name: _at(claims, name) for name in rules.kept} or None,
    )  # fmt: skip


def _confirmed(found: Any, rules: Rules) -> tuple[bytes, bytes]:
    """The thumbprints that the token is bound to (RFC 7800). A binding that is not checked here is no token for here."""
    found = {} if found is None else found
    if not isinstance(found, dict) or not found.keys() <= {"jkt", "x5t#S256"}:
        raise BadToken("it is bound to its holder in a way that is not known here (cnf)")
    jkt, x5t = _thumbprint(found.get("jkt")), _thumbprint(found.get("x5t#S256"))
    if rules.bound == "dpop" and not jkt:
        raise BadToken("it is bound to no key (cnf.jkt)")
    if rules.bound == "certificate" and not x5t:
        raise BadToken("it is bound to no certificate (cnf.x5t#S256)")
    if jkt and rules.bound != "dpop":
        raise BadToken("it is bound to a key, which identity.bound does not ask for")
    return jkt, x5t


def _thumbprint(found: Any) -> bytes:
    if found is None:
        return b""
    try:
        decoded = urlsafe_b64decode(found.encode("ascii"))
    except (ValueError, AttributeError):
        decoded = b""
    if len(decoded) != 32:
        raise BadToken("the thumbprint that it is bound to is none")
    return decoded


def _at(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by a JSON pointer; None: it has none."""
    if name[:1] != "/":
        return claims.get(name)
    here: Any = claims
    for part in name[1:].split("/"):
        if not isinstance(here, dict):
            return None
        here = here.get(part.replace("~1", "/").replace("~0", "~"))
    return here


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519 section 2). Raises `BadToken`."""
    found = claims.get(name)
    if found is None and name not in claims:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found):
        raise BadToken(f"its {name} is no time")
    if not 0 <= found < _END_OF_TIME:
        raise BadToken(f"its {name} is no time that any clock shows")
    return float(found)


def _text(claims: Mapping[str, Any], name: str) -> str:
    """A claim that is a short text without control characters; empty: it has none. Raises `BadToken`."""
    found = _at(claims, name)
    if found is None:
        return ""
    if not isinstance(found, str) or not 0 < len(found) <= MOST_TEXT or not _plain(found):
        raise BadToken(f"its {name} is no plain text of at most {MOST_TEXT} characters")
    return found


def _names(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A claim that is words, in a list or with spaces between them. Raises `BadToken`."""
    found = _at(claims, name)
    if found is None:
        return ()
    listed = found.split(" ") if isinstance(found, str) else found
    if not isinstance(listed, list) or len(listed) > MOST_NAMES:
        raise BadToken(f"its {name} is no list of at most {MOST_NAMES} words")
    if not all(isinstance(one, str) and len(one) <= MOST_TEXT and _plain(one) for one in listed):
        raise BadToken(f"its {name} holds something else than words")
    return tuple(one for one in listed if one)


def _plain(text: str) -> bool:
    """Whether a text has no control characters and no half of a surrogate pair."""
    return not any(ord(one) < 32 or 0x7F <= ord(one) < 0xA0 or 0xD800 <= ord(one) < 0xE000 for one in text)
