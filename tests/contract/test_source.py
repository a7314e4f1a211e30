"""Where the characters of a string stand in the file, however it was written."""

from __future__ import annotations

import json
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from ninefold.contract.source import parse

WORDS = st.lists(
    st.sampled_from(
        ["caller.id", "==", "'x'", '"y"', "&&", "||", "(", ")", "body.note", "é", "☃", "#", ": x", "''", "!", "\\"]
    ),
    min_size=1,
    max_size=8,
)
STYLES: dict[str, Callable[[list[str]], str]] = {
    "plain": " ".join,
    "single": lambda words: "'" + " ".join(words).replace("'", "''") + "'",
    "double": lambda words: json.dumps(" ".join(words), ensure_ascii=False),
    "literal": lambda words: "|\n" + "\n".join(f"      {one}" for one in words),
    "folded": lambda words: ">-\n" + "\n".join(f"      {one}" for one in words),
    "lines": "\n      ".join,
}


@given(words=WORDS, style=st.sampled_from(sorted(STYLES)), data=st.data())
def test_each_character_is_found_where_it_was_written(words: list[str], style: str, data: st.DataObject) -> None:
    if style in {"plain", "lines"}:  # what YAML would read as something else is not written so
        words = ["a", *(one for one in words if one not in {"#", ": x", "!"})]
    text = f"list:\n  - {{a: 1}}\n  - when: {STYLES[style](words)}\n"
    source = parse(text.encode(), "contract.yaml")
    value = source.data["list"][1]["when"]
    offset = data.draw(st.integers(0, len(value) - 1))
    place = source.within(("list", 1, "when"), offset)
    if not value[offset].isspace():
        assert text.split("\n")[place.line - 1][place.column - 1] == value[offset]


def test_a_character_that_was_written_as_an_escape_has_the_place_of_the_string() -> None:
    source = parse(b'when: "\\u00e9 == x"\n', "contract.yaml")
    assert str(source.within(("when",), 2)) == "contract.yaml:1:7"
    assert str(source.within((), 0)) == "contract.yaml:1:1"
