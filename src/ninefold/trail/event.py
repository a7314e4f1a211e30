"""One decision, as the trail keeps it."""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What was decided about one request, and why. Secrets never get here: there is no field for them.

    `time` is Unix seconds, `took` milliseconds from the request's header to the end of the answer, `caller` the key's id (by
    a token alone `sub:` and its subject), `subject` whom the caller's token is about, `outcome` `admitted`, `refused` or
    `failed`, `step` the one that refused. `withheld` is how many undeclared members were kept back from the response (a
    string among them that begins with a colon may count as one more); of one that is too long to count them, only
    `withheld_bytes` tells: so many bytes of its JSON did not leave (white space among them).
    """

    time: float
    id: str
    outcome: str
    method: str
    path: str
    operation: str = ""
    caller: str = ""
    address: str = ""
    status: int = 0
    step: str = ""
    reason: str = ""
    took: float = 0.0
    withheld: int = 0
    withheld_bytes: int = 0
    subject: str = ""
