"""Keys of cryptography that stand in JavaScript, TypeScript, Go and Java source (sign 3, CWE-321)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.audit.code.node import Node, names, snaked
from ninefold.audit.code.unit import Sight
from ninefold.audit.pycrypto import KEY, is_key, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.code.unit import Step, Unit

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


def hard_coded(unit: Unit, step: Step) -> Iterator[Sight]:
    """A literal where a key is taken, or that its name calls a key."""
    if step.node.kind in {"call", "new"}:
        yield from _key(unit, step)
    elif step.node.kind in {"assign", "field"}:
        yield from _named_key(unit, step)
    elif step.node.kind == "return":
        yield from _key_given(unit, step)


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
    if not KEY.match(snaked(name)) or not node.parts:
        return
    told = unit.literal(step, node.parts[0])
    if told is not None and is_key(told[0]) and is_secret(told[0]):
        if told[1]:
            detail = f"`{name}` is a literal in the source."
            yield Sight("key", node.line, detail, detail)
        else:
            yield _told(name, node.line, sure=False)
