"""How many items a caller asks for in one page, held against a ceiling (OWASP API4:2023).

APIs read numbers in ways of their own, and take names for each other: so a size is looked for by its plain name in what goes
on, and what is no number as everybody writes it counts as more than any ceiling. So does less than nothing, which means all to
some.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ninefold.contract.description import escape
from ninefold.guard.ceilings import plain
from ninefold.guard.flaw import Flaw
from ninefold.guard.written import Written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.guard.ceilings import Size
    from ninefold.guard.entrance import Entrance
    from ninefold.guard.request import Request

_NUMBER = re.compile(r"[0-9]{1,309}(?:\.[0-9]{1,309})?(?:[eE][+-]?[0-9]{1,3})?")
#: What a schema may take and no API for a number: then it gives as many as it likes.
_NONE = frozenset({"", "null"})


class Pages:
    """Compiled once for an operation. Without state."""

    __slots__ = ("_clamps", "_entrance", "_most", "_sizes")

    def __init__(self, sizes: Mapping[str, Size], most: int, entrance: Entrance, *, clamps: bool) -> None:
        """`sizes` are by their plain names. `clamps`: who asks for more gets `most`, where the parameter's schema takes it."""
        self._sizes = sizes
        self._most = most
        self._entrance = entrance
        self._clamps = clamps

    def held(self, request: Request) -> tuple[list[tuple[str, str, Flaw]], str]:
        """The sizes that are past the ceiling; and what the trail is told of those that were lowered to it in the target."""
        path, _, raw = request.target.partition(b"?")
        found: list[tuple[str, str, Flaw]] = []
        parts = raw.decode("latin-1").split("&") if raw else []
        lowered = []
        for place, part in enumerate(parts):
            written, _, text = part.partition("=")
            size = self._sizes.get(plain(_text(written)))
            if size is None or self._fits(_text(text)):
                continue
            if self._clamps and self._takes(size):
                parts[place] = f"{written}={self._most}"
                lowered.append(size.parameter.name)
            else:
                pointer = f"/{escape(size.member)}" if size.member else ""
                found.append(
                    ("query", size.parameter.name, Flaw(pointer, "ceiling", f"asks for more than {self._most} items"))
                )
        if found or not lowered:
            return found, ""
        request.target = path + b"?" + "&".join(parts).encode("latin-1")
        return found, f"query {', '.join(dict.fromkeys(lowered))}: lowered to {self._most}"

    def _fits(self, text: str) -> bool:
        return text in _NONE or (_NUMBER.fullmatch(text) is not None and Decimal(text) <= self._most)

    def _takes(self, size: Size) -> bool:
        """Whether a parameter's schema takes the ceiling as a value; of a member that is not asked."""
        if size.member:
            return True
        value = Written(size.parameter, self._entrance.description).one(str(self._most))
        return not self._entrance.validator(size.parameter.schema).of_value(value)


def _text(raw: str) -> str:
    return unquote(raw.replace("+", " "))
