from __future__ import annotations

from typing import Any

import pytest

from ninefold.audit.key import Key
from ninefold.audit.rule import Untried
from ninefold.audit.worth import ask_with, learn

DOCUMENT = {
    "paths": {
        "/open": {"get": {"operationId": "open", "responses": {}}},
        "/own": {"get": {"operationId": "own", "responses": {}}},
    }
}


def api(handler: Any) -> tuple[int, dict[str, str], bytes]:
    if handler.path == "/open" or handler.headers.get("Authorization") == "Bearer right-token-1":
        return 200, {}, b'{"text": "hello"}'
    return 401, {}, b'{"error": "no"}'


def test_the_operation_that_looks_at_the_key_is_found(live: Any, serve: Any) -> None:
    target = live(serve(api), DOCUMENT, Key("header", "Authorization", "Bearer right-token-1"))
    call, judge = learn(target)
    assert call.ask.path == "/own"
    assert judge.accepts(ask_with(target, call, target.keys[0], "right-token-1"))
    assert not judge.accepts(ask_with(target, call, target.keys[0], "another-one-9"))


def test_what_is_asked_with_stays_out_of_reports(live: Any, serve: Any) -> None:
    target = live(serve(api), DOCUMENT, Key("query", "token", "right-token-1"))
    call = target.survey.calls()[0]
    assert "forged-token-7" not in str(ask_with(target, call, target.keys[0], "forged-token-7").exchange("attack"))


def test_where_no_operation_looks_nothing_is_learned(live: Any, serve: Any) -> None:
    only = {"paths": {"/open": DOCUMENT["paths"]["/open"]}}
    with pytest.raises(Untried, match="wrong one"):
        learn(live(serve(api), only, Key("header", "Authorization", "Bearer right-token-1")))
