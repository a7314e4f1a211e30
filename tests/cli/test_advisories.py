"""The index from the shell: fetched from a mirror, imported, shown, used by the audit."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.cli.places import cache_home, data_home
from ninefold.cli.registries import registries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


def record(id_: str = "GHSA-1", day: str = "2020-01-01") -> dict[str, Any]:
    span = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.0"}]}
    affected = [{"package": {"ecosystem": "PyPI", "name": "jinja2"}, "ranges": [span]}]
    return {
        "id": id_,
        "aliases": ["CVE-2026-1111"],
        "modified": f"{day}T00:00:00Z",
        "summary": "bad",
        "affected": affected,
    }


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    """Where the index is made and looked for."""
    return tmp_path / "data" / "ninefold" / "advisories.db"


@pytest.fixture
def mirror() -> Iterator[str]:
    """Exports of PyPI, and a simple API with one package."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("GHSA-1.json", json.dumps(record()))
    simple = {"meta": {"api-version": "1.0"}, "files": [{"filename": "jinja2-4.0.tar.gz", "yanked": False}]}
    files = {"/PyPI/all.zip": made.getvalue(), "/simple/jinja2/": json.dumps(simple).encode()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            raw = files.get(self.path)
            self.send_response(200 if raw is not None else 404)
            self.send_header("Content-Length", str(len(raw or b"")))
            self.end_headers()
            self.wfile.write(raw or b"")

        def log_message(self, *args: object) -> None:
            """Nothing to say."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "requirements.txt").write_text("jinja2==2.11 --hash=sha256:aa\n")
    return tmp_path / "src"


def test_what_is_fetched_is_used_without_being_named(ninefold: Run, mirror: str, tree: Path, homes: Path) -> None:
    code, out, err = ninefold("advisories", "fetch", "PyPI", "--from", mirror)
    assert (code, homes.is_file()) == (0, True)
    assert "PyPI: 1 record of 2020-01-01" in out
    assert f"getting {mirror}/PyPI/all.zip" in err
    code, out, _ = ninefold("audit", "--source", tree, "--rule", "dependencies-vulnerable")
    assert code == 1
    assert "CVE-2026-1111" in out


def test_a_mirror_that_is_not_there_is_told_and_leaves_nothing(ninefold: Run, homes: Path) -> None:
    code, _, err = ninefold("advisories", "fetch", "PyPI", "--from", "http://127.0.0.1:1")
    assert code == 69
    assert "cannot be got" in err
    assert "fix:" in err
    assert not homes.exists()


@pytest.mark.parametrize("source", ["http://example.com", "ftp://127.0.0.1", "example.com"])
def test_a_mirror_that_may_not_be_asked_is_told(ninefold: Run, source: str) -> None:
    code, _, err = ninefold("advisories", "fetch", "PyPI", "--from", source)
    assert code == 69
    assert "https" in err or "http(s)" in err


def test_what_is_imported_is_shown(ninefold: Run, tmp_path: Path) -> None:
    path = tmp_path / "osv.json"
    path.write_text(json.dumps(record()))
    to = tmp_path / "a.db"
    assert ninefold("advisories", "import", path, "--to", to, "--as-of", "2020-06-01")[0] == 0
    code, out, _ = ninefold("advisories", "show", "--to", to)
    assert code == 0
    assert "of 2020-06-01" in out
    assert "(older than 14 days)" in out
    assert str(path) in out


def test_a_day_to_come_is_refused(ninefold: Run, tmp_path: Path) -> None:
    (tmp_path / "osv.json").write_text(json.dumps(record()))
    assert ninefold("advisories", "import", tmp_path / "osv.json", "--as-of", "2100-01-01")[0] == 64


def test_no_index_is_told_with_how_to_get_one(ninefold: Run, tree: Path) -> None:
    code, _, err = ninefold("advisories", "show")
    assert code == 66
    assert "ninefold advisories fetch PyPI" in err
    code, out, _ = ninefold("audit", "--source", tree, "--rule", "dependencies-vulnerable", "--format", "json")
    assert code == 2
    report = json.loads(out)
    assert "`ninefold advisories fetch PyPI` gets them" in report["outcomes"][0]["reason"]
    assert report["signs"][3]["state"] == "unknown"


@pytest.mark.parametrize("text", ["", "{", "x"])
def test_what_is_no_advisory_is_told(ninefold: Run, tmp_path: Path, homes: Path, text: str) -> None:
    (tmp_path / "osv.json").write_text(text)
    code, _, err = ninefold("advisories", "import", tmp_path / "osv.json")
    assert code == 66
    assert "osv.json" in err
    assert not homes.exists()


@pytest.mark.parametrize("damage", ["empty", "garbage", "cut", "overwritten"])
def test_a_damaged_index_is_never_a_clean_tree(
    ninefold: Run, tmp_path: Path, homes: Path, tree: Path, damage: str
) -> None:
    (tmp_path / "osv.json").write_text(json.dumps(record()))
    assert ninefold("advisories", "import", tmp_path / "osv.json")[0] == 0
    only = ("audit", "--source", tree, "--rule", "dependencies-vulnerable", "--advisories-max-age", "36500")
    assert ninefold(*only)[0] == 1
    whole = homes.read_bytes()
    homes.write_bytes(
        {
            "empty": b"",
            "garbage": b"garbage",
            "cut": whole[: len(whole) // 2],
            "overwritten": whole.replace(b"jinja2", b"jinja3"),
        }[damage]
    )
    for given in ((), ("--advisories", homes)):
        code, out, err = ninefold(*only, *given)
        assert code in {2, 66}
        assert "advisories.db" in "".join((out + err).split())
        assert "Traceback" not in err
    code, _, err = ninefold("advisories", "show")
    assert code == 66
    assert "fix: " in err


def test_old_advisories_make_a_clean_tree_unverified(ninefold: Run, tmp_path: Path, tree: Path) -> None:
    (tree / "requirements.txt").write_text("jinja2==4.0 --hash=sha256:aa\n")
    (tmp_path / "osv.json").write_text(json.dumps(record()))
    assert ninefold("advisories", "import", tmp_path / "osv.json")[0] == 0
    only = ("audit", "--source", tree, "--rule", "dependencies-vulnerable")
    code, out, _ = ninefold(*only)
    assert code == 2
    assert "2020-01-01" in out
    assert ninefold(*only, "--advisories-max-age", "36500")[0] == 0


def test_findings_of_old_advisories_below_fail_on_are_no_success(ninefold: Run, tmp_path: Path, tree: Path) -> None:
    (tmp_path / "osv.json").write_text(json.dumps(record()))
    assert ninefold("advisories", "import", tmp_path / "osv.json")[0] == 0
    only = ("audit", "--source", tree, "--rule", "dependencies-vulnerable", "--fail-on", "critical")
    assert ninefold(*only)[0] == 2
    assert ninefold(*only, "--advisories-max-age", "36500")[0] == 0


def test_statements_go_in_and_out(ninefold: Run, tmp_path: Path, tree: Path) -> None:
    (tmp_path / "osv.json").write_text(json.dumps(record()))
    vex = tmp_path / "vex.json"
    only = (
        "audit", "--source", tree, "--rule", "dependencies-vulnerable", "--advisories", tmp_path / "osv.json",
        "--advisories-max-age", "36500",
    )  # fmt: skip
    assert ninefold(*only, "--vex", vex)[0] == 1
    document = json.loads(vex.read_text())
    assert document["vulnerabilities"][0]["analysis"] == {"state": "in_triage"}
    document["vulnerabilities"][0]["analysis"] = {"state": "not_affected", "justification": "code_not_reachable"}
    vex.write_text(json.dumps(document))
    assert ninefold(*only, "--vex-in", vex)[0] == 0
    document["vulnerabilities"][0]["analysis"] = {"state": "not_affected"}
    vex.write_text(json.dumps(document))
    code, _, err = ninefold(*only, "--vex-in", vex)
    assert code == 66
    assert "gives no reason" in err


def test_vex_without_advisories_is_told(ninefold: Run, tmp_path: Path, tree: Path) -> None:
    code, _, err = ninefold("audit", "--source", tree, "--vex", tmp_path / "vex.json")
    assert code == 66
    assert "there are no advisories" in err
    assert not (tmp_path / "vex.json").exists()


def test_a_bill_is_written_and_audited(ninefold: Run, tmp_path: Path, tree: Path) -> None:
    bill = tmp_path / "bom.json"
    assert ninefold("sbom", tree, "--out", bill)[0] == 0
    assert json.loads(bill.read_text())["components"][0]["purl"] == "pkg:pypi/jinja2@2.11"
    (tmp_path / "osv.json").write_text(json.dumps(record()))
    code, out, _ = ninefold(
        "audit", "--sbom", bill, "--advisories", tmp_path / "osv.json", "--rule", "dependencies-vulnerable"
    )
    assert code == 1
    assert "bom.json" in out
    bill.write_text("{}")
    code, out, _ = ninefold(
        "audit", "--sbom", bill, "--advisories", tmp_path / "osv.json", "--rule", "dependencies-vulnerable"
    )
    assert code == 2
    assert "no CycloneDX" in " ".join(out.split())


def test_a_bill_of_nothing_or_half_is_told(ninefold: Run, tmp_path: Path, tree: Path) -> None:
    (tree / "mix.lock").write_text("x")
    code, out, err = ninefold("sbom", tree)
    assert code == 2
    assert json.loads(out)["properties"][0]["name"] == "ninefold:unread"
    assert "not read: mix.lock" in err
    (tmp_path / "empty").mkdir()
    assert ninefold("sbom", tmp_path / "empty")[0] == 66
    assert ninefold("sbom", tree, "--out", tmp_path / "none" / "x.json")[0] == 73


def test_registries_are_asked_when_they_may_be(
    ninefold: Run, mirror: str, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = ("audit", "--source", tree, "--rule", "dependencies-outdated")
    assert ninefold(*only)[0] == 2
    monkeypatch.setenv("PIP_INDEX_URL", f"{mirror}/simple")
    code, out, _ = ninefold(*only, "--registry")
    assert code == 1
    assert "the newest release is 4.0" in " ".join(out.split())
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    assert ninefold(*only, "--registry")[0] == 2


def test_registries_are_those_of_pip_and_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert registries(0).bases == {"PyPI": "https://pypi.org/simple", "npm": "https://registry.npmjs.org"}
    home = tmp_path / "home"
    (home / ".config" / "pip").mkdir(parents=True)
    (home / ".config" / "pip" / "pip.conf").write_text("[global]\nindex-url = https://a.example.com/simple\n")
    (home / ".npmrc").write_text("always-auth=true\nregistry = https://b.example.com/npm/\n")
    assert registries(0).bases == {"PyPI": "https://a.example.com/simple", "npm": "https://b.example.com/npm/"}
    monkeypatch.setenv("npm_config_registry", "https://c.example.com")
    monkeypatch.setenv("PIP_INDEX_URL", "https://d.example.com")
    assert registries(0).bases == {"PyPI": "https://d.example.com", "npm": "https://c.example.com"}
    (home / ".config" / "pip" / "pip.conf").write_text("not a [file\n=")
    monkeypatch.delenv("PIP_INDEX_URL")
    assert registries(0).bases["PyPI"] == "https://pypi.org/simple"


def test_homes_that_are_not_absolute_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "here")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert data_home() == tmp_path / "home" / ".local/share"
    assert cache_home() == tmp_path / "home" / ".cache"
