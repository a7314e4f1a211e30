from __future__ import annotations

import contextlib
import copy
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.notes import KEYS, PLAIN, Plain, Wrapped

from ninefold.audit.finding import Confidence, Exchange, Severity
from ninefold.audit.key import Key
from ninefold.audit.rule import Untried
from ninefold.audit.run import audit, clean
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

pytestmark = pytest.mark.usefixtures("again")
BY_ID = {rule.id: rule for rule in RULES}
WRITE, READ = "authorization-object-write", "authorization-object-level"


def callers(api: Plain | Wrapped) -> tuple[Key, ...]:
    if isinstance(api, Plain):
        return tuple(Key("header", "X-API-Key", one) for one in KEYS)
    return tuple(Key("header", "Authorization", f"Bearer {one}") for one in KEYS)


@pytest.fixture
def at(live: Callable[..., Target], serve: Callable[..., str]) -> Callable[[Plain | Wrapped], Target]:
    return lambda api: live(serve(api), api.document, *callers(api), active=True)


def look(rule: str, target: Target) -> Looked:
    try:
        return BY_ID[rule].look(target)
    finally:
        clean(target)


def begun(api: Plain | Wrapped) -> dict[str, Any]:
    things: dict[str, Any] = api.things if isinstance(api, Plain) else api.tickets
    return {number: dict(one) for number, one in things.items()}


@pytest.mark.parametrize("make", [Plain, Wrapped])
class TestForeignWrites:
    def test_are_confirmed_where_no_owner_is_compared(self, at: Any, make: Any) -> None:
        api = make("write", "remove")
        before = begun(api)
        looked = look(WRITE, at(api))
        assert looked.at == 2
        assert {one.place.operation for one in looked.seen} == set(
            ("changeNote", "removeNote") if make is Plain else ("replace", "close")
        )
        assert {one.confidence for one in looked.seen} == {Confidence.CONFIRMED}
        assert [piece.role for piece in looked.seen[0].evidence if isinstance(piece, Exchange)][:4] == [
            "baseline",
            "attack",
            "control",
            "repeat",
        ]
        assert begun(api) == before

    def test_are_told_one_by_one(self, at: Any, make: Any) -> None:
        looked = look(WRITE, at(make("remove")))
        assert [one.place.operation for one in looked.seen] == ["removeNote" if make is Plain else "close"]

    def test_are_none_where_the_owner_is_compared(self, at: Any, make: Any) -> None:
        api = make()
        before = begun(api)
        looked = look(WRITE, at(api))
        assert (looked.at, looked.seen) == (2, ())
        assert begun(api) == before

    def test_go_only_to_what_the_audit_made(self, at: Any, make: Any) -> None:
        api = make("read", "write", "remove", "mass")
        theirs = set(begun(api))
        audit(at(api), [one for one in RULES if one.sign == 2])
        changed = {path.rpartition("/")[2] for method, path, _ in api.log if method in {"PUT", "PATCH", "DELETE"}}
        assert changed
        assert not changed & theirs
        assert set(begun(api)) == theirs

    def test_of_what_everybody_lists_are_suspected_at_most(self, at: Any, make: Any) -> None:
        looked = look(WRITE, at(make("shared")))
        if make is Plain:  # it names an owner, and still lets everybody edit
            assert {one.confidence for one in looked.seen} == {Confidence.SUSPECTED}
        else:
            assert looked.seen == ()


def test_an_api_that_says_yes_and_does_nothing_is_none(at: Any) -> None:
    api = Plain("deaf")
    with pytest.raises(Untried, match="does not remove"):
        look(WRITE, at(api))


def test_an_api_that_is_open_is_another_matter(at: Any) -> None:
    assert look(WRITE, at(Plain("open"))).seen == ()


@pytest.mark.parametrize("make", [Plain, Wrapped])
def test_an_own_object_that_another_reads_by_its_id_is_told(at: Any, make: Any) -> None:
    api = make("read")
    (seen,) = look(READ, at(api)).seen
    assert seen.place.operation == ("getNote" if make is Plain else "ticket")


def test_a_put_that_makes_what_it_names_leaves_nothing(at: Any) -> None:
    class Upsert(Wrapped):
        def answer(self, method: str, path: str, who: str, body: bytes) -> tuple[Any, dict[str, str]]:
            number = path.rpartition("/")[2]
            if method == "PUT" and who and number not in self.tickets:
                self.owners[number], self.tickets[number] = who, {"state": "new"}
            return super().answer(method, path, who, body)

    api = Upsert()
    before = set(begun(api))
    assert look(WRITE, at(api)).seen == ()
    assert set(begun(api)) == before


def test_one_caller_is_too_few(live: Callable[..., Target], serve: Callable[..., str]) -> None:
    api = Plain()
    with pytest.raises(Untried, match="one caller"):
        look(WRITE, live(serve(api), api.document, "alice-key-1", active=True))


def test_a_change_that_is_nothing_to_the_owner_either_is_not_counted(at: Any) -> None:
    class Immutable(Plain):
        def answer(self, method: str, path: str, who: str, body: bytes) -> tuple[int, Any]:
            if method == "PATCH" and who:
                return 428, {"error": "If-Match, please"}
            return super().answer(method, path, who, body)

    looked = look(WRITE, at(Immutable("write")))
    assert (looked.at, looked.seen) == (1, ())  # only its removal was tried


def test_two_keys_of_one_caller_are_no_finding(live: Any, serve: Any) -> None:
    class Aliased(Plain):
        def __call__(self, handler: Any) -> tuple[int, dict[str, Any], bytes]:
            if handler.headers.get("X-API-Key") == "alice-other-9":
                handler.headers.replace_header("X-API-Key", "alice-key-1")
            return super().__call__(handler)

    api = Aliased()
    target = live(serve(api), api.document, "alice-key-1", "alice-other-9", active=True)
    assert look(WRITE, target).seen == ()
    assert sorted(api.things) == ["1", "2", "3"]


def test_paths_that_end_with_a_slash_and_want_a_version_are_tried_too(live: Any, serve: Any) -> None:
    class Slashed(Plain):
        def __call__(self, handler: Any) -> tuple[int, dict[str, Any], bytes]:
            if not handler.path.endswith("/") or handler.query.get("api-version") != ["2"]:
                return 400, {}, b'{"error": "which version?"}'
            handler.path = handler.path.rstrip("/")
            return super().__call__(handler)

    version = {"name": "api-version", "in": "query", "required": True, "schema": {"enum": ["2"]}}
    document = copy.deepcopy(Plain.document)
    document["paths"] = {f"{path}/": item for path, item in document["paths"].items()}
    for item in document["paths"].values():
        item["parameters"] = [*item.get("parameters", ()), version]
    api = Slashed("write")
    looked = look(WRITE, live(serve(api), document, "alice-key-1", "bob-key-22", active=True))
    assert [one.place.operation for one in looked.seen] == ["changeNote"]
    assert sorted(api.things) == ["1", "2", "3"]


def test_an_api_that_removes_a_little_later_is_waited_for(at: Any) -> None:
    class Later(Plain):
        doomed: dict[str, float]

        def answer(self, method: str, path: str, who: str, body: bytes) -> tuple[int, Any]:
            doomed = getattr(self, "doomed", {})
            for number in [one for one, end in doomed.items() if end < time.monotonic()]:
                self.things.pop(number, None)
            number = path.rpartition("/")[2]
            if method == "DELETE" and who and number in self.things and self.things[number]["owner"] == who:
                self.doomed = {**doomed, number: time.monotonic() + 0.1}
                return 202, {"queued": True}
            return super().answer(method, path, who, body)

    api = Later("write")
    looked = look(WRITE, at(api))
    assert [one.place.operation for one in looked.seen] == ["changeNote"]
    api.answer("GET", "/notes", "alice", b"")
    assert sorted(api.things) == ["1", "2", "3"]


@pytest.mark.parametrize("flaws", [(), ("write",), ("remove",), ("write", "remove"), ("read", "write", "remove")])
def test_ids_that_are_given_again_are_nobody_s_to_write_to(at: Any, flaws: tuple[str, ...]) -> None:
    api = Plain("reuses", *flaws)
    target = at(api)
    for rule in (WRITE, READ, "authorization-mass-assignment"):
        with contextlib.suppress(Untried):
            BY_ID[rule].look(target)
    clean(target)
    theirs = [one for one in api.things.values() if one["owner"] == "carol"]
    assert len(theirs) > 1
    assert {one["title"] for one in theirs[1:]} == {"carol's"}
    taken = {str(one["id"]) for one in theirs}
    freed = [
        at for at, (method, path, who) in enumerate(api.log) if method == "DELETE" and path.rpartition("/")[2] in taken
    ]
    assert not [
        (method, path)
        for method, path, _ in api.log[max(freed) + 1 :]
        if method in {"PATCH", "PUT", "DELETE"} and path.rpartition("/")[2] in taken
    ]


def test_a_list_of_what_one_wrote_is_no_rule_of_who_may_edit(at: Any) -> None:
    api = Plain("read", "write", "remove")
    api.document = _renamed(PLAIN, "/notes", "/pages")
    api.base = "/pages"
    seen = [*look(READ, at(api)).seen, *look(WRITE, at(api)).seen]
    assert {(one.confidence, one.severity) for one in seen} <= {
        (Confidence.SUSPECTED, None),
        (Confidence.SUSPECTED, Severity.MEDIUM),
    }
    assert seen


def _renamed(document: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return {**document, "paths": {path.replace(old, new): item for path, item in document["paths"].items()}}
