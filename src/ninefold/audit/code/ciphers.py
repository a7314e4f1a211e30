"""What JavaScript, TypeScript, Go and Java do with hashes and ciphers, and all that sign 3 asks of a file."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from ninefold.audit.code.node import Node, inside, names, snaked
from ninefold.audit.code.secret import hard_coded
from ninefold.audit.code.trust import unverified
from ninefold.audit.code.unit import Sight, receiver
from ninefold.audit.pycrypto import FAST, NO_PASSWORD, PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ninefold.audit.code.unit import Step, Unit

_BROKEN = re.compile(
    r"^(?:des|des3|3des|desede|des-?ede3?|rc2|rc4|arcfour|arc4|bf|blowfish|idea|seed|cast5?)(?:$|[-_/])", re.IGNORECASE
)
_ECB = re.compile(r"[-/]ecb(?:$|[-/])", re.IGNORECASE)
_FEEDS = frozenset({"update", "digest", "Write", "WriteString", "Sum", "hashString", "hashBytes", "hash"})

#: Comparisons in constant time, and names of what comes out of a store to be compared.
_COMPARES = re.compile(
    r"^crypto\.timingSafeEqual$|^crypto/subtle\.ConstantTimeCompare$|(?:^|\.)MessageDigest\.isEqual$"
)
_STORED = re.compile(r"hash|digest|stored|saved|row|record|user|account|db|passw|pwd", re.IGNORECASE)

_FIXED = "The initialization vector is fixed, so equal texts encrypt equally."
_ECB_DETAIL = "ECB shows equal blocks as equal blocks."

#: Modules of npm that are one fast digest.
_NPM = {
    "md5": "md5",
    "blueimp-md5": "md5",
    "js-md5": "md5",
    "sha1": "sha1",
    "js-sha1": "sha1",
    "js-sha256": "sha256",
    "sha256": "sha256",
    "sha.js": "sha1",
}


def dangers(unit: Unit) -> Iterator[Sight]:
    """Every use that its reader should see."""
    pwned = "pwned" in unit.text.lower()  # that service is asked by SHA-1, and keeps nothing
    digests = {} if pwned else _digests(unit)
    compared = _compared(unit, digests)
    seen: set[tuple[str, int]] = set()
    for step in unit.steps:
        hashed = () if pwned or id(step.node) in compared else _hash(unit, step, digests)
        for sight in (*hashed, *_look(unit, step)):
            if (sight.kind, sight.line) not in seen:
                seen.add((sight.kind, sight.line))
                yield sight


def _look(unit: Unit, step: Step) -> Iterator[Sight]:
    if step.node.kind in {"call", "new"}:
        yield from _cipher(unit, step)
    yield from hard_coded(unit, step)
    yield from unverified(unit, step)


def _digests(unit: Unit) -> dict[str, str]:
    """Functions that put an argument of theirs through a fast digest, and which."""
    found: dict[str, str] = {}
    for step in unit.steps:
        if step.node.kind not in {"call", "new"} or step.function is None:
            continue
        made = _digest(unit, step)
        if made is None:
            continue
        algorithm, given = made
        parameters = {one.name for one in step.function.parts[0].parts}
        if parameters & {
            one.name.partition(".")[0] for value in given for one in inside(value) if one.kind in {"name", "call"}
        }:
            name = step.function.name or step.words.split()[-1] if step.words.split() else ""
            found[name.rpartition(".")[2]] = algorithm
    return {name: algorithm for name, algorithm in found.items() if name}


def _compared(unit: Unit, digests: Mapping[str, str]) -> set[int]:
    """The calls whose digest does nothing but be compared, in constant time, with one that is not known to be stored."""
    found: set[int] = set()
    steps = [one for one in unit.steps if one.node.kind == "call" and _COMPARES.search(unit.full(one.node.name))]
    written = Counter(re.findall(r"\w+", unit.text)) if steps else Counter[str]()
    for step in steps:
        node = step.node
        if len(node.parts) != 2:
            continue
        sides = [list(_behind(unit, step, one, written)) for one in node.parts]
        for at, side in enumerate(sides):
            other, made = node.parts[1 - at], sides[1 - at]
            alike = any(_makes(unit, step, one, digests) for one in made)
            given = other.kind == "name" and any(other.name in scope.parameters for scope in step.scopes)
            if alike or (given and not _STORED.search(snaked(other.name))):
                found |= {id(one) for one in side}
    return found


def _behind(unit: Unit, step: Step, side: Node, written: Counter[str]) -> Iterator[Node]:
    """What is compared, also behind a name that is written nowhere else than where it is made and here."""
    for one in inside(side):
        yield one
        if one.kind == "name" and written[one.name] == 2:
            value = unit.value(step, one)
            yield from () if value is one else inside(value)


def _makes(unit: Unit, step: Step, node: Node, digests: Mapping[str, str]) -> bool:
    if node.kind not in {"call", "new"}:
        return False
    return bool(node.last in digests or _direct(unit.full(node.name)) or _maker(unit, step, node))


def _digest(unit: Unit, step: Step) -> tuple[str, tuple[Node, ...]] | None:
    """The fast digest that a call feeds, and what it feeds to it."""
    node = step.node
    direct = _direct(unit.full(node.name)) if node.owner is None else ""
    if direct and node.parts:
        return direct, node.parts
    if node.last not in _FEEDS or not node.parts or (node.last == "digest" and unit.language != "Java"):
        return None
    wrote = node.parts
    if node.last == "WriteString" and node.head == "io" and len(node.parts) == 2:
        source: Node | None = node.parts[0]
        wrote = node.parts[1:]
    else:
        source = receiver(node)
    for _ in range(4):
        if source is None:
            return None
        source = unit.value(step, source)
        if source.kind not in {"call", "new"}:
            return None
        if algorithm := _maker(unit, step, source):
            return algorithm, wrote
        source = receiver(source)
    return None


def _direct(full: str) -> str:
    """The algorithm of a function that digests what it is given."""
    if full in _NPM:
        return _NPM[full]
    found = re.search(
        r"(?:^crypto/(md5|sha1|sha256|sha512)\.Sum\w*|DigestUtils\.(md5|sha1|sha256|sha384|sha512|sha)\w*"
        r"|^(?:crypto-js|CryptoJS)[./](MD5|SHA1|SHA256|SHA512|md5|sha1|sha256|sha512)|^js-sha256\.(sha256)|^sha\.js\.(sha\w+))$",
        full,
    )
    return next((one.lower() for one in found.groups() if one), "") if found else ""


def _maker(unit: Unit, step: Step, node: Node) -> str:
    """The fast algorithm of a digest that a call makes; empty: none."""
    full = unit.full(node.name)
    algorithm = ""
    if full in {"crypto.createHash", "crypto.Hash"} or (
        node.last == "getInstance" and node.head.endswith("MessageDigest")
    ):
        told = unit.literal(step, node.parts[0]) if node.parts else None
        algorithm = told[0].lower().replace("-", "") if told else ""
    elif found := re.search(
        r"^crypto/(md5|sha1|sha256|sha512)\.New\w*$|(?:^|\.)Hashing\.(md5|sha1|sha256|sha512)$", full
    ):
        algorithm = found[1] or found[2]
    return algorithm if algorithm in FAST else ""


def _hash(unit: Unit, step: Step, digests: Mapping[str, str]) -> Iterator[Sight]:
    """A fast digest of a password (CWE-916)."""
    node = step.node
    if node.kind not in {"call", "new"}:
        return
    made = _digest(unit, step)
    around = step.words
    if (
        made is None
        and node.last in digests
        and (not node.head or node.head in {"this", "self"} or node.head[:1].isupper())
    ):
        made, around = (digests[node.last], node.parts), ""
    if made is None:
        return
    algorithm, given = made
    said = snaked(" ".join(names(one) for one in given))
    texts = " ".join(one.name for value in given for one in inside(value) if one.kind == "text")
    aside = NO_PASSWORD.search(said)
    # a field named so in a list of sample users tells too: { passwordHash: md5("root") }
    meant = PASSWORD.search(said.replace(".", " ")) and not NO_PASSWORD.search(said.rpartition(".")[2])
    if meant or (PASSWORD.search(snaked(around)) and not aside and (said or texts)):
        detail = f"A password goes through {algorithm.upper()}, which is made to be fast."
        yield Sight("password", node.line, detail, detail)


def _cipher(unit: Unit, step: Step) -> Iterator[Sight]:
    node, full = step.node, unit.full(step.node.name)
    first = unit.literal(step, node.parts[0]) if node.parts else None
    told = first[0] if first else ""
    detail = ""
    if re.search(r"^crypto\.create(?:C|Dec)ipher(?:iv)?$", full):
        if not full.endswith("iv"):
            detail = f"`{node.last}` makes key and vector from the password alone, with MD5 and no salt."
        elif _BROKEN.match(told):
            detail = f"{told.upper()} is broken or obsolete."
        elif _ECB.search(told):
            detail = _ECB_DETAIL
        elif node.last == "createCipheriv" and len(node.parts) > 2 and _fixed(unit, step, node.parts[2]):
            detail = _FIXED
    elif found := re.search(r"(?:^|\.)(?:crypto-js|CryptoJS)\.(DES|TripleDES|RC4|Rabbit|RC4Drop)\.encrypt$", full):
        detail = f"{found[1]} is broken or obsolete."
    elif re.search(r"CryptoJS\.|crypto-js", full) and any("mode.ECB" in names(one) for one in node.parts):
        detail = _ECB_DETAIL
    elif found := re.search(r"^crypto/(des|rc4)\.New\w*Cipher$", full):
        detail = f"{found[1].upper()} is broken or obsolete."
    elif re.search(r"^crypto/cipher\.New(?:CBC|CFB|OFB)?(?:Encrypter|OFB|CTR)$", full):
        detail = _FIXED if len(node.parts) > 1 and _fixed(unit, step, node.parts[1]) else ""
    elif node.last == "getInstance" and node.head.rpartition(".")[2] == "Cipher":
        if _BROKEN.match(told):
            detail = f"{told.partition('/')[0]} is broken or obsolete."
        elif _ECB.search(told) and not told.upper().startswith("RSA"):
            detail = _ECB_DETAIL
        elif told.upper() == "AES":
            detail = "`AES` without a mode is ECB, which shows equal blocks as equal blocks."
    elif node.kind == "new" and node.last in {"IvParameterSpec", "GCMParameterSpec"} and node.parts:
        detail = _FIXED if _fixed(unit, step, node.parts[-1]) else ""
    if detail:
        yield Sight("cipher", node.line, detail, detail)


def _fixed(unit: Unit, step: Step, node: Node) -> bool:
    """Whether a vector is a text, or zeros that nothing was written to."""
    told = unit.literal(step, node)
    if told is not None:
        return bool(told[0]) and told[1]
    zeros = unit.value(step, node) if unit.language in {"JavaScript", "TypeScript"} else node
    return zeros.kind in {"call", "new"} and zeros.name in {"Buffer.alloc", "byte[]", "make"}
