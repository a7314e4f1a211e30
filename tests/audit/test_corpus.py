"""A real export of 2 661 records, held against a second reading of it that shares no code with the first."""

from __future__ import annotations

import random
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ninefold.audit.bulk import addition
from ninefold.audit.index import read_index, write_index
from ninefold.audit.snapshot import read_files

CORPUS = Path(__file__).with_name("corpus") / "osv-pypi-2024-10.tar.gz"
NOW = 1_728_600_000.0  # 2024-10-10


class Strings(yaml.SafeLoader):
    """A version stays the text that it is."""


Strings.yaml_implicit_resolvers = {}


@pytest.fixture(scope="module")
def records() -> dict[str, list[dict[str, Any]]]:
    """Read with Python's own YAML: `records[package]`, withdrawn ones left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    with tarfile.open(CORPUS) as archive:
        members = [one for one in archive if one.isfile() and one.name.endswith(".yaml")]
        chosen = set(random.Random(4).sample(range(len(members)), 700))
        packages = {one.name.split("/")[1] for at, one in enumerate(members) if at in chosen}
        keep = set(sorted(packages)[:90])
        for member in members:
            if member.name.split("/")[1] not in keep:
                continue
            stream = archive.extractfile(member)
            assert stream is not None
            told = yaml.load(stream.read(), Strings)
            if not told.get("withdrawn"):
                for one in told.get("affected") or []:
                    name = canonicalize_name(one["package"]["name"])
                    if told not in found.setdefault(name, []):
                        found[name].append(told)
    return found


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("index") / "advisories.db"
    write_index(path, [addition(CORPUS)], NOW)
    return path


def second(record: dict[str, Any], name: str, version: str) -> bool:
    """The events as specifiers, span by span: `>=introduced,<fixed`. PyPI writes them in order."""
    at = Version(version)
    for one in record["affected"]:
        if canonicalize_name(one["package"]["name"]) != name:
            continue
        if any(_equal(told, at) for told in one.get("versions") or []):
            return True
        for span in one.get("ranges") or []:
            if span["type"] == "GIT":
                continue
            points = [next(iter(event.items())) for event in span["events"]]
            for nth, (kind, low) in enumerate(points):
                if kind != "introduced":
                    continue
                ends = [(k, v) for k, v in points[nth + 1 :] if k in {"fixed", "last_affected"}][:1]
                end = f",{'<' if ends[0][0] == 'fixed' else '<='}{ends[0][1]}" if ends else ""
                text = (f">={low}" if low != "0" else ">=0.dev0") + end
                if _held(text, at):
                    return True
    return False


def _held(text: str, at: Version) -> bool:
    """The specifiers, where PEP 440 has no exception: `<1.0` leaves out `1.0rc1`, and a range does not."""
    try:
        specifiers = SpecifierSet(text)
    except InvalidSpecifier:
        return False  # an end that is no version says nothing of what is before it
    for one in specifiers:
        bound = Version(one.version)
        inside = at < bound if one.operator == "<" else at <= bound if one.operator == "<=" else at >= bound
        if not inside:
            return False
        plain = not (at.is_prerelease or at.is_postrelease or bound.is_prerelease or at.local)
        assert not plain or at in SpecifierSet(str(one))
    return True


def _equal(told: str, at: Version) -> bool:
    try:
        return Version(told) == at
    except InvalidVersion:
        return False


def _versions(listed: list[dict[str, Any]]) -> list[str]:
    """Every version that a package's records name, and some beside them."""
    told = {v for record in listed for one in record["affected"] for v in one.get("versions") or []}
    told |= {
        v
        for record in listed
        for one in record["affected"]
        for span in one.get("ranges") or []
        if span["type"] != "GIT"
        for event in span["events"]
        for v in event.values()
    }
    made = set()
    for one in told:
        try:
            version = Version(one)
        except InvalidVersion:
            continue
        made |= {one, f"{version.base_version}.post1", f"{version.base_version}.1", f"{version.base_version}rc1"}
    return sorted(made)


def test_two_hundred_versions_and_more_are_judged_alike_by_two_readings(
    records: dict[str, list[dict[str, Any]]], index: Path
) -> None:
    dice, chosen = random.Random(9), []
    for name, listed in sorted(records.items()):
        told = _versions(listed)
        chosen += [(name, version) for version in [*dice.sample(told, min(len(told), 9)), "9999"]]
    assert len(chosen) > 400
    known = read_index(index, records)
    wrong, hits = [], 0
    for name, version in chosen:
        first = {one.id for one in known.records if one.affects(name, version, "PyPI")}
        other = {one["id"] for one in records[name] if second(one, name, version)}
        hits += len(other)
        if first != other:
            wrong.append((name, version, first ^ other))
    assert wrong == []
    assert hits > 400
    assert sum(not any(second(one, name, version) for one in records[name]) for name, version in chosen) > 50


def test_the_index_and_the_files_say_the_same(index: Path) -> None:
    names = ["django", "jinja2", "pillow", "tensorflow", "urllib3", "requests", "flask"]
    stored, read = read_index(index, names), read_files(CORPUS, names)
    assert stored.holdings == read.holdings
    assert {name: one.records for name, one in stored.holdings.items()} == {"PyPI": 2661}
    about = {one.id for one in read.records if any(any(one.about(name, "PyPI")) for name in names)}
    assert {one.id for one in stored.records} == about
    assert len(about) > 300


@pytest.mark.parametrize(("name", "version"), [("binderhub", "0.2.0"), ("steam", "1.4.4")])
def test_a_range_whose_end_is_no_version_is_told_and_makes_no_hit(index: Path, name: str, version: str) -> None:
    (record,) = read_index(index, [name]).records
    assert not record.affects(name, version, "PyPI")
    assert record.unsure(name, version, "PyPI")
