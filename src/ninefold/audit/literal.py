"""Texts that stand in an API's own code: what signs with one of them has no secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ninefold.audit.source import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Code alone: a file of settings beside it may be how the secret is meant to get there.
_CODE = (
    *(".py", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx"),
    *(".go", ".java", ".kt", ".rb", ".php", ".cs", ".rs", ".scala", ".ex"),
)

#: Most texts that are told, and the shortest and longest of them.
LITERALS, SHORTEST, LONGEST = 20_000, 4, 256
_LITERAL = re.compile(rf"""(["'`])((?:(?!\1)[^\\\n]){{{SHORTEST},{LONGEST}}})\1""")


class Literal(NamedTuple):
    """`file` is the path below the root, `line` counts from 1."""

    text: str
    file: str
    line: int


def literals(root: Path) -> Iterator[Literal]:
    """Each text once, in quotes as most languages have them, and without escapes; none of tests."""
    known: set[str] = set()
    for file in files(root, *_CODE):
        for number, line in enumerate(() if file.is_test else file.text.splitlines(), 1):
            for _, text in _LITERAL.findall(line[:2000]):
                if text not in known:
                    known.add(text)
                    yield Literal(text, file.name, number)
                if len(known) == LITERALS:
                    return
