"""The contract's `identity` section: whose tokens are accepted, and what has to be true of them."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from ninefold.contract.section import Section
from ninefold.contract.value import ClaimName, Duration, FilePath, Origin, ServiceUrl, Size, Why, not_nothing

#: Signature algorithms of RFC 7518 section 3.1, RFC 8037 and RFC 9864; `none` is none of them.
Algorithm: TypeAlias = Literal[
    "ES256", "ES384", "ES512", "Ed25519", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512",
    "HS256", "HS384", "HS512",
]  # fmt: skip
AsymmetricAlgorithm: TypeAlias = Literal[
    "ES256", "ES384", "ES512", "Ed25519", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"
]


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class Claims(Section):
    """Which claims a token must have, and in which ones it tells what. A name that begins with `/` is a JSON pointer."""

    required: tuple[ClaimName, ...] = Field((), description="Claims that a token must have, beside its profile's.")
    subject: ClaimName = Field(
        "sub", description="Whom the token is about; where it has none, its `client_id` stands for it."
    )
    scopes: ClaimName = Field("scope", description="What it allows: a list, or words with spaces between them.")
    roles: ClaimName = Field("roles", description="Which of the contract's roles its subject has; a list or words.")
    tenant: ClaimName = Field("tenant", description="On whose behalf its subject acts.")
    kept: tuple[ClaimName, ...] = Field(
        (), max_length=32, description="Claims that are kept with a verified token, for conditions. Each costs memory."
    )


class KeySetSource(Section):
    """The issuer's keys (RFC 7517). A file or a URL is short for `{from: …}`."""

    from_: str | None = Field(
        None,
        alias="from",
        description="A file, relative to the contract, or a URL. Default: what the issuer's metadata says (RFC 8414, OIDC).",
    )
    refresh: Duration = Field(
        600.0,
        ge=1,
        le=86400,
        description="How often they are read anew; a key that was taken away ends its tokens then.",
    )
    floor: Duration = Field(
        5.0, gt=0, le=3600, description="The shortest time between two readings, whatever unknown keys tokens name."
    )
    keep: Duration = Field(
        86400.0,
        ge=0,
        le=30 * 86400,
        description="How long the keys that were read last are believed while they cannot be read.",
    )


class Introspection(Section):
    """Tokens that only the issuer can tell the meaning of (RFC 7662)."""

    endpoint: ServiceUrl | None = Field(None, description="Where to ask. Default: what the issuer's metadata says.")
    client: str = Field(min_length=1, max_length=256, description="The client id that asks, by HTTP Basic.")
    secret: FilePath = Field(description="The file with its secret, relative to the contract.")
    tokens: Literal["opaque", "all"] = Field(
        "opaque", description="`opaque`: tokens that are no JWT. `all`: those too, beside verifying them here."
    )
    cache: Duration = Field(
        10.0, ge=1, le=300, description="How long an answer is believed; a revocation at the issuer is seen after it."
    )


class Dpop(Section):
    """Proof of possession (RFC 9449)."""

    algorithms: tuple[AsymmetricAlgorithm, ...] = Field(
        ("ES256", "EdDSA", "Ed25519", "PS256"), min_length=1, description="What a proof may be signed with."
    )
    window: Duration = Field(
        60.0, ge=1, le=600, description="How old a proof may be; so long its `jti` is remembered, by each process."
    )
    nonce: bool = Field(
        default=False, description="Whether a proof has to hold a nonce of ours, which is another every few minutes."
    )
    proofs: int = Field(
        100_000,
        ge=1000,
        le=10_000_000,
        description="Most proofs remembered at once; past it 503, so that none is replayed.",
    )


class Service(Section):
    """A token service of our own, for those without an identity provider; `ninefold tokens serve` is it."""

    store: FilePath = Field(
        "ninefold-identity.db",
        description="The SQLite file of users, clients and signing keys, relative to the contract.",
    )
    trail: FilePath = Field(
        "ninefold-tokens.jsonl", description="The file of its own hash chain: who got a token, and who did not."
    )
    lifetime: Duration = Field(600.0, ge=30, le=3600, description="How long a token lives.")
    turn: Duration = Field(
        30 * 86400.0, ge=3600, le=400 * 86400, description="How long a signing key is used; then another is made."
    )
    announce: Duration = Field(
        86400.0, ge=60, description="How long a signing key is published before it is used, so that caches have it."
    )

    @model_validator(mode="after")
    def _in_time(self) -> Service:
        if self.turn < self.announce + self.lifetime:
            raise ValueError(
                "a signing key would be turned before it was announced and its tokens had ended; raise `turn`"
            )
        return self


class Identity(Section):
    """Sign 5. Tokens of one issuer, held against one standard (RFC 8725, RFC 9068) on every operation."""

    issuer: ServiceUrl = Field(
        description="Whose tokens are accepted, exactly as they say it (`iss`). https; http on this machine's loopback alone."
    )
    audience: Annotated[tuple[str, ...], BeforeValidator(_several)] = Field(
        min_length=1, description="What the token must be for (`aud`): one of these. There is no default."
    )
    bound: Literal["dpop", "certificate"] | None = Field(
        None,
        description="What the caller proves to have beside the token, so that a stolen one is worth nothing: the key that it "
        "names, by a proof with each request (`dpop`, RFC 9449), or the client certificate (`certificate`, RFC "
        "8705). This or `unbound`.",
    )
    unbound: Why | None = Field(
        None, description="Why a token alone is enough here: whoever has it is taken for its holder (RFC 6750)."
    )
    algorithms: tuple[Algorithm, ...] = Field(
        ("ES256", "EdDSA", "Ed25519", "PS256", "RS256"),
        min_length=1,
        description="What tokens may be signed with. Either signatures or `HS…` (with a key file), never both.",
    )
    profile: Literal["rfc9068", "jwt"] = Field(
        "rfc9068",
        description="`rfc9068`: `typ` is `at+jwt`, with all the claims that it asks for. `jwt`: `typ` may be `JWT` or none.",
    )
    claims: Claims = Claims()
    leeway: Duration = Field(30.0, ge=0, le=300, description="How far the issuer's clock may be from ours.")
    max_age: Duration = Field(
        86400.0, gt=0, le=400 * 86400, description="The oldest token accepted, by its `iat`, however long it lives."
    )
    size: Size = Field(8 * 1024, ge=256, le=32 * 1024, description="Most bytes of a token; not looked into past it.")
    jwks: Annotated[KeySetSource, BeforeValidator(lambda v: {"from": v} if isinstance(v, str) else v)] = Field(
        KeySetSource()
    )
    introspection: Annotated[Introspection | None, BeforeValidator(not_nothing)] = Field(
        None, description="Default: nobody is asked, and a token that is no JWT is refused."
    )
    urls: tuple[Origin, ...] = Field(
        (),
        description="Under which origins callers reach this API, for `htu`. Default: those audiences that are origins.",
    )
    dpop: Dpop = Dpop()
    authority: FilePath | None = Field(
        None, description="A PEM file with the authority that signed the issuer's certificate. Default: the system's."
    )
    timeout: Duration = Field(5.0, gt=0, le=30, description="How long asking the issuer may take, as a whole.")
    tokens: int = Field(
        100_000, ge=100, le=10_000_000, description="Most verified tokens remembered at once; about 0.6 kB each."
    )
    store: FilePath = Field(
        "ninefold-tokens.db", description="The SQLite file of what was revoked, relative to the contract."
    )
    stale: Duration = Field(
        0.0,
        ge=0,
        le=86400,
        description="How long tokens that are known go on being accepted while `store` cannot be read.",
    )
    service: Annotated[Service | None, BeforeValidator(not_nothing)] = Field(
        None, description="The issuer is this contract's own. Default: it is somebody else."
    )
    forward: Why | None = Field(
        None, description="Why the API gets the caller's token. Default: it does not, and is told who calls."
    )

    @model_validator(mode="after")
    def _whole(self) -> Identity:
        if (self.bound is None) == (self.unbound is None):
            raise ValueError(
                "a token is bound to its holder or it is not; give `bound: dpop`, `bound: certificate` or `unbound: <why>`"
            )
        if self.service is not None and (self.jwks.from_ is not None or "ES256" not in self.algorithms):
            raise ValueError("`service` signs with ES256 keys that it publishes itself; leave `jwks` out, keep ES256")
        if self.service is not None and self.issuer.endswith("/"):
            raise ValueError("`service` is asked at URLs below its issuer; write that without a slash at its end")
        symmetric = [one for one in self.algorithms if one.startswith("HS")]
        if symmetric and len(symmetric) < len(self.algorithms):
            raise ValueError(
                f"{symmetric[0]} beside signatures lets a public key be used as a secret (RFC 8725 section 3.1); keep one kind"
            )
        if symmetric and (self.jwks.from_ is None or "://" in self.jwks.from_):
            raise ValueError("a shared secret is not got over the network; name a file with it in `jwks`")
        if any(not one or len(one) > 512 or not one.isprintable() for one in self.audience):
            raise ValueError("an audience is empty or cannot be printed; write what the issuer puts into `aud`")
        if self.bound == "dpop" and not self.origins():
            raise ValueError("it is not said where callers reach this API; add `urls: [https://shop.example.com]`")
        return self

    def origins(self) -> tuple[str, ...]:
        """Where callers reach this API, as `scheme://host[:port]`."""
        if self.urls:
            return self.urls
        return tuple(one.rstrip("/").lower() for one in self.audience if _is_origin(one))


def _is_origin(text: str) -> bool:
    return re.fullmatch(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,4}|:[1-5][0-9]{4})?/?", text) is not None
