"""Whether the keys can be read, and what holds while they cannot: nothing, or for `keys.stale` what was read before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Ring(Protocol):
    """The key ring as a host handles it; the guard has its own view of it."""

    @property
    def devices(self) -> bool: ...
    def refresh(self) -> None: ...
    def verify(self) -> None: ...
    def hold(self) -> None: ...


class Watch:
    """One for each ring. `stale` is in seconds; `say` tells the operator."""

    __slots__ = ("_clock", "_held", "_read", "_ring", "_say", "_stale", "fault")

    def __init__(self, ring: Ring, stale: float, say: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._ring = ring
        self._stale = stale
        self._say = say
        self._clock = clock
        self._read = clock()
        self._held = False
        #: Why every request is refused; empty when all is well, or what was read before holds.
        self.fault = ""

    def refresh(self) -> None:
        """Read what has changed. Raises what went wrong, unless what was read before holds."""
        try:
            self._ring.refresh()
        except Exception as fault:
            if not self._holds(fault):
                raise
        else:
            self._read = self._clock()

    def verify(self) -> None:
        """Look whether the keys still are what they were, and know it by `fault`."""
        try:
            self._ring.verify()
        except Exception as fault:  # noqa: BLE001  # whatever it is, the keys are not known
            if self._holds(fault):
                return
            if not self.fault:
                self._say(f"the keys cannot be read, so every request is refused: {fault}")
            self.fault = f"the keys cannot be read: {fault}"
        else:
            self._read = self._clock()
            if self.fault or self._held:
                self._say("the keys can be read again")
            self.fault, self._held = "", False

    def _holds(self, fault: Exception) -> bool:
        """Whether what was read before still holds, and from now on it is what the guard is told."""
        left = self._read + self._stale - self._clock()
        if left <= 0:
            return False
        if not self._held:
            self._say(f"the keys cannot be read; those that were read before are taken for {left:.0f} s more: {fault}")
        self._held = True
        self._ring.hold()
        return True
