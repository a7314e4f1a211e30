"""How ours grows: with operations, keys and callers; and what a refusal costs beside an answer."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

from bench import nginx, ours, proofs
from bench.load import Case, load
from bench.process import Server, free_port
from bench.work import Work, prepare
from ninefold.keys.keeper import Keeper

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.process import Cores

OPERATIONS = (10, 100, 1_000, 10_000)
OPERATIONS_ROUNDS = 5  # a difference of five parts in a hundred is looked for
KEYS = (1, 1_000, 1_000_000)
CALLERS = (1, 1_000, 10_000)
ROUNDS = 3
SECONDS = 1

#: Rows of keys that nobody holds the text of: as many random digests as are wanted.
_FILL = """
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
INSERT INTO key (id, digest, name, env, role, scopes, created, expires, changed)
SELECT printf('%012x', n), randomblob(32), '', 'bench', 'writer', '', ?, ?, n + (SELECT max(changed) FROM key) FROM number
"""


def measure(folder: Path, cores: Cores) -> dict[str, Any]:
    """All the curves. CPU is in microseconds for each request, one value a round; memory in bytes; times in seconds."""
    port = free_port()
    first = prepare(folder / "first", port)
    with nginx.upstream(first, cores):
        return {
            "operations": _operations(folder, port, cores),
            "answers": _answers(first, cores),
            "proofs": _proofs(folder, port, cores),
            **_keys(folder, port, cores),
        }


def _operations(folder: Path, port: int, cores: Cores) -> dict[str, dict[str, list[float]]]:
    """More and more operations: only one of them asked (what finding it costs), and every one in its turn (cold caches)."""
    turns = []
    with contextlib.ExitStack() as stack:
        for count in OPERATIONS:
            work = prepare(folder / f"operations-{count}", port, extra=count)
            server = stack.enter_context(ours.guard(work, free_port(), cores, f"operations-{count}"))
            lines = [f"/part/{number}/{number * 31 % 9973}/items\t{work.keys[0]}\n" for number in range(count)]
            random.Random(count).shuffle(lines)
            for way, asked in (("one", lines[:1]), ("each", lines)):
                file = work.folder / f"{way}-requests"
                file.write_text("".join(asked))
                turns.append((f"{way} {count}", server, Case(server.name, "/part/0/1/items", requests=file)))
        found = _rounds(turns, cores, folder, OPERATIONS_ROUNDS)
    return {way: {str(count): found[f"{way} {count}"] for count in OPERATIONS} for way in ("one", "each")}


def _answers(work: Work, cores: Cores) -> dict[str, list[float]]:
    """An admitted request, and each kind of refusal."""
    key, reader = work.keys[0], work.keys[1]
    cases = [
        Case("admitted", key=key),
        Case("no key", refused=True),
        Case("malformed key", key="not-a-key", refused=True),
        Case("unknown key", key=work.stranger, refused=True),
        Case("role without the permission", "/admin", reader, refused=True),
        Case("unknown path", "/nowhere", key, refused=True),
        Case("foreign origin", key=key, fields=("Origin: https://foreign.example",), refused=True),
        Case("over the limit", "/limited", key, refused=True),
    ]
    with ours.guard(work, free_port(), cores) as server:
        with contextlib.closing(HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
            connection.request("GET", "/limited", headers={"X-API-Key": key})  # the one that the limit lets through
            connection.getresponse().read()
        return _rounds([(case.name, server, case) for case in cases], cores, work.folder)


def _proofs(folder: Path, port: int, cores: Cores) -> dict[str, list[float]]:
    """What proves a caller beside or instead of a key, and conditions."""
    with contextlib.ExitStack() as stack:
        return _rounds(proofs.turns(folder, port, cores, stack), cores, folder, OPERATIONS_ROUNDS)


def _keys(folder: Path, port: int, cores: Cores) -> dict[str, Any]:
    found: dict[str, Any] = {"keys": {}}
    alone = 0
    for count in KEYS:
        work = prepare(folder / f"keys-{count}", port)
        store = work.folder / "ninefold-keys.db"
        store.unlink()
        texts = _fill(store, count)
        listed = work.folder / "keys"
        listed.write_text("\n".join(texts))
        looked = subprocess.run(
            [sys.executable, "-m", "bench.lookup", str(store), str(listed)], capture_output=True, text=True, check=True
        )
        began = time.monotonic()
        with ours.guard(work, free_port(), cores, f"keys-{count}") as server:
            took = time.monotonic() - began
            alone = alone or server.memory()
            found["keys"][str(count)] = {
                "lookup": float(looked.stdout),
                "memory": server.memory() - alone,
                "start": took,
            }
            if count == KEYS[-1]:
                found["callers_of"] = count
                found["callers"] = _callers(replace(work, keys=texts), server, cores)
    return found


def _callers(work: Work, server: Server, cores: Cores) -> dict[str, list[float]]:
    """More and more callers, in turn: each request has another key, its own limit, and a header block unlike the last."""
    turns = []
    for count in CALLERS:
        asked = work.folder / f"requests-{count}"
        asked.write_text("".join(f"/small\t{text}\n" for text in work.keys[:count]))
        turns.append((str(count), server, Case(f"{count} callers", requests=asked)))
    return _rounds(turns, cores, work.folder)


def _fill(store: Path, count: int) -> tuple[str, ...]:
    """A store of so many keys; the texts of the first of them, up to the most callers."""
    now = time.time()
    keeper = Keeper(store)
    try:
        texts = tuple(
            keeper.issue(
                role="writer", scopes=(), name="", env="bench", lifetime=86400.0 * 60, now=now, randomness=os.urandom
            ).text
            for _ in range(min(count, CALLERS[-1]))
        )
    finally:
        keeper.close()
    if count > len(texts):
        with contextlib.closing(sqlite3.connect(store)) as rows, rows:
            rows.execute(_FILL, (count - len(texts), now, now + 86400 * 60))
    return texts


def _rounds(
    turns: Sequence[tuple[str, Server, Case]], cores: Cores, folder: Path, rounds: int = ROUNDS
) -> dict[str, list[float]]:
    """Name to CPU of each round; the first round only warms up."""
    found: dict[str, list[float]] = {name: [] for name, _, _ in turns}
    for number in range(-1, rounds):
        for name, server, case in turns:
            run = load(server, case, SECONDS, cores, folder)
            if number >= 0:
                found[name].append(run.cpu)
    return found
