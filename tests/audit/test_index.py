"""An index is written whole or not at all, is only read after that, and says what it has."""

from __future__ import annotations

import re
import resource
import signal
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.index import Addition, held, is_index, read_advisories, read_index, write_index
from ninefold.audit.renown import Exploited, Odds
from ninefold.errors import FileError, WriteError
from ninefold.keys.ring import Ring

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_795_000_000.0  # 2026-11-18


def record(
    id_: str, name: str = "jinja2", *, ecosystem: str = "PyPI", modified: str = "2026-11-10", **more: Any
) -> Any:
    affected = {
        "package": {"ecosystem": ecosystem, "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2"}]}],
    }
    return {"id": id_, "modified": f"{modified}T00:00:00Z", "summary": "It is bad.", "affected": [affected], **more}


def osv(label: str, *records: Any, day: str = "") -> Addition:
    return Addition(label, "OSV", f"/{label}.zip", day, records)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "advisories.db"


def test_records_are_found_by_the_name_that_their_ecosystem_compares(path: Path) -> None:
    write_index(
        path, [osv("a", record("X-1", "Flask_Login"), record("X-2", "Newtonsoft.Json", ecosystem="NuGet"))], NOW
    )
    assert [one.id for one in read_index(path, ["flask-login"]).records] == ["X-1"]
    assert [one.id for one in read_index(path, ["newtonsoft.json", "other"]).records] == ["X-2"]
    assert read_index(path, []).records == ()


def test_a_source_replaces_its_former_self_and_leaves_the_others(path: Path) -> None:
    write_index(path, [osv("a", record("X-1"), record("X-2")), osv("b", record("X-3"))], NOW)
    write_index(path, [osv("a", record("X-4", modified="2026-11-12"))], NOW)
    assert {one.id for one in read_index(path, ["jinja2"]).records} == {"X-3", "X-4"}


def test_of_a_record_in_two_sources_the_one_that_changed_last_counts(path: Path) -> None:
    old, new = record("X-1", summary="old"), record("X-1", summary="new", modified="2026-11-12")
    gone = record("X-2", modified="2026-11-12", withdrawn="2026-11-12T00:00:00Z")
    write_index(path, [osv("a", new, record("X-2")), osv("b", old, gone)], NOW)
    assert [one.summary for one in read_index(path, ["jinja2"]).records] == ["new"]


def test_a_few_new_records_do_not_make_old_ones_new(path: Path) -> None:
    many = [record(f"X-{number}", modified="2024-01-01") for number in range(10)]
    write_index(path, [osv("all", *many), osv("few", record("Y-1", modified="2026-11-17"))], NOW)
    holding = read_index(path, ["jinja2"]).holdings["PyPI"]
    assert (holding.records, holding.day) == (10, "2024-01-01")
    assert holding.age(NOW) == 1052


def test_the_day_is_the_newest_record_s_unless_it_is_told(path: Path) -> None:
    write_index(path, [osv("a", record("X-1"), record("X-2", modified="2026-11-11"))], NOW)
    assert read_index(path, []).holdings["PyPI"].day == "2026-11-11"
    write_index(path, [osv("a", record("X-1"), day="2026-11-17")], NOW)
    assert read_index(path, []).holdings["PyPI"].day == "2026-11-17"


def test_the_catalogue_and_the_table_are_given_for_the_records_asked_for(path: Path) -> None:
    kev = Addition(
        "CISA KEV", "KEV", "kev.json", "2026-11-16", [Exploited("CVE-2026-1111", "2026-11-01", ransomware=True)]
    )
    epss = Addition(
        "EPSS", "EPSS", "e.csv", "2026-11-17", [Odds("CVE-2026-1111", 0.9, 0.99), Odds("CVE-2026-2222", 0, 0)]
    )
    write_index(path, [osv("a", record("GHSA-1", aliases=["CVE-2026-1111"])), kev, epss], NOW)
    known = read_index(path, ["jinja2"])
    assert known.exploited == {"CVE-2026-1111": Exploited("CVE-2026-1111", "2026-11-01", ransomware=True)}
    assert known.odds == {"CVE-2026-1111": Odds("CVE-2026-1111", 0.9, 0.99)}
    assert known.told(["PyPI"]) == "PyPI 1 record of 2026-11-10, CISA KEV of 2026-11-16, EPSS of 2026-11-17"
    assert [(one.kind, one.ecosystem, one.holding.records, one.holding.day) for one in held(path)] == [
        ("OSV", "PyPI", 1, "2026-11-10"),
        ("KEV", "", 1, "2026-11-16"),
        ("EPSS", "", 2, "2026-11-17"),
    ]


def test_a_fault_leaves_the_old_one_and_nothing_beside_it(path: Path) -> None:
    write_index(path, [osv("a", record("X-1"))], NOW)
    before = path.read_bytes()

    def broken() -> Any:
        yield record("X-2")
        raise FileError("the export is cut off")

    for bad in ([Addition("b", "OSV", "b", "", broken())], [osv("c")]):
        with pytest.raises(FileError):
            write_index(path, bad, NOW)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["advisories.db"]


@pytest.mark.parametrize("first", [False, True])
def test_a_full_disk_leaves_the_old_one_and_nothing_beside_it(path: Path, *, first: bool) -> None:
    if not first:
        write_index(path, [osv("a", record("X-1"))], NOW)
    before = path.read_bytes() if path.exists() else b""
    many = [record(f"X-{number}", f"package-{number}") for number in range(300)]
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        for room in (0, 1, 4096, len(before), 65536, 65537):
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, most[1]))
            with pytest.raises(FileError, match=re.escape(str(path))) as told:
                write_index(path, [osv("b", *many)], NOW)
            assert "fix: " in str(told.value)
            assert [one.name for one in path.parent.iterdir()] == [path.name] * (not first)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
        signal.signal(signal.SIGXFSZ, ignored)
    assert (path.read_bytes() if path.exists() else b"") == before
    write_index(path, [osv("b", *many)], NOW)
    assert len(read_index(path, ["package-7"]).records) == 1


def test_a_reader_sees_the_old_or_the_new_and_nothing_between(path: Path) -> None:
    write_index(path, [osv("a", *(record(f"X-{number}") for number in range(50)))], NOW)
    seen: set[int] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(len(read_index(path, ["jinja2"]).records))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        write_index(path, [osv("a", *(record(f"Y-{number}") for number in range(70)))], NOW)
        write_index(path, [osv("a", *(record(f"X-{number}") for number in range(50)))], NOW)
    done.set()
    reader.join()
    assert seen <= {50, 70}


def test_a_reader_writes_nothing(path: Path) -> None:
    write_index(path, [osv("a", record("X-1"))], NOW)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        read_index(path, ["jinja2"])
        assert [one.name for one in path.parent.iterdir()] == ["advisories.db"]
    finally:
        path.parent.chmod(0o700)


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    write_index(path, [osv("a", record("X-1"))], NOW)
    assert path.stat().st_mode & 0o777 == 0o600


class TestWhatIsNoIndex:
    def test_is_told_where_it_is_another_store(self, tmp_path: Path) -> None:
        other, ours = tmp_path / "other.db", tmp_path / "keys.db"
        with sqlite3.connect(other) as store:
            store.execute("CREATE TABLE a (b)")
        store.close()
        Ring(ours).close()
        for one in (other, ours):
            assert is_index(one)
            with pytest.raises(FileError, match="no index of advisories"):
                read_advisories(one, ["jinja2"])
            with pytest.raises(FileError, match="no index of advisories"):
                write_index(one, [osv("a", record("X-1"))], NOW)

    @pytest.mark.parametrize("damage", [b"\0", b"\xff" * 16, b"x" * 4096])
    def test_is_told_wherever_it_is_damaged(self, path: Path, damage: bytes) -> None:
        write_index(path, [osv("a", *(record(f"X-{number}") for number in range(200)))], NOW)
        whole = path.read_bytes()
        for at in range(0, len(whole), 997):
            raw = (whole[:at] + damage + whole[at + len(damage) :])[: len(whole)]
            if raw == whole:
                continue
            path.write_bytes(raw)
            for read in (lambda: read_advisories(path, ["jinja2"]), lambda: held(path)):
                with pytest.raises(FileError, match=re.escape(str(path))):
                    read()

    def test_is_told_wherever_it_is_cut_off(self, path: Path) -> None:
        write_index(path, [osv("a", *(record(f"X-{number}") for number in range(200)))], NOW)
        whole = path.read_bytes()
        for size in (*range(0, len(whole), 997), len(whole) - 32, len(whole) - 1):
            path.write_bytes(whole[:size])
            with pytest.raises(FileError, match=re.escape(str(path))):
                read_advisories(path, ["jinja2"])
        path.write_bytes(whole + b"x")
        with pytest.raises(FileError, match="is damaged"):
            read_advisories(path, ["jinja2"])

    def test_stays_where_more_is_put_in_and_is_told(self, path: Path) -> None:
        write_index(path, [osv("a", record("X-1"))], NOW)
        path.write_bytes(path.read_bytes()[:-1])
        before = path.read_bytes()
        with pytest.raises(FileError, match="is damaged"):
            write_index(path, [osv("b", record("X-2"))], NOW)
        assert path.read_bytes() == before

    def test_is_told_where_it_is_of_another_version(self, path: Path) -> None:
        write_index(path, [osv("a", record("X-1"))], NOW)
        store = sqlite3.connect(path)
        store.execute("PRAGMA user_version = 1")
        store.close()
        with pytest.raises(FileError, match=r"another version \(1\)"):
            read_advisories(path, ["jinja2"])

    def test_is_told_where_it_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        with pytest.raises(WriteError, match="cannot be created"):
            write_index(tmp_path / "file" / "a.db", [osv("a", record("X-1"))], NOW)
