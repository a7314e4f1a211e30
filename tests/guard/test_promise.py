"""What was promised: of random schemas and answers that keep them, with more in them than was declared.

What leaves is what the schema says, is a projection of the answer to the byte, and leaves again as it is.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.contract.description import Description
from ninefold.guard.lookout import Lookout
from ninefold.guard.program import Program
from ninefold.guard.project import Projector
from ninefold.guard.shape import Shapes
from ninefold.leak.rule import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null')
NAMES = ("id", "name", "é", "a b", "kind", "x-1", "owner", "", "\n")
UNDECLARED = ("password_hash", "é2", "debug", "__v", "kind2", "\u2028")
SPACE = st.sampled_from(["", "", "", " ", "\n\t", "\r\n"])


class Made(NamedTuple):
    """A schema, and the text of a value that keeps it, with undeclared members in it."""

    schema: dict[str, Any]
    text: str


def _written(text: str, draw: st.DrawFn) -> str:
    """A string as some server would write it: escaped more than has to be, or less."""
    how = draw(st.integers(0, 2))
    if how == 2:
        return '"' + "".join(f"\\u{unit:04X}" for unit in _units(text)) + '"'
    return json.dumps(text, ensure_ascii=how == 1).replace("/", draw(st.sampled_from(["/", "\\/"])))


def _units(text: str) -> list[int]:
    raw = text.encode("utf-16-be")
    return [raw[at] << 8 | raw[at + 1] for at in range(0, len(raw), 2)]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WHOLE = st.sampled_from(
    [
        "0",
        "-0",
        "7",
        "-12",
        "9007199254740993",
        "18446744073709551615",
        "123456789012345678901234567890",
        "1e3",
        "1.0",
        "20E-1",
    ]
)
BROKEN = st.sampled_from(["0.1", "-1.50", "3.141592653589793238462643383279", "1e-7", "1E+30", "0.30000000000000004"])


@st.composite
def scalars(draw: st.DrawFn) -> Made:
    kind = draw(st.sampled_from(["string", "string", "integer", "number", "boolean", "enum", "pattern"]))
    if kind == "string":
        return Made({"type": "string"}, _written(draw(TEXTS), draw))
    if kind == "integer":
        return Made({"type": "integer"}, draw(WHOLE))
    if kind == "number":
        return Made({"type": "number"}, draw(WHOLE | BROKEN))
    if kind == "boolean":
        return Made({"type": ["boolean", "null"]}, draw(st.sampled_from(["true", "false", "null"])))
    if kind == "enum":
        values = draw(st.lists(TEXTS, min_size=1, max_size=3, unique=True))
        return Made({"enum": values}, _written(draw(st.sampled_from(values)), draw))
    return Made(
        {"type": "string", "pattern": "^[a-z]{2,4}$"},
        _written(draw(st.from_regex("^[a-z]{2,4}$", fullmatch=True)), draw),
    )


@st.composite
def answers(draw: st.DrawFn, depth: int = 3) -> Made:
    kind = (
        draw(st.sampled_from(["scalar", "object", "object", "array", "parts", "choice", "open"])) if depth else "scalar"
    )
    if kind == "scalar":
        return draw(scalars())
    if kind == "array":
        one = draw(answers(depth - 1))
        count = draw(st.integers(0, 3))
        return Made({"type": "array", "items": one.schema, "maxItems": 3}, _list([one.text] * count, draw))
    if kind == "open":
        values = draw(st.dictionaries(TEXTS, st.just("1"), max_size=3))
        pairs = [(_written(name, draw), value) for name, value in values.items()]
        return Made({"type": "object", "additionalProperties": {"type": "integer"}}, _object(pairs, draw))
    members = {
        name: draw(answers(depth - 1)) for name in draw(st.lists(st.sampled_from(NAMES), max_size=4, unique=True))
    }
    schema: dict[str, Any] = {"type": "object", "properties": {name: one.schema for name, one in members.items()}}
    there = [name for name in members if draw(st.booleans())]
    schema["required"] = draw(st.lists(st.sampled_from(there), unique=True)) if there else []
    if kind == "parts" and members:
        first, *others = members
        schema = {
            "type": "object",
            "allOf": [
                {"properties": {first: members[first].schema}},
                {"properties": {name: members[name].schema for name in others}},
            ],
        }
    pairs = [(name, members[name].text) for name in there]
    if kind == "choice":
        schema["properties"]["tell"] = {"const": "this"}
        schema["required"].append("tell")
        other = {
            "type": "object",
            "properties": {"tell": {"const": "that"}, **{name: {} for name in UNDECLARED}},
            "required": ["tell"],
        }
        schema = {"oneOf": draw(st.permutations([schema, other]))}
        pairs.append(("tell", _written("this", draw)))
    for name in draw(st.lists(st.sampled_from(UNDECLARED), max_size=2, unique=True)):
        pairs.append((name, draw(answers(1) if depth > 1 else scalars()).text))
    return Made(schema, _object([(_written(name, draw), text) for name, text in draw(st.permutations(pairs))], draw))


def _list(texts: list[str], draw: st.DrawFn) -> str:
    space = draw(SPACE)
    return "[" + space + f"{space},{space}".join(texts) + space + "]"


def _object(pairs: list[tuple[str, str]], draw: st.DrawFn) -> str:
    space = draw(SPACE)
    return "{" + space + f"{space},".join(f"{space}{name}{space}:{space}{text}" for name, text in pairs) + space + "}"


def closed(schema: Any) -> Any:
    """The same, and no object has a member that is not declared: what a description promises, said in JSON Schema."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        word: {name: closed(one) for name, one in value.items()}
        if word == "properties"
        else value
        if word in {"const", "enum"}
        else closed(value)
        for word, value in schema.items()
    }
    if schema.get("type") == "object" and "additionalProperties" not in schema:
        made["unevaluatedProperties"] = False
    return made


def is_in_order(some: list[bytes], all_: list[bytes]) -> bool:
    rest = iter(all_)
    return all(one in rest for one in some)


LOOKOUT = Lookout(dict.fromkeys(Kind, "report"))


def projector(schema: Any, lookout: Lookout | None) -> Callable[..., tuple[bytes, int, int]]:
    shape = Shapes(Description("t", "3.1", "", "", (), (), {}, {})).of(schema)
    return Projector(shape, Program(lookout=lookout))


@pytest.mark.fuzz
@settings(max_examples=300)
@given(made=answers(), looks=st.booleans())
def test_what_leaves_is_what_was_promised_to_the_byte_and_leaves_again_as_it_is(made: Made, looks: bool) -> None:
    body = made.text.encode()
    project = projector(made.schema, LOOKOUT if looks else None)
    left, withheld, _ = project(body)
    assert jsonschema_rs.validator_for(closed(made.schema)).is_valid(json.loads(left)), (made, left)
    assert is_in_order(TOKEN.findall(left), TOKEN.findall(body)), (made, left)
    assert project(left) == (left, 0, 0), (made, left)
    assert (withheld == 0) is jsonschema_rs.validator_for(closed(made.schema)).is_valid(json.loads(body)), (made, left)
