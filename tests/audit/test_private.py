from __future__ import annotations

import pytest

from ninefold.audit.private import is_private


@pytest.mark.parametrize(
    "template", ["/orders/{id}", "/v1/patients/{id}/results/{n}", "/api/sales-orders/{id}", "/me/{x}"]
)
def test_names_of_what_belongs_to_one(template: str) -> None:
    assert is_private(template)


@pytest.mark.parametrize(
    "template", ["/pages/{id}", "/articles/{id}", "/products/{order}", "/reorders/{id}", "/{users}"]
)
def test_names_that_say_nothing_of_it(template: str) -> None:
    assert not is_private(template)
