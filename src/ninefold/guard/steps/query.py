"""Keys in the query of a URL: histories, logs and `Referer` have them too. Refused, unless the contract says where and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from ninefold.guard.answer import Answer, refuse
from ninefold.guard.plan import Check, Setting, Step

if TYPE_CHECKING:
    from ninefold.guard.keyring import Keyring
    from ninefold.guard.request import Request

#: The form of a key; whether it is one, its checksum says.
_KEY = re.compile(rb"nf_[a-z0-9]{1,8}_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}")


def compile_query(setting: Setting) -> Check:
    """Refuses a query with a key in it; where one is allowed, moves it to the key's field, out of the target."""
    keyring, allowed = setting.keyring, setting.contract.keys.query
    field = setting.contract.keys.header.lower().encode()

    if allowed is None:

        def check(request: Request) -> Answer | None:
            if len(request.target) == len(request.path):  # without a query, and four times as fast as looking for one
                return None
            return _leak(request.target.partition(b"?")[2], keyring)

        return check

    wanted = allowed.name.encode()

    def move(request: Request) -> Answer | None:
        if len(request.target) == len(request.path):
            return None
        path, _, query = request.target.partition(b"?")
        found, kept = [], []
        for part in query.split(b"&"):
            name, _, value = part.partition(b"=")
            if unquote_to_bytes(name) == wanted:
                found.append(unquote_to_bytes(value))
            else:
                kept.append(part)
        if found:
            request.target = path + (b"?" + b"&".join(kept) if kept else b"")
            if len(found) > 1 or field in request.fields:
                request.repeated += (field,)
            request.fields = {**request.fields, field: found[0]}  # its own: many requests may have had the other
            request.key_digest = b""
        return _leak(b"&".join(kept), keyring)

    return move


def _leak(query: bytes, keyring: Keyring) -> Answer | None:
    """The refusal of a query with a key in it. It says the same for one that was issued and one that never was."""
    for text in (query, unquote_to_bytes(query)) if b"%" in query else (query,):
        for found in _KEY.findall(text):
            named = keyring.named(found)
            if named:
                return refuse(400, "query", f"leaked: the key {named} was sent in the query")
    return None


STEP = Step("query", compile_query, lambda setting: setting.operation is None and setting.preflight)
