"""A guard that decides and stops nothing: what it would have answered is noted, and the request goes on as it came.

It is for finding out what a contract would do to callers who are there already (docs/learning.md). The API gets what it got
before: credentials, unknown fields, bodies unread; and it is told of no caller who did not prove who he is.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from ninefold.guard.answer import Answer
from ninefold.guard.guard import Guard
from ninefold.guard.need import Need
from ninefold.guard.plan import Manner, Plan
from ninefold.guard.project import Unpromised
from ninefold.guard.treatment import Treatment, Treatments, Way

if TYPE_CHECKING:
    from ninefold.guard.request import Request

#: So much of each body is kept for a look, in bytes; what is longer passes all the same.
MOST_KEPT = 256 * 1024

#: Fields that frame a message or are the connection's: those are the host's own.
_FRAMING = frozenset({
    b"connection", b"content-length", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding",
    b"upgrade", b"x-request-id",
})  # fmt: skip


class _Everything(frozenset[bytes]):
    """The names of all fields but those that frame."""

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        return name not in _FRAMING


class _Passing(Treatments):
    """Every answer passes."""

    __slots__ = ()

    def __init__(self) -> None:
        """There is nothing to decide by."""

    def of(self, status: int, media: bytes) -> Treatment:
        del status, media
        return PASSING

    @property
    def reads_bodies(self) -> bool:
        return False


PASSING = Treatment(Way.PASS, _Everything())
_PASSING = _Passing()
_MANNER = Manner((), private=False, whole=False)
#: Any protocol may be switched to that a browser knows of.
_UPGRADE = frozenset({b"websocket"})

#: What a body in no declared coding is.
_PLAIN = frozenset({b"", b"identity"})


class Tap(msgspec.Struct, gc=False):
    """What is remembered of one exchange while it passes.

    `spared` is what the caller would have got instead, `waits` says that this depends on the body; `sent` and `came` are the
    beginnings of the bodies, `cut` that one was longer. `media` and `coding` are the answer's.
    """

    plan: Plan
    spared: Answer | None = None
    waits: bool = False
    caller: str = ""
    subject: str = ""
    sent: bytearray = msgspec.field(default_factory=bytearray)
    came: bytearray = msgspec.field(default_factory=bytearray)
    sent_cut: bool = False
    came_cut: bool = False
    media: bytes = b""
    coding: bytes = b""

    def take_sent(self, data: bytes) -> None:
        """A part of the request's body."""
        room = MOST_KEPT - len(self.sent)
        self.sent_cut |= len(data) > room
        self.sent += data[:room]

    def take_came(self, data: bytes) -> None:
        """A part of the answer's body."""
        room = MOST_KEPT - len(self.came)
        self.came_cut |= len(data) > room
        self.came += data[:room]


class Observing(Guard):
    """`admit` gives a plan for whatever comes, and leaves a `Tap` in the request; `ended` tells what would have been."""

    def admit(self, request: Request) -> Plan | Answer | Need:
        """As the guard's, but that what would be a refusal is noted and passes."""
        plan = request.plan
        asked = request.plan = self._behind.get(plan, plan) if plan is not None else super().plan(request)
        target, fields = request.target, request.fields
        verdict = super().admit(request)
        if verdict is Need.KEYS or verdict is Need.TOKEN:
            return verdict
        if isinstance(verdict, Answer) and (verdict.outcome, verdict.step) == ("answered", "route"):
            return verdict  # the guard's own description
        request.target, request.fields = target, fields  # steps may have taken something out
        plan = request.plan
        assert plan is not None
        tap = request.tap = Tap(plan, caller=request.caller, subject=request.subject)
        if isinstance(verdict, Answer):
            tap.spared = verdict if verdict.outcome != "answered" else None
            request.caller = request.subject = request.tenant = ""
            request.key = None
        tap.waits = verdict is Need.BODY
        request.origin, request.allowance, request.held = b"", None, None
        request.plan = self._passes(asked)  # `plan` may be one that was made for this request
        return request.plan

    def plan(self, request: Request) -> Plan:
        return self._passes(super().plan(request))

    def ended(self, request: Request, status: int) -> tuple[str, str]:
        """What would have been done with an exchange that is over: the step and its reason; empty: just the same."""
        tap = request.tap
        assert tap is not None
        request.caller, request.subject = tap.caller, tap.subject
        if tap.waits and not tap.sent_cut:
            request.content, request.plan = bytes(tap.sent), tap.plan
            verdict = super().admit(request)
            tap.plan = request.plan or tap.plan
            tap.spared = verdict if isinstance(verdict, Answer) else None
        if tap.spared is not None:
            return tap.spared.step, f"would be {tap.spared.status}: {tap.spared.reason}"
        return self._response(request, tap, status)

    def _response(self, request: Request, tap: Tap, status: int) -> tuple[str, str]:
        if tap.plan.treatments is None or status < 200:
            return "", ""
        treatment = tap.plan.treatments.of(status, tap.media)
        if treatment.way in {Way.WITHHOLD, Way.SCRUB}:
            becomes = "502" if treatment.way is Way.WITHHOLD else f"{status}, scrubbed"
            return "response", f"would be {becomes}: {treatment.reason}"
        projector = treatment.projector
        if projector is None or tap.coding not in _PLAIN or tap.came_cut or not tap.came:
            return "", ""
        try:
            _, withheld, _ = projector(bytes(tap.came), request)
        except Unpromised as fault:
            return "response", f"would be 502: the body is not as described: {fault}"
        told = [f"would be without {withheld} undeclared members"] if withheld else []
        if request.surplus:
            told.append(f"has {request.surplus} items past the ceiling of their list")
        return ("response", "; ".join(told)) if told else ("", "")

    def _passes(self, plan: Plan) -> Plan:
        known = self._passing.get(plan)
        if known is None:
            known = self._passing[plan] = Plan((), _PASSING, _MANNER, plan.operation, _UPGRADE, plan.path)
            self._behind[known] = plan
        return known

    @cached_property
    def _passing(self) -> dict[Plan, Plan]:
        """The plan that lets pass what each of the contract's is about."""
        return {}

    @cached_property
    def _behind(self) -> dict[Plan, Plan]:
        """The same, the other way."""
        return {}
