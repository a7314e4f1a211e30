"""Types that a service's source declares, wherever its SDL stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ninefold.audit.sdl import types_in

if TYPE_CHECKING:
    from pathlib import Path

SDL = "type Query { pet(id: ID!): Pet pets(first: Int = 5): [Pet!]! } type Pet { id: ID! friend: Pet kind: Kind at: Date } enum Kind { A } scalar Date"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("schema.graphql", SDL),
        ("api/types.gql", SDL),
        ("server.mjs", f"const s = buildSchema(`\n{SDL}\n`);"),
        ("app.py", f'schema = build_schema("""\n{SDL}\n""")'),
        ("a.ts", f"export const t = gql`\n{SDL}\n`; const other = `not graphql`;"),
    ],
)
def test_are_read_from_files_and_literals(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text, "utf-8")
    types = types_in(tmp_path)
    assert types is not None
    pet, pets = types.roots()
    assert (pet.name, pet.type, pet.free, pet.many, pet.leaf, pet.sure) == ("pet", "Pet", False, False, False, False)
    assert (pets.name, pets.free, pets.many, pets.sure) == ("pets", True, True, True)
    assert [one.leaf for one in types.fields["Pet"]] == [True, False, True, True]


def test_of_several_files_are_one_schema(tmp_path: Path) -> None:
    (tmp_path / "a.graphql").write_text("type Query { a: A } schema { query: Query mutation: Change }", "utf-8")
    (tmp_path / "b.graphql").write_text("type A { b: Int } extend type Query { b: A } type Change { c: Int }", "utf-8")
    types = types_in(tmp_path)
    assert types is not None
    assert [one.name for one in types.roots()] == ["a", "b"]
    assert types.change == "Change"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "query { a }",
        "type Query { a: Elsewhere }",
        "type Pet { a: Int }",
        "type Query { a: Int",
        "type Query " + "{" * 5000,
        "type Query { a: " + "[" * 5000,
    ],
)
def test_are_none_where_not_all_are_known(tmp_path: Path, text: str) -> None:
    (tmp_path / "schema.graphql").write_text(text, "utf-8")
    assert types_in(tmp_path) is None
