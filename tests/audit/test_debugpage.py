from __future__ import annotations

import json
from typing import Any

import pytest

from ninefold.audit.answer import Answer, Ask
from ninefold.audit.debugpage import harmless


def answer(body: Any) -> Answer:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Answer(Ask("GET", "/"), 200, (), raw)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"apiBase": "/", "theme": "dark", "sentryEnvironment": "production"},
        {
            "features": {"chat": True, "debug": False},
            "locales": ["en", "da"],
            "auth": {"clientId": "web", "issuer": "https://a.example"},
        },
    ],
)
def test_settings_for_everybody_are_harmless(settings: Any) -> None:
    assert harmless("/config.json", answer(settings))


@pytest.mark.parametrize(
    "settings",
    [
        {"secretKey": "kJ83hfKq92mcnZp1"},
        {"mail": {"smtp_password": "hunter-of-2"}},
        {"database": {"host": "db", "port": 5432}},
        {"cache": "redis://cache:6379/0"},
        {"debug": True},
        {"url": "postgresql://app:correct-horse-7@db/shop"},
        {"a": {"b": [{"apiKey": "x1"}]}},
        ["a"],
        "{not json",
    ],
)
def test_settings_of_a_server_are_not(settings: Any) -> None:
    assert not harmless("/config.json", answer(settings))


def test_settings_that_nest_without_end_are_not() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = {"a": deep}
    assert not harmless("/config.json", answer(deep))


@pytest.mark.parametrize(
    "page",
    [
        "<!doctype html><title>Sign in</title><h1>Notes console</h1><form><input name=code></form>",
        "<form action=/login method=post><INPUT name=user><input type=password name=p></form>",
        '{"error": "unauthorized"}',
    ],
)
def test_a_page_that_asks_who_one_is_is_harmless(page: str) -> None:
    assert harmless("/console", answer(page))


@pytest.mark.parametrize(
    "page",
    [
        "<title>Console // Werkzeug Debugger</title><h1>Interactive Console</h1><input type=password name=pin>",
        "<h1>H2 Console</h1><form>Login<input name=url value='jdbc:h2:~/test'></form>",
        "<h1>Console</h1><textarea name=code></textarea><a href=/logout>log in as another</a>",
        "<h1>Console</h1><p>you are logged in</p>",
        "<input name=command>",
    ],
)
def test_a_page_that_shows_a_console_is_not(page: str) -> None:
    assert not harmless("/console", answer(page))
