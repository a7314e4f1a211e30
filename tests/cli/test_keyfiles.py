"""Importing keys and telling of leaked ones: nothing of a key is ever printed, and nothing is half done."""

from __future__ import annotations

import json
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def keys() -> list[str]:
    return [secrets.token_hex(16) for _ in range(3)]


def _listed(ninefold: Run, path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in ninefold("keys", "list", "--contract", path, "--json")[1].splitlines()]


def test_keys_of_elsewhere_are_taken_by_their_digests(
    ninefold: Run, contract: Callable[..., Path], keys: list[str], tmp_path: Path
) -> None:
    path = contract()
    sheet = tmp_path / "in.csv"
    sheet.write_text(
        "key,name,role,scopes,expires,owner,tenant,tier\n"
        f"{keys[0]},shop,writer,things:read,30d,ops,acme,gold\n{keys[1]},app,reader,,,,,\n"
    )
    code, out, told = ninefold("keys", "import", "--contract", path, sheet)
    assert (code, told) == (0, "2 keys imported\n")
    assert all(len(line) <= 80 for line in out.splitlines())
    first, _ = _listed(ninefold, path)
    wanted = {
        "name": "shop",
        "scopes": ["things:read"],
        "owner": "ops",
        "tenant": "acme",
        "tier": "gold",
        "imported": True,
    }
    assert {name: first[name] for name in wanted} == wanted
    assert not any(key in out + told for key in keys)
    assert all(key.encode() not in file.read_bytes() for key in keys for file in path.parent.glob("*.db*"))
    shown = ninefold("keys", "show", "--contract", path, first["id"])[1]
    assert "made elsewhere and imported" in shown


def test_one_fault_leaves_all_out_and_is_told_with_its_line(
    ninefold: Run, contract: Callable[..., Path], keys: list[str], tmp_path: Path
) -> None:
    path = contract()
    sheet = tmp_path / "in.csv"
    sheet.write_text(f"key,role\n{keys[0]},reader\nshort,reader\n{keys[1]},owner\n")
    code, out, told = ninefold("keys", "import", "--contract", path, sheet)
    assert (code, out) == (65, "")
    assert f"{sheet}:3:1: the key can be guessed: it has 5 characters" in told
    assert f"{sheet}:4:1: the contract has no such role" in told
    assert _listed(ninefold, path) == []
    sheet.write_text("key,role\nshort,reader\n")
    assert (
        "is no environment"
        in ninefold("keys", "import", "--contract", path, sheet, "--weak", "they change it", "--env", "a_b")[2]
    )
    assert ninefold("keys", "import", "--contract", path, sheet, "--weak", "no")[0] == 65
    code, _, told = ninefold("keys", "import", "--contract", path, sheet, "--weak", "the partner changes it in March")
    assert (code, told) == (0, "1 key imported, 1 of them weak\n")
    assert _listed(ninefold, path)[0]["weak"] == "it has 5 characters; the partner changes it in March"


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"key,role\n", b"\xff\xfe\x00k", b"key,role\n\xff\xff,reader\n", b'key,role\n"a']
)
def test_a_file_that_is_no_sheet_is_told(
    ninefold: Run, contract: Callable[..., Path], tmp_path: Path, content: bytes
) -> None:
    sheet = tmp_path / "in.csv"
    sheet.write_bytes(content)
    code, out, told = ninefold("keys", "import", "--contract", contract(), sheet)
    assert (code, out) == (65, "")
    assert "Traceback" not in told
    assert "fault of its own" not in told


def test_leaked_keys_are_revoked_and_never_come_back(
    ninefold: Run, contract: Callable[..., Path], keys: list[str], tmp_path: Path
) -> None:
    path = contract()
    made = ninefold("keys", "create", "--contract", path, "--role", "reader")[1].strip()
    sheet, leaks = tmp_path / "in.csv", tmp_path / "leaks"
    sheet.write_text(f"key,role\n{keys[0]},reader\n")
    ninefold("keys", "import", "--contract", path, sheet)
    leaks.write_text(f"# found\n{made}\n{sha256(keys[0].encode()).hexdigest()}\n{keys[1]}\n")
    code, out, told = ninefold("keys", "leaked", "--contract", path, leaks)
    assert code == 0
    assert sorted(out.splitlines()) == sorted(f"{one['id']} is revoked" for one in _listed(ninefold, path))
    assert told == "2 keys of this contract; 1 more will never be accepted\n"
    assert not any(key in out + told for key in (*keys, made))
    assert {one["state"] for one in _listed(ninefold, path)} == {"revoked"}
    sheet.write_text(f"key,role\n{keys[1]},reader\n")
    code, _, told = ninefold("keys", "import", "--contract", path, sheet)
    assert code == 65
    assert "has leaked" in told
    again = ninefold("keys", "leaked", "--contract", path, leaks)
    assert "it was revoked before" in again[1]
    as_json = ninefold("keys", "leaked", "--contract", path, leaks, "--json")[1]
    assert len([json.loads(line) for line in as_json.splitlines()]) == 2


def test_a_file_without_keys_has_none_to_tell_of(ninefold: Run, contract: Callable[..., Path], tmp_path: Path) -> None:
    leaks = tmp_path / "leaks"
    leaks.write_text("# nothing\n")
    assert ninefold("keys", "leaked", "--contract", contract(), leaks)[0] == 65
    assert ninefold("keys", "leaked", "--contract", contract(), tmp_path / "nowhere")[0] == 64
