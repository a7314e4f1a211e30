"""How the command line names what describes an API: a file, a URL, or an app as `package.module:app`."""

from __future__ import annotations

import re

_APP = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:\(\))?")


def is_url(text: str) -> bool:
    """`http://` or `https://`, and something after it."""
    return re.match(r"https?://.", text, re.IGNORECASE) is not None


def is_app(text: str) -> bool:
    """`package.module:app`, or `package.module:make_app()` for what makes one."""
    return _APP.fullmatch(text) is not None
