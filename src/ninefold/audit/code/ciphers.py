"""What JavaScript, TypeScript, Go and Java do with hashes, ciphers, keys and certificate checks (sign 3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.audit.code.node import Node, inside, names
from ninefold.audit.code.unit import Sight, receiver
from ninefold.audit.pycrypto import FAST, KEY, NO_PASSWORD, PASSWORD, is_key, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ninefold.audit.code.unit import Step, Unit

_BROKEN = re.compile(
    r"^(?:des|des3|3des|desede|des-?ede3?|rc2|rc4|arcfour|arc4|bf|blowfish|idea|seed|cast5?)(?:$|[-_/])", re.IGNORECASE
)
_ECB = re.compile(r"[-/]ecb(?:$|[-/])", re.IGNORECASE)
_FEEDS = frozenset({"update", "digest", "Write", "WriteString", "Sum", "hashString", "hashBytes", "hash"})

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

#: Calls that take a key: the pattern of their full name, and where it stands among the arguments.
_TAKES = (
    (re.compile(r"^(?:jsonwebtoken|jwt-simple)\.(?:sign|verify|encode|decode)$"), 1),
    (re.compile(r"^crypto\.(?:createHmac|createCipheriv|createDecipheriv|createCipher|createDecipher)$"), 1),
    (re.compile(r"^crypto\.createSecretKey$"), 0),
    (re.compile(r"(?:^|\.)(?:crypto-js|CryptoJS)\.(?:\w+\.(?:encrypt|decrypt)|Hmac\w+)$"), 1),
    (re.compile(r"^(?:jose\.)?jwtVerify$|^jose\.jwtDecrypt$"), 1),
    (re.compile(r"^cookie-parser$"), 0),
    (re.compile(r"^crypto/hmac\.New$"), 1),
    (re.compile(r"^crypto/(?:aes|des|rc4)\.New\w*Cipher$"), 0),
    (re.compile(r"^golang\.org/x/crypto/chacha20poly1305\.NewX?$"), 0),
    (re.compile(r"(?:^|[/.])(?:sessions\.NewCookieStore|cookie\.NewStore|securecookie\.New)$"), 0),
    (re.compile(r"(?:^|\.)SignedString$"), 0),
    (re.compile(r"(?:^|\.)(?:SecretKeySpec|hmacShaKeyFor|HMAC(?:256|384|512))$"), 0),
    (re.compile(r"(?:^|\.)(?:setSigningKey|verifyWith|MACSigner|MACVerifier)$"), 0),
)  # fmt: skip

#: Makers whose settings hold a key: the pattern of their full name or module, and the fields.
_SETTINGS = re.compile(r"session|jwt|jose|cookie|passport|csrf|Strategy$", re.IGNORECASE)
_SECRET_FIELD = re.compile(
    r"^(?:secret|secrets|secretOrKey|secretOrPrivateKey|secretKey|privateKey|keys|password|key)$"
)


def dangers(unit: Unit) -> Iterator[Sight]:
    """Every use that its reader should see."""
    pwned = "pwned" in unit.text.lower()  # that service is asked by SHA-1, and keeps nothing
    digests = {} if pwned else _digests(unit)
    seen: set[tuple[str, int]] = set()
    for step in unit.steps:
        for sight in (*(() if pwned else _hash(unit, step, digests)), *_look(unit, step)):
            if (sight.kind, sight.line) not in seen:
                seen.add((sight.kind, sight.line))
                yield sight


def _look(unit: Unit, step: Step) -> Iterator[Sight]:
    kind = step.node.kind
    if kind in {"call", "new"}:
        yield from _cipher(unit, step)
        yield from _key(unit, step)
        yield from _trusting_call(step)
    elif kind in {"assign", "field"}:
        yield from _unverified(unit, step)
        yield from _named_key(unit, step)
    elif kind == "function":
        yield from _trusting_function(unit, step)
    elif kind == "return":
        yield from _key_given(unit, step)


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
    if (
        full in {"crypto.createHash", "crypto.Hash"}
        or node.last == "getInstance"
        and node.head.endswith("MessageDigest")
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
    said = _snaked(" ".join(names(one) for one in given))
    texts = " ".join(one.name for value in given for one in inside(value) if one.kind == "text")
    aside = NO_PASSWORD.search(said)
    # a field named so in a list of sample users tells too: { passwordHash: md5("root") }
    meant = PASSWORD.search(said.replace(".", " ")) and not NO_PASSWORD.search(said.rpartition(".")[2])
    if meant or (PASSWORD.search(_snaked(around)) and not aside and (said or texts)):
        detail = f"A password goes through {algorithm.upper()}, which is made to be fast."
        yield Sight("password", node.line, detail, detail)


def _snaked(words: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", words)


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


def _key(unit: Unit, step: Step) -> Iterator[Sight]:
    """A literal where a cipher or a signature takes its key (CWE-321)."""
    node, full = step.node, unit.full(step.node.name)
    for pattern, at in _TAKES:
        if pattern.search(full):
            yield from _literal(unit, step, node, node.parts[at : at + 1])
            return
    if node.last == "signWith" and unit.language == "Java":
        yield from _literal(unit, step, node, node.parts)
    elif node.last == "sign" and _SETTINGS.search(node.head) and len(node.parts) > 1:
        settings = unit.value(step, node.parts[1])
        if settings.kind == "record":
            yield from _from_settings(unit, step, node, settings)
        elif node.kind == "call" and re.search(r"SignJWT", names(node)):
            yield from _literal(unit, step, node, node.parts[:1])
    elif node.last == "sign" and node.owner is not None and "SignJWT" in names(node.owner):
        yield from _literal(unit, step, node, node.parts[:1])
    elif _SETTINGS.search(full) or any(
        _SETTINGS.search(unit.full(one.name)) for one in node.parts[:1] if one.kind == "name"
    ):
        for one in node.parts:
            settings = unit.value(step, one)
            if settings.kind == "record":
                yield from _from_settings(unit, step, node, settings)


def _from_settings(unit: Unit, step: Step, node: Node, settings: Node) -> Iterator[Sight]:
    for field in settings.parts:
        if field.kind == "field" and _SECRET_FIELD.match(field.name):
            value = unit.value(step, field.parts[0])
            held = value.parts if value.kind == "list" else (value,)
            if (
                field.name != "key" or "session" not in unit.full(node.name).lower()
            ):  # express-session: the cookie's name
                yield from _literal(unit, step, field, held, f"{node.name or 'a call'}` with `{field.name}")


def _literal(unit: Unit, step: Step, node: Node, given: tuple[Node, ...], name: str = "") -> Iterator[Sight]:
    for one in given:
        told = unit.literal(step, one)
        if told is not None and is_secret(told[0]):
            yield _told(name or node.name or node.last, node.line, sure=told[1])
            return


def _told(name: str, line: int, *, sure: bool) -> Sight:
    if sure:
        detail = f"`{name}` takes its key from a literal in the source."
    else:
        detail = f"`{name}` takes its key from a literal in the source where the environment has none."
    return Sight("key", line, detail, detail, sure)


def _key_given(unit: Unit, step: Step) -> Iterator[Sight]:
    """`jwt.Parse(token, func(t) { return []byte("..."), nil })`: the function that finds the key has it."""
    if unit.language != "Go" or step.function is None or not step.node.parts:
        return
    parameters = [one.name for one in step.function.parts[0].parts]
    if len(parameters) == 1 and "*jwt.Token" in step.function.parts[0].name:
        yield from _literal(unit, step, step.node, step.node.parts[:1], "jwt.Parse")


def _named_key(unit: Unit, step: Step) -> Iterator[Sight]:
    """A literal that its name calls a key of cryptography."""
    node = step.node
    name = node.last if node.kind == "assign" else node.name
    if not KEY.match(_snaked(name)) or not node.parts:
        return
    told = unit.literal(step, node.parts[0])
    if told is not None and is_key(told[0]) and is_secret(told[0]):
        if told[1]:
            detail = f"`{name}` is a literal in the source."
            yield Sight("key", node.line, detail, detail)
        else:
            yield _told(name, node.line, sure=False)


def _unverified(unit: Unit, step: Step) -> Iterator[Sight]:
    node = step.node
    name = node.last if node.kind == "assign" else node.name
    value = node.parts[0] if node.parts else node
    detail = ""
    if name in {"rejectUnauthorized", "strictSSL"} and _is(value, "false"):
        detail = f"`{name}: false` does not check the other side's certificate."
    elif name == "NODE_TLS_REJECT_UNAUTHORIZED" and value.kind in {"text", "number"} and value.name == "0":
        detail = "Certificates are not checked anywhere in this process."
    elif name == "InsecureSkipVerify" and _is(value, "true"):
        detail = "`InsecureSkipVerify: true` does not check the other side's certificate."
    elif name == "checkServerIdentity" and value.kind == "function" and _empty(value):
        detail = "The certificate's name is not checked."
    if detail and unit.language != "Java":
        yield Sight("verification", node.line, detail, detail)


def _trusting_call(step: Step) -> Iterator[Sight]:
    said = " ".join(names(one) for one in step.node.parts)
    detail = ""
    if re.search(
        r"\b(?:NoopHostnameVerifier|ALLOW_ALL_HOSTNAME_VERIFIER|AllowAllHostnameVerifier)\b", f"{step.node.name} {said}"
    ):
        detail = "The certificate's name is not checked."
    elif re.search(r"\b(?:TrustAllStrategy|InsecureTrustManagerFactory)\b", f"{step.node.name} {said}"):
        detail = "Every certificate is trusted."
    elif re.search(r"ostnameVerifier$", step.node.last) and step.node.parts and step.node.parts[-1].kind == "function":
        detail = "The certificate's name is not checked." if _agrees(step.node.parts[-1]) else ""
    if detail:
        yield Sight("verification", step.node.line, detail, detail)


def _trusting_function(unit: Unit, step: Step) -> Iterator[Sight]:
    node = step.node
    if unit.language != "Java":
        return
    detail = ""
    if node.name == "checkServerTrusted" and "TrustManager" in unit.text and _empty(node):
        detail = "Every certificate is trusted: `checkServerTrusted` refuses none."
    elif node.name == "verify" and len(node.parts[0].parts) == 2 and "HostnameVerifier" in unit.text and _agrees(node):
        detail = "The certificate's name is not checked."
    if detail:
        yield Sight("verification", node.line, detail, detail)


def _is(node: Node, flag: str) -> bool:
    return node.kind == "flag" and node.name == flag


def _body(function: Node) -> tuple[Node, ...]:
    return tuple(one for part in function.parts[1:] for one in (part.parts if part.kind == "block" else (part,)))


def _empty(function: Node) -> bool:
    """Whether a function does nothing, or gives nothing back."""
    return all(
        one.kind == "return" and all(value.kind in {"null", "record"} and not value.parts for value in one.parts)
        for one in _body(function)
    )


def _agrees(function: Node) -> bool:
    """Whether a function says yes, whatever it is given."""
    body = _body(function)
    return len(body) == 1 and body[0].kind == "return" and len(body[0].parts) == 1 and _is(body[0].parts[0], "true")
