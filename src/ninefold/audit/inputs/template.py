"""Paths that were seen, as templates: what is an id in them becomes a parameter.

Soberly: a UUID, long hex or an opaque token is an id wherever it stands; a number is one where another stood in its
place too. Everything else is a name, and stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Longest path, in segments. What is longer is no path of an API, and is given no template.
SEGMENTS = 40

#: Digits of a number that is kept as an example. A longer one may be a telephone's, a card's, a person's.
_SHORT = 7

#: Characters of a token of base64url, and how many of its characters, and of those of a long run, must turn.
_TOKEN, _MANY, _FEW = 16, 0.33, 0.2

#: Digits of a number that is kept as an example. A longer one may be a telephone's, a card's, a person's.
_SHORT = 7

#: Characters of a token, and how many of them are of another make (lower case, upper case, digit) than the one before;
#: lower case after upper case is how a word begins, and does not count.
_TOKEN, _TURNS = 16, 0.33

#: So many digits no word of an API has: a version, a year or the name of a hash have fewer.
_DIGITS = 6

_NUMBER = re.compile(r"\d{1,20}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX = re.compile(r"(?=.*\d)[0-9a-fA-F]{16,}")
_EMAIL = re.compile(r"[^@\s]+(?:@|%40)[^@\s]+\.[A-Za-z]{2,}")
_RUN = re.compile(r"[A-Za-z0-9]{20,}")
_NAMED = re.compile(r"\{([^{}]*)\}")
_WORD = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Template:
    """`path` as OpenAPI writes it; `parameters` maps each name in it to its schema."""

    path: str
    parameters: tuple[tuple[str, dict[str, Any]], ...]


def templates(paths: Sequence[tuple[str, ...]]) -> list[Template]:
    """One for each path, in their order. A segment `{name}` is a parameter already, and keeps its name."""
    made: list[tuple[str, ...]] = [()] * len(paths)
    told: list[list[tuple[str, dict[str, Any]]]] = [[] for _ in paths]
    for at in range(min(SEGMENTS, max(map(len, paths), default=0))):
        beside: dict[tuple[str, ...], dict[str, None]] = {}
        for place, path in enumerate(paths):
            if at < len(path):
                beside.setdefault(made[place], {})[path[at]] = None
        named = {head: _parameter(head, list(values)) for head, values in beside.items()}
        for place, path in enumerate(paths):
            if at < len(path):
                name, schema, ids = named[made[place]]
                if path[at] in ids:
                    told[place].append((name, schema))
                    made[place] = (*made[place], f"{{{name}}}")
                else:
                    made[place] = (*made[place], path[at])
    return [Template("/" + "/".join(path), tuple(names)) for path, names in zip(made, told, strict=True)]


def _parameter(head: tuple[str, ...], values: list[str]) -> tuple[str, dict[str, Any], frozenset[str]]:
    """Name and schema of the parameter below `head`, and which of the values seen there it takes."""
    given = [one for one in values if _NAMED.fullmatch(one)]
    certain = [one for one in values if is_id(one)]
    numbers = [one for one in values if _NUMBER.fullmatch(one)]
    if len(numbers) < 2 and not given and not certain:
        numbers = []
    ids = frozenset([*given, *certain, *numbers])
    schema: dict[str, Any] = {"type": "string"}
    if numbers and all(_NUMBER.fullmatch(one) for one in certain):
        example = next((int(one) for one in numbers if len(one) <= _SHORT), None)
        schema = {"type": "integer"} | ({"example": example} if example is not None else {})
    elif certain and all(_UUID.fullmatch(one) for one in certain) and not numbers:
        schema = {"type": "string", "format": "uuid"}
    taken = {name for one in head for name in _NAMED.findall(one)}
    name = _NAMED.fullmatch(given[0])[1] if given else _name(head)  # type: ignore[index]
    while name in taken:
        name += "_"
    return name, schema, ids


def is_id(text: str) -> bool:
    """Whether it is unmistakably an id, an address or a token, and no word that somebody chose."""
    if _UUID.fullmatch(text) or _HEX.fullmatch(text) or _EMAIL.fullmatch(text):
        return True
    run = _RUN.search(text)
    if run and "d" in (makes := set(_makes(run[0]))) and len(makes) > 1 and _turns(run[0]) >= _FEW:
        return True
    return len(_makes(text)) >= _TOKEN and len(set(_makes(text))) == 3 and _turns(text) >= _MANY


def is_data(text: str) -> bool:
    """Whether a name is somebody's rather than a word of the API: an id, an address, or with the digits of one (a telephone's,
    a bank account's, a day's).
    """
    return is_id(text) or "@" in text[1:] or sum(map(str.isdigit, text)) >= _DIGITS


def _makes(text: str) -> list[str]:
    """Of each letter and digit whether it is lower case, upper case or a digit."""
    return ["d" if one.isdigit() else "u" if one.isupper() else "l" for one in text[:200] if one.isalnum()]


def _turns(text: str) -> float:
    """Which part of the characters is of another make than the one before: of words few, of what chance wrote many.

    Lower case after upper case is how a word begins, and does not count.
    """
    makes = _makes(text)
    return sum(one != other and (one, other) != ("u", "l") for one, other in pairwise(makes)) / len(makes)


def _name(head: tuple[str, ...]) -> str:
    """`order_id` below `orders`."""
    word = next((_WORD.sub("_", one).strip("_") for one in reversed(head) if not _NAMED.fullmatch(one)), "")
    if word.endswith("ies"):
        word = f"{word[:-3]}y"
    elif word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    return f"{word}_id" if word else "id"
