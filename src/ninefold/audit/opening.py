"""What an operation says of being open to everybody, and whether it says why (sign 2).

`security: []` on an operation is a decision that its description should give the reason of. Silence is none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.audit.finding import Severity

if TYPE_CHECKING:
    from ninefold.contract.description import Operation

#: Last words of a path under which something is computed or looked up by POST, as a search is.
_COMPUTES = re.compile(r"(?<=[^/])[/_.:-](?:compute|look-?up)/?$")
_RECOMMENDS = re.compile(r"/(?:recommendations?|recommend)/?$")

#: How a text begins of what only reads, and what it says of that.
_READS = re.compile(
    r"^\W*(?:computes?|calculates?|reads?|looks? up|recommends?)\b|\bread[- ]only\b"
    r"|\b(?:stores?|keeps?|saves?|changes?) nothing\b",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"\b(?:stores?|keeps?|saves?|changes?|writes?) nothing\b", re.IGNORECASE)
_WRITES = re.compile(
    r"\b(?:creat|writ|stor|sav|updat|delet|remov|chang|send|sent|plac|book|charg|publish|add)(?:e|es|s|ed|ing)?\b",
    re.IGNORECASE,
)

#: Who may come, and how: a reason. `public` or `guest` alone may be said of the thing (`Creates a public post`).
_REASON = re.compile(
    r"\bfor (?:\w+ )?guests?\b|\bas (?:a )?guest\b|\bguest (?:carts?|check-?outs?|orders?)\b|\banonymous(?:ly)?\b"
    r"|\bunauthenticated\b|\b(?:by|for|open to) (?:any|every)(?:one|body)\b|\b(?:any|every)(?:one|body) (?:can|may|who)\b"
    r"|\bon purpose\b|\bpublic(?:ly)? (?:accessible|available|open|api|endpoint|operation|form)\b"
    r"|\b(?:without|no|before) (?:an? )?(?:log(?:ging)?[- ]?in|sign(?:ing)?[- ]?in|account|authentication|credentials?)\b",
    re.IGNORECASE,
)
_HINT = re.compile(r"\b(?:public|guests?|visitors?)\b", re.IGNORECASE)

#: What takes a reason back: the words say that it is closed.
_CLOSED = re.compile(
    r"\b(?:not|never|nor?|non)[- ](?:\w+ ){0,2}?"
    r"(?:public|guests?|anonymous|unauthenticated|visitors?|(?:any|every)(?:one|body))"
    r"|\b(?:requires?|needs|must) (?:\w+ ){0,2}?(?:log(?:ged)?[- ]?in|authenticat\w+|tokens?|credentials?)",
    re.IGNORECASE,
)

#: Words of things that belong to somebody.
_PRIVATE = re.compile(
    r"^(?:users?|accounts?|customers?|members?|profiles?|me|orders?|invoices?|payments?|cards?|transactions?"
    r"|messages?|patients?|employees?|salar(?:y|ies)|admin|audit|keys?|secrets?|credentials?|settings"
    r"|addresses)$",
    re.IGNORECASE,
)


def computes(operation: Operation) -> bool:
    """Whether a POST only computes or looks up, by the end of its path."""
    return operation.method == "POST" and bool(_COMPUTES.search(operation.path))


def declared(operation: Operation) -> Severity | None:
    """How much it weighs that an operation that changes things says of itself that it is open. None: it says why.

    By POST a reason is enough; what replaces or deletes, and what is only called public, weighs a little still.
    """
    told = " ".join(str(operation.raw.get(word) or "") for word in ("summary", "description"))
    post = operation.method == "POST"
    harmless = _READS.search(told.strip()) or _RECOMMENDS.search(operation.path)
    if post and harmless and not _WRITES.search(_NOTHING.sub("", told)):
        return None
    if _CLOSED.search(told) or not (_REASON.search(told) or _HINT.search(told)):
        return Severity.MEDIUM
    return None if post and _REASON.search(told) else Severity.LOW


def private(operation: Operation) -> bool:
    """Whether the path names what belongs to somebody."""
    return any(_PRIVATE.match(part) for part in operation.path.split("/") if part and "{" not in part)
