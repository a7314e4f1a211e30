from __future__ import annotations

import contextlib
import json
import re
import shlex
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

KEY = re.compile(r"nf_live_([A-Za-z0-9]+)_[A-Za-z0-9]+\n\Z")


def test_a_key_is_shown_once_and_only_its_digest_is_kept(ninefold: Run, contract: Callable[..., Path]) -> None:
    path = contract()
    code, text, told = ninefold(
        "keys", "create", "--contract", path, "--role", "reader", "--expires", "30d", "--name", "app"
    )
    assert code == 0
    found = KEY.match(text)
    assert found
    assert f"key {found[1]}, until 20" in told
    secret = text.strip().rpartition("_")[2].encode()
    assert all(secret not in file.read_bytes() for file in path.parent.glob("*.db*"))
    _, listed, _ = ninefold("keys", "list", "--contract", path)
    assert secret.decode() not in listed
    assert re.search(rf"{found[1]}\s+app\s+reader\s+active\s+in 29 days\s+never", listed)


def test_rotation_keeps_both_and_revocation_ends_at_once(ninefold: Run, contract: Callable[..., Path]) -> None:
    path = contract()
    old = ninefold("keys", "create", "--contract", path, "--role", "writer", "--scope", "things:read")[1].split("_")[2]
    code, text, told = ninefold("keys", "rotate", "--contract", path, old)
    assert code == 0
    new = text.split("_")[2]
    assert "is accepted for 1 day more at the most" in told
    assert ninefold("keys", "revoke", "--contract", path, new, old) == (0, f"{new} is revoked\n{old} is revoked\n", "")
    listed = [json.loads(line) for line in ninefold("keys", "list", "--contract", path, "--json")[1].splitlines()]
    assert {one["id"]: (one["state"], one["scopes"]) for one in listed} == {
        old: ("revoked", ["things:read"]),
        new: ("revoked", ["things:read"]),
    }


def test_no_keys_yet_says_how_to_make_one(ninefold: Run, contract: Callable[..., Path]) -> None:
    assert ninefold("keys", "list", "--contract", contract())[1] == "no keys yet: ninefold keys create\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["create"], "a key needs a role"),
        (["create", "--role", "owner"], "it has: reader, writer"),
        (["create", "--role", "reader", "--scope", "things:write"], "does not hold 'things:write'"),
        (["create", "--role", "reader", "--expires", "91d"], "a key may live 90 days at the most"),
        (["create", "--role", "reader", "--expires", "soon"], "'soon' is no duration"),
        (["create", "--role", "reader", "--expires", "0s"], "a key may live"),
        (["create", "--role", "reader", "--env", "a_b"], "is no environment"),
        (["rotate", "nobody"], "there is no key 'nobody'"),
        (["revoke", "nobody"], "there is no key 'nobody'"),
    ],
)
def test_what_cannot_be_issued_is_refused_with_the_reason(
    ninefold: Run, contract: Callable[..., Path], arguments: list[str], words: str
) -> None:
    path = contract()
    code, out, told = ninefold("keys", arguments[0], "--contract", path, *arguments[1:])
    assert (code, out) == (65, "")
    assert words in told
    assert ninefold("keys", "list", "--contract", path)[1].startswith("no keys yet")


def test_a_store_of_another_kind_is_left_as_it_is(ninefold: Run, contract: Callable[..., Path]) -> None:
    path = contract()
    store = path.parent / "ninefold-keys.db"
    with contextlib.closing(sqlite3.connect(store)) as other:
        other.execute("create table theirs (a)")
    before = store.read_bytes()
    code, out, told = ninefold("keys", "create", "--contract", path, "--role", "reader")
    assert code != 0
    assert out == ""
    assert str(store) in told
    assert store.read_bytes() == before


@pytest.mark.parametrize("target", ["/dev/full", "closed"])
def test_a_key_that_nobody_could_read_is_revoked_again(
    ninefold: Run, contract: Callable[..., Path], target: str
) -> None:
    path = contract()
    command = [sys.executable, "-m", "ninefold", "keys", "create", "--role", "reader", "--contract", str(path)]
    shell = f"{shlex.join(command)} {'>&-' if target == 'closed' else f'> {target}'}"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)
    assert done.returncode == 73
    assert "revoked again" in done.stderr
    assert "Traceback" not in done.stderr
    (listed,) = map(json.loads, ninefold("keys", "list", "--contract", path, "--json")[1].splitlines())
    assert listed["state"] == "revoked"


def test_one_unknown_id_does_not_keep_the_others_from_being_revoked(
    ninefold: Run, contract: Callable[..., Path]
) -> None:
    path = contract()
    ids = [ninefold("keys", "create", "--contract", path, "--role", "reader")[1].split("_")[2] for _ in range(2)]
    code, out, told = ninefold("keys", "revoke", "--contract", path, ids[0], "nosuchid", ids[1])
    assert (code, out) == (65, f"{ids[0]} is revoked\n{ids[1]} is revoked\n")
    assert "nosuchid" in told


def test_a_name_does_not_move_the_terminal_and_ids_are_never_cut(
    ninefold: Run, contract: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = contract()
    monkeypatch.setenv("COLUMNS", "40")
    made = ninefold("keys", "create", "--contract", path, "--role", "reader", "--name", "a\x1b[2Jb\x07" + "c" * 60)
    listed = ninefold("keys", "list", "--contract", path)[1]
    assert made[1].split("_")[2] in listed
    assert "\x1b[2J" not in listed
    assert "\x07" not in listed
