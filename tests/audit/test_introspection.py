"""Schemas that are told, and names that are suggested, by real services over graphql-core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from graphql import NoSchemaIntrospectionCustomRule
from tests.audit.servers import AUTHORS, Library, limited

from ninefold.audit.finding import Confidence, Severity
from ninefold.audit.rule import Untried
from ninefold.audit.signs import filtering

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

pytestmark = pytest.mark.usefixtures("again")

RULES = {rule.id: rule for rule in filtering.RULES}
KEY = AUTHORS[0]["key"]


def look(what: str, target: Target) -> Looked:
    return RULES[f"filtering-graphql-{what}"].look(target)


def test_a_schema_for_everybody_of_an_api_that_is_not_is_confirmed(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    (seen,) = look("introspection", live(serve(Library()), None, KEY)).seen
    assert (seen.severity, seen.confidence) == (Severity.MEDIUM, Confidence.CONFIRMED)


@pytest.mark.parametrize(("closed", "keys"), [(True, [KEY]), (False, [])])
def test_a_schema_that_may_be_told_on_purpose_is_suspected_and_low(
    serve: Callable[..., str], live: Callable[..., Target], closed: bool, keys: list[str]
) -> None:
    (seen,) = look("introspection", live(serve(Library(closed=closed)), None, *keys)).seen
    rule = RULES["filtering-graphql-introspection"]
    assert (seen.severity or rule.severity, seen.confidence or rule.confidence) == (Severity.LOW, Confidence.SUSPECTED)


@pytest.mark.parametrize("library", [limited(), Library(rules=(NoSchemaIntrospectionCustomRule,))])
def test_a_schema_that_is_kept_is_none(
    serve: Callable[..., str], live: Callable[..., Target], library: Library
) -> None:
    assert look("introspection", live(serve(library), None, KEY)).seen == ()


@pytest.mark.parametrize("rules", [(), (NoSchemaIntrospectionCustomRule,)])
def test_names_that_are_suggested_are_shown(serve: Callable[..., str], live: Callable[..., Target], rules: Any) -> None:
    (seen,) = look("suggestions", live(serve(Library(rules=rules)))).seen
    assert "id you mean" in seen.detail


def test_names_of_types_are_found_without_a_guess(serve: Callable[..., str], live: Callable[..., Target]) -> None:
    library = Library(rules=(NoSchemaIntrospectionCustomRule,), sdl="type Query { zzqx: Int }")
    (seen,) = look("suggestions", live(serve(library))).seen
    assert "types" in seen.detail


@pytest.mark.parametrize("library", [limited(), Library(quiet=True)])
def test_messages_without_suggestions_are_none(
    serve: Callable[..., str], live: Callable[..., Target], library: Library
) -> None:
    assert look("suggestions", live(serve(library))).seen == ()


def test_a_page_that_always_asks_did_you_mean_suggests_nothing(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        if b"__typename}" in request.content and b"on " not in request.content:
            return 200, {}, b'{"data": {"__typename": "Query"}}'
        return 200, {}, b'{"errors": [{"message": "no. Did you mean to read the manual?"}]}'

    assert look("suggestions", live(serve(api))).seen == ()


def test_an_api_without_graphql_is_skipped(serve: Callable[..., str], live: Callable[..., Target]) -> None:
    for what in ("introspection", "suggestions"):
        with pytest.raises(Untried, match="GraphQL"):
            look(what, live(serve(lambda _: (404, {}, b""))))


def test_traces_in_errors_are_found_by_a_document_that_fails(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    rule = RULES["filtering-verbose-errors"]
    (seen,) = rule.look(live(serve(limited(traces=True)))).seen
    assert seen.cause == "a Python traceback"
    assert rule.look(live(serve(limited()))).seen == ()
