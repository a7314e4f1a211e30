"""What `ninefold audit` takes beyond a file of OpenAPI, as the shell runs it."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

KEY = "k7Qw2ZrT9xLm4VbN8sHd3FgJ6pYc1AeU"
SCHEME = {"type": "apiKey", "in": "header", "name": "X-API-Key"}


def _document(**schemes: Any) -> dict[str, Any]:
    answer = {
        "200": {"description": "all", "content": {"application/json": {"schema": {"type": "array", "items": {}}}}}
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "security": [{name: []} for name in schemes],
        "paths": {"/orders": {"get": {"operationId": "list", "responses": answer}}},
        "components": {"securitySchemes": schemes},
    }


@contextmanager
def _serving(published: dict[str, Any] | None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            right = self.headers.get("X-API-Key") == KEY
            status, body = (200, b"[]") if right else (401, b'{"error": "unauthorized"}')
            if self.path == "/openapi.json" and published is not None:
                status, body = 200, json.dumps(published).encode()
            elif self.path != "/orders":
                status, body = 404, b'{"error": "none"}'
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Tests have no use for it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _outcomes(out: str) -> dict[str, dict[str, Any]]:
    return {one["rule"]: one for one in json.loads(out)["outcomes"]}


def _write(folder: Path, name: str, document: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def test_the_description_that_an_api_publishes_is_found_and_said(ninefold: Run) -> None:
    with _serving(_document(key=SCHEME)) as url:
        _, out, _ = ninefold("audit", "--url", url, "--key", KEY, "--format", "json", "--rule", "keys-alone")
    report = json.loads(out)
    assert report["description"] == f"{url}/openapi.json"
    assert report["notes"] == [f"The description was found at {url}/openapi.json."]
    assert report["outcomes"][0]["kind"] == "finding"


def test_the_key_goes_where_the_found_description_wants_it(ninefold: Run) -> None:
    with _serving(_document(key=SCHEME)) as url:
        _, out, _ = ninefold("audit", "--url", url, "--key", KEY, "--format", "json", "--rule", "authorization-missing")
    assert _outcomes(out)["authorization-missing"]["kind"] == "passed"


def test_where_none_is_found_the_rules_that_need_one_say_so(ninefold: Run) -> None:
    with _serving(None) as url:
        _, out, _ = ninefold("audit", "--url", url, "--format", "json")
        _, shown, _ = ninefold("audit", "--url", url, "--rule", "keys-alone")
    assert _outcomes(out)["keys-alone"]["reason"].endswith("; the API publishes none")
    assert "No description was found; it was looked for at /openapi.json" in shown.splitlines()[2]


def test_a_description_at_a_url_is_audited(ninefold: Run) -> None:
    with _serving(_document(key=SCHEME)) as url:
        code, out, _ = ninefold("audit", f"{url}/openapi.json", "--format", "json", "--rule", "keys-alone")
    assert code == 1
    assert json.loads(out)["description"] == f"{url}/openapi.json"


def test_what_examples_cannot_tell_is_skipped_and_what_they_show_is_found(ninefold: Run, tmp_path: Path) -> None:
    entries = [
        {
            "request": {"method": method, "url": "http://api.example.com/users/1?api_key=s3cret", "headers": []},
            "response": {
                "status": 200,
                "content": {"mimeType": "application/json", "text": '{"password_hash": "s3cret"}'},
            },
        }
        for method in ("GET", "POST")
    ]
    har = _write(tmp_path, "a.har", {"log": {"entries": entries}})
    code, out, _ = ninefold("audit", har, "--format", "json")
    outcomes = _outcomes(out)
    assert code == 1
    found = {name for name, one in outcomes.items() if one["kind"] == "finding"}
    assert found == {"keys-in-url", "encryption-plain-server", "filtering-sensitive-declared"}
    assert outcomes["keys-in-url"]["places"][0]["pointer"] == "/log/entries/0/request"
    promised = ("keys-alone", "authorization-open-operation", "limits-undeclared", "limits-unbounded-input",
                "filtering-open-schema", "standard-undeclared-refusal", "standard-homemade")  # fmt: skip
    for name in promised:
        assert outcomes[name]["kind"] == "skipped"
        assert outcomes[name]["reason"] == (
            "needs an OpenAPI description; a HAR recording shows examples, which promise nothing"
        )
    assert "s3cret" not in out


def test_live_rules_use_the_operations_of_a_recording(ninefold: Run, tmp_path: Path) -> None:
    with _serving(None) as url:
        entry = {
            "request": {"method": "GET", "url": f"{url}/orders", "headers": [{"name": "X-API-Key", "value": "old"}]}
        }
        har = _write(tmp_path, "a.har", {"log": {"entries": [entry]}})
        _, out, _ = ninefold(
            "audit", har, "--url", url, "--key", KEY, "--format", "json", "--rule", "standard-challenge"
        )
    found = _outcomes(out)["standard-challenge"]
    assert found["kind"] == "finding"
    assert found["places"][0]["operation"] == "GET /orders"


def test_the_paths_of_a_recording_are_whole_and_a_base_path_does_not_come_twice(ninefold: Run, tmp_path: Path) -> None:
    with _serving(None) as url:
        entries = [{"request": {"method": "GET", "url": f"{url}/orders{tail}", "headers": []}} for tail in ("", "/new")]
        har = _write(tmp_path, "a.har", {"log": {"entries": entries}})
        _, out, _ = ninefold("audit", har, "--url", f"{url}/orders", "--format", "json", "--rule", "filtering-banner")
    assert json.loads(out)["outcomes"][0]["places"][0]["url"] in {"/orders", "/orders/new"}


def test_a_graphql_schema_has_no_findings_of_http(ninefold: Run, tmp_path: Path) -> None:
    path = tmp_path / "schema.graphql"
    path.write_text("type Query { a: Int }\n")
    code, out, _ = ninefold("audit", path, "--graphql", "/api/graphql", "--format", "json")
    assert code == 2
    assert not [one for one in _outcomes(out).values() if one["kind"] in {"finding", "passed", "errored"}]
    assert "served at POST /api/graphql" in json.loads(out)["notes"][0]


def test_an_app_is_imported_in_place(ninefold: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = (
        "from fastapi import FastAPI\nprint('noise')\napp = FastAPI()\n@app.post('/orders')\ndef make() -> dict: ...\n"
    )
    (tmp_path / "shop.py").write_text(source)
    code, out, _ = ninefold("audit", "shop:app", "--format", "json", "--rule", "authorization-open-operation")
    assert code == 1
    assert json.loads(out)["description"] == "shop:app"
    assert ninefold("audit", "nowhere:app")[0] == 65


def test_routes_alone_clear_nothing_and_find_nothing(
    ninefold: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.py").write_text("from flask import Flask\napp = Flask('x')\n@app.post('/a')\ndef a(): ...\n")
    _, out, _ = ninefold("audit", "shop:app", "--format", "json")
    assert {one["kind"] for one in _outcomes(out).values()} == {"skipped"}


class TestAFleet:
    def test_is_several_descriptions_and_what_differs_among_them(self, ninefold: Run, tmp_path: Path) -> None:
        one = _write(tmp_path, "a.json", _document(key=SCHEME))
        other = _write(tmp_path, "b.json", _document(key={**SCHEME, "name": "X-Token"}))
        code, out, _ = ninefold("audit", one, other, "--format", "json")
        report = json.loads(out)
        assert code == 1
        assert [api["name"] for api in report["apis"]] == [str(one), str(other)]
        (found,) = [one for one in report["together"]["outcomes"] if one["kind"] == "finding"]
        assert {place["file"] for place in found["places"]} == {str(one), str(other)}

    @pytest.mark.parametrize(("name", "code"), [("X-API-Key", 0), ("X-Token", 1)])
    def test_ends_with_the_worst_code(self, ninefold: Run, tmp_path: Path, name: str, code: int) -> None:
        one = _write(tmp_path, "a.json", _document(key=SCHEME))
        other = _write(tmp_path, "b.json", _document(key={**SCHEME, "name": name}))
        assert ninefold("audit", one, other, "--rule", "standard-services-differ")[0] == code

    def test_of_which_one_cannot_be_reached_is_incomplete_and_the_others_are_audited(
        self, ninefold: Run, tmp_path: Path
    ) -> None:
        _write(tmp_path, "a.json", _document(key=SCHEME))
        (tmp_path / "k.key").write_text(KEY)
        with _serving(None) as url:
            fleet = _write(
                tmp_path,
                "fleet.yaml",
                {
                    "apis": [
                        {"name": "up", "description": "a.json", "url": url, "keys": ["@k.key"]},
                        {"name": "down", "description": "a.json", "url": "http://127.0.0.1:9"},
                    ]
                },
            )
            code, out, _ = ninefold(
                "audit",
                "--fleet",
                fleet,
                "--format",
                "json",
                "--rule",
                "authorization-missing",
                "--rule",
                "standard-twice",
            )
        assert code == 2
        kinds = {
            api["name"]: {one["rule"]: one["kind"] for one in api["audit"]["outcomes"]}
            for api in json.loads(out)["apis"]
        }
        assert kinds["up"] == {"authorization-missing": "passed", "standard-twice": "passed"}
        assert kinds["down"] == {"authorization-missing": "errored", "standard-twice": "passed"}

    @pytest.mark.parametrize("format_", ["terminal", "json", "sarif", "junit", "html"])
    def test_is_written_in_every_format(self, ninefold: Run, tmp_path: Path, format_: str) -> None:
        one, other = (_write(tmp_path, name, _document(key=SCHEME)) for name in ("a.json", "b.json"))
        code, out, _ = ninefold("audit", one, other, "--format", format_)
        assert code in {1, 2}
        assert "a.json" in out
        assert "b.json" in out

    @pytest.mark.parametrize(
        "more",
        [
            ("--url", "http://h"),
            ("--key", "k"),
            ("--write-baseline", "b", "--reason", "r"),
            ("--user", "anna"),
            ("--markdown", "a.md"),
            ("--gitlab", "a.json"),
        ],
    )
    def test_takes_nothing_that_is_of_one_api(self, ninefold: Run, tmp_path: Path, more: tuple[str, ...]) -> None:
        one = _write(tmp_path, "a.json", _document())
        code, _, told = ninefold("audit", one, one, *more)
        assert code == 64
        assert more[0].lstrip("-") in told

    @pytest.mark.parametrize("format_", ["markdown", "github", "gitlab"])
    def test_has_no_report_that_is_of_one_api(self, ninefold: Run, tmp_path: Path, format_: str) -> None:
        one = _write(tmp_path, "a.json", _document())
        assert ninefold("audit", one, one, "--format", format_)[0] == 64
