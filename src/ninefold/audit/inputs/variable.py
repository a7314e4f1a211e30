"""Variables of a collection (`{{name}}`): put in where their value is known, left where it is not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How often variables in variables are followed, and the longest text that may come of it. One that refers to itself ends here.
_ROUNDS, _LONGEST = 8, 8192

VARIABLE = re.compile(r"\{\{\s*([^{}]{1,200}?)\s*\}\}")


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with the values of its variables; a variable without a value, or that leads back to itself, stays."""
    for _ in range(_ROUNDS):
        made = VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)
        if made == text or len(made) > _LONGEST:
            return made[:_LONGEST]
        text = made
    return text
