"""Keys that got out, as a scanner or a person lists them: one a line, as text or as the SHA-256 of it in hex."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.keys.token import ANYWHERE, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DIGEST = re.compile(rb"(?:sha-?256:)?([0-9A-Fa-f]{64})\Z")


def leaked_digests(lines: Iterable[bytes]) -> Iterator[bytes]:
    """What each line is, or has in it: a line may be a digest, a key, or anything around keys that were made here.

    Blank lines and those that begin with `#` say nothing.
    """
    for line in lines:
        text = line.strip()
        if not text or text.startswith(b"#"):
            continue
        found = _DIGEST.match(text)
        if found is not None:
            yield bytes.fromhex(found[1].decode())
            continue
        yield digest(text)
        for key in ANYWHERE.findall(text):
            if key != text:
                yield digest(key)
