from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ninefold.audit.fleet import Api, read_fleet
from ninefold.errors import FileError

if TYPE_CHECKING:
    from pathlib import Path


def _write(folder: Path, text: str) -> Path:
    path = folder / "fleet.yaml"
    path.write_text(text)
    return path


def test_files_are_named_from_the_fleets_folder_and_urls_and_apps_as_they_are(tmp_path: Path) -> None:
    text = """
apis:
  - {name: orders, description: orders.yaml, source: src, keys: ["@orders.key", "bearer:x"], headers: ["A: b"]}
  - {description: https://stock.example.com/openapi.json, url: https://stock.example.com}
  - {name: shop, description: "shop.main:app", log: shop.log, graphql: /api}
"""
    orders, stock, shop = read_fleet(_write(tmp_path, text))
    assert orders == Api(
        "orders",
        str(tmp_path / "orders.yaml"),
        source=str(tmp_path / "src"),
        keys=(f"@{tmp_path}/orders.key", "bearer:x"),
        headers=("A: b",),
    )
    assert stock.name == stock.description == "https://stock.example.com/openapi.json"
    assert (shop.description, shop.log, shop.graphql) == ("shop.main:app", str(tmp_path / "shop.log"), "/api")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r":1:1: is no fleet"),
        ("apis: []", r":1:1: is no fleet"),
        ("apis:\n  - 5", r":2:5: is no API"),
        ("apis:\n  - {name: a}", r":2:5: has nothing to look at"),
        ("apis:\n  - {name: a, url: http://h, colour: red}", r":2:30: `colour` is not known"),
        ("apis:\n  - {name: 5, url: http://h}", r":2:12: `name` is no text"),
        ("apis:\n  - {url: http://h, keys: [5]}", r":2:27: `keys` is no list of texts"),
        ("apis:\n  - {name: a, url: http://h}\n  - {name: a, url: http://i}", r":3:5: the name 'a' stands here"),
        ("apis: [\n", r":2:1: is no YAML"),
        ("apis:\n" + "  - {url: http://h}\n" * 201, "more than 200"),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FileError, match=said):
        read_fleet(_write(tmp_path, text))
