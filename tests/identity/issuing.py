"""An issuer of tokens on 127.0.0.1 whose every word a test decides: metadata, keys, introspection, tokens, proofs."""

from __future__ import annotations

import base64
import hmac
import json
import ssl
import threading
import time
import uuid
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from joserfc.jwa import JWS_ALGORITHMS
from joserfc.jwk import ECKey, Key

AUDIENCE = "https://things.example.com"
URL = "https://things.example.com"
MODELS = {one.name: one for one in JWS_ALGORITHMS}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encoded(value: Any) -> str:
    return b64(value if isinstance(value, bytes) else json.dumps(value).encode())


def sign(header: Any, payload: Any, key: Key | bytes | None, algorithm: str = "") -> str:
    """A compact JWS of just these bytes, whatever they say. `algorithm`: what is really signed with; bytes: HMAC."""
    text = f"{encoded(header)}.{encoded(payload)}"
    if key is None:
        return f"{text}."
    if isinstance(key, bytes):
        return f"{text}.{b64(hmac.digest(key, text.encode(), 'sha256'))}"
    model = MODELS[algorithm or header["alg"]]
    return f"{text}.{b64(model.sign(text.encode(), key))}"


def ec(kid: str = "", curve: str = "P-256") -> ECKey:
    return ECKey.generate_key(curve, {"kid": kid} if kid else None)


class Issuer:
    """Its keys are in `keys`; `tokens` maps opaque tokens to what introspection says of them."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.key: ECKey = ec("first")
        self.keys: list[dict[str, Any]] = [self.key.as_dict(private=False, use="sig", alg="ES256")]
        self.tokens: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.status = 200
        self.delay = 0.0
        self.metadata: dict[str, Any] = {}
        self.answer: bytes | None = None
        self.headers: dict[str, str] = {}
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer({})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._answer({**{k: v[0] for k, v in parse_qs(body).items()}, "": self.headers["Authorization"]})

            def _answer(self, form: dict[str, str]) -> None:
                issuer.asked.append(self.path)
                time.sleep(issuer.delay)
                found = issuer.say(self.path, form)
                content = json.dumps(found).encode() if issuer.answer is None else issuer.answer
                self.send_response(issuer.status if found is not None else 404)
                for name, value in issuer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the parent's name)
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def say(self, path: str, form: dict[str, str]) -> Any:
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.url, "jwks_uri": f"{self.url}/jwks", "introspection_endpoint": f"{self.url}/introspect",
                **self.metadata,
            }  # fmt: skip
        if path == "/jwks":
            return {"keys": self.keys}
        if path == "/introspect":
            assert form[""] == "Basic " + base64.b64encode(b"gate:secret%2Fword").decode()
            return self.tokens.get(form["token"], {"active": False})
        return None

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        whole = {
            "iss": self.url, "aud": AUDIENCE, "sub": "alice", "client_id": "app", "iat": now, "exp": now + 300,
            "jti": uuid.uuid4().hex, "scope": "things:read things:write", **changes,
        }  # fmt: skip
        return {name: value for name, value in whole.items() if value is not ...}

    def header(self, **changes: Any) -> dict[str, Any]:
        whole = {"typ": "at+jwt", "alg": "ES256", "kid": "first", **changes}
        return {name: value for name, value in whole.items() if value is not ...}

    def token(self, header: dict[str, Any] | None = None, key: Key | None = None, **claims: Any) -> str:
        return sign(self.header(**(header or {})), self.claims(**claims), key or self.key)

    def rotate(self, kid: str) -> None:
        """Another key in place of the one that there is."""
        self.key = ec(kid)
        self.keys = [self.key.as_dict(private=False, use="sig", alg="ES256")]


def proof(
    key: Key,
    token: str,
    method: str = "GET",
    url: str = f"{URL}/things",
    header: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    """A DPoP proof (RFC 9449 section 4.2)."""
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False), **(header or {})}
    whole = {
        "htm": method, "htu": url, "iat": int(time.time()), "jti": uuid.uuid4().hex,
        "ath": b64(sha256(token.encode()).digest()), **claims,
    }  # fmt: skip
    return sign(
        {name: value for name, value in head.items() if value is not ...},
        {name: value for name, value in whole.items() if value is not ...},
        key,
        "ES256" if isinstance(key, ECKey) else "",
    )
