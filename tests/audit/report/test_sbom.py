"""The bill keeps to CycloneDX's own schema, and what is read back is what was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from ninefold.audit.manifests.cyclonedx import read_sbom
from ninefold.audit.manifests.pin import Need, Pin
from ninefold.audit.manifests.read import Manifests, manifests
from ninefold.audit.report.sbom import render_sbom

from ..test_components import CARGO, COMPILED, GEMS, NPM, NUGET, POETRY, UV  # noqa: TID252  # samples of the tests beside

NOW = 1_795_000_000.0
LAB = Path(__file__).parents[3] / "lab"


def valid(text: str) -> dict[str, Any]:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    made: dict[str, Any] = json.loads(text)
    return made


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("uv.lock", UV), ("poetry.lock", POETRY), ("requirements.txt", COMPILED), ("Cargo.lock", CARGO), ("Gemfile.lock", GEMS),
        ("package-lock.json", json.dumps(NPM)), ("packages.lock.json", json.dumps(NUGET)), ("requirements.txt", "flask\nflask==2\n"),
        ("Dockerfile", "FROM python:3.11\nFROM node@sha256:" + "a" * 64 + "\n"), ("go.mod", "module x\nrequire github.com/a/b v1.0.0\n"),
    ],
)  # fmt: skip
def test_it_is_valid_and_reads_back(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    found = manifests(tmp_path)
    bill = tmp_path / "bom.json"
    bill.write_text(render_sbom(found, "app", NOW))
    valid(bill.read_text())
    pins, unnamed = read_sbom(bill)
    assert unnamed == []
    assert {(one.ecosystem, one.name.partition(":")[0], one.version) for one in pins if one.ecosystem != "Docker"} == {
        (one.ecosystem, one.name, one.version) for one in found.pins if one.ecosystem != "Docker"
    }


@pytest.mark.parametrize("file", sorted(LAB.glob("*/*/package-lock.json")), ids=lambda one: "-".join(one.parts[-3:-1]))
def test_a_real_lock_keeps_its_graph(tmp_path: Path, file: Path) -> None:
    found = manifests(file)
    bill = tmp_path / "bom.json"
    bill.write_text(render_sbom(found, "app", NOW))
    valid(bill.read_text())
    pins, _ = read_sbom(bill)
    assert {(one.name, one.version): set(one.needs) for one in pins} == {
        (one.name, one.version): set(one.needs) - {Need(one.name, one.version)} for one in found.pins
    }
    assert {one.name for one in pins if one.direct} == {one.name for one in found.pins if one.direct}


def test_licences_places_and_what_was_not_read_are_told() -> None:
    pins = (
        Pin("a", "1.0", "x.lock", 3, "a", "npm", licence="MIT"),
        Pin("b", "1.0", "x.lock", 0, "b", "npm", licence="(MIT OR Apache-2.0)"),
        Pin("c", "1.0", "x.lock", 0, "c", "npm", licence="SEE LICENSE IN x"),
        Pin("a", "1.0", "y.lock", 9, "a", "npm"),
        Pin("odd", "1", "x", 1, "odd", "Unheard"),
    )
    told = valid(render_sbom(Manifests(pins, ("x.lock",), ("mix.lock (this kind is not read yet)",)), "app", NOW))
    by = {one["bom-ref"]: one for one in told["components"]}
    assert by["pkg:npm/a@1.0"]["licenses"] == [{"license": {"id": "MIT"}}]
    assert by["pkg:npm/b@1.0"]["licenses"] == [{"expression": "(MIT OR Apache-2.0)"}]
    assert by["pkg:npm/c@1.0"]["licenses"] == [{"license": {"name": "SEE LICENSE IN x"}}]
    assert by["pkg:npm/a@1.0"]["properties"] == [{"name": "ninefold:place", "value": "x.lock:3"}]
    assert "purl" not in by["Unheard/odd@1"]
    assert told["properties"] == [{"name": "ninefold:unread", "value": "mix.lock (this kind is not read yet)"}]
    assert told["metadata"]["component"]["name"] == "app"
    assert len(by) == 4


def test_the_same_tree_has_the_same_bill_at_the_same_time() -> None:
    found = Manifests((Pin("a", "1.0", "x", 1, "a", "npm"),), ("x",), ())
    assert render_sbom(found, "app", NOW) == render_sbom(found, "app", NOW)
    other = Manifests((Pin("a", "2.0", "x", 1, "a", "npm"),), ("x",), ())
    assert (
        valid(render_sbom(found, "app", NOW))["serialNumber"] != valid(render_sbom(other, "app", NOW))["serialNumber"]
    )
