"""Reads a recording of HTTP as browsers and proxies export it (HTTP Archive 1.2): requests become operations.

Values of fields, queries, cookies and bodies are looked at and never kept: of a credential its place stays, of a body
its shape. Requests to other hosts than the most frequent, and for files of a page, are left out, and it is said.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from ninefold.audit.inputs.credential import is_key, seen
from ninefold.audit.inputs.shape import shape
from ninefold.audit.inputs.traffic import Came, Seen, described, segments
from ninefold.audit.report.text import count
from ninefold.contract.description import Kind
from ninefold.errors import DescriptionError, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.contract.description import Description

#: Largest file that is read. A browser's recording of an afternoon has some 100 MiB.
MOST_BYTES = 512 * 1024 * 1024

#: Most bodies of one method, path length and status whose shape is taken, and the longest of them.
_BODIES, _BODY = 50, 1024 * 1024

#: What a page loads for itself.
_FILES = re.compile(
    r"^(?:image|font|audio|video)/|^text/(?:css|html|javascript)|javascript|wasm|x-shockwave", re.IGNORECASE
)
#: `;jsessionid=...` of a path (RFC 3986 section 3.3).
_MATRIX = re.compile(r";[^/]*")
_QUERY = 200


class _Pair(msgspec.Struct):
    name: str = ""
    value: Any = None


class _Post(msgspec.Struct):
    mimeType: str | None = None  # noqa: N815  # the format's own names
    text: str | None = None
    params: list[_Pair] | None = None


class _Request(msgspec.Struct):
    method: str
    url: str
    headers: list[_Pair] | None = None
    postData: _Post | None = None  # noqa: N815


class _Content(msgspec.Struct):
    mimeType: str | None = None  # noqa: N815
    text: str | None = None
    encoding: str | None = None


class _Response(msgspec.Struct):
    status: float = 0  # some write 200.0
    content: _Content | None = None


class _Entry(msgspec.Struct):
    request: _Request
    response: _Response | None = None


class _Log(msgspec.Struct):
    entries: list[msgspec.Raw]


class _Archive(msgspec.Struct):
    log: _Log


def read(content: bytes, source: str) -> Description:
    """The description in a recording. Raises `DescriptionError` for what is none, or holds no request to an API."""
    try:
        entries = msgspec.json.decode(content, type=_Archive).log.entries
    except msgspec.ValidationError as fault:
        raise _unread(source, str(fault)) from None
    hosts: Counter[str] = Counter()
    files = 0
    broken: list[str] = []
    asked: list[tuple[int, _Entry, str]] = []
    decoder = msgspec.json.Decoder(_Entry)
    for at, raw in enumerate(entries):
        try:
            entry = decoder.decode(raw)
        except (msgspec.DecodeError, RecursionError) as fault:
            broken.append(f"{fault}, in entry {at}")
            continue
        host = _host(entry.request.url)
        if not host or entry.request.method.upper() == "OPTIONS":
            continue
        if _is_file(entry):
            files += 1
            continue
        hosts[host] += 1
        asked.append((at, entry, host))
    if broken and not asked:
        raise _unread(source, broken[0])
    if not asked:
        raise DescriptionError(
            f"holds no request to an API ({len(entries)} entries, {files} of them files of a page)",
            place=Place(source),
            remedy="record while the API is used, and export with the content",
        )
    chosen = hosts.most_common(1)[0][0]
    kept = _Taken().all((at, entry) for at, entry, host in asked if host == chosen)
    notes = tuple(_notes(hosts, files, broken))
    return described(kept, Kind.HAR, source, urlsplit(chosen).netloc, (chosen,), notes)


def _unread(source: str, what: str) -> DescriptionError:
    return DescriptionError(
        f"is no HAR 1.2 that can be read: {what}", place=Place(source), remedy="export the recording again"
    )


def _notes(hosts: Counter[str], files: int, broken: list[str]) -> Iterator[str]:
    (chosen, number), *others = hosts.most_common()
    yield f"A HAR recording of {count(number, 'request')} to {chosen}: they show examples, which promise nothing."
    if others:
        named = ", ".join(host for host, _ in others[:5]) + (" and more" if len(others) > 5 else "")
        left = sum(many for _, many in others)
        yield f"Left out: {count(left, 'request')} to {count(len(others), 'other host')} ({named})."
    if files:
        yield f"Left out: {count(files, 'request')} for files of a page (scripts, styles, images, documents)."
    if broken:
        entries = "1 entry" if len(broken) == 1 else f"{len(broken):,} entries"
        yield f"Left out: {entries} that cannot be read ({broken[0]})."


def _host(url: str) -> str:
    """Scheme, host and port; empty for what is no http(s) URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (
        f":{port}" if port not in {None, 80 if parts.scheme == "http" else 443} else ""
    )


def _is_file(entry: _Entry) -> bool:
    content = entry.response.content if entry.response else None
    return entry.request.method.upper() == "GET" and bool(content and _FILES.search(content.mimeType or ""))


class _Taken:
    """Entries as they were taken; of bodies that come again and again, the first ones."""

    def __init__(self) -> None:
        self._bodies: Counter[tuple[str, int, int]] = Counter()

    def all(self, entries: Iterator[tuple[int, _Entry]]) -> Iterator[Seen]:
        for at, entry in entries:
            request, parts = entry.request, urlsplit(entry.request.url)
            query = tuple(parse_qsl(parts.query[:8192], keep_blank_values=True)[:_QUERY])
            headers = [(one.name, str(one.value or "")) for one in request.headers or ()]
            path = segments(_MATRIX.sub("", parts.path))
            pointer = f"/log/entries/{at}"
            yield Seen(
                method=request.method.upper(),
                path=path,
                query=tuple((name, value) for name, value in query if not is_key(name, "query")),
                credentials=tuple(dict.fromkeys(seen(headers, [name for name, _ in query]))),
                body=_posted(request.postData) if request.postData else None,
                came=self._came(entry, len(path), f"{pointer}/response"),
                pointer=f"{pointer}/request",
            )

    def _came(self, entry: _Entry, length: int, pointer: str) -> tuple[Came, ...]:
        response = entry.response
        if response is None or not 100 <= response.status <= 599:
            return ()
        content, status = response.content, int(response.status)
        media = _media(content.mimeType if content else None)
        text = content.text if content else None
        media = media or ("application/json" if text and text.lstrip()[:1] in {"{", "["} else "")
        if not content or not text:
            return (Came(str(status), media if text else "", None, pointer),)
        key = (entry.request.method, length, status)
        self._bodies[key] += 1
        taken = _shape(media, text, content.encoding) if self._bodies[key] <= _BODIES * length + _BODIES else None
        return (Came(str(status), media, taken, pointer),)


def _media(told: str | None) -> str:
    return (told or "").split(";")[0].strip().lower()


def _posted(post: _Post) -> tuple[str, dict[str, Any] | None] | None:
    media = _media(post.mimeType)
    if not media:
        return None
    if post.params and "form" in media:
        return media, shape({one.name: str(one.value or "") for one in post.params})
    return media, _shape(media, post.text or "", None)


def _shape(media: str, text: str, encoding: str | None) -> dict[str, Any] | None:
    """None for what is no JSON, cut short, or too long to be worth it."""
    if "json" not in media or len(text) > _BODY:
        return None
    try:
        raw = base64.b64decode(text) if encoding == "base64" else text.encode("utf-8", "replace")
        return shape(msgspec.json.decode(raw))
    except (msgspec.DecodeError, binascii.Error, UnicodeDecodeError, RecursionError):
        return None
