"""Sign 9, on sources and APIs that show it and on ones that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.finding import Severity
from ninefold.audit.signs import cors

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

RULES = {rule.id: rule for rule in cors.RULES}


def look(rule: str, target: Target) -> Looked:
    return RULES[rule].look(target)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("app.add_middleware(CORSMiddleware, allow_origins=['*'], allow_credentials=True)", True),
        ("app = CORSMiddleware(app, allow_origin_regex='.*', allow_credentials=True)", True),
        ("CORS(app, origins='*', supports_credentials=True)", True),
        ("response.headers['Access-Control-Allow-Origin'] = request.headers['Origin']", True),
        ("app.add_middleware(CORSMiddleware, allow_origins=['*'])", False),
        ("app.add_middleware(CORSMiddleware, allow_origins=['https://a.example'], allow_credentials=True)", False),
        ("response.headers['Access-Control-Allow-Origin'] = 'https://a.example'", False),
        (
            "def f(r):\n    o = r.headers.get('Origin')\n    if o in ORIGINS:\n        a.headers['Access-Control-Allow-Origin'] = o",
            False,
        ),
    ],
)
def test_a_source_that_lets_every_origin_in_is_shown(source: Callable[..., Target], text: str, shown: bool) -> None:
    looked = look("cors-open-in-source", source({"app.py": text + "\n"}))
    assert looked.at == 1
    assert bool(looked.seen) is shown


def _api(allows: Callable[[str], bool], *, credentials: bool = True, vary: bool = True) -> Callable[..., Any]:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        origin = request.headers.get("Origin", "")
        fields = {"Vary": "Origin"} if vary else {}
        if origin and allows(origin):
            fields["Access-Control-Allow-Origin"] = origin
            if credentials:
                fields["Access-Control-Allow-Credentials"] = "true"
        return 200, fields, b"{}"

    return api


DOCUMENT = {
    "servers": [{"url": "https://shop.example.com"}],
    "paths": {"/a": {"get": {"responses": {"200": {"description": "-"}}}}},
}


@pytest.mark.parametrize(
    ("allows", "cause"),
    [
        (lambda origin: True, "Any origin"),
        (lambda origin: origin == "null", "The origin `null`"),
        (lambda origin: origin.startswith("https://shop.example.com"), "An origin that begins with the API's own name"),
        (lambda origin: origin.endswith("shop.example.com"), "An origin that ends in the API's own name"),
    ],
)
def test_an_origin_that_is_taken_at_its_word_is_shown_with_its_proof(
    serve: Any, live: Any, allows: Any, cause: str
) -> None:
    seen = look("cors-foreign-origin", live(serve(_api(allows)), DOCUMENT)).seen
    assert [one.cause for one in seen] == [cause]
    assert [getattr(one, "role", "") for one in seen[0].evidence] == [
        "baseline",
        "attack",
        "control",
        "repeat",
        "attack",
    ]
    assert seen[0].severity is Severity.HIGH
    assert (
        look("cors-foreign-origin", live(serve(_api(allows, credentials=False)), DOCUMENT)).seen[0].severity
        is Severity.MEDIUM
    )


def test_exact_origins_and_a_public_star_are_none(serve: Any, live: Any) -> None:
    exact = _api(lambda origin: origin == "https://shop.example.com")
    assert look("cors-foreign-origin", live(serve(exact), DOCUMENT)).seen == ()
    assert look("cors-no-vary", live(serve(exact), DOCUMENT)).seen == ()

    def star(request: Any) -> tuple[int, dict[str, str], bytes]:
        del request
        return 200, {"Access-Control-Allow-Origin": "*"}, b"{}"

    assert look("cors-foreign-origin", live(serve(star), DOCUMENT)).seen == ()
    assert look("cors-no-vary", live(serve(star), DOCUMENT)).seen == ()


def test_an_answer_that_depends_on_the_origin_and_does_not_say_so_is_shown(serve: Any, live: Any) -> None:
    assert len(look("cors-no-vary", live(serve(_api(lambda origin: True, vary=False)), DOCUMENT)).seen) == 1
    assert look("cors-no-vary", live(serve(_api(lambda origin: True)), DOCUMENT)).seen == ()


@pytest.mark.parametrize("origin", ["null", "https://api.example.com"])
@pytest.mark.parametrize("vary", [True, False])
def test_one_origin_that_is_allowed_and_another_that_is_not_need_vary(
    serve: Any, live: Any, origin: str, vary: bool
) -> None:
    api = serve(_api(lambda asked: asked == origin, vary=vary))
    target = live(api, {**DOCUMENT, "servers": [{"url": "https://api.example.com/v1"}]})
    assert len(look("cors-no-vary", target).seen) == (not vary)
