"""Statements count with a reason, for what they name, up to their last day."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.advisory import advisory
from ninefold.audit.flaw import Flaw
from ninefold.audit.manifests.pin import Pin
from ninefold.audit.vex import Statement, read_vex
from ninefold.errors import FileError

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_795_000_000.0  # 2026-11-18
PIN = Pin("jinja2", "2.11", "requirements.txt", 1, "jinja2==2.11")
FLAW = Flaw((advisory({"id": "GHSA-1", "aliases": ["CVE-2026-1111"], "modified": "x"}),))
PURL = "pkg:pypi/jinja2@2.11"


def read(folder: Path, document: Any) -> tuple[Statement, ...]:
    path = folder / "vex.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return read_vex(path)


def cyclonedx(*, ref: str = PURL, id_: str = "CVE-2026-1111", until: str = "", **analysis: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"id": id_, "analysis": analysis, "affects": [{"ref": ref}]}
    if until:
        told["properties"] = [{"name": "ninefold:until", "value": until}]
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "vulnerabilities": [told]}


def openvex(**statement: Any) -> dict[str, Any]:
    base = {"vulnerability": {"name": "CVE-2026-1111"}, "products": [{"@id": PURL}], "status": "not_affected"}
    return {"@context": "https://openvex.dev/ns/v0.2.0", "statements": [{**base, **statement}]}


QUIET = {"state": "not_affected", "justification": "code_not_reachable", "detail": "no sandbox"}


def test_cyclonedx_says_so_with_its_reason(tmp_path: Path) -> None:
    (one,) = read(tmp_path, cyclonedx(**QUIET))
    assert one.quiet
    assert one.covers(PIN, FLAW, NOW)
    assert one.told == "code_not_reachable: no sandbox (vex.json)"


def test_openvex_says_so_with_its_reason(tmp_path: Path) -> None:
    (one,) = read(tmp_path, openvex(justification="vulnerable_code_not_in_execute_path"))
    assert one.quiet
    assert one.covers(PIN, FLAW, NOW)


@pytest.mark.parametrize(
    "statement",
    [
        {"impact_statement": "we do not use it"}, {"vulnerability": "CVE-2026-1111", "justification": "component_not_present"},
        {"vulnerability": {"name": "X", "aliases": ["GHSA-1"]}, "justification": "component_not_present"},
        {"products": [{"@id": "my-app", "subcomponents": [{"@id": PURL}]}], "justification": "component_not_present"},
        {"products": [{"@id": "x", "identifiers": {"purl": "pkg:pypi/Jinja2"}}], "justification": "component_not_present"},
        {"products": [PURL], "justification": "component_not_present"},
    ],
)  # fmt: skip
def test_openvex_has_many_forms(tmp_path: Path, statement: dict[str, Any]) -> None:
    (one,) = read(tmp_path, openvex(**statement))
    assert one.covers(PIN, FLAW, NOW)


@pytest.mark.parametrize(
    ("ref", "covered"),
    [
        (PURL, True), ("pkg:pypi/jinja2", True), ("pkg:pypi/jinja2@2.12", False), ("pkg:npm/jinja2@2.11", False),
        ("pkg:pypi/other@2.11", False), ("urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg%3Apypi%2Fjinja2%402.11", True),
    ],
)  # fmt: skip
def test_a_statement_is_of_the_components_that_it_names(tmp_path: Path, ref: str, covered: bool) -> None:
    (one,) = read(tmp_path, cyclonedx(ref=ref, **QUIET))
    assert one.covers(PIN, FLAW, NOW) is covered


def test_a_reference_into_its_own_components_is_followed(tmp_path: Path) -> None:
    told = {**cyclonedx(ref="c-1", **QUIET), "components": [{"bom-ref": "c-1", "name": "jinja2", "purl": PURL}]}
    assert read(tmp_path, told)[0].covers(PIN, FLAW, NOW)


def test_a_statement_is_of_the_flaw_that_it_names(tmp_path: Path) -> None:
    assert not read(tmp_path, cyclonedx(id_="CVE-2026-2222", **QUIET))[0].covers(PIN, FLAW, NOW)


@pytest.mark.parametrize(("until", "covered"), [("2026-11-18", True), ("2026-11-17", False), ("2027-01-31", True)])
def test_a_statement_holds_up_to_its_last_day(tmp_path: Path, until: str, covered: bool) -> None:
    quiet = {"justification": "component_not_present", "ninefold:until": until}
    for document in (cyclonedx(until=until, **QUIET), openvex(**quiet)):
        (one,) = read(tmp_path, document)
        assert one.until == date.fromisoformat(until)
        assert one.covers(PIN, FLAW, NOW) is covered


@pytest.mark.parametrize("state", ["exploitable"])
def test_what_affects_is_loud(tmp_path: Path, state: str) -> None:
    assert not read(tmp_path, cyclonedx(state=state))[0].quiet
    assert not read(tmp_path, openvex(status="affected", action_statement="raise it"))[0].quiet


@pytest.mark.parametrize("state", ["in_triage", "resolved", "resolved_with_pedigree", "", "odd"])
def test_what_is_not_decided_is_no_statement(tmp_path: Path, state: str) -> None:
    assert read(tmp_path, cyclonedx(state=state)) == ()
    assert read(tmp_path, openvex(status="under_investigation")) == ()
    assert read(tmp_path, openvex(status="fixed")) == ()


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (cyclonedx(state="not_affected"), "gives no reason"),
        (cyclonedx(state="not_affected", detail="  "), "gives no reason"),
        (cyclonedx(state="false_positive", justification="code_not_present"), "gives no reason"),
        (openvex(), "gives no reason"),
        (openvex(justification=" "), "gives no reason"),
        (cyclonedx(ref="my-app", **QUIET), "no component"),
        (openvex(justification="x", products=[]), "no component"),
        (openvex(justification="x", products=5), "no component"),
        (openvex(justification="x", products=[{"subcomponents": 5, "identifiers": 5}]), "no component"),
        (openvex(justification="x", vulnerability={}), "of which flaw"),
        (cyclonedx(until="soon", **QUIET), "no day"),
        ({"@context": "https://csaf"}, "no CycloneDX"),
        ("{", "no JSON"), ("[]", "no CycloneDX"), ("null", "no CycloneDX"), ("[" * 100_000, "JSON"),
    ],
)  # fmt: skip
def test_what_is_not_whole_is_refused(tmp_path: Path, document: Any, fault: str) -> None:
    with pytest.raises(FileError, match=fault) as told:
        read(tmp_path, document)
    assert "vex.json" in str(told.value)


@pytest.mark.parametrize(
    "document",
    [
        {"@context": ["https://openvex.dev/ns"], "statements": 5}, openvex(products=5, status="odd"),
        {"bomFormat": "CycloneDX", "specVersion": "1.6", "vulnerabilities": [5, {"analysis": 5}]},
    ],
)  # fmt: skip
def test_odd_members_are_passed_over(tmp_path: Path, document: Any) -> None:
    assert read(tmp_path, document) == ()
