from __future__ import annotations

from typing import Any

from ninefold.audit.answer import Ask
from ninefold.audit.bogus import HEAD, bogus_in, with_bogus
from ninefold.audit.key import Key
from ninefold.audit.target import Target


def test_a_credential_of_nobody_goes_wherever_one_may_be_taken(describe: Any) -> None:
    api = describe(
        {
            "paths": {},
            "components": {
                "securitySchemes": {
                    "a": {"type": "apiKey", "in": "query", "name": "api_key"},
                    "b": {"type": "apiKey", "in": "cookie", "name": "sid"},
                }
            },
        }
    )
    target = Target(now=0.0, description=api, keys=(Key("header", "X-Mine", "Token real"),))
    ask = with_bogus(target, Ask("GET", "/"), f"{HEAD}1")
    assert ask.query == (("api_key", f"{HEAD}1"),)
    assert dict(ask.headers) == {
        "Authorization": f"Bearer {HEAD}1",
        "X-Mine": f"Token {HEAD}1",
        "Cookie": f"sid={HEAD}1",
    }
    assert len(bogus_in(ask)) == 4
