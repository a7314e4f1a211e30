"""Looks through free texts of answers for what should never leave in them, as the contract's `responses.leaks` says.

Which texts are looked through at all is told in C, by words that every leak has (`ninefold/native/watch.h`); what stands in
them, by the rules of `ninefold.leak`.
"""

from __future__ import annotations

import json
import re
from array import array
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from ninefold.leak.find import RULES, find, masked
from ninefold.leak.rule import Kind
from ninefold.native.library import ffi, library

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.contract.responses import Leaks
    from ninefold.leak.rule import Rule

#: Members whose name says that they hold what is looked for, by the last word or two of it, and what that is. They were declared
#: to leave.
_HOLDERS: Mapping[str, frozenset[Kind]] = {
    name: frozenset(kinds)
    for kinds, names in (
        ((Kind.CARD,), "card number|card no|pan|cc number|credit card|debit card|primary account number"),
        (
            (Kind.ID, Kind.CARD),
            "iban|account number|account no|account|bban|ssn|social security number|national id|national number|tax id|tax number|tin|vat|vat id|vat number|personal number|personnummer"
            "|personal id|identity number|id number|document number|passport number|passport|licence number|license number|cpf|cnpj|dni|nie|nif|bsn|pesel|hetu|nir|aadhaar|curp|rut|ric|nino|fiscal code|codice fiscale"
            "|tracking number|serial number|serial|imei|iccid|barcode|ean|gtin|isbn|upc|order number|invoice number|reference|phone|phone number|mobile|fax|number|msisdn|external id|id|uid|sku|mrz",
        ),
        ((Kind.VERSION,), "version|user agent|ua|server|runtime|platform|engine|os|release|build|client|software|agent|generator|image|firmware|changelog|release note|language|framework|stack|device"),
        (
            (Kind.PATH,),
            "path|file|filename|file name|file path|dir|directory|folder|mount|mount point|route|cwd|working directory|root|home|location|destination|target|source|entrypoint|config file|log file|href|url|uri|link|image|key|endpoint|pattern|slug",
        ),
        ((Kind.SQL, Kind.PATH), "sql|query|statement|filter|where|expression|view definition|definition"),
        (
            (Kind.TRACE, Kind.SQL, Kind.PATH, Kind.VERSION),
            "source|script|command|diff|patch|stack|stacktrace|stack trace|trace|traceback|backtrace|markdown|dockerfile",
        ),
        (tuple(Kind), "code|snippet|source code|code snippet|example|notebook|cell|program|solution|exercise"),
        (
            (Kind.SECRET,),
            "token|access token|id token|refresh token|secret|client secret|api key|apikey|key|password|private key|secret key|access key|jwt|session|session id|session token|csrf|csrf token|webhook secret|signing secret"
            "|credential|cookie|signature|hash|password hash|digest|fingerprint|certificate|public key|pem|checksum|nonce|state|challenge|cursor|etag|assertion|authorization|dsn|connection string|secret access key|otp secret",
        ),
    )
    for name in names.split("|")
}  # fmt: skip
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@lru_cache(4096)
def held(name: str) -> frozenset[Kind]:
    """What a member of this name was declared to hold, by its last words: `cardNumber`, `billing_ibans`.

    >>> held("cardNumber") == {Kind.CARD}, held("comment") == set()
    (True, True)
    """
    words = [one.lower() for one in _WORD.findall(name)]
    found: frozenset[Kind] = frozenset()
    for size in (1, 2, 3):
        last = " ".join(words[-size:])
        for form in (last, last.removesuffix("s"), last.removesuffix("es")):
            found |= _HOLDERS.get(form, frozenset())
    return found


class Lookout:
    """What becomes of leaks, by kind: `report`, `mask` or `block`. Kinds that it does not name are not looked for.

    Safe for any number of threads.
    """

    __slots__ = ("_named", "_policy", "_rules", "_sets", "native")

    def __init__(self, policy: Mapping[Kind, str], *, named: bool = True) -> None:
        """`named`: members have the names that the API gave them, so that they may tell what is expected there.

        Raises `MemoryError` without memory, `FileError` without the native library.
        """
        self._policy = dict(policy)
        self._named = named
        self._rules = tuple(rule for rule in RULES if rule.kind in policy)
        #: What `nf_look` takes; it has to live as long as programs that heed it.
        self.native, self._sets = _watch(frozenset(policy))

    def judge(self, token: bytes, member: str) -> Judged | None:
        """What leaks in a JSON string (with its quotes), and what becomes of it. None: nothing does.

        `member` is the name of the declared member around it; empty: none is known.
        """
        text: str = json.loads(token)
        kinds = self._policy.keys() - held(member) if self._named and member else self._policy.keys()
        leaks = find(text, self._told(text), kinds)
        if not leaks:
            return None
        hides = [one for one in leaks if self._policy[one.kind] == "mask"]
        return Judged(
            tuple(dict.fromkeys(one.kind.value for one in leaks)),
            next((one.kind.value for one in leaks if self._policy[one.kind] == "block"), ""),
            json.dumps(masked(text, hides), ensure_ascii=False).encode() if hides else token,
        )

    def _told(self, text: str) -> list[Rule]:
        """The rules whose words are in a text."""
        raw = text.encode()
        told = ffi.new("uint64_t[2]")
        library().nf_look(self.native, raw, len(raw), told)
        bits = told[0] | told[1] << 64
        return [
            rule
            for rule, (words, also) in zip(self._rules, self._sets, strict=True)
            if bits & words and bits & also
        ]


def lookout_of(leaks: Leaks, *, named: bool = True) -> Lookout | None:
    """As a contract says; None: texts are not looked through."""
    policy = {kind: leaks.kinds.get(kind, leaks.found) for kind in Kind}
    wanted = {kind: word for kind, word in policy.items() if word != "ignore"}
    return Lookout(wanted, named=named) if wanted else None


class Judged:
    """What leaks in a text: `kinds` of it; `blocks`, one that nothing may leave for (empty: none); and `token`, what leaves."""

    __slots__ = ("blocks", "kinds", "token")

    def __init__(self, kinds: tuple[str, ...], blocks: str, token: bytes) -> None:
        self.kinds = kinds
        self.blocks = blocks
        self.token = token


@cache
def _watch(kinds: frozenset[Kind]) -> tuple[Any, tuple[tuple[int, int], ...]]:
    """The native watch for rules of these kinds, and by rule the bits of its words and of what has to stand beside them."""
    rules = [rule for rule in RULES if rule.kind in kinds]
    sets: dict[tuple[str, ...], int] = {}
    pairs = array("I")
    bits = []
    for rule in rules:
        one = sets.setdefault(rule.words, len(sets))
        other = sets.setdefault(rule.also, len(sets)) if rule.also else one
        pairs.extend((one, other))
        bits.append((1 << one, 1 << other))
    words = [(word.encode(), number) for group, number in sets.items() for word in group]
    lengths = array("I", (len(word) for word, _ in words))
    of = array("I", (number for _, number in words))
    load = library()
    made = load.nf_watch(
        len(words),
        b"".join(word for word, _ in words),
        ffi.from_buffer("uint32_t[]", lengths),
        ffi.from_buffer("uint32_t[]", of),
        len(rules),
        ffi.from_buffer("uint32_t[]", pairs),
    )
    if made == ffi.NULL:
        raise MemoryError("no memory to look through answers")
    return ffi.gc(made, load.nf_unwatch), tuple(bits)
