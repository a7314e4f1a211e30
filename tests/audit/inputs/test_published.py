from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.inputs.published import PLACES, REQUESTS, SILENT, fetched, search
from ninefold.audit.key import Key
from ninefold.audit.probe import Limits
from ninefold.errors import DescriptionError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

    Live = Callable[..., Target]

DOCUMENT = json.dumps({"openapi": "3.0.3", "info": {}, "paths": {"/orders": {"get": {}}}}).encode()
KEY = "k7Qw2ZrT9xLm4VbN8sHd3FgJ6pYc1AeU"
JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}


def _api(pages: dict[str, tuple[int, dict[str, str], bytes]], asked: list[str] | None = None) -> Callable[[Any], Any]:
    def answer(request: Any) -> Any:
        if asked is not None:
            asked.append(request.path)
        return pages.get(request.path, (404, {}, b"no"))

    return answer


@pytest.mark.parametrize("path", PLACES)
def test_a_description_is_found_wherever_frameworks_publish_it(serve: Any, live: Live, path: str) -> None:
    document = DOCUMENT
    pages = {path: (200, JSON, document)}
    if path == "/.well-known/api-catalog":
        links = {
            "linkset": [{"anchor": "/", "service-desc": [{"href": "https://evil.example/a.json"}, {"href": "/a.json"}]}]
        }
        pages = {path: (200, JSON, json.dumps(links).encode()), "/a.json": (200, JSON, document)}
    url = serve(_api(pages))
    found = search(live(url).probe)
    assert found.description is not None
    assert found.description.source.startswith(url)
    assert found.description.notes == (f"The description was found at {found.description.source}.",)


@pytest.mark.parametrize(
    "page",
    [
        b"<script>SwaggerUIBundle({ url: '/spec.json', dom_id: '#x' })</script>",
        b'<redoc spec-url="spec.json"></redoc>',
        b'<script id="api-reference" data-url="/spec.json"></script>',
    ],
)
def test_a_page_for_people_leads_to_it(serve: Any, live: Live, page: bytes) -> None:
    url = serve(_api({"/docs": (200, HTML, page), "/spec.json": (200, JSON, DOCUMENT)}))
    found = search(live(url).probe).description
    assert found is not None
    assert found.source == f"{url}/spec.json"


def test_below_the_base_path_it_is_looked_for_first(serve: Any, live: Live) -> None:
    url = serve(_api({"/api/openapi.json": (200, JSON, DOCUMENT), "/openapi.json": (200, JSON, DOCUMENT)}))
    found = search(live(f"{url}/api").probe).description
    assert found is not None
    assert found.source == f"{url}/api/openapi.json"


def test_a_key_goes_where_it_is_refused_without_one(serve: Any, live: Live) -> None:
    def answer(request: Any) -> Any:
        right = request.headers.get("X-API-Key") == KEY
        return (200, JSON, DOCUMENT) if right and request.path == "/openapi.json" else (401, {}, b"no")

    url = serve(answer)
    assert search(live(url).probe).description is None
    assert search(live(url).probe, Key("header", "X-API-Key", KEY)).description is not None


@pytest.mark.parametrize(
    "answer",
    [
        (200, HTML, b"<html><script>var url = '/docs'</script></html>"),
        (200, JSON, b'{"openapi": "3.0.0", "paths": {}}'),
        (200, JSON, b'{"openapi": "3.0.0", "paths": 5}'),
        (200, JSON, b'{"hello": "world"}'),
        (200, JSON, b'{"openapi": '),
        (302, {"Location": "https://evil.example/openapi.json"}, b""),
        (302, {"Location": "/openapi.json"}, b""),
        (302, {"Location": "http://[::1"}, b""),
        (500, {}, b"error"),
    ],
)
def test_an_api_that_says_the_same_to_everything_publishes_none(serve: Any, live: Live, answer: Any) -> None:
    probe = live(serve(lambda _: answer)).probe
    found = search(probe)
    assert found.description is None
    assert "it was looked for at /openapi.json" in found.reason
    assert probe.sent <= REQUESTS + 8


def test_what_cannot_be_read_is_told(serve: Any, live: Live) -> None:
    url = serve(_api({"/openapi.json": (200, JSON, b'{"openapi": "3.0.0", "paths": 5}')}))
    assert "What stands at /openapi.json cannot be read: `paths` is no mapping." in search(live(url).probe).reason


def test_looking_leaves_most_of_the_budget(serve: Any, live: Live) -> None:
    asked: list[str] = []
    target = live(serve(_api({}, asked)), limits=Limits(budget=12, rate=1000.0))
    assert search(target.probe).description is None
    assert len(asked) == 3


def test_nothing_leaves_the_origin(serve: Any, live: Live) -> None:
    asked: list[str] = []
    other = serve(_api({"/openapi.json": (200, JSON, DOCUMENT)}, asked))
    pages = {
        "/openapi.json": (307, {"Location": f"{other}/openapi.json"}, b""),
        "/docs": (200, HTML, f"<redoc spec-url='{other}/openapi.json'>".encode()),
        "/.well-known/api-catalog": (200, JSON, json.dumps({"linkset": [{"item": [{"href": other}, 5]}, 5]}).encode()),
    }
    assert search(live(serve(_api(pages))).probe).description is None
    assert asked == []


def test_an_api_that_breaks_off_is_not_asked_for_long(live: Live) -> None:
    probe = live("http://127.0.0.1:9").probe
    assert search(probe).description is None
    assert probe.sent == SILENT


def test_a_url_is_followed_within_its_origin(serve: Any, live: Live) -> None:
    url = serve(_api({"/a": (301, {"Location": "/b/"}, b""), "/b/": (200, JSON, DOCUMENT)}))
    assert [one.path for one in fetched(live(url).probe, f"{url}/a").operations] == ["/orders"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, {}, b""), "answers 404"),
        ((302, {"Location": "https://evil.example/"}, b""), "redirects to another origin"),
        ((302, {"Location": "/a"}, b""), "answers 302"),
        ((200, HTML, b"<html>"), "describes no API"),
        ((200, JSON, b'{"openapi": "3.0.0", "x": "' + b"a" * (33 * 1024 * 1024) + b'"}'), "larger than 32 MiB"),
    ],
)
def test_a_url_that_gives_none_is_told(serve: Any, live: Live, answer: Any, said: str) -> None:
    url = serve(lambda _: answer)
    with pytest.raises(DescriptionError, match=said):
        fetched(live(url).probe, f"{url}/a")


def test_a_url_that_nobody_serves_is_told(live: Live) -> None:
    with pytest.raises(ServiceError, match="gave no answer"):
        fetched(live("http://127.0.0.1:9").probe, "http://127.0.0.1:9/openapi.json")
