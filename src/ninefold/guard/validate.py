"""Values held against the schemas of a description: a fast yes where it can be had, and the last word by JSON Schema.

The native judge says yes to nearly all that is right (`ninefold.guard.accept`), and what it says yes to, JSON Schema says
yes to as well. All else jsonschema-rs judges: it knows the whole of 2020-12, and tells what is wrong. Numbers keep their digits
on that way: no 64-bit id and no decimal is judged through a float.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from ninefold.contract.description import escape
from ninefold.contract.dialect import Words
from ninefold.errors import DescriptionError, Place
from ninefold.guard.accept import Acceptance
from ninefold.guard.automaton import YES
from ninefold.guard.flaw import Flaw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ninefold.contract.description import Description, Schema

#: So many flaws of one value are told.
MOST_FLAWS = 20
#: Of a longer text one flaw is told: the library finds all there are before it tells one, and a hundred thousand take seconds.
MOST_SEARCHED = 16_384
#: How often an expression may step back in one value; past it the value does not fit. Nearly all expressions never do.
MOST_STEPS = 20_000
#: A member's name is told up to this length: it is the caller's own, and may be as long as he likes.
_LONGEST_NAME = 64

_PATTERNS = jsonschema_rs.FancyRegexOptions(backtrack_limit=MOST_STEPS)
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")


def _is_base64(text: str) -> bool:
    if not _BASE64.fullmatch(text) or len(text) % 4:
        return False
    b64decode(text, validate=True)
    return True


class Unreadable(Exception):
    """The text is no JSON that can be judged. Says why, never the text."""


class Validator:
    """Compiled once from a schema; called for every value. Without state."""

    __slots__ = ("_acceptance", "_judge", "_root", "_sure")

    def __init__(self, judge: Callable[[], Any], acceptance: Acceptance, root: int) -> None:
        """`judge` gives the validator that has the last word; the rule `root` of `acceptance` has the first."""
        self._judge = judge
        self._acceptance = acceptance
        self._root = root
        self._sure = not acceptance.doubts(root)

    @property
    def fast(self) -> bool:
        """Whether values that are right need no second look, but for a few."""
        return not self._acceptance.doubts(self._root, deep=True)

    def __call__(self, text: bytes) -> tuple[Flaw, ...]:
        """What is wrong with a JSON text in which no object has a member twice (`ninefold.guard.project` refuses those).

        Raises `Unreadable` where it is no JSON.
        """
        if self._sure and self._acceptance.judge(self._root, text) == YES:
            return ()
        try:
            value = json.loads(text.decode("utf-8"), parse_float=Decimal, parse_constant=_constant)
        except (ValueError, RecursionError) as fault:
            raise Unreadable(f"no JSON ({type(fault).__name__})") from None
        return self.of_value(value, one=len(text) > MOST_SEARCHED)

    def of_value(self, value: Any, *, one: bool = False) -> tuple[Flaw, ...]:
        """The same of a value of JSON's types (floats as `Decimal` or float). `one`: the first flaw is enough."""
        judge = self._judge()
        try:
            if judge.is_valid(value):
                return ()
            if one:
                judge.validate(value)
            return tuple(_flaw(one) for one in islice(judge.iter_errors(value), MOST_FLAWS))
        except (ValueError, OverflowError, RecursionError) as fault:
            if isinstance(fault, jsonschema_rs.ValidationError):
                return (_flaw(fault),)
            return (Flaw("", "type", "nests too deep, or has a number that is too large"),)


class Validators:
    """Of one description and direction; schemas that are the same have one validator.

    Add every schema with `of`, then `ready`; what is added later is compiled with its first value.
    """

    def __init__(self, description: Description, *, request: bool) -> None:
        self._description = description
        self._words = Words(description, request)
        self._acceptance = Acceptance(self._words.definitions)
        self._known: dict[int, tuple[Schema, Validator]] = {}
        self._map: Any = None
        self._roots = 0

    @property
    def odd(self) -> tuple[str, ...]:
        """Keywords of the schemas that say nothing as they stand, a sentence each."""
        return tuple(dict.fromkeys(self._words.odd))

    def of(self, schema: Schema) -> Validator:
        """Raises `DescriptionError` where a reference dangles."""
        known = self._known.get(id(schema))
        if known is None:
            made = self._words.of(schema)
            name = f"root{self._roots}"
            self._roots += 1
            self._words.definitions[name] = made
            self._map = None
            pointer = f"#/$defs/{name}"
            root = self._acceptance.add(made)
            validator = Validator(lambda: self._compiled()[pointer], self._acceptance, root)
            known = self._known[id(schema)] = schema, validator
        return known[1]

    def ready(self) -> None:
        """Compile now. Raises `DescriptionError` for a schema that cannot be kept, with what is wrong with it."""
        if self._known:
            self._compiled()
            self._acceptance.make()

    def _compiled(self) -> Any:
        if self._map is None:
            why = ""
            try:
                made = _map(self._words.definitions)
            except (ValueError, jsonschema_rs.ReferencingError) as fault:
                why = str(fault).partition("\n")[0]
            else:
                # what cannot be compiled is not in it, and nothing else tells
                if all(f"#/$defs/{name}" in made for name in self._words.definitions):
                    self._map = made
            if self._map is None:
                raise DescriptionError(
                    f"a schema cannot be kept: {self._culprit() or why}",
                    place=Place(self._description.source),
                    remedy="mend it (a pattern is ECMA-262, without what only some engines know), or list its operation in "
                    "`requests.open`",
                )
        return self._map

    def _culprit(self) -> str:
        """What is wrong, and in which definition."""
        for name, definition in self._words.definitions.items():
            for pattern in _patterns(definition):
                if "#/$defs/one" not in _map({"one": {"pattern": pattern}}):
                    return f"the pattern {pattern!r} in {self._words.origins.get(name, 'a schema of an operation')}"
        return ""


def _map(definitions: dict[str, Schema]) -> Any:
    return jsonschema_rs.validator_map_for(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions},
        formats={"byte": _is_base64},
        validate_formats=True,
        pattern_options=_PATTERNS,
        offline=True,
    )


def _patterns(schema: Any) -> Iterable[str]:
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if isinstance(one.get("pattern"), str):
                yield one["pattern"]
            if isinstance(one.get("patternProperties"), dict):
                yield from one["patternProperties"]
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _constant(name: str) -> Any:
    raise ValueError(name)


_DETAILS: dict[str, str] = {
    "minimum": "must be at least {}", "maximum": "must be at most {}", "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}", "multipleOf": "must be a multiple of {}",
    "minLength": "must have at least {} characters", "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items", "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} members", "maxProperties": "must have at most {} members",
    "pattern": "does not fit the pattern {}", "format": "is no {}", "type": "is not of the type {}",
}  # fmt: skip
_PLAIN = {
    "enum": "is none of the values that are declared", "const": "is not the value that is declared",
    "additionalProperties": "has members that are not declared", "unevaluatedProperties": "has members that are not declared",
    "additionalItems": "has more items than are declared", "unevaluatedItems": "has more items than are declared",
    "uniqueItems": "has an item twice", "contains": "has not the items that it must have", "not": "is what it must not be",
    "anyOf": "fits none of the alternatives", "oneOf": "does not fit exactly one of the alternatives",
    "propertyNames": "has a member whose name may not be used", "falseSchema": "is not allowed here",
}  # fmt: skip


def _flaw(error: Any) -> Flaw:
    keyword = str(error.kind.name)
    pointer = "".join(f"/{escape(str(part)[:_LONGEST_NAME])}" for part in error.instance_path)
    if keyword == "required":
        return Flaw(pointer, keyword, f"has no member `{error.kind.property}`")
    if keyword in _DETAILS:
        limit = error.schema_path and error.kind.value
        named = " or ".join(map(str, limit)) if isinstance(limit, list | tuple | set | frozenset) else limit
        return Flaw(pointer, keyword, _DETAILS[keyword].format(named))
    return Flaw(pointer, keyword, _PLAIN.get(keyword, "does not fit its schema"))
