"""Several contracts held against one way of proving who calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ninefold.contract.load import LoadedContract, load_contract
from ninefold.contract.standard import Odd, standard, way
from ninefold.errors import ContractError

if TYPE_CHECKING:
    from pathlib import Path

ALONE = {"alone": "the callers are all over the world"}
QUERY = {"name": "key", "why": "a calendar program that sends no fields"}


def _write(folder: Path, name: str, operations: list[str], **sections: Any) -> LoadedContract:
    answers = {"200": {"description": "-"}}
    paths = {f"/{one}": {"get": {"operationId": one, "responses": answers}} for one in operations}
    described = {"openapi": "3.0.3", "info": {"title": name, "version": "1"}, "paths": paths}
    (folder / f"{name}-api.yaml").write_text(yaml.safe_dump(described))
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({"api": f"{name}-api.yaml", "upstream": "http://127.0.0.1:9", **sections}))
    return load_contract(path)


def test_what_most_operations_do_is_the_standard_and_the_others_are_named(tmp_path: Path) -> None:
    made = [
        _write(tmp_path, "a", ["a1", "a2", "a3"]),
        _write(tmp_path, "b", ["b1"], keys=ALONE),
        _write(tmp_path, "c", ["c1"], keys={"header": "Authorization"}),
        _write(tmp_path, "d", ["d1"], keys={"header": "x-api-key"}),
        _write(tmp_path, "e", ["e1"], keys={"query": QUERY}),
    ]
    found = standard(made)
    assert (found.way, found.operations) == ("key in x-api-key, with address", 7)
    assert found.odd == (
        Odd(str(made[1].path), "b1", "key in x-api-key, alone"),
        Odd(str(made[2].path), "c1", "key in authorization, with address"),
        Odd(str(made[4].path), "e1", "key in x-api-key or the query, with address"),
    )


def test_a_declared_standard_holds_whatever_most_do(tmp_path: Path) -> None:
    many, one = _write(tmp_path, "a", ["a1", "a2", "a3"]), _write(tmp_path, "b", ["b1"], keys=ALONE)
    found = standard([many, one], one)
    assert found.way == "key in x-api-key, alone"
    assert [odd.operation for odd in found.odd] == ["a1", "a2", "a3"]


def test_where_no_way_is_that_of_most_every_operation_is_odd(tmp_path: Path) -> None:
    found = standard([_write(tmp_path, "a", ["a1"]), _write(tmp_path, "b", ["b1"], keys=ALONE)])
    assert (found.way, [odd.operation for odd in found.odd]) == ("", ["a1", "b1"])


def test_public_operations_prove_nobody_and_are_left_out(tmp_path: Path) -> None:
    rules = {
        "roles": {"r": ["s"]},
        "rules": [{"operations": ["a1"], "public": "everybody may see it"}, {"operations": ["*"], "allow": ["s"]}],
    }
    opened = _write(tmp_path, "a", ["a1", "a2"], authorization=rules)
    assert (way(opened.contract, "a1"), way(opened.contract, "a2")) == ("", "key in x-api-key, with address")
    assert standard([opened]).operations == 1
    closed = _write(
        tmp_path,
        "b",
        ["b1"],
        authorization={"roles": {}, "rules": [{"operations": ["b1"], "public": "everybody may see it"}]},
    )
    with pytest.raises(ContractError, match="declares no standard"):
        standard([opened], closed)
