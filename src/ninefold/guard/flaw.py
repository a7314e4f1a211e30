"""What is wrong with a value, where, and by which keyword of its schema. Never the value itself."""

from __future__ import annotations

import msgspec


class Flaw(msgspec.Struct, frozen=True, gc=False):
    """`pointer` leads into the value (RFC 6901; empty: all of it), `detail` is a sentence that needs no schema to be read."""

    pointer: str
    keyword: str
    detail: str
