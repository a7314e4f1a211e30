"""Refusals under any status: learned from an answer that serves and one that does not."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit import record
from ninefold.audit.refusal import first_refused
from ninefold.audit.rule import Untried
from ninefold.audit.signs import limits, monitoring
from ninefold.audit.signs.order import RULES as ALL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ninefold.audit.target import Target

JSON = {"Content-Type": "application/json"}
DOCUMENT: dict[str, Any] = {"paths": {"/things": {"get": {"responses": {}, "security": [{"key": []}]}}}}
RULES = {rule.id: rule for rule in (*limits.RULES, *monitoring.RULES)}
KEY = "a-key-8d1f07c3"

#: How four APIs serve, and refuse, under one status.
DIALECTS: list[tuple[Any, Any]] = [
    ({"ok": True, "data": [1]}, {"ok": False, "error": "bad key"}),
    ({"code": 0, "message": "ok", "result": {"id": 1}}, {"code": 1003, "message": "token invalid", "result": None}),
    ({"status": "success", "data": {"a": 1}}, {"status": "error", "reason": "login"}),
    ({"things": [{"id": 1}]}, {"error": {"type": "auth"}}),
]


class Api:
    """Answers 200 to everything; `most` requests are served, and then 429. Writes what `line` makes of a request."""

    def __init__(
        self,
        good: Any,
        bad: Any,
        most: int = 10**9,
        log: Path | None = None,
        line: Callable[[Any, bool], str] | None = None,
    ) -> None:
        self.good, self.bad, self.most, self.log, self.line = good, bad, most, log, line

    def __call__(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        self.most -= 1
        fields = {**JSON, "X-Request-Id": secrets.token_hex(8)}
        known = request.headers.get("X-API-Key") == KEY
        if self.log and self.line:
            with self.log.open("a") as file:
                file.write(self.line(request, known) + f" id={fields['X-Request-Id']}\n")
        if self.most < 0:
            return 429, fields, b"{}"
        return 200, fields, json.dumps(self.good if known else self.bad).encode()


@pytest.mark.parametrize(("good", "bad"), DIALECTS)
def test_is_known_by_the_body(serve: Callable[..., str], live: Callable[..., Target], good: Any, bad: Any) -> None:
    found = first_refused(live(serve(Api(good, bad)), DOCUMENT, KEY))
    assert found is not None
    assert found[1].json() == bad


@pytest.mark.parametrize(
    ("good", "other"),
    [
        ({"items": [1, 2]}, {"items": []}),
        ({"user": {"name": "a", "id": 1}, "news": [1]}, {"news": [1], "advert": {"a": 1}}),
        ({"ok": True, "me": 1}, {"ok": True, "you": 2}),
        ({"a": 1}, {"a": 1}),
    ],
)
def test_another_answer_for_others_is_none(
    serve: Callable[..., str], live: Callable[..., Target], good: Any, other: Any
) -> None:
    assert first_refused(live(serve(Api(good, other)), DOCUMENT, KEY)) is None


def test_is_not_known_without_a_key(serve: Callable[..., str], live: Callable[..., Target]) -> None:
    assert first_refused(live(serve(Api(*DIALECTS[0])), DOCUMENT)) is None


@pytest.mark.parametrize(("good", "bad"), DIALECTS)
def test_guessing_without_end_is_shown(
    serve: Callable[..., str], live: Callable[..., Target], good: Any, bad: Any
) -> None:
    assert RULES["limits-guessing"].look(live(serve(Api(good, bad)), DOCUMENT, KEY)).seen


@pytest.mark.parametrize("most", [60, 150])
def test_guessing_that_ends_is_not(serve: Callable[..., str], live: Callable[..., Target], most: int) -> None:
    assert RULES["limits-guessing"].look(live(serve(Api(*DIALECTS[0], most=most)), DOCUMENT, KEY)).seen == ()


SILENT: list[Callable[[Any, bool], str]] = [
    lambda request, _: f"{request.method} {request.path} 200",
    lambda request, known: json.dumps({"path": request.path, "status": 200, "refused": None, "n": int(known)}),
]
TELLING: list[Callable[[Any, bool], str]] = [
    lambda request, known: f"{request.path} 200 {'served' if known else 'refused: bad key'}",
    lambda request, known: f"{request.path} 200 ok={known}",
    lambda request, known: json.dumps({"path": request.path, "status": 200, "ok": known}),
    lambda request, known: json.dumps({"path": request.path, "status": 200, "refused": None if known else "key"}),
]


@pytest.mark.parametrize(("line", "shown"), [*((one, True) for one in SILENT), *((one, False) for one in TELLING)])
def test_a_log_must_say_that_it_refused_where_the_status_does_not(
    serve: Callable[..., str],
    live: Callable[..., Target],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: Any,
    shown: bool,
) -> None:
    monkeypatch.setattr(record, "PATIENCE", 0.4)
    monkeypatch.setattr(record, "SHIPPED", 0.4)
    log = tmp_path / "api.log"
    log.touch()
    target = live(serve(Api(*DIALECTS[0], log=log, line=line)), DOCUMENT, KEY, log=log)
    assert bool(RULES["monitoring-failed-login"].look(target).seen) is shown


def test_no_rule_takes_such_an_api_for_open(serve: Callable[..., str], live: Callable[..., Target]) -> None:
    target = live(serve(Api(*DIALECTS[0])), DOCUMENT, KEY)
    missing = next(rule for rule in ALL if rule.id == "authorization-missing")
    assert missing.look(target).seen == ()


def test_an_api_without_refusals_is_skipped(
    serve: Callable[..., str], live: Callable[..., Target], tmp_path: Path
) -> None:
    log = tmp_path / "api.log"
    log.touch()
    target = live(serve(Api({"a": 1}, {"a": 1})), DOCUMENT, KEY, log=log)
    for rule in ("limits-guessing", "monitoring-failed-login"):
        with pytest.raises(Untried, match="needs a credential"):
            RULES[rule].look(target)
