from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

UNPROJECTABLE: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/a": {
            "get": {
                "operationId": "getA",
                "responses": {
                    "200": {
                        "description": "-",
                        "content": {"application/json": {"schema": {"type": "object", "properties": {'q"': {}}}}},
                    }
                },
            }
        }
    },
}


def test_a_draft_holds_and_is_never_written_over_a_file(ninefold: Run, contract: Callable[..., Path]) -> None:
    description = contract().parent / "openapi.yaml"
    drafted = description.parent / "drafted.yaml"
    code, out, told = ninefold("contract", "draft", description, "--upstream", "http://127.0.0.1:9", "--out", drafted)
    assert (code, out) == (0, "")
    assert "not inferred:" in told
    assert ninefold("contract", "check", drafted)[:2] == (0, f"{drafted}: holds for 8 operations\n")
    before = drafted.read_text()
    code, _, told = ninefold("contract", "draft", description, "--upstream", "http://127.0.0.1:9", "--out", drafted)
    assert code == 73
    assert "cannot be written (File exists)" in told
    assert drafted.read_text() == before


def test_a_draft_on_standard_output_is_the_contract_alone(ninefold: Run, contract: Callable[..., Path]) -> None:
    code, out, _ = ninefold("contract", "draft", contract().parent / "openapi.yaml", "--upstream", "http://a.example")
    assert code == 0
    assert yaml.safe_load(out)["upstream"] == "http://a.example"


def test_what_check_accepts_the_schema_accepts_too(ninefold: Run, contract: Callable[..., Path]) -> None:
    path = contract()
    assert ninefold("contract", "check", path)[0] == 0
    code, out, _ = ninefold("contract", "schema")
    assert code == 0
    jsonschema.validate(yaml.safe_load(path.read_text()), json.loads(out))


def test_check_advises_on_standard_error_and_passes(ninefold: Run, contract: Callable[..., Path]) -> None:
    code, out, told = ninefold("contract", "check", contract(authorization=None))
    assert code == 0
    assert "holds for 8 operations" in out
    assert "advice:" in told
    assert "any valid key may call every operation" in told


def test_check_refuses_what_the_guard_could_not_start_with(ninefold: Run, contract: Callable[..., Path]) -> None:
    path = contract(UNPROJECTABLE, authorization=None)
    code, out, told = ninefold("contract", "check", path)
    assert (code, out) == (65, "")
    assert "'q\"'" in told
    assert "fix: rename it" in told
    path = contract(UNPROJECTABLE, authorization=None, responses={"open": {"getA": "its names are odd and public"}})
    assert ninefold("contract", "check", path)[0] == 0


def test_the_first_contract_that_cannot_be_kept_fails_a_check_of_several(
    ninefold: Run, contract: Callable[..., Path]
) -> None:
    path = contract()
    code, out, told = ninefold("contract", "check", path, path.parent / "missing.yaml")
    assert code == 66
    assert f"{path}: holds" in out
    assert "missing.yaml: cannot be read" in told


def test_describe_prints_what_is_true_of_the_guarded_api(ninefold: Run, contract: Callable[..., Path]) -> None:
    code, out, _ = ninefold("contract", "describe", contract(), "--url", "https://api.example.com")
    assert code == 0
    document = json.loads(out)
    assert document["servers"] == [{"url": "https://api.example.com"}]
    assert {"401", "403", "429"} <= set(document["paths"]["/things"]["get"]["responses"])


@pytest.mark.parametrize(
    "arguments", [["contract"], ["contract", "check"], ["contract", "nope"], ["contract", "draft", "a.yaml"]]
)
def test_a_wrong_call_says_how_it_is_called(ninefold: Run, arguments: list[str]) -> None:
    code, out, told = ninefold(*arguments)
    assert code == 64
    assert "Usage: ninefold contract" in out + told
