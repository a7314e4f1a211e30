"""Reads a source tree once for all rules, bounded, and tells what they see in it and what was left."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import tree_sitter
import tree_sitter_go
import tree_sitter_java
import tree_sitter_javascript
import tree_sitter_typescript

from ninefold.audit.code import go, java, javascript
from ninefold.audit.code.ciphers import dangers
from ninefold.audit.code.flags import debug_flags
from ninefold.audit.code.handlers import routes, unguarded
from ninefold.audit.code.logs import secrets_logged, writes
from ninefold.audit.code.lookup import lookups
from ninefold.audit.code.lower import Lowering
from ninefold.audit.code.origins import open_origins
from ninefold.audit.code.quiet import logs, serves, silent
from ninefold.audit.code.unit import unit
from ninefold.audit.finding import Confidence, Location
from ninefold.audit.rule import Left, Observation
from ninefold.audit.source import FILES, SIZE, paths, read_text, unread_languages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ninefold.audit.code.unit import Sight, Unit

#: What is read, by the end of a name: the language, and the grammar that knows it.
LANGUAGES = {
    ".js": ("JavaScript", "javascript"), ".mjs": ("JavaScript", "javascript"), ".cjs": ("JavaScript", "javascript"),
    ".jsx": ("JavaScript", "javascript"), ".ts": ("TypeScript", "typescript"), ".mts": ("TypeScript", "typescript"),
    ".cts": ("TypeScript", "typescript"), ".tsx": ("TypeScript", "tsx"), ".go": ("Go", "go"), ".java": ("Java", "java"),
}  # fmt: skip

_GRAMMARS: dict[str, Callable[[], object]] = {
    "javascript": tree_sitter_javascript.language,
    "typescript": tree_sitter_typescript.language_typescript,
    "tsx": tree_sitter_typescript.language_tsx,
    "go": tree_sitter_go.language,
    "java": tree_sitter_java.language,
}
_HANDLERS = {"go": (go.HANDLERS, go.SKIPPED), "java": (java.HANDLERS, java.SKIPPED)}
_JAVASCRIPT = (javascript.HANDLERS, javascript.SKIPPED)

#: A file without any of these words has nothing that a rule asks about.
_WORDS = re.compile(
    rb"catch|console|log|hash|crypt|cipher|hmac|md5|sha\d|jwt|secret|passw|token|key|reject|certificate|insecure|tls|verif|trust"
    rb"|identity|cors|origin|print|errorhandler|express|fastify|koa|http|recover|err != nil|debug|controller|servlet|auth"
    rb"|nestjs|hapi|restify|polka|hono|gin-gonic|echo|fiber|chi|mux|spring|javalin|micronaut|ws\.rs|spark|winston|pino|bunyan|zap|slf4j"
    rb"|lombok|sentry|telemetry|morgan|signale|consola|datadog|dd-trace|newrelic|session",
    re.IGNORECASE,
)

#: A line this long, or so long on average, was written by a machine.
_LINE, _MEAN, _LITTLE = 20_000, 400, 4_000
_BUNDLE = re.compile(r"(?:[.-](?:min|bundle)|\.d)\.[cm]?[jt]s$")

_LARGE = "larger than 1 MiB, or no text"
_MINIFIED, _BROKEN = "minified", "does not parse in part"

#: Reasons that leave the audit whole: what a machine wrote has its source elsewhere, and a syntax error hides little.
_MILD = frozenset({_MINIFIED, _BROKEN, _LARGE})

#: Bytes that the parser is given at once, and how often it may report the same place: some 100 steps each, and 600 were seen.
CHUNK, STAY = 64 * 1024, 10_000

#: Most sights of one kind that are kept from one file.
_MOST = 200


@dataclass(slots=True)
class Sights:
    """What a tree shows: each sight with its file's name; `at` counts what each kind was tried on; `left` what was not read.

    `serving` are the files of web applications by language, `logging` the languages of which some file logs.
    """

    seen: list[tuple[str, Sight]] = field(default_factory=list)
    at: dict[str, int] = field(default_factory=dict)
    left: tuple[Left, ...] = ()
    serving: dict[str, list[str]] = field(default_factory=dict)
    logging: set[str] = field(default_factory=set)

    def of(self, kind: str) -> Iterator[Observation]:
        """The sights of one kind."""
        for name, sight in self.seen:
            if sight.kind == kind:
                sure = None if sight.sure else Confidence.SUSPECTED
                place = Location(file=name, line=sight.line)
                yield Observation(place, sight.detail, cause=sight.cause, confidence=sure)

    def count(self, kind: str, more: int) -> None:
        """So many more things that rules of this kind were tried on."""
        self.at[kind] = self.at.get(kind, 0) + more


def sights(root: Path) -> Sights:
    """Everything that the rules see below `root`, test files aside."""
    found = Sights()
    left: dict[str, list[str]] = {}
    for number, path in enumerate(paths(root, *LANGUAGES)):
        if path.suffix not in LANGUAGES:
            continue
        if number == FILES:
            left[f"only the first {FILES} files are read"] = ["more files"]
            break
        file = read_text(root, path, SIZE)
        name = path.name if path == root else path.relative_to(root).as_posix()
        if file is None:
            left.setdefault(_LARGE, []).append(name)
        elif file.is_test or name.endswith((".d.ts", ".d.mts", ".d.cts")):
            continue
        elif _BUNDLE.search(name) or (path.suffix not in {".go", ".java"} and _minified(file.text)):
            left.setdefault(_MINIFIED, []).append(name)
        elif why := _read(found, name, path.suffix, file.text):
            left.setdefault(why, []).append(name)
    unread = tuple(Left(f"{one} is not read yet", missed=True) for one in unread_languages(root))
    found.left = (*unread, *(Left(_said(why, names), missed=why not in _MILD) for why, names in left.items()))
    return found


def _said(why: str, names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"not read: {', '.join(names[:3])}{more} ({why})"


def _minified(text: str) -> bool:
    if len(text) < _LITTLE:
        return False
    body = text.partition("\n//# sourceMappingURL=data:")[0]  # a map inside the file is as long as it likes
    return len(body) > _MEAN * (body.count("\n") + 1) or any(len(one) > _LINE for one in body.split("\n"))


def _read(found: Sights, name: str, suffix: str, text: str) -> str:
    """Tries every rule on one file; says what was not read of it, or nothing."""
    language, grammar = LANGUAGES[suffix]
    found.count("file", 1)
    raw = text.encode()
    if not _WORDS.search(raw):
        return ""
    try:
        tree = _parse(grammar, raw)
        lowering = Lowering(*_HANDLERS.get(grammar, _JAVASCRIPT))
        one = unit(language, text, lowering.one(tree.root_node, 0))
    except RecursionError:
        return "nested too deeply"
    except ValueError:  # what tree-sitter raises when it is told to stop
        _parser(grammar).reset()
        return "its grammar does not get past it"
    _look(found, name, one)
    if lowering.deep:
        return "nested too deeply in part"
    return _BROKEN if tree.root_node.has_error else ""


def _look(found: Sights, name: str, one: Unit) -> None:
    kept: dict[str, int] = {}
    for sight in _sights(found, one):
        kept[sight.kind] = kept.get(sight.kind, 0) + 1
        if kept[sight.kind] <= _MOST:
            found.seen.append((name, sight))
    language = "JavaScript" if one.language == "TypeScript" else one.language
    if serves(one):
        found.serving.setdefault(language, []).append(name)
    if logs(one):
        found.logging.add(language)


def _sights(found: Sights, one: Unit) -> Iterator[Sight]:
    yield from dangers(one)
    yield from open_origins(one)
    yield from debug_flags(one)
    served = routes(one)
    found.count("route", len(served))
    yield from unguarded(one, served)
    for step in one.steps:
        if step.node.kind == "call" and writes(one, step):
            found.count("logged", 1)
            yield from secrets_logged(one, step)
        if step.node.kind == "catch" or (step.node.kind == "if" and one.language == "Go"):
            found.count("silent", 1)
        yield from silent(one, step)
        yield from lookups(one, step)


def _parse(grammar: str, raw: bytes) -> tree_sitter.Tree:
    """The tree of a file. Raises ValueError where the parser stays in one place: some grammars do so on what is no code."""
    furthest, stayed = -1, 0

    def stop(offset: int, _: bool) -> bool:  # noqa: FBT001  (as tree-sitter calls it)
        nonlocal furthest, stayed
        stayed = 0 if offset > furthest else stayed + 1
        furthest = max(furthest, offset)
        return stayed > STAY

    _parser(grammar).parse(lambda offset, _: raw[offset : offset + CHUNK], progress_callback=stop)
    return _parser(grammar).parse(raw)  # only in this form are its texts at hand, and parsing is the least of the work


@cache
def _parser(grammar: str) -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(_GRAMMARS[grammar]()))
