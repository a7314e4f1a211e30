"""Fields that the design has and nothing enforces yet. They are refused with those words, never accepted and ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ninefold.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.contract.source import Path_, Source

#: A path in the contract (`*`: any place in a list) and what to do without it.
PENDING: tuple[tuple[Path_, str], ...] = (
    (("encryption", "at_rest"), "keep the keys' and the trail's files on an encrypted volume meanwhile"),
    (("encryption", "fields"), "remove it; fields are not encrypted on their way yet"),
    (("dependencies",), "run `ninefold audit --source DIR --advisories PATH` in your pipeline meanwhile"),
    (("limits", "rates", "*", "quota"), "write it as a rate: `rate: 100000/d`"),
    (("limits", "rates", "*", "concurrency"), "use `limits.connections.per_ip`"),
    (("limits", "*", "quota"), "write it as a rate: `rate: 100000/d`"),
    (("limits", "*", "concurrency"), "use `limits.connections.per_ip`"),
    (("trail", "sink"), "use `path:`, the file of the hash chain"),
    (("trail", "retain"), "move old trails away yourself; nothing deletes them"),
    (("trail", "alert"), "follow `ninefold trail tail --follow --json` meanwhile"),
)


_BESIDE = "write it beside the rates: `limits: {rates: [...], penalty: {...}}`"
#: What is enforced, and stands somewhere else.
MISPLACED: tuple[tuple[Path_, str], ...] = (
    (("limits", "rates", "*", "penalty"), _BESIDE),
    (("limits", "*", "penalty"), _BESIDE),
)


def pending(source: Source) -> Iterator[tuple[Path_, Problem]]:
    """Each field in the contract that is planned and not enforced, or stands elsewhere, with the problem that it is."""
    known = [(one, "is not enforced yet, so it is not accepted") for one in PENDING]
    known += [(one, "stands in the wrong place") for one in MISPLACED]
    for (pattern, remedy), why in known:
        for path in _matches(source.data, pattern):
            name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
            yield path, Problem(f"`{name}` {why}", source.place(path, key=True), remedy)


def _matches(value: Any, pattern: Path_, path: Path_ = ()) -> Iterator[Path_]:
    if not pattern:
        yield path
    elif pattern[0] == "*":
        if isinstance(value, list):
            for place, one in enumerate(value):
                yield from _matches(one, pattern[1:], (*path, place))
    elif isinstance(value, dict) and pattern[0] in value:
        yield from _matches(value[str(pattern[0])], pattern[1:], (*path, pattern[0]))
