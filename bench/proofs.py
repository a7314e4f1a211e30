"""What else proves a caller, and what conditions cost, beside a key alone: one server a contract, on the same work."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from joserfc import jwt
from joserfc.jwk import ECKey

from bench import ours
from bench.load import Case
from bench.process import free_port
from bench.work import prepare

if TYPE_CHECKING:
    import contextlib
    from pathlib import Path

    from bench.process import Cores, Server

ISSUER, AUDIENCE = "https://id.example.com", "https://bench.example.com"
WHY = "the bench asks what a token costs, and a proof of possession is another one each time"
#: Four attributes, of the caller and of the request.
WHEN = 'caller.role == "writer" && operation.method == "GET" && address.in_range("127.0.0.0/8") && time.hour < 24'


def turns(folder: Path, port: int, cores: Cores, stack: contextlib.ExitStack) -> list[tuple[str, Server, Case]]:
    """Name, server and case of each; the servers live as long as `stack`."""
    key = ECKey.generate_key("P-256", {"kid": "bench", "use": "sig", "alg": "ES256"})
    bearer = (f"Authorization: Bearer {_token(key)}",)
    with_both: dict[str, Any] = {"keys": {"with": {"token": True}}, "identity": _identity()}
    alone: dict[str, Any] = {"keys": None, "identity": _identity()}
    conditional, elsewhere = (
        {"rules": [{"operations": [name], "allow": ["items:read"], "when": WHEN}]} for name in ("small", "medium")
    )
    found = []
    for name, changed, about in (
        ("a key alone", {}, Case("key")),
        ("a key and a known token", with_both, Case("both", fields=bearer)),
        ("a known token", alone, Case("token", fields=bearer)),
        ("a key, and `when` with four attributes", conditional, Case("when")),
        ("a key, where only another operation has a `when`", elsewhere, Case("beside")),
    ):
        work = prepare(folder / f"proof-{about.name}", port, sections=changed)
        (work.folder / "jwks.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
        server = stack.enter_context(ours.guard(work, free_port(), cores, f"proof-{about.name}"))
        presented = "" if about.name == "token" else work.keys[0]
        found.append((name, server, replace(about, key=presented)))
    return found


def _identity() -> dict[str, Any]:
    return {"issuer": ISSUER, "audience": AUDIENCE, "unbound": WHY, "jwks": "jwks.json"}


def _token(key: ECKey) -> str:
    now = int(time.time())
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "bench", "client_id": "bench", "iat": now, "exp": now + 3600, "jti": "bench",
        "roles": ["writer"],
    }  # fmt: skip
    return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "bench"}, claims, key, algorithms=["ES256"])
