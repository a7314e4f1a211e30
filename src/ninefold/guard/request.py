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


class Request(msgspec.Struct, gc=False):
    """One request. The host fills the first part; what the steps learn on the way is below.

    `path` is the target's path as it was sent (percent-encoded), `fields` maps each lowercase field name to its
    value, and `repeated` has the names that came on more than one line, their values joined (RFC 9110 section 5.3).
    `address` is the caller's, after trusted proxies. `body` is the declared length: 0 none, -1 chunked. `time` is Unix
    seconds; `now` seconds on a clock that never goes back. `plan` is what it is about, and
    `digest` that of the key that it presents, where the host knows them from another request with the same bytes. `target`
    is the whole target in origin form, and `content` the whole body, once a step has asked for it (`Need.BODY`). `held` is
    what has to be true of the answer. `key` is the one that was proved; `subject`, `tenant` and `claims` are a token's.
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
    subject: str = ""
    tenant: str = ""
    claims: Mapping[str, Any] | None = None
    device: str = ""
