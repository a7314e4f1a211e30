"""What the guard asks its host for (`Need`), but the body: keys as they are now, and tokens. One copy for both hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ninefold.guard.answer import Answer, refuse
from ninefold.guard.need import Need

if TYPE_CHECKING:
    from ninefold.gateway.authority import Authority
    from ninefold.gateway.watch import Watch
    from ninefold.guard.guard import Guard
    from ninefold.guard.plan import Plan
    from ninefold.guard.request import Request
    from ninefold.guard.tokens import Doubt


class Tokens(Protocol):
    """The tokens as a host handles them; the guard has its own view of them."""

    def refresh(self) -> None: ...
    def tick(self) -> None: ...
    async def bring(self, digest: bytes, field: bytes, at: float) -> Doubt: ...


class Needs:
    """One for each guard."""

    __slots__ = ("_authority", "_guard", "_keys", "_tokens")

    def __init__(self, guard: Guard, keys: Watch, tokens: Tokens | None, authority: Authority | None) -> None:
        self._guard = guard
        self._keys = keys
        self._tokens = tokens
        self._authority = authority

    def verify(self) -> None:
        """Look whether certificates' revocations, keys and tokens are what they were. From time to time, not each request."""
        if self._authority is not None:
            self._authority.verify()
        self._keys.verify()
        if self._tokens is not None:
            self._tokens.tick()

    def with_keys(self, request: Request, decision: Plan | Answer | Need) -> Plan | Answer | Need:
        """The decision; as long as keys or revocations have changed, it is made again with what they are now."""
        while decision is Need.KEYS:
            try:
                self._keys.refresh()
                if self._tokens is not None:
                    self._tokens.refresh()
            except Exception as trouble:  # noqa: BLE001  # whatever it is, the keys are not known: the gate stays shut
                return refuse(503, "caller", f"the keys cannot be read: {trouble}")
            decision = self._guard.admit(request)
        return decision

    async def bring_token(self, request: Request) -> None:
        """Have the caller's token verified (`Need.TOKEN`); then the guard is to be asked again."""
        assert self._tokens is not None
        field = request.fields[b"authorization"]
        request.doubt = await self._tokens.bring(request.token_digest, field, request.time)
