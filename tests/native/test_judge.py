"""The native judge, built with sanitizers, each text in memory of exactly its size, against the library that is used."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.native.test_project import corpus

from ninefold.guard.accept import TABLES, Acceptance
from ninefold.guard.automaton import NO, UNSURE, YES
from ninefold.native import library as native

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE = Path(__file__).parent
SOURCE = Path(native.__file__).parent
LINE: dict[str, Any] = {
    "type": "object",
    "required": ["id", "é\n"],
    "properties": {
        "id": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{2,4}$"},
        "é\n": {"type": "string", "format": "date", "maxLength": 10},
        "mail": {"type": "string", "format": "email", "pattern": "^.+$"},
        "count": {"type": "integer", "minimum": 1, "multipleOf": 2},
        "price": {"type": "number", "exclusiveMinimum": 0.5, "maximum": 99},
        "state": {"enum": ["new", "sent", 3, None, True, 1.5, [1]]},
        "country": {"enum": [f"c{at}" for at in range(40)]},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "maxItems": 4},
        "pair": {"prefixItems": [{"type": "string"}, {"type": "number"}], "items": False, "minItems": 1},
        "kind": {"oneOf": [{"const": "a"}, {"minLength": 2}, {"type": ["null", "boolean"]}]},
        "either": {"anyOf": [{"$ref": "#/$defs/Line"}, {"type": "integer"}], "not": {"const": 7}},
        "when": {"if": {"type": "string"}, "then": {"pattern": r"^\W*$"}, "else": {"type": "object", "minProperties": 1}},
        "doubt": {"contains": {"type": "string"}},
    },
    "patternProperties": {"^x": {"type": "string"}},
    "additionalProperties": {"type": ["object", "integer"], "maxProperties": 2, "additionalProperties": {"$ref": "#/$defs/Line"}},
}  # fmt: skip


Tables = dict[str, tuple[int, bytes]]


def acceptance(schema: Any = LINE) -> tuple[Acceptance, int]:
    made = Acceptance({"Line": LINE})
    return made, made.add(schema)


@pytest.fixture(scope="module")
def driver(sanitized: Callable[[str], Path]) -> Path:
    return sanitized("judge_driver.c")


def _driven(driver: Path, tables: Tables, root: int, texts: Sequence[bytes]) -> bytes:
    """The verdict of each text."""
    ran = _run(driver, tables, root, texts)
    assert ran.returncode == 0, ran.stderr.decode()[-3000:]
    return ran.stdout


def _run(driver: Path, tables: Tables, root: int, texts: Sequence[bytes]) -> subprocess.CompletedProcess[bytes]:
    told = struct.pack("13I", *(tables[name][0] for name in TABLES.values()), root, len(texts))
    order = (
        "node",
        "member",
        "name",
        "rule",
        "need",
        "value",
        "text",
        "part",
        "ref",
        "automaton",
        "step",
        "final",
        "range",
    )
    told += b"".join(tables[name][1] for name in order)
    told += b"".join(struct.pack("I", len(text)) + text for text in texts)
    return subprocess.run([driver], input=told, capture_output=True, check=False)


def _texts(count: int) -> list[bytes]:
    chance = random.Random(11)
    words = [
        "AB-123",
        "AB-1",
        "2024-02-29",
        "2023-02-29",
        "a@b.cd",
        "new",
        "a",
        "bc",
        "c7",
        "é",
        "😀",
        "",
        "x\n",
        "\u2028",
        "y" * 70,
        '"\\/\t',
    ]

    def value(depth: int) -> Any:
        kind = chance.randrange(8 if depth else 5)
        if kind < 2:
            return chance.choice(words)
        if kind < 5:
            return chance.choice([0, 1, 2, 3, 7, 1.5, 0.5, 98.75, 100, -4, 2.0, 10**17, 10**30, True, False, None])
        if kind == 5:
            return [value(depth - 1) for _ in range(chance.randrange(6))]
        return line(depth - 1)

    def line(depth: int) -> Any:
        good: dict[str, Any] = {
            "id": "AB-123", "é\n": "2024-02-29", "mail": "a@b.cd", "count": 4, "price": 1.5, "state": chance.choice(["new", 3, None, True]),
            "country": f"c{chance.randrange(40)}", "tags": ["a", "é", "b"][: chance.randrange(4)], "pair": ["a", 1.5][: chance.randrange(1, 3)],
            "kind": chance.choice(["a", "bc", None]), "either": 1, "when": "--", "doubt": [], "x1": "text", "other": chance.randrange(9),
        }  # fmt: skip
        if depth > 0:
            good |= {"either": line(depth - 1), "other": {"deep": line(depth - 1)}}
        names = ["id", "é\n", *chance.sample([*good][2:], chance.randrange(len(good) - 2))]
        made = {name: good[name] for name in names}
        if chance.random() < 0.4:
            made[chance.choice([*good, "new"])] = value(depth)
        return dict(chance.sample([*made.items()], len(made)))

    found = list(corpus().values())
    while len(found) < count:
        text = json.dumps(line(2), ensure_ascii=chance.random() < 0.5, indent=chance.choice([None, None, 1])).encode()
        found.append(text)
        worse = bytearray(text)
        at = chance.randrange(len(worse) + 1)
        match chance.randrange(3):
            case 0:
                worse[at : at + 1] = bytes([chance.choice(b'"\\{}[],:\x00\x80\xc3\xed\xf4\xff\xd8u019eE-+.tn ')])
            case 1:
                del worse[at:]
            case _:
                worse[at:at] = worse[: chance.randrange(len(worse) + 1)]
        found.append(bytes(worse))
    return found


def test_with_sanitizers_it_reads_within_its_memory_and_says_what_the_library_says(driver: Path) -> None:
    made, root = acceptance()
    texts = _texts(int(os.environ.get("NINEFOLD_NATIVE_TEXTS", "6000")))
    told = _driven(driver, made.packed(), root, texts)
    assert len(told) == len(texts)
    for text, verdict in zip(texts, told, strict=True):
        assert verdict == made.judge(root, text), text
    assert min(told.count(one) for one in (NO, UNSURE, YES)) > len(texts) // 20  # else it tried nothing


def test_at_its_bounds_it_stays_within_its_memory(driver: Path) -> None:
    made, root = acceptance({"items": {"type": ["array", "string", "number"]}, "uniqueItems": True})
    texts = [
        b"[" * 200 + b"]" * 200, b"[" * 201 + b"]" * 201, b"[1e99]", b"[1e100]", b"[%b]" % (b"9" * 300), b"[%b]" % (b"9" * 301),
        b"[%b]" % b",".join(b'"%d"' % at for at in range(5000)), b'["\\u0061","b"]', b'["\\u0061","a"]', b"[1e1,2]", b"[1.0,1]", b"[true,1]",
        b'["a","b"', b"", b"[", b'["', b'["\\', b'{"a', b'{"a"', b'{"a":',
    ]  # fmt: skip
    yes, no, unsure = YES, NO, UNSURE
    assert [*_driven(driver, made.packed(), root, texts)] == [
        yes, unsure, yes, unsure, yes, unsure, yes, yes, unsure, unsure, unsure, no, *[unsure] * 8,
    ]  # fmt: skip


def test_parts_and_hashes_are_within_their_memory_too(driver: Path) -> None:
    doubtful = {"type": "array", "contains": {"type": "string"}}
    schema = {
        "allOf": [{"uniqueItems": True}, {"items": {"maxItems": 3}}], "if": {"items": doubtful},
        "then": {"minItems": 1}, "else": {"maxItems": 4},
    }  # fmt: skip
    made, root = acceptance(schema)
    texts = {
        b'[{"a":[1,2.5],"\\u0062":{}},{"a":[2.5,1],"b":{}},{"b":{"c":null},"a":true}]': YES,
        b'[{"a":[1,2.5],"\\u0062":{}},{"b":{},"a":[1.0,2.50]}]': UNSURE,
        b"[[1],[1,2]]": YES, b"[[1],[1]]": UNSURE, b"[[1,2,3,4]]": NO, b"[]": NO, b"[[],[1],[2],[3],[4]]": UNSURE, b"[1,2,3,4,5]": NO,
    }  # fmt: skip
    assert [*_driven(driver, made.packed(), root, [*texts])] == [*texts.values()]


def _changed(name: str, offset: int, form: str, value: int) -> Any:
    """Other bytes in one of the tables."""

    def change(tables: Tables) -> Tables:
        count, content = tables[name]
        changed = bytearray(content)
        struct.pack_into(form, changed, offset, value)
        return {**tables, name: (count, bytes(changed))}

    return change


#: Where the fields of a rule and an automaton are that point somewhere.
PATTERN, PREFIX, MULTIPLE = 48 + 9 * 4, 48 + 14 * 4, 32


@pytest.mark.parametrize(
    "broken",
    [
        *(_changed("rule", PATTERN + 4 * at, "i", value) for at in range(5) for value in (-2, 100_000)),
        *(_changed("rule", PREFIX + 8 * at + 4 * half, "I", 2**32 - 1) for at in range(4) for half in range(2)),
        _changed("rule", MULTIPLE, "q", -1),
        _changed("ref", 0, "i", 100_000), _changed("ref", 0, "i", -2),
        _changed("part", 0, "I", 5), _changed("part", 4, "I", 2**31), _changed("part", 8, "I", 2**31),
        *(_changed("automaton", 4 * at, "I", 2**31) for at in range(7)),
        _changed("automaton", 4, "I", 2), _changed("automaton", 8, "I", 0), _changed("automaton", 24, "I", 0), _changed("automaton", 32, "B", 255),
        _changed("step", 0, "H", 65535), _changed("final", 0, "B", 3), _changed("range", 0, "I", 1), _changed("range", 4, "I", 255),
        _changed("value", 8 + 4, "I", 2**31), _changed("member", 8, "i", 100_000), _changed("node", 12, "I", 2**31),
    ],
)  # fmt: skip
def test_rules_whose_indices_point_nowhere_are_not_made(driver: Path, broken: Any) -> None:
    made, root = acceptance()
    assert _made(made.packed())
    assert not _made(broken(made.packed()))
    assert _run(driver, broken(made.packed()), root, []).returncode == 6


def test_the_parts_of_a_rule_have_as_many_rules_as_they_want() -> None:
    made, _ = acceptance({"anyOf": [True, {"type": "null"}], "minLength": 1})
    assert _made(made.packed())
    for kind in (3, 4):  # `not` wants one, `if` three
        assert not _made(_changed("part", 0, "I", kind)(made.packed()))


def test_names_have_automata_and_rules_in_turn() -> None:
    made, _ = acceptance({"patternProperties": {"^a": {"type": "string"}}})
    tables = made.packed()
    assert _made(tables)
    for wrong in (-1, 7):
        assert not _made(_changed("ref", 0, "i", wrong)(tables))


def _made(tables: Tables) -> bool:
    given, held = (
        native.ffi.new("tables *"),
        {name: native.ffi.from_buffer(content) for name, (_, content) in tables.items()},
    )
    for plural, singular in TABLES.items():
        setattr(given, plural, tables[singular][0])
    for name, buffer in held.items():
        setattr(given, name, buffer)
    made = native.library().nf_rules(given, native.SEED)
    native.library().nf_rules_free(made)
    return bool(made != native.ffi.NULL)


def test_a_rule_that_is_none_and_a_text_of_more_than_four_gibibytes_are_left_to_others() -> None:
    made, _ = acceptance()
    rules = made.make()
    assert native.library().nf_judge(rules, 10_000, b"1", 1) == UNSURE
    assert native.library().nf_judge(rules, 0, b"", 2**32) == UNSURE
