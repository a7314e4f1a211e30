"""`ninefold schema explain`: which alternatives are told apart, and which melt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from ninefold.cli.schema import command

if TYPE_CHECKING:
    from pathlib import Path

TEXT = {"type": "string"}
CAT = {
    "type": "object",
    "properties": {"kind": TEXT, "toy": {"oneOf": [{"properties": {"a": {}}}, {"properties": {"b": TEXT}}]}},
}
DOG = {
    "type": "object",
    "properties": {"kind": TEXT, "pin": {"type": "string", "writeOnly": True}},
    "additionalProperties": TEXT,
}


def _pets(where: Path) -> Path:
    references = [{"$ref": f"#/components/schemas/{name}"} for name in ("Cat", "Dog")]
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Pets", "version": "1"},
        "paths": {"/pets": {"post": {
            "operationId": "add",
            "requestBody": {"content": body},
            "responses": {"200": {"description": "it", "content": body}},
        }}},
        "components": {"schemas": {
            "Pet": {"oneOf": references, "discriminator": {"propertyName": "kind"}}, "Cat": CAT, "Dog": DOG,
        }},
    }  # fmt: skip
    file = where / "openapi.json"
    file.write_text(json.dumps(document))
    return file


def test_it_tells_which_alternatives_are_told_apart_and_which_melt(tmp_path: Path) -> None:
    ran = CliRunner().invoke(command, ["explain", str(_pets(tmp_path))])
    assert ran.exit_code == 0, ran.output
    assert "told apart: / by kind (Cat, Dog)" in ran.output
    assert "melt: /(Cat)/toy" in ran.output
    assert "stay behind: /(Dog)/pin" in ran.output
    assert "let anything through: /(Cat)/toy/a" in ran.output


def test_the_same_is_in_its_json(tmp_path: Path) -> None:
    ran = CliRunner().invoke(command, ["explain", "--json", str(_pets(tmp_path))])
    (operation,) = json.loads(ran.stdout)["operations"]
    for part in operation["parts"]:
        assert part["apart"] == ["/ by kind (Cat, Dog)"]
        assert part["melted"] == ["/(Cat)/toy"]
