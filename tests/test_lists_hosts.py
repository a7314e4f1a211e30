"""Ceilings of lists in both hosts: pages that are asked for, and lists that are answered, whole, large, coded and streamed."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.streaming import coded
from tests.test_views import Api as People
from tests.test_views import Both

from ninefold.asgi import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

THING = {"type": "object", "properties": {"id": {"type": "integer"}, "card": {"type": "string"}}}
THINGS = {"type": "array", "items": THING}
PAGE = {"type": "object", "properties": {"things": THINGS, "total": {"type": "integer"}}}


def _operation(name: str, schema: Any, media: str = "application/json") -> Any:
    limit = {"in": "query", "name": "limit", "schema": {"type": "integer"}}
    responses = {"200": {"description": "-", "content": {media: {"schema": schema}}}}
    return {"get": {"operationId": name, "parameters": [limit], "responses": responses}}


DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "things", "version": "1"},
    "paths": {
        "/things": _operation("things", THINGS),
        "/page": _operation("page", PAGE),
        "/lines": _operation("lines", PAGE, "application/x-ndjson"),
    },
}
AUTHORIZATION = {
    "roles": {"reader": ["things:read"], "support": ["reader", "card"], "payroll": ["support"]},
    "rules": [{"operations": ["*"], "allow": ["things:read"]}],
}


class Api(People):
    """Answers with `body`, and remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.media, self.coding = b"[]", b"application/json", b""
        self.asked: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": message["type"] + ".complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.asked.append(scope["query_string"])
        fields = [(b"content-type", self.media)]
        if self.coding:
            fields.append((b"content-encoding", self.coding))
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": self.body})


class Hosts(Both):
    """The same contract in both hosts, and both trails."""

    def get_bytes(self, path: str, role: str = "reader") -> tuple[int, bytes]:
        found = []
        for gate in self._gates:
            with gate.kept() as get:  # who closes his side is taken for gone while a thread reads
                status, _, body = get(path, self._keys[role])
            found.append((status, body))
        assert found[0] == found[1] or (found[0][0], found[1][0]) == (400, 400)
        return found[0]

    def told(self, count: int) -> dict[str, Any]:
        """What both trails say of the last request, beside what is each one's own."""
        inside, gate = self._gates
        trails = gate.trail(count), replace(inside, path=gate.path.parent / "inside" / "contract.yaml").trail(count)
        assert [len(one) for one in trails] == [count, count]
        names = ("outcome", "status", "step", "reason", "withheld", "withheld_bytes", "surplus", "operation", "places")
        one, other = ({name: trail[-1].get(name) for name in names} for trail in trails)
        assert one == other
        return one


@pytest.fixture
def hosts(contract: Any, serving: Any, gate: Any, issue: Any, tmp_path: Path) -> Iterator[Callable[..., Hosts]]:
    with contextlib.ExitStack() as stack:

        def start(lists: Any, **responses: Any) -> Hosts:
            api = Api()
            upstream = stack.enter_context(serving(api))
            whole = {
                "upstream": f"http://127.0.0.1:{upstream}", "authorization": AUTHORIZATION, "responses": responses,
                "limits": {"lists": lists}, "keys": {"store": str(tmp_path / "keys.db")},
            }  # fmt: skip
            path = contract(DESCRIPTION, **whole, trail={"path": "inside/trail.jsonl"})
            port = stack.enter_context(serving(Guard(api, path)))
            path = contract(DESCRIPTION, **whole)
            return Hosts(path, port, gate(path), issue, api)

        yield start


def things(count: int, **more: Any) -> bytes:
    return json.dumps([{"id": one, "card": f"4111{one:012d}", **more} for one in range(count)]).encode()


@pytest.mark.parametrize(("sent", "left"), [("report", 5), ("cut", 3)])
def test_a_list_that_is_too_long_leaves_and_is_told_or_is_cut(hosts: Any, sent: str, left: int) -> None:
    both = hosts({"most": 3, "sent": sent})
    both.api.body = things(5)
    assert json.loads(both.get_bytes("/things")[1]) == json.loads(things(left))
    both.api.body = b'{"things":%b,"total":5}' % things(5)
    status, body = both.get_bytes("/page")
    assert (status, json.loads(body)) == (200, {"things": json.loads(things(left)), "total": 5})
    event = both.told(2)
    assert (event["surplus"], event["withheld"]) == (2, None)
    assert (event["withheld_bytes"] is not None) == (sent == "cut")
    both.api.body = things(3)
    assert json.loads(both.get_bytes("/things")[1]) == json.loads(things(3))
    assert both.told(3)["surplus"] is None


def test_a_list_that_is_too_long_is_withheld_where_the_contract_says_so(hosts: Any) -> None:
    both = hosts({"most": 3, "sent": "block"})
    both.api.body = things(5)
    status, body = both.get_bytes("/things")
    assert status == 502
    assert b"4111" not in body
    event = both.told(1)
    assert (event["outcome"], event["status"]) == ("failed", 502)
    assert event["reason"] == "the body is not as described: 2 items are past the ceiling of their list"


@pytest.mark.parametrize("count", [900, 9000])
@pytest.mark.parametrize("coding", ["", "gzip"])
def test_long_lists_are_cut_in_threads_and_in_codings_too_and_for_each_view(
    hosts: Any, count: int, coding: str
) -> None:
    both = hosts(
        {"most": 700, "sent": "cut"},
        visible_to={"card": ["card"]},
        mask={"id": {"as": "range 100", "unless": ["card"]}},
    )
    body = things(count, hash="x")
    both.api.body, both.api.coding = coded(body, coding) if coding else body, coding.encode()
    for role, expected in (
        ("reader", [{"id": one // 100 * 100} for one in range(700)]),
        ("support", [{"id": one, "card": f"4111{one:012d}"} for one in range(700)]),
    ):
        status, left = both.get_bytes("/things", role)
        assert (status, json.loads(left)) == (200, expected)
    event = both.told(2)
    assert (event["surplus"], event["withheld"]) == (count - 700, 700), "of what was cut no member is counted"


@pytest.mark.parametrize("undeclared", ["drop", "report", "block"])
@pytest.mark.parametrize("coding", ["", "gzip"])
def test_what_was_not_declared_is_named_in_the_trail_once_a_minute(hosts: Any, undeclared: str, coding: str) -> None:
    both = hosts({}, undeclared=undeclared)
    body = things(2, password_hash="x", **{"jane@example.com": {"a": 1}})
    both.api.body, both.api.coding = coded(body, coding) if coding else body, coding.encode()
    for _ in range(2):
        assert both.get_bytes("/things")[0] == (502 if undeclared == "block" else 200)
    assert both.told(2)["places"] is None
    first = both.trail(2)[0]
    assert first["places"] == ["/*/password_hash", "/*/?"]
    assert first.get("withheld") == (None if undeclared == "block" else 6)


def test_each_record_of_a_stream_is_held_by_itself(hosts: Any) -> None:
    both = hosts({"most": 2, "sent": "cut"})
    both.api.media = b"application/x-ndjson"
    both.api.body = b"".join(b'{"things":%b,"x":1}\n' % things(count) for count in (1, 2, 5, 4))
    status, left = both.get_bytes("/lines")
    assert status == 200
    assert [len(json.loads(line)["things"]) for line in left.splitlines()] == [1, 2, 2, 2]
    event = both.told(1)
    assert (event["surplus"], event["withheld"]) == (5, 4)


def test_pages_that_are_too_long_are_refused_before_the_api_is_asked(hosts: Any) -> None:
    both = hosts({"most": 50})
    status, body = both.get_bytes("/things?limit=51")
    assert status == 400
    errors = json.loads(body)["errors"]
    assert errors == [{"in": "query", "parameter": "limit", "detail": "asks for more than 50 items"}]
    assert both.told(1)["reason"] == "query limit: ceiling"
    assert both.api.asked == []


def test_pages_that_are_too_long_are_lowered_where_the_contract_says_so(hosts: Any) -> None:
    both = hosts({"most": 50, "asked": "clamp"})
    for _ in range(2):
        assert both.get_bytes("/things?limit=51")[0] == 200
    assert both.api.asked == [b"limit=50"] * 4
    assert (both.told(2)["step"], both.told(2)["reason"]) == ("report", "query limit: lowered to 50")
    assert both.get_bytes("/things?limit=50")[0] == 200
    assert both.told(3)["reason"] is None
