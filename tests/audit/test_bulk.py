"""Exports come whole from a mirror, or nothing is put in; the real one comes through too."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.bulk import addition, fetch
from ninefold.audit.fetch import Fetcher
from ninefold.audit.index import held, read_index, write_index
from ninefold.errors import FileError, NinefoldError, ServiceError

from .test_corpus import CORPUS
from .test_renown import EPSS, KEV

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = 1_795_000_000.0  # 2026-11-18
FETCHER = Fetcher("ninefold/test", 50_000_000, 20.0)


def record(id_: str, ecosystem: str = "PyPI", name: str = "jinja2") -> dict[str, Any]:
    span = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2"}]}
    affected = [{"package": {"ecosystem": ecosystem, "name": name}, "ranges": [span]}]
    return {"id": id_, "modified": "2026-10-01T00:00:00Z", "affected": affected}


def packed(*records: dict[str, Any]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in records:
            archive.writestr(f"{one['id']}.json", json.dumps(one))
    return made.getvalue()


def mirror(files: dict[str, bytes], **header: str) -> Callable[[Any], Any]:
    def api(call: Any) -> Any:
        raw = files.get(call.path)
        return (404, {}, b"") if raw is None else (200, header, raw)

    return api


def test_every_ecosystem_is_got_and_its_day_is_the_export_s(serve: Callable[..., str], tmp_path: Path) -> None:
    files = {"/PyPI/all.zip": packed(record("A")), "/crates.io/all.zip": packed(record("B", "crates.io"))}
    url = serve(mirror(files, **{"Last-Modified": "Tue, 17 Nov 2026 10:00:00 GMT"}))
    asked: list[str] = []
    fetch(["PyPI", "crates.io"], tmp_path / "a.db", FETCHER, now=NOW, source=f"{url}/", told=asked.append)
    assert asked == [f"{url}/PyPI/all.zip", f"{url}/crates.io/all.zip"]
    assert [(one.ecosystem, one.holding.day, one.origin) for one in held(tmp_path / "a.db")] == [
        ("PyPI", "2026-11-17", asked[0]),
        ("crates.io", "2026-11-17", asked[1]),
    ]


@pytest.mark.parametrize("told", ["Fri, 01 Jan 2100 00:00:00 GMT", "soon"])
def test_a_mirror_that_lies_about_the_day_is_not_believed(serve: Callable[..., str], tmp_path: Path, told: str) -> None:
    url = serve(mirror({"/PyPI/all.zip": packed(record("A"))}, **{"Last-Modified": told}))
    fetch(["PyPI"], tmp_path / "a.db", FETCHER, now=NOW, source=url)
    assert held(tmp_path / "a.db")[0].holding.day == "2026-10-01"


@pytest.mark.parametrize(
    "raw",
    [
        None, b"", b"<html>sign in</html>", packed(record("A"))[:-30], packed(), packed(record("B", "npm")),
        packed({"id": "A", "modified": "x"}),
    ],
)  # fmt: skip
def test_half_of_it_is_nothing(serve: Callable[..., str], tmp_path: Path, raw: bytes | None) -> None:
    path = tmp_path / "a.db"
    write_index(path, [addition_of(tmp_path, record("OLD"))], NOW)
    before = path.read_bytes()
    files = {"/npm/all.zip": packed(record("N", "npm"))} | ({"/PyPI/all.zip": raw} if raw is not None else {})
    with pytest.raises(NinefoldError):
        fetch(["npm", "PyPI"], path, FETCHER, now=NOW, source=serve(mirror(files)))
    assert path.read_bytes() == before


def addition_of(folder: Path, one: dict[str, Any]) -> Any:
    path = folder / "one.json"
    path.write_text(json.dumps(one))
    return addition(path)


def test_nobody_there_leaves_no_index(tmp_path: Path) -> None:
    with pytest.raises(ServiceError):
        fetch(["PyPI"], tmp_path / "a.db", FETCHER, now=NOW, source="http://127.0.0.1:1")
    assert list(tmp_path.iterdir()) == []


def test_a_name_does_not_leave_its_place(serve: Callable[..., str], tmp_path: Path) -> None:
    seen: list[str] = []

    def api(call: Any) -> Any:
        seen.append(call.path)
        return 404, {}, b""

    with pytest.raises(ServiceError):
        fetch(["../../x?y#"], tmp_path / "a.db", FETCHER, now=NOW, source=serve(api))
    assert seen == ["/..%2F..%2Fx%3Fy%23/all.zip"]


def test_a_real_export_comes_through(serve: Callable[..., str], tmp_path: Path) -> None:
    made = io.BytesIO()
    with tarfile.open(CORPUS) as archive, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
        for member in archive:
            if member.isfile() and member.name.endswith(".yaml"):
                stream = archive.extractfile(member)
                assert stream is not None
                zipped.writestr(member.name, stream.read())
    fetch(["PyPI"], tmp_path / "a.db", FETCHER, now=NOW, source=serve(mirror({"/PyPI/all.zip": made.getvalue()})))
    known = read_index(tmp_path / "a.db", ["jinja2"])
    assert (known.holdings["PyPI"].records, known.holdings["PyPI"].day) == (2661, "2024-10-10")
    assert any(one.affects("jinja2", "2.7", "PyPI") for one in known.records)


class TestWhatIsImported:
    def test_is_known_by_what_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "known_exploited_vulnerabilities.json").write_text(json.dumps(KEV))
        (tmp_path / "epss.csv").write_text(EPSS)
        (tmp_path / "osv.json").write_text(json.dumps([record("A")]))
        made = [addition(tmp_path / name) for name in ("known_exploited_vulnerabilities.json", "epss.csv", "osv.json")]
        assert [(one.kind, one.day) for one in made] == [("KEV", "2026-11-16"), ("EPSS", "2026-11-17"), ("OSV", "")]
        write_index(tmp_path / "a.db", made, NOW)
        assert len(held(tmp_path / "a.db")) == 3

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', '"x"', "null"])
    def test_is_told_where_it_is_nothing(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "osv.json").write_text(text)
        with pytest.raises(FileError, match=r"osv\.json"):
            write_index(tmp_path / "a.db", [addition(tmp_path / "osv.json")], NOW)
        assert not (tmp_path / "a.db").exists()
