from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.notes import PLAIN, Plain

from ninefold.audit.made import objects
from ninefold.audit.probe import Limits
from ninefold.audit.rule import Untried
from ninefold.audit.run import audit, clean
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.made import Objects
    from ninefold.audit.target import Target

CHANGING = [rule for rule in RULES if rule.active and rule.sign == 2]


@pytest.fixture
def at(live: Callable[..., Target], serve: Callable[..., str]) -> Callable[..., Target]:
    def build(api: Any, document: dict[str, Any] = PLAIN, **more: Any) -> Target:
        return live(serve(api), document, "alice-key-1", "bob-key-22", active=True, **more)

    return build


def one(ours: Objects) -> Any:
    return ours.make(ours.kinds[0], ours.callers[0])


def test_an_object_is_known_by_its_mark_and_removed_again(at: Any) -> None:
    api = Plain()
    target = at(api)
    made = one(objects(target))
    assert made.id == "5"  # the first is removed at once, to see that it goes
    assert made.mark in api.things["5"]["title"]
    assert clean(target) == ()
    assert sorted(api.things) == ["1", "2", "3"]


def test_what_cannot_be_removed_is_told_with_operation_and_id(at: Any) -> None:
    target = at(Plain("stuck"))
    for _ in range(3):
        with pytest.raises(Untried, match="does not remove"):
            one(objects(target))
    (left,) = clean(target)
    assert "removeNote" in left
    assert "/notes/4" in left


def test_what_has_no_delete_is_never_made(at: Any) -> None:
    paths = {path: {k: v for k, v in item.items() if k != "delete"} for path, item in PLAIN["paths"].items()}
    api = Plain()
    done = audit(at(api, {**PLAIN, "paths": paths}), CHANGING)
    assert not [method for method, _, _ in api.log if method != "GET"]
    assert all("does not make" in outcome.reason for outcome in done.outcomes)  # type: ignore[union-attr]


def test_a_crash_in_a_rule_leaves_nothing(at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Plain("write", "remove")
    monkeypatch.setattr("ninefold.audit.crossing._changed", lambda *_: 1 / 0)
    audit(at(api), CHANGING)
    assert sorted(api.things) == ["1", "2", "3"]


def test_ctrl_c_leaves_nothing(at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    api = Plain("write")
    monkeypatch.setattr("ninefold.audit.crossing._changed", interrupt)
    with pytest.raises(KeyboardInterrupt):
        audit(at(api), CHANGING)
    assert sorted(api.things) == ["1", "2", "3"]


def test_ctrl_c_tells_what_is_left(at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    target = at(Plain("stuck"))
    with pytest.raises(Untried):
        one(objects(target))
    monkeypatch.setattr("ninefold.audit.made.Objects.trio", interrupt)
    with pytest.raises(KeyboardInterrupt) as stopped:
        audit(target, CHANGING)
    assert "removeNote" in stopped.value.__notes__[0]


@pytest.mark.parametrize("budget", [*range(8, 60, 4)])
def test_the_end_of_the_budget_leaves_nothing(at: Any, budget: int) -> None:
    api = Plain("write", "remove", "mass")
    target = at(api, limits=Limits(budget=budget, rate=1000.0))
    done = audit(target, CHANGING)
    assert sorted(api.things) == ["1", "2", "3"]
    assert done.left == ()
    assert target.probe.sent <= budget


def test_an_answer_that_never_came_is_looked_for(at: Any) -> None:
    class Dropping(Plain):
        def __call__(self, handler: Any) -> tuple[int, dict[str, Any], bytes]:
            status, headers, body = super().__call__(handler)
            if handler.method == "POST":
                handler.connection.close()
            return status, headers, body

    api = Dropping()
    target = at(api)
    one(objects(target))
    clean(target)
    assert sorted(api.things) == ["1", "2", "3"]


def test_an_answer_that_names_an_object_of_another_is_not_believed(at: Any) -> None:
    class Lying(Plain):
        def answer(self, method: str, path: str, who: str, body: bytes) -> tuple[int, Any]:
            status, said = super().answer(method, path, who, body)
            return (status, {**said, "id": 1}) if method == "POST" else (status, said)

    api = Lying("read", "write", "remove")
    target = at(api)
    made = one(objects(target))  # the collection lists it under its own id
    assert made.id == "5"
    clean(target)
    assert sorted(api.things) == ["1", "2", "3"]


def test_an_object_that_is_nowhere_to_be_found_is_told(at: Any) -> None:
    class Queueing(Plain):
        def _collection(self, method: str, who: str, body: bytes) -> tuple[int, Any]:
            return (202, {"queued": True}) if method == "POST" else super()._collection(method, who, body)

    target = at(Queueing())
    with pytest.raises(Untried, match="cannot be found"):
        one(objects(target))
    (left,) = clean(target)
    assert "makeNote" in left


def test_what_a_delete_only_hides_from_its_answer_is_told(at: Any) -> None:
    class Soft(Plain):
        def answer(self, method: str, path: str, who: str, body: bytes) -> tuple[int, Any]:
            return (204, None) if method == "DELETE" else super().answer(method, path, who, body)

    target = at(Soft())
    with pytest.raises(Untried):
        one(objects(target))
    assert len(clean(target)) == 1


@pytest.mark.parametrize("word", ["payments", "sms", "v1/webhooks", "user-invitations", "login"])
def test_nothing_is_made_that_reaches_out_of_the_api(at: Any, word: str) -> None:
    renamed = json.loads(json.dumps(PLAIN).replace("/notes", f"/{word}"))
    with pytest.raises(Untried, match="no collection"):
        _ = objects(at(Plain(), renamed)).kinds


def test_a_request_that_was_lost_on_the_way_is_made_again(at: Any) -> None:
    class Losing(Plain):
        lost = 0

        def __call__(self, handler: Any) -> tuple[int, dict[str, Any], bytes]:
            if handler.method == "POST" and self.last == 5 and not self.lost:
                self.lost = 1
                raise ConnectionAbortedError
            return super().__call__(handler)

    api = Losing()
    target = at(api)
    first, second = one(objects(target)), one(objects(target))
    assert (first.id, second.id) == ("5", "6")
    assert clean(target) == ()
    assert sorted(api.things) == ["1", "2", "3"]


def test_an_owner_who_is_let_in_no_more_has_seen_nothing_go(at: Any) -> None:
    class Forgetting(Plain):
        def __call__(self, handler: Any) -> tuple[int, dict[str, Any], bytes]:
            if getattr(self, "over", False):
                return 401, {}, b'{"error": "your session is over"}'
            return super().__call__(handler)

    api = Forgetting()
    target = at(api)
    one(objects(target))
    api.over = True  # type: ignore[attr-defined]
    (left,) = clean(target)
    assert "/notes/5" in left


def test_a_fault_in_removing_one_leaves_the_others_to_be_removed(at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Plain()
    target = at(api)
    ours = objects(target)
    first, _ = one(ours), one(ours)
    remove = ours.remove
    monkeypatch.setattr(type(ours), "remove", lambda _, made: 1 / 0 if made.path != first.path else remove(made))
    (left,) = clean(target)
    assert "ZeroDivisionError" in left
    assert sorted(api.things) == ["1", "2", "3", "6"]
