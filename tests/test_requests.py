"""Requests that two servers read in two ways, or that carry what nobody declared: what the API gets of them behind both hosts."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.asgi import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Gate

JSON, FORM, PARTS = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"
BOUNDED = f"{PARTS}; boundary=X"
PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 60},
        "age": {"type": "integer"},
        "id": {"type": "integer", "readOnly": True},
    },
}


class Api:
    """Takes whatever comes, and remembers it."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": message["type"] + ".complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.got.append((scope["query_string"].decode(), body))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class Both:
    """The same contract in both hosts. What one says, the other has to say; what the API got of one, it got of the other."""

    def __init__(self, asgi: int, gate: Gate, key: str, api: Api) -> None:
        self._gates = type(gate)(asgi, gate.path, []), gate
        self._key, self._api = key, api

    def send(self, content: bytes = b"", media: str = "", *fields: str, query: str = "") -> Any:
        """What the API got, (query, body); or the status of a refusal."""
        self._api.got.clear()
        fields += (f"Content-Type: {media}",) if media else ()
        statuses = [gate.get(f"/p{query}", self._key, *fields, method="POST", body=content)[0] for gate in self._gates]
        assert statuses[0] == statuses[1]
        assert self._api.got[:1] == self._api.got[1:]
        assert bool(self._api.got) == (statuses[0] == 204)
        return self._api.got[0] if self._api.got else statuses[0]


@pytest.fixture
def both(contract: Any, serving: Any, gate: Any, issue: Callable[..., str], tmp_path: Path) -> Iterator[Any]:
    with contextlib.ExitStack() as stack:

        def start(
            schema: Any = None, media: str = JSON, parameters: Any = (), schemas: Any = None, **requests: Any
        ) -> Both:
            operation: dict[str, Any] = {
                "operationId": "make", "parameters": list(parameters), "responses": {"204": {"description": "-"}}
            }  # fmt: skip
            if schema is not None:
                operation["requestBody"] = {"content": {media: {"schema": schema}}}
            description = {
                "openapi": "3.1.0",
                "info": {"title": "t", "version": "1"},
                "paths": {"/p": {"post": operation}},
                "components": {"schemas": schemas or {}},
            }
            api = Api()
            upstream = stack.enter_context(serving(api))
            whole = {
                "upstream": f"http://127.0.0.1:{upstream}", "keys": {"store": str(tmp_path / "keys.db")},
                "authorization": None, "requests": requests,
            }  # fmt: skip
            path = contract(description, **whole, trail={"path": "asgi.jsonl"})
            port = stack.enter_context(serving(Guard(api, path)))
            path = contract(description, **whole)
            return Both(port, gate(path), issue(path), api)

        yield start


def parts(*fields: tuple[str, bytes, str]) -> bytes:
    """Name, content and media type (empty: none) of each."""
    found = b""
    for name, content, media in fields:
        head = f'Content-Disposition: form-data; name="{name}"\r\n' + (f"Content-Type: {media}\r\n" if media else "")
        found += b"--X\r\n" + head.encode() + b"\r\n" + content + b"\r\n"
    return found + b"--X--\r\n"


# -- one text, two alphabets

ALPHABETS = [
    "charset=utf-7",
    "charset=utf-8; charset=utf-7",
    "charset=utf-7; charset=utf-8",
    "xcharset=utf-8; charset=utf-7",
    "charset*=utf-7''x",
    "charset*0=utf-7",
    "charset*0=ut; charset*1=f-7",
    'a="; charset=utf-8"; charset=utf-7',
    "CharSet = utf-16",
    "charset=ibm037",
]


@pytest.mark.parametrize(
    ("media", "content", "schema"),
    [
        (JSON, b'{"name":"+ACI-,+ACI-id+ACI-:1,+ACI-x+ACI-:+ACI-"}', PERSON),
        (FORM, b"name=%2BADw-script%2BAD4-", PERSON),
        ("application/xml", b"<name>+ADw-id/+AD4-</name>", {}),
    ],
)
def test_a_body_in_another_alphabet_goes_nowhere(both: Any, media: str, content: bytes, schema: Any) -> None:
    hosts = both(schema, media)
    for alphabet in ALPHABETS:
        assert hosts.send(content, f"{media}; {alphabet}") == 400, alphabet
    for alphabet in ("", "; charset=utf-8", '; Charset="UTF-8"', ";charset=utf8 ; q=1", "; version=1"):
        assert hosts.send(content, media + alphabet) == ("", content)


def test_a_part_in_another_alphabet_goes_nowhere(both: Any) -> None:
    hosts = both(PERSON, PARTS)
    for alphabet in ALPHABETS:
        assert hosts.send(parts(("name", b"+ADw-", f"text/plain; {alphabet}")), BOUNDED) == 400, alphabet
    good = parts(("name", b"+ADw-", "text/plain; charset=utf-8"))
    assert hosts.send(good, BOUNDED) == ("", good)


def test_a_part_with_parts_of_its_own_goes_nowhere(both: Any) -> None:
    inner = b'--Y\r\nContent-Disposition: file; filename="../x"\r\n\r\n1\r\n--Y--'
    assert both(PERSON, PARTS).send(parts(("name", inner, "multipart/mixed; boundary=Y")), BOUNDED) == 400
