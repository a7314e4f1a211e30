"""Verifies a JWT as an access token (RFC 8725, RFC 9068). Pure: keys and time are arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.identity import claims
from ninefold.identity.fault import BadToken
from ninefold.identity.segment import check_header, media, members, split

if TYPE_CHECKING:
    from ninefold.identity.keyset import KeySet
    from ninefold.identity.rules import Rules
    from ninefold.identity.token import Token


def verify(text: bytes, rules: Rules, keys: KeySet, now: float) -> Token:
    """The token, verified. Raises `BadToken`; `UnknownKey` where the issuer's keys may have changed since.

    What costs nothing comes first: a token that is too long, of another issuer or too old is refused without a look at
    its signature, and without asking anybody for keys.
    """
    head, body, _ = split(text, rules.most)
    header = members(head, "header")
    check_header(header)
    algorithm = header["alg"]
    if algorithm not in rules.algorithms:
        raise BadToken("its algorithm is not one of identity.algorithms")
    kind = media(header)
    if kind != "at+jwt" and (rules.profile == "rfc9068" or kind not in {"", "jwt"}):
        raise BadToken("its type (typ) is another")
    found = members(body, "payload")
    claims.check(found, rules, now)
    signer = keys.find(header.get("kid"), algorithm)
    signer.verify(text, algorithm)
    return claims.token(found, rules, signer.thumbprint)
