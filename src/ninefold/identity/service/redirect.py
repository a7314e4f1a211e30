"""Where a person's browser is sent back to: what may be registered, and the one thing that may differ from it.

A native app listens on a port that it gets from its system when it starts, so for an address of this machine that was
registered without a port any is allowed (RFC 8252 section 7.3). Everything else is compared character by character.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

MOST = 2048
_PATH = r"(?:/[!-~]*)?"
_HERE = re.compile(rf"http://(?:127\.0\.0\.1|\[::1\]){_PATH}")
_HERE_PORT = re.compile(rf"(http://(?:127\.0\.0\.1|\[::1\])):([1-9][0-9]{{0,4}})({_PATH})")
_NAMED_HERE = re.compile(rf"http://localhost:[1-9][0-9]{{0,4}}{_PATH}")
_WEB = re.compile(
    rf"https://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[1-9][0-9]{{0,4}})?{_PATH}"
)
#: A reversed domain name (RFC 8252 section 7.1): no other app has it by accident.
_OWN = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:(?!//)[A-Za-z0-9._~%/-]*")


def fit(url: str) -> bool:
    """Whether a client may be registered with it: whole, without a fragment, a wildcard, a user's name or odd characters."""
    if len(url) > MOST or set(url) & set("#*\\<>\"'`{}|^"):
        return False
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return any(kind.fullmatch(url) for kind in (_WEB, _HERE, _HERE_PORT, _NAMED_HERE, _OWN))


def any_port(url: str) -> bool:
    """Whether it was registered for any port."""
    return _HERE.fullmatch(url) is not None


def without_port(url: str) -> str | None:
    """What an address of this machine would be registered as for any port; None: it is none with a port."""
    found = _HERE_PORT.fullmatch(url)
    return found[1] + found[3] if found is not None and int(found[2]) < 65_536 else None
