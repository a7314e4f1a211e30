"""Objects of another caller by GraphQL: given to whoever has an id, or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from graphql import NoSchemaIntrospectionCustomRule
from tests.audit.servers import AUTHORS, SDL, Library
from tests.audit.test_graphql import described

from ninefold.audit.document import only_queries
from ninefold.audit.finding import Confidence
from ninefold.audit.rule import Untried
from ninefold.audit.signs import authorization

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

RULE = next(rule for rule in authorization.RULES if rule.id == "authorization-object-level")
PRIVATE = SDL.replace("books(first: Int): [Book!]!", "shelf: Int")


def look(serve: Callable[..., str], live: Callable[..., Target], library: Any) -> Looked:
    return RULE.look(live(serve(library), described("/graphql"), *(one["key"] for one in AUTHORS)))


def test_an_object_that_is_listed_to_another_alone_is_suspected(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    (seen,) = look(serve, live, Library(sdl=PRIVATE, owned=True)).seen
    assert seen.confidence is Confidence.SUSPECTED
    assert "book(id)" in seen.detail


def test_an_object_that_everybody_reads_is_not(serve: Callable[..., str], live: Callable[..., Target]) -> None:
    assert look(serve, live, Library(sdl=PRIVATE)).seen == ()


def test_an_object_that_is_listed_to_all_callers_is_not_tried(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    with pytest.raises(Untried):
        look(serve, live, Library(owned=True))


def test_an_object_that_only_its_owner_gets_is_not(serve: Callable[..., str], live: Callable[..., Target]) -> None:
    class Careful(Library):
        def _root(self, who: dict[str, str] | None) -> dict[str, Any]:
            root = super()._root(who)
            found = root["book"]

            def own(info: Any, id: str) -> Any:  # noqa: A002  (the schema's word)
                book = found(info, id)
                return book if book and who and AUTHORS[book["_of"]] is who else None

            return {**root, "book": own}

    looked = look(serve, live, Careful(sdl=PRIVATE, owned=True))
    assert (looked.at, looked.seen) == (1, ())


def test_the_types_of_the_source_will_do(
    serve: Callable[..., str], live: Callable[..., Target], tmp_path: Path
) -> None:
    (tmp_path / "schema.graphql").write_text(PRIVATE, "utf-8")
    library = Library(sdl=PRIVATE, owned=True, rules=(NoSchemaIntrospectionCustomRule,))
    keys = [one["key"] for one in AUTHORS]
    assert RULE.look(live(serve(library), described("/graphql"), *keys, source=tmp_path)).seen
    assert all(only_queries(one) for one in library.ran)
