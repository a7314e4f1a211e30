"""The three ways to a token: a client's own, a person's by a code (RFC 7636), and a key's exchange (RFC 8693)."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from authlib.oauth2.rfc6749 import (
    AccessDeniedError,
    ClientMixin,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    scope_to_list,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, BaseGrant, ClientCredentialsGrant
from authlib.oauth2.rfc6749.grants.base import TokenEndpointMixin
from authlib.oauth2.rfc7636 import CodeChallenge

from ninefold.identity.service.redirect import any_port, without_port
from ninefold.identity.service.registry import Code, digest

if TYPE_CHECKING:
    from ninefold.identity.service.exchange import Request
    from ninefold.identity.service.registry import Client, User
    from ninefold.identity.service.server import Server

CODE_SECONDS = 60.0
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  # a name (RFC 8693 section 3)
#: RFC 8693 section 3 lets a service name kinds of its own.
API_KEY = "urn:ninefold:token-type:api-key"
#: A thumbprint as text (RFC 7638, RFC 9449 section 10), and one of no key.
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_NO_KEY = "A" * 43
PROOFS = ("client_secret_basic", "api_key", "private_key_jwt", "tls_client_auth")


class Applicant(ClientMixin):
    """A client as Authlib asks about it. `grants` are those that it may use, `scopes` what it may ask for.

    `own` is what of those it may have for itself, with no person behind it.
    """

    def __init__(
        self,
        record: Client,
        grants: frozenset[str],
        scopes: frozenset[str],
        own: frozenset[str],
        *,
        is_key: bool = False,
    ) -> None:
        self.record = record
        self.scopes = scopes
        self.own = own
        self.is_key = is_key
        self._grants = grants

    def get_client_id(self) -> str:
        return self.record.id

    def get_default_redirect_uri(self) -> str | None:
        redirects = self.record.redirects
        return redirects[0] if len(redirects) == 1 and not any_port(redirects[0]) else None

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """What was asked, or all; None where something else was asked than may be (RFC 6749 section 3.3)."""
        return _asked(scope, self.scopes)

    def own_scope(self, scope: str | None) -> str:
        """The same for itself. Raises `InvalidScopeError`."""
        found = _asked(scope, self.own)
        if found is None:
            raise InvalidScopeError
        return found

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Character by character (RFC 9700 section 2.1), but for the port where a native app listens on this machine."""
        if redirect_uri in self.record.redirects:
            return not any_port(redirect_uri)
        portless = without_port(redirect_uri)
        return portless is not None and portless in self.record.redirects

    def check_client_secret(self, client_secret: str) -> bool:
        """Registered clients have none; a key's is checked where the key is looked up."""
        return self.is_key and bool(client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002
        if self.is_key:
            return method in {"client_secret_basic", "api_key"}
        return self.record.proof == method

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and "authorization_code" in self._grants

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self._grants


def _asked(scope: str | None, allowed: frozenset[str]) -> str | None:
    asked = scope_to_list(scope) or sorted(allowed)
    return " ".join(asked) if allowed.issuperset(asked) else None


class _Issuing:
    """How each grant makes its token."""

    request: Request
    server: Server

    def made(
        self,
        subject: str,
        scope: str,
        roles: tuple[str, ...],
        audience: tuple[str, ...],
        more: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        return self.server.issue(self.request, subject, scope, roles, audience, more or {})


class Own(_Issuing, ClientCredentialsGrant):
    """A client for itself (RFC 6749 section 4.4)."""

    TOKEN_ENDPOINT_AUTH_METHODS = PROOFS

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        client: Applicant = self.request.client
        scope = client.own_scope(self.request.payload.scope)
        audience = self.server.audience(self.request.form)
        return 200, self.made(client.record.id, scope, client.record.roles, audience), self.TOKEN_RESPONSE_HEADER


class Persons(_Issuing, AuthorizationCodeGrant):
    """A person for an application, by a code that goes through the browser once (RFC 6749 section 4.1)."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none", "private_key_jwt", "tls_client_auth")

    def generate_authorization_code(self) -> str:
        return secrets.token_urlsafe(32)

    def save_authorization_code(self, code: str, request: Request) -> None:
        now = self.server.now()
        given = request.payload.data
        user: User = request.user
        self.server.registry.add_code(
            Code(
                digest(code), request.client.record.id, user.name, given.get("redirect_uri", ""), request.scope or "",
                given["code_challenge"], given.get("dpop_jkt", ""), given.get("resource", ""), now, now + CODE_SECONDS,
            ),
            now,
        )  # fmt: skip

    def query_authorization_code(self, code: str, client: Applicant) -> _Code | None:
        found = self.server.registry.code(code)
        if found is None or found.client != client.record.id:
            return None
        if found.token:
            # it was seen by two: whoever was first may not have been the right one (RFC 6749 section 4.1.2)
            self.server.revoke(found.token)
            return None
        return _Code(found) if self.server.now() < found.expires else None

    def delete_authorization_code(self, authorization_code: _Code) -> None:
        """It is marked as used before the token is made, so that of two at once only one gets one."""

    def authenticate_user(self, authorization_code: _Code) -> User | None:
        return self.server.registry.user(authorization_code.record.user)

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        code: Code = self.request.authorization_code.record
        if code.holder and code.holder != self.request.holder:
            raise InvalidGrantError  # RFC 9449 section 10
        asked = self.server.audience(self.request.form)
        if code.audience:
            if code.audience not in asked:
                raise InvalidTargetError
            asked = (code.audience,)
        self.server.confirmed(self.request)
        user = self.server.registry.user(code.user)
        token_id = secrets.token_urlsafe(16)
        if user is None or not self.server.registry.use(code, token_id):
            raise InvalidGrantError
        client: Client = self.request.client.record
        # the client may have fewer roles than the person: then so has the token
        roles = tuple(role for role in user.roles if not client.roles or role in client.roles)
        asked_for = code.scope.split()
        if not self.server.terms.held(roles) and not self.request.client.scopes.issubset(asked_for):
            roles = ()  # they hold no scope by which one could tell that they were asked for
        held = self.server.terms.held(user.roles)
        scope = " ".join(one for one in asked_for if one in held)
        more: dict[str, Any] = {"jti": token_id, "auth_time": int(code.authenticated)}
        if user.tenant:
            more["tenant"] = user.tenant
        return 200, self.made(user.name, scope, roles, asked, more), self.TOKEN_RESPONSE_HEADER


class _Code:
    """A code as Authlib asks about it."""

    code_challenge_method = "S256"

    def __init__(self, record: Code) -> None:
        self.record = record
        self.code_challenge = record.challenge

    def get_redirect_uri(self) -> str:
        return self.record.redirect

    def get_scope(self) -> str:
        return self.record.scope


class Challenge(CodeChallenge):
    """PKCE (RFC 7636) for every client, and by S256 alone (RFC 9700 section 2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Persons, redirect_uri: str) -> None:
        given = grant.request.payload.data
        for name in ("request", "request_uri"):
            if name in given:
                raise OAuth2Error(error=f"{name}_not_supported")  # RFC 9101 section 6.1: what it says is not ignored
        if given.get("response_mode", "query") != "query":
            raise InvalidRequestError("response_mode can only be query.")
        if not _THUMBPRINT.fullmatch(given.get("dpop_jkt", _NO_KEY)):
            raise InvalidRequestError("dpop_jkt is no thumbprint.")
        grant.server.audience(given)
        if not given.get("code_challenge") or given.get("code_challenge_method") != "S256":
            raise InvalidRequestError("A code_challenge with the method S256 is required.")
        super().validate_code_challenge(grant, redirect_uri)


class Keys(_Issuing, BaseGrant, TokenEndpointMixin):
    """An API key for a token that lives minutes (RFC 8693). The key is the client's proof too."""

    GRANT_TYPE = EXCHANGE

    def validate_token_request(self) -> None:
        given = self.request.form
        if given.get("subject_token_type") != API_KEY:
            raise InvalidRequestError(f"subject_token_type must be {API_KEY}.")
        if given.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            raise InvalidRequestError(f"requested_token_type can only be {ACCESS_TOKEN}.")
        if "actor_token" in given:
            raise InvalidRequestError("actor_token is not taken.")
        client = self.server.by_key(given.get("subject_token", ""), self.request.asked)
        if client is None or given.get("client_id", client.record.id) != client.record.id:
            raise InvalidGrantError
        self.request.client = client

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        client: Applicant = self.request.client
        scope = client.own_scope(self.request.payload.scope)
        made = self.made(client.record.id, scope, client.record.roles, self.server.audience(self.request.form))
        return 200, made | {"issued_token_type": ACCESS_TOKEN}, self.TOKEN_RESPONSE_HEADER


class InvalidTargetError(OAuth2Error):
    """RFC 8707 section 2."""

    error = "invalid_target"


def denied(redirect: str, state: str | None) -> AccessDeniedError:
    """The person said no."""
    return AccessDeniedError(redirect_uri=redirect, state=state)
