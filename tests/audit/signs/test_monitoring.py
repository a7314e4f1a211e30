"""Sign 8, on sources and APIs that show it and on ones that do not."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit import record
from ninefold.audit.alerts import Channel, opened
from ninefold.audit.finding import Confidence, Severity
from ninefold.audit.key import Key
from ninefold.audit.rule import Untried
from ninefold.audit.signs import monitoring

if TYPE_CHECKING:
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
    ("line", "shown"),
    [
        ("def note(line):\n    with open('access.txt', 'a', buffering=1) as file:\n        file.write(line)", False),
        ("out = Path('access').open(mode='ab')", False),
        ("def note(line):\n    print(line, flush=True)", False),
        ("def keep(name, data):\n    with open(name, 'wb') as file:\n        file.write(data)", True),
        ("if __name__ == '__main__':\n    print('listening')", True),
    ],
)
def test_lines_that_are_kept_without_a_logger_are_a_log(
    source: Callable[..., Target], line: str, *, shown: bool
) -> None:
    files = {"app.py": f"from pathlib import Path\nfrom fastapi import FastAPI\napp = FastAPI()\n{line}\n"}
    assert bool(look("monitoring-no-logging", source(files)).seen) is shown


@pytest.mark.parametrize(
    "line", ["fs.appendFileSync('a.log', req.path)", "await fs.promises.appendFile('a.log', req.path)"]
)
def test_lines_that_javascript_appends_to_a_file_are_a_log(source: Callable[..., Target], line: str) -> None:
    app = "const express = require('express'), fs = require('fs');\nconst app = express();\n"
    handler = "app.use(async (req, res, next) => {{ {} ; next(); }});\n"
    assert look("monitoring-no-logging", source({"app.js": app + handler.format("next()")})).seen
    assert look("monitoring-no-logging", source({"app.js": app + handler.format(line)})).seen == ()


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
    "field", ["X-Amzn-RequestId", "Apigw-Requestid", "X-B3-TraceId", "X-Ms-Request-Id", "Cf-Ray", "X-Whatever"]
)
def test_an_id_by_any_name_will_do(serve: Any, live: Any, field: str) -> None:
    api = _numbering(field, lambda request, count: f"01JD-{count:04d}-8f3e9a")
    assert look("monitoring-no-request-id", live(serve(api))).seen == ()


def test_an_id_that_was_sent_and_comes_back_will_do(serve: Any, live: Any) -> None:
    api = _numbering("X-Any", lambda request, count: request.headers.get("X-Request-Id", "none"))
    assert look("monitoring-no-request-id", live(serve(api))).seen == ()


def test_an_id_in_errors_will_do(serve: Any, live: Any) -> None:
    count = 0

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        nonlocal count
        count += 1
        body = {"title": "Not Found", "status": 404, "traceId": f"trace-{count}"}
        return (200, {}, b"{}") if request.path == "/" else (404, {}, json.dumps(body).encode())

    assert look("monitoring-no-request-id", live(serve(api))).seen == ()


@pytest.mark.parametrize(
    "name", ["request_id", "requestId", "trace_id", "correlation-id", "X-Request-Id", "_requestId"]
)
@pytest.mark.parametrize(
    "body", ['{"%s": "%s", "a": 1}', '{"meta": {"%s": "%s"}, "data": null}', '{"data": {"meta": {"%s": "%s"}}}']
)
def test_an_id_in_what_is_served_will_do(serve: Any, live: Any, name: str, body: str) -> None:
    for changes in (True, False):
        count = itertools.count(1)

        def api(request: Any, count: Any = count, changes: Any = changes) -> tuple[int, dict[str, str], bytes]:
            del request
            return 200, {}, (body % (name, f"7f3a-{next(count) if changes else 0:06d}")).encode()

        assert bool(look("monitoring-no-request-id", live(serve(api))).seen) is not changes


@pytest.mark.parametrize(
    "body", ['{"id": "%s"}', '{"items": [{"request_id": "%s"}]}', '{"a": {"b": {"c": {"request_id": "%s"}}}}']
)
def test_what_else_changes_in_what_is_served_is_no_id(serve: Any, live: Any, body: str) -> None:
    count = itertools.count(1)

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        del request
        return 200, {}, (body % f"7f3a-{next(count):06d}").encode()

    assert look("monitoring-no-request-id", live(serve(api))).seen


@pytest.mark.parametrize(
    "field", ["Date", "ETag", "X-Runtime", "Server-Timing", "X-RateLimit-Remaining", "Content-Security-Policy"]
)
def test_what_varies_for_another_reason_is_no_id(serve: Any, live: Any, field: str) -> None:
    api = _numbering(field, lambda request, count: f"value-number-{count}")
    (seen,) = look("monitoring-no-request-id", live(serve(api))).seen
    assert [one.role for one in seen.evidence] == ["baseline", "attack", "control", "repeat"]  # type: ignore[union-attr]


def test_a_time_that_differs_is_no_id(serve: Any, live: Any) -> None:
    api = _numbering("X-Took", lambda request, count: f"0.00012{count}34")
    assert look("monitoring-no-request-id", live(serve(api))).seen


def test_a_trace_in_server_timing_is_an_id(serve: Any, live: Any) -> None:
    form = 'db;dur=2, traceparent;desc="00-{:032x}-00f067aa0ba902b7-01"'
    api = _numbering("Server-Timing", lambda request, count: form.format(count))
    assert look("monitoring-no-request-id", live(serve(api))).seen == ()
    api = _numbering("Server-Timing", lambda request, count: f"db;dur={count}")
    assert look("monitoring-no-request-id", live(serve(api))).seen


def _numbering(field: str, name: Callable[[Any, int], str]) -> Callable[..., Any]:
    count = 0

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        nonlocal count
        count += 1
        return 200, {field: name(request, count)}, b"{}"

    return api


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("traceresponse", "00-{id}-00f067aa0ba902b7-01"),
        ("Server-Timing", 'traceparent;desc="00-{id}-00f067aa0ba902b7-01"'),
        ("X-Cloud-Trace-Context", "{id}/17;o=1"),
    ],
)
def test_an_id_within_a_longer_value_is_found_in_the_log(
    serve: Any, live: Any, tmp_path: Path, field: str, value: str
) -> None:
    log, count = tmp_path / "log", itertools.count(1)
    log.touch()

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        name, status = f"{next(count):032x}", 200 if request.path in {"/", "/mine"} else 404
        _append(log, f"path={request.path} code={status} ip_hash=77ab01 trace={name}")
        return status, {field: value.format(id=name)}, b"{}"

    assert look("monitoring-not-in-log", replace(live(serve(api), LOCKED), log=log)).seen == ()


LOCKED = {
    "paths": {
        "/": {"get": {"responses": {"200": {"description": "-"}}}},
        "/mine": {"get": {"security": [{"key": []}], "responses": {"200": {"description": "-"}}}},
    },
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Shop-Key"}}},
}
Line = Callable[[dict[str, Any]], str]

#: Forms in which real servers keep their logs: Apache's combined, nginx with ids, JSON, logfmt, a trail of decisions.
FORMS: dict[str, str] = {
    "combined": '{address} - - [23/Nov/2026:10:00:00 +0000] "{method} {path} HTTP/1.1" {status} 12 "-" "{agent}" {id}',
    "uvicorn": 'INFO:     {address}:52144 - "{method} {path} HTTP/1.1" {status} {id}',
    "json": '{{"time": 1, "path": "{path}", "status": {status}, "request_id": "{id}", "client": "{address}"}}',
    "words": '{{"event": "refused", "path": "{path}", "why": "not found", "rid": "{id}", "user": "anonymous"}}',
    "logfmt": "level=info method={method} path={path} status={status} id={id} remote={address}",
    "prefixed": '2026-11-23 10:00:00,1 INFO api {{"http": {{"path": "{path}", "code": "{status}"}}, "id": "{id}", "ip": "{address}"}}',
}


@pytest.fixture
def logging_api(serve: Any, live: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Target]:
    """`logging_api(form, only=...)`: an API that writes such a line for each request, or for some."""
    monkeypatch.setattr(record, "PATIENCE", 0.15)
    monkeypatch.setattr(record, "SHIPPED", 0.15)
    log = tmp_path / "access.log"
    log.write_text("the API has started\n")
    count = 0

    def build(form: str, *, only: Callable[[int], bool] = lambda status: True, later: float = 0.0) -> Target:
        def api(request: Any) -> tuple[int, dict[str, str], bytes]:
            nonlocal count
            count += 1
            name = f"request-{count:06d}"
            status = {"/": 200, "/mine": 401}.get(request.path, 404)
            query = "&".join(f"{key}={value[0]}" for key, value in request.query.items())
            told = {
                "method": request.method, "path": request.path, "status": status, "id": name, "address": "192.0.2.7",
                "agent": request.headers["User-Agent"], "authorization": request.headers.get("Authorization", "-"),
                "key": request.headers.get("X-Shop-Key", "-"), "query": query, "other": request.headers.get("X-API-Key", "-"),
            }  # fmt: skip
            if form and only(status):
                threading.Timer(later, _append, (log, form.format(**told))).start() if later else _append(
                    log, form.format(**told)
                )
            return status, {"X-Request-Id": name}, b"{}"

        target: Target = live(serve(api), LOCKED)
        return replace(target, log=log)

    return build


def _append(log: Path, line: str) -> None:
    with log.open("a") as file:
        file.write(line + "\n")


IN_LOG = ("monitoring-not-in-log", "monitoring-failed-login", "monitoring-secret-in-log")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("rule", IN_LOG)
def test_a_log_that_says_what_happened_is_none(logging_api: Callable[..., Target], rule: str, form: str) -> None:
    looked = look(rule, logging_api(form))
    assert (looked.at, looked.seen) == (1, ())


@pytest.mark.parametrize("rule", IN_LOG)
def test_a_log_that_comes_late_is_waited_for(
    logging_api: Callable[..., Target], monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    monkeypatch.setattr(record, "PATIENCE", 5.0)
    looked = look(rule, logging_api(FORMS["combined"], later=0.1))
    assert (looked.at, looked.seen) == (1, ())


@pytest.mark.parametrize(
    ("form", "cause", "severity"),
    [
        ("{address} {method} {path} {status}", "no request id", Severity.LOW),
        ("{address} {path} {id}", "no outcome", None),
        ("{method} {path} {status} {id}", "no caller", Severity.LOW),
    ],
)
def test_a_record_that_leaves_something_out_is_shown(
    logging_api: Callable[..., Target], form: str, cause: str, severity: Severity | None
) -> None:
    looked = look("monitoring-not-in-log", logging_api(form))
    assert [(one.cause, one.severity) for one in looked.seen] == [(cause, severity)]


@pytest.mark.parametrize(
    ("only", "words"),
    [(lambda status: False, "nor of one that was served"), (lambda status: status == 200, "served ones")],
)
def test_a_refusal_that_leaves_no_record_is_shown(logging_api: Callable[..., Target], only: Any, words: str) -> None:
    (seen,) = look("monitoring-not-in-log", logging_api(FORMS["combined"], only=only)).seen
    assert seen.cause == "not recorded"
    assert words in seen.detail
    assert [one.role for one in seen.evidence] == ["baseline", "attack", "control", "repeat"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("form", "shown"), [("{path} {status} {id} 192.0.2.7", False), ("{path} {status} 192.0.2.7", True)]
)
def test_an_id_that_only_what_is_served_has_is_one(
    serve: Any, live: Any, tmp_path: Path, form: str, *, shown: bool
) -> None:
    log, count = tmp_path / "log", itertools.count(1)
    log.touch()

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        name, status = f"7f3a-{next(count):06d}", 200 if request.path in {"/", "/mine"} else 404
        _append(log, form.format(path=request.path, status=status, id=name))
        return status, {}, json.dumps({"meta": {"request_id": name}}).encode() if status == 200 else b"not here"

    looked = look("monitoring-not-in-log", replace(live(serve(api), LOCKED), log=log))
    assert [one.cause for one in looked.seen] == ["no request id"] * shown


def test_paths_that_something_before_the_api_answers_are_no_sure_sign(logging_api: Callable[..., Target]) -> None:
    (seen,) = look("monitoring-not-in-log", logging_api(FORMS["json"], only=lambda status: status != 404)).seen
    assert (seen.confidence, seen.severity) == (Confidence.SUSPECTED, Severity.LOW)


@pytest.mark.parametrize("rule", IN_LOG[:2])
def test_what_is_refused_before_the_api_after_a_ban_is_not_judged(
    serve: Any, live: Any, tmp_path: Path, rule: str
) -> None:
    log, banned = tmp_path / "log", False
    log.touch()

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        status = 403 if banned else 200 if request.headers.get("X-Shop-Key") == "a-key-of-mine" else 401
        if not banned:
            _append(log, f"path={request.path} code={status} from 192.0.2.7")
        return status, {}, b'{"a": 1}'

    target = replace(live(serve(api), LOCKED, Key("header", "X-Shop-Key", "a-key-of-mine")), log=log)
    assert target.survey.answered()
    target.survey.anonymous(target.survey.calls()[0])
    banned = True
    with pytest.raises(Untried, match="shut the audit out"):
        look(rule, target)


def test_a_failed_log_in_that_leaves_no_record_is_shown(logging_api: Callable[..., Target]) -> None:
    (seen,) = look("monitoring-failed-login", logging_api(FORMS["combined"], only=lambda status: status != 401)).seen
    assert "does not know of it" in seen.detail
    assert [one.role for one in seen.evidence] == ["baseline", "attack", "control", "repeat"]  # type: ignore[union-attr]
    assert "nf-bogus-" not in str(seen.evidence)


def test_a_failed_log_in_that_reads_like_any_other_request_is_shown(logging_api: Callable[..., Target]) -> None:
    for form in ("{address} {method} {path} {id}", "who=None {method} {path}"):
        (seen,) = look("monitoring-failed-login", logging_api(form)).seen
        assert "does not say that it was refused" in seen.detail


def test_an_api_without_log_in_has_none_to_record(serve: Any, live: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    with pytest.raises(Untried, match="needs a credential"):
        look("monitoring-failed-login", replace(live(serve(lambda _: (200, {}, b"{}"))), log=log))


@pytest.mark.parametrize("field", ["authorization", "key"])
def test_a_credential_in_the_log_is_shown_without_it(logging_api: Callable[..., Target], field: str) -> None:
    looked = look("monitoring-secret-in-log", logging_api(FORMS["combined"] + " {" + field + "}"))
    (seen,) = looked.seen
    assert (seen.cause, seen.confidence) == ("credential", None)
    assert [getattr(one, "role", "line") for one in seen.evidence][:4] == ["baseline", "attack", "control", "repeat"]
    assert "nf-bogus-" not in str(seen.evidence)


def test_a_field_in_the_log_in_which_the_api_takes_no_credential_is_none(logging_api: Callable[..., Target]) -> None:
    assert look("monitoring-secret-in-log", logging_api(FORMS["combined"] + " {other}")).seen == ()


def test_a_log_that_holds_nothing_is_no_log_without_credentials(logging_api: Callable[..., Target]) -> None:
    with pytest.raises(Untried, match="not known"):
        look("monitoring-secret-in-log", logging_api(""))


@pytest.mark.parametrize("rule", IN_LOG)
def test_a_log_that_cannot_be_read_is_not_judged(logging_api: Callable[..., Target], rule: str) -> None:
    target = logging_api(FORMS["combined"])
    with pytest.raises(Untried, match="cannot be read"):
        look(rule, replace(target, log=Path("/nowhere/access.log")))


def test_a_request_with_several_lines_is_read_as_a_whole(logging_api: Callable[..., Target]) -> None:
    form = "looking for {path}\n" + FORMS["combined"]
    for rule in IN_LOG:
        assert look(rule, logging_api(form)).seen == ()


def test_a_refusal_that_only_names_the_credential_is_one_and_no_good_one(logging_api: Callable[..., Target]) -> None:
    target = logging_api("unknown key {key}", only=lambda status: status == 401)
    assert look("monitoring-failed-login", target).seen == ()
    assert len(look("monitoring-secret-in-log", target).seen) == 1


def test_a_password_that_others_left_in_the_log_is_suspected_and_cut(logging_api: Callable[..., Target]) -> None:
    target = logging_api("")
    assert target.log is not None
    target.log.write_text("started\nlogin user=ada password=tulips-77\nlogin user=bob password=goose9step\n")
    (seen,) = look("monitoring-secret-in-log", target).seen
    assert (seen.cause, seen.confidence) == ("named", Confidence.SUSPECTED)
    assert "`password`: 2 lines" in seen.detail
    assert [one.partition("password=")[2] for one in seen.evidence if isinstance(one, str)] == ["[cut]", "[cut]"]


def test_a_log_with_masked_passwords_is_none(logging_api: Callable[..., Target]) -> None:
    target = logging_api(FORMS["combined"])
    assert target.log is not None
    target.log.write_text("login user=ada password=******\nlogin user=bob password=[FILTERED]\n")
    looked = look("monitoring-secret-in-log", target)
    assert (looked.at, looked.seen) == (1, ())


def test_a_burst_of_refused_keys_that_nobody_hears_of_is_shown(serve: Any, live: Any, tmp_path: Path) -> None:
    heard = tmp_path / "alerts"
    heard.write_text("disk is full\n")
    document = {
        "security": [{"key": []}],
        "paths": {"/orders": {"get": {"responses": {"200": {"description": "d"}}}}},
        "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}},
    }

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        right = request.headers.get("X-API-Key") == "k-4b1f0c6a9d2e"
        return (200, {}, b'{"orders": []}') if right else (401, {}, b'{"error": "no"}')

    with opened(Channel(heard, 0, 0.2), time.time()) as alerts:
        target = live(serve(api), document, "k-4b1f0c6a9d2e", alerts=alerts)
        (seen,) = look("monitoring-no-alert", target).seen
    assert seen.cause == "no alert"
