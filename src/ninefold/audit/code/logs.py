"""What JavaScript, TypeScript, Go and Java write to their logs (sign 8, CWE-532)."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from ninefold.audit.code.node import inside
from ninefold.audit.code.unit import Sight, receiver
from ninefold.audit.sensitive import tells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.code.node import Node
    from ninefold.audit.code.unit import Step, Unit

_LEVELS = frozenset(
    {
        "log", "trace", "debug", "info", "warn", "warning", "error", "fatal", "verbose", "silly", "http", "notice", "critical",
        "finest", "finer", "fine", "config", "severe", "dir", "write",
        "Trace", "Debug", "Info", "Warn", "Warning", "Error", "Fatal", "Panic", "Print", "Log",
        "Tracef", "Debugf", "Infof", "Warnf", "Warningf", "Errorf", "Fatalf", "Panicf", "Printf", "Println", "Fatalln",
        "Panicln", "Infow", "Debugw", "Warnw", "Errorw", "Fatalw", "Infoln", "Errorln", "Debugln", "InfoContext", "WarnContext",
        "ErrorContext", "DebugContext", "Msg", "Msgf", "Send",
    }
)  # fmt: skip
_LOGGER = re.compile(
    r"(?:^|[._])_?(?:log|logger|logging|logs|winston|pino|bunyan|slog|logrus|zap|sugar|glog|klog)$|(?-i:[a-z]Log(?:ger)?$)",
    re.IGNORECASE,
)
_MAKERS = re.compile(
    r"(?:winston|bunyan)\.createLogger$|^(?:pino|log4js\.getLogger|fs\.createWriteStream)$"
    r"|(?:^|\.)(?:getLogger|createLogger|NewLogger)$|^Logger$|^zap\.New\w+$|^slog\.New$"
)
_PRINTS = re.compile(r"^(?:console|System\.(?:out|err)|process\.std(?:out|err)|fmt)$")

#: Calls that show what they are given, or what they are called on.
_SHOWING = frozenset(
    {
        "stringify", "String", "toString", "inspect", "format", "valueOf", "concat", "trim", "join", "assign", "Sprintf",
        "Sprint", "Sprintln", "string", "Any", "Str", "Bytes", "ByteString", "Stringp", "Interface", "Object", "printf",
        "formatted", "append",
        "writeValueAsString", "toJson", "Stringer", "Group", "fromEntries", "entries", "Errorf", "String.format", "Sprintw",
    }
)  # fmt: skip
#: Calls that look something up by its name.
_LOOKS_UP = frozenset(
    {
        "get", "header", "getHeader", "GetHeader", "Get", "getParameter", "FormValue", "PostFormValue", "PostForm", "Query",
        "param", "Param", "Getenv", "getenv", "getCookie", "Cookie", "cookie", "field", "getFirst", "getProperty",
    }
)  # fmt: skip
#: Chains that give a logger one more value: zerolog, logrus, slog, slf4j.
_ADDS = frozenset(
    {
        "Str",
        "Any",
        "Interface",
        "WithField",
        "WithFields",
        "With",
        "addKeyValue",
        "addArgument",
        "Bytes",
        "child",
        "Object",
    }
)
_WHOLE = re.compile(
    r"(?:^|\.)(?:req|request|event|ctx\.req|ctx\.request|this\.req|c\.Request|c\.req|r)\.(?:headers|rawHeaders|body|rawBody|cookies|Header|Form|PostForm)$"
)
#: Where a `pin` is what one proves himself by, and none on a map.
_LETS_IN = re.compile(r"log_?in|sign_?in|auth|card|account|unlock", re.IGNORECASE)
_HIDES = re.compile(r"mask|redact|hash|digest|obfus|censor|scrub|sanit|length|len$", re.IGNORECASE)
_LABELLED = re.compile(
    r"(?:pass(?:word|wd|phrase)|pwd|secret|(?:access|api|auth)[ _-]?(?:key|token)|token|authorization)"
    r"['\"]?\s*(?:[=:]|is)\s*['\"]?$",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"%[#0 +-]*\d*(?:\.\d+)?[sdvqxofOjTt+]|\{\d*\}")


def writes(unit: Unit, step: Step) -> bool:
    """Whether a call writes to a log."""
    node = step.node
    if node.kind != "call":
        return False
    if node.last in {"println", "print", "printf"} or (
        node.head == "fmt" and node.last in {"Print", "Println", "Printf"}
    ):
        return bool(_PRINTS.match(node.head))
    if node.last not in _LEVELS:
        return False
    if node.owner is None and node.head in {"console", "process.stdout", "process.stderr"}:
        return True
    source = receiver(node)
    for _ in range(12):
        if source is None:
            return False
        if source.kind == "name":
            if node.last == "write":
                return _is_log_file(unit, step, source)
            if _LOGGER.search(source.name):
                return True
            made = unit.value(step, source)
            return made.kind in {"call", "new"} and _MAKERS.search(made.name) is not None
        if source.kind not in {"call", "new"}:
            return False
        if _MAKERS.search(source.name):
            return True
        source = receiver(source)
    return False


def _is_log_file(unit: Unit, step: Step, source: Node) -> bool:
    """A stream to a file that is called a log: by its own name, by the file's, or by the variable that names the file."""
    made = unit.value(step, source)
    if unit.full(made.name) != "fs.createWriteStream":
        return False
    said = " ".join(one.name for part in made.parts[:1] for one in inside(part))
    return (
        _LOGGER.search(source.name) is not None
        or re.search(r"log(?:s|file)?(?:$|[^a-z])", said, re.IGNORECASE) is not None
    )


def secrets_logged(unit: Unit, step: Step) -> Iterator[Sight]:
    """A log line with a secret by its name, its label or its origin, or with all that a caller sent."""
    told: dict[str, None] = {}
    node: Node | None = step.node
    chained = False
    for _ in range(20):
        if node is None or node.kind not in {"call", "new"}:
            break
        if not chained or node.last in _ADDS:
            told |= dict.fromkeys(name for one in node.parts for name in _spoken(unit, step, one))
            told = told or dict.fromkeys(_labelled(unit, step, node.parts))
        if node.last in _ADDS | {"String", "Any"} and len(node.parts) == 2:
            told |= dict.fromkeys(_keyed(unit, step, node))
        node, chained = node.owner, True
    if told:
        detail = f"A log line holds {', '.join(f'`{name}`' for name in sorted(told))}."
        yield Sight("logged", step.node.line, detail, "secret logged")


def _keyed(unit: Unit, step: Step, node: Node) -> Iterator[str]:
    """`zap.String("password", x)`: the key is the label."""
    key = node.parts[0]
    if key.kind == "text" and tells(key.name) and not _hidden(unit, step, node.parts[1]):
        yield key.name


def _spoken(unit: Unit, step: Step, node: Node, followed: int = 0) -> Iterator[str]:
    """Names of secrets whose values an expression shows; calls that hide them do not."""
    kind = node.kind
    if kind == "name":
        yield from _named(unit, step, node, followed)
    elif kind == "index":
        key = node.parts[0] if node.parts else node
        if key.kind == "text" and tells(key.name):
            yield key.name
    elif kind in {"call", "new"}:
        first = node.parts[0] if node.parts else None
        if first is not None and first.kind == "text" and node.last in _LOOKS_UP:
            if tells(first.name):
                yield first.name
        elif not node.parts and (found := re.fullmatch(r"get([A-Z]\w+)", node.last)):
            if tells(found[1]):
                yield node.name
        elif node.last in _SHOWING | {"[]byte"}:
            if node.last in {"String", "Any", "Str"} and len(node.parts) == 2:
                yield from _keyed(unit, step, node)
            if node.last in _FORMATS:
                yield from _labelled(unit, step, node.parts)
            source = receiver(node)
            if source is not None and node.last in _SELF_SHOWING:
                yield from _spoken(unit, step, source, followed)
            for one in node.parts:
                yield from _spoken(unit, step, one, followed)
    elif kind == "field":
        value = node.parts[0] if node.parts else node
        if tells(node.name) and not _hidden(unit, step, value):
            yield node.name
        else:
            yield from _spoken(unit, step, value, followed)
    elif kind in {"record", "list", "join", "choice", "block"}:
        for one in node.parts:
            yield from _spoken(unit, step, one, followed)


_FORMATS = frozenset({"format", "Sprintf", "formatted"})
_SELF_SHOWING = frozenset({"toString", "concat", "trim", "valueOf", "join", "formatted"})


def _named(unit: Unit, step: Step, node: Node, followed: int) -> Iterator[str]:
    if _HIDES.search(node.last):
        return
    if _WHOLE.search(node.name):
        if unit.language == "Go" or not node.name.startswith("r."):
            yield node.name
        return
    value = unit.value(step, node)
    if tells(node.last) or (node.last == "pin" and _LETS_IN.search(step.words)):
        if not _hides(value):
            yield node.name
        return
    if value is not node and followed < 3 and value.kind not in {"record", "function", "list"}:
        if value.kind in {"call", "new"} and value.last not in _LOOKS_UP | _SHOWING:
            return
        yield from _spoken(unit, step, value, followed + 1)


def _hides(node: Node) -> bool:
    """Whether what a secret's name was given is none: a mask, a word, an answer to a question."""
    if node.kind in {"call", "new"}:
        return _HIDES.search(node.name) is not None or node.name == "Boolean"
    return node.kind in {"text", "number", "flag", "null", "test", "function"}


def _labelled(unit: Unit, step: Step, given: tuple[Node, ...]) -> Iterator[str]:
    """Labels that a text gives to values whose own names say nothing: `"password=" + pw`."""
    for at, one in enumerate(given[:3]):
        if one.kind == "join":
            for before, value in pairwise(one.parts):
                if before.kind == "text" and value.kind != "text" and not _hidden(unit, step, value):
                    yield from _label(before.name)
        elif one.kind == "text":
            rest = given[at + 1 :]
            places = list(_PLACEHOLDER.finditer(one.name))
            for place, value in zip(places, rest, strict=False):
                if place[0][-1] not in "dtT" and not _hidden(unit, step, value):
                    yield from _label(one.name[: place.start()])
            if not places and rest and not _hidden(unit, step, rest[0]):
                yield from _label(one.name)


def _label(text: str) -> Iterator[str]:
    if found := _LABELLED.search(text):
        yield found[0].strip()


def _hidden(unit: Unit, step: Step, node: Node) -> bool:
    """A constant, a comparison, a part, or what a function made of it."""
    if node.kind in {"call", "new"}:
        return node.last not in _SHOWING | _LOOKS_UP
    if node.kind == "name":
        value = unit.value(step, node)
        return bool(_HIDES.search(node.last)) or (value is not node and value.kind == "text" and _masked(value.name))
    if node.kind == "choice":
        return all(_hidden(unit, step, one) for one in node.parts)
    return node.kind in {"text", "number", "flag", "null", "test", "function", "regex"}


def _masked(value: str) -> bool:
    return not re.search(r"[A-Za-z0-9]{3}", value) or "redacted" in value.lower()
