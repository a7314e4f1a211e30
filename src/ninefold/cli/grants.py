"""What callers may do, as a table, and what of it the trail shows in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ninefold.cli.screen import printable
from ninefold.contract.rules import unfolded
from ninefold.guard.matrix import Cell, May
from ninefold.trail.read import every

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ninefold.contract.load import LoadedContract
    from ninefold.keys.record import Issued

_DAY = 86400.0


class Use(msgspec.Struct):
    """What the trail tells of use. `begins` is its first record's time; `used` are pairs of caller and operation."""

    since: float
    begins: float
    used: set[tuple[str, str]]
    idle: list[str]


def measured(trail: Path, since: float, issued: list[Issued], callers: dict[str, tuple[frozenset[str], int]]) -> Use:
    """Read the trail once, from its beginning."""
    of = {one.id: _column(one) for one in issued}
    seen: set[str] = set()
    used: set[tuple[str, str]] = set()
    begins = 0.0
    for record in every(trail):
        at = record.get("time")
        if not isinstance(at, int | float):
            continue
        begins = begins or float(at)
        if at < since or record.get("outcome") != "admitted":
            continue
        key_id, operation = str(record.get("caller", "")), str(record.get("operation", ""))
        seen.add(key_id)
        # a key that holds less than its role uses what its role may as well
        used |= {(name, operation) for name in of.get(key_id, ())}
    now_active = {one.id for one in issued if {*_column(one)} & set(callers) and not one.revoked}
    return Use(since, begins, used, sorted(now_active - seen))


def _column(issued: Issued) -> tuple[str, ...]:
    return (issued.role, f"{issued.role}/{issued.id}") if issued.scopes else (issued.role,)


def callers_of(loaded: LoadedContract, active: list[Issued]) -> dict[str, tuple[frozenset[str], int]]:
    """What each role holds, and how many keys have it; and so each key that was narrowed."""
    roles = unfolded(loaded.contract.authorization.roles if loaded.contract.authorization else {})
    found = {name: (held, sum(one.role == name for one in active)) for name, held in roles.items()}
    if not found:
        found = {"": (frozenset(), len(active))}
    for one in active:
        if one.scopes and one.role in roles:
            found[f"{one.role}/{one.id}"] = (roles[one.role] & frozenset(one.scopes), 1)
    return found


def table(
    cells: dict[str, dict[str, Cell]], callers: dict[str, tuple[frozenset[str], int]], width: int
) -> Iterator[str]:
    """Operations with the same row are one row; callers are columns where they fit, else each row lists them."""
    rows: dict[tuple[tuple[str, Cell], ...], list[str]] = {}
    for operation, each in cells.items():
        rows.setdefault(tuple(each.items()), []).append(operation)
    names = {name: printable(name) or "any caller" for name in callers}
    columns = {name: max(len(shown), 4) for name, shown in names.items()}
    label = min(max(len(one) for one in cells) if cells else 9, 40)
    if label + sum(2 + one for one in columns.values()) <= width:
        yield f"{'':{label}}" + "".join(f"  {names[name]:{wide}}" for name, wide in columns.items())
        for row, operations in rows.items():
            marks = "".join(f"  {one.may.value:{columns[name]}}" for name, one in row)
            *above, last = _wrapped(operations, label)
            yield from (line.rstrip() for line in above)
            yield f"{last:{label}}{marks}".rstrip()
    else:
        for row, operations in rows.items():
            yield from _wrapped(operations, width)
            if all(one.may is May.NEVER for _, one in row):
                yield "    -: nobody"
            for may in May:
                those = [names[name] for name, one in row if one.may is may]
                if those and may is not May.NEVER:
                    yield from (f"    {line}" for line in _wrapped([f"{may.value}:", *those], width - 4, " "))
    held = ", ".join(f"{printable(name) or 'any'} {count}" for name, (_, count) in callers.items() if "/" not in name)
    yield f"keys: {held}. yes: always; if: by a condition; open: without a key; -: never"


def _wrapped(words: list[str], width: int, between: str = ", ") -> list[str]:
    lines = [printable(words[0])]
    for one in map(printable, words[1:]):
        if len(lines[-1]) + len(between) + len(one) > width:
            lines[-1] += between.rstrip()
            lines.append(one)
        else:
            lines[-1] += between + one
    return lines


def unused(cells: dict[str, dict[str, Cell]], use: Use, now: float) -> Iterator[str]:
    days = (now - use.since) / _DAY
    if not use.begins:
        yield "the trail is empty, so nothing is known of use"
        return
    if use.begins > use.since:
        begun = (now - use.begins) / _DAY
        yield f"the trail begins {begun:.1f} days ago: what follows is measured over that, not {days:g} days"
    grouped = _grouped(cells, use)
    for (name, places), operations in grouped.items():
        who, by = printable(name) or "any caller", ", ".join(places) or "no rule"
        yield f"unused for {days:g} days by {who} ({by}): {', '.join(map(printable, operations))}"
    if not grouped:
        yield f"every grant was used within {days:g} days"
    if use.idle:
        yield f"keys without a request for {days:g} days: {', '.join(use.idle)}"


def _grouped(cells: dict[str, dict[str, Cell]], use: Use) -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """Grants that nobody used, by caller and by the rules that give them."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for operation, row in cells.items():
        for name, one in row.items():
            if one.may in {May.ALWAYS, May.SOMETIMES} and (name, operation) not in use.used:
                found.setdefault((name, one.places), []).append(operation)
    return found


def as_document(
    cells: dict[str, dict[str, Cell]],
    callers: dict[str, tuple[frozenset[str], int]],
    rules_over: list[str],
    use: Use | None,
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "callers": [{"name": name, "holds": sorted(held), "keys": count} for name, (held, count) in callers.items()],
        "operations": [
            {"id": operation, "may": {name: {"may": one.may.value, "rules": one.places} for name, one in row.items()}}
            for operation, row in cells.items()
        ],
        "over": rules_over,
    }
    if use is not None:
        grants = [
            {"caller": name, "rules": places, "operations": operations}
            for (name, places), operations in _grouped(cells, use).items()
        ]
        document["unused"] = {"since": use.since, "trail_begins": use.begins, "grants": grants, "keys": use.idle}
    return document
