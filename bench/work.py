"""The work: three payloads with fields that nobody declared, a thousand keys, one of them presented."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import yaml

from ninefold.keys.keeper import Keeper

#: Payload name to the number of items in it: about 0.4, 10 and 100 kB.
PAYLOADS = {"small": 2, "medium": 45, "large": 450}
KEYS = 1000
ORIGIN = "https://app.example.com"

_ITEM = {
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


def items(count: int) -> bytes:
    """About two fifths of the bytes are declared nowhere."""
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
                "supplier_note": "renegotiate before the end of the quarter",
            }
            for number in range(count)
        ],
        separators=(",", ":"),
    ).encode()


def projected(body: bytes) -> list[dict[str, object]]:
    """What of a payload is declared; what every guarded server must answer."""
    found = []
    for one in json.loads(body):
        kept = {name: one[name] for name in _ITEM["properties"]}  # type: ignore[attr-defined]
        kept["owner"] = {"id": one["owner"]["id"], "mail": one["owner"]["mail"]}
        found.append(kept)
    return found


def description(extra: int = 0) -> dict[str, object]:
    """The API: one operation for each payload, one for writers alone, and as many others as wanted."""
    answer = {
        "200": {"description": "items", "content": {"application/json": {"schema": {"type": "array", "items": _ITEM}}}}
    }
    paths: dict[str, object] = {
        f"/{name}": {"get": {"operationId": name, "responses": answer}} for name in (*PAYLOADS, "admin")
    }
    paths |= {
        f"/resource{number}/{{id}}/part": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"operationId": f"part{number}", "responses": answer},
        }
        for number in range(extra)
    }
    return {"openapi": "3.0.3", "info": {"title": "bench", "version": "1"}, "paths": paths}


def prepare(
    folder: Path, upstream: str, *, rate: str = "1000000/s", burst: int = 1_000_000, extra: int = 0
) -> tuple[Path, list[str]]:
    """A contract in `folder`, its thousand keys, and the payloads; gives the contract and the keys' texts.

    The first key reads and writes, the second reads alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "www").mkdir(exist_ok=True)
    for name, count in PAYLOADS.items():
        (folder / "www" / name).write_bytes(items(count))
    (folder / "www" / "admin").write_bytes(items(1))
    (folder / "openapi.yaml").write_text(yaml.safe_dump(description(extra)))
    contract = {
        "api": {"name": "bench", "description": "openapi.yaml"},
        "upstream": upstream,
        "keys": {"alone": "every peer in the bench checks a key alone"},
        "authorization": {
            "roles": {"reader": ["items:read"], "writer": ["reader", "items:write"]},
            "rules": [
                {"operations": ["admin"], "allow": ["items:write"]},
                {"operations": ["*"], "allow": ["items:read"]},
            ],
        },
        "encryption": {"plain": "the bench measures every server without TLS"},
        "limits": {"rates": [{"per": "caller", "rate": rate, "burst": burst}], "connections": {"per_ip": 4096}},
        "origins": {"allow": [ORIGIN], "headers": ["Content-Type"]},
        "trail": {"path": "trail.jsonl"},
    }
    path = folder / "contract.yaml"
    path.write_text(yaml.safe_dump(contract))
    keeper = Keeper(folder / "ninefold-keys.db")
    texts = []
    for number in range(KEYS):
        role = "reader" if number == 1 else "writer"
        seed = hashlib.sha512(b"bench %d" % number).digest()
        minted = keeper.issue(
            role=role, scopes=(), name=f"bench {number}", env="bench", lifetime=86400 * 30, now=1_700_000_000 + 1e9,
            randomness=lambda count, seed=seed: (seed * 2)[:count],  # type: ignore[misc]
        )  # fmt: skip
        texts.append(minted.text)
    keeper.close()
    return path, texts
