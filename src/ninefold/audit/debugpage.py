"""What stands at a path that developers forget: their own things, or something made for everybody.

A web application reads its settings from `/config.json`, and a console may ask who one is before it shows anything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ninefold.audit.judge import says_no
from ninefold.audit.leak import leaks
from ninefold.audit.sensitive import opens, snake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.answer import Answer

#: Deepest members of settings that are looked at, and most of them.
_DEPTH, _MOST = 8, 2000

#: What settings hold that are a server's own.
_OWN = re.compile(
    r"(?:^|_)(?:database|db|dsn|redis|mongo(?:db)?|postgres(?:ql)?|mysql|smtp|ldap|amqp|rabbitmq|kafka|connection_?string"
    r"|credentials?|salt|pepper|user_?name)(?:_|$)|^debug$",
    re.IGNORECASE,
)
_INSIDE = re.compile(
    r"^(?:postgres(?:ql)?|mysql|mongodb(?:\+srv)?|rediss?|amqps?|jdbc|ldaps?|smtps?)[:+]", re.IGNORECASE
)

_FIELD = re.compile(r"<input\b[^>]*>", re.IGNORECASE)
_SIGN_IN = re.compile(r"\b(?:sign|log)[ -]?(?:in|on)\b|\blogin\b|\bpassword\b|\bauthenticat", re.IGNORECASE)

#: What consoles, debuggers and profilers show of themselves once one is in, and some of them with a field to sign in.
_CONSOLE = re.compile(
    r"werkzeug|interactive console|traceback|stack ?trace|jdbc:|h2 console|environment variables|evaluate|>>>|__debugger__"
    r"|<textarea\b|profiler",
    re.IGNORECASE,
)


def harmless(path: str, answer: Answer) -> bool:
    """Whether the answer shows nothing that is a developer's: public settings, a page that asks one to sign in, a refusal."""
    if says_no(answer):
        return True
    if path == "/config.json":
        return _public(answer.json())
    return _asks_who(answer)


def _public(document: Any) -> bool:
    """Whether settings are fit for everybody. What is no JSON object, or holds too much to look through, is not."""
    if not isinstance(document, dict):
        return False
    for count, (name, value) in enumerate(_members(document)):
        if count >= _MOST or value is Ellipsis:
            return False
        if opens(name) or (_OWN.search(snake(name)) and value not in (None, False, "")):
            return False
        if isinstance(value, str) and (_INSIDE.match(value) or any(leaks(f'"{name}": "{value}"'))):
            return False
    return True


def _asks_who(answer: Answer) -> bool:
    """Whether it is a page with a field, and words for signing in, and nothing of a console beside them."""
    text = answer.text
    if answer.truncated or _FIELD.search(text) is None or _CONSOLE.search(text):
        return False
    return _SIGN_IN.search(text) is not None


def _members(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Names with what they hold, also of members in between; `...` for what is too deep."""
    if depth > _DEPTH:
        yield name, ...
    elif isinstance(value, dict):
        if name:
            yield name, True
        for key, inner in value.items():
            yield from _members(inner, str(key), depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _members(inner, name, depth + 1)
    else:
        yield name, value
