"""Shapes, their program and the projection by it, against another reading of the same schemas: each place read anew."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.guard.schematic import NAMED, Schema, documents, schemas, values

from ninefold.contract.description import Description
from ninefold.errors import DescriptionError
from ninefold.guard.program import Program
from ninefold.guard.project import Projector, Unpromised
from ninefold.guard.shape import Shapes

Said = tuple[dict[str, Any], frozenset[str]]


class Reading:
    """What a value may keep, by what all the schemas at its place say."""

    def __init__(self, named: dict[str, Schema]) -> None:
        self._named = named

    def left(self, schemas: list[Schema], value: Any) -> tuple[Any, int]:
        """What is left, and how many members stay behind. Raises `Unpromised`."""
        if value is None:
            return None, 0
        said: list[Said] = []
        bounded = [self._said(schema, frozenset(), said) for schema in schemas]
        if not all(bounded):
            return value, 0
        if isinstance(value, list):
            elements = [one for atom, _ in said if "array" in self._kinds(atom) for one in self._elements(atom)]
            if not any("array" in self._kinds(atom) for atom, _ in said):
                raise Unpromised
            found = [self.left(elements, one) for one in value]
            return [one for one, _ in found], sum(count for _, count in found)
        if isinstance(value, dict):
            objects = [(atom, hidden) for atom, hidden in said if "object" in self._kinds(atom)]
            if not objects:
                raise Unpromised
            return self._members(objects, value)
        kind = "boolean" if isinstance(value, bool) else {int: "integer", float: "number", str: "string"}[type(value)]
        kinds = {one for atom, _ in said for one in self._kinds(atom)}
        if kind not in kinds and not (kind == "integer" and "number" in kinds):
            raise Unpromised
        return value, 0

    def _members(self, objects: list[Said], value: dict[str, Any]) -> tuple[dict[str, Any], int]:
        kept, withheld = {}, 0
        shown = {
            name for atom, hidden in objects for name in self._named_by(atom) if not self._hidden(name, atom, hidden)
        }
        for name, one in value.items():
            free = name not in shown
            if free and any(self._hidden(name, atom, hidden) for atom, hidden in objects):
                inner = None  # one of them hides it, and none names it
            elif free:
                by = [schema for atom, hidden in objects for schema in self._by(name, atom)]
                every = [schema for atom, _ in objects for schema in self._others(atom)]
                inner = every if by else None
            else:
                inner = [
                    s for atom, hidden in objects if not self._hidden(name, atom, hidden) for s in self._by(name, atom)
                ]
            if inner is None:
                withheld += 1 + _members(one)
            else:
                kept[name], count = self.left(inner, one)
                withheld += count
        return kept, withheld

    def _named_by(self, atom: dict[str, Any]) -> dict[str, Schema]:
        if any(word in atom for word in ("properties", "additionalProperties", "patternProperties")):
            found: dict[str, Schema] = atom.get("properties", {})
            return found
        objects = [value for value in _named_values(atom) if isinstance(value, dict)]
        return {name: {"enum": [one[name] for one in objects if name in one]} for one in objects for name in one}

    def _by(self, name: str, atom: dict[str, Any]) -> list[Schema]:
        found = [one for text, one in atom.get("patternProperties", {}).items() if re.search(text, name)]
        found += [one for own, one in self._named_by(atom).items() if own == name]
        extra = atom.get("additionalProperties", False)
        return found or ([] if extra is False or self._never(extra) else [extra])

    def _others(self, atom: dict[str, Any]) -> list[Schema]:
        found = [*atom.get("patternProperties", {}).values(), atom.get("additionalProperties", False)]
        return [one for one in found if one is not False and not self._never(one)]

    def _hidden(self, name: str, atom: dict[str, Any], hidden: frozenset[str]) -> bool:
        patterns = atom.get("patternProperties", {}).items()
        return name in hidden or any(re.search(text, name) and self._never(one) for text, one in patterns)

    def _elements(self, atom: dict[str, Any]) -> list[Schema]:
        found = [*atom.get("prefixItems", ()), *([atom["items"]] if "items" in atom else ())]
        arrays = [value for value in _named_values(atom) if isinstance(value, list)]
        if not found:
            found = [{"enum": [one for value in arrays for one in value]}] if arrays else [True]
        return [one for one in found if not self._never(one)]

    def _follow(self, schema: Schema) -> Schema:
        while isinstance(schema, dict) and "$ref" in schema:
            schema = self._named[schema["$ref"][-1]]
        return schema

    def _never(self, schema: Schema) -> bool:
        if not isinstance(schema, dict):
            return False
        return (
            "writeOnly" in schema
            or ("$ref" in schema and self._never(self._named[schema["$ref"][-1]]))
            or any(self._never(part) for part in schema.get("allOf", ()))
            or any(word in schema and all(self._never(one) for one in schema[word]) for word in ("oneOf", "anyOf"))
        )

    def _hides(self, schema: Schema) -> frozenset[str]:
        schema = self._follow(schema)
        if not isinstance(schema, dict):
            return frozenset()
        own = frozenset(name for name, one in schema.get("properties", {}).items() if self._never(one))
        return own.union(*(self._hides(part) for part in schema.get("allOf", ())))

    def _said(self, schema: Schema, hidden: frozenset[str], into: list[Said]) -> bool:
        schema = self._follow(schema)
        if not isinstance(schema, dict):
            return schema is False
        hidden |= self._hides(schema)
        words = {
            "type",
            "properties",
            "items",
            "prefixItems",
            "additionalProperties",
            "patternProperties",
            "enum",
            "const",
        }
        bounded = bool(words & set(schema))
        if bounded:
            into.append((schema, hidden))
        parts = [self._said(part, hidden, into) for part in schema.get("allOf", ())]
        bounded = bounded or any(parts)
        for word in ("oneOf", "anyOf"):
            if word in schema:
                one_by_one = [self._said(one, hidden, into) for one in schema[word] if not self._never(one)]
                bounded = bounded or all(one_by_one)
        return bounded

    @staticmethod
    def _kinds(atom: dict[str, Any]) -> set[str]:
        if "type" in atom:
            return {atom["type"]} if isinstance(atom["type"], str) else set(atom["type"])
        kinds = {"object"} if {"properties", "additionalProperties", "patternProperties"} & set(atom) else set()
        kinds |= {"array"} if {"items", "prefixItems"} & set(atom) else set()
        names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
        return kinds | {names.get(type(value), "null") for value in _named_values(atom)}


def _named_values(atom: dict[str, Any]) -> list[Any]:
    return [*atom.get("enum", ()), *([atom["const"]] if "const" in atom else ())]


def _members(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_members, value.values()))
    return sum(map(_members, value)) if isinstance(value, list) else 0


@pytest.mark.fuzz
@given(named=documents, root=schemas(2, NAMED), texts=st.lists(values, min_size=1, max_size=5))
def test_what_leaves_is_what_a_second_reading_of_the_schemas_lets_out(
    named: dict[str, Schema], root: Schema, texts: list[Any]
) -> None:
    description = Description("t", "3.1", "", "", (), (), {}, {"components": {"schemas": named}})
    project = Projector(Shapes(description).of(root), Program())
    for value in texts:
        body = json.dumps(value, separators=(",", ":")).encode()
        try:
            left, withheld = Reading(named).left([root], value)
        except Unpromised:
            with pytest.raises(Unpromised):
                project(body)
            continue
        assert project(body)[:2] == (json.dumps(left, separators=(",", ":")).encode(), withheld)


def test_a_chain_of_a_thousand_schemas_is_followed_to_its_end() -> None:
    named: dict[str, Schema] = {
        f"N{at}": {"properties": {"n": {"$ref": f"#/components/schemas/N{at + 1}"}}} for at in range(3000)
    }
    named["N3000"] = {"type": "string"}
    description = Description("t", "3.1", "", "", (), (), {}, {"components": {"schemas": named}})
    shape = Shapes(description).of({"$ref": "#/components/schemas/N0"})
    for _ in range(3000):
        assert shape.members is not None
        shape = shape.members["n"]
    assert shape.scalars == {"string"}


def test_parts_in_parts_without_end_are_told_and_no_traceback() -> None:
    deep: Schema = {"type": "string"}
    for _ in range(3000):
        deep = {"allOf": [deep]}
    with pytest.raises(DescriptionError, match="nest too deep"):
        Shapes(Description("t", "3.1", "", "", (), (), {}, {})).of(deep)


def test_an_example_value_within_a_schema_that_holds_itself_comes_to_an_end() -> None:
    named = {"A": {"properties": {"a": {"allOf": [{"$ref": "#/components/schemas/A"}, {"enum": [{"a": [{"a": 1}]}]}]}}}}
    description = Description("t", "3.1", "", "", (), (), {}, {"components": {"schemas": named}})
    project = Projector(Shapes(description).of({"$ref": "#/components/schemas/A"}), Program())
    assert project(b'{"a":{"a":{"a":[{"a":1,"b":2}]},"b":3}}') == (b'{"a":{"a":{"a":[{"a":1}]}}}', 2, 12)
