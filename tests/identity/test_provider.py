"""Against a real authorization server, oidc-provider: discovery, rotation of its keys, introspection, proof of possession."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import threading
import time
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from tests.identity.issuing import ec, proof, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = Path(__file__).parent / "provider"
THINGS, OPAQUE = "https://things.example.com", "https://opaque.example.com"


class Provider:
    """A provider that runs, and its one client."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, path: str, form: dict[str, str] | None = None, **fields: str) -> bytes:
        data = urlencode(form).encode() if form is not None else None
        secret = base64.b64encode(b"app:app-secret-app-secret-app-secret").decode()
        asked = urllib.request.Request(self.url + path, data, {"Authorization": f"Basic {secret}", **fields})
        with urllib.request.urlopen(asked, timeout=10) as answer:
            found: bytes = answer.read()
        return found

    def token(self, resource: str = THINGS, **fields: str) -> str:
        form = {"grant_type": "client_credentials", "resource": resource, "scope": "things:read"}
        found: str = json.loads(self.ask("/token", form, **fields))["access_token"]
        return found


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    if shutil.which("node") is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("oidc-provider is not installed: scripts/provider.sh needs node and npm")
    with subprocess.Popen(
        ["node", "server.mjs"], cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stdout is not None
            yield Provider(int(process.stdout.readline()))
        finally:
            process.kill()


def test_its_tokens_are_verified_by_what_its_metadata_says(hosts: Callable[..., Any], provider: Provider) -> None:
    found = hosts({"issuer": provider.url})
    assert found.bearer(provider.token())[0] == 200
    assert found.asked["asgi"][0]["x-ninefold-subject"] == "app"
    assert found.bearer(provider.token(), path="/things", method="DELETE")[0] == 405
    assert found.bearer(provider.token(OPAQUE))[0] == 401


def test_no_good_request_is_refused_while_its_keys_are_rotated(hosts: Callable[..., Any], provider: Provider) -> None:
    found = hosts({"issuer": provider.url, "jwks": {"floor": "100ms", "refresh": "1s", "keep": "0s"}})
    told: list[int] = []
    done = threading.Event()

    def traffic() -> None:
        while not done.is_set():
            token = provider.token()
            told.extend(found.ask(host, f"Authorization: Bearer {token}")[0] for host in ("gateway", "asgi"))

    callers = [threading.Thread(target=traffic) for _ in range(3)]
    for caller in callers:
        caller.start()
    old = provider.token()
    for _ in range(4):
        time.sleep(0.4)
        provider.ask("/rotate")
    time.sleep(0.4)
    done.set()
    for caller in callers:
        caller.join(20)
    assert set(told) == {200}
    assert len(told) > 50
    provider.ask("/drop")
    until = time.monotonic() + 5
    while found.ask("gateway", f"Authorization: Bearer {old}")[0] == 200 and time.monotonic() < until:
        time.sleep(0.1)
    assert found.bearer(old)[0] == 401, "the key that signed it is not published any more"
    assert found.bearer(provider.token())[0] == 200


def test_its_opaque_tokens_are_introspected_until_it_revokes_them(
    hosts: Callable[..., Any], provider: Provider, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("gate-secret-gate-secret-gate-secret\n")
    introspection = {"client": "gate", "secret": "secret", "cache": "1s"}
    found = hosts({"issuer": provider.url, "audience": OPAQUE, "introspection": introspection})
    token = provider.token(OPAQUE)
    assert found.bearer(token)[0] == 200
    assert found.bearer("made-up")[0] == 401
    provider.ask("/token/revocation", {"token": token})
    time.sleep(1.1)
    assert found.bearer(token)[0] == 401


def test_its_tokens_that_are_bound_to_a_key_are_taken_with_a_proof_alone(
    hosts: Callable[..., Any], provider: Provider
) -> None:
    found = hosts({"issuer": provider.url, "bound": "dpop", "dpop": {"nonce": True}})
    mine = ec()
    asked = {"htm": "POST", "htu": f"{provider.url}/token", "iat": int(time.time()), "jti": uuid.uuid4().hex}
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": mine.as_dict(private=False)}
    token = provider.token(DPoP=sign(header, asked, mine))
    status, fields, _ = found.both(f"Authorization: DPoP {token}", f"DPoP: {proof(mine, token)}")
    assert status == 401
    assert 'error="use_dpop_nonce"' in fields["www-authenticate"]
    for host in ("gateway", "asgi"):
        nonce = found.ask(host, f"Authorization: DPoP {token}", f"DPoP: {proof(mine, token)}")[1]["dpop-nonce"]
        sent = [f"Authorization: DPoP {token}", f"DPoP: {proof(mine, token, nonce=nonce)}"]
        assert found.ask(host, *sent)[0] == 200
        assert found.ask(host, *sent)[0] == 401, "it was used before"
    assert found.bearer(token)[0] == 401
    unbound = provider.token()
    assert found.both(f"Authorization: DPoP {unbound}", f"DPoP: {proof(mine, unbound)}")[0] == 401
