"""The contract's section about what callers send (sign 7): held against the description before the API gets it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ninefold.contract.section import Section
from ninefold.contract.value import Why


class Requests(Section):
    """Sign 7. What the description does not declare does not go in (OWASP API3:2023, mass assignment)."""

    undeclared: Literal["drop", "refuse", "report"] = Field(
        "drop",
        description="Members of a JSON body and query parameters that are not declared, or are `readOnly`: they do not go on "
        "to the API (`drop`), the request is refused with their places (`refuse`), or they go on and the trail tells.",
    )
    invalid: Literal["refuse", "report"] = Field(
        "refuse",
        description="Values that do not fit their schema: 400 for parameters and 422 for bodies, with the place of each flaw "
        "and never the value (`refuse`); or they go on and the trail tells (`report`).",
    )
    depth: int = Field(64, ge=1, le=256, description="How deep a JSON body may nest.")
    members: int = Field(50_000, ge=1, le=1_000_000, description="Most members of all objects of a JSON body together.")
    items: int = Field(100_000, ge=1, le=10_000_000, description="Most items of all arrays of a JSON body together.")
    open: dict[str, Why] = Field(
        {}, description="Operations whose parameters and bodies go on unread, and why. Default: none."
    )
