"""Both hosts of the guard on random contracts: nothing undeclared gets in, nothing undeclared gets out, both decide alike."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from tests.world import Declared, Question, Sample, World
from tests.worlds import SECRET, questions, samples, worlds

from ninefold.asgi import Guard
from ninefold.keys.record import Bound
from ninefold.trail.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What is another with every host or answer.
INCIDENTAL = {"date", "x-request-id", "ratelimit", "connection", "server", "content-length", "transfer-encoding"}
#: What the trail says of a decision, but for when and how long.
TOLD = (
    "outcome",
    "method",
    "path",
    "operation",
    "caller",
    "address",
    "status",
    "step",
    "reason",
    "withheld",
    "withheld_bytes",
)


@dataclass
class Api:
    """An ASGI application that says what it was told to say, and keeps what it was asked."""

    status: int = 200
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    asked: list[tuple[str, bytes, dict[bytes, bytes], bytes]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        path = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        self.asked.append((scope["method"], path, dict(scope["headers"]), body))
        await send({"type": "http.response.start", "status": self.status, "headers": self.fields})
        await send({"type": "http.response.body", "body": self.body})


class Switch:
    """An ASGI application that is another one in every run."""

    app: Any = None
    loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        self.loop = asyncio.get_running_loop()
        await self.app(scope, receive, send)

    def close(self) -> None:
        if self.loop is None:
            asyncio.run(self.app.close())
        else:
            asyncio.run_coroutine_threadsafe(self.app.close(), self.loop).result(20)
        self.loop = None


@dataclass
class Stage:
    """The servers that stay while worlds come and go."""

    api: Api
    upstream: int
    switch: Switch
    port: int
    start: Any
    issue: Any
    parsed: Any
    folder: Path
    runs: int = 0


class Run:
    """One world behind both hosts, each with a trail of its own."""

    def __init__(self, stage: Stage, world: World) -> None:
        self.stage = stage
        self.world = world
        stage.runs += 1
        paths = []
        for host in ("asgi", "gateway"):
            folder = stage.folder / f"{stage.runs}-{host}"
            folder.mkdir()
            keys = {**world.contract["keys"], "store": str(stage.folder / f"{stage.runs}-keys.db")}
            whole = {**world.contract, "keys": keys, "upstream": f"http://127.0.0.1:{stage.upstream}"}
            (folder / "openapi.yaml").write_text(yaml.safe_dump(world.description))
            (folder / "contract.yaml").write_text(yaml.safe_dump(whole))
            paths.append(folder / "contract.yaml")
        self.keys = {"none": "", "wrong": "nf_test_x_y"}
        for name, one in world.callers.items():
            bound = Bound(addresses=one.addresses)
            self.keys[name] = stage.issue(paths[0], one.role, lifetime=one.lifetime, scopes=one.scopes, bound=bound)
        self.trails = [path.parent / "trail.jsonl" for path in paths]
        stage.switch.app = Guard(stage.api, paths[0])
        self.gate = stage.start(paths[1])

    def ask(self, asked: Question) -> list[tuple[int, dict[str, str], bytes, list[Any]]]:
        """For each host: status, fields and body of the answer, and what reached the API."""
        key, path = self.keys[asked.caller], asked.path
        if key and asked.in_query:
            path += f"{'&' if '?' in path else '?'}{self.world.key_parameter or 'key'}={key}"
        lines = [f"{asked.method} {path} HTTP/1.1", "Host: api.example.com", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in asked.fields]
        if key and not asked.in_query:
            lines.append(f"{self.world.key_field}: {key}")
        if asked.body:
            lines.append(f"Content-Length: {len(asked.body)}")
        whole = "\r\n".join(lines).encode() + b"\r\n\r\n" + asked.body
        found = []
        for port in (self.stage.port, self.gate.port):
            self.stage.api.asked = []
            with socket.create_connection(("127.0.0.1", port), 10) as connection:
                connection.sendall(whole)
                raw = b""
                while block := connection.recv(65536):
                    raw += block
            found.append((*self.stage.parsed(raw), self.stage.api.asked))
        return found

    def end(self) -> list[list[dict[str, Any]]]:
        """Close both, and give what their trails tell."""
        self.stage.switch.close()
        self.gate.stop()
        told = []
        for trail in self.trails:
            assert verify(trail).holds
            records = map(json.loads, trail.read_bytes().splitlines())
            told.append([{name: one.get(name) for name in TOLD} for one in records if "method" in one])
        return told


class Hosts(RuleBasedStateMachine):
    """Each run is another API with another contract; each step a request, and an answer if it gets that far."""

    stage: Stage
    run: Run | None = None

    @initialize(world=worlds())
    def open(self, world: World) -> None:
        note(yaml.safe_dump(world.contract))
        self.run = Run(self.stage, world)
        self.admitted: dict[tuple[str, str], int] = {}
        self.asked = 0
        self.unheard: list[int] = []

    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        assert self.run is not None
        world, api = self.run.world, self.stage.api
        asked = data.draw(questions(world), "asked")
        operation = world.meant(asked.method, asked.path)
        api.status = data.draw(st.sampled_from([200, 200, 200, 200, 201, 302, 404, 422, 500]), "status")
        declared = world.lets_out(operation, api.status) if operation is not None else None
        media, sample = data.draw(_said(declared), "said")
        api.body = b"" if asked.method == "HEAD" else sample.said
        fields = {
            "Content-Type": media,
            "X-Total": "7",
            "X-Debug": SECRET,
            "Server": SECRET,
            "Access-Control-Allow-Origin": "*",
        }
        api.fields = [(name.lower().encode(), value.encode()) for name, value in fields.items() if value]
        asgi, gateway = self.run.ask(asked)

        status, got, body, reached = asgi
        self.asked += 1
        if body == b"Invalid HTTP request received.":  # uvicorn's own words: the guard behind it was not asked
            assert (gateway[0], reached, gateway[3]) == (400, [], [])
            self.unheard.append(self.asked)
            return
        assert (status, body, _telling(got)) == (gateway[0], gateway[2], _telling(gateway[1]))
        assert len(reached) == len(gateway[3]) <= 1
        sure = world.lets_in(asked)
        if sure is not None:
            assert bool(reached) == sure, f"{status} {body!r}"
        for *_, those in (asgi, gateway):
            for method, path, sent, received in those:
                assert (method, path.decode()) == (asked.method, world.target(asked))
                assert world.passes_on(asked, received), received
                assert not any(key and key.encode() in path for key in self.run.keys.values())
                assert world.key_field.lower().encode() not in sent
        if not reached:
            assert status >= 400 or asked.method == "OPTIONS"
            return
        assert operation is not None
        self._once_more(asked, operation.id)
        opened = operation.id in world.contract["responses"]["open"]
        assert SECRET not in str(got)
        assert got.get("access-control-allow-origin", "") in {"", asked.of("Origin")}
        assert got["x-content-type-options"] == "nosniff"
        if opened and status < 500:
            assert body == api.body
            return
        assert SECRET.encode() not in body, "what was not declared got out"
        if declared is None or api.status >= 500:
            assert status in {502, api.status}
            assert "x-total" not in got
        elif not declared.media or not media:
            assert (status, body) == (api.status, b"")
        elif declared.media != media:
            assert status == (api.status if api.status >= 400 else 502)
        elif asked.method != "HEAD" and not sample.conforms:
            assert status == 502
        else:
            assert status == api.status
            assert ("x-total" in got) == ("X-Total" in declared.headers)
            if asked.method != "HEAD" and "json" in media:
                assert json.loads(body) == sample.kept

    def teardown(self) -> None:
        if self.run is not None:
            asgi, gateway = self.run.end()
            assert asgi == [one for place, one in enumerate(gateway, 1) if place not in self.unheard]

    def _once_more(self, asked: Question, operation: str) -> None:
        """Where few requests are allowed, no caller makes more of them."""
        assert self.run is not None
        caller = (
            ""
            if self.run.world.opened(next(o for o in self.run.world.operations if o.id == operation))
            else asked.caller
        )
        times = self.admitted[caller, operation] = self.admitted.get((caller, operation), 0) + 1
        assert not self.run.world.narrow or times <= self.run.world.narrow


@st.composite
def _said(draw: st.DrawFn, declared: Declared | None) -> tuple[str, Sample]:
    """What the API says: mostly what was declared, with something planted in it."""
    undeclared = st.sampled_from([
        ("application/vnd.other+json", Sample(b'{"%b":1}' % SECRET.encode(), None, conforms=False)),
        ("text/html", Sample(SECRET.encode(), None, conforms=False)),
        ("", Sample(b"", None, conforms=False)), ("", Sample(SECRET.encode(), None, conforms=False)),
    ])  # fmt: skip
    if declared is None or not declared.media or draw(st.integers(0, 7)) == 0:
        return draw(undeclared)
    if "json" not in declared.media:
        return declared.media, Sample(b"plain words", None)
    return declared.media, Sample(b"{}", {}) if declared.schema is None else draw(samples(declared.schema))


def _telling(fields: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name not in INCIDENTAL}


@pytest.fixture
def stage(serving: Any, gate: Any, issue: Any, parsed: Any, tmp_path: Path) -> Iterator[Stage]:
    api, switch = Api(), Switch()
    with serving(api) as upstream, serving(switch) as port:
        yield Stage(api, upstream, switch, port, gate, issue, parsed, tmp_path)


@pytest.mark.fuzz
def test_nothing_undeclared_passes_either_host_and_both_decide_alike(stage: Stage) -> None:
    Hosts.stage = stage
    run_state_machine_as_test(
        Hosts,
        settings=settings(
            max_examples=int(os.environ.get("NINEFOLD_EXAMPLES", "25")),
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
            report_multiple_bugs=False,
        ),
    )
