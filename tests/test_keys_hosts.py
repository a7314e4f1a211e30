"""What keys are bound to, where they stand, and what guessing costs: the gateway and the middleware decide alike."""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.test_hosts import Api, Switch

from ninefold.asgi import Guard
from ninefold.contract.load import load_contract
from ninefold.keys.binding import binding
from ninefold.keys.keeper import Keeper
from ninefold.keys.token import mint
from ninefold.keys.use import last_uses
from ninefold.trail.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TOLD = ("outcome", "method", "path", "operation", "caller", "address", "status", "step", "reason")


@dataclass
class Both:
    """The two hosts before one API, with the same keys."""

    api: Api
    ports: dict[str, int]
    trails: dict[str, Path]
    store: Path
    stop: Callable[[], None]

    def key(self, **fields: Any) -> str:
        keeper = Keeper(self.store)
        try:
            return keeper.issue(
                role="writer", scopes=(), name="", env="test", lifetime=3600.0, now=time.time(), randomness=os.urandom,
                **fields,
            ).text  # fmt: skip
        finally:
            keeper.close()

    def ask(self, path: str, key: str = "", **fields: str) -> list[tuple[int, str, list[bytes]]]:
        """For each host: status, `Retry-After`, and the targets that reached the API."""
        found = []
        for port in self.ports.values():
            self.api.asked = []
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            named = {name.replace("_", "-"): value for name, value in fields.items()}
            connection.request("GET", path, headers={**named, **({"X-API-Key": key} if key else {})})
            answer = connection.getresponse()
            answer.read()
            connection.close()
            found.append(
                (answer.status, answer.headers.get("retry-after", ""), [target for _, target, *_ in self.api.asked])
            )
        return found

    def told(self) -> list[list[dict[str, Any]]]:
        self.stop()
        found = []
        for trail in self.trails.values():
            assert verify(trail).holds
            records = map(json.loads, trail.read_bytes().splitlines())
            found.append([{name: one.get(name) for name in TOLD} for one in records if "method" in one])
        return found


@pytest.fixture
def both(serving: Any, gate: Any, contract: Any, tmp_path: Path) -> Iterator[Callable[..., Both]]:
    import contextlib

    with contextlib.ExitStack() as stack:

        def start(**sections: Any) -> Both:
            api = Api(fields=[(b"content-type", b"application/json")], body=b"{}")
            upstream = stack.enter_context(serving(api))
            path = contract(upstream=f"http://127.0.0.1:{upstream}", **sections)
            other = path.with_name("asgi.yaml")
            other.write_text(path.read_text().replace("trail.jsonl", "asgi.jsonl"))
            switch = Switch()
            switch.app = Guard(api, other)
            port = stack.enter_context(serving(switch))
            stack.callback(switch.close)
            running = gate(path)
            loaded = load_contract(path)
            trails = {"gateway": tmp_path / "trail.jsonl", "asgi": tmp_path / "asgi.jsonl"}
            store = loaded.resolve(loaded.contract.keys.store)

            def stop() -> None:
                running.stop()
                stack.close()

            return Both(api, {"gateway": running.port, "asgi": port}, trails, store, stop)

        yield start


def _alike(found: list[Any]) -> Any:
    assert found[0] == found[1]
    return found[0]


def test_bound_keys_are_good_for_what_they_are_bound_to(both: Any) -> None:
    hosts = both()
    here = hosts.key(bound=binding(["127.0.0.0/8"], [], [], []))
    elsewhere = hosts.key(bound=binding(["10.0.0.0/8"], [], [], []))
    page = hosts.key(bound=binding([], ["https://app.example.com"], [], []))
    device = hosts.key(bound=binding([], [], ["t13d1516h2_8daaf6152771_b186095e22b6"], []))
    certificate = hosts.key(bound=binding([], [], [], ["ab" * 32]))
    assert _alike(hosts.ask("/things/1", here))[0] == 200
    assert _alike(hosts.ask("/things/1", elsewhere))[0] == 401
    assert _alike(hosts.ask("/things/1", page))[0] == 401
    assert _alike(hosts.ask("/things/1", page, Origin="https://app.example.com"))[0] == 200
    assert _alike(hosts.ask("/things/1", device))[0] == 401
    assert _alike(hosts.ask("/things/1", certificate))[0] == 401
    gateway, asgi = hosts.told()
    assert gateway == asgi
    assert [one["reason"] for one in gateway if one["reason"]] == [
        "the key is bound to other addresses",
        "the key is bound to other origins",
        "the key is bound to another device",
        "the key is bound to another client certificate",
    ]


UNREAD = {"open": {"getThing": "the rest of the query is not looked at here"}}


def test_a_key_in_the_query_is_refused_and_nothing_of_it_is_kept(both: Any) -> None:
    hosts = both(requests=UNREAD)
    known, stranger = hosts.key(), mint("test", os.urandom).text
    for text in (known, stranger):
        assert _alike(hosts.ask(f"/things/1?api_key={text}")) == (400, "", [])
        assert _alike(hosts.ask(f"/things/1?x={text.replace('_', '%5f')}", known)) == (400, "", [])
    assert _alike(hosts.ask("/things/1?q=nf_live_", known)) == (200, "", [b"/things/1?q=nf_live_"])
    gateway, asgi = hosts.told()
    assert gateway == asgi
    assert gateway[0]["reason"] == f"leaked: the key {known.split('_')[2]} was sent in the query"
    for trail in hosts.trails.values():
        assert known.split("_")[3].encode() not in trail.read_bytes()


def test_a_key_in_the_query_by_the_contract_reaches_neither_the_api_nor_the_trail(both: Any) -> None:
    query = {"name": "api_key", "why": "a calendar program that sends no fields"}
    hosts = both(keys={"query": query}, requests=UNREAD)
    key, other = hosts.key(), hosts.key()
    assert _alike(hosts.ask(f"/things/1?a=1&api_key={key}&b=2")) == (200, "", [b"/things/1?a=1&b=2"])
    assert _alike(hosts.ask(f"/things/1?api_key={key}")) == (200, "", [b"/things/1"])
    assert _alike(hosts.ask(f"/open?api_key={key}")) == (200, "", [b"/open"])
    assert _alike(hosts.ask(f"/things/1?api_key={key}", other)) == (401, "", [])
    assert _alike(hosts.ask(f"/things/1?api_key={key[:-1]}x"))[0] == 401
    assert _alike(hosts.ask(f"/things/1?key={key}", other))[0] == 400
    gateway, asgi = hosts.told()
    assert gateway == asgi
    assert [one["caller"] for one in gateway[:2]] == [key.split("_")[2]] * 2
    for trail in hosts.trails.values():
        assert key.split("_")[3].encode() not in trail.read_bytes()


def test_callers_who_share_a_connection_and_its_fields_are_told_apart_by_their_query(both: Any) -> None:
    hosts = both(keys={"query": {"name": "k", "why": "a calendar program that sends no fields"}})
    keys = [hosts.key(), hosts.key()]
    for port in hosts.ports.values():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        statuses = []
        for path in (
            f"/things/1?k={keys[0]}",
            f"/things/1?k={keys[1]}",
            "/things/1",
            f"/things/1?k={keys[0]}",
            "/things/1",
        ):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.close()
        assert statuses == [200, 200, 401, 200, 401]
    first, second = (key.split("_")[2] for key in keys)
    for told in hosts.told():
        assert [one["caller"] for one in told] == [first, second, None, first, None]


def test_guessing_is_slowed_down_and_right_keys_are_not(both: Any) -> None:
    penalty = {"after": "3 denials", "start": "60s", "factor": 2, "most": "1h"}
    hosts = both(limits={"rates": [{"per": "ip", "rate": "100000/s", "burst": 100000}], "penalty": penalty})
    key = hosts.key()
    wrong = mint("test", os.urandom).text
    assert [_alike(hosts.ask("/things/1", wrong))[0] for _ in range(6)] == [401] * 4 + [429] * 2
    status, retry, reached = _alike(hosts.ask("/things/1", f"guess{'x' * 20}"))
    assert (status, reached) == (429, [])
    assert 55 <= int(retry) <= 60
    assert _alike(hosts.ask("/things/1", key))[0] == 200
    assert _alike(hosts.ask("/open"))[0] == 200
    gateway, asgi = hosts.told()
    assert gateway == asgi
    assert gateway[3]["reason"] == f"the key is unknown or revoked (key {wrong.split('_')[2]}); its address waits 60 s"


def test_a_leaked_key_is_refused_at_the_next_request_and_uses_are_known(both: Any) -> None:
    hosts = both()
    key = hosts.key()
    assert _alike(hosts.ask("/things/1", key))[0] == 200
    keeper = Keeper(hosts.store)
    keeper.leaked([keeper._store.execute("SELECT digest FROM key").fetchone()[0]], now=time.time())
    keeper.close()
    assert _alike(hosts.ask("/things/1", key))[0] == 401
    hosts.told()
    assert list(last_uses(hosts.store)) == [key.split("_")[2]]


def test_the_middleware_lets_known_callers_go_on_too(serving: Any, contract: Any, issue: Any) -> None:
    path = contract(keys={"stale": "3s"})
    key = issue(path)
    switch = Switch()
    switch.app = Guard(Api(fields=[(b"content-type", b"application/json")], body=b"{}"), path, say=lambda _: None)

    def ask(text: str) -> int:
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(
                f"GET /things/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: {text}\r\n\r\n".encode()
            )
            raw = b""
            while block := connection.recv(65536):
                raw += block
        return int(raw.split(b" ")[1])

    with serving(switch) as port:
        assert ask(key) == 200
        for file in path.parent.glob("ninefold-keys.db*"):
            file.rename(file.with_name(f"away-{file.name}"))
        time.sleep(0.5)
        assert ask(key) == 200
        assert ask("never-issued-" + "7" * 20) == 503
        time.sleep(3.0)
        assert ask(key) == 503
        switch.close()
