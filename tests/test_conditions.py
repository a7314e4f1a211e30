"""Conditions on both hosts: bodies that a decision waits for, and answers that are held against them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.conftest import read_message
from tests.guard.orders import ORDERS, ROLES
from tests.test_hosts import INCIDENTAL, Api, Switch

from ninefold.asgi import Guard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RULES = [
    {"operations": ["getOrder"], "when": "resource.owner == caller.id"},
    {"operations": ["getOrder"], "allow": ["writer"]},
    {"operations": ["listOrders"], "allow": ["reader"], "when": "resource.owner == caller.id"},
    {"operations": ["makeOrder"], "when": "body.owner == caller.id"},
    {"operations": ["ordersOf"], "when": "path.owner == caller.id"},
    {"operations": ["export"], "when": "headers['x-team'] == 'blue' && has(headers['x-team'])"},
    {"operations": ["open"], "public": "it is what the window shows"},
    {"operations": ["*"], "deny": "the boss is away", "when": "operation.id == 'ordersOf' && time.hour > 24"},
]


@dataclass
class Hosts:
    """The same contract on both, in front of the same API."""

    api: Api
    ports: tuple[int, int]
    gate: Any
    folder: Path
    keys: dict[str, str]
    ids: dict[str, str]

    def ask(self, path: str, key: str = "reader", *fields: str, method: str = "GET", body: bytes = b"") -> list[Any]:
        """For each host: status, body, what else it tells, and whether the API was asked."""
        found = []
        for port in self.ports:
            self.api.asked = []
            gate = type(self.gate)(port, self.gate.path, [])
            status, got, text = gate.get(path, self.keys[key], *fields, method=method, body=body)
            told = {name: value for name, value in got.items() if name not in INCIDENTAL}
            found.append((status, text, told, len(self.api.asked)))
        return found

    def one(self, *args: Any, **asked: Any) -> Any:
        """What both say, which has to be the same."""
        asgi, gateway = self.ask(*args, **asked)
        assert asgi == gateway
        return asgi

    def says(self, value: Any, status: int = 200, *fields: tuple[bytes, bytes]) -> None:
        self.api.status = status
        self.api.body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.api.fields = [(b"content-type", b"application/json"), *fields]


@pytest.fixture
def hosts(serving: Any, gate: Any, issue: Any, tmp_path: Path) -> Iterator[Hosts]:
    api = Api()
    with serving(api) as upstream:
        paths = []
        for host in ("asgi", "gateway"):
            folder = tmp_path / host
            folder.mkdir()
            whole = {
                "api": {"name": "orders", "description": "openapi.yaml"},
                "upstream": f"http://127.0.0.1:{upstream}",
                "encryption": {"plain": "the tests speak plain HTTP on loopback"},
                "keys": {"store": str(tmp_path / "keys.db")},
                "authorization": {"roles": ROLES, "rules": RULES},
                "limits": {
                    "body": "4KiB",
                    "rates": [{"per": "ip", "rate": "100000/s", "burst": 100000}],
                    "timeouts": {"body": "1s"},
                },
                "trail": {"path": "trail.jsonl", "batch": "10ms"},
            }
            (folder / "openapi.yaml").write_text(yaml.safe_dump(ORDERS))
            (folder / "contract.yaml").write_text(yaml.safe_dump(whole))
            paths.append(folder / "contract.yaml")
        keys = {role: issue(paths[0], role) for role in ROLES}
        ids = {role: text.split("_")[2] for role, text in keys.items()}
        switch = Switch()
        switch.app = Guard(api, paths[0])
        with serving(switch) as port:
            started = gate(paths[1])
            yield Hosts(api, (port, started.port), started, tmp_path, keys, ids)
            switch.close()


def test_bola_in_the_response_is_as_if_it_were_not_there(hosts: Hosts) -> None:
    hosts.says({"owner": hosts.ids["reader"], "id": 7, "secret": "x"})
    status, body, told, asked = hosts.one("/orders/7")
    assert (status, json.loads(body), asked) == (200, {"owner": hosts.ids["reader"], "id": 7}, 1)
    hosts.says({"owner": "somebody", "id": 7})
    withheld = hosts.one("/orders/7")
    assert withheld[0] == 404
    assert b"somebody" not in withheld[1]
    hosts.says({"note": "there is none"}, 404, (b"etag", b'"x"'))
    assert hosts.one("/orders/7") == withheld
    for status, fields in (
        (410, ()),
        (403, ()),
        (301, ((b"location", b"/x"),)),
        (304, ((b"etag", b'"x"'),)),
        (204, ()),
    ):
        hosts.says(b"" if status in {204, 304} else {}, status, *fields)
        assert hosts.one("/orders/7") == withheld, status
    hosts.says(b"")
    assert hosts.one("/orders/7") == withheld
    hosts.says({"owner": "somebody"})
    assert hosts.one("/orders/7", "writer")[0] == 200  # another rule allows
    assert told["cache-control"] == "no-store"


def test_head_and_conditional_requests_tell_nothing_either(hosts: Hosts) -> None:
    hosts.says({"owner": hosts.ids["reader"]}, 200, (b"etag", b'"x"'))
    assert hosts.one("/orders/7", method="HEAD")[0] == 404
    hosts.one("/orders/7", "reader", 'If-None-Match: "x"', 'If-Match: "y"', "Range: bytes=0-1")
    sent = hosts.api.asked[-1][2]
    assert not {b"if-none-match", b"if-match", b"range", b"accept-encoding"} & set(sent)


def test_answers_about_the_request_stay(hosts: Hosts) -> None:
    for status in (400, 422, 429, 500, 503):
        hosts.says({"note": "x"}, status)
        assert hosts.one("/orders/7")[0] == status


def test_of_a_list_each_element_is_kept_or_dropped(hosts: Hosts) -> None:
    mine = hosts.ids["reader"]
    body = b'[{"owner": "%b", "amount": 1.10, "hidden": 1},{"owner": "b"},{"owner": "%b", "id": 12345678901234567890}]'
    hosts.says(body % (mine.encode(), mine.encode()))
    status, text, _, _ = hosts.one("/orders")
    assert status == 200
    assert json.loads(text) == [{"owner": mine, "amount": 1.1}, {"owner": mine, "id": 12345678901234567890}]
    assert b"1.10" in text
    record = hosts.gate.trail()[-1]
    assert (record["outcome"], record["step"]) == ("admitted", "permission")
    assert record["reason"].startswith("1 of 3 elements were kept back: contract.yaml:")


def test_the_trail_names_the_rule_and_its_line(hosts: Hosts) -> None:
    hosts.says({"owner": "b"})
    hosts.ask("/orders/7")
    record = hosts.gate.trail()[-1]
    text = (hosts.folder / "gateway" / "contract.yaml").read_text().split("\n")
    place, _, said = record["reason"].partition("; ")[0].partition(": ")
    assert (record["outcome"], record["status"], record["step"]) == ("refused", 404, "permission")
    assert said == "`when` is false"
    assert "getOrder" in text[int(place.partition(":")[2])]


def test_bola_in_the_body_never_reaches_the_api(hosts: Hosts) -> None:
    hosts.says({"id": 1}, 201)
    mine = json.dumps({"owner": hosts.ids["reader"]}).encode()
    kind = "Content-Type: application/json"
    assert hosts.one("/orders", "reader", kind, method="POST", body=mine)[0::3] == (201, 1)
    assert hosts.api.asked[-1][3] == mine
    for body, status in (
        (b'{"owner": "b"}', 403), (b"{}", 403), (mine[:-1], 400), (b'{"owner": "b", ' + mine[1:], 400),
        (b'{"owner": "' + b"b" * 5000 + b'"}', 413), (mine[:-1] + b" " * 5000 + b"}", 413),
    ):  # fmt: skip
        assert hosts.one("/orders", "reader", kind, method="POST", body=body)[0::3] == (status, 0), body[:40]
    assert hosts.one("/orders", "reader", "Content-Type: text/plain", method="POST", body=mine)[0::3] == (403, 0)
    assert hosts.one("/orders", "reader", "Content-Type: text/xml", method="POST", body=mine)[0::3] == (415, 0)
    assert hosts.one("/orders", "reader", method="POST")[0::3] == (403, 0)


def test_bola_in_the_path(hosts: Hosts) -> None:
    hosts.says([])
    assert hosts.one(f"/people/{hosts.ids['reader']}/orders")[0] == 200
    for other in (
        hosts.ids["writer"],
        f"{hosts.ids['reader']}%20",
        f"{hosts.ids['reader']};x",
        hosts.ids["reader"].swapcase(),
    ):
        assert hosts.one(f"/people/{other}/orders")[0::3] == (403, 0)


def test_header_spoof_by_repetition_spelling_and_case(hosts: Hosts) -> None:
    hosts.api.status, hosts.api.body, hosts.api.fields = 200, b"a,b", [(b"content-type", b"text/csv")]
    assert hosts.one("/export", "reader", "X-Team: blue")[0::3] == (200, 1)
    assert hosts.one("/export", "reader", "x-TEAM:blue")[0::3] == (200, 1)
    for fields in (
        ("X-Team: blue", "X-Team: red"), ("X-Team: red", "x-team: blue"), ("X-Team: blue, red",), ("X-Team: Blue",), ("X-Team:",), (),
        ("X-Team: blu\u00e9",), ("X-Teams: blue",),
    ):  # fmt: skip
        assert hosts.one("/export", "reader", *fields)[0::3] == (403, 0), fields
    for status in {one[0] for one in hosts.ask("/export", "reader", "X_Team: blue")}:
        assert status == 400


def _chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in parts) + b"0\r\n\r\n"


def test_chunked_bodies_and_bodies_in_pieces_arrive_whole(hosts: Hosts) -> None:
    hosts.says({"id": 1}, 201)
    mine = json.dumps({"owner": hosts.ids["reader"], "note": "x" * 2000}).encode()
    head = (
        b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX-API-Key: %b\r\n"
        % hosts.keys["reader"].encode()
    )
    for port in hosts.ports:
        hosts.api.asked = []
        gate = type(hosts.gate)(port, hosts.gate.path, [])
        answer = gate.send(head + b"Transfer-Encoding: chunked\r\n\r\n" + _chunked(mine[:5], mine[5:100], mine[100:]))
        assert answer.startswith(b"HTTP/1.1 201")
        buffer = bytearray()
        with gate.connect() as connection:
            connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(mine))
            for part in (mine[:10], mine[10:900], mine[900:]):
                time.sleep(0.02)
                connection.sendall(part)
            assert read_message(connection, buffer).startswith(b"HTTP/1.1 201")
            # the connection goes on, after a refusal too
            other = b'{"owner": "b"}'
            connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(other) + other)
            assert read_message(connection, buffer).startswith(b"HTTP/1.1 403")
            connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(mine) + mine)
            assert read_message(connection, buffer).startswith(b"HTTP/1.1 201")
        assert [one[3] for one in hosts.api.asked] == [mine] * 3


def test_a_body_that_is_too_long_ends_while_it_comes(hosts: Hosts) -> None:
    head = (
        b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX-API-Key: %b\r\n"
        % hosts.keys["reader"].encode()
    )
    for port in hosts.ports:
        gate = type(hosts.gate)(port, hosts.gate.path, [])
        answer = gate.send(head + b"Transfer-Encoding: chunked\r\n\r\n" + _chunked(*[b" " * 1000] * 9))
        assert answer.startswith(b"HTTP/1.1 413")
    assert hosts.api.asked == []


def test_a_caller_who_waits_for_100_is_told_to_go_on(hosts: Hosts) -> None:
    hosts.says({"id": 1}, 201)
    mine = json.dumps({"owner": hosts.ids["reader"]}).encode()
    head = (
        b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX-API-Key: %b\r\n"
        % hosts.keys["reader"].encode()
    )
    with hosts.gate.connect() as connection:
        connection.sendall(head + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(mine))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(mine)
        assert connection.recv(65536).startswith(b"HTTP/1.1 201")


def test_requests_that_come_together_are_answered_in_their_order(hosts: Hosts) -> None:
    hosts.says({"id": 1}, 201)
    mine, other = json.dumps({"owner": hosts.ids["reader"]}).encode(), b'{"owner": "b"}'
    head = (
        b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX-API-Key: %b\r\n"
        % hosts.keys["reader"].encode()
    )
    bodies = [mine, other, mine, other, other, mine]
    chunked = [head + b"Transfer-Encoding: chunked\r\n\r\n" + _chunked(one[:3], one[3:]) for one in bodies]
    plain = [head + b"Content-Length: %d\r\n\r\n" % len(one) + one for one in bodies]
    answer = hosts.gate.send(b"".join(one for pair in zip(plain, chunked, strict=True) for one in pair))
    statuses = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"201" if one is mine else b"403" for one in bodies for _ in range(2)]
    assert [one[3] for one in hosts.api.asked] == [mine] * 6


def test_a_body_that_never_comes_is_not_waited_for_for_ever(hosts: Hosts) -> None:
    head = (
        b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX-API-Key: %b\r\n"
        % hosts.keys["reader"].encode()
    )
    with hosts.gate.connect() as connection:
        connection.sendall(head + b'Content-Length: 100\r\n\r\n{"owner":')
        begun = time.monotonic()
        assert connection.recv(65536).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - begun < 5
    assert hosts.api.asked == []


def test_a_caller_who_leaves_while_his_body_comes_is_in_the_trail(hosts: Hosts) -> None:
    head = (
        b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX-API-Key: %b\r\n"
        % hosts.keys["reader"].encode()
    )
    with hosts.gate.connect() as connection:
        connection.sendall(head + b'Content-Length: 100\r\n\r\n{"owner":')
        time.sleep(0.05)
    assert hosts.gate.trail()[-1]["outcome"] == "failed"


def test_a_connection_to_the_api_is_used_again_after_an_answer_was_withheld(
    gate: Any, upstream: Any, contract: Any, issue: Any
) -> None:
    path = contract(
        ORDERS, upstream=upstream.url, authorization={"roles": ROLES, "rules": RULES}, origins=None,
    )  # fmt: skip
    key = issue(path, "reader")
    started = gate(path)
    head = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n"
    with started.kept() as get:
        for _ in range(3):
            upstream.json(b'{"owner": "b"}')
            assert get("/orders/1", key)[0] == 404
            upstream.json(b'{"note": "none"}', head)
            assert get("/orders/1", key)[0] == 404
            upstream.json(b'{"owner": "%b", "id": 1}' % key.split("_")[2].encode())
            assert get("/orders/1", key)[0] == 200
    assert upstream.connections == 1
