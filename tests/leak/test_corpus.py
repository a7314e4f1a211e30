"""Leaks that were planted in sample answers are stopped, and honest answers leave as they are.

Who wrote the corpora had not seen the rules. `gone` must not leave where the contract masks, `stays` has to; tokens in the files are
written with escapes, so that nobody takes them for real ones.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.contract.description import Description
from ninefold.guard.lookout import Lookout
from ninefold.guard.program import Program
from ninefold.guard.project import Projector
from ninefold.guard.shape import Shapes
from ninefold.leak.find import find
from ninefold.leak.rule import Kind
from ninefold.native.library import ffi, library

if TYPE_CHECKING:
    from collections.abc import Iterator

CORPUS = Path(__file__).parent / "corpus"
LOOKOUT = Lookout(dict.fromkeys(Kind, "mask"))
REPORTING = Lookout(dict.fromkeys(Kind, "report"))


class Told:
    leaked: tuple[str, ...] = ()
    surplus = 0


def lines(name: str) -> list[dict[str, Any]]:
    with (CORPUS / name).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def projector(schema: Any, lookout: Lookout | None) -> Projector:
    shape = Shapes(Description("t", "3.1", "", "", (), (), {}, {})).of(schema)
    return Projector(shape, Program(lookout=lookout))


def texts(value: Any) -> Iterator[str]:
    """Everything that a reader sees: texts, names, and other scalars as they are written."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    else:
        yield json.dumps(value)


#: The first pair was written before the rules were mended by it, the second after that; both by somebody who had not seen them.
PLANTED = [*lines("planted.jsonl"), *lines("planted-unseen.jsonl")]
HONEST = [*lines("honest.jsonl"), *lines("honest-unseen.jsonl")]
#: Members of an element by its place (`prefixItems`) leave at every place that declares them: places of a tuple melt.
MELTS = {"field-tuple-01"}
#: What a JavaScript engine says is wanted to stay, and stands beside its own trace; here it goes with it.
GOES = {"u-trace-node-01"}


def test_the_corpora_are_of_the_size_that_was_asked_for() -> None:
    assert len(PLANTED) >= 300
    assert len(HONEST) >= 300
    assert {one["kind"] for one in PLANTED} == {"field", *Kind}


@pytest.mark.parametrize("escaped", [False, True])
@pytest.mark.parametrize("kind", ["field", *Kind])
def test_a_planted_leak_does_not_leave(kind: str, escaped: bool) -> None:
    for case in PLANTED:
        if case["kind"] != kind or case["id"] in MELTS:
            continue
        body = json.dumps(case["answer"], ensure_ascii=escaped).encode()
        told = Told()
        left = list(texts(json.loads(projector(case["schema"], LOOKOUT)(body, told)[0])))
        assert [one for one in case["gone"] if any(one in text for text in left)] == [], case["id"]
        assert [one for one in case["stays"] if not any(one in text for text in left)] == [] or case["id"] in GOES, (
            case["id"]
        )
        assert kind == "field" or told.leaked, case["id"]


def test_what_is_known_to_leave_still_does_so_that_nothing_stands_in_the_list_of_it_too_long() -> None:
    for case in PLANTED:
        if case["id"] in MELTS:
            left = list(texts(json.loads(projector(case["schema"], LOOKOUT)(json.dumps(case["answer"]).encode())[0])))
            assert any(one in text for one in case["gone"] for text in left), case["id"]


def test_where_leaks_are_reported_the_answer_leaves_as_it_is_and_the_trail_tells_no_word_of_them() -> None:
    for case in PLANTED:
        if case["kind"] == "field":
            continue
        body = json.dumps(case["answer"], ensure_ascii=False, separators=(",", ":")).encode()
        told = Told()
        left = projector(case["schema"], REPORTING)(body, told)[0]
        assert left == projector(case["schema"], None)(body)[0], case["id"]
        assert told.leaked, case["id"]
        assert not [one for one in case["gone"] if any(one in place for place in told.leaked)], case["id"]


def test_an_honest_answer_leaves_byte_for_byte() -> None:
    for case in HONEST:
        body = json.dumps(case["answer"], ensure_ascii=False, separators=(",", ":")).encode()
        told = Told()
        assert projector(case["schema"], LOOKOUT)(body, told)[0] == body, case["id"]
        assert told.leaked == (), case["id"]


def test_the_words_of_the_rules_miss_nothing_that_their_patterns_find() -> None:
    told = ffi.new("uint64_t[2]")
    for case in [*PLANTED, *HONEST]:
        for text in texts(case["answer"]):
            raw = text.encode()
            assert find(text, LOOKOUT._told(text)) == find(text), text
            if find(text):
                assert library().nf_look(LOOKOUT.native, raw, len(raw), told), text
