"""The contract's `authorization` section: who may call what, and how he proves himself for it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field, model_validator

from ninefold.contract.section import Section
from ninefold.contract.value import Moment, Protocol, Why

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
    public: Why | None = Field(None, description="Why the operations are open to callers who prove nothing.")
    proofs: tuple[tuple[Proof, ...], ...] = Field(
        (),
        description="How callers of these operations prove themselves: all that one list names, any one of the lists. `[[key, "
        "token], [certificate]]` asks for a key with a token, or for a certificate. Each list has one of those "
        "three, which say who calls; `address` (`keys.with.ip`) and `device` (`keys.with.device`) narrow it. All "
        "rules of an operation ask for the same. Default: what `keys`, `identity` and `certificates` say.",
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
