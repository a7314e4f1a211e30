from __future__ import annotations

from typing import Any

import pytest

from ninefold.contract.openapi import read
from ninefold.contract.requests import Requests
from ninefold.guard.entrance import Entrance


@pytest.mark.parametrize(
    ("schema", "admits", "refuses", "free"),
    [
        ({}, "abc", "", True),
        ({"type": "object"}, "abc", "", True),
        ({"type": "object", "additionalProperties": False}, "", "abc", False),
        ({"properties": {"a": {}, "b": {"readOnly": True}}}, "a", "bc", False),
        ({"properties": {"b": {"readOnly": True}}, "additionalProperties": True}, "ac", "b", False),
        ({"patternProperties": {"^a": {}}}, "a", "bc", False),
        ({"patternProperties": {"^b": {"readOnly": True}}, "additionalProperties": True}, "ac", "b", False),
        ({"type": "string"}, "", "abc", False),
    ],
)
def test_names_go_in_as_their_members_do(schema: Any, admits: str, refuses: str, free: bool) -> None:
    document = read({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}}, "openapi.yaml")
    entrance = Entrance(document, Requests())
    admitted, project = entrance.admitted(schema), entrance.projector(schema)
    assert admitted.any is free
    for name in "abc":
        assert (name in admitted) is (name in admits) is (name not in refuses)
        if schema.get("type") != "string":
            kept = project(b'{"%b":1}' % name.encode())[0]
            assert (kept != b"{}") is (name in admitted)
