from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.notes import KEYS, PLAIN, Plain, Wrapped

from ninefold.audit.finding import Confidence
from ninefold.audit.key import Key
from ninefold.audit.rule import Untried
from ninefold.audit.run import clean
from ninefold.audit.signs.callers import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

pytestmark = pytest.mark.usefixtures("again")
RULE = next(rule for rule in RULES if rule.id == "authorization-mass-assignment")


@pytest.fixture
def tried(live: Callable[..., Target], serve: Callable[..., str]) -> Callable[..., Looked]:
    def run(api: Plain | Wrapped, document: dict[str, Any] | None = None) -> Looked:
        keys = [Key("header", "X-API-Key", one) for one in KEYS]
        if isinstance(api, Wrapped):
            keys = [Key("header", "Authorization", f"Bearer {one}") for one in KEYS]
        target = live(serve(api), document or api.document, *keys, active=True)
        try:
            return RULE.look(target)
        finally:
            assert clean(target) == ()

    return run


def test_a_price_that_no_request_declares_is_confirmed(tried: Any) -> None:
    looked = tried(Plain("mass"))
    told = {one.detail.split("`")[1]: one for one in looked.seen}
    assert set(told) == {"price", "verified"}  # whose it is, and its id, are not tried
    assert {one.confidence for one in looked.seen} == {Confidence.CONFIRMED}
    assert [piece.role for piece in told["price"].evidence][:4] == ["baseline", "attack", "control", "repeat"]


def test_a_read_only_state_is_confirmed(tried: Any) -> None:
    (seen,) = tried(Wrapped("mass")).seen
    assert "`state`" in seen.detail
    assert seen.confidence is Confidence.CONFIRMED


@pytest.mark.parametrize("make", [Plain, Wrapped])
def test_what_the_api_leaves_out_is_none(tried: Any, make: Any) -> None:
    looked = tried(make())
    assert looked.at > 0
    assert looked.seen == ()


def test_an_api_that_refuses_more_members_is_none(tried: Any) -> None:
    class Strict(Plain):
        def answer(self, method: str, path: str, who: str, body: bytes) -> tuple[int, Any]:
            if method in {"POST", "PATCH"} and b'"price"' in body:
                return 422, {"error": "what is that?"}
            if method in {"POST", "PATCH"} and b'"verified"' in body:
                return 422, {"error": "what is that?"}
            return super().answer(method, path, who, body)

    assert tried(Strict("mass")).seen == ()


def test_only_the_change_takes_it(tried: Any) -> None:
    class Created(Plain):
        def _collection(self, method: str, who: str, body: bytes) -> tuple[int, Any]:
            kept, self.flaws = self.flaws, self.flaws - {"mass"}
            try:
                return super()._collection(method, who, body)
            finally:
                self.flaws = kept

    looked = tried(Created("mass"))
    assert {one.place.operation for one in looked.seen} == {"changeNote"}


def test_a_description_that_lets_requests_have_anything_leaves_a_doubt(tried: Any) -> None:
    document = copy.deepcopy(PLAIN)
    for path, method in (("/notes", "post"), ("/notes/{id}", "patch")):
        document["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"] = {"type": "object"}
    looked = tried(Plain("mass"), document)
    assert {one.confidence for one in looked.seen} == {Confidence.SUSPECTED}


def test_declared_members_are_nobodys_sin(tried: Any) -> None:
    document = copy.deepcopy(PLAIN)
    schema = document["paths"]["/notes"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema["properties"] |= {"price": {"type": "number"}, "verified": {"type": "boolean"}}
    with pytest.raises(Untried):
        tried(Plain("mass"), document)


def test_a_price_that_goes_up_by_itself_is_none(tried: Any) -> None:
    class Rising(Plain):
        def answer(self, method: str, path: str, who: str, body: bytes) -> tuple[int, Any]:
            for one in self.things.values():
                one["price"] += 1.5
            return super().answer(method, path, who, body)

    assert tried(Rising()).seen == ()


@pytest.mark.parametrize(
    ("more", "sure"),
    [
        ({"additionalProperties": True}, Confidence.SUSPECTED),
        ({"additionalProperties": {}}, Confidence.SUSPECTED),
        ({"allOf": [{"additionalProperties": {"type": "string"}}]}, Confidence.SUSPECTED),
        ({"additionalProperties": False}, Confidence.CONFIRMED),
    ],
)
def test_a_body_that_may_have_any_member_by_the_description_is_no_sure_sign(
    tried: Any, more: dict[str, Any], sure: Confidence
) -> None:
    document = copy.deepcopy(PLAIN)
    document["paths"]["/notes"]["post"]["requestBody"]["content"]["application/json"]["schema"] |= more
    assert {one.confidence for one in tried(Plain("mass"), document).seen} == {sure}


class Printing(Plain):
    """What is made is done after a while, sooner or later; nobody can ask for it."""

    waits: tuple[float, ...] = (0.0, 0.0, 0.3, 0.0, 0.3, 0.0, 0.3, 0.0)

    def __init__(self) -> None:
        super().__init__()
        self.ends: dict[str, float] = {}

    def answer(self, method: str, path: str, who: str, body: bytes) -> tuple[int, Any]:
        for number, end in self.ends.items():
            if number in self.things and end <= time.monotonic():
                self.things[number]["verified"] = True
        status, said = super().answer(method, path, who, body)
        if method == "POST" and status == 201:
            self.ends[str(said["id"])] = time.monotonic() + self.waits[len(self.ends) % len(self.waits)]
        return status, said


@pytest.mark.parametrize("skipped", range(4))
def test_a_state_that_comes_by_itself_is_none(tried: Any, skipped: int) -> None:
    api = Printing()
    api.waits = api.waits[skipped:] + api.waits[:skipped]
    assert tried(api).seen == ()
