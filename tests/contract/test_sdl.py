from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.graph import DESCRIPTION, SDL

from ninefold.contract.load import load_contract
from ninefold.errors import NinefoldError

if TYPE_CHECKING:
    from pathlib import Path

UPGRADES = {
    "roles": {"reader": ["graph"]},
    "rules": [{"operations": ["*"], "allow": ["graph"], "upgrade": ["websocket"]}],
}


@pytest.mark.parametrize(
    ("endpoints", "sections", "sdl", "words"),
    [
        ([{}, {}], {}, SDL, r"contract.yaml:\d+:\d+: ask has two entries here"),
        ([{}], {"authorization": UPGRADES}, SDL, r"contract.yaml:\d+:\d+: ask takes queries, and what is sent over websocket"),
        ([{"unlisted": "judge"}], {}, SDL, r"contract.yaml:\d+:\d+: `unlisted` is about `documents`"),
        ([{}], {}, "type User { id: ID }", "the schema schema.graphql is not valid: Query root type must be provided"),
        ([{}], {}, "type Query { a: Missing }", "the schema schema.graphql cannot be read: Unknown type"),
        ([{"documents": "schema.graphql"}], {}, SDL, "schema.graphql:2:1: it defines types"),
    ],
)  # fmt: skip
def test_what_an_endpoint_cannot_keep_is_told_with_its_place(
    contract: Any, tmp_path: Path, endpoints: list[Any], sections: Any, sdl: str, words: str
) -> None:
    (tmp_path / "schema.graphql").write_text(sdl)
    entries = [{"operation": "ask", "schema": "schema.graphql", **one} for one in endpoints]
    path = contract(DESCRIPTION, **{"authorization": None, **sections}, graphql=entries)
    with pytest.raises(NinefoldError, match=words):
        load_contract(path)


def test_endpoints_that_name_the_same_files_share_what_was_read(contract: Any, tmp_path: Path) -> None:
    (tmp_path / "schema.graphql").write_text(SDL)
    (tmp_path / "list.json").write_text('{"me": "{ me { id } }"}')
    entry = {"schema": "schema.graphql", "documents": "list.json"}
    entries = [{"operation": one, **entry} for one in ("ask", "look")]
    graphs = load_contract(contract(DESCRIPTION, authorization=None, graphql=entries)).graphs
    assert graphs["ask"] is graphs["look"]
    assert graphs["ask"].documents is not None
    assert graphs["ask"].documents["me"].text == "{ me { id } }"
