"""The contract's section about how long lists may be: in what callers ask for, and in what the API answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ninefold.contract.section import Section
from ninefold.contract.value import Why

#: Items, where neither the contract nor the description gives a number.
MOST = 1000

Ceiling = Annotated[int, Field(ge=1, le=1_000_000_000)]


class Lists(Section):
    """Sign 6. No page without an end (OWASP API4:2023, CWE-770). A number is short for `{most: NUMBER}`."""

    most: Ceiling | None = Field(
        None,
        description="Most items that a page may be asked for, and that a list in an answer has. Default: 1000, or the "
        "`maximum` of an operation's page size where the description declares a higher one.",
    )
    asked: Literal["refuse", "clamp"] = Field(
        "refuse",
        description="What becomes of a request for more: 400 (`refuse`), or the API is asked for as many as there may be "
        "(`clamp`). What is no number, or less than nothing, counts as more.",
    )
    sent: Literal["report", "cut", "block"] = Field(
        "report",
        description="What becomes of a longer list that is a JSON answer itself, or a declared member of it: the trail tells "
        "how many items were too many (`report`), they stay behind (`cut`), or the answer is withheld (`block`).",
    )
    described: bool = Field(
        default=False,
        description="Whether `maxItems` of the description is a ceiling too, wherever the list stands in an answer.",
    )
    sizes: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = Field(
        (),
        description="Query parameters that say how many items a page has, of any operation, beside the integers of GET that "
        "are called so: `limit`, `per_page`, `pageSize`, `max_results`, `page[size]` and the like; `count`, `first`, `size`, "
        "`top` and the like where the answer has a list.",
    )
    operations: dict[str, Ceiling] = Field({}, description="Operations with a ceiling of their own in place of `most`.")
    open: dict[str, Why] = Field({}, description="Operations whose lists have no ceiling, and why. Default: none.")
