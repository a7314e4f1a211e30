"""CORS in JavaScript, TypeScript, Go and Java source: origins that are taken at their word (sign 9)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.audit.code.node import Node, inside
from ninefold.audit.code.unit import Sight, receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.code.unit import Step, Unit

OPEN = "Every origin is allowed, with credentials: any web page may act as the user who opened it."
REFLECTED = "The origin that came is the origin that is allowed, without a look at a list."

_MODULES = frozenset({"cors", "@koa/cors", "koa2-cors", "@fastify/cors", "fastify-cors", "kcors", "hono/cors.cors"})
_ANY = re.compile(r"^\^?(?:https?:/?/?|https?\?://)?\.[*+]\$?$|^\*$|^\^?\$?$")
_ORIGINS = (
    "origin",
    "origins",
    "AllowOrigins",
    "AllowedOrigins",
    "AllowOriginFunc",
    "AllowOriginRequestFunc",
    "originPatterns",
)
_LOOKS = frozenset(
    {
        "includes", "has", "indexOf", "test", "match", "startsWith", "endsWith", "contains", "find", "some", "matches",
        "equals", "equalsIgnoreCase", "Contains", "HasSuffix", "HasPrefix", "MatchString", "EqualFold", "anyMatch", "Compare",
        "get",
    }
)  # fmt: skip


def open_origins(unit: Unit) -> Iterator[Sight]:
    """Settings and headers that let every origin in."""
    for step in unit.steps:
        node = step.node
        detail = ""
        if node.kind == "record":
            detail = _too_open(unit, step, node)
        elif node.kind == "mark":
            detail = _annotated(node)
        elif node.kind == "call":
            detail = _called(unit, step) or _sent(unit, step)
        if (
            node.kind in {"assign", "field"}
            and node.parts
            and _is_header(node.name if node.kind == "field" else node.name.rpartition(".")[2])
        ):
            detail = REFLECTED if _reflects(unit, step, node.parts[0]) else ""
        if detail:
            yield Sight("cors", node.line, detail, detail)


def _too_open(unit: Unit, step: Step, node: Node) -> str:
    """`{origin: true, credentials: true}`, and Go's `cors.Config{AllowAllOrigins: true, AllowCredentials: true}`."""
    allowed = next(
        (value for one in ("credentials", "AllowCredentials", "allowCredentials") if (value := node.field(one))), None
    )
    if allowed is None or not _is_true(unit.value(step, allowed)):
        return ""
    everything = node.field("AllowAllOrigins")
    if everything is not None and _is_true(everything):
        return OPEN
    origins = next((value for one in _ORIGINS if (value := node.field(one))), None)
    return OPEN if origins is not None and _anyone(unit, step, origins) else ""


def _anyone(unit: Unit, step: Step, node: Node) -> bool:
    value = unit.value(step, node)
    if value.kind == "function":
        return _lets_all_in(value)
    if value.kind == "list":
        return any(_anyone(unit, step, one) for one in value.parts)
    if value.kind == "regex":
        return bool(_ANY.match(value.name.strip("/igmu").replace("\\/", "/")))
    if value.kind == "call" and value.last in {"of", "asList", "singletonList", "RegExp"}:
        return any(_anyone(unit, step, one) for one in value.parts)
    return _is_true(value) or (value.kind == "text" and value.name in {"*", ".*"})


def _lets_all_in(function: Node) -> bool:
    """`(origin, done) => done(null, true)`, `func(string) bool { return true }`, with no question asked."""
    body = [one for part in function.parts[1:] for one in inside(part)]
    if any(one.kind in {"if", "test", "choice"} or (one.kind == "call" and one.last in _LOOKS) for one in body):
        return False
    given = [one.name for one in function.parts[0].parts]
    answers = [one for one in body if one.kind == "call" and one.name in given[1:] and len(one.parts) == 2]
    if answers:
        return all(
            _is_true(one.parts[1]) or (one.parts[1].kind == "name" and one.parts[1].name == given[0]) for one in answers
        )
    returned = [one for one in body if one.kind == "return" and one.parts]
    return len(returned) == 1 and (
        _is_true(returned[0].parts[0])
        or (returned[0].parts[0].kind == "name" and returned[0].parts[0].name in given[:1])
    )


def _called(unit: Unit, step: Step) -> str:
    """`cors({credentials: true})`, whose default is every origin, and Spring's builders."""
    node = step.node
    if unit.full(node.name) in _MODULES and node.parts:
        settings = unit.value(step, node.parts[0])
        if (
            settings.kind == "record"
            and settings.field("origin") is None
            and not any(one.kind != "field" for one in settings.parts)
        ):
            allowed = settings.field("credentials")
            return OPEN if allowed is not None and _is_true(allowed) else ""
    if re.search(r"llow(?:ed)?OriginPatterns?$", node.last) and any(_anyone(unit, step, one) for one in node.parts):
        return OPEN if _beside(unit, step) else ""
    return ""


def _beside(unit: Unit, step: Step) -> bool:
    """Whether credentials are allowed in the same function."""
    return any(
        one.node.kind == "call"
        and re.search(r"llowCredentials$", one.node.last)
        and one.node.parts
        and _is_true(one.node.parts[0])
        for one in unit.steps
        if one.function is step.function
    )


def _annotated(node: Node) -> str:
    """`@CrossOrigin(originPatterns = "*", allowCredentials = "true")`."""
    if node.name != "CrossOrigin":
        return ""
    told = {one.name: one.parts[0] for one in node.parts if one.kind == "field" and one.parts}
    credentials = told.get("allowCredentials")
    origins = [one for name in ("origins", "originPatterns", "value") if name in told for one in inside(told[name])]
    anyone = any(one.kind == "text" and one.name == "*" for one in origins)
    return OPEN if credentials is not None and credentials.name == "true" and anyone else ""


def _sent(unit: Unit, step: Step) -> str:
    """`res.setHeader("Access-Control-Allow-Origin", req.headers.origin)`, by whatever name it is set."""
    for name, value in zip(step.node.parts, step.node.parts[1:], strict=False):
        if name.kind == "text" and _is_header(name.name) and _reflects(unit, step, value):
            return REFLECTED
    return ""


def _is_header(name: str) -> bool:
    return name.lower() == "access-control-allow-origin"


def _reflects(unit: Unit, step: Step, node: Node) -> bool:
    """Whether it is the caller's own `Origin`, and the function does not compare it with anything."""
    if not any(_is_origin(unit.value(step, one)) for one in _choices(node)):
        return False
    return step.function is None or not _compared(step.function)


def _is_origin(node: Node) -> bool:
    if node.kind == "name":
        return bool(re.search(r"(?:^|\.)headers\.origin$", node.name))
    if node.kind == "index":
        key, owner = node.parts[0], node.owner
        return (
            key.kind == "text" and key.name.lower() == "origin" and owner is not None and "header" in owner.name.lower()
        )
    if node.kind == "call" and node.parts and node.parts[0].kind == "text":
        return node.parts[0].name.lower() == "origin" and node.last.lower() in {"get", "header", "getheader"}
    return False


def _compared(function: Node) -> bool:
    """Whether an origin is compared, or looked for in a list. How well, is for a live rule to say."""
    known = {
        one.name for one in inside(function) if one.kind == "assign" and any(map(_is_origin, _choices(one.parts[0])))
    }
    for one in inside(function):
        if one.kind == "test" and one.name in {"===", "==", "!==", "!="}:
            if any(_names_origin(part, known) for part in one.parts) and not any(
                _is_nothing(part) for part in one.parts
            ):
                return True
        elif one.kind == "index":
            if one.parts and one.parts[0].kind != "text" and _names_origin(one.parts[0], known):
                return True
        elif one.kind == "call" and not any(part.kind == "text" for part in one.parts):
            source = receiver(one)
            asked = one.parts if source is None else (*one.parts, source)
            asks = one.last in _LOOKS or re.search(r"origin|cors|allow", one.name, re.IGNORECASE)
            if asks and any(_names_origin(part, known) for part in asked):
                return True
    return False


def _choices(node: Node) -> tuple[Node, ...]:
    return node.parts if node.kind == "choice" else (node,)


def _names_origin(node: Node, known: set[str]) -> bool:
    return any(
        one.name in known or ("origin" in one.name.lower() and not _is_header(one.name))
        for one in inside(node)
        if one.kind in {"name", "text"}
    )


def _is_nothing(node: Node) -> bool:
    return node.kind == "null" or (node.kind == "text" and node.name == "")


def _is_true(node: Node) -> bool:
    return node.kind == "flag" and node.name == "true"
