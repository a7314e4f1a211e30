"""What the guard is asked about: one request, as its host (gateway, ASGI, a test) read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.guard.gcra import Allowance
    from ninefold.guard.plan import Plan
    from ninefold.guard.tokens import Doubt


class Certificate(Protocol):
    """The certificate that a caller proved to have the key of. `thumbprint` is the SHA-256 of its DER."""

    @property
    def thumbprint(self) -> bytes: ...
    @property
    def subject(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...


class Request(msgspec.Struct, gc=False):
    """One request. The host fills the first part; what the steps learn on the way is below.

    `path` is the target's path as it was sent (percent-encoded), `fields` maps each lowercase field name to its
    value, and `repeated` has the names that came on more than one line, their values joined (RFC 9110 section 5.3).
    `address` is the caller's, after trusted proxies. `body` is the declared length: 0 none, -1 chunked. `time` is Unix
    seconds; `now` seconds on a clock that never goes back. `plan` is what it is about, and
    `digest` that of the key that it presents, where the host knows them from another request with the same bytes.
    `certificate` is what the connection proved. `token_digest` is of the field with the token, `doubt` what the host found
    when it brought that, `proven` the thumbprint of the key that the caller proved to have. `subject`, `tenant` and `claims`
    are a token's. `failed` says of which name a proof was presented that does not hold (`subject NAME`, or "?").
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
    certificate: Certificate | None = None
    subject: str = ""
    tenant: str = ""
    token_digest: bytes = b""
    doubt: Doubt | None = None
    proven: bytes = b""
    claims: Mapping[str, Any] | None = None
    failed: str = ""
