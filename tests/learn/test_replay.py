from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.conftest import CONTRACT
from tests.graph import DESCRIPTION, SDL

from ninefold.contract.load import load_contract
from ninefold.keys.record import Bound, Key
from ninefold.learn.log import Line
from ninefold.learn.replay import Became, replay

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TRAIL, ACCESS = frozenset({"caller"}), frozenset({"query"})
KEYS = {"k1": Key("k1", "reader", (), 2000.0), "k2": Key("k2", "writer", (), 9000.0)}


def _line(path: str = "/things", method: str = "GET", caller: str = "k1", status: int = 200, **more: Any) -> Line:
    said = {"time": 1000.0, "address": "127.0.0.1", "outcome": "admitted", "knows": TRAIL, **more}
    return Line(method=method, target=path, status=status, caller=caller, **said)


def _replayed(
    contract: Callable[..., Path], lines: list[Line], known: Any = None, **sections: Any
) -> list[tuple[str, ...]]:
    found = replay(lines, load_contract(contract(**sections)), KEYS if known is None else known, ())
    assert found.requests == len(lines) == sum(found.fates.values())
    return [(fate.became.value, fate.caller, fate.operation, fate.step) for fate in found.fates.elements()]


ALONE = {"keys": {"alone": "the tests are about something else"}}


def test_the_same_contract_breaks_nobody(contract: Callable[..., Path]) -> None:
    assert _replayed(contract, [_line(), _line("/things/7"), _line("/open", caller="")], **ALONE) == [
        ("served", "k1", "listThings", ""), ("served", "k1", "getThing", ""), ("served", "address 127.0.0.1", "getOpen", ""),
    ]  # fmt: skip


def test_callers_who_lose_a_permission_are_named(contract: Callable[..., Path]) -> None:
    rules = [{"operations": ["*"], "allow": ["things:write"]}]
    roles = CONTRACT["authorization"]["roles"]
    found = _replayed(contract, [_line(), _line(caller="k2")], authorization={"roles": roles, "rules": rules}, **ALONE)
    assert found == [("broken", "k1", "listThings", "permission"), ("served", "k2", "listThings", "")]


def test_limits_hold_by_the_clock_of_the_log(contract: Callable[..., Path]) -> None:
    limits = {"rates": [{"per": "caller", "rate": "60/min", "burst": 2}]}
    lines = [_line(time=1000.0 + at) for at in (0.0, 0.1, 0.2, 30.0)]
    found = _replayed(contract, lines, limits=limits, **ALONE)
    assert [one[0] for one in found].count("broken") == 1
    assert ("broken", "k1", "listThings", "quota") in found


def test_keys_are_asked_as_they_were_at_the_time(contract: Callable[..., Path]) -> None:
    found = _replayed(contract, [_line(time=1999.0), _line(time=2001.0), _line(caller="gone")], **ALONE)
    assert sorted(found) == [
        ("broken", "gone", "listThings", "caller"), ("broken", "k1", "listThings", "caller"), ("served", "k1", "listThings", ""),
    ]  # fmt: skip


def test_an_address_that_is_no_longer_among_the_proofs_breaks(contract: Callable[..., Path]) -> None:
    lines = [_line(address="203.0.113.9"), _line(address="198.51.100.2")]
    found = _replayed(contract, lines, keys={"with": {"ip": ["203.0.113.0/24"]}})
    assert [one[0] for one in found] == ["served", "broken"]


def test_what_was_refused_and_would_be_let_in_is_told(contract: Callable[..., Path]) -> None:
    found = _replayed(
        contract, [_line(status=403, outcome="refused"), _line("/none", status=404, outcome="refused")], **ALONE
    )
    assert [one[0] for one in found] == ["opened", "refused"]


def test_what_a_log_does_not_tell_is_not_guessed(contract: Callable[..., Path]) -> None:
    body = {"operations": ["createThing"], "allow": ["things:write"], "when": "body.name == caller.owner"}
    asked = {
        "operations": ["listThings"],
        "allow": ["things:read"],
        "when": "device == 't13d1516h2_8daaf6152771_02713d6af862'",
    }
    roles = CONTRACT["authorization"]["roles"]
    authorization = {"roles": roles, "rules": [body, asked]}
    lines = [
        _line(caller="k2", method="POST", status=201),
        _line(),
        _line(caller="", knows=ACCESS, outcome=""),
        _line("/nowhere", caller="", knows=ACCESS, outcome=""),
    ]
    found = _replayed(contract, lines, authorization=authorization, **ALONE)
    assert [one[0] for one in found] == ["unknown", "unknown", "unknown", "broken"]


def test_keys_that_are_bound_to_what_no_log_has_are_unknown(contract: Callable[..., Path]) -> None:
    known = {"k1": Key("k1", "reader", (), 9000.0, bound=Bound(devices=("t13d1516h2_8daaf6152771_02713d6af862",)))}
    assert _replayed(contract, [_line()], known, **ALONE)[0][0] == "unknown"


def test_the_most_frequent_fate_is_told_first(contract: Callable[..., Path]) -> None:
    lines = [_line("/a"), *[_line("/b", caller="k2")] * 3]
    found = replay(lines, load_contract(contract(**ALONE)), KEYS, ())
    assert [(fate.caller, number) for fate, number in found.of(Became.BROKEN)] == [("k2", 3), ("k1", 1)]


def test_a_query_of_graphql_is_judged_where_the_log_has_it_and_else_it_is_unknown(
    contract: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "schema.graphql").write_text(SDL)
    path = contract(
        DESCRIPTION,
        authorization={"roles": {"reader": ["graph"]}, "rules": [{"operations": ["*"], "allow": ["graph"]}]},
        graphql=[{"operation": one, "schema": "schema.graphql"} for one in ("ask", "look")],
        **ALONE,
    )
    lines = [
        _line("/graphql?query=%7B__schema%7Btypes%7Bname%7D%7D%7D"),
        _line("/graphql?query=%7Bme%7Bid%7D%7D"),
        _line("/graphql"),
        _line("/graphql", method="POST"),
    ]
    found = replay(lines, load_contract(path), KEYS, ())
    assert sorted((fate.became.value, fate.operation, fate.step) for fate in found.fates) == [
        ("broken", "look", "graphql"), ("served", "look", ""), ("unknown", "ask", ""), ("unknown", "look", ""),
    ]  # fmt: skip
