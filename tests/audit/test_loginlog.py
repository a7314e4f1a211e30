"""What logs say of failed log-ins, in OpenAPI and in GraphQL; asked with leave only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit import record
from ninefold.audit.loginlog import failed_login, password_in_log
from ninefold.audit.rule import Untried
from ninefold.audit.signs import monitoring

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ninefold.audit.target import Target

RULES = {rule.id: rule for rule in monitoring.RULES}
TEXT = {"type": "string"}
BODY = {"content": {"application/json": {"schema": {"type": "object", "properties": {"user": TEXT, "password": TEXT}}}}}
DOCUMENT: dict[str, Any] = {
    "paths": {"/login": {"post": {"requestBody": BODY, "responses": {}}}, "/a": {"get": {"responses": {}}}}
}


@pytest.fixture
def door(
    serve: Callable[..., str], live: Callable[..., Target], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Target]:
    """`door(line, status, body)`: an API whose log-in always fails, and whose log has what `line` makes of it."""
    monkeypatch.setattr(record, "PATIENCE", 0.4)
    monkeypatch.setattr(record, "SHIPPED", 0.4)

    def build(line: str, status: int = 401, body: bytes = b'{"error": "no"}', *, active: bool = True) -> Target:
        log = tmp_path / "api.log"
        log.touch()

        def api(request: Any) -> tuple[int, dict[str, str], bytes]:
            if request.path != "/login":
                return 200, {}, b'{"a": 1}'
            given = json.loads(request.content)
            with log.open("a") as file:
                file.write(line.format(**given, id=request.headers["X-Request-Id"]) + "\n")
            return status, {"Content-Type": "application/json"}, body

        target = live(serve(api), DOCUMENT, log=log, active=active)
        target.probe.active = active
        return target

    return build


@pytest.mark.parametrize(
    ("line", "status", "shown"),
    [
        ("nothing", 401, True),
        ("POST /login 401", 401, False),
        ("log-in of {user} failed", 401, False),
        ("log-in of {user}", 401, True),
        ("log-in of {user} with {password}", 200, True),
        ("POST /login 200", 200, True),
        ("id={id} wrong password", 200, False),
        ("user {user}", 200, True),
    ],
)
def test_a_log_in_that_failed_is_there_as_one(door: Callable[..., Target], line: str, status: int, shown: bool) -> None:
    looked = failed_login(door(line, status))
    assert looked is not None
    assert bool(looked.seen) is shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [("{user} {password}", True), ("{user} failed", False), ("user={user}&password={password}", True)],
)
def test_its_password_is_not(door: Callable[..., Target], line: str, shown: bool) -> None:
    looked = password_in_log(door(line))
    assert looked is not None
    assert bool(looked.seen) is shown
    for seen in looked.seen:
        assert not any(isinstance(one, str) and "nf-bogus" in one for one in seen.evidence)


def test_a_log_that_knows_nothing_of_it_is_not_judged_by_its_passwords(door: Callable[..., Target]) -> None:
    assert password_in_log(door("nothing")) is None


@pytest.mark.parametrize("status", [429, 500])
def test_a_log_in_that_is_not_answered_is_not_judged(door: Callable[..., Target], status: int) -> None:
    assert failed_login(door("{user}", status)) is None


def test_the_rules_ask_it_with_leave_and_not_without(door: Callable[..., Target]) -> None:
    assert RULES["monitoring-failed-login"].look(door("{user} {password}")).seen
    assert [one.cause for one in RULES["monitoring-secret-in-log"].look(door("{user} {password}")).seen] == ["password"]
    for rule in ("monitoring-failed-login", "monitoring-secret-in-log"):
        with pytest.raises(Untried):
            RULES[rule].look(door("{user} {password}", active=False))


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b'{"token": "a1b2c3d4e5f6a7b8"}'), (200, b'{"data": {"login": "tool-1003"}}'), (302, b"")],
)
def test_a_log_in_that_let_nobody_in_is_what_is_judged(door: Callable[..., Target], status: int, body: bytes) -> None:
    assert failed_login(door("{user} {password}", status, body)) is None
