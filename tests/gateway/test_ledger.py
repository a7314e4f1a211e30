"""Last uses and reminders: written in batches, by whoever is running, and no request minds."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.errors import FileError
from ninefold.gateway import ledger
from ninefold.gateway.ledger import Ledger, due
from ninefold.keys.use import beside, last_uses
from ninefold.trail.event import Event, Notice

if TYPE_CHECKING:
    from pathlib import Path


def _event(time: float, address: str = "10.0.0.1") -> Event:
    return Event(time, "id", "admitted", "GET", "/", address=address)


def _run(store: Path, work: Any, said: list[str] | None = None) -> list[Notice]:
    told: list[Notice] = []

    async def main() -> None:
        one = Ledger(store, 0.0, told.append, (said if said is not None else []).append, asyncio.get_running_loop())
        await work(one)
        await one.close()

    asyncio.run(main())
    return told


def test_a_batch_is_written_soon_and_the_rest_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "BATCH_SECONDS", 0.05)
    store = tmp_path / "keys.db"
    store.touch()

    async def work(one: Ledger) -> None:
        one.note("a", _event(1.0))
        one.note("a", _event(2.0, "::1"))
        for _ in range(500):
            await asyncio.sleep(0.02)
            if "a" in last_uses(store):
                break
        assert (last_uses(store)["a"].time, last_uses(store)["a"].address) == (2.0, "::1")
        one.note("b", _event(3.0))

    _run(store, work)
    assert sorted(last_uses(store)) == ["a", "b"]


def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MOST_PENDING", 10)

    async def work(one: Ledger) -> None:
        for number in range(100):
            one.note(f"k{number}", _event(1.0))
            one.note("k3", _event(float(number)))
        assert len(one._batch) == 10

    (tmp_path / "keys.db").touch()
    _run(tmp_path / "keys.db", work)
    assert len(last_uses(tmp_path / "keys.db")) == 10
    assert last_uses(tmp_path / "keys.db")["k3"].time == 99.0


def test_a_file_that_cannot_be_written_is_told_once_and_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "BATCH_SECONDS", 0.02)
    store = tmp_path / "keys.db"
    store.touch()
    beside(store).mkdir()
    said: list[str] = []

    async def work(one: Ledger) -> None:
        for number in range(5):
            one.note("a", _event(float(number)))
            await asyncio.sleep(0.05)

    _run(store, work, said)
    assert len(said) == 1
    assert "cannot be written" in said[0]


def test_a_keys_file_that_has_gone_is_not_made_anew(tmp_path: Path) -> None:
    said: list[str] = []

    async def work(one: Ledger) -> None:
        one.note("a", _event(1.0))

    _run(tmp_path / "keys.db", work, said)
    with pytest.raises(FileError, match="has gone"):
        list(due(tmp_path / "keys.db", 1e6, 1.0))
    assert list(tmp_path.iterdir()) == []
    assert "has gone" in said[0]


def test_a_key_that_ends_soon_is_told_once_a_day(contract: Any, issue: Any) -> None:
    path = contract()
    store = path.parent / "ninefold-keys.db"
    issue(path, lifetime=3 * 86400)
    issue(path, lifetime=30 * 86400)
    now = time.time()
    (notice,) = due(store, 14 * 86400, now)
    assert notice.notice == "key-due"
    assert f"ninefold keys rotate {notice.caller}" in notice.reason
    assert list(due(store, 14 * 86400, now)) == []
    assert [one.caller for one in due(store, 14 * 86400, now + 86400)] == [notice.caller]


def _notices(path: Path) -> list[dict[str, Any]]:
    lines = (path.parent / "trail.jsonl").read_bytes().splitlines()
    return [one for one in map(json.loads, lines) if "notice" in one]


def test_the_gateway_tells_its_trail_and_remembers_across_restarts(
    gate: Any, contract: Any, issue: Any, upstream: Any
) -> None:
    path = contract(upstream=upstream.url, keys={"remind": "14d"})
    key = issue(path, lifetime=86400.0)
    first = gate(path)
    until = time.monotonic() + 10
    while not _notices(path) and time.monotonic() < until:
        time.sleep(0.02)
    assert [one["caller"] for one in _notices(path)] == [key.split("_")[2]]
    assert first.get("/things/1", key, "X-Forwarded-For: 203.0.113.9")[0] == 200
    assert first.get("/things/1", key, method="PUT")[0] == 405
    first.stop()
    gate(path).stop()
    assert len(_notices(path)) == 1
    use = last_uses(path.parent / "ninefold-keys.db")[key.split("_")[2]]
    assert use.address == "127.0.0.1", "a caller's own word for it does not count"
    assert abs(use.time - time.time()) < 60


def test_keys_of_which_nobody_is_to_be_reminded_are_not_told(
    gate: Any, contract: Any, issue: Any, upstream: Any
) -> None:
    path = contract(upstream=upstream.url, keys={"remind": "0s"})
    issue(path, lifetime=86400.0)
    running = gate(path)
    running.get("/open")
    running.stop()
    assert _notices(path) == []


def test_however_many_keys_end_at_once_the_trail_is_told_of_some_and_that_there_are_more(
    contract: Any, issue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MOST_TOLD", 3)
    path = contract()
    for days in range(5, 0, -1):
        issue(path, lifetime=days * 86400)
    now = time.time()
    more, *first = due(path.parent / "ninefold-keys.db", 14 * 86400, now)
    assert (more.caller, "more than 3 keys" in more.reason) == ("", True)
    assert [round((one.expires - now) / 86400) for one in first] == [1, 2, 3]
    assert list(due(path.parent / "ninefold-keys.db", 14 * 86400, now)) == []
