"""Requests in a log: a trail of Ninefold, an access log in the Common or Combined Log Format, or one JSON object a line.

What a log does not tell is told as unknown (`Line.knows`), and nobody guesses it. Values of queries are looked at only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from ninefold.errors import FileError, Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Longest line that is read, in bytes.
MOST_LINE = 1 << 20
#: The Common Log Format of httpd and nginx (`host ident user [time] "request" status bytes`); more may follow.
_COMMON = re.compile(
    r'(?P<address>\S+) \S+ (?P<user>\S+) \[(?P<time>[^\]]{10,40})\] "(?P<method>[A-Z]{1,20}) (?P<target>\S+)(?: HTTP/[0-9.]+)?"'
    r" (?P<status>[0-9]{3}) (?:[0-9]+|-)"
)
#: How JSON logs call things: nginx as its manual's examples have it, Envoy's default names, Caddy's, and plain words.
_NAMES = {
    "time": ("time", "ts", "timestamp", "start_time", "time_iso8601", "time_local", "@timestamp", "msec"),
    "method": ("method", "request_method", "http_method", "verb"),
    "target": ("target", "path", "uri", "request_uri", "url", "request_path"),
    "status": ("status", "response_code", "status_code", "code"),
    "address": (
        "address", "remote_addr", "remote_ip", "client_ip", "downstream_remote_address", "client", "ip", "remote_host",
    ),
    "user": ("caller", "remote_user", "user", "consumer", "sub"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One request. `time` is Unix seconds (0: not told), `target` has its query where `query` is among `knows`.

    `caller` is who a trail says proved to be calling; `outcome` what it says became of it (a log of others: empty).
    """

    time: float
    method: str
    target: str
    status: int
    address: str = ""
    caller: str = ""
    operation: str = ""
    outcome: str = ""
    knows: frozenset[str] = frozenset()

    @property
    def served(self) -> bool:
        """Whether the caller got what he came for."""
        return 200 <= self.status < 400 and self.outcome in {"", "admitted", "observed"}


_TRAIL = frozenset({"caller"})
_ACCESS = frozenset({"query"})


def lines(path: Path) -> Iterator[Line]:
    """Every request in a log, in its order. Lines that are none are left out. Raises `FileError`: no line is one."""
    read = told = 0
    try:
        with path.open("rb") as file:
            for raw in iter(lambda: file.readline(MOST_LINE), b""):
                if not raw.strip():
                    continue
                read += 1
                line = _json(raw) if raw.lstrip()[:1] == b"{" else _common(raw)
                if line is not None:
                    told += 1
                    yield line
    except OSError as fault:
        raise FileError(
            f"cannot be read ({fault.strerror})", place=Place(str(path)), remedy="name a file that is there"
        ) from None
    if read and not told:
        raise FileError(
            "has no line that tells of a request",
            place=Place(str(path)),
            remedy="give a trail, an access log in the Common or Combined Log Format, or JSON lines",
        )


def _common(raw: bytes) -> Line | None:
    found = _COMMON.match(raw.decode("utf-8", "replace"))
    if found is None:
        return None
    time = _time(found["time"])
    return Line(
        time, found["method"], _origin_form(found["target"]), int(found["status"]), found["address"], knows=_ACCESS
    )


def _json(raw: bytes) -> Line | None:
    try:
        record = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    if "outcome" in record and "id" in record:
        return _event(record)
    inner = record.get("request")
    flat = {**inner, **record} if isinstance(inner, dict) else record
    told = {word: next((flat[name] for name in names if name in flat), None) for word, names in _NAMES.items()}
    method, target, status = told["method"], told["target"], told["status"]
    if method is None and isinstance(inner, str):  # nginx's `$request`
        method, _, rest = inner.partition(" ")
        target = rest.rpartition(" ")[0] or rest
    if not isinstance(method, str) or not isinstance(target, str) or not str(status).isdecimal():
        return None
    address = str(told["address"] or "")
    if address.count(":") == 1:  # Envoy's has the port
        address = address.partition(":")[0]
    knows = _ACCESS if "?" in target or "query" not in flat else frozenset[str]()
    return Line(_time(told["time"]), method, _origin_form(target), int(str(status)), address, knows=knows)


def _event(record: dict[str, Any]) -> Line | None:
    """A record of a trail; its path has no query."""
    method, path, status = record.get("method"), record.get("path"), record.get("status", 0)
    if not isinstance(method, str) or not isinstance(path, str) or not isinstance(status, int) or not method:
        return None
    return Line(
        _time(record.get("time")),
        method,
        path,
        status,
        str(record.get("address", "")),
        str(record.get("caller", "")),
        str(record.get("operation", "")),
        str(record["outcome"]),
        _TRAIL,
    )


def _clf(text: str) -> datetime:
    """A time as the Common Log Format has it."""
    return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z")


def _time(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) / 1000 if value > 1e11 else float(value)
    if isinstance(value, str):
        for read in (datetime.fromisoformat, _clf):
            try:
                return read(value).timestamp()
            except ValueError:
                continue
    return 0.0


def _origin_form(target: str) -> str:
    """The path and query of a target in absolute form (RFC 9112 section 3.2.2)."""
    if target.startswith(("http://", "https://")):
        _, _, rest = target.partition("://")
        return "/" + rest.partition("/")[2]
    return target
