"""The ring says what the file says: at the very next look after another process has changed it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from ninefold.errors import FileError, KeyringError, Place
from ninefold.keys.keeper import Adopted, Keeper
from ninefold.keys.record import Grant, State
from ninefold.keys.ring import Ring

if TYPE_CHECKING:
    from ninefold.keys.token import MintedKey

NOW = 1_795_000_000.0


def _issue(keeper: Keeper, role: str = "reader", lifetime: float = 100.0) -> MintedKey:
    return keeper.issue(role=role, scopes=(), name="", env="test", lifetime=lifetime, now=NOW, randomness=os.urandom)


def test_a_key_revoked_by_another_process_is_refused_at_the_next_look(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    keeper, ring = Keeper(path), Ring(path)
    key = _issue(keeper)
    assert not ring.fresh()
    ring.refresh()
    assert ring.fresh()
    assert ring.present(ring.digest(key.text.encode()))
    script = (
        "import sys, pathlib; from ninefold.keys.keeper import Keeper;"
        f" keeper = Keeper(pathlib.Path(sys.argv[1])); keeper.revoke(sys.argv[2], now={NOW}); keeper.close()"
    )
    subprocess.run([sys.executable, "-c", script, str(path), key.id], check=True)
    assert not ring.fresh()
    ring.refresh()
    assert ring.present(ring.digest(key.text.encode())) is None
    ring.close()
    keeper.close()


def test_rotation_leaves_both_keys_until_the_overlap_ends(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "keys.db")
    ring = Ring(tmp_path / "keys.db")
    old = _issue(keeper, lifetime=1000)
    new = keeper.rotate(old.id, lifetime=1000, overlap=10, now=NOW, randomness=os.urandom)
    ring.refresh()
    kept, made = ring.present(ring.digest(old.text.encode())), ring.present(ring.digest(new.text.encode()))
    assert kept is not None
    assert made is not None
    assert (kept.expires, made.expires) == (NOW + 10, NOW + 1000)
    assert keeper.find(old.id).state(NOW + 5) is State.REPLACED
    with pytest.raises(KeyringError, match="replaced"):
        keeper.rotate(old.id, lifetime=10, overlap=1, now=NOW + 1, randomness=os.urandom)
    ring.close()
    keeper.close()


def test_a_file_that_goes_or_is_replaced_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    keeper, ring = Keeper(path), Ring(path)
    key = _issue(keeper)
    ring.refresh()
    keeper.close()
    for name in ("keys.db", "keys.db-shm", "keys.db-wal"):
        (tmp_path / name).rename(tmp_path / f"old-{name}")
    with pytest.raises(FileError, match="gone"):
        ring.verify()
    other = Keeper(path)
    ring.verify()
    assert ring.present(ring.digest(key.text.encode())) is None
    assert len(ring) == 0
    other.close()
    ring.close()


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough to look like one" * 30])
def test_a_file_that_is_no_store_is_a_clear_error_or_a_new_store(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys.db"
    path.write_bytes(content)
    if content:
        with pytest.raises(FileError, match=r"keys\.db: is no SQLite database"):
            Ring(path)
    else:
        Ring(path).close()


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE mine (a)")
    other.commit()
    other.close()
    with pytest.raises(FileError, match="another program"):
        Ring(path)


def test_only_digests_are_on_disk(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "keys.db")
    key = _issue(keeper)
    keeper.close()
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert key.text.split("_")[3].encode() not in content
    assert (tmp_path / "keys.db").stat().st_mode & 0o777 == 0o600


class Keys(RuleBasedStateMachine):
    """Any order of issuing, rotating and revoking: the ring holds just what the keeper says is not revoked."""

    folder: Path
    count = 0

    def __init__(self) -> None:
        super().__init__()
        Keys.count += 1
        path = self.folder / f"keys{Keys.count}.db"
        self.keeper, self.ring = Keeper(path), Ring(path)
        self.texts: dict[str, bytes] = {}

    @rule()
    def issue(self) -> None:
        key = _issue(self.keeper)
        self.texts[key.id] = key.text.encode()

    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        if self.texts:
            self.keeper.revoke(self._one(data), now=NOW)

    @rule(data=st.data())
    def rotate(self, data: st.DataObject) -> None:
        if self.texts:
            old = self._one(data)
            if self.keeper.find(old).state(NOW) is State.ACTIVE:
                key = self.keeper.rotate(old, lifetime=50, overlap=5, now=NOW, randomness=os.urandom)
                self.texts[key.id] = key.text.encode()

    @rule(data=st.data())
    def leak(self, data: st.DataObject) -> None:
        if self.texts:
            self.keeper.leaked([self.ring.digest(self.texts[self._one(data)])], now=NOW)

    @rule(text=st.binary(min_size=30, max_size=40))
    def adopt(self, text: bytes) -> None:
        one = Adopted(self.ring.digest(b"x" + text), Grant("reader"), NOW + 50, "", Place("keys.csv"))
        try:
            (key_id,) = self.keeper.adopt([one], "test", NOW, os.urandom)
        except KeyringError:
            return
        self.texts[key_id] = b"x" + text

    def _one(self, data: st.DataObject) -> str:
        """Any of the keys, by when it was issued: their ids are another each time."""
        return list(self.texts)[data.draw(st.integers(0, len(self.texts) - 1))]

    @invariant()
    def alike(self) -> None:
        if not self.ring.fresh():
            self.ring.refresh()
        for issued in self.keeper.all():
            held = self.ring.present(self.ring.digest(self.texts[issued.id]))
            assert (held is None) == bool(issued.revoked)
            assert held is None or held.expires == issued.expires

    def teardown(self) -> None:
        self.ring.close()
        self.keeper.close()


def test_the_ring_and_the_file_never_differ(tmp_path: Path) -> None:
    Keys.folder = tmp_path
    run_state_machine_as_test(Keys, settings=settings(max_examples=20, stateful_step_count=15, deadline=None))


def _locked(path: Path) -> bool:
    """Whether this process holds SQLite's lock that says the WAL index is in use (walIndexLock, byte 128)."""
    inode = Path(f"{path}-shm").stat().st_ino
    rows = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return any(
        row[4] == str(os.getpid()) and row[5].endswith(f":{inode}") and row[6] == "128" for row in rows if len(row) == 8
    )


def test_sqlites_locks_stay_while_a_ring_is_open_so_that_nobody_truncates_what_it_has_mapped(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    first = Ring(path)
    assert _locked(path)
    second = Ring(path)
    second.close()
    assert _locked(path), "closing one ring gave away the lock of the other"
    assert first.fresh()
    first.close()


def test_other_processes_that_open_and_close_the_store_leave_the_ring_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    ring = Ring(path)
    writer = (
        "import sqlite3, sys\n"
        "for number in range(300):\n"
        "    store = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=5)\n"
        "    store.execute('PRAGMA user_version')\n"
        "    store.execute('DELETE FROM key WHERE id = ?', (str(number),))\n"
        "    store.close()\n"
    )
    with subprocess.Popen([sys.executable, "-c", writer, str(path)]) as process:
        while process.poll() is None:
            if not ring.fresh():
                ring.refresh()
    assert process.returncode == 0
    ring.verify()
    ring.close()
