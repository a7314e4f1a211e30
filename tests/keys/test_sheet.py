"""Keys from CSV: what is wrong is told line by line, and never by the key."""

from __future__ import annotations

import secrets
import string
import uuid
from typing import Any

import pytest

from ninefold.errors import KeyringError, KeyringProblems
from ninefold.keys.record import Grant
from ninefold.keys.sheet import Terms, read_sheet, weakness
from ninefold.keys.token import digest

NOW = 1_795_000_000.0
GOOD = "5f4dcc3b5aa765d61d8327deb882cf99"


def _allowed(role: str, scopes: tuple[str, ...]) -> None:
    if role != "reader":
        raise KeyringError(f"the contract has no role {role!r}", remedy="it has: reader")
    del scopes


def _terms(weak: str = "") -> Terms:
    return Terms(NOW, 90 * 86400.0, _allowed, weak)


def _read(text: str, weak: str = "") -> Any:
    return read_sheet(text.splitlines(keepends=True), "in.csv", _terms(weak))


def test_a_sheet_says_all_of_its_keys_in_any_order_of_columns() -> None:
    (one, other) = _read(
        "\ufeffrole,key,Expires,tenant,scopes,owner,tier,name\r\n"
        f'reader,{GOOD},30d,acme,"a:read b:read",ops,gold,"the ""web"" shop"\r\n'
        f"\r\nreader,{GOOD[::-1]},2026-11-25,,,,,\r\n"
    )
    assert one.digest == digest(GOOD.encode())
    assert one.grant == Grant("reader", ("a:read", "b:read"), 'the "web" shop', "ops", "acme", "gold")
    assert (one.expires, one.weak, one.place.line) == (NOW + 30 * 86400, "", 2)
    assert (other.grant.name, other.expires, other.place.line) == ("", 1_795_564_800.0, 4)


def test_without_a_date_a_key_lives_as_long_as_it_may() -> None:
    assert _read(f"key,role\n{GOOD},reader\n")[0].expires == NOW + 90 * 86400


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("short,reader,", "it has 5 characters"),
        ("a" * 40 + ",reader,", "can be guessed: it looks like words"),
        ("1" * 40 + ",reader,", "can be guessed: it has about 0 bits"),
        ("password-for-customer-acme,reader,", "it looks like words"),
        ("12345678901234567890123456789012,reader,", "can be guessed"),
        ("abcabcabcabcabc1abcabcabcabcabc1,reader,", "can be guessed"),
        (f"{GOOD} x,reader,", "no header field carries"),
        (f"{GOOD}é,reader,", "no header field carries"),
        (",reader,", "no header field carries"),
        ("x" * 600 + ",reader,", "no header field carries"),
        (f"{GOOD},owner,", "no such role"),
        (f"{GOOD},reader,yesterday", "no date and no duration"),
        (f"{GOOD},reader,2020-01-01", "has ended already"),
        (f"{GOOD},reader,91d", "longer than 90 days"),
        (f"{GOOD},reader,9999-12-31T23:59:59Z", "longer than 90 days"),
        (f"{GOOD},reader", "has 2 columns, and the first line 3"),
    ],
)
def test_each_fault_is_told_with_its_line_and_without_the_key(row: str, words: str) -> None:
    with pytest.raises(KeyringProblems) as told:
        _read(f"key,role,expires\n{GOOD[::-1]},reader,\n{row}\n")
    assert str(told.value).startswith("in.csv:3:1: ")
    assert words in str(told.value)
    key = row.partition(",")[0]
    assert len(key) < 10 or key not in str(told.value)


def test_all_faults_are_told_at_once_and_the_same_key_twice_is_one() -> None:
    with pytest.raises(KeyringProblems) as told:
        _read(f"key,role\nabc,reader\n{GOOD},reader\n{GOOD},reader\n{GOOD[::-1]},nobody\n", weak="")
    assert [(one.place.line, one.what) for one in told.value.problems] == [
        (2, "the key can be guessed: it has 3 characters"),
        (4, "the key is the same as in line 3: nobody could tell who calls"),
        (5, "the contract has no such role, or it does not hold these scopes"),
    ]


def test_columns_in_another_order_do_not_tell_the_key() -> None:
    for names in ("role,key", "key,expires,role", "expires,key", "scopes,key", "owner,key"):
        with pytest.raises(KeyringProblems) as told:
            _read(f"{names}\n{GOOD},{GOOD}{',x' if names.count(',') > 1 else ''}\n")
        assert GOOD not in str(told.value)


def test_a_weak_key_is_taken_with_a_reason_that_stays_with_it() -> None:
    (one,) = _read("key,role\nabc,reader\n", weak="the partner changes it in March")
    assert one.weak == "it has 3 characters; the partner changes it in March"


@pytest.mark.parametrize("first", [GOOD, f"{GOOD},reader", "name,role", "key,key", "key,secret", 'key,"ro'])
def test_a_file_without_names_of_columns_is_told_so_and_not_what_is_in_it(first: str) -> None:
    with pytest.raises(KeyringProblems) as told:
        _read(f"{first}\n{GOOD},reader\n")
    assert GOOD not in str(told.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: secrets.token_hex(16),
        lambda: secrets.token_urlsafe(16),
        lambda: str(uuid.uuid4()),
        lambda: "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(24)),
        lambda: f"sk_live_{secrets.token_hex(12)}",
    ],
)
def test_keys_that_were_drawn_are_not_called_weak(make: Any) -> None:
    assert [weak for _ in range(500) if (weak := weakness(make()))] == []
