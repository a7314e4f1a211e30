"""A request as the audit asks it, and its answer as it came; evidence is cut from here, without secrets."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from ninefold.audit.again import Shell, curl
from ninefold.audit.finding import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Most characters of a body that go into a report.
EXCERPT = 1200

#: Methods that are defined not to change anything (RFC 9110 section 9.2.1).
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "SEARCH"})

#: The fewest bytes of a secret whose codings are looked for; those of a shorter one stand in too much by chance.
_CODED = 8
_URL_SAFE = str.maketrans("+/", "-_")

_CUT = "[cut]"
_SECRET_FIELDS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-auth-token"})
_SECRET_MEMBER = re.compile(
    r'("(?:[a-z0-9_-]*(?:token|secret|passw(?:or)?d|passwd|api_?key|private_?key|credential)[a-z0-9_-]*)"\s*:\s*)'
    r'("(?:[^"\\]|\\.)*"?|-?\d[\d.eE+-]*)',
    re.IGNORECASE,
)
_COOKIE_VALUE = re.compile(r"^([^=;]+=)([^;]*)")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. `path` is absolute and percent-encoded, without a query; field names keep their case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def target(self) -> str:
        """The request target in origin form (RFC 9112 section 3.2.1)."""
        return f"{self.path}?{urlencode(self.query, quote_via=quote)}" if self.query else self.path

    def header(self, name: str, value: str) -> Ask:
        """The same request with this field, in place of any of that name."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))

    def ask(self, name: str, value: str) -> Ask:
        """The same request with this query parameter, in place of any of that name."""
        return replace(self, query=(*(pair for pair in self.query if pair[0] != name), (name, value)))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Field names are lower case, the body at most 256 KiB (`truncated`: there was more)."""

    asked: Ask
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    truncated: bool = False
    took: float = 0.0
    plain: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    shell: Shell = field(default=Shell(), repr=False, compare=False)

    def header(self, name: str) -> str | None:
        """The field's value; several lines of it are joined (RFC 9110 section 5.3). None: it is not there."""
        found = self.values(name)
        return ", ".join(found) if found else None

    def values(self, name: str) -> tuple[str, ...]:
        """Every line of the field, as `Set-Cookie` needs it."""
        return tuple(value for key, value in self.headers if key == name.lower())

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def media(self) -> str:
        """The media type without parameters, lower case; empty when the answer has none."""
        return (self.header("content-type") or "").split(";")[0].strip().lower()

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON, or None when it is none (or cut short)."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def exchange(self, role: str) -> Exchange:
        """This as evidence, secrets cut. `role` is `baseline`, `attack`, `control` or `repeat`."""
        version = "HTTP/1.1"
        query = tuple((name, _CUT if value in self.secrets else value) for name, value in self.asked.query)
        asked = [f"{self.asked.method} {replace(self.asked, query=query).target} {version}"]
        asked += [
            f"{name}: {_CUT if value in self.secrets else _field(name, value)}" for name, value in self.asked.headers
        ]
        if self.asked.body:
            asked += ["", _excerpt(self.asked.body.decode("utf-8", "replace"))]
        came = [f"{version} {self.status}"]
        came += [f"{name}: {_field(name, value)}" for name, value in self.headers]
        if self.body:
            came += ["", _excerpt(self.text)]
        return Exchange(
            role,
            redact("\n".join(asked), self.secrets),
            redact("\n".join(came), self.secrets),
            redact(curl(self.asked, self.shell.knowing(self.secrets)), self.secrets),
        )


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` without the secrets, whether they stand there as they are, percent-encoded, in hex or in base64."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= 4:
            for form in _forms(secret):
                text = text.replace(form, _CUT)
    return text


@lru_cache(maxsize=256)
def _forms(secret: str) -> tuple[str, ...]:
    """How a secret may stand in a text. Within something else in base64 (`user:key`), its inner digits are the same at each
    of three offsets.
    """
    raw = secret.encode("utf-8", "surrogateescape")
    forms = [secret, quote(secret, safe="")]
    if len(raw) >= _CODED:
        forms += [raw.hex(), raw.hex().upper()]
        for offset in range(3):
            digits = b64encode(bytes(offset) + raw).decode()[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]
            forms += [digits, digits.translate(_URL_SAFE)]
    return tuple(dict.fromkeys(forms))


def _field(name: str, value: str) -> str:
    if name.lower() == "set-cookie":
        return _COOKIE_VALUE.sub(rf"\1{_CUT}", value)
    return _CUT if name.lower() in _SECRET_FIELDS else value


def _excerpt(text: str) -> str:
    cut = _SECRET_MEMBER.sub(rf'\1"{_CUT}"', text[: 2 * EXCERPT])
    return cut if len(cut) <= EXCERPT else f"{cut[:EXCERPT]} ..."
