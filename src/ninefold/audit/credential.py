"""How sure it is that a parameter with a credential's name takes one: what its schema and its place say (signs 1 and 5).

`?token=ETH` is a currency, and `GET /users?username=ada` a search.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any

from ninefold.audit.schema import resolved
from ninefold.errors import DescriptionError

if TYPE_CHECKING:
    from ninefold.audit.target import Target
    from ninefold.contract.description import Operation, Parameter

#: Most characters of a symbol.
SYMBOL = 12

#: The name that means a currency too; an `api_key` of eight characters is a key still.
_AMBIGUOUS = "token"
_CURRENCY = re.compile(r"\bsymbols?\b|\bcrypto\b|currenc|\bcoins?\b|\berc-?\d+|\bticker|\bblockchain", re.IGNORECASE)
_SECRET = re.compile(
    r"secret|api[- ]?key|auth|access|credential|one[- ]?time|\botp\b|\bpin\b|session|log[- ]?in", re.IGNORECASE
)

#: A pattern of few letters and nothing else: `^[A-Z]{2,10}$`.
_LETTERS = re.compile(r"\^\[(?:A-Z|a-z|A-Za-z|a-zA-Z)\](?:\{(?:\d,)?(\d{1,2})\})?\$")
_UPPER = re.compile(r"[A-Z]{2,8}")
_WORD = re.compile(r"[A-Za-z]{2,12}")
_PLACEHOLDER = re.compile(
    r"string|text|value|(?:my|your|the)?(?:api)?(?:tokens?|secret|keys?)|abc\w*|xyz|foo|bar|test|demo|example",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"pass(?:word|wd|phrase|code)?|pwd|pin|secret", re.IGNORECASE)
_PEOPLE = re.compile(
    r"/(?:users?|accounts?|members?|people|persons?|profiles?|customers?|authors?|contacts?)(?:/(?:search|find|look-?up))?/?$",
    re.IGNORECASE,
)


class Doubt(Enum):
    """What the description says against a credential's name: nothing, something, or enough."""

    NONE = "none"
    SOME = "some"
    ENOUGH = "enough"


def doubt(target: Target, operation: Operation, parameter: Parameter) -> Doubt:
    """How much speaks against it that this parameter takes a credential. Schemas that lead nowhere say nothing."""
    schema = resolved(target, parameter.schema)
    schema = schema if isinstance(schema, dict) else {}
    if _listed(schema):
        return Doubt.ENOUGH
    if parameter.name.lower() == "username":
        return _of_name(operation, parameter)
    if parameter.name.lower() != _AMBIGUOUS:
        return Doubt.NONE
    raw = _raw(target, parameter)
    told = " ".join(str(one.get("description") or "") for one in (raw, schema))
    examples = _examples(schema) + _examples(raw)
    short = isinstance(longest := schema.get("maxLength"), int) and longest <= SYMBOL
    letters = _of_letters(schema.get("pattern"))
    word = bool(examples) and all(_WORD.fullmatch(one) and not _PLACEHOLDER.fullmatch(one) for one in examples)
    symbol = word and all(_UPPER.fullmatch(one) for one in examples)
    if not (short or letters or word) or (_SECRET.search(told) and not letters):
        return Doubt.NONE
    sure = letters or symbol or (_CURRENCY.search(told) is not None)
    return Doubt.ENOUGH if sure and not _SECRET.search(told) else Doubt.SOME


def _listed(schema: dict[str, Any]) -> bool:
    return "const" in schema or (isinstance(schema.get("enum"), list) and len(schema["enum"]) > 0)


def _of_name(operation: Operation, parameter: Parameter) -> Doubt:
    """A name to look somebody up by, unless a password stands beside it."""
    if operation.method != "GET" or parameter.location != "query":
        return Doubt.NONE
    if any(_PASSWORD.fullmatch(one.name) for one in operation.parameters):
        return Doubt.NONE
    return Doubt.ENOUGH if _PEOPLE.search(operation.path) else Doubt.SOME


def _of_letters(pattern: Any) -> bool:
    found = _LETTERS.fullmatch(pattern) if isinstance(pattern, str) else None
    return found is not None and int(found[1] or 1) <= SYMBOL


def _examples(holder: dict[str, Any]) -> list[str]:
    """The texts that stand as examples in a schema (a list) or a parameter (a map of objects with a `value`)."""
    many = holder.get("examples")
    if isinstance(many, dict):
        many = [one.get("value") for one in many.values() if isinstance(one, dict)]
    listed = [holder.get("example"), holder.get("default"), *(many if isinstance(many, list) else ())]
    return [one for one in listed if isinstance(one, str)]


def _raw(target: Target, parameter: Parameter) -> dict[str, Any]:
    try:
        found = target.api.resolve({"$ref": f"#{parameter.pointer}"})
    except DescriptionError:
        return {}
    return found if isinstance(found, dict) else {}
