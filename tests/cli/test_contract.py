from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml
from tests.graph import DESCRIPTION, SDL

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
                        "content": {"application/json": {"schema": {"type": "object", "patternProperties": {"(": {}}}}},
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


def test_check_tells_of_a_document_that_nobody_could_run(ninefold: Run, contract: Callable[..., Path]) -> None:
    endpoint = {"operation": "ask", "schema": "schema.graphql", "documents": "docs.json", "depth": 1}
    path = contract(DESCRIPTION, authorization=None, graphql=[endpoint])
    (path.parent / "schema.graphql").write_text(SDL)
    (path.parent / "docs.json").write_text('{\n "me": "{ me { id } }"\n}')
    code, _, told = ninefold("contract", "check", path)
    assert code == 65
    assert f"{path.parent / 'docs.json'}:2:2: the document has a depth of 2 at least, and `graphql.depth` is 1" in told


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
    assert "whoever proves to be a caller may call every operation" in told


def test_check_refuses_what_the_guard_could_not_start_with(ninefold: Run, contract: Callable[..., Path]) -> None:
    path = contract(UNPROJECTABLE, authorization=None)
    code, out, told = ninefold("contract", "check", path)
    assert (code, out) == (65, "")
    assert "pattern for names" in told
    assert "fix: mend the key" in told
    path = contract(UNPROJECTABLE, authorization=None, responses={"open": {"getA": "its names are anybody's"}})
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


def test_every_contract_is_checked_though_one_is_at_fault(
    ninefold: Run, contract: Callable[..., Path], tmp_path: Path
) -> None:
    good = contract()
    bad = tmp_path / "bad.yaml"
    bad.write_text("api: openapi.yaml\nnothing: 1\n")
    code, out, told = ninefold("contract", "check", bad, good)
    assert code == 65
    assert "there is no field `nothing`" in told
    assert f"{good}: holds for" in out


def test_a_draft_says_at_once_that_its_upstream_is_none(ninefold: Run, contract: Callable[..., Path]) -> None:
    code, out, told = ninefold("contract", "draft", contract().parent / "openapi.yaml", "--upstream", "foo")
    assert (code, out) == (65, "")
    assert "--upstream:" in told


def test_ids_of_any_characters_are_drafted_so_that_the_draft_holds(
    ninefold: Run, contract: Callable[..., Path], tmp_path: Path
) -> None:
    folder = contract().parent
    document = yaml.safe_load((folder / "openapi.yaml").read_text())
    document["paths"]["/open"]["get"]["operationId"] = "get\U0001f600\x1b[2J"
    (folder / "openapi.yaml").write_text(yaml.safe_dump(document))
    drafted = tmp_path / "linked" / "drafted.yaml"
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to("real")
    code, _, told = ninefold(
        "contract", "draft", folder / "openapi.yaml", "--upstream", "http://127.0.0.1:9", "--out", drafted
    )
    assert code == 0
    assert "\x1b" not in told
    code, _, told = ninefold("contract", "check", drafted)
    assert (code, "\x1b" in told) == (0, False), told


def test_an_unforeseen_fault_is_one_line_and_its_own_code(
    ninefold: Run, contract: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise LookupError("nobody thought of this")

    monkeypatch.setattr("ninefold.cli.contract.load_contract", broken)
    code, out, told = ninefold("contract", "check", contract())
    assert (code, out) == (70, "")
    assert "a fault of its own (LookupError: nobody thought of this)" in told
    assert "Traceback" not in told


def _second(path: Path, **sections: Any) -> Path:
    other = path.with_name("other.yaml")
    other.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **sections}))
    return other


ALONE = {"alone": "the callers are all over the world"}


def test_contracts_that_prove_callers_alike_say_so(ninefold: Run, contract: Callable[..., Path]) -> None:
    path = contract()
    code, out, _ = ninefold("contract", "check", path, _second(path))
    assert code == 0
    assert out.splitlines()[-2:] == [
        "all 14 operations that are not public prove callers alike:",
        "  key in x-api-key, with address",
    ]


def test_an_operation_that_proves_callers_another_way_is_told_and_is_exit_code_1(
    ninefold: Run, contract: Callable[..., Path]
) -> None:
    path = contract()
    other = _second(path, keys=ALONE)
    code, out, _ = ninefold("contract", "check", path, other, "--standard", path)
    assert code == 1
    assert "the standard is: key in x-api-key, with address\n7 of 14 operations that are not public prove" in out
    assert f"  {other}: listThings: key in x-api-key, alone" in out.splitlines()
    assert "getOpen" not in out
    code, out, _ = ninefold("contract", "check", path, other)
    assert (code, "declare it with --standard" in out) == (1, True)
    code, out, _ = ninefold("contract", "check", other, "--standard", path)
    assert code == 1
    assert ninefold("contract", "check", path, "--standard", path)[0] == 0


def test_a_check_as_json_has_every_contract_its_faults_and_what_differs(
    ninefold: Run, contract: Callable[..., Path]
) -> None:
    path = contract()
    other = _second(path, keys=ALONE)
    broken = path.with_name("broken.yaml")
    broken.write_text(path.read_text().replace("listThings", "listThing"))
    code, out, told = ninefold("contract", "check", path, other, broken, "--json")
    assert (code, told) == (65, "")
    found = json.loads(out)
    assert [(one["file"], one["holds"]) for one in found["contracts"]] == [
        (str(path), True),
        (str(other), True),
        (str(broken), False),
    ]
    problem = found["contracts"][2]["problems"][0]
    assert problem["line"] > 1
    assert "no operation 'listThing'" in problem["what"]
    assert found["standard"]["operations"] == 14
    assert {one["file"] for one in found["standard"]["odd"]} == {str(path), str(other)}
    code, out, _ = ninefold("contract", "check", path, "--json")
    assert (code, json.loads(out)["standard"]) == (0, None)
