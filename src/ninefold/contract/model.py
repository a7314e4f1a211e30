"""The contract's sections, as frozen types. One section a sign, every section optional, the defaults the safe choice.

Field descriptions are the reference that `docs/contract.md` and the JSON Schema are generated from. What is
planned but not enforced yet is no field here: `ninefold.contract.pending` refuses it with those words.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from ninefold.contract.identity import Identity
from ninefold.contract.quantity import Rate
from ninefold.contract.section import Section
from ninefold.contract.value import (
    Address,
    CallerName,
    Denials,
    DistinguishedName,
    DnsName,
    Duration,
    Email,
    FilePath,
    HttpUrl,
    Ja4,
    KeyField,
    Moment,
    Origin,
    Protocol,
    RateText,
    Size,
    TierName,
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
    """What else proves the caller, beside the key. Of several, each has to hold."""

    ip: tuple[Address, ...] | None = Field(
        None,
        min_length=1,
        description="The caller's address is in one of these ranges; `local` is this machine's own.",
    )
    token: Literal[True] | None = Field(
        None, description="A token of `identity` with every key: neither is enough alone."
    )
    certificate: bool = Field(
        default=False,
        description="The caller has a certificate of `encryption.tls.clients.authority`; where `certificates` names callers, "
        "one of those.",
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
        None, alias="with", description="The second proof. Default: `{ip: [local]}`, this machine's own addresses."
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


#: What proves who is calling. The first three say who it is; an address and a device only narrow.
Proof: TypeAlias = Literal["key", "token", "certificate", "address", "device"]


class Rule(Section):
    """Who may call some operations. Without a rule of its own, an operation is refused once there are rules."""

    operations: tuple[str, ...] = Field(
        min_length=1, description="Operation ids of the description; `*` for every operation."
    )
    allow: tuple[str, ...] = Field((), description="Scopes or roles, any one of which allows.")
    when: str | None = Field(
        None,
        min_length=1,
        description="A condition in CEL (docs/conditions.md): the rule allows, or denies, only while it is true. "
        "Without `allow`, it is for whoever proves to be a caller.",
    )
    deny: Why | None = Field(
        None,
        description="Why the operations are refused, whatever other rules allow; with `when`, only while that is true.",
    )
    from_: Moment | None = Field(
        None,
        alias="from",
        description="The rule holds from this moment on (RFC 3339; a date alone: as it begins, UTC).",
    )
    until: Moment | None = Field(
        None, description="The rule holds until just before this moment (RFC 3339; a date alone: as it begins, UTC)."
    )
    public: Why | None = Field(None, description="Why the operation is open to callers without a key.")
    proofs: tuple[tuple[Proof, ...], ...] = Field(
        (),
        description="How callers of these operations prove themselves: any one of the lists, all that is in it."
        " Default: what `keys` and `identity` say.",
    )
    upgrade: tuple[Protocol, ...] = Field(
        (), description="Protocols that the operation may switch to (RFC 9110 section 7.8), as `websocket`."
    )

    @model_validator(mode="after")
    def _something(self) -> Rule:
        if self.public is not None and self.allow:
            raise ValueError("`public` and `allow` contradict each other; keep one")
        if self.public is not None and self.proofs:
            raise ValueError("`public` and `proofs` contradict each other; keep one")
        if any(not {"key", "token", "certificate"} & set(one) for one in self.proofs):
            raise ValueError("a list of `proofs` says not who calls; put `key`, `token` or `certificate` into each")
        if self.deny is not None and (self.allow or self.public is not None or self.upgrade or self.proofs):
            raise ValueError(
                "a rule that denies allows nothing; give `allow`, `public`, `proofs` and `upgrade` a rule of their own"
            )
        if self.public is not None and (self.when is not None or self.timed):
            raise ValueError("`public` has no conditions; write a rule with `deny` and `when` beside it")
        if self.public is None and not self.allow and self.when is None and self.deny is None:
            raise ValueError("the rule allows nobody; give `allow: [scope]`, `when: <condition>`, or `public: <why>`")
        if self.from_ is not None and self.until is not None and self.until <= self.from_:
            raise ValueError("`until` is not after `from`, so the rule never holds; mend one of them")
        return self

    @property
    def timed(self) -> bool:
        """Whether the rule holds only for a time."""
        return self.from_ is not None or self.until is not None


class Authorization(Section):
    """Sign 2. Default deny; roles hold scopes and other roles."""

    roles: dict[str, tuple[str, ...]] = Field({}, description="A role and what it holds: scopes and other roles.")
    rules: tuple[Rule, ...] = Field(
        (),
        description="Which scopes or roles each operation asks. Any rule that fits allows; one that denies overrides them all.",
    )
    separate: tuple[tuple[str, ...], ...] = Field(
        (),
        description="Separation of duties: sets of roles or scopes of which nobody may hold two, "
        "as `[[approver, requester]]`. A role that does is refused when the contract loads, a caller when he calls.",
    )


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


class RateLimit(Section):
    """One limit, kept by GCRA: `rate` on average, `burst` at once."""

    per: Annotated[
        tuple[Literal["ip", "caller", "operation", "tenant"], ...],
        BeforeValidator(lambda v: (v,) if isinstance(v, str) else v),
    ] = Field(
        min_length=1,
        description="What is counted: `ip`, `caller`, `operation`, `tenant` (whose keys name none counts as a caller), or a"
        " list of them for each combination.",
    )
    rate: RateText = Field(description="Requests in a unit of time: `100/min`, `5/s`.")
    burst: int | None = Field(
        None,
        ge=1,
        le=1_000_000_000,
        description="Requests at once before the rate holds. Default: a tenth of the rate's count, at least 1.",
    )
    operations: tuple[str, ...] = Field((), description="Only these operations. Default: all.")
    tiers: tuple[TierName, ...] = Field(
        (), description="Only callers whose key is of one of these tiers. Default: all callers, those without one too."
    )

    @property
    def depth(self) -> int:
        """The burst that holds when none is given."""
        return self.burst if self.burst is not None else max(1, self.rate.count // 10)


class Penalty(Section):
    """Who fails to prove who he is, again and again, has to wait, and each time longer (OWASP API2:2023)."""

    after: Denials = Field(5, ge=1, le=1_000, description="So many failed proofs are free: `5 denials`.")
    start: Duration = Field(1.0, ge=1, le=3600, description="How long the first wait is, after the next one.")
    factor: float = Field(2.0, ge=1, le=10, description="How many times longer each further one makes it.")
    most: Duration = Field(
        3600.0,
        ge=1,
        le=86400,
        description="The longest wait. One failed proof is forgiven in each such time.",
    )

    @model_validator(mode="after")
    def _grows(self) -> Penalty:
        if self.most < self.start:
            raise ValueError("`most` is less than `start`; give at least as much")
        return self


class Timeouts(Section):
    """How long each part of an exchange may take."""

    header: Duration = Field(10.0, gt=0, description="From the first byte of a request to the end of its header.")
    body: Duration = Field(
        30.0, gt=0, description="The longest pause inside a request body, and inside what a caller reads."
    )
    idle: Duration = Field(60.0, gt=0, description="A kept-alive connection without a request.")
    upstream: Duration = Field(
        30.0, gt=0, description="To connect, and for the upstream to begin or go on with its answer."
    )
    total: Duration = Field(300.0, gt=0, description="A whole exchange, whatever moves.")
    drain: Duration = Field(30.0, gt=0, description="How long running exchanges may go on after SIGTERM.")


class Connections(Section):
    """How many connections callers may hold."""

    total: int = Field(10_000, ge=1, le=1_000_000, description="Connections from all callers.")
    per_ip: int = Field(256, ge=1, le=1_000_000, description="Connections from one address (IPv6: one /64).")


_DEFAULT_RATES = (
    RateLimit(per=("ip",), rate=Rate(600, 60.0), burst=120),
    RateLimit(per=("caller",), rate=Rate(600, 60.0), burst=120),
)


class Limits(Section):
    """Sign 6. A list is short for `{rates: LIST}`."""

    rates: tuple[RateLimit, ...] = Field(
        _DEFAULT_RATES, min_length=1, description="Default: 600/min, 120 at once, per ip and per caller."
    )
    penalty: Penalty | None = Field(
        None,
        description="What guessing costs an address. A right key that was made here is never kept waiting."
        " Default: nothing but the rates.",
    )
    header: Size = Field(
        16 * 1024, ge=512, le=64 * 1024, description="Most bytes of a request's line and header fields; 431 past it."
    )
    fields: int = Field(64, ge=8, le=512, description="Most header fields of a request; 431 past it.")
    body: Size = Field(1024 * 1024, ge=0, description="Most bytes of a request body; 413 past it.")
    response: Size = Field(
        8 * 1024 * 1024, ge=1024, description="Most bytes of a response that is checked as a whole; 502 past it."
    )
    timeouts: Timeouts = Timeouts()
    connections: Connections = Connections()


class Responses(Section):
    """Sign 7. What the description does not declare does not leave."""

    undeclared: Literal["drop"] = Field(
        "drop", description="Undeclared fields of a JSON response are dropped; each drop is counted in the trail."
    )
    errors: Literal["scrub"] = Field(
        "scrub", description="Bodies of 5xx and of undeclared error answers are replaced by problem+json (RFC 9457)."
    )
    open: dict[str, Why] = Field({}, description="Operations whose responses pass unread, and why. Default: none.")


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
    keys: Keys = Field(default_factory=Keys)
    certificates: tuple[Certificate, ...] = Field(
        (),
        description="Callers who are known by their client certificate. With a `keys` section a key proves a caller as well; "
        "with `keys.with.certificate` only both together; without a `keys` section only the certificate.",
    )
    authorization: Annotated[Authorization | None, BeforeValidator(not_nothing)] = Field(
        None, description="Without it, any valid key may call any declared operation."
    )
    encryption: Encryption = Encryption()
    identity: Annotated[Identity | None, BeforeValidator(not_nothing)] = Field(
        None, description="Without it, callers prove themselves by keys alone."
    )
    limits: Annotated[Limits, BeforeValidator(lambda v: {"rates": v} if isinstance(v, list) else v)] = Limits()
    responses: Responses = Responses()
    trail: Trail = Trail()
    origins: Origins = Origins()
