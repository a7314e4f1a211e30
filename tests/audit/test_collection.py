from __future__ import annotations

import copy
import time
from typing import Any

from tests.notes import PLAIN, WRAPPED

from ninefold.audit.collection import KINDS, kinds


def test_a_collection_is_all_that_is_done_to_its_objects(describe: Any) -> None:
    (kind,) = kinds(describe(PLAIN))
    assert (kind.template, kind.parameter) == ("/notes/{id}", "id")
    assert (kind.create.id, kind.read.id, kind.remove.id) == ("makeNote", "getNote", "removeNote")
    assert [one.id for one in kind.changes] == ["changeNote"]
    assert kind.index is not None
    (kind,) = kinds(describe(WRAPPED))
    assert [one.method for one in kind.changes] == ["PUT"]


def test_what_cannot_be_read_or_removed_is_none(describe: Any) -> None:
    for method in ("get", "delete"):
        document = copy.deepcopy(PLAIN)
        del document["paths"]["/notes/{id}"][method]
        assert kinds(describe(document)) == ()


def test_accounts_are_none(describe: Any) -> None:
    document = copy.deepcopy(PLAIN)
    schema = document["paths"]["/notes"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema["properties"]["userPassword"] = {"type": "string"}
    assert kinds(describe(document)) == ()


def test_there_is_a_bound(describe: Any) -> None:
    paths = {path.replace("notes", f"notes{at}"): item for at in range(20) for path, item in PLAIN["paths"].items()}
    renamed = {path: _renamed(item, path) for path, item in paths.items()}
    assert len(kinds(describe({**PLAIN, "paths": renamed}))) == KINDS


def test_many_are_looked_through_once(describe: Any) -> None:
    kept = {path: {k: v for k, v in item.items() if k != "delete"} for path, item in PLAIN["paths"].items()}
    paths = {path.replace("notes", f"notes{at}"): item for at in range(3_000) for path, item in kept.items()}
    api = describe({**PLAIN, "paths": {path: _renamed(item, path) for path, item in paths.items()}})
    began = time.monotonic()
    assert kinds(api) == ()
    assert time.monotonic() - began < 2


def _renamed(item: Any, path: str) -> Any:
    return {key: raw if key == "parameters" else {**raw, "operationId": f"{key}{path}"} for key, raw in item.items()}
