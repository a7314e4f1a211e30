"""Sign 8, on sources and APIs that show it and on ones that do not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.signs import monitoring

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

RULES = {rule.id: rule for rule in monitoring.RULES}


def look(rule: str, target: Target) -> Looked:
    return RULES[rule].look(target)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("log.info('login of %s with %s', email, password)", True),
        ("print(f'token is {token}')", True),
        ("logger.debug(request.headers['Authorization'])", True),
        ("logging.warning('key ' + api_key)", True),
        ("log.info('login of %s', email)", False),
        ("log.info('password changed for %s', user)", False),
        ("log.info('token of %d characters', len(token))", False),
        ("log.info('token %s', mask(token))", False),
        ("store(password)", False),
    ],
)
def test_a_secret_in_a_log_line_is_shown(source: Callable[..., Target], line: str, shown: bool) -> None:
    assert bool(look("monitoring-secret-logged", source({"app.py": f"import logging\n{line}\n"})).seen) is shown


@pytest.mark.parametrize(
    ("handler", "shown"),
    [
        ("except Exception:\n    pass", True),
        ("except:\n    pass", True),
        ("except Exception:\n    log.exception('failed')", False),
        ("except KeyError:\n    pass", False),
        ("except Exception:\n    raise", False),
    ],
)
def test_a_handler_that_swallows_everything_is_shown(source: Callable[..., Target], handler: str, shown: bool) -> None:
    looked = look("monitoring-silent-except", source({"app.py": f"try:\n    work()\n{handler}\n"}))
    assert looked.at == 1
    assert bool(looked.seen) is shown


def test_an_application_without_any_log_is_shown(source: Callable[..., Target]) -> None:
    files = {"app.py": "from flask import Flask\napp = Flask(__name__)\n"}
    assert len(look("monitoring-no-logging", source(files)).seen) == 1
    assert look("monitoring-no-logging", source({**files, "log.py": "import structlog\n"})).seen == ()


@pytest.mark.parametrize(
    ("field", "changes", "shown"),
    [("", False, True), ("X-Request-Id", True, False), ("traceparent", True, False), ("X-Correlation-ID", True, False),
     ("X-Request-Id", False, True), ("X-Idempotency", True, True)],
)  # fmt: skip
def test_answers_without_an_id_of_their_request_are_shown(
    serve: Any, live: Any, field: str, changes: bool, shown: bool
) -> None:
    count = 0

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        nonlocal count
        del request
        count += 1
        return 200, {field: f"id-{count if changes else 0}"} if field else {}, b"{}"

    assert bool(look("monitoring-no-request-id", live(serve(api))).seen) is shown


@pytest.mark.parametrize(
    ("line", "causes"),
    [
        ("{method} {path} {status} id={id}", []),
        ('{{"path":"{path}","status":{status},"id":"{id}"}}', []),
        ("", ["not recorded"]),
        ("{method} {path} {status}", ["no request id"]),
        ("{path} {id}", ["no outcome"]),
        ("{path} {status} {id} {authorization}", ["credential"]),
    ],
)
def test_a_request_must_be_in_the_log_with_its_outcome_and_id_and_without_its_secret(
    serve: Any, live: Any, tmp_path: Path, line: str, causes: list[str]
) -> None:
    log = tmp_path / "access.log"
    log.write_text("")
    count = 0

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        nonlocal count
        count += 1
        name = f"request-{count:06d}"
        status = 200 if request.path == "/" else 404
        with log.open("a") as file:
            told = {"method": request.method, "path": request.path, "status": status, "id": name}
            file.write(line.format(**told, authorization=request.headers.get("Authorization", "")) + "\n")
        return status, {"X-Request-Id": name}, b"{}"

    target = replace(live(serve(api)), log=log)
    assert [one.cause for one in look("monitoring-not-in-log", target).seen] == causes
