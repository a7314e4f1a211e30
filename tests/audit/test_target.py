from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ninefold.audit.key import Key
from ninefold.audit.rule import Needs
from ninefold.audit.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable


def test_what_was_not_given_is_named() -> None:
    assert Target(now=0.0).lacks(tuple(Needs)) == tuple(Needs)
    source = Target(now=0.0, source=Path(), log=Path("a.log"), active=True)
    assert not source.lacks((Needs.SOURCE, Needs.LOG, Needs.ACTIVE))


def test_two_keys_are_two_only_when_they_differ() -> None:
    one, same, other = (Key("header", "K", value) for value in ("a", "a", "b"))
    assert Target(now=0.0, keys=(one, same)).lacks((Needs.KEY, Needs.KEYS)) == (Needs.KEYS,)
    assert not Target(now=0.0, keys=(one, other)).lacks((Needs.KEYS,))


def test_a_running_api_brings_its_probe(live: Callable[..., Target]) -> None:
    target = live("http://127.0.0.1:9")
    assert not target.lacks((Needs.URL,))
    assert str(target.probe.origin) == "http://127.0.0.1:9"
