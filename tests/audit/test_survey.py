from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.audit.servers import AUTHORS, Library
from tests.audit.test_graphql import described

from ninefold.audit.document import only_queries
from ninefold.audit.finding import Confidence
from ninefold.audit.rule import Untried
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

JSON = {"Content-Type": "application/json"}
DOCUMENT: dict[str, Any] = {
    "servers": [{"url": "https://api.example.com/v1"}],
    "paths": {
        "/orders/{id}": {"get": {"parameters": [{"name": "id", "in": "path", "schema": {"type": "integer"}}]}},
        "/orders": {"get": {}, "post": {}},
    },
}


class Shop:
    """Lists one order, and shows it; counts what is asked."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.asked: list[tuple[str, str, str | None]] = []

    def __call__(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        self.asked.append((request.method, request.path, request.headers.get("X-API-Key")))
        if request.path == f"{self.base}/orders":
            return 200, JSON, json.dumps([{"id": 4711}]).encode()
        found = request.path == f"{self.base}/orders/4711"
        return (200 if found else 404), JSON, b'{"id": 4711}' if found else b"{}"


def test_operations_are_asked_once_with_ids_that_the_api_listed(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    shop = Shop("/v1")
    survey = live(serve(shop), DOCUMENT, "a-key").survey
    assert [call.answer.status for call in survey.calls()] == [200, 200]
    assert survey.calls() is survey.calls()
    assert shop.asked == [("GET", "/v1/orders", "a-key"), ("GET", "/v1/orders/4711", "a-key")]
    assert all(not call.ask.headers for call in survey.calls())


def test_without_credentials_each_is_asked_once_more(serve: Callable[..., str], live: Callable[..., Target]) -> None:
    shop = Shop("/v1")
    survey = live(serve(shop), DOCUMENT, "a-key").survey
    call = survey.calls()[0]
    assert survey.anonymous(call) is survey.anonymous(call)
    assert shop.asked[-1] == ("GET", "/v1/orders", None)
    assert len(shop.asked) == 3


def test_a_base_path_of_the_url_goes_before_that_of_the_servers(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    shop = Shop("/api")
    survey = live(serve(shop) + "/api", DOCUMENT).survey
    assert survey.base == "/api"
    assert survey.calls()[1].answer.ok


@pytest.mark.parametrize("url", ["/", "//evil.example", "https://a.example/{version}", "not a url"])
def test_a_server_without_a_plain_path_adds_none(
    serve: Callable[..., str], live: Callable[..., Target], url: str
) -> None:
    assert live(serve(Shop("")), {**DOCUMENT, "servers": [{"url": url}]}).survey.base == ""


def test_without_operations_to_read_the_base_path_is_asked(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    documents: tuple[dict[str, Any] | None, ...] = (None, {"paths": {"/orders": {"post": {}}}})
    for document in documents:
        (call,) = live(serve(Shop("")), document).survey.calls()
        assert (call.operation, call.ask.path, call.place.url) == (None, "/", "/")


def test_refusals_alone_teach_nothing(serve: Callable[..., str], live: Callable[..., Target]) -> None:
    with pytest.raises(Untried, match="nothing to compare"):
        live(serve(lambda _: (401, {}, b"")), DOCUMENT).survey.answered()


def test_what_could_not_be_asked_is_not_asked_again(live: Callable[..., Target]) -> None:
    target = live("http://127.0.0.1:9", DOCUMENT)
    for _ in range(2):
        with pytest.raises(Untried):
            target.survey.calls()
        assert target.probe.sent == 2


def test_an_operation_that_breaks_off_does_not_hide_the_others(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    def half(request: Any) -> tuple[int, dict[str, str], bytes]:
        whole = request.path == "/v1/orders"
        return 200, JSON if whole else {"Content-Length": "99", "Connection": "close"}, b"[]"

    survey = live(serve(half), DOCUMENT).survey
    assert [call.ask.path for call in survey.calls()] == ["/v1/orders"]
    assert survey.unanswered == 1


def test_a_burst_and_guesses_at_a_graphql_service_are_queries(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    library = Library(closed=True)
    target = live(serve(library), described("/graphql"), AUTHORS[0]["key"])
    rules = {rule.id: rule for rule in RULES}
    assert rules["limits-burst"].look(target).seen
    assert rules["limits-guessing"].look(target).seen
    assert rules["monitoring-no-request-id"].look(target).seen
    assert len(library.ran) > 100
    assert all(only_queries(one) for one in library.ran)


def test_without_a_description_a_graphql_service_is_found_and_asked(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    calls = live(serve(Library())).survey.calls()
    assert [call.field for call in calls] == ["__typename", "books", "me", "houses"]


def test_streams_of_events_are_read_to_their_first_one_and_hold_nothing_up(serve: Any, live: Any) -> None:
    kinds = ("builds", "chat", "alerts", "logs", "presence")

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        if not request.path.startswith("/streams/"):
            return 200, JSON, b"{}"
        head = {"Content-Type": "text/event-stream; charset=utf-8", "Content-Length": "1000000"}
        return 200, head, b": wait\n" if request.path.endswith("alerts") else b"event: news\ndata: 1\n\n"

    document: dict[str, Any] = {"paths": {f"/streams/{one}": {"get": {}} for one in kinds} | {"/things": {"get": {}}}}
    began = time.monotonic()
    survey = live(serve(api), document, "a-key").survey
    told = {call.ask.path: call.answer.body for call in survey.calls()}
    assert time.monotonic() - began < 4
    assert told == {
        **{f"/streams/{one}": b": wait\n" if one == "alerts" else b"event: news\ndata: 1\n\n" for one in kinds},
        "/things": b"{}",
    }


def test_a_stream_that_may_say_no_in_its_first_event_is_no_sure_sign(serve: Any, live: Any) -> None:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        said = b"7" if request.headers.get("X-API-Key") else b"no"
        head = {"Content-Type": "text/event-stream", "Content-Length": "1000000"}
        return (200, head, b"event: news\ndata: " + said + b"\n\n") if request.path == "/news" else (404, JSON, b"{}")

    target = live(serve(api), {"security": [{"key": []}], "paths": {"/news": {"get": {}}}}, "a-key")
    (seen,) = next(rule for rule in RULES if rule.id == "authorization-missing").look(target).seen
    assert seen.confidence is Confidence.SUSPECTED
