"""The bench compares like with like: the guarded peers and Ninefold give the same twelve requests the same answers."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from bench.process import Cores, Server, free_port
from bench.work import ORIGIN, PAYLOADS, SECURITY_FIELDS, Work, items, prepare, projected

from bench import envoy, nginx, ours

if TYPE_CHECKING:
    from collections.abc import Iterator

ANYWHERE = Cores(None, None, None)
BURST = 20

pytestmark = pytest.mark.skipif(
    not shutil.which("nginx"), reason="nginx is not installed, and it is the API in front of which all stand"
)


@dataclass(frozen=True)
class Asked:
    """A request, the status that everybody must answer it with, and what the body must be, if anything."""

    status: int
    path: str = "/small"
    key: str = "writer"
    method: str = "GET"
    fields: dict[str, str] = field(default_factory=dict)
    body: Any = None


def _declared(name: str) -> Any:
    return projected(items(PAYLOADS[name]))


def _preflight(origin: str, method: str) -> dict[str, str]:
    return {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "x-api-key"}


_FOREIGN = {"Origin": "https://foreign.example"}

#: The twelve, each with the one status that counts.
TWELVE = {
    "a small payload, from an allowed origin": Asked(200, fields={"Origin": ORIGIN}, body=_declared("small")),
    "a medium payload": Asked(200, "/medium", body=_declared("medium")),
    "a large payload": Asked(200, "/large", body=_declared("large")),
    "no key": Asked(401, key=""),
    "an unknown key": Asked(401, key="stranger"),
    "a malformed key": Asked(401, key="malformed"),
    "a role without the permission": Asked(403, "/admin", "reader"),
    "an unknown path": Asked(404, "/nowhere"),
    "a method that is not declared": Asked(405, method="DELETE"),
    "a foreign origin": Asked(403, fields=_FOREIGN),
    "a preflight": Asked(204, key="", method="OPTIONS", fields=_preflight(ORIGIN, "GET")),
    "one more than the limit": Asked(429, key="spender"),
}
#: More preflights, of which none may pass.
REFUSED_PREFLIGHTS = {
    "from a foreign origin": _preflight("https://foreign.example", "GET"),
    "for a method that is not declared": _preflight(ORIGIN, "DELETE"),
    "for the scheme that is not allowed": _preflight(ORIGIN.replace("https", "http"), "GET"),
}


@dataclass(frozen=True)
class Front:
    """A guarded server, and the keys that it knows."""

    server: Server
    keys: dict[str, str]

    def ask(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        fields = dict(asked.fields)
        if key := self.keys.get(asked.key, ""):
            fields["X-API-Key"] = key
        with contextlib.closing(HTTPConnection("127.0.0.1", self.server.port, timeout=20)) as connection:
            connection.request(asked.method, asked.path, headers=fields)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    made = prepare(tmp_path_factory.mktemp("parity"), free_port(), count=BURST, unit="min", burst=BURST)
    with nginx.upstream(made, ANYWHERE):
        yield made


@pytest.fixture(scope="module", params=["nginx-lua", "envoy-lua", "ninefold"])
def front(request: pytest.FixtureRequest, work: Work) -> Iterator[Front]:
    begin, missing = {
        "nginx-lua": (nginx.guarded, nginx.lua_missing()),
        "envoy-lua": (envoy.guarded, envoy.guarded_missing()),
        "ninefold": (ours.guard, ""),
    }[request.param]
    if missing:
        pytest.skip(missing)
    keys = {
        "writer": work.keys[0],
        "reader": work.keys[1],
        "spender": work.keys[2],
        "stranger": work.stranger,
        "malformed": "x",
    }
    with begin(work, free_port(), ANYWHERE) as server:
        yield Front(server, keys)


def test_there_are_twelve() -> None:
    assert len(TWELVE) == 12


@pytest.mark.parametrize("name", [name for name in TWELVE if name != "one more than the limit"])
def test_everybody_answers_alike(front: Front, name: str) -> None:
    asked = TWELVE[name]
    status, _, body = front.ask(asked)
    assert status == asked.status
    if asked.body is not None:
        assert json.loads(body) == asked.body


def test_everybody_lets_through_the_burst_and_no_more(front: Front) -> None:
    asked = TWELVE["one more than the limit"]
    statuses = [front.ask(asked)[0] for _ in range(BURST + 1)]
    assert statuses == [200] * BURST + [asked.status]


def test_everybody_tells_a_browser_what_it_may_do(front: Front) -> None:
    _, fields, body = front.ask(TWELVE["a preflight"])
    assert fields["access-control-allow-origin"] == ORIGIN
    assert "GET" in fields["access-control-allow-methods"]
    assert "x-api-key" in fields["access-control-allow-headers"].lower()
    assert not body


@pytest.mark.parametrize("name", REFUSED_PREFLIGHTS)
def test_everybody_refuses_a_preflight(front: Front, name: str) -> None:
    status, fields, _ = front.ask(Asked(403, key="", method="OPTIONS", fields=REFUSED_PREFLIGHTS[name]))
    assert status == 403
    assert "access-control-allow-methods" not in fields


def test_everybody_says_the_same_about_origins_and_security(front: Front) -> None:
    _, fields, _ = front.ask(TWELVE["a small payload, from an allowed origin"])
    assert fields["access-control-allow-origin"] == ORIGIN
    for name in ("a medium payload", "no key", "a foreign origin"):
        _, fields, _ = front.ask(TWELVE[name])
        assert "origin" in fields["vary"].lower()
        assert "access-control-allow-origin" not in fields
        assert fields["x-request-id"]
        for security, value in SECURITY_FIELDS:
            assert fields[security.lower()] == value


def test_nobody_tells_what_stands_behind(front: Front) -> None:
    _, fields, _ = front.ask(TWELVE["a medium payload"])
    assert fields.keys().isdisjoint({"x-powered-by", "x-internal-host"})
    assert "/" not in fields.get("server", "")


def test_everybody_writes_what_happened(front: Front, work: Work) -> None:
    status, fields, _ = front.ask(TWELVE["a role without the permission"])
    name = "trail.jsonl" if front.server.name == "ninefold" else f"{front.server.name}.json"
    until = time.monotonic() + 20
    while True:
        lines = (work.folder / name).read_text().splitlines()
        found = [one for one in map(json.loads, lines) if one.get("id") == fields["x-request-id"]]
        if found or time.monotonic() > until:
            break
        time.sleep(0.05)
    # Envoy does not say who it was when api_key_auth turns a known caller away
    caller = None if front.server.name == "envoy-lua" else work.keys[1].split("_")[2]
    assert [(one["status"], one["caller"], one["path"]) for one in found] == [(status, caller, "/admin")]
