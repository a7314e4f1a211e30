"""What the guard is asked about: one request, as its host (gateway, ASGI, a test) read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from ninefold.guard.gcra import Allowance
    from ninefold.guard.keyring import KnownKey
    from ninefold.guard.plan import Plan


class Certificate(Protocol):
    """The certificate that the caller's connection was made with. `thumbprint` is its SHA-256 (RFC 8705 section 3.1)."""

    @property
    def thumbprint(self) -> bytes: ...


class Request(msgspec.Struct, gc=False):
    """One request. The host fills the first part; what the steps learn on the way is below.

    `path` is the target's path as it was sent (percent-encoded), `fields` maps each lowercase field name to its
    value, and `repeated` has the names that came on more than one line, their values joined (RFC 9110 section 5.3).
    `address` is the caller's, after trusted proxies. `body` is the declared length: 0 none, -1 chunked. `time` is Unix
    seconds; `now` seconds on a clock that never goes back. `plan` is what it is about, and
    `digest` that of the key that it presents, where the host knows them from another request with the same bytes.
    `target` is the path with its query, as it goes on to the API; `device` the connection's JA4 fingerprint. `key` is the one
    that was proved; `tenant` what another proof says (a token's claim). `failed` says of which name a proof was presented
    that does not hold (`key ID`, `subject NAME`, or "?").
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
    device: str = ""
    certificate: Certificate | None = None
    key: KnownKey | None = None
    tenant: str = ""
    failed: str = ""
