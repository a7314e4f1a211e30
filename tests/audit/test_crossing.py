from __future__ import annotations

import contextlib
import copy
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.notes import JSON, KEYS, PLAIN, Plain, Wrapped

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


class Lagging(Plain):
    """Everybody may edit everything; what one wrote, others read a moment later."""

    document = PLAIN
    lag = 0.6

    def __init__(self) -> None:
        super().__init__("shared")
        self.born: dict[str, float] = {}

    def answer(self, method: str, path: str, who: str, body: bytes) -> tuple[int, Any]:
        now, number = time.monotonic(), path.rpartition("/")[2]
        late = {one for one, at in self.born.items() if self.things.get(one, {}).get("owner") != who and at > now}
        if method == "GET" and who and number in late:
            return 404, {"error": "no such note"}
        status, said = super().answer(method, path, who, body)
        if method == "POST" and status == 201:
            self.born[str(said["id"])] = now + self.lag
        return status, [one for one in said if str(one["id"]) not in late] if isinstance(said, list) else said


def test_what_another_sees_a_moment_later_is_not_its_owner_s_alone(at: Any) -> None:
    api = Lagging()
    assert {one.confidence for one in look(WRITE, at(api)).seen} <= {Confidence.SUSPECTED}
    with pytest.raises(Untried, match="the same objects to both"):
        look(READ, at(api))
    assert sorted(api.things) == ["1", "2", "3"]


class Queued(Plain):
    """What is changed is read only a moment after it was taken."""

    def answer(self, method: str, path: str, who: str, body: bytes) -> tuple[int, Any]:
        for at, number, given in [one for one in getattr(self, "queue", ()) if one[0] < time.monotonic()]:
            self.queue.remove((at, number, given))
            self.things.get(number, {}).update(given)
        number = path.rpartition("/")[2]
        if method == "PATCH" and who and ("write" in self.flaws or self.things[number]["owner"] == who):
            self.queue = [*getattr(self, "queue", ()), (time.monotonic() + 0.1, number, json.loads(body))]
            return 202, {"state": "queued"}
        return super().answer(method, path, who, body)

    queue: list[tuple[float, str, dict[str, Any]]]


@pytest.mark.parametrize("flaws", [("write",), ()])
def test_a_change_that_is_taken_and_shows_later_is_waited_for(at: Any, flaws: tuple[str, ...]) -> None:
    seen = look(WRITE, at(Queued(*flaws))).seen
    assert [one.place.operation for one in seen] == ["changeNote"] * len(flaws)


class Conditional(Plain):
    """Writes want the object's tag."""

    def __call__(self, handler: Any) -> tuple[int, dict[str, Any], bytes]:
        number = handler.path.rpartition("/")[2]
        tag = f'"{hash(json.dumps(self.things.get(number)))}"'
        if handler.method in {"PATCH", "DELETE"} and handler.headers.get("If-Match") != tag:
            self.log.append((handler.method, handler.path, ""))
            return (412 if "If-Match" in handler.headers else 428), JSON, b'{"error": "which one?"}'
        status, headers, body = super().__call__(handler)
        return status, {**headers, "ETag": tag} if handler.method == "GET" else headers, body


@pytest.mark.parametrize("told", [True, False])
def test_an_api_that_wants_a_condition_gets_the_object_s_own(live: Any, serve: Any, *, told: bool) -> None:
    api = Conditional("write", "remove")
    document = copy.deepcopy(PLAIN)
    condition = {"name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}}
    for method in ("patch", "delete") if told else ():
        document["paths"]["/notes/{id}"][method]["parameters"] = [condition]
    seen = look(WRITE, live(serve(api), document, *callers(api), active=True)).seen
    assert [one.place.operation for one in seen] == (["changeNote", "removeNote"] if told else ["removeNote"])
    assert sorted(api.things) == ["1", "2", "3"]


class Chosen(Plain):
    """Shared among all, and the list shows what is one's own unless it is asked for more."""

    def __init__(self) -> None:
        super().__init__("shared")

    def __call__(self, handler: Any) -> tuple[int, dict[str, Any], bytes]:
        status, headers, body = super().__call__(handler)
        if handler.path == self.base and handler.method == "GET" and status == 200:
            who, asked = KEYS[handler.headers["X-API-Key"]], handler.query.get(self.name, [""])[0]
            rows = [
                {**one, "owner": "-"} for one in json.loads(body) if asked == self.all or one["owner"] == (asked or who)
            ]
            body = json.dumps(rows).encode()
        elif status in {200, 201} and body:
            body = json.dumps({**json.loads(body), "owner": "-"}).encode()
        return status, headers, body

    name, all = "view", "everyone"


@pytest.mark.parametrize(
    ("name", "schema", "sure"),
    [
        ("view", {"type": "string", "enum": ["mine", "everyone"], "default": "mine"}, set()),
        ("assignee", {"type": "string"}, {Confidence.SUSPECTED}),
        ("sort", {"type": "string"}, {Confidence.CONFIRMED}),
    ],
)
def test_a_list_that_may_be_asked_for_more_says_not_who_may_read(
    live: Any, serve: Any, name: str, schema: dict[str, Any], sure: set[Confidence]
) -> None:
    api = Chosen()
    api.name = name
    document = copy.deepcopy(PLAIN)
    document["paths"]["/notes"]["get"]["parameters"] = [{"name": name, "in": "query", "schema": schema}]
    target = live(serve(api), document, *callers(api), active=True)
    seen = [one for rule in (READ, WRITE) for one in look(rule, target).seen]
    assert {one.confidence or Confidence.CONFIRMED for one in seen} == sure


@pytest.mark.parametrize("flaws", [("shared",), ("read", "write")])
def test_a_list_that_is_an_old_copy_says_nothing(at: Any, flaws: tuple[str, ...]) -> None:
    class Cached(Plain):
        """The second caller's list was kept before anything was made."""

        kept: bytes = b""

        def __call__(self, handler: Any) -> tuple[int, dict[str, Any], bytes]:
            status, headers, body = super().__call__(handler)
            if handler.path == self.base and handler.headers.get("X-API-Key") == "bob-key-22" and status == 200:
                self.kept = body = self.kept or b"[]"
            return status, headers, body

    seen = [one for rule in (READ, WRITE) for one in look(rule, at(Cached(*flaws))).seen]
    assert {one.confidence for one in seen} == {Confidence.SUSPECTED}
