from __future__ import annotations

import pytest

from ninefold.audit.logged import held


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("login name=Petra pin=4821", "pin", "4821"),
        ("INFO user=ada password=tulips-77 status=401", "password", "tulips-77"),
        ('{"event": "sign-in", "user": "ada", "Password": "north7wind"}', "Password", "north7wind"),
        ("POST /login?user=ada&pwd=goose9step HTTP/1.1", "pwd", "goose9step"),
        ("{'user': 'ada', 'new_password': 'goose9step'}", "new_password", "goose9step"),
        ("user_password:goose9step", "user_password", "goose9step"),
    ],
)
def test_a_password_under_its_name_is_told(line: str, name: str, value: str) -> None:
    assert [tuple(one) for one in held([line])] == [(name, value, line)]


@pytest.mark.parametrize(
    "line",
    [
        "login user=ada password=********",
        "login user=ada password=[FILTERED]",
        "login user=ada password=<redacted-12>",
        'login {"password": "REDACTED8"}',
        "login user=ada password=incorrect",
        "password: changed by ada",
        "password=3 failed",
        "password: 8-characters or more",
        "password=12-64",
        "ALTER ROLE ada password=md59ddcc3b5aa765d61d8327deb882cf99aa",
        "password=SCRAM-SHA-256$4096:c2FsdA==",
        "COMMAND=/bin/ls PWD=~ada/src2",
        "password=None",
        "password=xxxx1",
        "password=$2b$12$abcdefghijk",
        "password=5f4dcc3b5aa765d61d8327deb882cf99",
        "password_attempts=1234",
        "password-policy=v2024",
        "last.password=2024-01-01",
        "reading gpio pin=1013",
        "pin=400001 city=Mumbai",
        "password=nf-bogus-0123456789",
        "GET /passwords/1234 200",
        "pwd=/srv/app2 started",
        "password=sent-by-us-1",
    ],
)
def test_masks_digests_outcomes_and_what_the_audit_sent_are_not(line: str) -> None:
    assert list(held([line], known=("sent-by-us-1",))) == []


def test_a_line_is_told_once_and_a_long_one_is_cut() -> None:
    assert len(list(held(["password=goose9step pwd=goose9step", "x" * 4000 + " password=goose9step"]))) == 1
