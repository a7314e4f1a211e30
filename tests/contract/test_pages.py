"""What docs/callers.md shows: each contract loads, and each refusal is the guard's own."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ninefold.contract.load import load_contract
from ninefold.guard.answer import Answer
from ninefold.guard.guard import Guard
from ninefold.guard.request import Certificate, Request
from ninefold.identity.tokens import Tokens
from ninefold.keys.ring import Ring

if TYPE_CHECKING:
    from ninefold.contract.load import LoadedContract

PAGE = (Path(__file__).parents[2] / "docs" / "callers.md").read_text("utf-8")
SECTIONS = {
    title: section for title, _, section in (one.partition("\n") for one in PAGE.split("\n## ")[1:]) if "```yaml" in section
}  # fmt: skip

_ANSWER = {"200": {"description": "-", "content": {"application/json": {"schema": {"type": "object"}}}}}
DESCRIPTION = {
    "openapi": "3.1.0",
    "info": {"title": "shop", "version": "1"},
    "paths": {
        "/orders": {
            "get": {"operationId": "listOrders", "responses": _ANSWER},
            "post": {"operationId": "makeOrder", "responses": _ANSWER},
        }
    },
}


def _blocks(section: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL)


def _load(folder: Path, snippet: str) -> LoadedContract:
    (folder / "openapi.json").write_text(json.dumps(DESCRIPTION))
    path = folder / "contract.yaml"
    path.write_text(f"api: {{name: shop, description: openapi.json}}\nupstream: http://127.0.0.1:9000\n{snippet}")
    return load_contract(path)


def _refusal(loaded: LoadedContract, fields: dict[bytes, bytes], certificate: Certificate | None = None) -> Answer:
    """What a caller from elsewhere is answered."""
    settings = loaded.contract
    tokens = Tokens(settings.identity, loaded.resolve, print) if settings.identity is not None else None
    with closing(Ring(loaded.resolve(settings.keys.store))) as ring:
        ring.refresh()
        guard = Guard(settings, loaded.description, ring, local=(), tokens=tokens)
        asked = {b"host": b"shop.example.com", **fields}
        answer = guard.admit(
            Request("GET", "/orders", asked, (), "192.0.2.1", True, 0, 1e9, 1.0, b"1", certificate=certificate)
        )
    if tokens is not None:
        tokens.release()
    assert isinstance(answer, Answer)
    return answer


def test_the_page_shows_the_four_ways_and_how_they_go_together() -> None:
    assert len(PAGE.splitlines()) <= 120
    assert list(SECTIONS) == [
        "A key alone",
        "A key and more",
        "A token",
        "A certificate",
        "Together, and instead of each other",
    ]


@pytest.mark.parametrize("title", SECTIONS)
def test_a_contract_on_the_page_loads_and_refuses_as_it_says(tmp_path: Path, title: str) -> None:
    section = SECTIONS[title]
    (snippet,) = _blocks(section, "yaml")
    answer = _refusal(_load(tmp_path, snippet), {})
    assert answer.status == 401
    for shown in _blocks(section, "http"):
        challenges = [value.decode() for name, value in answer.fields if name == b"www-authenticate"]
        assert re.findall(r"WWW-Authenticate: (.*)", shown) == challenges
        assert f"`caller: {answer.reason}`" in section


def test_a_wrong_key_has_the_reason_that_the_page_tells(tmp_path: Path) -> None:
    section = SECTIONS["A key alone"]
    (snippet,) = _blocks(section, "yaml")
    answer = _refusal(_load(tmp_path, snippet), {b"x-api-key": b"wrong"})
    assert f"`caller: {answer.reason}`" in section


def test_a_certificate_of_nobody_has_the_reason_that_the_page_tells(tmp_path: Path) -> None:
    section = SECTIONS["A certificate"]
    (snippet,) = _blocks(section, "yaml")
    other = Certificate(b"x" * 32, "CN=other", ("uri:spiffe://example.org/other",), 0.0, 2e9)
    answer = _refusal(_load(tmp_path, snippet), {}, other)
    assert f"`caller: {answer.reason}`" in section
