"""A probe that sends nothing: its answers are made up from the description, by an API that is played in one of several ways."""

from __future__ import annotations

import json
import re
import ssl
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ninefold.audit.answer import Answer, Ask
from ninefold.audit.dial import Dial
from ninefold.audit.hello import GROUPS, NO_SUITE, Reply
from ninefold.audit.probe import Probe
from ninefold.audit.rule import Untried
from ninefold.audit.sample import made
from ninefold.audit.tls import Handshake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ninefold.audit.probe import Limits, Origin
    from ninefold.audit.target import Target
    from ninefold.contract.description import Description, Operation, Schema

    Behaviour = Callable[["Asked"], tuple[int, dict[str, str]]]  # status and fields

#: After how many equal requests in a row the API that is played as throttling throttles.
STOPS = 20

#: What is drawn anew for each run is shown as a star.
_DRAWN = re.compile(r"(ninefold-)[0-9a-f]{8,}")
_PARAMETER = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Asked:
    """`known`: it is described. `admitted`: it carries a credential of the audit's. `row`: how often it came in a row."""

    ask: Ask
    known: bool
    admitted: bool
    row: int


@dataclass(frozen=True, slots=True)
class Kind:
    """What requests are counted by: the rule that asks, the method (or `TLS`), and the path as the description writes it."""

    rule: str
    method: str
    path: str


class Rehearsal(Probe):
    """Counts what it is asked to send, by `rule`, which whoever runs the rules sets. `base` goes before described paths.

    `log` is a file that the played API writes its requests to, for rules that look there.
    """

    def __init__(
        self, target: Target, origin: Origin, *, limits: Limits, behave: Behaviour, log: Path | None = None
    ) -> None:
        super().__init__(
            origin,
            agent="",
            context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            limits=limits,
            active=target.active,
            dial=Dial(origin.host, origin.port, leave=True, look_up=_nowhere),
            clock=lambda: 0.0,
            sleep=lambda _: None,
        )
        self.counts: Counter[Kind] = Counter()
        self.rule = ""
        self.base = origin.base
        self._target = target
        self._behave = behave
        self._log = log
        self._last: tuple[Ask | None, int] = (None, 0)
        self._paths = _Paths(target.description)

    def handshake(self, oldest: ssl.TLSVersion, newest: ssl.TLSVersion) -> Handshake:
        del oldest
        self._count("TLS", "handshake")
        return Handshake(newest.name if self.origin.scheme == "https" else "", "", b"", "rehearsed")

    def offer(self, suites: tuple[int, ...], *, version: int = 0x0303, groups: tuple[int, ...] = GROUPS) -> Reply:
        del version, groups
        self._count("TLS", "ClientHello")
        return Reply(suite=suites[0]) if suites != NO_SUITE else Reply(alert=40)

    def distrusted(self) -> str:
        if self.origin.scheme == "https":
            self._count("TLS", "handshake")
        return ""

    def source(self) -> str:
        return "127.0.0.1"

    def addresses(self) -> tuple[str, ...]:
        return ("127.0.0.1",)

    def _count(self, method: str, path: str) -> None:
        self._turn()
        self.counts[Kind(self.rule, method, path)] += 1

    def _exchange(self, ask: Ask, scheme: str, source: str | None, most: int) -> Answer:
        del source, most
        operation = self._paths.find(ask.method, ask.path.removeprefix(self.base))
        template = operation.path if operation else self._paths.template(ask.path.removeprefix(self.base))
        shown = self.base + template if template else _DRAWN.sub(r"\1*", ask.path)
        self.counts[
            Kind(self.rule, ask.method, shown if scheme == self.origin.scheme else f"{shown} (plain HTTP)")
        ] += 1
        self._last = (ask, self._last[1] + 1 if self._last[0] == ask else 1)
        known = operation is not None or (self._target.description is None and ask.path == f"{self.base}/")
        status, fields = self._behave(Asked(ask, known, self._admits(ask), self._last[1]))
        if self._log:
            said = " ".join((ask.method, ask.target, str(status), *(value for _, value in ask.headers)))
            with self._log.open("a", encoding="utf-8") as log:
                log.write(f"127.0.0.1 {said}\n")
        body = b'{"error": "rehearsed"}' if status >= 300 else self._body(operation)
        headers = (("content-type", "application/json"), *fields.items())
        return Answer(ask, status, headers, body, plain=scheme == "http", secrets=self.secrets)

    def _admits(self, ask: Ask) -> bool:
        """Whether putting a credential on it would change nothing."""
        return any(key.on(ask) == ask or set(key.on(ask).headers) == set(ask.headers) for key in self._target.keys)

    def _body(self, operation: Operation | None) -> bytes:
        api = self._target.description
        if operation is None or api is None:
            return b"{}"
        schemas = (
            schema
            for status, response in operation.responses.items()
            if status.startswith("2")
            for schema in response.media.values()
        )
        schema: Schema | None = next((one for one in schemas if one is not None), None)
        value: Any = {} if schema is None else made(api, schema)
        return json.dumps(value, default=str).encode()


def _nowhere(host: str, port: int) -> tuple[str, ...]:
    """What would connect, by a way that is not played here, ends before it looks the host up."""
    raise Untried(f"a rehearsal does not connect to {host}:{port}")


class _Paths:
    """The operations of a description, by method and path."""

    def __init__(self, description: Description | None) -> None:
        self._plain: dict[tuple[str, str], Operation] = {}
        self._shaped: list[tuple[re.Pattern[str], Operation]] = []
        for one in description.operations if description else ():
            if "{" not in one.path:
                self._plain[one.method, one.path] = one
                continue
            parts = (re.escape(part) for part in _PARAMETER.split(one.path))
            self._shaped.append((re.compile("[^/]+".join(parts)), one))

    def find(self, method: str, path: str) -> Operation | None:
        if found := self._plain.get((method, path)):
            return found
        return next((one for shape, one in self._shaped if one.method == method and shape.fullmatch(path)), None)

    def template(self, path: str) -> str:
        """The described path that this is one of, by whatever method; empty: none."""
        if any(path == known for _, known in self._plain):
            return path
        return next((one.path for shape, one in self._shaped if shape.fullmatch(path)), "")


def serves(asked: Asked) -> tuple[int, dict[str, str]]:
    """Whatever is described, to everybody."""
    return (200 if asked.known else 404), {}


def guards(asked: Asked) -> tuple[int, dict[str, str]]:
    """Whatever is described, to callers with a credential."""
    return serves(asked) if asked.admitted else (401, {"www-authenticate": "Bearer"})


def grants(asked: Asked) -> tuple[int, dict[str, str]]:
    """As `serves`, to every origin and with methods that nobody described."""
    origin = next((value for name, value in asked.ask.headers if name == "Origin"), "")
    allowed = {"access-control-allow-origin": origin, "access-control-allow-credentials": "true"} if origin else {}
    return serves(asked)[0], {"allow": "GET, POST, PUT, DELETE", "server": "rehearsed/1.0", **allowed}


def throttles(asked: Asked) -> tuple[int, dict[str, str]]:
    """As `serves`, until the same is asked too often in a row."""
    return (429, {"retry-after": "1"}) if asked.row > STOPS else serves(asked)


BEHAVIOURS: tuple[Behaviour, ...] = (serves, guards, grants, throttles)
