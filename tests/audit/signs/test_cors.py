"""Sign 9, on sources and APIs that show it and on ones that do not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.finding import Severity
from ninefold.audit.rule import Untried
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


KNOWN = "https://app.shop.example.com"


@pytest.mark.parametrize(
    ("allows", "cause"),
    [
        (lambda origin: origin.startswith(KNOWN), f"An origin that begins with {KNOWN}"),
        (lambda origin: origin.endswith("app.shop.example.com"), f"An origin that ends in {KNOWN}"),
        (lambda origin: origin.endswith(".app.shop.example.com"), f"A subdomain of {KNOWN}"),
        (lambda origin: origin.partition("//")[2] == "app.shop.example.com", f"{KNOWN} over plain HTTP"),
        (lambda origin: re.fullmatch(rf"{re.escape(KNOWN)}(:\d+)?", origin), f"{KNOWN} on another port"),
        (lambda origin: re.fullmatch(KNOWN, origin), f"{KNOWN} with a letter in the place of a dot"),
        (
            lambda origin: re.fullmatch(r"https://app.shop\.example\.com", origin),
            f"{KNOWN} with a letter in the place of its first dot",
        ),
    ],
)
def test_what_looks_like_an_allowed_origin_and_is_none_is_shown(serve: Any, live: Any, allows: Any, cause: str) -> None:
    url = serve(_api(lambda origin: bool(allows(origin))))
    assert [one.cause for one in look("cors-foreign-origin", live(url, origins=(KNOWN,))).seen] == [cause]
    assert look("cors-foreign-origin", live(serve(_api(lambda origin: origin == KNOWN)), origins=(KNOWN,))).seen == ()


@pytest.mark.parametrize(
    "known", ["https://app.example.com", "https://app.example.com:8443", "http://localhost:3000", "https://192.0.2.1"]
)
def test_no_forged_origin_is_the_one_that_is_known(known: str) -> None:
    forged = [origin for _, origin in cors.forged(known)]
    assert known not in forged
    assert len(forged) == len(set(forged))


def _preflights(headers: str, methods: str, *, credentials: bool = False) -> Any:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        if request.method != "OPTIONS":
            return 200, {}, b"{}"
        asked = (
            request.headers.get("Access-Control-Request-Headers", ""),
            request.headers["Access-Control-Request-Method"],
        )
        fields = {
            "Access-Control-Allow-Origin": request.headers["Origin"] if request.headers["Origin"] == KNOWN else "null",
            "Access-Control-Allow-Headers": headers.replace("ASKED", asked[0]),
            "Access-Control-Allow-Methods": methods.replace("ASKED", asked[1]),
        }
        return 204, fields | ({"Access-Control-Allow-Credentials": "true"} if credentials else {}), b""

    return api


@pytest.mark.parametrize(
    ("headers", "methods", "credentials", "causes"),
    [
        ("ASKED", "GET", False, ["any header"]),
        ("*", "*", False, ["any header", "any method"]),
        ("*", "GET", True, []),
        ("content-type, ASKED", "ASKED", True, ["any header", "any method"]),
        ("content-type", "GET, POST", False, []),
    ],
)
def test_a_preflight_that_grants_whatever_is_asked_is_shown(
    serve: Any, live: Any, headers: str, methods: str, credentials: bool, causes: list[str]
) -> None:
    url = serve(_preflights(headers, methods, credentials=credentials))
    assert [one.cause for one in look("cors-broad-preflight", live(url, origins=(KNOWN,))).seen] == causes


def test_where_no_origin_may_ask_nothing_is_known(serve: Any, live: Any) -> None:
    with pytest.raises(Untried, match="--origin"):
        look("cors-broad-preflight", live(serve(lambda _: (204, {}, b""))))
