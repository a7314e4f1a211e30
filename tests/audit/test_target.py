from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.key import Key
from ninefold.audit.rule import Needs
from ninefold.audit.target import Target
from ninefold.contract.description import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.contract.description import Description


def test_what_was_not_given_is_named() -> None:
    assert Target(now=0.0).lacks(tuple(Needs)) == tuple(Needs)
    source = Target(now=0.0, source=Path(), log=Path("a.log"), active=True)
    assert not source.lacks((Needs.SOURCE, Needs.LOG, Needs.ACTIVE))


def test_two_keys_are_two_only_when_they_differ() -> None:
    one, same, other = (Key("header", "K", value) for value in ("a", "a", "b"))
    assert Target(now=0.0, keys=(one, same)).lacks((Needs.KEY, Needs.KEYS)) == (Needs.KEYS,)
    assert not Target(now=0.0, keys=(one, other)).lacks((Needs.KEYS,))


def test_a_running_api_brings_its_probe(live: Callable[..., Target]) -> None:
    target = live("http://127.0.0.1:9")
    assert not target.lacks((Needs.URL,))
    assert str(target.probe.origin) == "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("kind", "lacking"),
    [
        (Kind.OPENAPI, ()),
        (Kind.POSTMAN, (Needs.DESCRIPTION, Needs.FLOWS)),
        (Kind.HAR, (Needs.DESCRIPTION, Needs.FLOWS)),
        (Kind.ROUTES, (Needs.DESCRIPTION, Needs.REQUESTS, Needs.FLOWS)),
        (Kind.GRAPHQL, (Needs.DESCRIPTION, Needs.REQUESTS, Needs.FLOWS, Needs.OPERATIONS)),
    ],
)
def test_a_description_is_enough_for_what_its_kind_tells(
    describe: Callable[[dict[str, Any]], Description], kind: Kind, lacking: tuple[Needs, ...]
) -> None:
    target = Target(now=0.0, description=replace(describe({}), kind=kind))
    assert target.lacks((Needs.DESCRIPTION, Needs.REQUESTS, Needs.FLOWS, Needs.OPERATIONS)) == lacking


def test_examples_with_oauth2_are_enough_to_judge_its_flows(describe: Callable[[dict[str, Any]], Description]) -> None:
    schemes = {"o": {"type": "oauth2", "flows": {"implicit": {"scopes": {}}}}}
    api = replace(describe({"components": {"securitySchemes": schemes}}), kind=Kind.POSTMAN)
    assert not Target(now=0.0, description=api).lacks((Needs.FLOWS,))


def test_the_reason_says_why_what_is_there_is_not_enough(describe: Callable[[dict[str, Any]], Description]) -> None:
    needs = (Needs.DESCRIPTION, Needs.URL)
    assert Target(now=0.0).reason(needs) == f"needs {Needs.DESCRIPTION} and {Needs.URL}"
    recorded = Target(now=0.0, description=replace(describe({}), kind=Kind.HAR))
    assert recorded.reason(needs) == (
        f"needs an OpenAPI description and {Needs.URL}; a HAR recording shows examples, which promise nothing"
    )
    searched = Target(now=0.0, undescribed="No description was found.")
    assert searched.reason((Needs.DESCRIPTION,)) == f"needs {Needs.DESCRIPTION}; the API publishes none"
    assert searched.reason((Needs.SOURCE,)) == f"needs {Needs.SOURCE}"
