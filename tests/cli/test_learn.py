"""From an API that nobody described to a contract that holds: observed, learned, checked, guarded, replayed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from fastapi import FastAPI, HTTPException, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Gate

    Run = Callable[..., tuple[int, str, str]]

EMPTY: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "library", "version": "1"}, "paths": {}}


def _library() -> FastAPI:
    """An API that nobody wrote a description of."""
    api = FastAPI(openapi_url=None)
    books: dict[int, dict[str, Any]] = {
        1: {"id": 1, "title": "Emma", "price": 9, "isbn": None, "authors": [{"name": "Jane"}], "password_hash": "x"},
        2: {"id": 2, "title": "Ulysses", "price": 12.5, "isbn": "978", "authors": [], "password_hash": "y"},
    }

    @api.get("/books")
    def list_books(page: int = 1) -> list[dict[str, Any]]:
        return list(books.values())[:page]

    @api.get("/books/{number}")
    def get_book(number: int) -> dict[str, Any]:
        if number not in books:
            raise HTTPException(404, "no such book")
        return books[number]

    @api.post("/books", status_code=201)
    async def add_book(request: Request) -> dict[str, Any]:
        return {"id": 3, **(await request.json())}

    @api.delete("/books/{number}", status_code=204)
    def drop_book(number: int) -> None:
        del number

    @api.get("/debug/env")
    def debug() -> dict[str, str]:
        return {"SECRET": "x"}

    return api


@pytest.fixture
def library(serving: Any) -> Iterator[str]:
    with serving(_library()) as port:
        yield f"http://127.0.0.1:{port}"


def _use(gate: Gate, key: str = "") -> list[int]:
    """What the library's own front does in a day."""
    found = [gate.get(f"/books?page={page}", key)[0] for page in (1, 2)]
    found += [gate.get(f"/books/{number}", key)[0] for number in (1, 2, 1)]
    body = json.dumps({"title": "Dubliners", "price": 3}).encode()
    found.append(gate.get("/books", key, "Content-Type: application/json", method="POST", body=body)[0])
    found.append(gate.get("/books/2", key, method="DELETE")[0])
    return found


def _observed(library: str, contract: Callable[..., Path], gate: Callable[..., Gate], tmp_path: Path) -> Gate:
    path = contract(EMPTY, upstream=library, authorization=None, origins=None)
    watched = gate(path, record=tmp_path / "record.json")
    assert _use(watched) == [200, 200, 200, 200, 200, 201, 204]
    assert watched.get("/wp-login.php")[0] == 404
    watched.trail(8)
    watched.stop()
    return watched


def test_from_nothing_to_a_contract_under_which_the_same_callers_go_on(
    library: str,
    contract: Callable[..., Path],
    gate: Callable[..., Gate],
    issue: Callable[..., str],
    ninefold: Run,
    tmp_path: Path,
) -> None:
    _observed(library, contract, gate, tmp_path)
    made = tmp_path / "made"
    made.mkdir()
    code, out, err = ninefold(
        "learn", tmp_path / "record.json", tmp_path / "trail.jsonl", "--out", made / "openapi.yaml", "--upstream", library,
        "--contract", made / "contract.yaml",
    )  # fmt: skip
    assert code == 0, err
    assert "`/*/password_hash` (string)" in out, "what looks like a secret wants a decision"
    described = yaml.safe_load((made / "openapi.yaml").read_text())
    assert {path: sorted(item) for path, item in described["paths"].items()} == {
        "/books": ["get", "post"], "/books/{book_id}": ["delete", "get"],
    }  # fmt: skip
    assert ninefold("contract", "check", made / "contract.yaml")[0] == 0
    text = (made / "contract.yaml").read_text()
    plain = "encryption: {plain: the tests speak plain HTTP on loopback}\ntrail: {path: trail.jsonl, batch: 10ms}\n"
    (made / "contract.yaml").write_text(text.replace("trail: {path: ninefold-trail.jsonl}\n", plain))
    key = issue(made / "contract.yaml", "writer")
    guarded = gate(made / "contract.yaml")
    assert _use(guarded, key) == [200, 200, 200, 200, 200, 201, 204]
    assert [one["outcome"] for one in guarded.trail(7)] == ["admitted"] * 7
    status, _, body = guarded.get("/books/1", key)
    assert (status, json.loads(body)) == (
        200,
        {"id": 1, "title": "Emma", "price": 9, "isbn": None, "authors": [{"name": "Jane"}]},
    )
    attacks = [guarded.get("/debug/env", key)[0], guarded.get("/books")[0], guarded.get("/books", key, method="PUT")[0]]
    assert attacks == [404, 401, 405]


def test_what_a_description_lacks_is_accepted_one_by_one(
    library: str, contract: Callable[..., Path], gate: Callable[..., Gate], ninefold: Run, tmp_path: Path
) -> None:
    _observed(library, contract, gate, tmp_path)
    known = tmp_path / "known.yaml"
    schema = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "title": {"type": "string"}, "pages": {"type": "integer"}},
    }
    answer = {"200": {"description": "one", "content": {"application/json": {"schema": schema}}}}
    known.write_text(yaml.safe_dump({
        **EMPTY,
        "paths": {
            "/books/{id}": {"get": {"operationId": "getBook", "responses": answer}},
            "/shelves": {"get": {"operationId": "shelves", "responses": answer}},
        },
    }))  # fmt: skip
    code, out, _ = ninefold("learn", tmp_path / "record.json", "--description", known, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["unseen"] == ["GET /shelves"]
    gaps = {gap["pointer"].rpartition("/")[2]: gap for gap in found["gaps"]}
    assert {name for name, gap in gaps.items() if gap["careful"]} == {"get", "post", "delete", "password_hash"}
    code, out, err = ninefold(
        "learn", tmp_path / "record.json", "--description", known, "--accept", gaps["price"]["id"],
        "--accept", gaps["delete"]["id"], "--out", tmp_path / "next.yaml",
    )  # fmt: skip
    assert code == 0, err
    assert "+          price:" in out.replace("+                  ", "+          ")
    changed = yaml.safe_load((tmp_path / "next.yaml").read_text())
    item = changed["paths"]["/books/{id}"]
    members = item["get"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    assert set(members) == {"id", "title", "pages", "price"}
    assert set(item) == {"get", "delete"}
    assert yaml.safe_load(known.read_text())["paths"]["/books/{id}"].keys() == {"get"}, "the description itself is left"


def test_all_does_not_mean_secrets_nor_operations_that_nobody_described(
    library: str, contract: Callable[..., Path], gate: Callable[..., Gate], ninefold: Run, tmp_path: Path
) -> None:
    _observed(library, contract, gate, tmp_path)
    known = tmp_path / "known.yaml"
    schema = {"type": "object", "properties": {"id": {"type": "integer"}}}
    answer = {"200": {"description": "one", "content": {"application/json": {"schema": schema}}}}
    known.write_text(
        yaml.safe_dump({**EMPTY, "paths": {"/books/{id}": {"get": {"operationId": "g", "responses": answer}}}})
    )
    code, _, err = ninefold(
        "learn", tmp_path / "record.json", "--description", known, "--accept", "all", "--out", tmp_path / "next.yaml"
    )
    assert code == 0, err
    changed = yaml.safe_load((tmp_path / "next.yaml").read_text())
    assert list(changed["paths"]) == ["/books/{id}"]
    assert "password_hash" not in (tmp_path / "next.yaml").read_text()
    assert "authors" in (tmp_path / "next.yaml").read_text()


def test_replay_names_the_callers_that_a_stricter_contract_would_break(
    library: str,
    contract: Callable[..., Path],
    gate: Callable[..., Gate],
    issue: Callable[..., str],
    ninefold: Run,
    tmp_path: Path,
) -> None:
    _observed(library, contract, gate, tmp_path)
    code, out, _ = ninefold("learn", tmp_path / "record.json", "--out", tmp_path / "openapi2.yaml")
    assert code == 0
    assert "password_hash" in out
    roles = {"reader": ["books:read"], "writer": ["reader", "books:write"]}
    rules = [
        {"operations": ["GET /books", "GET /books/{book_id}"], "allow": ["books:read"]},
        {"operations": ["POST /books", "DELETE /books/{book_id}"], "allow": ["books:write"]},
    ]
    description = yaml.safe_load((tmp_path / "openapi2.yaml").read_text())
    path = contract(description, upstream=library, authorization={"roles": roles, "rules": rules}, origins=None)
    key = issue(path, "writer")
    (tmp_path / "trail.jsonl").unlink()
    guarded = gate(path)
    assert _use(guarded, key) == [200, 200, 200, 200, 200, 201, 204]
    caller = guarded.trail(7)[0]["caller"]
    guarded.stop()
    same = ninefold("replay", tmp_path / "trail.jsonl", "--contract", path)
    assert same[0] == 0, same[1]
    assert "7 go on as before" in same[1]
    rules[1]["allow"] = ["books:admin"]
    roles["admin"] = ["books:admin"]
    contract(description, upstream=library, authorization={"roles": roles, "rules": rules}, origins=None)
    code, out, _ = ninefold("replay", tmp_path / "trail.jsonl", "--contract", path, "--json")
    found = json.loads(out)
    assert code == 1
    assert {(one["operation"], one["caller"], one["step"]) for one in found["fates"] if one["became"] == "broken"} == {
        ("POST /books", caller, "permission"), ("DELETE /books/{book_id}", caller, "permission"),
    }  # fmt: skip


def test_an_access_log_shows_operations_and_limits(ninefold: Run, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(
        "".join(
            f'203.0.113.9 - - [25/Nov/2026:10:00:{at:02d} +0000] "GET /orders/{at}?page=1 HTTP/1.1" 200 5 "-" "x"\n'
            for at in range(30)
        )
    )
    code, out, _ = ninefold("learn", log, "--out", tmp_path / "openapi.yaml")
    assert code == 0
    assert "{per: ip, rate: 60/min, burst: 10}" in out
    operation = yaml.safe_load((tmp_path / "openapi.yaml").read_text())["paths"]["/orders/{order_id}"]["get"]
    assert [one["name"] for one in operation["parameters"]] == ["order_id", "page"]


def test_a_recording_of_a_browser_is_learned_from(ninefold: Run, tmp_path: Path) -> None:
    entry = {
        "request": {
            "method": "GET",
            "url": "https://api.example.com/orders/7",
            "headers": [{"name": "X-API-Key", "value": "s3cret-1"}],
        },
        "response": {"status": 200, "content": {"mimeType": "application/json", "text": '{"total":5,"note":null}'}},
    }
    file = tmp_path / "traffic.har"
    file.write_text(json.dumps({"log": {"entries": [entry, entry]}}))
    code, _, err = ninefold("learn", file, "--out", tmp_path / "openapi.yaml")
    assert code == 0, err
    text = (tmp_path / "openapi.yaml").read_text()
    assert "s3cret" not in text
    members = next(iter(yaml.safe_load(text)["paths"].values()))["get"]["responses"]["200"]["content"]
    assert members["application/json"]["schema"]["properties"]["total"] == {"type": "number"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none.json"], 66, "cannot be read"),
        (["a.log", "--contract", "c.yaml"], 64, "--contract wants --out"),
        (["a.log", "--upstream", "ftp://x"], 65, "--upstream"),
        (["a.log", "--accept", "abcdef12"], 64, "there is no change abcdef12"),
        (["a.log", "--out", "a.log"], 73, "is there already"),
        (["odd.log"], 66, "no line that tells of a request"),
        (["broken.json"], 65, "broken.json"),
    ],
)
def test_what_cannot_be_done_is_told(
    ninefold: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.log").write_text('{"method":"GET","path":"/a","status":200}\n')
    (tmp_path / "odd.log").write_text("hello\n")
    (tmp_path / "broken.json").write_text('{"log": {\n')
    got, _, err = ninefold("learn", *arguments)
    assert (got, words in err) == (code, True), err
