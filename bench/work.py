"""The work: three payloads with members that nobody declared, a thousand keys, one API and one contract for all."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ninefold.keys.keeper import Keeper
from ninefold.keys.token import mint

if TYPE_CHECKING:
    from pathlib import Path

#: Payload name to the number of items in it: about 0.4, 10 and 100 kB.
PAYLOADS = {"small": 2, "medium": 47, "large": 460}
#: What each path asks of a caller.
ROUTES = {"/small": "items:read", "/medium": "items:read", "/large": "items:read", "/admin": "items:write"}
KEYS = 1000
ORIGIN = "https://app.example.com"
#: What every guarded server adds to every answer.
SECURITY_FIELDS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
)
ITEM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "price": {"type": "number", "format": "double"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "available": {"type": "boolean"},
        "owner": {"type": "object", "properties": {"id": {"type": "integer"}, "mail": {"type": "string"}}},
    },
}
SHAPE: dict[str, Any] = {"type": "array", "items": ITEM}


@dataclass(frozen=True, slots=True)
class Work:
    """What every server gets. `upstream` is the API's port; a caller may call `rate` times in a `unit`, `burst` at once.

    The first key reads and writes, the second reads alone, the others read and write. `stranger` was never issued.
    """

    folder: Path
    upstream: int
    contract: Path
    keys: tuple[str, ...]
    stranger: str
    count: int
    unit: str
    burst: int


def role(number: int) -> str:
    """The role of the key of this number."""
    return "reader" if number == 1 else "writer"


def items(count: int) -> bytes:
    """A list of objects; about two fifths of its bytes are declared nowhere."""
    return json.dumps(
        [
            {
                "id": number,
                "name": f"Item number {number}",
                "price": round(12.5 + number * 1.25, 2),
                "tags": ["new", "sale"],
                "available": number % 3 > 0,
                "owner": {
                    "id": number * 7,
                    "mail": f"owner{number}@example.com",
                    "password_hash": "5f4dcc3b5aa765d61d8327",
                },
                "cost_price": 7.25,
                "supplier_note": "renegotiate in spring",
            }
            for number in range(count)
        ],
        separators=(",", ":"),
    ).encode()


def projected(body: bytes) -> Any:
    """What of a payload is declared: what every guarded server must answer."""
    return _declared(json.loads(body), SHAPE)


def _declared(value: Any, schema: dict[str, Any]) -> Any:
    if schema["type"] == "array":
        return [_declared(one, schema["items"]) for one in value]
    if schema["type"] == "object":
        return {name: _declared(value[name], one) for name, one in schema["properties"].items() if name in value}
    return value


def description(extra: int = 0) -> dict[str, Any]:
    """The API: an operation for each payload, one for writers alone, and `extra` others on templates of their own."""
    answer = {
        "200": {
            "description": "items",
            "content": {
                "application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}}
            },
        }
    }
    paths: dict[str, Any] = {
        path: {"get": {"operationId": path.strip("/"), "responses": answer}} for path in (*ROUTES, "/limited")
    }
    identifier = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    for number in range(extra):
        operation = {"operationId": f"part{number}", "parameters": [identifier], "responses": answer}
        paths[f"/part/{number}/{{id}}/items"] = {"get": operation}
    return {
        "openapi": "3.0.3",
        "info": {"title": "bench", "version": "1"},
        "paths": paths,
        "components": {"schemas": {"Item": ITEM}},
    }


def prepare(
    folder: Path,
    upstream: int,
    *,
    count: int = 1_000_000,
    unit: str = "s",
    burst: int = 1_000_000,
    extra: int = 0,
    opened: bool = False,
    sections: dict[str, Any] | None = None,
) -> Work:
    """Write a contract, its thousand keys and the payloads into `folder`. `opened`: the contract asks for nothing.

    `sections` replace those of the contract; None takes one away, and `rules` stand before its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "www").mkdir(exist_ok=True)
    for name, number in PAYLOADS.items():
        (folder / "www" / name).write_bytes(items(number))
    for name in ("admin", "limited"):
        (folder / "www" / name).write_bytes(items(1))
    (folder / "openapi.json").write_text(json.dumps(description(extra)))
    contract = folder / "contract.json"
    rates = [
        {"per": "caller", "rate": f"{count}/{unit}", "burst": burst},
        {"per": "caller", "rate": "1/h", "burst": 1, "operations": ["limited"]},
    ]
    whole = _contract(f"http://127.0.0.1:{upstream}", rates, opened=opened)
    for name, section in (sections or {}).items():
        if name == "rules":
            whole["authorization"]["rules"] = [*section, *whole["authorization"]["rules"]]
        else:
            whole[name] = section
    contract.write_text(json.dumps({name: section for name, section in whole.items() if section is not None}))
    keeper = Keeper(folder / "ninefold-keys.db")
    try:
        keys = tuple(_issue(keeper, number) for number in range(KEYS))
    finally:
        keeper.close()
    return Work(folder, upstream, contract, keys, mint("bench", os.urandom).text, count, unit, burst)


def _issue(keeper: Keeper, number: int) -> str:
    minted = keeper.issue(
        role=role(number),
        scopes=(),
        name=f"bench {number}",
        env="bench",
        lifetime=86400 * 30,
        now=time.time(),
        randomness=os.urandom,
    )
    return minted.text


def _contract(upstream: str, rates: list[dict[str, Any]], *, opened: bool) -> dict[str, Any]:
    rules: list[dict[str, Any]] = [
        {"operations": ["admin"], "allow": ["items:write"]},
        {"operations": ["*"], "allow": ["items:read"]},
    ]
    why = "the bench asks what moving the bytes alone costs"
    contract: dict[str, Any] = {
        "api": {"name": "bench", "description": "openapi.json"},
        "upstream": upstream,
        "keys": {"alone": "every server in the bench checks a key alone"},
        "authorization": {
            "roles": {"reader": ["items:read"], "writer": ["reader", "items:write"]},
            "rules": [{"operations": ["*"], "public": why}] if opened else rules,
        },
        "encryption": {"plain": "the bench measures every server without TLS"},
        "limits": {"rates": rates, "connections": {"per_ip": 4096}},
        "origins": {"allow": [ORIGIN], "headers": ["Content-Type"]},
        "trail": {"path": "trail.jsonl"},
    }
    if opened:
        contract["responses"] = {"open": dict.fromkeys((path.strip("/") for path in ROUTES), why)}
    return contract
