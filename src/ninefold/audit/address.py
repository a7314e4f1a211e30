"""Whether a description says that callers come from certain addresses only, as gateways write it, or in words.

OpenAPI has no security scheme for a source address, so gateways put it into specification extensions:
`x-amazon-apigateway-policy` (`aws:SourceIp`), `x-kong-plugin-ip-restriction` (`config.allow`), and their kin.
What they have in common is read here: an `x-` member, on the scheme, the operation, its path or the root,
that lists address ranges (RFC 4632, RFC 4291) outside any word that denies, none of them the whole Internet.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ninefold.contract.description import Description, Operation, SecurityScheme

_DENIES = ("deny", "denied", "block", "black", "notip", "exclude", "except", "forbid", "reject")
_DEPTH = 12

#: Names of lists of who may call; and of lists of whom the API calls, of what it runs on, and of who is let off something else.
_CALLERS = re.compile(
    r"(?<!re)source|client|caller|consumer|allow|white|safe|permit|restrict|accept|trust|from", re.IGNORECASE
)
_OTHERS = re.compile(
    r"egress|outbound|outgoing|web-?_?hook|call-?_?back|server|back-?_?end|upstream|prox(?:y|ies)|gateway-?_?ip|dns|example"
    r"|nat(?:[-_]|$)|hosts?$|rate[-_]?limit|throttl|quota|bypass|exempt|skip|monitor|health|admin|debug|metrics|internal",
    re.IGNORECASE,
)

#: Prose that speaks of a second proof. No tool enforces a sentence, so it only takes the certainty away.
_WORDS = re.compile(
    r"\b(?:ip|source|client|network)[- ]?(?:address(?:es)?|ranges?)\b"
    r"|\baddress(?:es)?\b[^.]{0,60}\b(?:registered|listed|allowed|known)\b"
    r"|\b(?:allow|white|safe)-?list|\bmtls\b|\bmutual[- ]tls\b|\bclient certificates?\b|\bhmac\b"
    r"|\bsign(?:ed|ature)\b[^.]{0,40}\brequests?\b|\brequests?\b[^.]{0,40}\bsign(?:ed|ature)\b"
    r"|\bvpn\b|\bprivate (?:network|link)\b",
    re.IGNORECASE,
)


def in_words(operation: Operation, scheme: SecurityScheme) -> bool:
    """Whether the prose of a scheme or an operation speaks of what a key needs beside it."""
    texts = (scheme.raw.get("description"), operation.raw.get("description"), operation.raw.get("summary"))
    return any(isinstance(one, str) and _WORDS.search(one) for one in texts)


def addresses(
    description: Description, operation: Operation, scheme: SecurityScheme, *, surely: bool = False
) -> tuple[str, ...]:
    """The ranges that callers of `operation` with a credential of `scheme` must come from; empty: from
    anywhere.

    `surely`: only where the names around the list say that it is of those who call, and not of whom the API calls.
    """
    paths = description.document.get("paths")
    item = paths.get(operation.path) if isinstance(paths, dict) else None
    for holder in (scheme.raw, operation.raw, item, description.document):
        if isinstance(holder, dict) and (told := tuple(_extended(holder, surely=surely))):
            return () if any(ip_network(one, strict=False).prefixlen == 0 for one in told) else told
    return ()


def _extended(holder: Mapping[str, Any], *, surely: bool) -> Iterator[str]:
    for name, value in holder.items():
        if name.startswith("x-") and not _denies(name):
            yield from (one for path, one in _ranges(value, name, 0) if not surely or _of_callers(path))


def _of_callers(path: str) -> bool:
    return _CALLERS.search(path) is not None and _OTHERS.search(path) is None


def _ranges(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Each range with the names that lead to it."""
    if depth > _DEPTH:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            if not _denies(str(name)) and not (name == "Effect" and inner == "Deny"):
                yield from _ranges(inner, f"{path} {name}", depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _ranges(inner, path, depth + 1)
    elif isinstance(value, str) and ("." in value or ":" in value):
        try:
            ip_network(value, strict=False)
        except ValueError:
            return
        yield path, value


def _denies(name: str) -> bool:
    plain = name.lower().replace("-", "").replace("_", "")
    return any(word in plain for word in _DENIES)
