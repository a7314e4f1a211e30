"""Keys that were made elsewhere, from CSV (RFC 4180). They are hashed as they are read; no text of one is kept or told."""

from __future__ import annotations

import csv
import re
from collections import Counter
from datetime import UTC, datetime
from math import log2
from typing import TYPE_CHECKING

import msgspec

from ninefold.contract.quantity import parse_duration
from ninefold.contract.value import LABEL
from ninefold.errors import KeyringError, KeyringProblems, Place, Problem
from ninefold.keys.keeper import Adopted
from ninefold.keys.record import Grant
from ninefold.keys.token import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

COLUMNS = ("key", "name", "role", "scopes", "expires", "owner", "tenant", "tier")
#: More rows than this are not one file.
MOST_ROWS = 1_000_000
#: A key that is shorter, or has fewer bits, is weak: past 64 it is no more a matter of time (NIST SP 800-63B section 5.1.2).
LEAST_LENGTH = 20
LEAST_BITS = 72
#: What a header field can carry (RFC 9110 section 5.5), without spaces.
_SENDABLE = re.compile(r"[!-~]{1,512}\Z")


class Terms(msgspec.Struct, frozen=True):
    """What a contract says of its keys. `most` is their longest life in seconds, `allowed` raises `KeyringError`.

    `weak` is why weak ones are taken; empty: they are not.
    """

    now: float
    most: float
    allowed: Callable[[str, tuple[str, ...]], None]
    weak: str = ""


def read_sheet(lines: Iterable[str], file: str, terms: Terms) -> list[Adopted]:
    """The keys of a sheet. Raises `KeyringProblems` with every fault of every line."""
    rows = csv.reader(lines, strict=True)
    found: list[Adopted] = []
    problems: list[Problem] = []
    seen: dict[bytes, int] = {}
    names: list[str] = []
    while True:
        try:
            row = next(rows, None)
        except (csv.Error, UnicodeDecodeError) as fault:
            problems.append(Problem(f"is no CSV: {fault}", Place(file, rows.line_num or 1, 1), "see RFC 4180"))
            break
        if row is None:
            break
        place = Place(file, rows.line_num, 1)
        if not row:
            continue
        if not names:
            names = _names(row, place)
            continue
        if len(found) >= MOST_ROWS:
            problems.append(Problem(f"has more than {MOST_ROWS} keys", place, "give several files"))
            break
        try:
            one = _adopted(names, row, place, terms)
        except KeyringError as fault:
            problems.append(Problem(fault.what, place, fault.remedy))
            continue
        first = seen.setdefault(one.digest, rows.line_num)
        if first != rows.line_num:
            what = f"the key is the same as in line {first}: nobody could tell who calls"
            problems.append(Problem(what, place, "give one of the two callers a key of his own"))
        found.append(one)
    if problems:
        raise KeyringProblems(problems)
    return found


def weakness(text: str) -> str:
    """Why a key could be guessed; empty: nothing speaks for it. Bits are Shannon's over its characters.

    Characters that go on with a run (`abcd`, `1111`) or repeat what was there before (of three) count for nothing.
    """
    if len(text) < LEAST_LENGTH:
        return f"it has {len(text)} characters"
    if not any(char.isdigit() for char in text) and (text.islower() or text.isupper() or text.istitle()):
        return "it looks like words"
    telling = 0
    seen: set[str] = set()
    for place, char in enumerate(text):
        ending = text[max(0, place - 2) : place + 1]
        runs = place > 1 and ord(char) - ord(text[place - 1]) == ord(text[place - 1]) - ord(text[place - 2])
        if not runs and (place < 2 or ending not in seen):
            telling += 1
        seen.add(ending)
    shares = [count / len(text) for count in Counter(text).values()]
    bits = telling * -sum(one * log2(one) for one in shares)
    return f"it has about {max(0.0, bits):.0f} bits" if bits < LEAST_BITS else ""


def _names(row: list[str], place: Place) -> list[str]:
    names = [name.strip().lower().removeprefix("\ufeff") for name in row]
    strange = [name for name in names if name not in COLUMNS]
    if "key" not in names or strange or len(set(names)) < len(names):
        # what stands there may be a key: it is not told
        raise KeyringProblems(
            [Problem("the first line does not name the columns, each once", place, f"as: {','.join(COLUMNS)}")]
        )
    return names


def _adopted(names: list[str], row: list[str], place: Place, terms: Terms) -> Adopted:
    if len(row) != len(names):
        raise KeyringError(f"has {len(row)} columns, and the first line {len(names)}")
    cell = dict.fromkeys(COLUMNS, "") | dict(zip(names, row, strict=True))
    text = cell.pop("key")
    if not _SENDABLE.match(text):
        raise KeyringError("the key is empty, too long, or has characters that no header field carries")
    for name in ("owner", "tenant", "tier"):
        cell[name] = cell[name].strip()
        if cell[name] and not LABEL.match(cell[name]):
            raise KeyringError(f"the {name} is longer than 64 characters or not printable")
    role, scopes = cell["role"].strip(), tuple(cell["scopes"].split())
    try:
        terms.allowed(role, scopes)
    except KeyringError as fault:
        # not which role it is: where columns are in another order, that is the key
        raise KeyringError(
            "the contract has no such role, or it does not hold these scopes", remedy=fault.remedy
        ) from None
    weak = weakness(text)
    if weak and not terms.weak:
        raise KeyringError(
            f"the key can be guessed: {weak}", remedy="issue a new one, or say why it is taken: --weak WHY"
        )
    grant = Grant(role, scopes, cell["name"].strip(), cell["owner"], cell["tenant"], cell["tier"])
    expires = _expires(cell["expires"].strip(), terms)
    return Adopted(digest(text.encode()), grant, expires, f"{weak}; {terms.weak}" if weak else "", place)


def _expires(text: str, terms: Terms) -> float:
    """A duration (`90d`), or a date (`2027-01-31`) or time (ISO 8601; UTC where it says nothing else)."""
    if not text:
        return terms.now + terms.most
    try:
        expires = terms.now + parse_duration(text)
    except ValueError:
        try:
            when = datetime.fromisoformat(text)
            expires = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            raise KeyringError("`expires` is no date and no duration", remedy="write 2027-01-31 or 90d") from None
    if expires <= terms.now:
        raise KeyringError("the key has ended already", remedy="leave the line out")
    if expires > terms.now + terms.most + 1:
        raise KeyringError(
            f"the key would live longer than {terms.most / 86400:g} days", remedy="by keys.max_age of the contract"
        )
    return expires
