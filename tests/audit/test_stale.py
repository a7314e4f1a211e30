from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.key import Key
from ninefold.audit.rule import Untried
from ninefold.audit.signs.credentials import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target


pytestmark = pytest.mark.usefixtures("again")


def by_id(rule: str) -> Callable[[Target], Looked]:
    """The rule's look at the time of the call, which `again` wraps."""
    record = next(one for one in RULES if one.id == rule)

    def look(target: Target) -> Looked:
        return record.look(target)

    return look


expired, revoked, without_second_proof = map(
    by_id, ("keys-expired-accepted", "keys-revoked-accepted", "keys-alone-accepted")
)
GOOD, OLD = "good-key-0123456789", "old-key-9876543210"
ONE: dict[str, Any] = {
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}},
    "paths": {"/notes": {"get": {"operationId": "notes", "security": [{"key": []}], "responses": {}}}},
}
BOTH: dict[str, Any] = {
    "components": {
        "securitySchemes": {**ONE["components"]["securitySchemes"], "token": {"type": "http", "scheme": "bearer"}}
    },
    "paths": {"/notes": {"get": {"operationId": "notes", "security": [{"key": [], "token": []}], "responses": {}}}},
}


def api(*accepted: str, wrapped: bool = False, token: bool = False, key: bool = True) -> Callable[[Any], Any]:
    """Serves callers with one of these keys; with `token` a bearer token is checked too, without `key` it alone is."""

    def answer(handler: Any) -> tuple[int, dict[str, str], bytes]:
        good = not key or handler.headers.get("X-API-Key") in accepted
        if token and handler.headers.get("Authorization") != "Bearer second-proof-1":
            good = False
        if wrapped:
            return 200, {}, b'{"ok": true, "data": [{"id": 1}]}' if good else b'{"ok": false, "error": "no"}'
        return (200, {}, b'[{"id": 1, "text": "hello"}]') if good else (401, {}, b'{"error": "no"}')

    return answer


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(("rule", "field"), [(expired, "expired"), (revoked, "revoked")])
class TestAnOldKey:
    def test_that_still_works_is_confirmed(self, live: Any, serve: Any, rule: Any, field: str, wrapped: bool) -> None:
        old = {field: Key("header", "X-API-Key", OLD)}
        (seen,) = rule(live(serve(api(GOOD, OLD, wrapped=wrapped)), ONE, GOOD, **old)).seen
        assert f"$NINEFOLD_{field.upper()}_KEY" in seen.evidence[1].again
        assert [piece.role for piece in seen.evidence] == ["baseline", "attack", "control", "repeat"]

    def test_that_is_refused_is_clear(self, live: Any, serve: Any, rule: Any, field: str, wrapped: bool) -> None:
        target = live(serve(api(GOOD, wrapped=wrapped)), ONE, GOOD)
        looked = rule(replace(target, **{field: Key("header", "X-API-Key", OLD)}))
        assert (looked.at, looked.seen) == (1, ())

    def test_that_is_the_good_one_tells_nothing(
        self, live: Any, serve: Any, rule: Any, field: str, wrapped: bool
    ) -> None:
        target = live(serve(api(GOOD, wrapped=wrapped)), ONE, GOOD)
        with pytest.raises(Untried, match="the good one too"):
            rule(replace(target, **{field: Key("header", "X-API-Key", GOOD)}))


BOTH_KEYS = Key("header", "X-API-Key", GOOD, (("Authorization", "Bearer second-proof-1"),))


@pytest.mark.parametrize("wrapped", [False, True])
class TestTwoProofs:
    def test_of_which_the_key_is_enough_are_told(self, live: Any, serve: Any, wrapped: bool) -> None:
        (seen,) = without_second_proof(live(serve(api(GOOD, wrapped=wrapped)), BOTH, BOTH_KEYS)).seen
        assert "`key` without token" in seen.detail

    def test_of_which_the_token_is_enough_are_told(self, live: Any, serve: Any, wrapped: bool) -> None:
        target = live(serve(api(GOOD, wrapped=wrapped, token=True, key=False)), BOTH, BOTH_KEYS)
        (seen,) = without_second_proof(target).seen
        assert "`token` without key" in seen.detail

    def test_that_are_both_checked_are_clear(self, live: Any, serve: Any, wrapped: bool) -> None:
        looked = without_second_proof(live(serve(api(GOOD, wrapped=wrapped, token=True)), BOTH, BOTH_KEYS))
        assert (looked.at, looked.seen) == (2, ())


def test_one_scheme_has_no_second_proof(live: Any, serve: Any) -> None:
    with pytest.raises(Untried, match="two schemes together"):
        without_second_proof(live(serve(api(GOOD)), ONE, GOOD))


def test_an_alternative_with_one_scheme_lets_that_one_in(live: Any, serve: Any) -> None:
    either = {
        **BOTH,
        "paths": {
            "/notes": {"get": {**BOTH["paths"]["/notes"]["get"], "security": [{"key": [], "token": []}, {"key": []}]}}
        },
    }
    with pytest.raises(Untried, match="two schemes together"):
        without_second_proof(live(serve(api(GOOD)), either, BOTH_KEYS))
