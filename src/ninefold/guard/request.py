"""What the guard is asked about: one request, as its host (gateway, ASGI, a test) read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.guard.gcra import Allowance
    from ninefold.guard.keyring import KnownKey
    from ninefold.guard.observe import Tap
    from ninefold.guard.plan import Plan
    from ninefold.guard.ruling import Held
    from ninefold.guard.tokens import Doubt


class Certificate(msgspec.Struct, frozen=True, gc=False):
    """A client certificate that holds as its request is decided, and of which the caller has proven to have the key.

    `thumbprint` is the SHA-256 of its DER (RFC 8705 section 3.1), `subject` its subject (RFC 4514), `names` its subject
    alternative names as `dns:..`, `uri:..`, `email:..`. It holds from `begins` to before `ends` (Unix seconds). `issuer` is
    the thumbprint of the authority that signed it, where the contract names that one; else empty. Where it proves nothing
    (it has expired, was revoked, ...), `fault` says why and everything else is empty, so that nothing can be taken for proven.
    """

    thumbprint: bytes = b""
    subject: str = ""
    names: tuple[str, ...] = ()
    begins: float = 0.0
    ends: float = 0.0
    issuer: bytes = b""
    serial: int = 0
    fault: str = ""


def nominated(request: Request) -> frozenset[bytes]:
    """The fields that `Connection` says are for one connection alone (RFC 9110 section 7.6.1): who sends on leaves them out.

    Of what an API is to read nothing may be among them, or it is judged here and does not arrive there.
    """
    return frozenset(one.strip(b" \t").lower() for one in request.fields.get(b"connection", b"").split(b","))


class Request(msgspec.Struct, gc=False):
    """One request, and what is known of it. Its parts, in this order:

    **As it was read.** `path` is the target's path as it was sent (percent-encoded), `fields` maps each lowercase field name
    to its value, and `repeated` has the names that came on more than one line, their values joined (RFC 9110 section 5.3).
    `address` is the caller's, after trusted proxies. `body` is the declared length: 0 none, -1 not told before it ends. `time`
    is Unix seconds; `now` seconds on a clock that never goes back. `target` is the whole target in origin form, as it goes on.

    **What the host remembers** of other requests with the same bytes: `plan`, what it is about; `key_digest` and
    `token_digest`, what the key and the token that it presents are known by. The steps fill in what is empty.

    **What only the host can bring.** `certificate` and `device` (a JA4 fingerprint) are the caller's own, never those of a
    proxy in between. `content` is the whole body, `doubt` why the token does not hold, once a step has asked for them (`Need`).

    **What the steps have found.** `step` is the place in the plan's checks to go on at after a `Need`. `caller` is who calls,
    as the trail and the API are told; `subject`, `tenant` and `claims` are a token's, `key` is the one that holds, and
    `scopes` what they allow together. `jkt` is the thumbprint of the key that the caller proved to have for his token (RFC
    9449 section 6). `failed` names whose proof was presented and does not hold: `key ID`, `subject NAME`, or "?". `origin`
    is the other origin that a browser asks for, `allowance` what its rate leaves, `held` what has to be true of the answer.

    `counted`: the limits have counted it. `dropped` is how many undeclared members and parameters do not go on to the API,
    `told` what the trail should say of a request that goes on all the same, `leaked` what leaks in the free texts of its
    answer. `surplus` is how many items of its lists are past a ceiling, and `places` are those of members that stayed behind,
    where it was looked at for them.

    `tap` is there where nothing is enforced, and keeps what would have been (`ninefold.guard.observe`).
    """

    method: str
    path: str
    fields: dict[bytes, bytes]
    repeated: tuple[bytes, ...]
    address: str
    secure: bool
    body: int
    time: float
    now: float
    id: bytes

    plan: Plan | None = None
    key_digest: bytes = b""
    token_digest: bytes = b""
    target: bytes = b""

    certificate: Certificate | None = None
    device: str = ""
    content: bytes | None = None
    doubt: Doubt | None = None

    step: int = 0
    caller: str = ""
    subject: str = ""
    tenant: str = ""
    claims: Mapping[str, Any] | None = None
    key: KnownKey | None = None
    scopes: frozenset[str] = frozenset()
    jkt: bytes = b""
    failed: str = ""
    origin: bytes = b""
    allowance: Allowance | None = None
    held: Held | None = None
    counted: bool = False
    dropped: int = 0
    told: str = ""
    leaked: tuple[str, ...] = ()
    surplus: int = 0
    places: tuple[str, ...] = ()
    tap: Tap | None = None
