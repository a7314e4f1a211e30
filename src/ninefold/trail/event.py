"""One decision, as the trail keeps it; and what it tells beside decisions."""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What was decided about one request, and why. Secrets never get here: there is no field for them.

    `time` is Unix seconds, `took` milliseconds from the request's header to the end of the answer, `caller` the key's id,
    the name that the contract has for a client certificate, or by a token alone `sub:` and its subject; `subject` whom the
    caller's token is about; `outcome` `admitted`, `refused` or `failed`, `step` the one that refused (`tls`: no request came
    to be). `withheld` is how many undeclared members were kept back from the response, those inside of them counted too, and
    `withheld_bytes` how many bytes of its JSON did not leave with them (white space among them; none where they are only
    reported). `dropped` is how many undeclared members and parameters of the request did not go on to the API. `leaked` says
    what leaks in free texts of the response, by its kind and place, never what. `surplus` is how many items of the response's
    lists are past their ceilings (`limits.lists`): they stayed behind, or were only counted, as the contract says. `places` are
    up to eight of those where members were undeclared (JSON Pointers, `*` for items), of one answer of an operation a minute;
    the last name of each is the API's own, escaped, or `?` where it may be data.
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
    dropped: int = 0
    leaked: tuple[str, ...] = ()
    surplus: int = 0
    places: tuple[str, ...] = ()


class Notice(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What somebody should know or do, and no request brought about. `notice` is its kind.

    `key-due`: the key with the id `caller` ends soon, at `expires` (Unix seconds); told once a day.
    """

    time: float
    notice: str
    caller: str = ""
    reason: str = ""
    expires: float = 0.0
