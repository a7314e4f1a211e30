"""Every finding of these tests is shown once more by its line for a shell."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def shown_again(again: None) -> None:
    """The signs' own tests find what there is to find."""
