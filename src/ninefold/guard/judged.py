"""Answers that a condition is held against: which can be, and what the caller gets in place of the others.

Somebody else's object and none at all get the same answer, so that nobody learns which objects there are (CWE-204).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.answer import Answer, refuse
from ninefold.guard.treatment import Way

if TYPE_CHECKING:
    from ninefold.guard.request import Request

#: Answers about the request and not about an object: treated as ever.
_ABOUT_THE_REQUEST = frozenset({400, 405, 406, 415, 422, 429})


def unjudged(request: Request, status: int, way: Way) -> Answer | None:
    """What the caller gets in place of an answer that cannot be held against its condition; None: it can, or need not be."""
    if status >= 500 or status in _ABOUT_THE_REQUEST:
        return None
    if not 200 <= status < 300:
        return hidden(f"the upstream answered {status}", outcome="admitted", step="response")
    if request.method == "HEAD":
        return hidden("the answer to HEAD has no object that a condition could be held against")
    if way is not Way.PROJECT:
        return hidden(f"the answer ({status}) is no JSON that a condition could be held against")
    return None


def hidden(reason: str, *, outcome: str = "refused", step: str = "permission") -> Answer:
    """404, for an object that is not there as for one that is not the caller's."""
    answer = refuse(404, step, reason)
    return Answer(answer.status, answer.fields, answer.body, outcome, step, reason)
