from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ninefold.audit.finding import Confidence
from ninefold.audit.logcode import no_logging, secrets_logged, silent_handlers

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

HEAD = "import logging, structlog, json\naudit = logging.getLogger('audit')\nself.out = structlog.get_logger()\n"


@pytest.mark.parametrize(
    "line",
    [
        "audit.info('login %s', password)",
        "self.out.info('login', password=pw)",
        "logging.getLogger('x').debug(user.api_key)",
        "current_app.logger.warning('bad key ' + request.headers['X-Api-Key'])",
        "audit.info('body: %s', await request.body())",
        "audit.info('fields: %s', dict(request.headers))",
        "print(request.get_json())",
        "print(json.dumps(await request.json()))",
        "audit.info('raw %s', request.data.decode())",
        "audit.info('password=%s', pw)",
        "audit.info('user %s password: %s', user, pw)",
        "audit.info(f'token={value}')",
        "audit.info('secret is {}', value)",
        "audit.info('%s', creds.get('password'))",
        "audit.info('%s' % token)",
        "audit.info('{}'.format(session_token))",
        "audit.info('%s', password if debug else '')",
        "key = request.headers.get('X-Api-Key'); audit.info('key %s', key)",
        "key = request.headers.get('X-Api-Key') or request.args.get('api_key', ''); audit.info('from %s', key)",
        "text = f'bad {token}'; audit.warning(text)",
        "who: str = request.headers['Authorization']; audit.warning(who)",
    ],
)
def test_lines_that_show_a_secret_or_all_that_came_are_told(source: Callable[..., Target], line: str) -> None:
    text = f"{HEAD}async def handle(request):\n    {line}\n"
    assert [one.place.line for one in secrets_logged(source({"app.py": text})).seen] == [5]


@pytest.mark.parametrize(
    "line",
    [
        "audit.info('login %s', user.email)",
        "text = str(); audit.info(text)",
        "who = find(request.headers.get('X-Api-Key')); audit.info('from %s', who)",
        "key = request.headers.get('X-Api-Key'); key = mask(key); audit.info('from %s', key)",
        "page = request.args.get('page'); audit.info('page %s', page)",
        "ok = token == expected; audit.info('ok %s', ok)",
        "audit.info('token of %s', mask(token))",
        "audit.info('token %s...', token[:4])",
        "audit.info('has token: %s', token is not None)",
        "audit.info('no token: %s', not token)",
        "audit.info('password=%s', mask(pw))",
        "audit.info('password=***')",
        "audit.info('tokens used: %d', token_count)",
        "audit.info('page %s', next_page_token)",
        "audit.info('from %s', request.headers['User-Agent'])",
        "audit.info('from %s', request.headers.get('User-Agent'))",
        "audit.info('%d bytes', len(await request.body()))",
        "audit.info('path %s', request.url.path)",
        "audit.info('password changed at %s', user.password_changed_at)",
        "audit.info('%s', 'ok' if password else 'missing')",
        "session.info(password)",
        "store.log(token)",
    ],
)
def test_lines_that_show_none_are_not(source: Callable[..., Target], line: str) -> None:
    text = f"{HEAD}async def handle(request):\n    {line}\n"
    assert secrets_logged(source({"app.py": text})).seen == ()


def test_a_name_that_holds_all_that_came_is_followed(source: Callable[..., Target]) -> None:
    text = (
        HEAD
        + "async def handle(request):\n    data = await request.json()\n    agent = request.headers['User-Agent']\n"
        "    audit.info('from %s', agent)\n    audit.info('got %s', data)\n"
        "def other(data):\n    audit.info('got %s', data)\n"
    )
    assert [one.place.line for one in secrets_logged(source({"app.py": text})).seen] == [8]


def test_tests_are_not_read(source: Callable[..., Target]) -> None:
    assert secrets_logged(source({"tests/test_app.py": "print(password)\n"})).at == 0


@pytest.mark.parametrize(
    ("text", "confidence"),
    [
        ("try:\n    work()\nexcept Exception:\n    pass\n", None),
        ("try:\n    work()\nexcept (KeyError, Exception):\n    ...\n", None),
        ("for x in y:\n    try:\n        work()\n    except BaseException:\n        continue\n", None),
        ("import contextlib\nwith contextlib.suppress(Exception):\n    work()\n", None),
        ("from contextlib import suppress\nwith suppress(Exception):\n    work()\n", None),
        ("def f():\n    try:\n        work()\n    except Exception:\n        return False\n", Confidence.SUSPECTED),
    ],
)
def test_handlers_that_keep_quiet_about_everything_are_told(
    source: Callable[..., Target], text: str, confidence: Confidence | None
) -> None:
    assert [one.confidence for one in silent_handlers(source({"app.py": text})).seen] == [confidence]


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    work()\nexcept (KeyError, ValueError):\n    pass\n",
        "try:\n    work()\nexcept Exception as fault:\n    failed(fault)\n",
        "def f():\n    try:\n        work()\n    except Exception:\n        return fallback()\n",
        "from contextlib import suppress\nwith suppress(FileNotFoundError):\n    work()\n",
    ],
)
def test_handlers_of_what_is_expected_are_not(source: Callable[..., Target], text: str) -> None:
    looked = silent_handlers(source({"app.py": text}))
    assert (looked.at, looked.seen) == (1, ())


@pytest.mark.parametrize(
    ("files", "at", "shown"),
    [
        ({"app.py": "from fastapi import FastAPI\n"}, 1, True),
        ({"app.py": "import django.http\n", "more.py": "import os\n"}, 1, True),
        ({"app.py": "import flask\napp.logger.info('x')\n"}, 1, False),
        ({"app.py": "import flask\n", "log.py": "from loguru import logger\n"}, 1, False),
        ({"tool.py": "import os\n"}, 0, False),
    ],
)
def test_an_application_must_log_somewhere(
    source: Callable[..., Target], files: dict[str, str], at: int, shown: bool
) -> None:
    looked = no_logging(source(files))
    assert (looked.at, bool(looked.seen)) == (at, shown)
