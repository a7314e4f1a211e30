from __future__ import annotations

import pytest

from ninefold.audit.manifests.pin import Pin
from ninefold.audit.purl import parsed, purl


@pytest.mark.parametrize(
    ("ecosystem", "name", "version", "text"),
    [
        ("PyPI", "jinja2", "2.11", "pkg:pypi/jinja2@2.11"),
        ("npm", "@scope/lib", "1.0.0", "pkg:npm/%40scope/lib@1.0.0"),
        ("npm", "lib", "", "pkg:npm/lib"),
        ("Go", "github.com/gin-gonic/gin", "1.9.0", "pkg:golang/github.com/gin-gonic/gin@v1.9.0"),
        ("Maven", "org.x:core", "2.0", "pkg:maven/org.x/core@2.0"),
        ("crates.io", "serde", "1.0.0", "pkg:cargo/serde@1.0.0"),
        ("Packagist", "symfony/http", "5.0.0", "pkg:composer/symfony/http@5.0.0"),
        ("RubyGems", "rack", "2.0", "pkg:gem/rack@2.0"),
        ("NuGet", "newtonsoft.json", "13.0.1", "pkg:nuget/newtonsoft.json@13.0.1"),
    ],
)
def test_one_way_and_back(ecosystem: str, name: str, version: str, text: str) -> None:
    made = purl(Pin(name, version, "f", 1, "t", ecosystem))
    assert made is not None
    assert made.to_string() == text
    assert parsed(text) == (ecosystem, name, version)


@pytest.mark.parametrize(
    ("name", "version", "text"),
    [
        ("python:3.11", "", "pkg:docker/python@3.11"),
        ("python:3.11", "sha256:aa", "pkg:docker/python@sha256:aa"),
        ("ghcr.io:5000/a/b", "", "pkg:docker/ghcr.io:5000/a/b"),
    ],
)
def test_an_image_is_its_digest_or_its_tag(name: str, version: str, text: str) -> None:
    made = purl(Pin(name, version, "f", 1, "t", "Docker"))
    assert made is not None
    assert made.to_string().replace("%3A", ":") == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12&upstream=openssl",
            ("Debian:12", "openssl", "3.0.11-1"),
        ),
        ("pkg:deb/debian/curl@7.88.1-10?distro=debian-12.5", ("Debian:12", "curl", "7.88.1-10")),
        ("pkg:deb/debian/curl@7.88.1", ("Debian", "curl", "7.88.1")),
        ("pkg:apk/alpine/musl@1.2.4-r2?distro=alpine-3.18.4", ("Alpine:v3.18", "musl", "1.2.4-r2")),
        ("pkg:golang/golang.org/x/net@v2.0.0+incompatible", ("Go", "golang.org/x/net", "2.0.0")),
        ("pkg:pypi/Flask_Login@0.6", ("PyPI", "flask-login", "0.6")),
        ("pkg:generic/openssl@3.0", ("generic", "openssl", "3.0")),
        ("pkg:rpm/fedora/curl@7.50?distro=fedora-25", ("rpm", "fedora/curl", "7.50")),
    ],
)
def test_of_other_makers(text: str, told: tuple[str, str, str]) -> None:
    assert parsed(text) == told


@pytest.mark.parametrize("text", ["", "x", "pkg:", "pkg:pypi", "pkg:pypi/", "http://x", "pkg:npm/%40"])
def test_what_is_none(text: str) -> None:
    told = parsed(text)
    assert told is None or told[1]
