"""Log-ins that may be guessed at without end, and ones that may not."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.finding import Confidence
from ninefold.audit.guessing import GUESSES, guessed_logins

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

TEXT = {"type": "string"}
BODY = {"content": {"application/json": {"schema": {"type": "object", "properties": {"user": TEXT, "password": TEXT}}}}}
DOCUMENT: dict[str, Any] = {
    "paths": {"/login": {"post": {"requestBody": BODY, "responses": {}}}, "/a": {"get": {"responses": {}}}}
}


def ask(
    serve: Callable[..., str], live: Callable[..., Target], say: Callable[[int], tuple[int, dict[str, str], bytes]]
) -> Any:
    """What comes of a log-in that answers its nth request with `say(n)`, and the names that were tried."""
    count, names = itertools.count(1), []

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        if request.path != "/login":
            return 200, {}, b"{}"
        names.append(json.loads(request.content)["user"])
        return say(next(count))

    target = live(serve(api), DOCUMENT, active=True)
    target.probe.active = True
    return guessed_logins(target), names


@pytest.mark.parametrize("answer", [(401, {}, b'{"error": "no"}'), (200, {}, b'{"ok": false, "error": "no"}')])
def test_what_nothing_slows_down_is_suspected(serve: Any, live: Any, answer: Any) -> None:
    looked, names = ask(serve, live, lambda _: answer)
    assert [one.confidence for one in looked.seen] == [Confidence.SUSPECTED]
    assert (len(names), len(set(names))) == (GUESSES, 1)


@pytest.mark.parametrize(
    "say",
    [
        lambda n: (401 if n < 12 else 429, {}, b"{}"),
        lambda n: (401, {}, b'{"error": "wrong"}') if n < 6 else (403, {}, b'{"error": "locked"}'),
        lambda n: (
            200,
            {},
            b'{"ok": false, "error": "wrong"}' if n < 6 else b'{"ok": false, "wait": 60, "until": "x"}',
        ),
        lambda n: (401, {"X-RateLimit-Remaining": str(max(0, 50 - n))}, b"{}"),
    ],
)
def test_what_is_slowed_down_or_locked_is_not(serve: Any, live: Any, say: Any) -> None:
    looked, _ = ask(serve, live, say)
    assert (looked.at, looked.seen) == (1, ())


@pytest.mark.parametrize("answer", [(200, {}, b'{"token": "a1b2c3d4e5f6"}'), (302, {"Location": "/"}, b"")])
def test_a_log_in_that_lets_nobody_in_is_what_is_judged(serve: Any, live: Any, answer: Any) -> None:
    assert ask(serve, live, lambda _: answer)[0] is None


def test_an_api_without_a_log_in_has_nothing_to_guess(serve: Any, live: Any) -> None:
    assert guessed_logins(live(serve(lambda _: (200, {}, b"{}")), {"paths": {}}, active=True)) is None
