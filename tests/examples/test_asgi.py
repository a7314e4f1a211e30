"""The notes of `examples/asgi`, under a real uvicorn: the guard inside the application keeps what its contract promises."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from examples.shop.child import Child
from examples.shop.demo import ninefold

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, dict[str, str], Path]]:
    """A client, a key for each role, and the folder of the trail."""
    folder = tmp_path_factory.mktemp("notes")
    for name in ("contract.yaml", "openapi.yaml"):
        shutil.copy(ROOT / "examples" / "asgi" / name, folder)
    contract = folder / "contract.yaml"
    keys = {
        role: ninefold("keys", "create", "--contract", str(contract), "--role", role).strip()
        for role in ("reader", "writer")
    }
    module = ["uvicorn", "examples.asgi.app:app", "--port", "0"]
    with Child("notes", module, folder / "log", ROOT, {"NOTES_CONTRACT": str(contract)}) as server:
        url = server.says(r"running on (http://\S+)")
        with httpx.Client(base_url=url) as client:
            yield client, keys, folder


def test_asks_for_a_key_and_for_the_right_one(notes: tuple[httpx.Client, dict[str, str], Path]) -> None:
    client, keys, _ = notes
    asked = {role: {"X-API-Key": key} for role, key in keys.items()}
    assert client.get("/notes").status_code == 401
    assert client.get("/notes", headers=asked["reader"]).status_code == 200
    assert client.post("/notes", headers=asked["reader"], json={"text": "no"}).status_code == 403
    assert client.post("/notes", headers=asked["writer"], json={"text": "yes"}).json()["text"] == "yes"


def test_lets_declared_members_out_and_no_others(notes: tuple[httpx.Client, dict[str, str], Path]) -> None:
    client, keys, _ = notes
    asked = {"X-API-Key": keys["reader"]}
    assert client.get("/notes/1", headers=asked).json() == {"id": 1, "text": "buy beans"}
    assert client.get("/internals", headers=asked).status_code == 404


def test_keeps_a_trail(notes: tuple[httpx.Client, dict[str, str], Path]) -> None:
    client, _, folder = notes
    refused = client.get("/notes").headers["X-Request-Id"]
    trail = folder / "ninefold-trail.jsonl"
    until = time.monotonic() + 5  # events are written in batches
    while refused not in trail.read_text("utf-8") and time.monotonic() < until:
        time.sleep(0.01)
    assert refused in trail.read_text("utf-8")
    assert "records hold" in ninefold("trail", "verify", str(trail))
