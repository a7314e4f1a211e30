"""One request on its way to its response."""

from __future__ import annotations

from typing import Any

from ninefold.guard.request import Request


class Exchange(Request, gc=False):
    """The guard's request, and what both connections know about it.

    One object for each request, and none that the garbage collector has to look at: `client` and `up` (a
    `ClientConnection` and an `UpstreamConnection`) let go of it when it ends.

    `chunks` holds what of the body came before it could go on; `gathering`: all of it, before it is decided whether the
    request may. `complete`: the whole request has arrived. `begun`: a byte of the response was written;
    `answered`: the last one.
    """

    client: Any = None
    verb: bytes = b""
    version: str = "1.1"
    keep: bool = True
    received: int = 0
    chunks: list[bytes] | None = None
    gathering: bool = False
    complete: bool = False
    begun: bool = False
    answered: bool = False
    retried: bool = False
    decided: bool = False
    status: int = 0
    withheld: int = 0
    withheld_bytes: int = 0
    protocol: bytes = b""
    host: bytes = b""
    up: Any = None
