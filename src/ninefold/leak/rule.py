"""One thing that should never leave inside of a text, and how it is told from what only looks like it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from collections.abc import Callable


class Kind(StrEnum):
    """What a text gives away (CWE-209, CWE-497, CWE-200; OWASP API3:2023, API8:2023)."""

    TRACE = "trace"
    SQL = "sql"
    PATH = "path"
    VERSION = "version"
    SECRET = "secret"  # noqa: S105
    CARD = "card"
    ID = "id"


#: In place of words: a run of nine digits or more, one space, point, hyphen or slash between two of them at most.
NUMBER = "\x01"
#: In place of words: nine to twenty-four capitals and digits in a row, with both among them.
MIXED = "\x02"
#: In place of words: an `@`.
AT = "\x03"


@dataclass(frozen=True, slots=True)
class Rule:
    """Whatever `pattern` finds has one of `words` in it, and one of `also` where there are any.

    Words are of three bytes at least, in small letters, and stand for capitals as well; `9` stands for every digit. They are
    looked for in all texts, the pattern only where they are. What leaks is the pattern's group `leak`, or all that it
    matches; `real` tells whether it is what it looks like. Patterns are read over texts that anybody may have written: every
    repetition in them has a bound.
    """

    kind: Kind
    what: str
    words: tuple[str, ...]
    pattern: re.Pattern[str]
    also: tuple[str, ...] = ()
    real: Callable[[re.Match[str]], bool] | None = None
