"""Revocations: seen by every reader before the next use, never lost, and what holds while the file cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from ninefold.errors import FileError
from ninefold.identity.revocations import KEPT, Registrar, Revocations
from ninefold.identity.token import Token


def _token(subject: str = "alice", known_as: str = "1", issued: float = 100.0) -> Token:
    return Token(subject, known_as, "", (), (), issued, 1e9)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.db"


def test_another_process_revokes_and_the_next_look_sees_it(path: Path) -> None:
    reader = Revocations(path)
    assert reader.fresh()
    assert not reader.some
    code = f"from pathlib import Path; from ninefold.identity.revocations import Registrar as R; R(Path({str(path)!r})).revoke('jti', '1', 200.0)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert not reader.fresh()
    reader.refresh()
    assert reader.fresh()
    assert reader.holds(_token())
    assert not reader.holds(_token(known_as="2"))
    reader.close()


def test_a_subjects_tokens_are_revoked_up_to_then_and_not_after(path: Path) -> None:
    registrar, reader = Registrar(path), Revocations(path, leeway=30)
    registrar.revoke("subject", "alice", 200.0)
    reader.refresh()
    assert [reader.holds(_token(issued=at)) for at in (0.0, 100.0, 200.0, 230.0, 230.1, 999.0)] == [True] * 4 + [
        False
    ] * 2
    assert not reader.holds(_token("bob"))
    registrar.revoke("subject", "alice", 150.0)
    reader.refresh()
    assert reader.holds(_token(issued=200.0)), "an earlier time takes nothing back"
    registrar.close()
    reader.close()


def test_a_token_without_an_id_is_not_the_one_that_was_revoked_by_none(path: Path) -> None:
    registrar, reader = Registrar(path), Revocations(path)
    registrar.revoke("jti", "", 1.0)
    reader.refresh()
    assert not reader.holds(_token(known_as=""))
    registrar.close()
    reader.close()


def test_what_was_revoked_longer_ago_than_any_token_lives_is_forgotten(path: Path) -> None:
    registrar = Registrar(path)
    registrar.revoke("jti", "old", 0.0)
    registrar.revoke("jti", "new", KEPT + 1)
    assert registrar.all() == [("jti", "new", KEPT + 1)]
    registrar.close()


def test_a_secret_is_the_same_for_all_and_made_once(path: Path) -> None:
    first, second = Revocations(path), Revocations(path)
    made = first.secret("nonce", os.urandom)
    assert len(made) == 32
    assert second.secret("nonce", os.urandom) == made
    assert second.secret("other", os.urandom) != made
    first.close()
    second.close()


@pytest.mark.parametrize("stale", [0.0, 10.0])
def test_while_it_cannot_be_read_what_is_known_holds_as_long_as_stated(path: Path, stale: float) -> None:
    said: list[str] = []
    now = [0.0]
    reader = Revocations(path, stale=stale, say=said.append, clock=lambda: now[0])
    path.rename(path.with_name("gone"))
    now[0] = 5.0
    reader.verify()
    reader.verify()
    assert reader.fresh() == bool(stale)
    assert reader.fault
    assert len(said) == 1
    if stale:
        reader.refresh()
    else:
        with pytest.raises(FileError):
            reader.refresh()
    now[0] = 10.0
    reader.verify()
    assert not reader.fresh()
    with pytest.raises(FileError, match=r"tokens\.db"):
        reader.refresh()
    path.with_name("gone").rename(path)
    reader.verify()
    assert reader.fresh()
    assert not reader.fault
    assert "can be read again" in said[-1]
    reader.close()


def test_another_file_in_its_place_is_read_and_takes_nothing_back(path: Path, tmp_path: Path) -> None:
    registrar, reader = Registrar(path), Revocations(path)
    registrar.revoke("jti", "1", 1.0)
    reader.refresh()
    registrar.close()
    other = Registrar(tmp_path / "other.db")
    other.revoke("jti", "2", 1.0)
    other.close()
    for end in ("-shm", "-wal"):
        Path(f"{path}{end}").unlink()
    (tmp_path / "other.db").rename(path)
    reader.verify()
    assert not reader.fault
    assert reader.holds(_token())
    assert reader.holds(_token(known_as="2"))
    reader.close()


def test_rubbish_in_its_place_is_a_fault_and_then_it_can_come_back(path: Path, tmp_path: Path) -> None:
    reader = Revocations(path)
    for end in ("-shm", "-wal"):
        Path(f"{path}{end}").rename(tmp_path / f"kept{end}")
    path.rename(tmp_path / "kept")
    path.write_bytes(b"no database, and long enough to be told from one " * 40)
    reader.verify()
    assert reader.fault
    assert not reader.fresh()
    for end in ("", "-shm", "-wal"):
        Path(f"{path}{end}").unlink(missing_ok=True)
        (tmp_path / f"kept{end}").rename(f"{path}{end}")
    reader.verify()
    assert not reader.fault
    assert reader.fresh()
    reader.close()


class Readers(RuleBasedStateMachine):
    """One writer, two readers who look when they like: after a look, each knows all that was revoked before it."""

    path: Path
    count = 0

    @initialize()
    def open(self) -> None:
        Readers.count += 1
        path = self.path / f"{Readers.count}.db"
        self.registrar, self.readers = Registrar(path), [Revocations(path), Revocations(path)]
        self.revoked: set[tuple[str, str]] = set()

    @rule(kind=st.sampled_from(["jti", "subject"]), name=st.sampled_from("abc"))
    def revoke(self, kind: str, name: str) -> None:
        self.registrar.revoke(kind, name, 1000.0)
        self.revoked.add((kind, name))

    @rule(which=st.integers(0, 1), verify=st.booleans())
    def look(self, which: int, verify: bool) -> None:
        reader = self.readers[which]
        if verify:
            reader.verify()
        elif not reader.fresh():
            reader.refresh()
        assert reader.fresh()
        for name in "abc":
            assert reader.holds(_token("nobody", name)) == (("jti", name) in self.revoked)
            assert reader.holds(_token(name, "none")) == (("subject", name) in self.revoked)

    def teardown(self) -> None:
        self.registrar.close()
        for reader in self.readers:
            reader.close()


def test_every_reader_knows_what_was_revoked_before_he_looked(tmp_path: Path) -> None:
    Readers.path = tmp_path
    run_state_machine_as_test(Readers)
