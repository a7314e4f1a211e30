"""The contract's sections, as frozen types. One section a sign, every section optional, the defaults the safe choice.

Field descriptions are the reference that `docs/contract.md` and the JSON Schema are generated from. What is
planned but not enforced yet is no field here: `ninefold.contract.pending` refuses it with those words.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from ninefold.contract.authorization import Authorization
from ninefold.contract.graphql import Graphql
from ninefold.contract.identity import Identity
from ninefold.contract.limits import Limits
from ninefold.contract.requests import Requests
from ninefold.contract.responses import Responses
from ninefold.contract.section import Section
from ninefold.contract.value import (
    Address,
    CallerName,
    DistinguishedName,
    DnsName,
    Duration,
    Email,
    FilePath,
    HttpUrl,
    Ja4,
    KeyField,
    Origin,
    Token,
    Uri,
    Why,
    not_nothing,
)


class Api(Section):
    """Which API this is."""

    name: str = Field(
        "api", description="How the API is called in reports and in the trail.", min_length=1, max_length=64
    )
    description: FilePath = Field(
        description="The OpenAPI 3.0, 3.1 or Swagger 2.0 file, relative to the contract. It is the list of what is served."
    )
    serve_description: str | None = Field(
        None,
        pattern=r"^/[^?#\s{}]*$",
        description="The path at which the guard serves the description of the guarded API; public. Default: nowhere.",
    )
    trusted_proxies: tuple[Address, ...] = Field(
        (), description="Peers whose `X-Forwarded-For` is believed. Default: none, the peer's address is the caller's."
    )


class Upstream(Section):
    """The API behind the gateway. A bare URL is short for `{url: URL}`."""

    url: HttpUrl = Field(
        description="Scheme, host and port of the API. `https` is verified against the system's authorities or `authority`."
    )
    authority: FilePath | None = Field(
        None, description="A PEM file with the authority that signed the upstream's certificate."
    )
    connections: int = Field(128, ge=1, le=10_000, description="Most connections to the upstream at once.")
    waiting: int = Field(
        1024, ge=0, le=100_000, description="Most requests that wait for one of them; the next gets 503."
    )


class With(Section):
    """What proves the caller beside the key: of several, each has to hold. For one key: `ninefold keys create --from`.

    For some operations: `authorization.rules[].proofs`, which stands in place of all this.
    """

    ip: tuple[Address, ...] | None = Field(
        None,
        min_length=1,
        description="The caller's address is in one of these ranges; `local` is this machine's own.",
    )
    token: Literal[True] | None = Field(
        None, description="A token of `identity` as well. The caller may do what the key and the token both allow."
    )
    certificate: bool = Field(
        default=False,
        description="A client certificate of `encryption.tls.clients.authority` as well; where `certificates` names callers, "
        "one of theirs, and the caller may do what the key and the certificate both allow.",
    )
    device: tuple[Ja4, ...] = Field(
        (),
        description="The caller's TLS has one of these JA4 fingerprints. A weak proof: all who run the same software have the "
        "same one, an update changes it, and whoever wants to can imitate it.",
    )

    @model_validator(mode="after")
    def _something(self) -> With:
        if not (self.ip or self.token or self.certificate or self.device):
            raise ValueError(
                "it names no second proof; give `ip: [...]`, `token: true`, `certificate: true` or `device: [...]`"
            )
        return self


class Query(Section):
    """A key in the query of a URL: it ends up in histories, in logs and in `Referer`. It never goes to the upstream."""

    name: Token = Field(description="The parameter's name.", max_length=64)
    why: Why = Field(description="Why callers cannot send a header field.")


class Keys(Section):
    """Sign 1. An API key tells which caller it is; it proves little alone."""

    header: KeyField = Field("X-API-Key", description="The header field that carries the key.")
    max_age: Duration = Field(
        90 * 86400.0, gt=0, le=400 * 86400, description="The longest life a new key may have; a key always expires."
    )
    overlap: Duration = Field(
        86400.0, ge=0, le=30 * 86400, description="How long the old key lives on after `ninefold keys rotate`."
    )
    store: FilePath = Field(
        "ninefold-keys.db", description="The SQLite file of the key digests, relative to the contract."
    )
    stale: Duration = Field(
        0.0,
        ge=0,
        le=86400,
        description="How long keys that were read before are taken while their file cannot be read; other keys are refused."
        " A key that is revoked meanwhile goes on so long. Default: not at all, everything is refused at once.",
    )
    remind: Duration = Field(
        14 * 86400.0,
        ge=0,
        le=400 * 86400,
        description="How long before a key ends the trail tells, once a day, that it does.",
    )
    query: Query | None = Field(
        None, description="The query parameter that may carry a key, and why. Default: none, such a request is refused."
    )
    with_: With | None = Field(
        None,
        alias="with",
        description="What else proves the caller. Default: `{ip: [local]}`, this machine's own addresses.",
    )
    alone: Why | None = Field(
        None, description="Why a key alone is enough here. Only with this are keys accepted from everywhere."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Keys:
        if self.with_ is not None and self.alone is not None:
            raise ValueError("`with` and `alone` contradict each other; keep one")
        return self


class Certificate(Section):
    """Sign 1. Who a client certificate stands for: one of its names, exactly, and what that caller may do."""

    caller: CallerName = Field(description="The caller's name, in the trail and for the API.")
    subject: DistinguishedName | None = Field(
        None, description="The whole subject (RFC 4514), as `CN=billing,O=Example`; character by character."
    )
    dns: DnsName | None = Field(None, description="A DNS name among its subject alternative names (RFC 5280).")
    uri: Uri | None = Field(None, description="A URI among them, as the SPIFFE id `spiffe://example.org/billing`.")
    email: Email | None = Field(None, description="A mail address among them.")
    role: str = Field("", description="The role that the caller has.")
    scopes: tuple[str, ...] = Field((), description="Only these of the role's scopes. Default: all of them.")

    @model_validator(mode="after")
    def _one_name(self) -> Certificate:
        if sum(one is not None for one in (self.subject, self.dns, self.uri, self.email)) != 1:
            raise ValueError("a certificate is known by one name; give one of `subject`, `dns`, `uri` and `email`")
        return self

    @property
    def name(self) -> str:
        """The name with its kind, as `uri:spiffe://example.org/billing`."""
        kinds = ("subject", "dns", "uri", "email")
        return next(f"{kind}:{getattr(self, kind)}" for kind in kinds if getattr(self, kind) is not None)


class Clients(Section):
    """Certificates that callers show (mutual TLS, RFC 8446 section 4.3.2; RFC 5280)."""

    authority: FilePath = Field(
        description="PEM file with the authorities whose certificates are taken, relative to the contract; read when "
        "the guard starts. Each of them is trusted by itself."
    )
    crl: FilePath | None = Field(
        None,
        description="The revocation lists (PEM, or one in DER) of those authorities, looked at again within a second of a "
        "change. One that is out of date, unreadable or missing for an issuer refuses its certificates.",
    )
    required: bool = Field(
        default=False,
        description="Whether nobody gets in without one, public operations included. Default: a caller without one is served "
        "what asks for none.",
    )
    forwarded: bool = Field(
        default=False,
        description="Whether `Client-Cert` (RFC 9440) is believed, from `api.trusted_proxies` alone, where TLS ends in front.",
    )


class Tls(Section):
    """TLS for callers. Without a certificate the gateway makes one for development and says so."""

    certificate: FilePath | None = Field(
        None, description="PEM file with the certificate chain, relative to the contract."
    )
    key: FilePath | None = Field(None, description="PEM file with its private key.")
    minimum: Literal["1.2", "1.3"] = Field("1.2", description="The oldest TLS version spoken.")
    clients: Annotated[Clients | None, BeforeValidator(not_nothing)] = Field(
        None, description="The certificates of callers. Default: none is asked for."
    )

    @model_validator(mode="after")
    def _both(self) -> Tls:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("`certificate` and `key` belong together; give both or neither")
        return self


class Encryption(Section):
    """Sign 3."""

    tls: Tls = Field(Tls(), description="TLS towards callers.")
    plain: Why | None = Field(
        None, description="Why the gateway speaks plain HTTP (TLS ends in front of it, say). Default: TLS only."
    )
    hsts: Duration = Field(
        365 * 86400.0, ge=0, description="`Strict-Transport-Security: max-age` (RFC 6797), sent over TLS."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Encryption:
        if self.plain is not None and self.tls.certificate is not None:
            raise ValueError("`plain` and a certificate contradict each other; keep one")
        return self


class Trail(Section):
    """Sign 8."""

    path: FilePath = Field("ninefold-trail.jsonl", description="The file of the hash chain, relative to the contract.")
    batch: Duration = Field(0.1, gt=0, le=5, description="The longest that an event waits before it is on disk.")


class Origins(Section):
    """Sign 9. Browsers on other origins; exact matches only (Fetch standard, CORS protocol)."""

    allow: tuple[Origin, ...] = Field(
        (), description="Origins that may read responses. Default: none, cross-origin requests are refused."
    )
    methods: tuple[Token, ...] = Field((), description="Methods they may use. Default: those of each operation's path.")
    headers: tuple[Token, ...] = Field(("Content-Type",), description="Header fields they may send, beside the key's.")
    expose: tuple[Token, ...] = Field(
        (), description="Response header fields that they may read, beside the rate limit's."
    )
    credentials: bool = Field(default=False, description="Whether cookies go along.")
    max_age: Duration = Field(600.0, ge=0, le=86400, description="How long a browser may keep a preflight's answer.")

    @model_validator(mode="after")
    def _no_wildcards(self) -> Origins:
        if "*" in self.methods or "*" in self.headers or "*" in self.expose:
            raise ValueError("`*` is no method or field name here; list what is used")
        return self


class Contract(Section):
    """One security contract for one API."""

    ninefold: Literal[1] = Field(1, description="The version of this format.")
    api: Annotated[Api, BeforeValidator(lambda v: {"description": v} if isinstance(v, str) else v)]
    upstream: Annotated[
        Annotated[Upstream, BeforeValidator(lambda v: {"url": v} if isinstance(v, str) else v)] | None,
        BeforeValidator(not_nothing),
    ] = Field(None, description="The API behind the gateway; the ASGI middleware needs none.")
    keys: Keys = Field(
        default_factory=Keys,
        description="Sign 1. Callers who are known by an API key. Without this section none is taken where there is "
        "`identity` or `certificates`; else keys are, from this machine's own addresses.",
    )
    certificates: tuple[Certificate, ...] = Field(
        (),
        description="Sign 1. Callers who are known by their client certificate, one entry a name. With a `keys` section a key "
        "will do instead; with `keys.with.certificate` a caller needs both.",
    )
    authorization: Annotated[Authorization | None, BeforeValidator(not_nothing)] = Field(
        None,
        description="Sign 2. Who may call what. Default: whoever proves to be a caller may call any declared operation.",
    )
    encryption: Encryption = Encryption()
    identity: Annotated[Identity | None, BeforeValidator(not_nothing)] = Field(
        None,
        description="Sign 5. Callers who are known by a token of one issuer. Default: no token is taken. With a `keys` "
        "section a key will do instead; with `keys.with.token` a caller needs both.",
    )
    limits: Annotated[Limits, BeforeValidator(lambda v: {"rates": v} if isinstance(v, list) else v)] = Limits()
    requests: Requests = Requests()
    responses: Responses = Responses()
    graphql: tuple[Graphql, ...] = Field(
        (), description="Sign 7. GraphQL endpoints, one entry each. Default: none is known."
    )
    trail: Trail = Trail()
    origins: Origins = Origins()
