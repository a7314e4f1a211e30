"""Secrets that stand in files: keys of known make, and values that a name calls secret and chance wrote."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Keys whose make says what they are, by who issues them.
_MAKES = (
    ("an AWS access key id", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b")),
    ("a GitLab token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}")),
    ("a Stripe live key", re.compile(r"\b[rs]k_live_[A-Za-z0-9]{20,}")),
    ("a Slack token", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{20,}")),
    ("a Google API key", re.compile(r"\bAIza[A-Za-z0-9_-]{35}\b")),
    ("a SendGrid key", re.compile(r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b")),
    ("an npm token", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b")),
    ("a PyPI token", re.compile(r"\bpypi-[A-Za-z0-9_-]{50,}")),
    ("a Ninefold key", re.compile(r"\bnf_[a-z0-9]+_[A-Za-z0-9]+_[A-Za-z0-9]{24,}\b")),
)

#: A name that says API key, and a literal that it is given: in code, YAML, TOML, JSON, INI, dotenv.
_NAMED = re.compile(
    r"""(?P<name>[A-Za-z0-9_.-]*?(?:api[_-]?keys?|access[_-]?keys?|client[_-]?secret|auth[_-]?token|access[_-]?token)"""
    r"""[A-Za-z0-9_]*)["']?(?:\s*:\s*[A-Za-z\[\], ]+)?\s*(?:=|:|=>)\s*"""
    r"""(?P<quote>["'`]?)(?P<value>[A-Za-z0-9_\-+/=.~]{8,200})(?P=quote)\s*(?:[,;})\]#].*)?$""",
    re.IGNORECASE,
)

#: Literals inside a collection that a name calls keys: `API_KEYS = {"k-123...": "alice"}`.
_COLLECTION = re.compile(r"api[_-]?keys\w*[\"']?(?:\s*:\s*[\w\[\], ]+)?\s*[=:]\s*[\[({]", re.IGNORECASE)
_LITERAL = re.compile(r"""["']([A-Za-z0-9_\-+/=.~]{8,200})["']""")

_NO_SECRET = re.compile(
    r"change[_-]?me|your[_-]|example|placeholder|dummy|sample|x{4}|\*\*\*|todo|insert|replace|none"
    r"|null|true|false|test",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"^[A-Za-z_]+(?:\.[A-Za-z_]+)+$|^https?:|^[A-Z][A-Z0-9_]+$|^/|^[Xx]-[A-Za-z-]+$|^[a-z]+(?:[_-][a-z]+)*$"
)


@dataclass(frozen=True, slots=True)
class Leak:
    """`kind` in words; `shown` is enough of the secret to find it, and no more."""

    line: int
    kind: str
    shown: str


def leaks(text: str) -> Iterator[Leak]:
    """Every API key in a file's text, one a line."""
    collected = 0
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > 2000:
            continue
        leak = _made(number, line) or _named(number, line)
        if leak is None and (collected > 0 or _COLLECTION.search(line)):
            leak = next(
                (_leak(number, "a key among API keys", one) for one in _LITERAL.findall(line) if secretive(one)),
                None,
            )
        if _COLLECTION.search(line) and line.count("{") + line.count("[") + line.count("(") > sum(
            line.count(one) for one in "}])"
        ):
            collected = 40
        elif collected and re.match(r"\s*[}\])]", line):
            collected = 0
        else:
            collected = max(0, collected - 1)
        if leak:
            yield leak


def secretive(value: str) -> bool:
    """Whether chance rather than a person chose these characters, by their mix and their entropy."""
    if _NO_SECRET.search(value) or _CODE.search(value) or len(set(value)) < 6:
        return False
    mixed = bool(re.search(r"\d", value)) and bool(re.search(r"[A-Za-z]", value))
    return (mixed and len(value) >= 10 and entropy(value) >= 2.8) or (len(value) >= 24 and entropy(value) >= 3.5)


def entropy(value: str) -> float:
    """Bits a character, by how often each one is there (Shannon)."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())


def _made(number: int, line: str) -> Leak | None:
    for kind, make in _MAKES:
        if (found := make.search(line)) and not _NO_SECRET.search(found[0]):
            return _leak(number, kind, found[0])
    return None


def _named(number: int, line: str) -> Leak | None:
    found = _NAMED.search(line)
    if found and secretive(found["value"]):
        return _leak(number, f"a value for `{found['name']}`", found["value"])
    return None


def _leak(number: int, kind: str, value: str) -> Leak:
    return Leak(number, kind, f"{value[:4]}...{value[-2:]}" if len(value) >= 16 else f"{value[:2]}...")
