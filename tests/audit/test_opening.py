from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.finding import Severity
from ninefold.audit.opening import computes, declared

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target
    from ninefold.contract.description import Operation


@pytest.fixture
def operation(static: Callable[..., Target]) -> Callable[..., Operation]:
    def made(path: str, method: str = "post", **raw: Any) -> Operation:
        return static({"paths": {path: {method: {"security": [], "responses": {}, **raw}}}}).api.operations[0]

    return made


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("", Severity.MEDIUM),
        ("Places an order.", Severity.MEDIUM),
        ("Reads the queue and deletes what was read.", Severity.MEDIUM),
        ("Not for anonymous callers.", Severity.MEDIUM),
        ("Public form, but requires a token.", Severity.MEDIUM),
        ("Creates a public post.", Severity.LOW),
        ("Counts visits of the public site.", Severity.LOW),
        ("Carts for guests: the id is the capability.", None),
        ("Feedback, without log-in.", None),
        ("Anyone may leave a note here.", None),
        ("Anonymous on purpose.", None),
        ("Computes a price; stores nothing.", None),
        ("Reads a batch of items by their ids.", None),
    ],
)
def test_a_reason_in_words_takes_weight_away(
    operation: Callable[..., Operation], text: str, severity: Severity | None
) -> None:
    assert declared(operation("/things", description=text)) is severity
    assert declared(operation("/things", summary=text)) is severity


@pytest.mark.parametrize("text", ["For guests.", "Computes a price.", "Public."])
def test_what_is_deleted_by_everybody_weighs_with_a_reason_too(operation: Callable[..., Operation], text: str) -> None:
    assert declared(operation("/things", "delete", description=text)) in {Severity.LOW, Severity.MEDIUM}


@pytest.mark.parametrize(
    ("method", "path", "held"),
    [
        ("post", "/tax/compute", True),
        ("post", "/products/look-up", True),
        ("post", "/products:lookup", True),
        ("delete", "/products/lookup", False),
        ("post", "/compute/instances", False),
        ("post", "/compute", False),
        ("post", "/computers", False),
    ],
)
def test_what_only_computes_is_known_by_the_end_of_its_path(
    operation: Callable[..., Operation], method: str, path: str, *, held: bool
) -> None:
    assert computes(operation(path, method)) is held
