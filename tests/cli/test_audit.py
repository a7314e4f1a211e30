from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.finding import Audit, Confidence, Errored, Finding, Method, Passed, Severity, Skipped
from ninefold.audit.signs.order import RULES
from ninefold.audit.target import Target
from ninefold.cli.audit import exit_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

KEY = "k7Qw2ZrT9xLm4VbN8sHd3FgJ6pYc1AeU"
LOCKED: list[dict[str, list[str]]] = [{"key": []}]
OPEN = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {"/orders": {"post": {"operationId": "create", "responses": {"201": {"description": "made"}}}}},
}
CLOSED = {
    **OPEN,
    "security": LOCKED,
    "components": {
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "x-source-addresses": ["10.0.0.0/8"]}
        }
    },
}


@pytest.fixture
def run(ninefold: Run) -> Run:
    """`run(...)`: `ninefold audit ...` as the shell would."""
    return lambda *arguments: ninefold("audit", *arguments)


@pytest.fixture
def described(tmp_path: Path) -> Callable[[Any], Path]:
    def write(document: Any) -> Path:
        path = tmp_path / "openapi.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    return write


@pytest.fixture
def url() -> Iterator[str]:
    """An API that lists orders to whoever has the key."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            right = self.headers.get("X-API-Key") == KEY
            body = b'{"orders": []}' if right else b'{"error": "unauthorized"}'
            self.send_response(200 if right else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nothing to say."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class TestTheExitCode:
    def test_is_1_with_findings_and_0_below_fail_on(
        self, run: Callable[..., tuple[int, str, str]], described: Callable[[Any], Path]
    ) -> None:
        path = described(OPEN)
        only = ("--rule", "authorization-open-operation")
        assert run(path, *only)[0] == 1
        assert run(path, *only, "--fail-on", "critical")[0] == 0

    def test_is_0_when_all_that_was_asked_passed(
        self, run: Callable[..., tuple[int, str, str]], described: Callable[[Any], Path]
    ) -> None:
        assert run(described(CLOSED), "--rule", "keys-alone", "--rule", "authorization-open-operation")[0] == 0

    def test_is_2_when_a_named_rule_could_not_run(
        self, run: Callable[..., tuple[int, str, str]], described: Callable[[Any], Path]
    ) -> None:
        code, out, _ = run(described(CLOSED), "--rule", "keys-alone", "--rule", "encryption-hsts")
        assert code == 2
        assert "--url" in out

    def test_is_2_when_versions_could_not_be_verified(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path
    ) -> None:
        (tmp_path / "requirements.txt").write_text("a==1\n")
        assert run("--source", tmp_path, "--rule", "dependencies-vulnerable")[0] == 2

    @pytest.mark.parametrize(
        "arguments",
        [
            (),
            ("--url", "ftp://a"),
            ("--url", "http://u:p@127.0.0.1"),
            ("--source", "/nowhere"),
            ("--source", ".", "--rule", "no-such-rule"),
            ("--source", ".", "--header", "nothing"),
            ("--source", ".", "--write-baseline", "b.json"),
            ("--source", ".", "--rate", "0"),
            ("--source", ".", "--origin", "app.example.com"),
            ("--source", ".", "--origin", "https://app.example.com/path"),
            ("--source", ".", "--unknown"),
        ],
    )
    def test_is_64_for_a_command_line_that_is_not_understood(
        self, run: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...]
    ) -> None:
        code, _, err = run(*arguments)
        assert code == 64
        assert "Traceback" not in err

    @pytest.mark.parametrize("document", ["[", "{}", '{"openapi": "9.9"}', "- 1"])
    def test_is_65_for_a_description_that_is_none(
        self, run: Callable[..., tuple[int, str, str]], described: Callable[[Any], Path], document: str
    ) -> None:
        code, _, err = run(described(document))
        assert code == 65
        assert "openapi.json" in err

    def test_is_66_for_files_that_cannot_be_read(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path
    ) -> None:
        bad = tmp_path / "bad.json"
        bad.write_text("{")
        assert run(tmp_path / "none.yaml")[0] == 66
        assert run("--source", tmp_path, "--baseline", bad)[0] == 66
        assert run("--url", "http://127.0.0.1:9", "--key", "@/nowhere")[0] == 66
        assert run("--url", "https://127.0.0.1:9", "--authority", bad)[0] == 66

    def test_is_69_for_an_api_that_is_not_there(self, run: Callable[..., tuple[int, str, str]]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        code, _, err = run("--url", f"http://127.0.0.1:{port}")
        assert code == 69
        assert "fix:" in err

    def test_is_73_where_a_report_cannot_be_written(
        self, run: Callable[..., tuple[int, str, str]], described: Callable[[Any], Path], tmp_path: Path
    ) -> None:
        assert run(described(OPEN), "--out", tmp_path / "no" / "where")[0] == 73


def outcomes(*some: Any) -> Audit:
    return Audit("t", 0.0, 0.0, 0, "0", some)


FOUND = Finding(
    "r", 1, Severity.MEDIUM, Confidence.SUSPECTED, Method.STATIC, "t", "d", (), (), "r", "", "f", baselined=False
)
STATIC = tuple(rule for rule in RULES if rule.id in {"keys-in-source", "keys-over-plain-http"})


@pytest.mark.parametrize(
    ("done", "code"),
    [
        (outcomes(FOUND), 1),
        (outcomes(Passed("r", 1, Method.STATIC, 1)), 0),
        (outcomes(Passed("r", 1, Method.STATIC, 1), Skipped("s", 1, Method.STATIC, "needs", asked=False)), 0),
        (outcomes(Passed("r", 1, Method.STATIC, 1), Skipped("s", 1, Method.STATIC, "could not", asked=True)), 2),
        (outcomes(Passed("r", 1, Method.STATIC, 1), Errored("s", 1, Method.STATIC, "crash")), 2),
        (outcomes(Skipped("r", 1, Method.STATIC, "nothing to try it on")), 2),
        (outcomes(), 2),
    ],
)
def test_nothing_that_did_not_run_is_a_success(done: Audit, code: int, tmp_path: Path) -> None:
    assert exit_code(done, STATIC, Target(now=0.0, source=tmp_path), Severity.LOW) == code


def test_rules_whose_inputs_were_not_given_are_not_missed(tmp_path: Path) -> None:
    assert exit_code(outcomes(), STATIC, Target(now=0.0), Severity.LOW) == 2, "nothing was looked at"
    other = tuple(rule for rule in RULES if rule.sign in {1, 8})
    assert exit_code(outcomes(Passed("r", 1, Method.STATIC, 1)), other, Target(now=0.0, keys=()), Severity.LOW) == 2


class TestABaseline:
    def test_accepts_what_is_found_now_and_nothing_else(
        self, run: Callable[..., tuple[int, str, str]], described: Callable[[Any], Path], tmp_path: Path
    ) -> None:
        only = ("--rule", "authorization-open-operation")
        baseline = tmp_path / "baseline.json"
        path = described(OPEN)
        assert run(path, *only, "--write-baseline", baseline, "--reason", "closed in the next release")[0] == 1
        assert run(path, *only, "--baseline", baseline)[0] == 0
        more: Any = json.loads(json.dumps(OPEN))
        more["paths"]["/items"] = {"delete": {"operationId": "drop", "responses": {}}}
        assert run(described(more), *only, "--baseline", baseline)[0] == 1

    def test_ends_on_its_day(
        self, run: Callable[..., tuple[int, str, str]], described: Callable[[Any], Path], tmp_path: Path
    ) -> None:
        only = ("--rule", "authorization-open-operation")
        baseline = tmp_path / "baseline.json"
        arguments = ("--write-baseline", baseline, "--reason", "for a day", "--until", "2020-01-01")
        run(described(OPEN), *only, *arguments)
        assert run(described(OPEN), *only, "--baseline", baseline)[0] == 1


class TestReports:
    def test_are_written_in_every_format_at_once(
        self, run: Callable[..., tuple[int, str, str]], described: Callable[[Any], Path], tmp_path: Path
    ) -> None:
        pairs = [(f"--{kind}", tmp_path / f"report.{kind}") for kind in ("json", "sarif", "junit", "html")]
        code, out, _ = run(described(OPEN), *[one for pair in pairs for one in pair])
        assert code == 1
        assert all(path.stat().st_size > 100 for _, path in pairs)
        assert json.loads((tmp_path / "report.json").read_text())
        assert out

    def test_go_to_standard_output_in_the_format_asked_for(
        self, run: Callable[..., tuple[int, str, str]], described: Callable[[Any], Path]
    ) -> None:
        assert json.loads(run(described(OPEN), "--format", "json")[1])


class TestARunningApi:
    def test_is_audited_with_a_key_from_a_file_that_no_report_shows(
        self, run: Callable[..., tuple[int, str, str]], described: Callable[[Any], Path], url: str, tmp_path: Path
    ) -> None:
        document: Any = json.loads(json.dumps(CLOSED))
        document["paths"]["/orders"]["get"] = {"operationId": "list", "responses": {"200": {"description": "all"}}}
        secret = tmp_path / "key.txt"
        secret.write_text(f"{KEY}\n")
        code, out, err = run(
            described(document), "--url", url, "--key", f"@{secret}", "--format", "json",
            "--rule", "keys-over-plain-http", "--rule", "standard-challenge", "--rule", "authorization-missing",
        )  # fmt: skip
        assert code == 1
        assert "keys-over-plain-http" in out
        assert KEY not in out + err

    def test_takes_a_credential_as_a_field(
        self, run: Callable[..., tuple[int, str, str]], described: Callable[[Any], Path], url: str
    ) -> None:
        document: Any = json.loads(json.dumps(CLOSED))
        document["paths"]["/orders"]["get"] = {"operationId": "list", "responses": {"200": {"description": "all"}}}
        arguments = ("--url", url, "--header", f"X-API-Key: {KEY}", "--rule", "keys-over-plain-http")
        assert run(described(document), *arguments)[0] == 1


def test_the_help_tells_the_exit_codes(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert "64  the command line is not understood" in out
