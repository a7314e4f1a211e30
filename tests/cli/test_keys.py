from __future__ import annotations

import contextlib
import json
import re
import shlex
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from ninefold.cli import keyring
from ninefold.keys.use import Use, Uses
from ninefold.trail.writer import TrailWriter

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


DEVICE = "t13d1516h2_8daaf6152771_b186095e22b6"


def test_what_a_key_is_bound_to_and_whose_it_is_stays_with_it_through_rotation(
    ninefold: Run, contract: Callable[..., Path]
) -> None:
    path = contract()
    options = (
        *("--owner", "ops@example.com", "--tenant", "acme", "--tier", "gold", "--from", "10.0.0.0/8", "--from", "::1"),
        *("--origin", "https://app.example.com", "--device", DEVICE, "--certificate", "AB" * 32),
    )
    code, text, told = ninefold("keys", "create", "--contract", path, "--role", "reader", *options)
    assert (code, "note" in told) == (0, False)
    old = text.split("_")[2]
    new = ninefold("keys", "rotate", "--contract", path, old)[1].split("_")[2]
    shown = ninefold("keys", "show", "--contract", path, new)[1]
    for line in (
        "owner        ops@example.com",
        "tenant       acme",
        "tier         gold",
        "from         10.0.0.0/8 ::1/128",
    ):
        assert line in shown
    assert f"devices      {DEVICE}" in shown
    assert f"replaced by  {new}, last used never" in ninefold("keys", "show", "--contract", path, old)[1]
    (before, after) = [
        json.loads(line) for line in ninefold("keys", "list", "--contract", path, "--json")[1].splitlines()
    ]
    assert before["bound"] == after["bound"]
    assert after["bound"]["certificates"] == ["ab" * 32]
    one = json.loads(ninefold("keys", "show", "--contract", path, old, "--json")[1])
    assert (one["state"], one["last_used"], one["last_address"]) == ("replaced", 0.0, "")


def test_an_origin_that_the_contract_does_not_allow_is_noted(ninefold: Run, contract: Callable[..., Path]) -> None:
    told = ninefold(
        "keys", "create", "--contract", contract(), "--role", "reader", "--origin", "https://b.example.com"
    )[2]
    assert "note: the contract's origins.allow does not have https://b.example.com" in told


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--from", "local", "another machine's"),
        ("--from", "0.0.0.0/0", "everybody"),
        ("--origin", "*", "exact"),
        ("--device", "chrome", "no JA4"),
        ("--certificate", "abc", "thumbprint"),
        ("--tenant", "a\nb", "no tenant"),
        ("--tier", "x" * 65, "no tier"),
    ],
)
def test_what_a_key_cannot_be_bound_to_is_refused(
    ninefold: Run, contract: Callable[..., Path], option: str, value: str, words: str
) -> None:
    path = contract()
    code, out, told = ninefold("keys", "create", "--contract", path, "--role", "reader", option, value)
    assert (code, out) == (65, "")
    assert words in told
    assert ninefold("keys", "list", "--contract", path)[1].startswith("no keys yet")


def test_the_last_use_is_shown_where_keys_are(ninefold: Run, contract: Callable[..., Path]) -> None:
    path = contract()
    key_id = ninefold("keys", "create", "--contract", path, "--role", "reader")[1].split("_")[2]
    with contextlib.closing(Uses(path.parent / "ninefold-keys.db")) as uses:
        uses.write({key_id: Use(time.time() - 7300, "203.0.113.7")})
    assert re.search(rf"{key_id} .* active +in 89 days +2 hours ago", ninefold("keys", "list", "--contract", path)[1])
    assert "last used    2 hours ago from 203.0.113.7 (20" in ninefold("keys", "show", "--contract", path, key_id)[1]
    told = ninefold("keys", "rotate", "--contract", path, key_id)[2]
    assert f"{key_id} was last used: 2 hours ago from 203.0.113.7" in told
    assert (
        json.loads(ninefold("keys", "list", "--contract", path, "--json")[1].splitlines()[0])["last_address"]
        == "203.0.113.7"
    )


def test_a_list_fits_eighty_columns(
    ninefold: Run, contract: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = contract()
    monkeypatch.setenv("COLUMNS", "80")
    ninefold("keys", "create", "--contract", path, "--role", "reader", "--name", "the partner's nightly export")
    ninefold("keys", "create", "--contract", path, "--role", "writer", "--name", "x" * 300)
    listed = ninefold("keys", "list", "--contract", path)[1]
    assert max(len(line) for line in listed.splitlines()) <= 80


def test_a_long_list_is_a_line_a_key_and_fits_too(
    ninefold: Run, contract: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = contract()
    monkeypatch.setattr(keyring, "MOST_DRAWN", 2)
    names = ("short", "a name\nof two lines that goes on and on", "x" * 300)
    ids = [
        ninefold("keys", "create", "--contract", path, "--role", "reader", "--name", name)[1].split("_")[2]
        for name in names
    ]
    listed = ninefold("keys", "list", "--contract", path)[1].splitlines()
    assert [line.split()[0] for line in listed] == ids
    assert max(len(line) for line in listed) <= 80


def test_keys_that_end_soon_are_listed_and_told_to_the_trail_once_a_day(
    ninefold: Run, contract: Callable[..., Path]
) -> None:
    path = contract()
    assert ninefold("keys", "due", "--contract", path) == (0, "no key ends within 14 days\n", "")
    make = ("keys", "create", "--contract", path, "--role", "reader", "--expires")
    soon = ninefold(*make, "3d")[1].split("_")[2]
    later = ninefold(*make, "60d")[1].split("_")[2]
    for _ in range(2):
        code, out, _ = ninefold("keys", "due", "--contract", path)
        assert (code, soon in out, later in out) == (1, True, False)
    assert later in ninefold("keys", "due", "--contract", path, "--within", "61d", "--json")[1]
    assert ninefold("keys", "due", "--contract", path, "--within", "soon")[0] == 65
    told = ninefold("trail", "tail", "--contract", path)[1]
    assert told.count("notice") == 2
    assert f"key-due  {soon}  the key ends on 20" in told
    assert ninefold("trail", "verify", "--contract", path)[0] == 0


def test_a_trail_that_a_gateway_writes_is_left_to_it(ninefold: Run, contract: Callable[..., Path]) -> None:
    path = contract()
    ninefold("keys", "create", "--contract", path, "--role", "reader", "--expires", "1d")
    with contextlib.closing(TrailWriter(path.parent / "trail.jsonl")):
        code, _, told = ninefold("keys", "due", "--contract", path)
    assert code == 1
    assert "not told to the trail" in told
    assert "notice" not in ninefold("trail", "tail", "--contract", path)[1]
    ninefold("keys", "due", "--contract", path)
    assert "notice" in ninefold("trail", "tail", "--contract", path)[1], "what was not told is told later"
