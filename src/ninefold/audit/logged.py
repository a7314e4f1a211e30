"""Passwords that stand in a log under their name, whoever sent them: read there, and nobody is asked.

A name and a value are no proof, so what is found is suspected; masks, digests and words that tell an outcome are passed over.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ninefold.leak.secret import placeholder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NAMED = re.compile(
    r"""(?<![\w.-])(?P<name>(?:user_?|log_?in_?|new_?|old_?)?(?:passw(?:or)?d|passphrase|passcode|pwd|pin))(?:["']\s?[=:]\s?|\s?=\s?|:)"""
    r"""(?P<quote>["']?)(?P<value>[^\s"'&,;<>\[\]{}()]{4,64})(?=["'&,;)}\s]|$)""",
    re.IGNORECASE,
)
#: A pin may be one of a board or a map; of a log-in it is a secret.
_ENTERS = re.compile(r"log-?_?in|sign-?_?in|authenticat|credential", re.IGNORECASE)
_MASKED = re.compile(
    r"[*\u2022\u25cf#]{2}|^[xX.]+$|redact|filter|mask|hidden|cut|censor|remov|scrub|encrypt|nf-bogus|ninefold",
    re.IGNORECASE,
)
#: Digests, places that are filled in, and paths.
_OTHER = re.compile(
    r"^\$|^\{|^[/~.]|:/|^(?:pbkdf2|scrypt|bcrypt|argon2|sha\d+|scram)|^(?:md5)?[0-9a-f]{32,}$|^\d+-\d+$", re.IGNORECASE
)
#: What a person chose and no word that tells how it went.
_CHOSEN = re.compile(r"\d")

#: The longest line that is read.
LONGEST = 4000


class Held(NamedTuple):
    """`line` is as it stands in the log, with the secret in it."""

    name: str
    value: str
    line: str


def held(lines: Iterable[str], known: Iterable[str] = ()) -> Iterator[Held]:
    """Lines with a password under its name; `known` are those that the audit itself sent."""
    own = frozenset(known)
    for line in lines:
        for found in _NAMED.finditer(line[:LONGEST]):
            name, value = found["name"], found["value"]
            if name.lower().endswith("pin") and not _ENTERS.search(line):
                continue
            if _CHOSEN.search(value) and not (
                value in own or placeholder(value) or _MASKED.search(value) or _OTHER.search(value)
            ):
                yield Held(name, value, line)
                break
