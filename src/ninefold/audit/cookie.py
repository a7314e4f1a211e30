"""What a `Set-Cookie` does (RFC 6265 section 5.2)."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime


def deleted(cookie: str, now: float) -> bool:
    """Whether it takes the cookie away, or puts nothing into it: no value, no time left, or a time that is over.

    `cookie` is the field's value, `now` seconds since 1970. `Max-Age` counts before `Expires` (section 5.3).
    """
    pair, *told = cookie.split(";")
    if not pair.partition("=")[2].strip().strip('"'):
        return True
    attributes = {name.strip().lower(): value.strip() for name, _, value in (one.partition("=") for one in told)}
    age = attributes.get("max-age", "")
    if re.fullmatch(r"-?[0-9]+", age):
        return age.startswith("-") or not age.strip("0")
    try:
        ends = parsedate_to_datetime(attributes.get("expires", "").replace("-", " "))
        return ends.timestamp() <= now
    except (ValueError, TypeError, OverflowError):
        return False
