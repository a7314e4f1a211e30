"""The service: what it answers to each request. It has no sockets; time and randomness are its own, storage the registry's."""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode, urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer, InvalidClientError, InvalidRequestError
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc.jwk import KeySet

from ninefold.identity.fault import BadToken
from ninefold.identity.service.exchange import Asked, Malformed, Request, Said, no_json, parameters
from ninefold.identity.service.grants import EXCHANGE, Applicant, Challenge, Keys, Own, Persons, denied
from ninefold.identity.service.page import fault_page, log_in_page
from ninefold.identity.service.registry import Client, Registry, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.identity.proof import Prover, Replays
    from ninefold.identity.service.signing import Signing

_JSON = {"content-type": "application/json", "cache-control": "no-store"}
#: RFC 7523 section 3 leaves it to the service how long an assertion may live.
ASSERTION_SECONDS = 300.0
MOST_BODY = 16 * 1024
_CLIENT_GRANTS = {
    "none": frozenset({"authorization_code"}),
    "private_key_jwt": frozenset({"authorization_code", "client_credentials"}),
    "tls_client_auth": frozenset({"authorization_code", "client_credentials"}),
}
_KEY_GRANTS = frozenset({"client_credentials", EXCHANGE})


class Holder(Protocol):
    """Whose API key it is. `scopes` are all scopes and roles that it holds."""

    @property
    def caller(self) -> str: ...
    @property
    def scopes(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What the contract says of the service. `url` is where callers reach it, without a slash at its end."""

    url: str
    audience: tuple[str, ...]
    lifetime: float
    key_field: str
    dpop: bool
    #: All scopes and roles that a role holds, itself among them, by role.
    grants: dict[str, frozenset[str]]

    def held(self, roles: tuple[str, ...]) -> frozenset[str]:
        """The scopes of some roles together."""
        return frozenset[str]().union(*(self.grants.get(role, frozenset()) for role in roles)) - self.grants.keys()


class Server(AuthorizationServer):
    """`keys` gives whose an API key is, from an address, or None; `revoked` is told of each `jti` that is worth nothing now."""

    def __init__(
        self,
        terms: Terms,
        registry: Registry,
        signing: Signing,
        *,
        keys: Callable[[str, str], Holder | None],
        prover: Prover,
        replays: Replays,
        revoked: Callable[[str], None],
        now: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        super().__init__()
        self.terms = terms
        self.registry = registry
        self.revoke = revoked
        self.now = now
        self._signing = signing
        self._keys = keys
        self._prover = prover
        self._replays = replays
        self._clock = clock
        self.register_client_auth_method("client_secret_basic", self._basic)
        self.register_client_auth_method("api_key", self._api_key)
        self.register_client_auth_method("private_key_jwt", _Assertion(self))
        self.register_client_auth_method("tls_client_auth", self._certificate)
        self.register_grant(Persons, [Challenge(required=True)])
        self.register_grant(Own)
        self.register_grant(Keys)

    # what Authlib asks of a server

    def query_client(self, client_id: str) -> Applicant | None:
        found = self.registry.client(client_id)
        if found is None:
            return None
        by_roles = self.terms.held(found.roles)
        named = frozenset(found.scopes)
        everything = self.terms.held(tuple(self.terms.grants))
        scopes = named & by_roles if named and by_roles else named or by_roles or everything
        own = scopes if named or by_roles else frozenset[str]()
        return Applicant(found, _CLIENT_GRANTS.get(found.proof, frozenset()), scopes, own)

    def create_oauth2_request(self, request: Request) -> Request:
        return request

    create_json_request = staticmethod(no_json)

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Said:
        fields = {name.lower(): value for name, value in headers} | {"cache-control": "no-store"}
        fields.pop("pragma", None)
        if "location" in fields:
            separator = "&" if urlsplit(fields["location"]).query else "?"
            issuer = urlencode({"iss": self.terms.url})
            return Said(status, fields | {"location": fields["location"] + separator + issuer})
        return Said(status, fields | {"content-type": "application/json"}, json.dumps(body).encode())

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def save_token(self, token: Any, request: Any) -> None:
        """Tokens say all of themselves and are kept nowhere."""

    # the endpoints

    def metadata(self) -> Said:
        """RFC 8414."""
        url = self.terms.url
        return Said(200, {"content-type": "application/json", "cache-control": "max-age=300"}, json.dumps({
            "issuer": url,
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "jwks_uri": f"{url}/jwks",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "client_credentials", EXCHANGE],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt", "tls_client_auth", "none"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256", "RS256", "EdDSA"],
            "dpop_signing_alg_values_supported": ["ES256", "EdDSA"],
            "authorization_response_iss_parameter_supported": True,
            "tls_client_certificate_bound_access_tokens": True,
        }).encode())  # fmt: skip

    def jwks(self) -> Said:
        fields = {"content-type": "application/jwk-set+json", "cache-control": "max-age=300"}
        return Said(200, fields, json.dumps(self._signing.published(self.now())).encode())

    def token(self, asked: Asked) -> Said:
        """RFC 6749 section 3.2. Whatever is wrong with a proof of who asks, the answer is the same."""
        media = asked.fields.get("content-type", "").partition(";")[0].strip().lower()
        if media != "application/x-www-form-urlencoded":
            return _refused(400, "invalid_request", "the body is no form")
        try:
            request = Request(asked, f"{self.terms.url}/token", parameters(asked.body.decode("ascii")))
            request.holder = self._held(asked)
            said: Said = self.create_token_response(request)
        except (Malformed, UnicodeDecodeError) as fault:
            return _refused(400, "invalid_request", str(fault) if isinstance(fault, Malformed) else "it is not ASCII")
        except BadToken as fault:
            return _refused(400, "invalid_dpop_proof", str(fault), shown="The DPoP proof does not hold.")
        if said.status >= 400:
            told = json.loads(said.body)
            error = told.get("error", "invalid_request")
            if error in {"invalid_client", "invalid_grant"}:
                # why would tell a prober whether the client, the key or the code exists
                body = json.dumps({"error": error}).encode()
                fields = _JSON | (
                    {"www-authenticate": f'Basic realm="{self.terms.url}"'} if error == "invalid_client" else {}
                )
                status = 401 if error == "invalid_client" else 400
                return Said(status, fields, body, reason=f"{error}: {told.get('error_description', '')}")
            return Said(said.status, said.fields, said.body, reason=f"{error}: {told.get('error_description', '')}")
        return Said(said.status, said.fields, said.body, caller=request.client.record.id)

    def page(self, asked: Asked, *, wrong: str = "") -> Said:
        """The page on which a person logs in and allows a client to act for them."""
        try:
            grant = self._consent(asked)
        except OAuth2Error as fault:
            return self._no_page(fault)
        except Malformed as fault:
            return fault_page(str(fault))
        client: Client = grant.request.client.record
        return log_in_page(client.name, (grant.request.scope or "").split(), grant.redirect_uri, wrong)

    def decide(self, asked: Asked, user: User | None) -> Said:
        """What the person said on it: `user` has proven to be that; None: they said no."""
        try:
            grant = self._consent(asked)
            if user is None:
                raise denied(grant.redirect_uri, grant.request.payload.state)
            grant.request.user = user
            said: Said = self.create_authorization_response(grant.request, grant_user=user, grant=grant)
        except OAuth2Error as fault:
            return self._no_page(fault)
        except Malformed as fault:
            return fault_page(str(fault))
        return Said(303 if said.status == 302 else said.status, said.fields, said.body, caller=user.name)

    def _consent(self, asked: Asked) -> Persons:
        request = Request(asked, f"{self.terms.url}/authorize", parameters(asked.query))
        grant: Persons = self.get_consent_grant(request)
        grant.redirect_uri = grant.validate_authorization_request()
        return grant

    def _no_page(self, fault: OAuth2Error) -> Said:
        """Sent back to the client only where the client and its URL are known (RFC 9700 section 4.11.2)."""
        said: Said = self.handle_response(*fault())
        if "location" in said.fields:
            return Said(303, said.fields, reason=str(fault.error))
        return fault_page(str(fault.description or fault.error))

    # tokens

    def issue(
        self, request: Request, subject: str, scope: str, roles: tuple[str, ...], more: dict[str, Any]
    ) -> dict[str, Any]:
        """An access token as RFC 9068 has it, bound to what the client has proven to have."""
        self.check_audience(request.form)
        client: Client = request.client.record
        bound: dict[str, str] = {}
        if request.holder:
            bound["jkt"] = request.holder
        elif request.auth_method == "tls_client_auth":
            bound["x5t#S256"] = _base64url(request.asked.certificate)
        elif self.terms.dpop:
            raise InvalidRequestError("A DPoP proof is required.")
        now = self.now()
        audience = self.terms.audience
        claims: dict[str, Any] = {
            "iss": self.terms.url,
            "aud": audience[0] if len(audience) == 1 else list(audience),
            "sub": subject,
            "client_id": client.id,
            "iat": int(now),
            "exp": int(now + self.terms.lifetime),
            "jti": secrets.token_urlsafe(16),
            "scope": scope,
        }
        # a role stands for all that it holds, so it is told only where none of that was left out
        whole = [role for role in roles if self.terms.held((role,)) <= set(scope.split())]
        if whole:
            claims["roles"] = whole
        if bound:
            claims["cnf"] = bound
        token = self._signing.sign(claims | more, now)
        kind = "DPoP" if request.holder else "Bearer"
        return {"access_token": token, "token_type": kind, "expires_in": int(self.terms.lifetime), "scope": scope}

    def check_audience(self, given: dict[str, str]) -> None:
        """Tokens are for one API (RFC 8707 section 2, RFC 8693 section 2.1)."""
        for name in ("resource", "audience"):
            if given.get(name, self.terms.audience[0]) not in self.terms.audience:
                raise _InvalidTarget

    # who asks

    def by_key(self, text: str, address: str) -> Applicant | None:
        """The client that an API key is."""
        holder = self._keys(text, address) if text else None
        if holder is None:
            return None
        roles = tuple(sorted(holder.scopes & self.terms.grants.keys()))
        scopes = holder.scopes - self.terms.grants.keys()
        record = Client(holder.caller, holder.caller, "api_key", (), roles)
        return Applicant(record, _KEY_GRANTS, scopes, scopes, is_key=True)

    def _basic(self, _: Any, request: Request) -> Applicant | None:
        """The key's id as the client's, the key as its secret (RFC 6749 section 2.3.1)."""
        id_, secret = extract_basic_authorization(request.headers)
        found = self.by_key(secret or "", request.asked.address)
        return found if found is not None and id_ == found.record.id else None

    def _api_key(self, _: Any, request: Request) -> Applicant | None:
        return self.by_key(request.asked.fields.get(self.terms.key_field, ""), request.asked.address)

    def _certificate(self, _: Any, request: Request) -> Applicant | None:
        """RFC 8705 section 2: by the certificate itself, not by a name in it."""
        certificate = request.asked.certificate
        found = self.query_client(request.payload.client_id or "") if certificate else None
        fits = found is not None and bool(found.record.certificate)
        return (
            found
            if found is not None and fits and secrets.compare_digest(found.record.certificate, certificate)
            else None
        )

    def _held(self, asked: Asked) -> str:
        """The thumbprint of the key whose proof came along. Raises `BadToken`."""
        text = asked.fields.get("dpop")
        if text is None:
            return ""
        now = self._clock()
        if self._replays.full(now):
            raise BadToken("more proofs than can be remembered")
        proof = self._prover.verify(
            text.encode("latin-1"), None, asked.method, urlsplit(self.terms.url).path + "/token", self.now()
        )
        if not self._replays.take(proof, now):
            raise BadToken("the proof comes a second time (jti)")
        return _base64url(proof.holder)


class _Assertion(JWTBearerClientAssertion):
    """RFC 7523 section 2.2, for clients with a key pair."""

    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self, server: Server) -> None:
        super().__init__(leeway=30)
        self._server = server

    def get_audiences(self) -> list[str]:
        """The issuer alone, as RFC 7523bis asks: another service's endpoint may be called like ours."""
        return [self._server.terms.url, f"{self._server.terms.url}/token"]

    def resolve_client_public_key(self, client: Applicant) -> KeySet:
        if client.record.proof != self.CLIENT_AUTH_METHOD:
            raise InvalidClientError
        return KeySet.import_key_set(json.loads(client.record.keys))

    def validate_jti(self, claims: Any, jti: object) -> bool:
        now = self._server.now()
        if not isinstance(jti, str) or not jti or claims["exp"] > now + ASSERTION_SECONDS + self.leeway:
            return False
        return self._server.registry.first_time(f"{claims['sub']}\n{jti}", claims["exp"] + self.leeway, now)


class _InvalidTarget(OAuth2Error):
    """RFC 8707 section 2."""

    error = "invalid_target"


def _refused(status: int, error: str, reason: str, shown: str = "") -> Said:
    body = json.dumps({"error": error, "error_description": shown or reason}).encode()
    return Said(status, dict(_JSON), body, reason=reason)


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
