from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.answer import Ask
from ninefold.audit.key import Key
from ninefold.audit.ledger import Ledger
from ninefold.audit.rule import Untried

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

OWN, OTHER = Key("header", "X-Key", "own"), Key("header", "X-Key", "other")


def test_only_own_paths_are_admitted_and_only_until_they_are_closed() -> None:
    ledger = Ledger()
    ledger.add("/notes/4")
    assert ledger.admits(Ask("DELETE", "/notes/4"))
    for path in ("/notes/5", "/notes/4/", "/notes/4/../5", "/notes/%34", "/notes", "/NOTES/4"):
        assert not ledger.admits(Ask("DELETE", path))
    ledger.close("/notes/4")
    assert not ledger.admits(Ask("DELETE", "/notes/4"))


def test_a_query_that_names_another_object_is_not_admitted() -> None:
    ledger = Ledger()
    ledger.add("/notes/4")
    assert not ledger.admits(Ask("DELETE", "/notes/4", (("id", "5"),)))
    assert ledger.admits(Ask("DELETE", "/notes/4", (("api_key", "k"),)))


@pytest.mark.parametrize("place", ["header", "query", "cookie"])
def test_a_path_that_is_another_thing_to_each_caller_is_bound_to_one(place: str) -> None:
    own, other = Key(place, "k", "own"), Key(place, "k", "other")
    ledger = Ledger()
    ledger.add("/me", own)
    assert ledger.admits(own.on(Ask("DELETE", "/me")))
    assert not ledger.admits(other.on(Ask("DELETE", "/me")))
    assert not ledger.admits(Ask("DELETE", "/me"))


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "PURGE"])
def test_no_rule_gets_past_it(live: Callable[..., Target], serve: Callable[..., str], method: str) -> None:
    came = []

    def api(handler: Any) -> tuple[int, dict[str, str], bytes]:
        came.append(handler.method)
        return 200, {}, b""

    target = live(serve(api), active=True)
    with pytest.raises(Untried, match="did not make"):
        target.probe.send(Ask(method, "/things/1"))
    assert came == []
