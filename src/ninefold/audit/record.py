"""What an API's own log says of one request: found by its id, its mark, or its path and outcome, in whatever form.

Plain access logs, `key=value` lines and JSON lines are read alike. Logs come late (they are buffered, batched, shipped), so
a record is waited for, for a bounded time; and a log that was rotated meanwhile is read from its beginning.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ninefold.audit.rule import Untried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ninefold.audit.answer import Answer

#: How long a record may take to its log, how often that is looked at, in seconds, and how much of the end is read.
PATIENCE, PAUSE, TAIL = 3.0, 0.05, 4 * 1024 * 1024

#: How long it may take, in seconds, while nothing at all has come to the log: lines are shipped in batches, every five say.
SHIPPED = 8.0

#: How long, in seconds, a batch may take from its first line to its last.
SETTLES = 0.5

#: How deep in a body its request's id is looked for: `data.meta.request_id`.
ID_DEPTH = 3

_ID_FIELD = re.compile(
    r"(?:request|correlation|trace|transaction|transfer|invocation|operation)[-_]?id$|^traceparent$|^x-amzn-trace-id$"
    r"|^cf-ray$|^x-vercel-id$|^x-cloud-trace-context$|^x-rid$|^x-req(?:uest)?$|^x-trace$",
    re.IGNORECASE,
)
#: Members of a body that are the id of its request and of nothing else (a `transactionId` may be what is served).
_BODY_ID = re.compile(r"_?(?:x[-_])?(?:request|req|trace|correlation)[-_]?id", re.IGNORECASE)
#: Fields that differ from answer to answer for reasons of their own.
_VARYING = re.compile(
    r"^(?:date|age|etag|expires|last-modified|set-cookie|server-timing|content-\w+|keep-alive|connection|vary|link|location"
    r"|retry-after|authentication-info|www-authenticate|nel|report-to|x-(?:runtime|response-time|process-time|timer))$"
    r"|ratelimit|rate-limit|nonce|csrf|security-policy",
    re.IGNORECASE,
)
#: An id within a value that has more: of a trace (W3C Trace Context, section 3.2.2), or of any make that is as long.
_TRACE = re.compile(r"(?<![0-9a-f])[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?![0-9a-f])")
_LONG = re.compile(r"[0-9a-f]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_UNIQUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:=;/+.-]{7,127}")
_NUMBER = re.compile(r"[\d.,:]+(?:ms|s|us)?")
_REFUSED = re.compile(
    r"refus|denied|deny|forbidden|unauthori[sz]|unauthenticated|not.?found|no.?such|invalid|fail|reject|unknown|wrong|expired",
    re.IGNORECASE,
)
_VERDICT = re.compile(r"ok|success|succeeded|allowed|authenticated|authori[sz]ed|granted", re.IGNORECASE)
#: A verdict that is no, or a word of refusal that has not "nothing" as its value.
_SAID_NO = re.compile(
    rf"(?<!\w)(?:{_VERDICT.pattern})[\"']?\s*[=:]\s*[\"']?(?:false|no|0)\b"
    rf"|(?:{_REFUSED.pattern})(?!\w*[\"']?\s*[=:]\s*(?:[\"']?(?:null|none|false|no|0|-)(?!\w)|[\"']{{2}}|$))",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"
    r"|(?<![\w:])(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)?::[0-9a-f:.]*)(?![\w:])",
    re.IGNORECASE,
)
_WHO = re.compile(
    r"caller|user|client|actor|principal|account|subject|\bsub\b|address|remote|peer|source|\bhost\b|\buid\b"
    r"|(?<![a-z])ip(?:(?![a-z])|_?hash|_?addr)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """How long the log was at a moment."""

    log: Path
    size: int

    def lines(self) -> list[str]:
        """What was written since. Raises `Untried` when the log cannot be read."""
        try:
            with self.log.open("rb") as file:
                end = file.seek(0, 2)
                file.seek(max(self.size if self.size <= end else 0, end - TAIL))
                return file.read().decode("utf-8", "replace").splitlines()
        except OSError as fault:
            raise Untried(f"the log cannot be read ({fault.strerror})") from None

    def wait_within(self, wanted: Callable[[str], bool], seconds: float) -> list[str]:
        """The lines that are wanted, as soon as there are some; none, if none come within these seconds."""
        end = time.monotonic() + seconds
        while True:
            last = time.monotonic() >= end
            found = [line for line in self.lines() if wanted(line)]
            if found or last:
                return found
            time.sleep(PAUSE)

    def wait(self, wanted: Callable[[str], bool]) -> list[str]:
        """The lines that are wanted, as soon as there are some; none, if none come in time.

        A log to which nothing at all comes meanwhile is waited for longer: it may be written in batches.
        """
        began, first = time.monotonic(), self.lines()
        lines, end = first, began + max(PATIENCE, SHIPPED)
        grown = False
        while True:
            now = time.monotonic()
            if lines != first and not grown:
                grown, end = True, max(began + PATIENCE, now + SETTLES)
            found = [line for line in lines if wanted(line)]
            if found or now > end:
                return found
            time.sleep(PAUSE)
            lines = self.lines()


def mark(log: Path) -> Mark:
    """Here the log ends now. Raises `Untried` when it cannot be read."""
    try:
        return Mark(log, log.stat().st_size)
    except OSError as fault:
        raise Untried(f"the log cannot be read ({fault.strerror})") from None


def ids(answer: Answer) -> dict[str, str]:
    """Ids of the request that the answer carries, by field (or member of an error, as problem+json has them)."""
    found = {name: value for name, value in answer.headers if _ID_FIELD.search(name)}
    if trace := _TRACE.search(answer.header("server-timing") or ""):
        found["traceparent"] = trace[1]
    document = answer.json()
    if isinstance(document, dict) and not answer.ok:
        found |= {name: value for name, value in document.items() if isinstance(value, str) and _ID_FIELD.search(name)}
        found |= dict(_told_ids(document))
    return found


def _told_ids(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """What by its name is the request's id, in an answer's body at the top and two levels down."""
    for name, inner in value.items() if isinstance(value, dict) and depth < ID_DEPTH else ():
        where = f"{path}.{name}" if path else str(name)
        if isinstance(inner, str) and 6 <= len(inner) <= 128 and _BODY_ID.fullmatch(str(name)):
            yield where, inner
        yield from _told_ids(inner, where, depth + 1)


def changing(one: Answer, other: Answer) -> dict[str, str]:
    """Ids of `one` by whatever name: values that look like ids, and that another answer has another one of.

    In the body of what is served too: an id that differs is the request's, one that stays is the thing's.
    """
    first, second = ({**dict(each.headers), **ids(each), **dict(_told_ids(each.json()))} for each in (one, other))
    return {
        name: value
        for name, value in first.items()
        if second.get(name) not in {None, value}
        and not _VARYING.search(name)
        and (_ID_FIELD.search(name) or (_UNIQUE.fullmatch(value) and not _NUMBER.fullmatch(value)))
    }


def spoken(value: str) -> tuple[str, ...]:
    """An id as a line may have it: whole, or what of a longer value (`Root=1-5759e988-bd86...`, a trace's parent) is one."""
    return tuple(dict.fromkeys((value, *_TRACE.findall(value), *_LONG.findall(value))))


def about(answer: Answer, *marks: str) -> Callable[[str], bool]:
    """Whether a line is about the request of `answer`: it has a mark, an id, or its path together with its status."""
    known = [*marks, *(one for value in ids(answer).values() if len(value) >= 6 for one in spoken(value))]
    path = re.compile(rf"(?<![\w/-]){re.escape(answer.asked.path)}(?![\w/-])")

    def wanted(line: str) -> bool:
        return any(one in line for one in known) or (path.search(line) is not None and has_status(line, answer.status))

    return wanted


def has_status(line: str, status: int) -> bool:
    """Whether the number stands there on its own: in a column, or as a value."""
    return re.search(rf"(?<![\w.:/-]){status}(?![\w.:/-])|[=:]\s*\"?{status}\"?(?=[,}}\s]|$)", line) is not None


def tells_outcome(line: str, status: int) -> bool:
    """Whether a line says how the request ended: by its status, or for a refusal in words."""
    said = " ".join(_values(line)) if _values(line) else line
    return has_status(said, status) or has_status(line, status) or (status >= 400 and _REFUSED.search(said) is not None)


def tells_refusal(line: str) -> bool:
    """Whether a line says of an answer under 200 that it refused: by a member for it that holds something, or in words."""
    document = _document(line)
    if document is None:
        return _SAID_NO.search(line) is not None
    return any(
        (value is False and _VERDICT.fullmatch(name) is not None)
        or (value not in (None, False, "", 0) and _REFUSED.search(name) is not None)
        or (isinstance(value, str) and _REFUSED.search(value) is not None)
        for name, value in _members(document)
    )


def tells_who(line: str) -> bool:
    """Whether a line has an address, or a member or word by which callers are named, with something behind it."""
    document = _document(line)
    if document is None:
        return (
            _ADDRESS.search(line) is not None
            or re.search(rf"(?:{_WHO.pattern})\w*[=:]\s*[^\s,]", line, re.IGNORECASE) is not None
        )
    return any(value not in (None, "", "-") and _WHO.search(name) for name, value in _members(document)) or any(
        isinstance(value, str) and _ADDRESS.search(value) for _, value in _members(document)
    )


def _values(line: str) -> list[str]:
    document = _document(line)
    return [] if document is None else [str(value) for _, value in _members(document)]


def _document(line: str) -> dict[str, Any] | None:
    """The object that a line is, or that it ends in (`2026-11-23 INFO {...}`)."""
    start = line.find("{")
    if start < 0:
        return None
    try:
        document = json.loads(line[start:])
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _members(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and depth < 6:
        for key, inner in value.items():
            yield from _members(inner, str(key), depth + 1)
    elif isinstance(value, list) and depth < 6:
        for inner in value:
            yield from _members(inner, name, depth + 1)
    else:
        yield name, value
