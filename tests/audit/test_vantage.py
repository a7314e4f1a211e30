"""Keys that are taken from addresses that nobody declared: real servers, called from several addresses of loopback."""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from ninefold.audit.dial import Dial
from ninefold.audit.finding import Confidence, Exchange
from ninefold.audit.probe import Probe
from ninefold.audit.rule import Looked, Untried
from ninefold.audit.signs import credentials
from ninefold.audit.vantage import Declared, undeclared_address
from ninefold.contract.load import load_contract

KEY = "k-4b1f0c6a9d2e8f70"
Api = Callable[[Any], tuple[int, dict[str, str], bytes]]


def document(*ranges: str, **scheme: Any) -> dict[str, Any]:
    """One secured operation; the key's scheme declares the ranges."""
    key = {"type": "apiKey", "in": "header", "name": "X-API-Key", **scheme}
    if ranges:
        key["x-source-addresses"] = list(ranges)
    return {
        "security": [{"key": []}],
        "paths": {"/orders": {"get": {"operationId": "orders", "responses": {"200": {"description": "d"}}}}},
        "components": {"securitySchemes": {"key": key}},
    }


def api(*ranges: str, polite: bool = False) -> Api:
    """It takes the key from these ranges only; from everywhere without any. `polite`: it refuses under 200."""

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        here = not ranges or any(ip_address(request.client_address[0]) in ip_network(one) for one in ranges)
        if here and request.headers.get("X-API-Key") == KEY:
            return 200, {}, json.dumps({"ok": True, "orders": [{"id": 1}]}).encode()
        return (200, {}, b'{"ok": false, "code": 403}') if polite else (403, {}, b'{"error": "no"}')

    return answer


def look(serve: Any, live: Any, told: dict[str, Any], made: Api, key: str = KEY, **more: Any) -> Looked:
    rule = next(one for one in credentials.RULES if one.id == "keys-undeclared-address")
    return rule.look(live(serve(made), told, key, **more))


@pytest.mark.usefixtures("again")
@pytest.mark.parametrize("polite", [False, True])
def test_a_key_that_is_taken_from_another_address_is_shown(serve: Any, live: Any, polite: bool) -> None:
    (seen,) = look(serve, live, document("127.0.0.1/32"), api(polite=polite)).seen
    assert seen.confidence is None
    assert "from 127.0.0.2" in seen.detail
    assert "127.0.0.1/32" in seen.detail
    exchanges = [one for one in seen.evidence if isinstance(one, Exchange)]
    assert [one.role for one in exchanges] == ["baseline", "attack", "control", "repeat"]
    assert "--interface 127.0.0.2" in exchanges[1].again
    assert KEY not in str(seen)


@pytest.mark.parametrize("polite", [False, True])
@pytest.mark.parametrize("ranges", [("127.0.0.1/32",), ("127.0.0.0/30", "10.0.0.0/8"), ("127.77.3.9",)])
def test_one_that_is_refused_from_there_is_not(serve: Any, live: Any, ranges: tuple[str, ...], polite: bool) -> None:
    looked = look(serve, live, document(*ranges), api(*ranges, polite=polite))
    assert looked.at == 1
    assert looked.seen == ()


def test_the_audit_itself_may_be_outside(serve: Any, live: Any) -> None:
    (seen,) = look(serve, live, document("203.0.113.0/24"), api()).seen
    assert seen.confidence is None
    assert "from 127.0.0.1" in seen.detail


def test_where_addresses_may_have_been_translated_it_is_suspected(serve: Any, live: Any) -> None:
    (seen,) = look(serve, live, document("10.0.0.0/8"), api()).seen
    assert seen.confidence is Confidence.SUSPECTED
    assert "translation" in seen.detail


@pytest.mark.parametrize("ranges", [("10.0.0.0/8",), ("203.0.113.7",)])
def test_a_refusal_that_may_be_for_the_key_settles_nothing(serve: Any, live: Any, ranges: tuple[str, ...]) -> None:
    with pytest.raises(Untried, match="whether it is refused for the address is not known"):
        look(serve, live, document(*ranges), api(*ranges))


def test_a_key_that_is_no_good_anywhere_settles_nothing(serve: Any, live: Any) -> None:
    with pytest.raises(Untried, match="which is declared"):
        look(serve, live, document("127.0.0.1/32"), api("127.0.0.1/32"), key="another")


def test_an_operation_that_serves_everybody_settles_nothing(serve: Any, live: Any) -> None:
    with pytest.raises(Untried, match="serves whoever calls"):
        look(serve, live, document("127.0.0.1/32"), lambda request: (200, {}, b'{"orders": [{"id": 1}]}'))


@pytest.mark.parametrize("ranges", [("127.0.0.0/8",), ("127.0.0.0/8", "::1/128")])
def test_from_inside_of_all_there_is_nothing_to_try(serve: Any, live: Any, ranges: tuple[str, ...]) -> None:
    with pytest.raises(Untried, match="among the declared addresses") as told:
        look(serve, live, document(*ranges), api())
    assert told.value.applies
    assert not told.value.missed


@pytest.mark.parametrize(
    "told",
    [
        document(),
        document("0.0.0.0/0"),
        {**document("127.0.0.1"), "security": [{"key": []}, {}]},
        {**document("127.0.0.1"), "security": []},
        document("127.0.0.1", name="X-Other-Key"),
    ],
)
def test_where_nothing_is_declared_there_is_nothing_to_try(serve: Any, live: Any, told: dict[str, Any]) -> None:
    with pytest.raises(Untried, match="no addresses are declared") as said:
        look(serve, live, told, api())
    assert not said.value.missed


def test_the_contract_declares_too(serve: Any, live: Any, tmp_path: Path) -> None:
    told = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, **document()}
    (tmp_path / "openapi.json").write_text(json.dumps(told))
    path = tmp_path / "contract.yaml"
    rules = (
        "authorization:\n  roles: {clerk: [orders:read]}\n  rules:\n    - {operations: ['*'], allow: [orders:read]}\n"
    )
    head = "api: {description: openapi.json}\nupstream: http://127.0.0.1:9\n" + rules
    path.write_text(f"{head}keys:\n  with: {{ip: [127.0.0.1/32]}}\n")
    (seen,) = look(serve, live, told, api(), contract=load_contract(path)).seen
    assert "127.0.0.1/32" in seen.detail
    bare = {"paths": told["paths"]}
    assert look(serve, live, bare, api(), contract=load_contract(path)).seen
    assert look(serve, live, bare, api("127.0.0.1/32"), contract=load_contract(path)).seen == ()
    path.write_text(f"{head}keys:\n  with: {{ip: [local]}}\n")
    with pytest.raises(Untried, match=r"among the declared addresses \(local\)"):
        look(serve, live, told, api(), contract=load_contract(path))
    path.write_text(f"{head}keys:\n  alone: a key of a sandbox\n")
    with pytest.raises(Untried, match="no addresses are declared"):
        look(serve, live, told, api(), contract=load_contract(path))


def test_behind_a_translation_the_own_address_says_nothing(
    serve: Any, live: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = live(serve(api()), document("198.18.0.0/15"), KEY)
    monkeypatch.setattr(Dial, "source", lambda _: "192.168.7.5")
    monkeypatch.setattr(Probe, "addresses", lambda _: ("8.8.8.8",))
    with pytest.raises(Untried, match="is not known"):
        undeclared_address(target)


def test_the_machines_own_addresses_are_local_and_loopback_is_one() -> None:
    own = ip_address("192.168.7.5")
    assert Declared((), local=True).has(own, frozenset({own}))
    assert not Declared((), local=True).has(own, frozenset())
    assert Declared((ip_network("127.0.0.1/32"),), local=False).has(ip_address("::1"), frozenset())
    assert not Declared((ip_network("10.0.0.0/8"),), local=False).has(ip_address("::1"), frozenset())
