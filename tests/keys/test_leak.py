from __future__ import annotations

import os
from hashlib import sha256

from ninefold.keys.leak import leaked_digests
from ninefold.keys.token import mint


def test_a_line_is_a_digest_a_key_or_has_keys_in_it() -> None:
    first, second = (mint("live", os.urandom) for _ in range(2))
    lines = [
        b"# found on a pastebin\n", b"\n", b"  \r\n",
        first.digest.hex().upper().encode() + b"\r\n",
        b"sha256:" + sha256(b"other").hexdigest().encode(),
        b"  imported-key-1  \n",
        f'curl -H "X-API-Key: {second.text}" # {first.text}\n'.encode(),
    ]  # fmt: skip
    found = set(leaked_digests(lines))
    assert {first.digest, second.digest, sha256(b"other").digest(), sha256(b"imported-key-1").digest()} <= found
    assert len(found) == 5, "and the last line as a whole, which may be a key of elsewhere"


def test_a_key_alone_on_its_line_is_one() -> None:
    key = mint("live", os.urandom)
    assert list(leaked_digests([key.text.encode()])) == [key.digest]
