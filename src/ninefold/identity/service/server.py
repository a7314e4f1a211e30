"""The service: what it answers to each request. It has no sockets; time and randomness are its own, storage the registry's."""

from __future__ import annotations

import json
import secrets
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote_plus, urlencode, urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer, InvalidClientError, InvalidRequestError

from ninefold.identity.fault import BadToken
from ninefold.identity.service.assertion import ALGORITHMS, LEEWAY, TYPE, Assertion
from ninefold.identity.service.exchange import Asked, Malformed, Request, Said, no_json, parameters
from ninefold.identity.service.grants import (
    EXCHANGE,
    Applicant,
    Challenge,
    InvalidTargetError,
    Keys,
    Own,
    Persons,
    denied,
)
from ninefold.identity.service.page import fault_page, log_in_page
from ninefold.identity.service.registry import Client, Registry, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.identity.proof import Prover, Replays
    from ninefold.identity.service.signing import Signing

_JSON = {"content-type": "application/json", "cache-control": "no-store"}
MOST_BODY = 16 * 1024
_CLIENT_GRANTS = {
    "none": frozenset({"authorization_code"}),
    "private_key_jwt": frozenset({"authorization_code", "client_credentials"}),
    "tls_client_auth": frozenset({"authorization_code", "client_credentials"}),
}
#: How a token says what it is bound to, and what a client is told that has not shown it.
_MEMBERS = {"dpop": "jkt", "certificate": "x5t#S256"}
_ASKED = {"dpop": "A DPoP proof is required.", "certificate": "A client certificate is required."}
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
    #: What every token has to be bound to: `dpop`, `certificate`, or (empty) nothing.
    bound: str
    #: Signature algorithms of proofs of possession.
    proofs: tuple[str, ...]
    #: Whether callers can show certificates.
    certificates: bool
    #: All scopes and roles that a role holds, itself among them, by role.
    grants: dict[str, frozenset[str]]

    def held(self, roles: tuple[str, ...]) -> frozenset[str]:
        """The scopes of some roles together."""
        return frozenset[str]().union(*(self.grants.get(role, frozenset()) for role in roles)) - self.grants.keys()


class Server(AuthorizationServer):
    """`keys` gives whose an API key is, from where it is asked, or None; `revoked` is told of each `jti` that ends."""

    def __init__(
        self,
        terms: Terms,
        registry: Registry,
        signing: Signing,
        *,
        keys: Callable[[str, Asked], Holder | None],
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
        self.register_client_auth_method("private_key_jwt", self._assertion)
        self.register_client_auth_method("tls_client_auth", self._certificate)
        self.register_grant(Persons, [Challenge(required=True)])
        self.register_grant(Own)
        self.register_grant(Keys)

    # what Authlib asks of a server

    def query_client(self, client_id: str) -> Applicant | None:
        found = self.registry.client(client_id)
        if found is None:
            return None
        # a role that the contract has no more, or that holds no scope, is a bound all the same
        scopes = self.terms.held(found.roles or tuple(self.terms.grants))
        if found.scopes:
            scopes = scopes & frozenset(found.scopes) if found.roles else frozenset(found.scopes)
        own = scopes if found.roles or found.scopes else frozenset[str]()
        return Applicant(found, _CLIENT_GRANTS.get(found.proof, frozenset()), scopes, own)

    def authenticate_client(self, request: Request, methods: Any, endpoint: str = "token") -> Applicant:
        """Raises `OAuth2Error`."""
        found: Applicant = super().authenticate_client(request, methods, endpoint)
        if request.payload.client_id not in {None, found.record.id}:
            raise InvalidClientError(description="client_id is another than the one that was proven.")
        return found

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
            "response_modes_supported": ["query"],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic", "private_key_jwt", *(["tls_client_auth"] if self.terms.certificates else []), "none",
            ],
            "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
            **({"dpop_signing_alg_values_supported": list(self.terms.proofs)} if self.terms.bound == "dpop" else {}),
            "authorization_response_iss_parameter_supported": True,
            "request_uri_parameter_supported": False,
            "tls_client_certificate_bound_access_tokens": self.terms.certificates,
        }).encode())  # fmt: skip

    def jwks(self) -> Said:
        fields = {"content-type": "application/jwk-set+json", "cache-control": f"max-age={self._signing.believed:.0f}"}
        return Said(200, fields, json.dumps(self._signing.published(self.now())).encode())

    def token(self, asked: Asked) -> Said:
        """RFC 6749 section 3.2. Whatever is wrong with a proof of who asks, the answer is the same."""
        media = asked.fields.get("content-type", "").partition(";")[0].strip().lower()
        if media != "application/x-www-form-urlencoded":
            return _refused(400, "invalid_request", "the body is no form")
        try:
            request = Request(asked, f"{self.terms.url}/token", parameters(asked.body.decode("ascii")))
            self._one_proof(request)
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
        return grant

    def _no_page(self, fault: OAuth2Error) -> Said:
        """Sent back to the client only where the client and its URL are known (RFC 9700 section 4.11.2)."""
        said: Said = self.handle_response(*fault())
        if "location" in said.fields:
            return Said(303, said.fields, reason=str(fault.error))
        return fault_page(str(fault.description or fault.error))

    # tokens

    def issue(
        self,
        request: Request,
        subject: str,
        scope: str,
        roles: tuple[str, ...],
        audience: tuple[str, ...],
        more: dict[str, Any],
    ) -> dict[str, Any]:
        """An access token as RFC 9068 has it, bound to what the client has proven to have."""
        client: Client = request.client.record
        bound = self.confirmed(request)
        now = self.now()
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
        # roles stand for all that they hold, and rules can name them, so they are told only where nothing was left out
        if roles and not client.scopes and self.terms.held(roles) <= set(scope.split()):
            claims["roles"] = list(roles)
        if bound:
            claims["cnf"] = bound
        token = self._signing.sign(claims | more, now)
        kind = "DPoP" if request.holder else "Bearer"
        return {"access_token": token, "token_type": kind, "expires_in": int(self.terms.lifetime), "scope": scope}

    def confirmed(self, request: Request) -> dict[str, str]:
        """What the client has proven to have (RFC 7800). Raises `OAuth2Error` where the contract asks for something else."""
        bound: dict[str, str] = {}
        if request.holder:
            bound["jkt"] = request.holder
        certificate = request.asked.certificate
        if certificate and (self.terms.bound == "certificate" or request.auth_method == "tls_client_auth"):
            bound["x5t#S256"] = _base64url(certificate)
        if self.terms.bound and _MEMBERS[self.terms.bound] not in bound:
            raise InvalidRequestError(_ASKED[self.terms.bound])
        return bound

    def audience(self, given: dict[str, str]) -> tuple[str, ...]:
        """For whom a token is asked (RFC 8707 section 2, RFC 8693 section 2.1). Raises `InvalidTargetError`."""
        asked = {given[name] for name in ("resource", "audience") if name in given}
        if not asked <= set(self.terms.audience):
            raise InvalidTargetError
        return tuple(one for one in self.terms.audience if not asked or one in asked)

    # who asks

    def by_key(self, text: str, asked: Asked) -> Applicant | None:
        """The client that an API key is."""
        holder = self._keys(text, asked) if text else None
        if holder is None:
            return None
        roles = tuple(sorted(holder.scopes & self.terms.grants.keys()))
        scopes = holder.scopes - self.terms.grants.keys()
        record = Client(holder.caller, holder.caller, "api_key", (), roles)
        return Applicant(record, _KEY_GRANTS, scopes, scopes, is_key=True)

    def _basic(self, _: Any, request: Request) -> Applicant | None:
        """The key's id as the client's, the key as its secret (RFC 6749 section 2.3.1)."""
        scheme, _, encoded = request.asked.fields.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            id_, _, secret = b64decode(encoded.strip(), validate=True).decode("ascii").partition(":")
        except ValueError:
            return None
        found = self.by_key(unquote_plus(secret), request.asked)
        return found if found is not None and unquote_plus(id_) == found.record.id else None

    def _api_key(self, _: Any, request: Request) -> Applicant | None:
        return self.by_key(request.asked.fields.get(self.terms.key_field, ""), request.asked)

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

    def _assertion(self, _: Any, request: Request) -> Applicant | None:
        form = request.form
        if form.get("client_assertion_type") != TYPE or "client_assertion" not in form:
            return None
        now = self.now()
        try:
            told = Assertion(form["client_assertion"], self.terms.url, now)
            found = self.query_client(told.client)
            told.verify(found.record if found is not None else None)
        except BadToken as fault:
            raise InvalidClientError(description=f"The assertion does not hold: {_plain(str(fault))}") from None
        if not self.registry.first_time(f"{told.client}\n{told.id}", told.expires + LEEWAY, now):
            raise InvalidClientError(description="The assertion comes a second time (jti).")
        return found

    def _one_proof(self, request: Request) -> None:
        """RFC 6749 section 2.3. Raises `Malformed` where a client proves itself in more than one way."""
        fields, form = request.asked.fields, request.form
        shown = (
            "authorization" in fields,
            self.terms.key_field in fields,
            "client_assertion" in form,
            "client_secret" in form,
        )
        if sum(shown) > 1:
            raise Malformed("the client proves itself in more than one way")

    def _held(self, asked: Asked) -> str:
        """The thumbprint of the key whose proof came along. Raises `BadToken`."""
        text = asked.fields.get("dpop")
        if text is None:
            return ""
        if self.terms.bound != "dpop":
            # the API would take no token that is bound to it, and one that is not bound is not what was asked for
            raise BadToken("identity.bound does not ask for proofs")
        now = self._clock()
        if self._replays.full(now):
            raise BadToken("more proofs than can be remembered")
        proof = self._prover.verify(
            text.encode("latin-1"), None, asked.method, urlsplit(self.terms.url).path + "/token", self.now()
        )
        if not self._replays.take(proof, now):
            raise BadToken("the proof comes a second time (jti)")
        return _base64url(proof.jkt)


def _refused(status: int, error: str, reason: str, shown: str = "") -> Said:
    body = json.dumps({"error": error, "error_description": shown or reason}).encode()
    return Said(status, dict(_JSON), body, reason=reason)


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _plain(text: str) -> str:
    """What an error may tell (RFC 6749 section 5.2)."""
    return "".join(one if " " <= one <= "~" and one not in '"\\' else "?" for one in text)
