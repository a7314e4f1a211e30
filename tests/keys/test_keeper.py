"""The keys' file: an older one is taken as it is, leaked keys are out for ever, and keys of elsewhere come all or not at all."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from ninefold.errors import FileError, KeyringProblems, Place
from ninefold.keys.keeper import Adopted, Keeper
from ninefold.keys.record import Bound, Grant, Issued, State
from ninefold.keys.ring import Ring
from ninefold.keys.token import mint
from ninefold.store.sqlite import APPLICATION_ID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ninefold.keys.token import MintedKey

NOW = 1_795_000_000.0
#: The schema of version 1, as it was.
OLD = """
CREATE TABLE key (
  id TEXT PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  name TEXT NOT NULL,
  env TEXT NOT NULL,
  role TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created REAL NOT NULL,
  expires REAL NOT NULL,
  revoked REAL NOT NULL DEFAULT 0,
  replaced_by TEXT NOT NULL DEFAULT '',
  changed INTEGER NOT NULL UNIQUE
)
"""
GRANT = Grant("reader", ("a:read",), "app", "ops", "acme", "gold", Bound(addresses=("10.0.0.0/8",)))


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    with contextlib.closing(Keeper(tmp_path / "keys.db")) as opened:
        yield opened


def _issue(keeper: Keeper, lifetime: float = 1000.0) -> MintedKey:
    return keeper.issue(
        role="reader", scopes=("a:read",), name="app", env="test", lifetime=lifetime, now=NOW, randomness=os.urandom,
        owner="ops", tenant="acme", tier="gold", bound=Bound(addresses=("10.0.0.0/8",)),
    )  # fmt: skip


def _adopted(text: bytes, line: int = 2) -> Adopted:
    return Adopted(sha256(text).digest(), GRANT, NOW + 500, "", Place("keys.csv", line, 1))


def _old(path: Path) -> MintedKey:
    key = mint("live", os.urandom)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as store:
        store.execute("PRAGMA journal_mode = WAL")
        store.execute(OLD)
        store.execute(
            "INSERT INTO key (id, digest, name, env, role, scopes, created, expires, changed) VALUES (?, ?, 'old', 'live', 'reader', 'a b', ?, ?, 7)",
            (key.id, key.digest, NOW, NOW + 100),
        )
        store.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        store.execute("PRAGMA user_version = 1")
    return key


def test_a_file_of_the_first_version_goes_on_with_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    key = _old(path)
    with contextlib.closing(Ring(path)) as ring, contextlib.closing(Keeper(path)) as keeper:
        found = ring.present(ring.digest(key.text.encode()))
        assert found is not None
        assert (found.id, found.scopes, found.owner, found.bound, found.guessable) == (
            key.id,
            ("a", "b"),
            "",
            None,
            False,
        )
        assert keeper.find(key.id) == Issued(key.id, "old", "live", "reader", ("a", "b"), NOW, NOW + 100, 0.0, "")
        new = keeper.rotate(key.id, lifetime=50, overlap=10, now=NOW, randomness=os.urandom)
        assert not ring.fresh()
        ring.refresh()
        assert ring.present(new.digest)
    with contextlib.closing(sqlite3.connect(path)) as store:
        assert store.execute("PRAGMA user_version").fetchone() == (2,)


def test_many_that_open_an_old_file_at_once_migrate_it_once(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    key = _old(path)
    script = "import sys, pathlib; from ninefold.keys.ring import Ring; ring = Ring(pathlib.Path(sys.argv[1])); print(len(ring)); ring.close()"
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert [one.communicate(timeout=60)[0] for one in running] == ["1\n"] * 4
    assert [one.returncode for one in running] == [0] * 4
    with contextlib.closing(Keeper(path)) as keeper:
        assert [one.id for one in keeper.all()] == [key.id]


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    Keeper(path).close()
    with contextlib.closing(sqlite3.connect(path)) as store:
        store.execute("PRAGMA user_version = 3")
    with pytest.raises(FileError, match="newer version"):
        Keeper(path)


def test_a_rotated_key_gives_what_the_old_one_gave_and_is_bound_as_it_was(keeper: Keeper) -> None:
    old = _issue(keeper)
    new = keeper.find(keeper.rotate(old.id, lifetime=10, overlap=5, now=NOW, randomness=os.urandom).id)
    assert new.grant == keeper.find(old.id).grant == GRANT


def test_a_leaked_key_is_revoked_and_never_accepted_again(keeper: Keeper, tmp_path: Path) -> None:
    here, stranger = _issue(keeper), b"a-key-of-somewhere-else-3f2a"
    (found,) = keeper.leaked([here.digest, sha256(stranger).digest()], now=NOW)
    assert (found.id, found.state(NOW)) == (here.id, State.ACTIVE)
    assert keeper.find(here.id).state(NOW) is State.REVOKED
    with pytest.raises(KeyringProblems, match=r"keys\.csv:2:1: the key has leaked") as refused:
        keeper.adopt([_adopted(stranger)], "live", NOW, os.urandom)
    assert stranger.decode() not in str(refused.value)
    # and not even where its row comes back, from a backup, say
    with contextlib.closing(sqlite3.connect(tmp_path / "keys.db")) as store, store:
        store.execute("UPDATE key SET revoked = 0, changed = changed + 1")
    with contextlib.closing(Ring(tmp_path / "keys.db")) as ring:
        assert ring.present(here.digest) is None
        assert len(ring) == 0


def test_keys_of_elsewhere_come_all_or_not_at_all(keeper: Keeper, tmp_path: Path) -> None:
    first = keeper.adopt([_adopted(b"one")], "live", NOW, os.urandom)
    with pytest.raises(KeyringProblems, match=f"here already, as {first[0]}"):
        keeper.adopt([_adopted(b"two"), _adopted(b"one", 3), _adopted(b"three", 4)], "live", NOW, os.urandom)
    assert len(keeper.all()) == 1
    (issued,) = keeper.all()
    assert (issued.grant, issued.imported, issued.expires) == (GRANT, True, NOW + 500)
    with contextlib.closing(Ring(tmp_path / "keys.db")) as ring:
        key = ring.present(ring.digest(b"one"))
        assert key is not None
        assert key.guessable
        assert (key.owner, key.tenant, key.tier, key.bound) == ("ops", "acme", "gold", GRANT.bound)


def test_only_keys_that_end_soon_and_have_no_successor_are_due(keeper: Keeper) -> None:
    _issue(keeper, 5000)
    ended, soon, replaced, revoked = (_issue(keeper, lifetime) for lifetime in (1, 50, 60, 70))
    keeper.rotate(replaced.id, lifetime=5000, overlap=60, now=NOW, randomness=os.urandom)
    keeper.revoke(revoked.id, now=NOW)
    assert [one.id for one in keeper.due(now=NOW + 2, within=100)] == [soon.id]
    assert ended.id in [one.id for one in keeper.due(now=NOW, within=100)]


def test_what_a_row_cannot_say_of_its_key_shuts_the_ring(keeper: Keeper, tmp_path: Path) -> None:
    key = _issue(keeper)
    with contextlib.closing(sqlite3.connect(tmp_path / "keys.db")) as store, store:
        store.execute("UPDATE key SET bound = '{\"addresses\": 7}'")
    with pytest.raises(FileError, match="cannot be read"):
        Ring(tmp_path / "keys.db")
    with pytest.raises(FileError, match="cannot be read"):
        keeper.find(key.id)
