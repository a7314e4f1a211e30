"""A whole answer, on its way out: opened, judged, projected, and closed again. It has no state, so any thread will do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ninefold.guard import coding as codings
from ninefold.guard.answer import Answer, refuse
from ninefold.guard.judged import hidden
from ninefold.guard.project import Unpromised

if TYPE_CHECKING:
    from ninefold.guard.request import Request
    from ninefold.guard.treatment import Treatment


#: The longest body that is read on the event loop, and the longest of those that came compressed, opened. A thread costs some
#: 60 µs of the processor's time; these take 60 to 120 (docs/adr/0016-streams.md).
MOST_AT_ONCE = 131_072
MOST_OPENED_AT_ONCE = 16_384


class Released(Struct, frozen=True, gc=False):
    """What leaves: `body`, in `coding` (empty: in plain). `reason` says, for the trail, why not all of it was allowed."""

    body: bytes | memoryview
    withheld: int = 0
    withheld_bytes: int = 0
    reason: str = ""
    coding: bytes = b""


def release(
    request: Request,
    treatment: Treatment,
    body: bytes,
    most: int,
    came: bytes = b"",
    leaves: bytes = b"",
    *,
    view: bool = False,
) -> Released | Answer:
    """What may leave of a body that is read, or what stands in for it.

    `came` is the coding that it came in, `leaves` the one that it leaves in (both of `CODINGS`; empty: none). Once opened it
    has at most `most` bytes. A fault is an answer too: nothing leaves that was not read to its end. `view`: what leaves may be
    a memoryview, which saves a copy of it.
    """
    try:
        text = codings.opened(body, came, most) if came else body
        reason = ""
        if request.held is not None:
            kept, reason = request.held.release(request, text)
            if kept is None:
                return hidden(reason)
            text = kept
        if not text:
            return Released(b"", reason=reason)
        assert treatment.projector is not None
        projected, members, size = treatment.projector(text, request, view=view)
        if members:
            _name(request, treatment, text)
        shut = codings.closed(projected, leaves) if leaves else projected
    except codings.Miscoded as fault:
        return failed(f"the body cannot be opened: {fault}")
    except Unpromised as fault:
        if fault.undeclared:
            _name(request, treatment, text)
        return failed(f"the body is not as described: {fault}")
    except MemoryError:
        return failed("there is no memory to read the body")
    return Released(shut, members, size, reason, leaves)


def _name(request: Request, treatment: Treatment, text: bytes) -> None:
    """Leave in the request, for the trail, where members stayed behind."""
    if request.plan is not None and treatment.projector is not None:
        request.places = treatment.projector.places(request.plan.operation, request.now, text)


def may_be_coded(request: Request, status: int, said: bytes, *, varied: bool) -> bool:
    """Whether an answer without a body speaks of one that was opened: it says then what that one would.

    `said` is its `Content-Encoding`; `varied`: it says that it depends on `Accept-Encoding`. A 304 often says neither.
    """
    if status == 304:
        return varied or bool(codings.accepted(request.fields.get(b"accept-encoding", b"")))
    return request.method == "HEAD" and (varied or said not in codings.PLAIN)


def at_once(body: bytes, came: bytes) -> tuple[bytes, bytes] | None:
    """The text, and the coding that it is in still, of a body that is so short that it is read at once; else None."""
    if len(body) > MOST_AT_ONCE:
        return None
    if not came:
        return body, b""
    try:
        return codings.opened(body, came, MOST_OPENED_AT_ONCE), b""
    except codings.TooLong:
        return None
    except codings.Miscoded:
        return body, came  # `release` says why


def failed(reason: str) -> Answer:
    """What stands in for an answer that may not leave: 502, and the reason for the trail alone."""
    answer = refuse(502, "upstream", reason)
    return Answer(answer.status, answer.fields, answer.body, "failed", answer.step, reason)


def coding_of(request: Request, said: bytes, *, follows: bool) -> tuple[bytes, bytes] | str:
    """For a body whose `Content-Encoding` is `said`: the coding to open and the one to close, or why it cannot be read.

    It is closed again where the contract `follows` the API, and the caller takes what the API chose.
    """
    if said in codings.PLAIN:
        return b"", b""
    came = codings.CODINGS.get(said)
    if came is None:
        return "the body came in several codings" if b"," in said else "the body came in a coding that is not known"
    takes = codings.accepted(request.fields.get(b"accept-encoding", b"")) if follows else frozenset[bytes]()
    return came, came if came in takes else b""
