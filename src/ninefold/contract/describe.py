"""The OpenAPI description that is true of the guarded API: what the API's own says, with the contract's promises.

The schemas stay, the security is the contract's, and the guard's refusals are declared with their fields.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from ninefold.contract.combination import combinations
from ninefold.contract.rules import allowing, denying
from ninefold.contract.value import LOCAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.contract.authorization import Rule
    from ninefold.contract.description import Operation
    from ninefold.contract.identity import Identity
    from ninefold.contract.load import LoadedContract
    from ninefold.contract.model import Contract

KEY_SCHEME = "apiKey"
CERTIFICATE_SCHEME = "mutualTLS"
TOKEN_SCHEME = "token"  # noqa: S105  # a name
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
        "errors": {
            "type": "array",
            "description": "What is wrong with the request, and where; never the value.",
            "maxItems": 20,
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string", "maxLength": 2000, "description": "RFC 6901, as a URI fragment"},
                    "in": {"type": "string", "enum": ["path", "query", "header", "cookie"]},
                    "parameter": {"type": "string", "maxLength": 200},
                    "detail": {"type": "string", "maxLength": 500},
                },
                "additionalProperties": False,
            },
        },
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
    ("400", "The request cannot be understood, or a parameter is not as described.", ()),
    ("401", "A valid proof of who is calling is needed.", ("WWW-Authenticate",)),
    ("403", "The caller, or the caller's origin, may not do this.", ()),
    ("404", "There is no such thing, or it is not the caller's.", ()),
    ("413", "The request body is too large.", ()),
    ("415", "The request body is of a kind that is not declared.", ()),
    ("422", "The body is not as described.", ()),
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
    components["securitySchemes"] = _schemes(contract, str(document.get("openapi", "")))
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
    document["security"] = _security(contract, ())
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


def _security(contract: Contract, rules: tuple[Rule, ...]) -> list[dict[str, list[str]]]:
    """The combinations of proofs that OpenAPI has words for: any of the list, all of a mapping."""
    schemes = {"key": KEY_SCHEME, "token": TOKEN_SCHEME, "certificate": CERTIFICATE_SCHEME}
    clients = contract.encryption.tls.clients
    always: dict[str, list[str]] = {CERTIFICATE_SCHEME: []} if clients is not None and clients.required else {}
    found: list[dict[str, list[str]]] = []
    for names in combinations(contract, rules):
        one = {schemes[name]: list[str]() for name in names if name in schemes} | always
        found.append(one)
        if KEY_SCHEME in one and contract.keys.query is not None:
            found.append({QUERY_SCHEME if name == KEY_SCHEME else name: [] for name in one})
    return [one for place, one in enumerate(found) if one not in found[:place]]


def _schemes(contract: Contract, version: str) -> dict[str, Any]:
    rules = contract.authorization.rules if contract.authorization is not None else ()
    needed = {name for about in ((), *((one,) for one in rules)) for one in _security(contract, about) for name in one}
    schemes: dict[str, Any] = {}
    if KEY_SCHEME in needed:
        schemes[KEY_SCHEME] = _key_scheme(contract)
    if QUERY_SCHEME in needed and contract.keys.query is not None:
        told = f"{schemes[KEY_SCHEME]['description']} In the query only because: {contract.keys.query.why}"
        named = {"in": "query", "name": contract.keys.query.name, "description": told}
        schemes[QUERY_SCHEME] = {**schemes[KEY_SCHEME], **named}
    if TOKEN_SCHEME in needed and contract.identity is not None:
        schemes[TOKEN_SCHEME] = _token(contract.identity)
    if CERTIFICATE_SCHEME in needed:
        told = "A client certificate that one of the API's authorities signed."
        # OpenAPI 3.0 has no type for it
        known = {"type": "http", "scheme": "MutualTLS"} if version.startswith("3.0") else {"type": "mutualTLS"}
        schemes[CERTIFICATE_SCHEME] = {**known, "description": told}
    return schemes


def _key_scheme(contract: Contract) -> dict[str, Any]:
    lifetime = f"It expires after at most {contract.keys.max_age / 86400:g} days and is rotated before."
    scheme: dict[str, Any] = {
        "type": "apiKey",
        "in": "header",
        "name": contract.keys.header,
        "description": f"A key that was issued to one caller. {lifetime}",
    }
    second = contract.keys.with_
    if any("address" in one for one in combinations(contract, ())):
        asked = (second.ip if second else None) or (LOCAL,)
        ranges = [text for one in asked for text in (_LOOPBACK if isinstance(one, str) else (str(one),))]
        scheme["x-source-addresses"] = ranges
        scheme["description"] += f" It is taken from these addresses only: {', '.join(ranges)}."
    if second is not None and second.device:
        scheme["x-ja4"] = list(second.device)
        scheme["description"] += " It is taken from devices with known TLS fingerprints (JA4) only."
    return scheme


def _token(identity: Identity) -> dict[str, Any]:
    """How a token is presented; that it is bound is told in words, where OpenAPI has none for it."""
    asked = {
        "dpop": " with a proof of possession for each request (RFC 9449), its nonce as the refusal says",
        "certificate": " over a connection with the client certificate that it is bound to (RFC 8705)",
        "": "",
    }[identity.bound or ""]
    dpop = identity.bound == "dpop"
    return {
        "type": "http",
        "scheme": "DPoP" if dpop else "bearer",
        **({} if dpop else {"bearerFormat": "JWT"}),
        "description": f"An access token of {identity.issuer} for {', '.join(identity.audience)}{asked}.",
    }


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
        raw["security"] = _security(contract, rules)
        allowed = sorted({name for rule in rules for name in rule.allow})
        if contract.authorization is not None:
            raw["x-ninefold-allow"] = allowed
            told = _told(allowed, rules, denying(contract.authorization, operation.id))
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
    every = (*rules, *(rule for _, rule in denying(contract.authorization, operation.id)))
    if any(rule.when is not None and "resource" in rule.when for rule in every):
        own.add("404")
    if operation.request:
        own.add("413")
    if any(schema is not None and "json" in media.lower() for media, schema in operation.request.items()):
        own |= set() if operation.id in contract.requests.open else {"422"}
    for status in sorted(own):
        responses[status] = {"$ref": f"#/components/responses/Ninefold{status}"}
    raw["responses"] = responses
    return raw


def _told(allowed: list[str], rules: tuple[Rule, ...], denials: tuple[tuple[int, Rule], ...]) -> str:
    """Who may call an operation. That there are conditions is told, what they are is not."""
    if any(rule.when is None and not rule.timed for _, rule in denials) or not rules:
        return "Closed: no rule allows it."
    told = f"For callers that hold one of: {', '.join(allowed)}." if allowed else ""
    if any(not rule.allow for rule in rules):
        told = "For every caller." if not allowed else f"{told} For others"
    if denials or any(rule.when is not None or rule.timed for rule in rules):
        told = f"{told.removesuffix('.')}, under conditions of the contract."
    return told


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
    return tuple(rule for _, rule in allowing(contract.authorization, operation))
