from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.manifests import cyclonedx
from ninefold.audit.manifests.cyclonedx import read_sbom
from ninefold.audit.manifests.pin import Need
from ninefold.errors import FileError

if TYPE_CHECKING:
    from pathlib import Path


def bill(folder: Path, document: Any) -> Path:
    path = folder / "bom.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document, indent=1))
    return path


def component(purl: str, **more: Any) -> dict[str, Any]:
    return {"type": "library", "name": "x", "purl": purl, **more}


def document(*components: Any, version: str = "1.6", **more: Any) -> dict[str, Any]:
    return {"bomFormat": "CycloneDX", "specVersion": version, "components": list(components), **more}


@pytest.mark.parametrize("version", ["1.2", "1.3", "1.4", "1.5", "1.6"])
def test_components_have_their_place_licence_and_needs(tmp_path: Path, version: str) -> None:
    told = document(
        component("pkg:pypi/flask@2.0", **{"bom-ref": "a", "licenses": [{"license": {"id": "BSD-3-Clause"}}]}),
        component("pkg:npm/lib@1.0.0", **{"bom-ref": "b", "licenses": [{"expression": "MIT OR Apache-2.0"}]}),
        version=version,
        metadata={"component": {"bom-ref": "root", "name": "app"}},
        dependencies=[{"ref": "root", "dependsOn": ["a"]}, {"ref": "a", "dependsOn": ["b", "gone"]}, {"ref": "b"}],
    )
    path = bill(tmp_path, told)
    pins, unnamed = read_sbom(path)
    assert unnamed == []
    assert [(one.ecosystem, one.name, one.version, one.direct, one.licence) for one in pins] == [
        ("PyPI", "flask", "2.0", True, "BSD-3-Clause"),
        ("npm", "lib", "1.0.0", False, "MIT OR Apache-2.0"),
    ]
    assert pins[0].needs == (Need("lib", "1.0.0"),)
    assert "pkg:npm/lib@1.0.0" in path.read_text().splitlines()[pins[1].line - 1]


def test_components_within_others_count(tmp_path: Path) -> None:
    inner = component("pkg:pypi/b@1")
    pins, _ = read_sbom(bill(tmp_path, document(component("pkg:pypi/a@1", components=[inner]))))
    assert [one.name for one in pins] == ["a", "b"]


def test_what_has_no_purl_is_named(tmp_path: Path) -> None:
    told = document(
        {"type": "library", "name": "openssl", "version": "3"},
        {"type": "file", "name": "x"},
        component("odd", name="odd"),
    )
    assert read_sbom(bill(tmp_path, told))[1] == ["openssl 3", "odd"]


@pytest.mark.parametrize(
    "told",
    [
        "", "{", "[]", "null", {}, {"bomFormat": "SPDX", "specVersion": "1.6"}, document(version="1.1"), document(version="2.0"),
        document("x"), {**document(), "components": {}}, {"spdxVersion": "SPDX-2.3"}, document(component("pkg:pypi/a@1", components=5)),
        "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_bill_is_told(tmp_path: Path, told: Any) -> None:
    with pytest.raises(FileError, match=r"bom\.json"):
        read_sbom(bill(tmp_path, told))


def test_too_many_and_too_deep_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cyclonedx, "COMPONENTS", 3)
    with pytest.raises(FileError, match="too many"):
        read_sbom(bill(tmp_path, document(*[component("pkg:pypi/a@1")] * 4)))
    deep: dict[str, Any] = component("pkg:pypi/a@1")
    monkeypatch.setattr(cyclonedx, "COMPONENTS", 300)
    for _ in range(60):
        deep = component("pkg:pypi/a@1", components=[deep])
    with pytest.raises(FileError, match="too deep"):
        read_sbom(bill(tmp_path, document(deep)))


@pytest.mark.parametrize(
    "more", [{"dependencies": 5}, {"dependencies": [5, {"ref": []}]}, {"metadata": 5}, {"metadata": {"component": 5}}]
)
def test_odd_members_are_passed_over(tmp_path: Path, more: dict[str, Any]) -> None:
    odd = component("pkg:pypi/a@1", licenses=[5, {"license": 5}], version=7)
    assert [one.name for one in read_sbom(bill(tmp_path, document(odd, **more)))[0]] == ["a"]
