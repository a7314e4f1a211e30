"""How an API refuses a caller without a credential, whatever status it gives that.

401 and 403 say so. An API that answers 200 to everything says it in the body; that is learned from one answer that serves
the caller, one to nobody, and one to a credential that nobody has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.audit.judge import alike, says_no, serves, tells_apart

if TYPE_CHECKING:
    from ninefold.audit.answer import Answer
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target

_REFUSED = frozenset({401, 403})


def refused(target: Target, call: Call) -> Answer | None:
    """The answer to `call` without a credential, if that is a refusal; None if it is not, or not known to be one.

    Where the status does not say it, the first caller must be served, and nobody told something of another kind that the
    body itself calls a failure.
    """
    anonymous = target.survey.anonymous(call)
    if anonymous.status in _REFUSED:
        return anonymous
    if not target.keys or not anonymous.ok or not serves(call.answer, target.description, call.operation):
        return None
    if alike(anonymous, call.answer):
        return None
    if says_no(anonymous) or tells_apart(call.answer, anonymous):
        return anonymous
    return None


def first_refused(target: Target) -> tuple[Call, Answer] | None:
    """The first operation that refuses a caller without a credential, and how it does; one that says it by status first."""
    found = [(call, answer) for call in target.survey.calls() if (answer := refused(target, call)) is not None]
    return min(found, key=lambda one: one[1].status not in _REFUSED, default=None)
