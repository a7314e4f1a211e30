"""What the guard is asked about: one request, as its host (gateway, ASGI, a test) read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.guard.gcra import Allowance
    from ninefold.guard.keyring import KnownKey
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


class Request(msgspec.Struct, gc=False):
    """One request. The host fills the first part; what the steps learn on the way is below.

    `path` is the target's path as it was sent (percent-encoded), `fields` maps each lowercase field name to its
    value, and `repeated` has the names that came on more than one line, their values joined (RFC 9110 section 5.3).
    `address` is the caller's, after trusted proxies. `body` is the declared length: 0 none, -1 chunked. `time` is Unix
    seconds; `now` seconds on a clock that never goes back. `plan` is what it is about, and
    `digest` that of the key that it presents, where the host knows them from another request with the same bytes. `target`
    is the whole target in origin form, as it goes on to the API, and `content` the whole body, once a step has asked for it
    (`Need.BODY`). `held` is what has to be true of the answer. `key` is the one that was proved; `subject`, `tenant` and
    `claims` are a token's. `certificate` and `device` (a JA4 fingerprint) are the caller's own, never those of a proxy in
    between. `token_digest` is of the field with the token, `doubt` what the host found when it brought that, `proven` the
    thumbprint of the key that the caller proved to have. `failed` says of which name a proof was presented that does not
    hold (`key ID`, `subject NAME`, or "?").
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
    digest: bytes = b""
    step: int = 0
    caller: str = ""
    scopes: frozenset[str] = frozenset()
    origin: bytes = b""
    allowance: Allowance | None = None
    target: bytes = b""
    content: bytes | None = None
    held: Held | None = None
    key: KnownKey | None = None
    certificate: Certificate | None = None
    device: str = ""
    subject: str = ""
    tenant: str = ""
    token_digest: bytes = b""
    doubt: Doubt | None = None
    proven: bytes = b""
    claims: Mapping[str, Any] | None = None
    failed: str = ""
