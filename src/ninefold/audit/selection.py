"""What else a list may be asked for, and so what it says by leaving something out.

A list that shows a caller his own things unless he asks for more (`?view=everyone`, `?assignee=`) says what he asked for,
and not what he may read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ninefold.audit.body import OWNER, plain
from ninefold.audit.sample import text
from ninefold.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.answer import Ask
    from ninefold.contract.description import Description, Operation, Parameter

#: Most other questions that one list is asked.
QUESTIONS = 6

#: A parameter that says whose things are wanted, beside those that name an owner.
_WHOSE = re.compile(
    r"(?:^|_)(?:mine|my|own|only|all|everyone|everybody|scope|view|visibility|shared|assigned|assignee|responsible|agent|group|for)"
    r"(?:_?(?:to|by|with|me|id))*$"
)


def chooses_whose(operation: Operation) -> bool:
    """Whether the caller of a list says whose things he wants to see."""
    return any(_WHOSE.search(plain(one.name)) or OWNER.search(plain(one.name)) for one in _questions(operation))


def wider(description: Description, operation: Operation, ask: Ask) -> tuple[Ask, ...]:
    """The same list, asked for each other value of its parameters that the description names."""
    found = [ask.ask(one.name, text(value)) for one in _questions(operation) for value in _values(description, one)]
    return tuple(found[:QUESTIONS])


def _questions(operation: Operation) -> Iterator[Parameter]:
    return (one for one in operation.parameters if one.location == "query" and not one.required)


def _values(description: Description, parameter: Parameter) -> Iterator[Any]:
    """The values of a list or a flag but for the one that is taken without asking."""
    try:
        raw = description.resolve(parameter.schema)
    except DescriptionError:
        return
    if not isinstance(raw, dict):
        return
    for word in ("allOf", "anyOf", "oneOf"):
        for part in raw[word] if isinstance(raw.get(word), list) else ():
            try:
                inner = description.resolve(part)
            except DescriptionError:
                continue
            raw = {**inner, **raw} if isinstance(inner, dict) else raw
    values = raw.get("enum") if isinstance(raw.get("enum"), list) else ()
    if not values and raw.get("type") == "boolean":
        values = [True, False]
    yield from (one for one in values or () if one != raw.get("default") and isinstance(one, (str, int)))
