"""What a `Content-Type` says of the characters of a text: UTF-8, or nothing, to everybody who reads it.

ASCII is the same text in UTF-8 and another one in UTF-7, so whoever takes another `charset` than this reads another body. Which
of two counts, and whether RFC 2231's `charset*` and `charset*0` do, servers decide in several ways (CWE-436).
"""

from __future__ import annotations

import re

_WORD = "charset"
_UTF8 = re.compile(r""";\s*charset\s*=\s*(?:"(?:utf-?8|us-ascii)"|(?:utf-?8|us-ascii))\s*(?:;|\Z)""")


def is_utf8(media: str) -> bool:
    """Whether the word stands nowhere in the field's value, or once, as a plain parameter that says UTF-8 (or ASCII)."""
    said = media.lower()
    count = said.count(_WORD)
    return count == 0 or (count == 1 and _UTF8.search(said) is not None)
