"""A Swagger 2.0 document in the words of OpenAPI 3.0. Pure; the input is left as it was."""

from __future__ import annotations

from typing import Any

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_VALUE_FIELDS = (
    "type", "format", "items", "default", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength",
    "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "enum", "multipleOf",
)  # fmt: skip
#: How arrays in a query are written: Swagger 2.0's words, and OpenAPI 3's.
_STYLES: dict[str, dict[str, Any]] = {
    "csv": {"style": "form", "explode": False},
    "multi": {"style": "form", "explode": True},
    "ssv": {"style": "spaceDelimited", "explode": False},
    "pipes": {"style": "pipeDelimited", "explode": False},
}
_FLOWS = {
    "accessCode": "authorizationCode",
    "application": "clientCredentials",
    "implicit": "implicit",
    "password": "password",
}


def modernised(document: dict[str, Any]) -> dict[str, Any]:
    """The same API as OpenAPI 3.0; schemas move from `/definitions` to `/components/schemas`."""
    consumes = document.get("consumes") or ["application/json"]
    produces = document.get("produces") or ["application/json"]
    parameters = document.get("parameters") or {}
    bodies = {name: one for name, one in parameters.items() if one.get("in") in {"body", "formData"}}
    responses = document.get("responses") or {}
    components: dict[str, Any] = {
        "schemas": document.get("definitions") or {},
        "parameters": {name: _parameter(one) for name, one in parameters.items() if name not in bodies},
        "responses": {name: _response(one, produces) for name, one in responses.items()},
        "securitySchemes": {name: _scheme(one) for name, one in (document.get("securityDefinitions") or {}).items()},
    }
    made: dict[str, Any] = {
        "openapi": "3.0.3",
        "info": document.get("info") or {"title": "", "version": ""},
        "servers": _servers(document),
        "paths": {
            path: _item(item, consumes, produces, parameters) if isinstance(item, dict) else item
            for path, item in (document.get("paths") or {}).items()
        },
        "components": components,
        **{name: document[name] for name in ("security", "tags") if name in document},
    }
    rewritten: dict[str, Any] = _rewrite(made)
    return rewritten


def _servers(document: dict[str, Any]) -> list[dict[str, str]]:
    host, base = document.get("host"), document.get("basePath") or ""
    if not host:
        return [{"url": base}] if base else []
    return [{"url": f"{scheme}://{host}{base}"} for scheme in document.get("schemes") or ["https"]]


def _item(item: dict[str, Any], consumes: list[str], produces: list[str], known: dict[str, Any]) -> dict[str, Any]:
    shared = [_named(one, known) for one in item.get("parameters") or []]
    made = {
        method: _operation(item[method], shared, consumes, produces, known)
        if isinstance(item[method], dict)
        else item[method]
        for method in _METHODS
        if method in item
    }
    if "$ref" in item:
        made["$ref"] = item["$ref"]
    return made


def _operation(
    raw: dict[str, Any], shared: list[Any], consumes: list[str], produces: list[str], known: dict[str, Any]
) -> dict[str, Any]:
    own = [_named(one, known) for one in raw.get("parameters") or []]
    merged = {(one.get("in"), one.get("name")): one for one in [*shared, *own]}
    consumes = raw.get("consumes") or consumes
    produces = raw.get("produces") or produces
    made = {
        name: value for name, value in raw.items() if name not in {"parameters", "consumes", "produces", "responses"}
    }
    made["parameters"] = [_parameter(one) for one in merged.values() if one.get("in") not in {"body", "formData"}]
    body = next((one for one in merged.values() if one.get("in") == "body"), None)
    form = [one for one in merged.values() if one.get("in") == "formData"]
    if body is not None:
        made["requestBody"] = {
            "required": body.get("required") is True,
            "content": {media: {"schema": body.get("schema", {})} for media in consumes},
        }
    elif form:
        made["requestBody"] = _form(form, consumes)
    made["responses"] = {
        status: _response(one, produces) if isinstance(one, dict) else one
        for status, one in (raw.get("responses") or {}).items()
    }
    return made


def _form(fields: list[dict[str, Any]], consumes: list[str]) -> dict[str, Any]:
    forms = [media for media in consumes if media in {"multipart/form-data", "application/x-www-form-urlencoded"}]
    files = any(one.get("type") == "file" for one in fields)
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            one["name"]: {"type": "string", "format": "binary"} if one.get("type") == "file" else _value(one)
            for one in fields
        },
    }
    required = [one["name"] for one in fields if one.get("required") is True]
    if required:
        schema["required"] = required
    media = forms or ["multipart/form-data" if files else "application/x-www-form-urlencoded"]
    return {"required": bool(required), "content": {one: {"schema": schema} for one in media}}


def _named(one: Any, known: dict[str, Any]) -> Any:
    if isinstance(one, dict) and isinstance(one.get("$ref"), str) and one["$ref"].startswith("#/parameters/"):
        return known.get(one["$ref"].removeprefix("#/parameters/"), {})
    return one


def _value(one: dict[str, Any]) -> dict[str, Any]:
    return {name: one[name] for name in _VALUE_FIELDS if name in one}


def _parameter(one: Any) -> Any:
    if not isinstance(one, dict) or "$ref" in one:
        return one
    kept = {name: value for name, value in one.items() if name not in {*_VALUE_FIELDS, "collectionFormat"}}
    written = _STYLES.get(one.get("collectionFormat", "csv"), {}) if one.get("in") == "query" else {}
    return {**kept, **(written if one.get("type") == "array" else {}), "schema": _value(one)}


def _response(one: Any, produces: list[str]) -> Any:
    if not isinstance(one, dict) or "$ref" in one:
        return one
    made: dict[str, Any] = {"description": one.get("description", "")}
    if "schema" in one:
        made["content"] = {media: {"schema": one["schema"]} for media in produces}
    if one.get("headers"):
        made["headers"] = {name: {"schema": _value(found)} for name, found in one["headers"].items()}
    return made


def _scheme(one: dict[str, Any]) -> dict[str, Any]:
    kind = one.get("type")
    if kind == "basic":
        return {"type": "http", "scheme": "basic"}
    if kind == "oauth2":
        flow: dict[str, Any] = {name: one[name] for name in ("authorizationUrl", "tokenUrl") if name in one}
        flow["scopes"] = one.get("scopes") or {}
        return {"type": "oauth2", "flows": {_FLOWS.get(str(one.get("flow")), "implicit"): flow}}
    return dict(one)


_MOVED = {
    "#/definitions/": "#/components/schemas/",
    "#/parameters/": "#/components/parameters/",
    "#/responses/": "#/components/responses/",
}


def _rewrite(value: Any) -> Any:
    """References to where things stand now; a file's schema is a binary string in OpenAPI 3."""
    if isinstance(value, list):
        return [_rewrite(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {name: _rewrite(one) for name, one in value.items()}
    reference = made.get("$ref")
    if isinstance(reference, str):
        for old, new in _MOVED.items():
            if reference.startswith(old):
                made["$ref"] = new + reference.removeprefix(old)
    if made.get("type") == "file":
        made.update(type="string", format="binary")
    return made
