from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ninefold.audit.code.read import sights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def seen(tmp_path: Path) -> Callable[[str, str], list[tuple[str, int]]]:
    """The kinds and lines of what one file shows; `?` after a kind that is suspected only."""

    def look(name: str, text: str) -> list[tuple[str, int]]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return [(one.kind + "?" * (not one.sure), one.line) for _, one in sights(tmp_path).seen]

    return look
