from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from graphql import build_schema, parse, print_ast

from ninefold.contract.documents import FORMAT, form, read_documents
from ninefold.errors import ContractProblems, FileError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = build_schema("""
type User { id: ID!, name: String, friends(first: Int): [User] }
type Query { me: User }
type Mutation { drop(id: ID!): Boolean }
""")
ME = "query Me { me { id } }"


def apollo(*operations: Mapping[str, Any], **more: Any) -> str:
    return json.dumps({"format": FORMAT, "version": 1, "operations": operations, **more}, indent=2)


def one(id_: str = "a1", name: str = "Me", kind: str = "query", body: str = ME) -> dict[str, str]:
    return {"id": id_, "name": name, "type": kind, "body": body}


def read(folder: Path, **files: str) -> dict[str, str]:
    """The texts by their ids, of files whose names end with what stands behind the last `_`."""
    for name, text in files.items():
        (folder / ".".join(name.rsplit("_", 1))).write_text(text)
    return {id_: found.text for id_, found in read_documents(folder, SCHEMA).items()}


def problems(folder: Path, **files: str) -> list[str]:
    """Each fault, with its place without the folder."""
    with pytest.raises(ContractProblems) as fault:
        read(folder, **files)
    return [f"{found.place}: {found.what}".replace(f"{folder}/", "") for found in fault.value.problems]


def test_apollos_manifest_is_read_and_each_document_is_known_by_its_digest_too(tmp_path: Path) -> None:
    digest = sha256(ME.encode()).hexdigest()
    assert read(tmp_path, manifest_json=apollo(one())) == {"a1": ME, digest: ME, f"sha256:{digest}": ME}


def test_relays_persisted_queries_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, persisted_json=json.dumps({"d41d8": ME, "x7": "mutation M($i: ID!) { drop(id: $i) }"}))
    assert found["d41d8"] == ME
    assert found["x7"].startswith("mutation")


def test_of_plain_files_each_operation_is_a_document_with_the_fragments_that_it_uses(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "user.gql").write_text("fragment U on User { name ...I } fragment Unused on User { id }")
    (tmp_path / "id.graphql").write_text("fragment I on User { id }")
    found = read(tmp_path, two_graphql="query A { me { ...U } }\n{ me { id } }\n")
    expected = {
        print_ast(parse("query A { me { ...U } } fragment U on User { name ...I } fragment I on User { id }")),
        print_ast(parse("{ me { id } }")),
    }
    assert set(found.values()) == expected
    assert {sha256(text.encode()).hexdigest() for text in expected} <= set(found)


def test_a_folder_may_have_the_lists_of_several_clients(tmp_path: Path) -> None:
    found = read(tmp_path, web_json=apollo(one()), ios_json=apollo(one(), one("b2", body="query Me { me { name } }")))
    assert {"a1", "b2"} <= set(found)


def test_one_file_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "a.graphql").write_text(ME)
    assert len(read_documents(tmp_path / "a.graphql", SCHEMA)) == 2
    with pytest.raises(FileError):
        read_documents(tmp_path / "none.json", SCHEMA)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "1:2: it is no JSON"),
        ('{"a": 1}', "1:1: it is neither"),
        ("[]", "1:1: it is neither"),
        ('"text"', "1:1: it is neither"),
        ("{}", "there are no documents"),
        (apollo(), "there are no documents"),
        (apollo(version=2), f"1:1: it is no {FORMAT}"),
        (json.dumps({"format": "other", "version": 1, "operations": []}), f"1:1: it is no {FORMAT}"),
        (json.dumps({"format": FORMAT, "version": 1, "operations": {"a": 1}}), f"1:1: it is no {FORMAT}"),
        (apollo({"id": 7, "body": ME}), "1:1: operations[0] has no `id`"),
        (apollo({"id": "", "body": ME}), "1:1: operations[0] has no `id`"),
        (apollo({"id": "a"}), "1:1: operations[0] has no `id`"),
        (apollo({"id": "\ud800", "body": ME}), "1:1: operations[0] has no `id`"),
        (apollo(one(), one()), "12:13: the id 'a1' stands in it twice"),
        ('{"a": "{ me { id } }",\n "b": "{ me { id } }",\n "a": "{ me { name } }"}', "3:2: 'a' stands in it twice"),
        (apollo(one(name="You")), "6:13: the document 'a1' has no operation of the `name` and `type`"),
        (apollo(one(kind="mutation")), "6:13: the document 'a1' has no operation of the `name` and `type`"),
        (apollo(one(body="fragment F on User { id }")), "has no operation"),
        (apollo(one(body="query Me {\n me { } ")), "6:13: the document 'a1' cannot be read in its line 2, column 9"),
        (apollo(one(body="")), "operations[0] has no `id` and `body`"),
        (apollo(one(body="query Me { me { secret } }")), "6:13: the document 'a1' does not fit the schema in its line 1"),
        (apollo(one(body="query Me { ...A } fragment A on Query { ...B } fragment B on Query { ...A }")), "Cannot spread fragment 'A' within itself"),
        (apollo(one(body=ME + " type Foo { id: ID }")), "not executable"),
        (apollo(one(body="query Me " + "{ me " * 3000)), "nested too deeply"),
        ("[" * 100_000, "it is no JSON"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_manifest_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    assert told in "\n".join(problems(tmp_path, manifest_json=text))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("query A {\n  me { secret }\n}", "a.graphql:2:8: the document does not fit the schema"),
        ("query A {\n me {", "a.graphql:2:6: it cannot be read"),
        (ME + "\ntype Foo { id: ID }", "a.graphql:2:1: it defines types"),
        (
            ME + "\nfragment F on User { id }\nfragment F on User { id }",
            "a.graphql:3:1: there is another fragment F in",
        ),
        (
            "{ me { ...A } }\nfragment A on User { ...B }\nfragment B on User { ...A }",
            "a.graphql:2:22: the document does not fit the schema: Cannot spread fragment 'A' within itself",
        ),
        ("{ me { ...Missing } }", "a.graphql:1:11: the document does not fit the schema"),
        ("{ me " * 3000, "a.graphql:1:1001: it cannot be read: Syntax Error: Document is nested too deeply"),
        ("", "a.graphql:1:1: it cannot be read"),
    ],
)
def test_what_is_wrong_with_a_plain_file_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    assert told in "\n".join(problems(tmp_path, a_graphql=text))


def test_an_id_is_told_where_it_stands_and_not_where_its_word_does(tmp_path: Path) -> None:
    text = '{"b: a":\n"query b { me { id } }",\n"a": "{", "c":\n"a",\n"b" : "{ no }"}'
    assert [one.split(": ")[0] for one in problems(tmp_path, a_json=text)] == [
        "a.json:3:1", "a.json:3:11", "a.json:5:1",
    ]  # fmt: skip
    listed = apollo(one("x", "y"), one("y", body="{ me { no } }", name="x"))
    assert problems(tmp_path, a_json=listed)[-1].startswith("a.json:12:13: ")


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    bad = apollo(one("a", body="query Me { no }"), one("b", body="query Me { nor }"))
    assert len(problems(tmp_path, web_json=bad, ios_json="{", more_graphql="{")) == 4


def test_an_id_that_two_clients_have_for_different_documents_is_a_fault(tmp_path: Path) -> None:
    other = apollo(one(body="query Me { me { name } }"))
    assert "the id 'a1' stands for another document in" in problems(tmp_path, web_json=apollo(one()), ios_json=other)[0]


def test_a_file_in_another_coding_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(apollo(one()).encode("utf-16"))
    assert problems(tmp_path) == ["a.json:1:1: the file is not UTF-8"]


def test_spellings_of_one_document_have_one_form_and_others_another() -> None:
    same = [
        "query A { me { ...F } } fragment F on User { id, name }",
        "fragment F on User{id name}query A{me{...F}}",
        "# why\nquery A { # not\n me { ...F } }\n\nfragment F on User { id name } ",
    ]
    assert len({form(parse(text)) for text in same}) == 1
    others = [
        "query A { me { ...F } } fragment F on User { name id }",
        "query B { me { ...F } } fragment F on User { id name }",
        "query A { me { ...F } } fragment F on User { id name: id }",
        "query A { me { ...F } } fragment F on User { id name @include(if: true) }",
    ]
    assert len({form(parse(text)) for text in [same[0], *others]}) == 5
