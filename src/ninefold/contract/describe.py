"""The OpenAPI description that is true of the guarded API: what the API's own says, with the contract's promises.

The schemas stay, the security is the contract's, and the guard's refusals are declared with their fields.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from ninefold.contract.value import LOCAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.contract.description import Operation
    from ninefold.contract.load import LoadedContract
    from ninefold.contract.model import Contract, Rule

KEY_SCHEME = "apiKey"
QUERY_SCHEME = "apiKeyInQuery"
#: What `local` is to a reader of the description: the addresses that are this machine on every machine.
_LOOPBACK = ("127.0.0.0/8", "::1/128")

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "properties": {
        "type": {"type": "string", "maxLength": 200},
        "title": {"type": "string", "maxLength": 200},
        "status": {"type": "integer", "minimum": 100, "maximum": 599},
        "detail": {"type": "string", "maxLength": 500},
    },
    "additionalProperties": False,
}

_HEADERS: Mapping[str, Mapping[str, str]] = {
    "RateLimit": {
        "type": "string",
        "description": "How the limit stands: its name, r requests left, t seconds to all.",
    },
    "RateLimit-Policy": {"type": "string", "description": "The limits: name, q requests in w seconds."},
    "Retry-After": {"type": "integer", "description": "Seconds until a request will be admitted (RFC 9110)."},
    "WWW-Authenticate": {"type": "string", "description": "How to authenticate (RFC 9110 section 11.6.1)."},
    "X-Request-Id": {"type": "string", "description": "This request's id, as the trail has it."},
}

#: The guard's own answers: status, what it means, its fields beside X-Request-Id.
_REFUSALS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("400", "The request cannot be understood.", ()),
    ("401", "A valid key is needed.", ("WWW-Authenticate",)),
    ("403", "The caller, or the caller's origin, may not do this.", ()),
    ("413", "The request body is too large.", ()),
    ("415", "The request body is of a kind that is not declared.", ()),
    (
        "429",
        "Too many requests, or too many failed proofs of who calls.",
        ("Retry-After", "RateLimit", "RateLimit-Policy"),
    ),
    ("502", "The API gave no answer that may be passed on.", ()),
    ("503", "The API cannot answer now.", ()),
    ("504", "The API did not answer in time.", ()),
)


def describe(loaded: LoadedContract, url: str = "") -> dict[str, Any]:
    """The document, as JSON. `url` is where the guard listens; empty: told by whoever serves it."""
    contract, description = loaded.contract, loaded.description
    document: dict[str, Any] = deepcopy(dict(description.document))
    components = _within(document, "components")
    document["servers"] = [{"url": url or "/"}]
    components["securitySchemes"] = _schemes(contract)
    _within(components, "schemas")["NinefoldProblem"] = deepcopy(_PROBLEM)
    _within(components, "headers").update(
        {
            f"Ninefold{name}": {"description": one["description"], "schema": {"type": one["type"]}}
            for name, one in _HEADERS.items()
        }
    )
    _within(components, "responses").update(
        {f"Ninefold{status}": _refusal(meaning, names) for status, meaning, names in _REFUSALS}
    )
    document["security"] = _security(contract)
    paths: dict[str, Any] = {}
    for operation in description.operations:
        item = paths.setdefault(operation.path, {})
        item[operation.method.lower()] = _operation(deepcopy(dict(operation.raw)), operation, contract, loaded)
    document["paths"] = paths
    document.pop("webhooks", None)  # those are calls that the API makes, not ones that it serves
    return document


def _within(holder: dict[str, Any], name: str) -> dict[str, Any]:
    """The mapping of that name; a new one where there is none, or something else stands there."""
    found = holder.get(name)
    if not isinstance(found, dict):
        found = holder[name] = {}
    return found


def _schemes(contract: Contract) -> dict[str, Any]:
    lifetime = f"It expires after at most {contract.keys.max_age / 86400:g} days and is rotated before."
    schemes: dict[str, Any] = {
        KEY_SCHEME: {
            "type": "apiKey",
            "in": "header",
            "name": contract.keys.header,
            "description": f"A key that was issued to one caller. {lifetime}",
        }
    }
    if contract.keys.alone is None:
        asked = contract.keys.with_.ip if contract.keys.with_ else (LOCAL,)
        ranges = [text for one in asked for text in (_LOOPBACK if isinstance(one, str) else (str(one),))]
        schemes[KEY_SCHEME]["x-source-addresses"] = ranges
        schemes[KEY_SCHEME]["description"] += f" It is taken from these addresses only: {', '.join(ranges)}."
    if contract.keys.query is not None:
        told = f"{schemes[KEY_SCHEME]['description']} In the query only because: {contract.keys.query.why}"
        named = {"in": "query", "name": contract.keys.query.name, "description": told}
        schemes[QUERY_SCHEME] = {**schemes[KEY_SCHEME], **named}
    return schemes


def _security(contract: Contract) -> list[dict[str, list[str]]]:
    """Any one of these."""
    names = (KEY_SCHEME,) if contract.keys.query is None else (KEY_SCHEME, QUERY_SCHEME)
    return [{name: []} for name in names]


def _refusal(meaning: str, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "description": meaning,
        "headers": {name: {"$ref": f"#/components/headers/Ninefold{name}"} for name in (*names, "X-Request-Id")},
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/NinefoldProblem"}}},
    }


def _operation(raw: dict[str, Any], operation: Operation, contract: Contract, loaded: LoadedContract) -> dict[str, Any]:
    rules = _rules(contract, operation.id)
    public = any(rule.public for rule in rules)
    if public:
        raw["security"] = []
    else:
        raw["security"] = _security(contract)
        allowed = sorted({name for rule in rules for name in rule.allow})
        if contract.authorization is not None:
            raw["x-ninefold-allow"] = allowed
            told = f"For callers that hold one of: {', '.join(allowed)}." if allowed else "Closed: no rule allows it."
            raw["description"] = f"{raw['description']}\n\n{told}" if raw.get("description") else told
    raw["parameters"] = [_parameter(one) for one in _parameters(raw, operation, loaded)]
    if not raw["parameters"]:
        del raw["parameters"]
    responses: dict[str, Any] = {
        str(status): _answered(one, loaded)
        for status, one in (raw.get("responses") or {}).items()
        if not str(status).startswith("5")
    }
    own = {"400", "403", "429", "502", "503", "504"}
    if not public:
        own.add("401")
    own.add("415")
    if operation.request:
        own.add("413")
    for status in sorted(own):
        responses[status] = {"$ref": f"#/components/responses/Ninefold{status}"}
    raw["responses"] = responses
    return raw


def _parameters(raw: dict[str, Any], operation: Operation, loaded: LoadedContract) -> list[dict[str, Any]]:
    """The operation's parameters with those of its path, which is not there any more to hold them."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    item: Any = loaded.description.resolve(dict(loaded.description.document["paths"])[operation.path])
    shared = item.get("parameters") if isinstance(item, dict) else None
    for listed in (shared, raw.get("parameters")):
        for one in listed if isinstance(listed, list) else ():
            resolved: Any = loaded.description.resolve(one)
            if isinstance(resolved, dict) and "in" in resolved and "name" in resolved:
                found[resolved["in"], resolved["name"]] = deepcopy(resolved)
    return list(found.values())


def _parameter(one: dict[str, Any]) -> dict[str, Any]:
    if one.get("in") == "path":
        one["required"] = True
    return one


def _answered(one: Any, loaded: LoadedContract) -> Any:
    """A response of the API, with the fields that the guard adds."""
    made: Any = deepcopy(loaded.description.resolve(one))
    if isinstance(made, dict):
        made.setdefault("description", "")
        headers = _within(made, "headers")
        for name in ("RateLimit", "RateLimit-Policy", "X-Request-Id"):
            headers.setdefault(name, {"$ref": f"#/components/headers/Ninefold{name}"})
    return made


def _rules(contract: Contract, operation: str) -> tuple[Rule, ...]:
    if contract.authorization is None:
        return ()
    named = tuple(rule for rule in contract.authorization.rules if operation in rule.operations)
    return named or tuple(rule for rule in contract.authorization.rules if "*" in rule.operations)
