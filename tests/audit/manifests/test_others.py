from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ninefold.audit.manifests.read import manifests

if TYPE_CHECKING:
    from pathlib import Path


def pins(folder: Path, name: str, text: str, ecosystem: str) -> list[tuple[str, str, int]]:
    (folder / name).write_text(text)
    found = manifests(folder)
    assert (found.unread, found.read) == ((), (name,))
    assert {pin.ecosystem for pin in found.pins} == {ecosystem}
    return [(pin.name, pin.version, pin.line) for pin in found.pins]


def test_go(tmp_path: Path) -> None:
    text = (
        "module example.com/shop\n\ngo 1.22\n\nrequire github.com/gin-gonic/gin v1.9.0 // indirect\n\nrequire (\n"
        "\tgolang.org/x/net v0.0.0-20210405180319-a5a99cb37ef4\n\tgithub.com/old/a v2.0.0+incompatible\n"
        "\texample.com/own v1.0.0\n\tgithub.com/moved/b v1.0.0\n)\n\nexclude github.com/x/y v1.0.0\n\n"
        "replace example.com/own => ../own\nreplace github.com/moved/b v1.0.0 => github.com/fork/b v1.0.1\n"
    )
    assert pins(tmp_path, "go.mod", text, "Go") == [
        ("github.com/gin-gonic/gin", "1.9.0", 5),
        ("golang.org/x/net", "0.0.0-20210405180319-a5a99cb37ef4", 8),
        ("github.com/old/a", "2.0.0", 9),
        ("github.com/fork/b", "1.0.1", 11),
    ]


def test_rust(tmp_path: Path) -> None:
    registry = 'source = "registry+https://github.com/rust-lang/crates.io-index"\n'
    text = f'[[package]]\nname = "own"\nversion = "0.1.0"\n\n[[package]]\nname = "time"\nversion = "0.1.42"\n{registry}'
    assert pins(tmp_path, "Cargo.lock", text, "crates.io") == [("time", "0.1.42", 6)]


def test_ruby(tmp_path: Path) -> None:
    text = (
        "PATH\n  remote: .\n  specs:\n    own (1.0)\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n"
        "    nokogiri (1.15.0-x86_64-linux)\n      racc (~> 1.4)\n    rack (2.2.3)\n\nPLATFORMS\n  ruby\n"
    )
    assert pins(tmp_path, "Gemfile.lock", text, "RubyGems") == [("nokogiri", "1.15.0", 9), ("rack", "2.2.3", 11)]


def test_java(tmp_path: Path) -> None:
    def dependency(artifact: str, version: str) -> str:
        told = f"<version>{version}</version>" if version else ""
        return f"<dependency><groupId>org.x</groupId>\n<artifactId>{artifact}</artifactId>{told}</dependency>\n"

    text = (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><version>3.0</version><properties><a.version>${b}</a.version>'
        "<b>2.14.0</b></properties><dependencyManagement><dependencies>"
        + dependency("managed", "1.1")
        + "</dependencies></dependencyManagement><dependencies>\n"
        + dependency("log4j-core", "${a.version}")
        + dependency("own", "${project.version}")
        + dependency("managed", "")
        + dependency("parents", "")
        + dependency("ranged", "[1.0,2.0)")
        + "</dependencies></project>"
    )
    found = pins(tmp_path, "pom.xml", text, "Maven")
    assert [(name, version) for name, version, _ in found] == [
        ("org.x:log4j-core", "2.14.0"), ("org.x:own", "3.0"), ("org.x:managed", "1.1"), ("org.x:parents", ""),
        ("org.x:ranged", ""),
    ]  # fmt: skip
    (tmp_path / "pom.xml").unlink()
    text = "# This is a Gradle generated file\norg.x:a-b:1.0=compileClasspath\nempty=x\n"
    assert pins(tmp_path, "gradle.lockfile", text, "Maven") == [("org.x:a-b", "1.0", 2)]


def test_php_and_dotnet(tmp_path: Path) -> None:
    packages = {"packages": [{"name": "Guzzle/Guzzle", "version": "v7.0.0"}, {"name": "a/b", "version": "dev-main"}]}
    assert [one[:2] for one in pins(tmp_path, "composer.lock", json.dumps(packages), "Packagist")] == [
        ("guzzle/guzzle", "7.0.0"),
        ("a/b", ""),
    ]
    (tmp_path / "composer.lock").unlink()
    own = {"Newtonsoft.Json": {"type": "Direct", "resolved": "12.0.1"}, "own": {"type": "Project"}}
    text = json.dumps({"version": 1, "dependencies": {"net8.0": own}})
    assert [one[:2] for one in pins(tmp_path, "packages.lock.json", text, "NuGet")] == [("newtonsoft.json", "12.0.1")]


def test_images_are_pinned_by_their_digest_alone(tmp_path: Path) -> None:
    text = (
        "ARG VERSION=3.12\nFROM --platform=linux/amd64 python:${VERSION} AS build\nFROM build AS test\n"
        "FROM debian@sha256:aa\nCOPY --from=build /a /a\nFROM scratch\n"
    )
    assert pins(tmp_path, "Dockerfile", text, "Docker") == [("python:3.12", "", 2), ("debian", "sha256:aa", 4)]


def test_images_of_every_form(tmp_path: Path) -> None:
    digest = "sha256:" + "a" * 64
    text = (
        f"ARG BASE=python:3.12@{digest}\nARG TAG=1.27\n# FROM commented:1\nfrom ${{BASE}} as Build\nFROM build AS test\n"
        "FROM --platform=$BUILDPLATFORM nginx:${TAG}\nFROM node:${NODE:-22} AS node\nFROM alpine\nFROM alpine:latest\n"
        "COPY --chown=1 --from=build /a /a\nCOPY --from=0 /a /a\nCOPY --from=context /a /a\n"
        f"COPY --from=ghcr.io/astral-sh/uv:latest /uv /bin/\nCOPY --from=busybox@{digest} /bin/sh /sh\nCOPY a b\n"
    )
    assert pins(tmp_path, "api.Dockerfile", text, "Docker") == [
        ("python:3.12", digest, 4),
        ("nginx:1.27", "", 6),
        ("node:22", "", 7),
        ("alpine", "", 8),
        ("alpine:latest", "", 9),
        ("ghcr.io/astral-sh/uv:latest", "", 13),
        ("busybox", digest, 14),
    ]


@pytest.mark.parametrize("line", ["FROM " + "${a:-" * 50_000, "FROM " + "$A" * 10_000])
def test_a_line_without_end_is_named_and_costs_nothing(tmp_path: Path, line: str) -> None:
    (tmp_path / "Dockerfile").write_text(f"ARG A=x\n{line}\n")
    assert manifests(tmp_path).unread == ("Dockerfile (ValueError)",)
