"""The JSON Schema of a contract, so that editors complete and check it."""

from __future__ import annotations

from typing import Any

from ninefold.contract.model import Contract

#: Sections that have a short form, and what it is.
_SHORT: dict[str, dict[str, Any]] = {
    "api": {"type": "string", "description": "Short for `{description: FILE}`."},
    "upstream": {"type": "string", "format": "uri", "description": "Short for `{url: URL}`."},
    "limits": {"type": "array", "items": {"$ref": "#/$defs/RateLimit"}, "description": "Short for `{rates: LIST}`."},
}


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12, with the short forms that the model's validators take."""
    schema = Contract.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Ninefold contract"
    properties: dict[str, Any] = schema["properties"]
    for name, short in _SHORT.items():
        properties[name] = {"anyOf": [short, properties[name]]}
    per = schema["$defs"]["RateLimit"]["properties"]["per"]
    schema["$defs"]["RateLimit"]["properties"]["per"] = {"anyOf": [{"enum": ["ip", "caller", "operation"]}, per]}
    return schema
