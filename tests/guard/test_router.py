"""Routing: specific before general, at the cost of the path's own length, and nothing that can be read in two ways."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.guard.router import AmbiguousPath, Router

ROUTER = Router([
    ("GET", "/a", 1), ("GET", "/a/{x}", 2), ("GET", "/a/b", 3), ("GET", "/a/{x}/c", 4), ("GET", "/a/b/d", 5),
    ("GET", "/f/{name}.{ext}", 6), ("GET", "/f/{name}", 7), ("GET", "/v/{id}:go", 8), ("GET", "/", 9), ("GET", "/.well-known/x", 10),
    ("GET", "/a/", 11),
])  # fmt: skip


@pytest.mark.parametrize(
    ("path", "plan"),
    [("/a", 1), ("/a/z", 2), ("/a/b", 3), ("/a/b/c", 4), ("/a/b/d", 5), ("/a/%62", 3), ("/f/x.txt", 6), ("/f/x", 7), ("/v/1:go", 8),
     ("/", 9), ("/.well-known/x", 10), ("/a/", 11), ("/a/caf%C3%A9", 2), ("/a/x;y", 2), ("/a/b%20c", 2)],
)  # fmt: skip
def test_a_path_finds_its_most_specific_template(path: str, plan: int) -> None:
    found = ROUTER.find(path)
    assert found is not None
    assert found.plan("GET") == plan


@pytest.mark.parametrize("path", ["/A", "/a/b/x", "/v/1", "/a/z/", "/nothing", "/a/z/c/d"])
def test_a_path_that_no_template_has_is_nowhere(path: str) -> None:
    assert ROUTER.find(path) is None


@pytest.mark.parametrize(
    "path",
    ["/a/..", "/a/.", "/a/%2e%2e", "/a/.%2E", "/a/..;x", "/a/x%2fy", "/a/x%5cy", "/a/%00", "/a/%", "/a/%zz", "/a/%ff", "//a",
     "/a//c", "/a/x y", "/a/x\\y", "/a/B", "/a/b;x", "/a/b.", "/a/%62%3b", "/a/b%20", "/a/%2562", "", "*", "a", "/a/<x>"],
)  # fmt: skip
def test_what_two_servers_could_read_in_two_ways_is_refused(path: str) -> None:
    with pytest.raises(AmbiguousPath):
        assert ROUTER.find(path) is None
        raise AmbiguousPath


@pytest.mark.parametrize(
    ("templates", "path"),
    [
        (["/b/FOO", "/{y}/{x}"], "/b/foo"),
        (["/b/FOO", "/{y}/{x}"], "/B/FOO"),
        (["/b/FOO/{z}", "/{y}/{x}/q"], "/b/Foo/q"),
        (["/users/me", "/users/{id}"], "/users/ME"),
        (["/users/me", "/users/{id}"], "/users/me;v=1"),
        (["/{y}/foo", "/{a}.{b}/{y}"], "/c.d/foo."),
        (["/a/{x}/c", "/a/{x}/{y}"], "/a/1/C"),
    ],
)
def test_another_spelling_of_a_more_specific_path_is_refused(templates: list[str], path: str) -> None:
    router = Router([("GET", template, place) for place, template in enumerate(templates)])
    with pytest.raises(AmbiguousPath):
        router.find(path)


@pytest.mark.parametrize(
    ("templates", "path", "plan"),
    [
        (["/foo/bar", "/{x}"], "/Foo", 1),
        (["/users/me", "/users/{id}"], "/users/MEL", 1),
        (["/users/me", "/users/{id}"], "/users/me", 0),
        (["/a/{x}", "/{y}/FOO"], "/a/foo", 0),
        (["/a/{x}/c", "/{y}/b/{z}"], "/a/b/d", 1),
        (["/Users/{id}", "/users/{id}"], "/Users/1", 0),
    ],
)
def test_what_only_looks_like_another_path_is_found(templates: list[str], path: str, plan: int) -> None:
    found = Router([("GET", template, place) for place, template in enumerate(templates)]).find(path)
    assert found is not None
    assert found.plan("GET") == plan


TEMPLATE = st.lists(st.sampled_from(["a", "b", "B", "{x}", "{x}.{y}"]), min_size=1, max_size=4).map(
    lambda one: "/" + "/".join(one)
)


@given(templates=st.lists(TEMPLATE, min_size=1, max_size=6, unique=True), path=TEMPLATE)
def test_what_is_found_has_the_form_of_its_template_and_no_literal_earlier_would_do(
    templates: list[str], path: str
) -> None:
    path = path.replace("{x}.{y}", "m.n").replace("{x}", "k")
    router = Router([("GET", template, template) for template in templates])
    try:
        found = router.find(path)
    except AmbiguousPath:
        assert any(template.lower() != template for template in templates) or path.lower() != path
        return
    asked = path.split("/")

    def fits(template: str) -> bool:
        segments = template.split("/")
        return len(segments) == len(asked) and all(
            one in {real, "{x}"} or (one == "{x}.{y}" and "." in real)
            for one, real in zip(segments, asked, strict=True)
        )

    fitting = [template for template in templates if fits(template)]
    assert (found is not None) == bool(fitting)
    if found is not None:
        assert found.template in fitting
        best = min(["{" in segment for segment in one.split("/")] for one in fitting)
        assert ["{" in segment for segment in found.template.split("/")] == best


@given(st.text(max_size=40))
def test_any_text_is_routed_or_refused(path: str) -> None:
    try:
        ROUTER.find(path)
    except AmbiguousPath:
        pass


def test_a_long_segment_between_literals_takes_no_time() -> None:
    router = Router([("GET", "/compare/{a}-{b}-{c}-{d}.json", "plan")])
    began = time.process_time()
    for text in ("-" * 16_000, "a-" * 8_000, "-" * 16_000 + ".json."):
        assert router.find(f"/compare/{text}") is None
    assert router.find("/compare/1-2-3-4.json") is not None
    assert time.process_time() - began < 0.2, "stepping back through all ways would take hours"
