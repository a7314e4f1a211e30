"""One operation of the API, compiled: the checks before it, and what may come back from it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from ninefold.guard.answer import Answer, Fields, lines
from ninefold.guard.need import Need
from ninefold.guard.request import Request

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from ninefold.contract.description import Description, Operation
    from ninefold.contract.documents import Graph
    from ninefold.contract.model import Contract
    from ninefold.guard.entrance import Entrance
    from ninefold.guard.gcra import Limiter
    from ninefold.guard.keyring import Keyring
    from ninefold.guard.penalty import Penalties
    from ninefold.guard.tokens import Tokens
    from ninefold.guard.treatment import Treatments

#: None: go on. The first check that says something else ends the chain.
Check: TypeAlias = Callable[[Request], Answer | Need | None]


@dataclass(frozen=True, slots=True)
class Permission:
    """Who may call an operation. `open`: no key is asked for. `held_by`: any of these scopes or roles; None: any key.

    `ruled`: a rule has a condition or a time, or denies, so that each request is asked about. `judged`: so is its answer.
    """

    open: bool = False
    held_by: frozenset[str] | None = frozenset()
    ruled: bool = False
    judged: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """All that a step may look at when it is compiled for one operation (or, `operation` None, for what is none)."""

    contract: Contract
    operation: Operation | None
    permission: Permission
    methods: tuple[str, ...]
    keyring: Keyring
    local: tuple[IPv4Network | IPv6Network, ...]
    grants: dict[str, frozenset[str]]
    limiters: tuple[Limiter, ...]
    final: Answer | None = None
    preflight: bool = False
    tokens: Tokens | None = None
    description: Description | None = None
    place: Callable[[int], str] = "authorization.rules[{}]".format
    penalties: Penalties | None = None
    entrance: Entrance | None = None
    views: Callable[[frozenset[str]], Plan] | None = None
    graphs: Mapping[str, Graph] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the chain. `compile` gives the check for one operation, or None where there is nothing to check.

    `basis` is all of a setting that the check depends on: operations with the same share one check, so that ten thousand
    of them do not wear out the processor's caches.
    """

    name: str
    compile: Callable[[Setting], Check | None]
    basis: Callable[[Setting], Hashable]


#: Request fields that never reach the API: about one connection only (RFC 9110 section 7.6.1), or ways for a caller to
#: say for himself what the gateway knows better (his address, the host, the method, who he is).
STRIPPED_FIELDS = frozenset({
    b"connection", b"content-length", b"expect", b"host", b"keep-alive", b"proxy-authorization", b"proxy-connection",
    b"te", b"trailer", b"transfer-encoding", b"upgrade", b"http2-settings",
    b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-proto",
    b"x-forwarded-prefix", b"x-forwarded-server", b"x-forwarded-scheme", b"x-real-ip", b"x-client-ip",
    b"x-cluster-client-ip", b"true-client-ip", b"cf-connecting-ip", b"fastly-client-ip", b"x-original-url",
    b"x-rewrite-url", b"x-original-host", b"x-host", b"x-http-method", b"x-http-method-override",
    b"x-method-override", b"x-request-id", b"x-ninefold-caller", b"x-ninefold-subject", b"x-ninefold-tenant",
    b"client-cert", b"client-cert-chain", b"x-client-cert", b"x-client-cert-chain", b"x-forwarded-client-cert",
    b"x-ssl-cert", b"x-ssl-client-cert", b"x-ssl-client-cn", b"x-ssl-client-dn", b"x-ssl-client-s-dn", b"x-ssl-client-verify",
    b"x-client-verify", b"x-client-dn", b"ssl-client-cert", b"ssl-client-verify", b"ssl-client-subject-dn",
    b"x-arr-clientcert", b"x-amzn-mtls-clientcert", b"x-amzn-mtls-clientcert-leaf", b"x-amzn-mtls-clientcert-subject",
})  # fmt: skip

#: Beside these, where the answer is read: it must come whole, and as it can be opened (`Manner.follows`).
_WHOLE_FIELDS = frozenset({b"accept-encoding", b"range", b"if-range"})

#: Beside those, where it is judged: an answer that says only whether something has changed cannot be.
_CONDITIONAL_FIELDS = frozenset({b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since"})


class Manner:
    """What plans have in common: one object for many, so that ten thousand do not wear out the processor's caches.

    `fields` go on every answer, `block` is the same as lines, and `silent_block` the same for an answer of which the
    upstream says nothing about caching. `stripped` are the request fields that the upstream does not get; where it
    `follows`, it gets what can be opened of `Accept-Encoding`.
    """

    __slots__ = ("block", "fields", "follows", "private", "silent_block", "stripped")

    def __init__(
        self,
        fields: Fields,
        *,
        private: bool,
        whole: bool,
        key_field: bytes = b"",
        proofs: frozenset[bytes] = frozenset(),
        judged: bool = False,
        varies: bool = False,
        reads: bool = False,
        follows: bool = False,
    ) -> None:
        """`private`: the answer is for this caller alone. `whole`: it is read, so it must come whole, and as it can be opened.

        `proofs` are the fields, beside the key's, by which callers prove who they are. `judged`: a condition is held
        against the answer. `varies`: callers see different things in it, so nobody may keep it; where the request only
        `reads`, nobody is told either whether what he keeps is still the same.
        """
        self.fields = (*fields, (b"cache-control", b"no-store")) if varies else fields
        private = private and not varies
        self.follows = follows and (whole or judged)
        self.private = private
        self.block = lines(self.fields)
        self.silent_block = self.block + b"cache-control: no-store\r\n" if private else self.block
        self.stripped = STRIPPED_FIELDS | (_WHOLE_FIELDS if whole or judged else frozenset()) | {key_field} | proofs
        if judged or (varies and reads):
            self.stripped |= _CONDITIONAL_FIELDS


class Plan(msgspec.Struct, frozen=True, eq=False, gc=False):
    """What is done about one operation; `treatments` is None where the guard itself always answers.

    `path` is the operation's, where it has no parameters; else empty. `upgrade` are lowercase protocol names. Small
    enough for one line of the processor's cache: there are as many as operations.
    """

    checks: tuple[Check, ...]
    treatments: Treatments | None
    manner: Manner
    operation: str
    upgrade: frozenset[bytes] = frozenset()
    path: str = ""
