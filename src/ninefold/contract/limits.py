"""The contract's `limits` section: how much, how often and how long."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from ninefold.contract.lists import Lists
from ninefold.contract.quantity import Rate
from ninefold.contract.section import Section
from ninefold.contract.value import Denials, Duration, RateText, Size, TierName


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
        8 * 1024 * 1024,
        ge=1024,
        description="Most bytes of a response that is checked as a whole, uncompressed; 502 past it.",
    )
    record: Size = Field(
        1024 * 1024,
        ge=64,
        description="Most bytes of one record or event of a stream that is read (JSON Lines, JSON text sequences, server-sent "
        "events); the stream is cut before a longer one.",
    )
    lists: Annotated[Lists, BeforeValidator(lambda v: {"most": v} if type(v) is int else v)] = Lists()
    timeouts: Timeouts = Timeouts()
    connections: Connections = Connections()
