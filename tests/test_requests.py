"""Requests that two servers read in two ways, or that carry what nobody declared: what the API gets of them behind both hosts."""

from __future__ import annotations

import contextlib
import time
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

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
    numbers = count()
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
            path = contract(description, **whole, trail={"path": f"{next(numbers)}.jsonl"})
            port = stack.enter_context(serving(Guard(api, path)))
            path = contract(description, **whole, trail={"path": f"{next(numbers)}.jsonl"})
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


# -- parameters

TEXT, NUMBER = {"type": "string"}, {"type": "integer", "maximum": 10}
FILTER = {
    "type": "object",
    "properties": {"status": {"enum": ["new", "old"]}, "owner": {"type": "string", "readOnly": True}},
}


def asked(**more: Any) -> dict[str, Any]:
    return {"name": "q", "in": "query", "schema": TEXT, **more}


def test_brackets_make_nothing_of_a_parameter_that_has_none(both: Any) -> None:
    schemas = {"q": TEXT, "n": NUMBER, "l": {"type": "array", "items": NUMBER}}
    hosts = both(parameters=[asked(name=name, schema=schema) for name, schema in schemas.items()])
    for q in schemas:
        for name in ("[role][]", "[$ne][]", "%5B$ne%5D%5B%5D", "[][]", "[", "[$ne]", ".x"):
            assert hosts.send(query=f"?{q}=1&{q}{name}=1") == (f"{q}=1", b"")
    assert hosts.send(query="?q[]=1&n[]=1&l[]=1&l[]=2") == ("l[]=1&l[]=2", b"")
    assert hosts.send(query="?l[]=11") == 400
    assert hosts.send(query="?l[]=1&l=2") == 400


def test_of_an_object_in_a_query_goes_on_what_is_declared(both: Any) -> None:
    deep = both(parameters=[asked(schema=FILTER, style="deepObject")])
    assert deep.send(query="?q[status]=new&q[admin]=1&q[owner]=me&q[]=1&q=1") == ("q[status]=new", b"")
    assert deep.send(query="?q[status]=other") == 400
    for nested in ("q[status][]=new", "q[a]b]=1", "q[status=new"):
        assert deep.send(query=f"?{nested}") == 400
    flat = both(parameters=[asked(schema=FILTER, explode=False)])
    assert flat.send(query="?q=status,new") == ("q=status,new", b"")
    assert flat.send(query="?q=status,new,admin,1") == 400
    assert flat.send(query="?q=owner,me") == 400
    reported = both(parameters=[asked(schema=FILTER, style="deepObject")], undeclared="report")
    assert reported.send(query="?q[status]=new&q[admin]=1") == ("q[status]=new&q[admin]=1", b"")


def test_json_in_a_parameter_is_read_as_strictly_as_in_a_body(both: Any) -> None:
    parameter = {"name": "q", "in": "query", "content": {"application/json": {"schema": PERSON}}}
    hosts = both(parameters=[parameter])
    assert hosts.send(query="?q=" + quote('{"name":{"$ne":1},"name":"a"}')) == 400
    assert hosts.send(query="?q=" + quote('{"name":"a","admin":true,"id":7}')) == (
        "q=%7B%22name%22%3A%22a%22%7D",
        b"",
    )
    same = quote('{ "name": "a" }')
    assert hosts.send(query=f"?q={same}") == (f"q={same}", b"")
    header = both(parameters=[{**parameter, "in": "header", "name": "X-Filter"}])
    assert header.send(b"", "", 'X-Filter: {"name":"a"}') == ("", b"")
    assert header.send(b"", "", 'X-Filter: {"name":"a","admin":true}') == 400


def test_a_cookie_has_one_reading(both: Any) -> None:
    short = {"type": "string", "maxLength": 5}
    hosts = both(
        parameters=[asked(name=name, schema=one, **{"in": "cookie"}) for name, one in (("n", NUMBER), ("t", short))]
    )
    for good in ("n=5", " n=5 ; m=7", "t=abc", 't="abc"'):
        assert hosts.send(b"", "", f"Cookie: {good}") == ("", b""), good
    for bad in ("n=5; n =50", "n=5;n\t=50", "n= 5", 'n="5"', 't="abc\\073"', 't="abc', 't="abcd"'):
        assert hosts.send(b"", "", f"Cookie: {bad}") == 400, bad


# -- bodies

#: Ways to say `readOnly`, of the schema of `id`.
READ_ONLY: list[Any] = [
    {"type": "integer", "readOnly": True},
    {"$ref": "#/components/schemas/Number", "readOnly": True},
    {"allOf": [{"$ref": "#/components/schemas/Number"}, {"readOnly": True}]},
    {"$ref": "#/components/schemas/Id"},
]
SCHEMAS: dict[str, Any] = {
    "Number": {"type": "integer"},
    "Id": {"type": "integer", "readOnly": True},
    "Base": {"type": "object", "properties": {"id": {"type": "integer"}}},
}
SAID = {
    JSON: (b'{"name":"a","id":7,"is_admin":true}', JSON, b'{"name":"a"}'),
    FORM: (b"name=a&id=7&is_admin=1", FORM, b"name=a"),
    PARTS: (
        parts(("name", b"a", ""), ("id", b"7", ""), ("is_admin", b"1", "")), BOUNDED, parts(("name", b"a", ""))
    ),
}  # fmt: skip


@pytest.mark.parametrize("media", SAID)
def test_what_is_read_only_goes_in_by_no_kind_of_body(both: Any, media: str) -> None:
    content, said, kept = SAID[media]
    named = {"name": {"type": "string"}}
    schemas = [{"type": "object", "properties": {**named, "id": one}} for one in READ_ONLY]
    other = {"type": "object", "properties": {**named, "id": READ_ONLY[0]}}
    for schema in (*schemas, {"allOf": [other, {"$ref": "#/components/schemas/Base"}]}):
        assert both(schema, media, schemas=SCHEMAS).send(content, said) == ("", kept)
    nothing = {"type": "object", "properties": {"id": READ_ONLY[0]}}
    empty = {JSON: b"{}", FORM: b"", PARTS: b"--X--\r\n"}[media]
    for schema in (nothing, {"type": "object", "additionalProperties": False}):
        assert both(schema, media, schemas=SCHEMAS).send(content, said) == ("", empty)


def test_what_is_not_declared_goes_in_by_no_type_of_a_range(both: Any) -> None:
    for declared in ("*/*", "application/*", "text/*", "multipart/*"):
        hosts = both(PERSON, declared)
        for content, said, kept in SAID.values():
            fits = declared == "*/*" or said.startswith(declared.removesuffix("*"))
            assert hosts.send(content, said) == (("", kept) if fits else 415)
    hosts = both(PERSON, "*/*")
    content, _, kept = SAID[JSON]
    for media in ("text/plain", "application/json, text/plain", "application/x-json", "image/png", "text/json"):
        assert hosts.send(content, media) == ("", kept)
        assert hosts.send(b"name=a&is_admin=1", media) == 400
    text = both({"type": "string"}, "*/*")
    assert text.send(b"name=a", "text/plain") == ("", b"name=a")


def test_members_of_a_part_that_is_json_go_in_as_those_of_a_body(both: Any) -> None:
    schema = {"type": "object", "properties": {"meta": PERSON, "all": {"type": "array", "items": PERSON}}}
    content = b'{"name":"a","id":7,"is_admin":true}'
    sent = parts(("meta", content, JSON), ("all", content, JSON), ("all", b'{ "age":1}', JSON))
    kept = parts(("meta", b'{"name":"a"}', JSON), ("all", b'{"name":"a"}', JSON), ("all", b'{ "age":1}', JSON))
    assert both(schema, PARTS).send(sent, BOUNDED) == ("", kept)
    assert both(schema, PARTS, undeclared="refuse").send(sent, BOUNDED) == 422
    assert both(schema, PARTS, undeclared="report").send(sent, BOUNDED) == ("", sent)
    hosts = both(schema, PARTS)
    assert hosts.send(parts(("meta", b'{"name":1}', JSON)), BOUNDED) == 422
    assert hosts.send(parts(("meta", b'{"name":"a","name":"b"}', JSON)), BOUNDED) == 400
    length = f"{JSON}\r\nContent-Length: {len(content)}"
    assert hosts.send(parts(("meta", content, length)), BOUNDED) == ("", parts(("meta", b'{"name":"a"}', JSON)))


@pytest.mark.parametrize(("content", "kept"), [
    (b'{"name":5,"id":7,"is_admin":true}', b'{"name":5}'),
    (b'{"name":{"a":1},"id":7}', b'{"name":{"a":1}}'),
    (b'[{"name":"a"}]', b'[{"name":"a"}]'),
    (b'{"age":"x","name":"a"}', b'{"age":"x","name":"a"}'),
    (b'{"boss":{"id":7,"name":null,"boss":[{"id":7}]}}', b'{"boss":{"name":null,"boss":[{"id":7}]}}'),
])  # fmt: skip
def test_a_value_that_is_only_reported_is_no_way_in_for_others(both: Any, content: bytes, kept: bytes) -> None:
    person = {"type": "object", "properties": {**PERSON["properties"], "boss": {"$ref": "#/components/schemas/Person"}}}
    schemas = {"Person": person}
    assert both(person, schemas=schemas, invalid="report").send(content, JSON) == ("", kept)
    if content != kept:
        assert both(person, schemas=schemas, invalid="report", undeclared="refuse").send(content, JSON) == 422


# -- what is judged arrives


def test_nothing_that_was_judged_is_left_out_by_way_of_the_connection(both: Any) -> None:
    declared = [asked(name="X-Tenant", required=True, **{"in": "header"}), asked(name="t", **{"in": "cookie"})]
    hosts = both(PERSON, parameters=declared)
    tenant, content = "X-Tenant: a", b'{"name":"a"}'
    assert hosts.send(content, JSON, tenant, "Cookie: t=1", "Connection: close, X-Mine", "X-Mine: 1") == ("", content)
    for name in ("X-Tenant", "x-tenant , close", "Content-Type", "close,cookie"):
        assert hosts.send(content, JSON, tenant, "Cookie: t=1", f"Connection: {name}") == 400


# -- what takes long


def test_a_small_body_or_path_holds_nobody_up(both: Any) -> None:
    """Each took seconds to minutes of the one core that everybody is served by (CWE-407, CWE-1333)."""
    names = {"type": "object", "properties": {"a": {"type": "array", "items": {"enum": ["a"]}}}}
    form, json = both(names, FORM), both(names)
    began = time.process_time()
    assert form.send("&".join(f"x{number}=1" for number in range(40_000)).encode(), FORM) == ("", b"")
    assert json.send(b'{"a":[' + b",".join([b'"b"'] * 90_000) + b"]}", JSON) == 422
    assert form.send(b"&".join([b"a=b"] * 49_000), FORM) == 422
    refusing = both(names, undeclared="refuse")
    assert refusing.send(b'{"a":[' + b",".join([b'"a"'] * 90_000) + b'],"x":1}', JSON) == 422
    assert time.process_time() - began < 10
