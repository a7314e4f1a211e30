"""A fact that only I/O can bring."""

from __future__ import annotations

from enum import Enum


class Need(Enum):
    """The guard cannot decide yet. Its host brings the fact and asks again with the same request."""

    KEYS = "the keys have changed since they were read"
    TOKEN = "the token was not verified yet"  # noqa: S105  # no password
    BODY = "the whole body of the request, in `content`"
