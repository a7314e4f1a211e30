"""Faults that JavaScript, TypeScript, Go and Java keep quiet about, and applications that log nothing (sign 8)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.audit.code.logs import writes
from ninefold.audit.code.node import Node, inside
from ninefold.audit.code.unit import Sight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.code.unit import Step, Unit

_LETS_IN = re.compile(r"verify|auth|login|jwt|token|passw|decrypt|permission|session|charge|pay", re.IGNORECASE)
_BROAD = frozenset({"", "Exception", "Throwable", "RuntimeException", "Error", "any", "unknown"})
_SECURITY = re.compile(
    r"Jwt|JWT|Jws|Security|Authentic|Authoriz|Signature|AccessDenied|Credential|BadPadding|InvalidKey|SSL|Certificate"
)
#: What is tried so that it may fail: input that may be none, and what is put away.
_EXPECTED = re.compile(
    r"(?:^|\.)(?:parse|URL|RegExp|require|import|decodeURI(?:Component)?|close|destroy|unlink(?:Sync)?|rm(?:Sync)?|abort|terminate|kill|disconnect|release"
    r"|parseInt|parseLong|valueOf|accessSync|access|statSync|stat|existsSync|mkdirSync|sleep|cancel|removeItem|getItem|setItem|focus)$"
)


def silent(unit: Unit, step: Step) -> Iterator[Sight]:
    """A handler of every fault that does nothing about it, or only gives a constant back."""
    node = step.node
    detail = "Every fault ends here without a word: nobody will know that something failed, or who tried what."
    if node.kind == "try":
        for one in node.parts:
            if one.kind == "catch" and _catches_all(one) and (quiet := _quiet(one.parts)) and not _expected(node):
                if quiet == "answer" and unit.language != "Java" and not _guards(step, node):
                    continue  # asking by trying is how JavaScript asks
                said = any(part.kind == "comment" for part in one.parts)
                yield Sight("silent", one.line, detail, "silent", quiet == "nothing" and not said)
    elif node.kind == "call" and node.last == "catch" and len(node.parts) == 1 and node.parts[0].kind == "function":
        if _quiet(node.parts[0].parts[1:]) == "nothing" and unit.language in {"JavaScript", "TypeScript"}:
            yield Sight("silent", node.line, detail, "silent", sure=False)
    elif unit.language == "Go":
        yield from _silent_go(step, detail)


def _silent_go(step: Step, detail: str) -> Iterator[Sight]:
    """An error of a check of credentials that is dropped, an `if err != nil {}`, a panic that is taken and forgotten."""
    node = step.node
    if node.kind == "if":
        condition, consequence = node.parts[0], node.parts[1]
        asked = [one.name for one in inside(condition) if one.kind == "name"]
        if condition.name == "!=" and "err" in asked and consequence.kind == "block" and not consequence.parts:
            yield Sight("silent", node.line, detail, "silent")
    elif node.kind == "assign" and node.name == "_" and node.parts and node.parts[0].kind == "call":
        called = node.parts[0]
        if re.search(
            r"bcrypt\.Compare|^(?:rsa|ecdsa)\.Verify|\.Verify(?:Signature|Hostname|IDToken)?$|jwt\.Parse", called.name
        ):
            yield Sight("silent", node.line, f"What `{called.name}` says is thrown away.", "silent check")
        elif called.name == "recover":
            yield Sight("silent", node.line, detail, "silent", sure=False)


def _catches_all(node: Node) -> bool:
    types = {one.strip().rpartition(".")[2] for one in node.name.split("|")}
    return bool(types & _BROAD) or any(_SECURITY.search(one) for one in types)


def _guards(step: Step, node: Node) -> bool:
    """Whether what is tried lets somebody in, or answers a request."""
    given = {one.name for one in step.function.parts[0].parts} if step.function is not None else set()
    calls = [
        one.last for part in node.parts if part.kind != "catch" for one in inside(part) if one.kind in {"call", "new"}
    ]
    return bool({"req", "res", "ctx", "reply", "request", "response"} & given) or any(map(_LETS_IN.search, calls))


def _quiet(parts: tuple[Node, ...]) -> str:
    """`nothing`, or `answer` where a constant is given back or the next one is taken; empty: it does something."""
    body = [one for part in parts for one in (part.parts if part.kind == "block" else (part,))]
    body = [one for one in body if one.kind != "comment" and not (one.kind == "block" and not one.parts)]
    if not body:
        return "nothing"
    if all(one.kind == "continue" for one in body) or (len(body) == 1 and _is_constant(body[0])):
        return "answer"
    return ""


def _is_constant(node: Node) -> bool:
    """`return null`, `return false`, `return []`."""
    return node.kind == "return" and all(
        one.kind in {"text", "number", "flag", "null"} or (one.kind in {"record", "list", "block"} and not one.parts)
        for one in node.parts
    )


def _expected(node: Node) -> bool:
    """Whether all that is tried may fail on purpose."""
    calls = [one for part in node.parts if part.kind != "catch" for one in inside(part) if one.kind in {"call", "new"}]
    return all(_EXPECTED.search(one.name) for one in calls)


_WEB = re.compile(
    r"^(?:express|fastify|koa|restify|polka|hono|@nestjs/core|@hapi/hapi|@feathersjs/\w+|@koa/router|graphql-http\S*|apollo-server\S*|@apollo/server\S*)$"
    r"|^github\.com/(?:gin-gonic/gin|labstack/echo|gofiber/fiber|go-chi/chi|gorilla/mux|julienschmidt/httprouter)"
    r"|^(?:org\.springframework\.(?:web|boot)|jakarta\.(?:servlet|ws\.rs)|javax\.(?:servlet|ws\.rs)|io\.javalin|io\.micronaut\.http|spark\.Spark)\b"
)
_LOGS = re.compile(
    r"^(?:winston|pino|bunyan|morgan|log4js|loglevel|signale|consola|tslog|debug|roarr|npmlog|koa-logger|koa-pino-logger|pino-http|express-winston"
    r"|@sentry/\S+|@opentelemetry/\S+|dd-trace|newrelic|applicationinsights|nestjs-pino|nest-winston)$"
    r"|^(?:log|log/slog|log/syslog)$|^(?:go\.uber\.org/zap|github\.com/(?:rs/zerolog|sirupsen/logrus|go-kit/\w+|golang/glog|apex/log))|^k8s\.io/klog"
    r"|^(?:org\.slf4j|java\.util\.logging|org\.apache\.(?:logging|log4j|commons\.logging)|lombok\.extern|org\.jboss\.logging|io\.sentry)\b"
    r"|^java\.lang\.System\.Logger|^@nestjs/common\.Logger$"
)


def serves(unit: Unit) -> bool:
    """Whether a file belongs to a web application."""
    if any(_WEB.match(_module(one)) for one in unit.imports.values()):
        return True
    return "net/http" in unit.imports.values() and any(
        re.search(r"^http\.(?:ListenAndServe\w*|HandleFunc|Handle|NewServeMux)$", one.node.name) for one in unit.steps
    )


def logs(unit: Unit) -> bool:
    """Whether a file has something that logs, or says that its framework does."""
    if any(_LOGS.match(one) for one in unit.imports.values()):
        return True
    return any(
        writes(unit, step)
        or unit.full(step.node.name) in {"github.com/gin-gonic/gin.Default", "gin.Logger"}
        or (
            step.node.kind == "field"
            and step.node.name == "logger"
            and not (step.node.parts and step.node.parts[0].name == "false")
        )
        or step.node.last in {"LoggerWithConfig", "Logger", "appendFile", "appendFileSync"}
        for step in unit.steps
    )


def _module(full: str) -> str:
    """`express` of `express.Router`, `@nestjs/core` of `@nestjs/core.NestFactory`."""
    head, slash, rest = full.rpartition("/")
    return (
        full
        if full.startswith(("github.com", "org.", "jakarta.", "javax.", "io."))
        else head + slash + rest.partition(".")[0]
    )
