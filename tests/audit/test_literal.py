from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ninefold.audit import literal
from ninefold.audit.literal import literals

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ninefold.audit.target import Target


def test_texts_are_told_once_with_their_place(source: Callable[..., Target]) -> None:
    root = source({"a.py": "x = 'first text'\n", "b.ts": '\nconst y = `first text`, z = "it\'s";\n'}).source
    assert root is not None
    assert [tuple(one) for one in literals(root)] == [("first text", "a.py", 1), ("it's", "b.ts", 2)]


@pytest.mark.parametrize(
    "line", ["x = 'abc'", f"x = '{'a' * 257}'", "x = 'a\\nbcd'", "x = 'abcd", f"x = {'(' * 2000}'abcd'"]
)
def test_short_long_and_escaped_ones_are_passed_over(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.py").write_text(line)
    assert list(literals(tmp_path)) == []


def test_there_is_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(literal, "LITERALS", 5)
    (tmp_path / "a.py").write_text("\n".join(f"x = 'text {number}'" for number in range(9)))
    assert len(list(literals(tmp_path))) == 5
