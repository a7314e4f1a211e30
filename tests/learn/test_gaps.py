from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.contract.openapi import read
from ninefold.guard.program import Program
from ninefold.guard.project import Projector, Unpromised
from ninefold.guard.shape import Shapes
from ninefold.learn.gap import applied
from ninefold.learn.gaps import compare
from ninefold.learn.proposal import promised, proposed
from ninefold.learn.record import Record
from ninefold.learn.sighting import Sighting, body
from ninefold.learn.sketch import sketch

if TYPE_CHECKING:
    from ninefold.contract.description import Description
    from ninefold.learn.gap import Gap

USER = {"type": "object", "properties": {"id": {"type": "string"}}}
BASE: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/users": {
            "get": {
                "operationId": "list",
                "parameters": [{"name": "page", "in": "query", "schema": {"type": "integer"}}],
                "responses": {
                    "200": {
                        "description": "all",
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/User"}}
                            }
                        },
                    }
                },
            }
        },
        "/users/{id}": {
            "get": {
                "operationId": "one",
                "responses": {"200": {"$ref": "#/components/responses/User"}},
            }
        },
        "/users/me": {"get": {"operationId": "me", "responses": {"2XX": {"description": "me"}}}},
    },
    "components": {
        "schemas": {"User": USER},
        "responses": {
            "User": {
                "description": "one",
                "content": {
                    "application/json": {
                        "schema": {"allOf": [{"$ref": "#/components/schemas/User"}, {"properties": {"mail": {}}}]}
                    }
                },
            }
        },
    },
}


def _seen(*sightings: Sighting) -> Description:
    record = Record()
    for one in sightings:
        record.add(one)
    return sketch(record, "record", "")


def _get(
    path: str, content: bytes = b"", status: str = "200", media: str = "application/json", **more: Any
) -> Sighting:
    answers = {status: body(media, content, whole=True) if content else {}}
    return Sighting("GET", tuple(path.strip("/").split("/")), "", 1, answers=answers, **more)


def _gaps(*sightings: Sighting, base: dict[str, Any] | None = None) -> dict[str, Gap]:
    described = read(copy.deepcopy(base or BASE), "openapi.yaml")
    return {gap.pointer: gap for gap in compare(_seen(*sightings), described).gaps}


def test_what_is_described_is_no_gap() -> None:
    assert (
        _gaps(_get("/users", b'[{"id":"a"}]', query={"page": ["integer"]}), _get("/users/7", b'{"id":"a","mail":"x"}'))
        == {}
    )


def test_one_member_at_many_operations_is_one_gap_at_its_cause() -> None:
    found = _gaps(_get("/users", b'[{"id":"a","age":1}]'))
    assert list(found) == ["/components/schemas/User/properties/age"]
    both = _gaps(_get("/users", b'[{"id":"a","age":1}]'), _get("/users/7", b'{"id":"a","age":3}'))
    assert "/components/responses/User/content/application~1json/schema/properties/age" in both


def test_an_operation_that_nobody_described_is_careful_and_goes_by_the_templates_that_are_there() -> None:
    found = _gaps(Sighting("DELETE", ("users", "{}"), "", 1, answers={"204": {}}), _get("/admin/dump", b"{}"))
    assert set(found) == {"/paths/~1users~1{id}/delete", "/paths/~1admin~1dump/get"}
    assert all(gap.careful for gap in found.values())


def test_literal_paths_are_matched_before_templates() -> None:
    assert _gaps(_get("/users/me")) == {}


def test_what_was_not_there_is_no_operation() -> None:
    assert _gaps(_get("/wp-admin", b"x", status="404", media="text/html")) == {}


def test_statuses_media_types_and_parameters() -> None:
    found = _gaps(
        _get("/users", b'{"a":1}', status="206"),
        _get("/users", b"a;b", media="text/csv"),
        _get("/users", query={"q": ["string"]}),
    )
    assert {gap.kind for gap in found.values()} == {"status", "media", "parameter"}
    assert found["/paths/~1users/get/parameters/q"].value == {"name": "q", "in": "query", "schema": {"type": "string"}}


def test_a_type_that_differs_is_told_and_nothing_is_proposed() -> None:
    found = _gaps(_get("/users", b'[{"id":7}]'))
    (gap,) = found.values()
    assert (gap.kind, gap.value) == ("type", None)
    assert gap.text == "`/*/id` in 200 is described as string, and comes as integer"


def test_a_secret_by_its_name_wants_a_decision() -> None:
    found = _gaps(_get("/users", b'[{"password_hash":"x","age":1}]'))
    assert {gap.pointer.rpartition("/")[2]: gap.careful for gap in found.values()} == {
        "password_hash": True,
        "age": False,
    }


def test_an_open_object_lacks_nothing() -> None:
    base = copy.deepcopy(BASE)
    base["components"]["schemas"]["User"]["additionalProperties"] = True
    assert _gaps(_get("/users", b'[{"age":1}]'), base=base) == {}


def test_before_openapi_31_null_is_a_flag_and_a_type_is_one() -> None:
    found = _gaps(_get("/users", b'[{"a":null},{"a":"x"},{"b":1},{"b":"x"}]'))
    assert found["/components/schemas/User/properties/a"].value == {"type": "string", "nullable": True}
    assert found["/components/schemas/User/properties/b"].value == {"anyOf": [{"type": "number"}, {"type": "string"}]}


def test_a_schema_that_holds_itself_ends() -> None:
    base = copy.deepcopy(BASE)
    base["components"]["schemas"]["User"]["properties"]["boss"] = {"$ref": "#/components/schemas/User"}
    deep = b'{"boss":' * 9 + b'{"age":1}' + b"}" * 9
    assert list(_gaps(_get("/users", b"[" + deep + b"]"), base=base)) == ["/components/schemas/User/properties/age"]


def test_the_id_of_a_gap_is_the_same_in_the_next_run() -> None:
    (one,) = _gaps(_get("/users", b'[{"age":1}]')).values()
    (two,) = _gaps(_get("/users", b'[{"age":"x","id":"y"}]')).values()
    assert one.id == two.id


def test_what_is_accepted_is_no_gap_any_more() -> None:
    sightings = [
        _get("/users", b'[{"age":1,"tags":[],"a/b":{"c":null}}]', query={"q": ["string"]}),
        _get("/users", b'{"a":1}', status="206"),
        _get("/users", b"a;b", media="text/csv"),
        Sighting("DELETE", ("users", "{}"), "", 1, answers={"204": {}}),
        Sighting(
            "PUT", ("users", "{}"), "", 1, bodies=body("application/json", b'{"x":1}', whole=True), answers={"200": {}}
        ),
    ]
    found = _gaps(*sightings)
    assert len(found) > 5
    before = copy.deepcopy(BASE)
    after = applied(BASE, found.values())
    assert before == BASE, "the description itself is left as it was"
    assert _gaps(*sightings, base=after) == {}


def test_numbers_that_yaml_made_of_statuses_are_found() -> None:
    base = copy.deepcopy(BASE)
    base["paths"]["/users"]["get"]["responses"] = {200: base["paths"]["/users"]["get"]["responses"]["200"]}
    found = _gaps(_get("/users", b"a;b", media="text/csv"), base=base)
    after = applied(base, found.values())
    assert list(after["paths"]["/users"]["get"]["responses"]) == [200]
    assert set(after["paths"]["/users"]["get"]["responses"][200]["content"]) == {"application/json", "text/csv"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(0, 1) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c", "zz"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(JSON, min_size=1, max_size=4))
def test_what_was_learned_lets_out_all_that_it_was_learned_from(values: list[Any]) -> None:
    texts = [msgspec.json.encode(value) for value in values]
    seen = _seen(*[_get("/x", text) for text in texts])
    document = proposed(seen)
    description = read(document, "learned")
    schema = description.operations[0].responses["200"].media["application/json"]
    assert schema is not None
    program = Program()
    project = Projector(Shapes(description).of(schema), program)
    for text in texts:
        out, withheld, _ = project(text)
        assert (msgspec.json.decode(out), withheld) == (msgspec.json.decode(text), 0)


def test_of_what_was_only_null_or_empty_no_object_leaves() -> None:
    seen = _seen(_get("/x", b'{"a":null,"b":[]}'))
    description = read(proposed(seen), "learned")
    schema = description.operations[0].responses["200"].media["application/json"]
    assert schema is not None
    project = Projector(Shapes(description).of(schema), Program())
    assert project(b'{"a":"x","b":[1,"y"]}')[1] == 0
    for text in (b'{"a":{"secret":1}}', b'{"b":[{"secret":1}]}'):
        with pytest.raises(Unpromised):
            project(text)


def test_whole_numbers_become_numbers() -> None:
    assert promised({"type": "integer"}) == {"type": "number"}
    assert promised({"type": ["integer", "null"]}) == {"type": ["number", "null"]}
    assert promised(True) is True


def test_a_proposal_has_no_secrets_and_opens_nothing() -> None:
    seen = _seen(_get("/x", b'{"id":1,"password_hash":"x"}', asked={"nothing": 1}))
    operation = proposed(seen)["paths"]["/x"]["get"]
    assert "security" not in operation
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert list(schema["properties"]) == ["id"]
