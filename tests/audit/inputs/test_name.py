from __future__ import annotations

import pytest

from ninefold.audit.inputs.name import is_app, is_url


@pytest.mark.parametrize("text", ["app:app", "shop.main:app", "shop.main:make_app()", "a.b.c:d.e"])
def test_an_app_is_a_module_and_an_attribute(text: str) -> None:
    assert is_app(text)


@pytest.mark.parametrize(
    "text", ["openapi.yaml", "a:b:c", "C:\\a.json", "./a:b", "a:", ":b", "a:b;c", "a:b(1)", "https://a", "a b:c"]
)
def test_anything_else_is_none(text: str) -> None:
    assert not is_app(text)


def test_a_url_has_its_scheme() -> None:
    assert is_url("https://a/b")
    assert is_url("HTTP://a")
    assert not is_url("ftp://a")
    assert not is_url("http://")
