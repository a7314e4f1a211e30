"""Schemas as rules that the native judge follows (`native/judge.h`): what it says yes to, JSON Schema says yes to as well.

A rule says all of its schema, or it says of which kinds of values it does not: of those it is never sure of a yes, and somebody
else judges (`ninefold.guard.validate`). So are numbers that stand just on a bound, for only their digits tell on which side.
"""

from __future__ import annotations

import math
import struct
from array import array
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ninefold.contract.description import unescape
from ninefold.guard.automaton import automaton
from ninefold.guard.formats import FORMATS
from ninefold.native.library import SEED, ffi, library

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ninefold.contract.description import Schema
    from ninefold.guard.automaton import Automaton

_NONE = -1
_KINDS = {"null": 1, "string": 2, "boolean": 4, "integer": 8, "number": 16, "array": 32, "object": 64}
_EVERY = 127
_NUMBERS = _KINDS["integer"] | _KINDS["number"]
_LEAST, _MOST, _MOST_COUNT = -(2**63), 2**63 - 1, 2**32 - 1
_FREE, _UNIQUE = 1, 2
_NEEDED, _UNNAMED = 64, 128
_MOST_NEEDED = 64
#: Strings of an enumeration that are tried one by one; more of them have a table.
_MOST_BESIDE = 6
_ALL, _ANY, _ONE, _NOT, _IF = range(5)
#: The forms of `rule`, `constant` and `automaton` in `native/rules.h`.
_RULE, _CONSTANT, _AUTOMATON = struct.Struct("=2d3qQ9I5i8I"), struct.Struct("=q4I"), struct.Struct("=8I128s")

#: Keywords of which a rule says all; what they are about.
_SAID = frozenset({
    "type", "enum", "const", "$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
    "minLength", "maxLength", "pattern", "format",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "items", "prefixItems", "minItems", "maxItems", "uniqueItems", "minContains", "maxContains",
    "properties", "patternProperties", "additionalProperties", "required", "minProperties", "maxProperties",
})  # fmt: skip
_UNSAID = {
    "contains": _KINDS["array"], "unevaluatedItems": _KINDS["array"], "propertyNames": _KINDS["object"],
    "unevaluatedProperties": _KINDS["object"], "dependentRequired": _KINDS["object"], "dependentSchemas": _KINDS["object"],
}  # fmt: skip


@dataclass(slots=True)
class _Rule:
    """One schema: fields are those of `rule` in `native/rules.h`, with lists in the place of places in tables."""

    over: float = -math.inf
    under: float = math.inf
    least: int = _LEAST
    most: int = _MOST
    multiple: int = 0
    required: int = 0
    bits: int = 0
    kinds: int = _EVERY
    doubt: int = 0
    lengths: tuple[int, int] = (0, _MOST_COUNT)
    sizes: tuple[int, int] = (0, _MOST_COUNT)
    counts: tuple[int, int] = (0, _MOST_COUNT)
    pattern: int = _NONE
    format: int = _NONE
    items: int = _NONE
    others: int = _NONE
    among: int = _NONE
    prefix: tuple[int, ...] = ()
    values: tuple[tuple[int, int, bytes], ...] = ()
    fitting: tuple[int, ...] = ()
    parts: tuple[tuple[int, tuple[int, ...]], ...] = ()
    #: Names, each with its rule and what is needed of it.
    members: tuple[tuple[bytes, int, int], ...] = ()

    def key(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def leads_to(self) -> Iterable[int]:
        yield from (self.items, self.others, self.among, *self.prefix, *self.fitting[1::2])
        for _, refs in self.parts:
            yield from refs
        for _, node, _ in self.members:
            yield node


@dataclass(slots=True)
class Acceptance:
    """The rules of one description, for all of its schemas; grows with each, and is made anew when it is next wanted.

    `definitions` are what schemas refer to, in the words of `ninefold.contract.dialect`.
    """

    definitions: Mapping[str, Schema]
    _rules: list[_Rule] = field(default_factory=list)
    _known: dict[tuple[Any, ...], int] = field(default_factory=dict)
    _named: dict[str, int] = field(default_factory=dict)
    _waiting: list[str] = field(default_factory=list)
    #: Each with the bytes of the longest text that it is sure of.
    _automata: list[tuple[Automaton, int]] = field(default_factory=list)
    _numbers: dict[tuple[str, bool, int], int] = field(default_factory=dict)
    _native: Any = None
    _judge: Any = None

    def add(self, schema: Schema) -> int:
        """The number of its rule."""
        self._native = None
        try:
            number = self._node(schema)
        except RecursionError:
            number = self._kept(_Rule(doubt=_EVERY))
        while self._waiting:
            name = self._waiting.pop()
            with suppress(RecursionError):  # it stays in doubt
                self._rules[self._named[name]] = self._rule(self.definitions[name])
        return self._kept(_Rule(bits=_FREE)) if number == _NONE else number

    def judge(self, root: int, text: bytes) -> int:
        """`YES` or `NO` where a JSON text in which no object has a member twice surely fits or does not, else `UNSURE`."""
        native = self._native or self.make()
        verdict: int = self._judge(native, root, text, len(text))
        return verdict

    def doubts(self, root: int, *, deep: bool = False) -> bool:
        """Whether the rule does not say all of its schema; `deep`: or one that it leads to."""
        seen, waiting = {root, _NONE}, [root]
        while waiting:
            one = self._rules[waiting.pop()]
            if one.doubt:
                return True
            if deep:
                to = set(one.leads_to()) - seen
                seen |= to
                waiting += to
        return False

    def make(self) -> Any:
        """What the judge follows. Raises `FileError` without the native library, `MemoryError` without memory."""
        load = library()
        packed = self.packed()
        counts = {name: count for name, (count, _) in packed.items()}
        # the names of `tables`: how many of each in the plural, where they are in the singular
        held = {name: ffi.from_buffer(content) for name, (_, content) in packed.items()}
        tables = ffi.new("tables *")
        for plural, singular in TABLES.items():
            setattr(tables, plural, counts[singular])
        for name, buffer in held.items():
            setattr(tables, name, buffer)
        made = load.nf_rules(tables, SEED)
        if made == ffi.NULL:
            raise MemoryError("no memory for the rules of requests")
        self._judge = load.nf_judge
        self._native = ffi.gc(made, load.nf_rules_free)
        return self._native

    def packed(self) -> dict[str, tuple[int, bytes]]:
        """By the names of `tables` in `native/rules.h`: how many, and their bytes."""
        nodes, members, names, need = array("i"), array("i"), bytearray(), bytearray()
        rules, values, texts = bytearray(), bytearray(), bytearray()
        parts, refs = array("i"), array("i")

        def listed(some: Iterable[int]) -> tuple[int, int]:
            begin = len(refs)
            refs.extend(some)
            return begin, len(refs) - begin

        for one in self._rules:
            nodes.extend((0, _NONE, _NONE, len(members) // 3, len(one.members)))
            for name, node, needed in one.members:
                members.extend((len(names), len(name), node))
                names += name
                need.append(needed)
            first_value, first_part = len(values) // _CONSTANT.size, len(parts) // 3
            for kind, whole, text in one.values:
                values += _CONSTANT.pack(whole, kind, len(texts), len(text), 0)
                texts += text
            for kind, to in one.parts:
                parts.extend((kind, *listed(to)))
            fitting, fittings = listed(one.fitting)
            rules += _RULE.pack(
                one.over, one.under, one.least, one.most, one.multiple, one.required, one.bits, one.kinds, one.doubt,
                *one.lengths, *one.sizes, *one.counts, one.pattern, one.format, one.items, one.others, one.among,
                *listed(one.prefix), first_value, len(one.values), fitting, fittings // 2, first_part, len(one.parts),
            )  # fmt: skip
        return {
            "node": (len(self._rules), nodes.tobytes()), "member": (len(need), members.tobytes()),
            "name": (len(names), bytes(names)), "rule": (len(self._rules), bytes(rules)), "need": (len(need), bytes(need)),
            "value": (len(values) // _CONSTANT.size, bytes(values)), "text": (len(texts), bytes(texts)),
            "part": (len(parts) // 3, parts.tobytes()), "ref": (len(refs), refs.tobytes()), **_packed(self._automata),
        }  # fmt: skip

    def _kept(self, rule: _Rule) -> int:
        key = rule.key()
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = len(self._rules)
            self._rules.append(rule)
        return number

    def _node(self, schema: Schema) -> int:
        """Its number; `_NONE` where it takes everything."""
        if schema is True or schema == {}:
            return _NONE
        if isinstance(schema, dict) and len(schema) == 1 and isinstance(schema.get("$ref"), str):
            return self._referred(schema["$ref"])
        return self._kept(self._rule(schema))

    def _referred(self, reference: str) -> int:
        name = unescape(reference.removeprefix("#/$defs/"))
        number = self._named.get(name)
        if number is None:
            number = self._named[name] = len(self._rules)
            self._rules.append(_Rule(doubt=_EVERY))  # until it is read
            self._waiting.append(name)
        return number

    def _rule(self, schema: Schema) -> _Rule:
        if schema is True:
            return _Rule(bits=_FREE)
        if not isinstance(schema, dict):
            return _Rule(kinds=0)
        rule = _Rule()
        for word in schema.keys() - _SAID:
            rule.doubt |= _UNSAID.get(word, _EVERY)
        if "type" in schema:
            kinds = schema["type"]
            rule.kinds = sum(_KINDS[kind] for kind in ([kinds] if isinstance(kinds, str) else set(kinds)))
        self._values(schema, rule)
        self._string(schema, rule)
        _number(schema, rule)
        self._array(schema, rule)
        self._object(schema, rule)
        self._parts(schema, rule)
        return rule

    def _values(self, schema: dict[str, Any], rule: _Rule) -> None:
        if "enum" in schema and "const" in schema:
            rule.doubt = _EVERY
        elif "enum" in schema or "const" in schema:
            values = schema["enum"] if "enum" in schema else [schema["const"]]
            found = dict.fromkeys(map(_constant, values))
            strings = [one for one in found if one[0] == _KINDS["string"]]
            if len(strings) > _MOST_BESIDE:
                names = tuple((text, _NONE, 0) for _, _, text in strings)
                rule.among = self._kept(_Rule(kinds=0, members=names))
                found = {one: None for one in found if one not in set(strings)}
            rule.values = tuple(found)

    def _string(self, schema: dict[str, Any], rule: _Rule) -> None:
        rule.lengths = _bounds(schema, "minLength", "maxLength")
        if "pattern" in schema:
            rule.pattern = self._automaton(schema["pattern"])
            rule.doubt |= _KINDS["string"] if rule.pattern == _NONE else 0
        if "format" in schema:
            form = FORMATS.get(schema["format"])
            if form is None:
                rule.doubt |= _KINDS["string"]
            else:
                rule.format = self._automaton(form.expression, doubtful=not form.whole, longest=form.longest)

    def _automaton(self, expression: str, *, doubtful: bool = False, longest: int = _MOST_COUNT) -> int:
        key = expression, doubtful, longest
        known = self._numbers.get(key)
        if known is None:
            made = automaton(expression, doubtful=doubtful)
            known = self._numbers[key] = _NONE if made is None else len(self._automata)
            if made is not None:
                self._automata.append((made, longest))
        return known

    def _array(self, schema: dict[str, Any], rule: _Rule) -> None:
        rule.sizes = _bounds(schema, "minItems", "maxItems")
        rule.items = self._node(schema.get("items", True))
        rule.prefix = tuple(self._node(one) for one in schema.get("prefixItems", ()))
        rule.bits |= _UNIQUE if schema.get("uniqueItems") is True else 0

    def _object(self, schema: dict[str, Any], rule: _Rule) -> None:
        rule.counts = _bounds(schema, "minProperties", "maxProperties")
        properties, required = schema.get("properties", {}), list(dict.fromkeys(schema.get("required", ())))
        rule.others = self._node(schema.get("additionalProperties", True))
        for pattern, member in schema.get("patternProperties", {}).items():
            number = self._automaton(pattern)
            if number == _NONE:
                rule.doubt |= _KINDS["object"]
                rule.others = _NONE  # which names are left for it is not known
            else:
                rule.fitting += (number, self._node(member))
        if len(required) > _MOST_NEEDED:
            rule.doubt |= _KINDS["object"]
            required = []
        places = {name: place for place, name in enumerate(required)}
        rule.required = (1 << len(required)) - 1
        rule.members = tuple(
            (
                name.encode("utf-8", "surrogatepass"),
                self._node(properties.get(name, True)),
                (_NEEDED | places[name] if name in places else 0) | (0 if name in properties else _UNNAMED),
            )
            for name in dict.fromkeys((*required, *properties))
        )

    def _parts(self, schema: dict[str, Any], rule: _Rule) -> None:
        found: list[tuple[int, tuple[int, ...]]] = []
        if "$ref" in schema:
            found.append((_ALL, (self._referred(schema["$ref"]),)))
        for word, kind in (("allOf", _ALL), ("anyOf", _ANY), ("oneOf", _ONE)):
            if word in schema:
                found.append((kind, tuple(self._node(one) for one in schema[word])))
        if "not" in schema:
            found.append((_NOT, (self._node(schema["not"]),)))
        if "if" in schema:
            found.append((_IF, tuple(self._node(schema.get(word, True)) for word in ("if", "then", "else"))))
        rule.parts = tuple(found)


#: How many of what is where, by the names of `tables`.
TABLES = {
    "nodes": "node", "members": "member", "names": "name", "values": "value", "texts": "text", "parts": "part", "refs": "ref",
    "automata": "automaton", "steps": "step", "finals": "final", "ranges": "range",
}  # fmt: skip


def _packed(automata: list[tuple[Automaton, int]]) -> dict[str, tuple[int, bytes]]:
    heads, steps, finals, ranges = bytearray(), array("H"), bytearray(), array("I")
    for one, longest in automata:
        heads += _AUTOMATON.pack(
            one.start,
            len(one.final),
            one.classes,
            len(steps),
            len(finals),
            len(ranges) // 2,
            len(one.ranges),
            longest,
            one.ascii,
        )
        steps.extend(one.steps)
        finals += one.final
        for first, class_ in one.ranges:
            ranges.extend((first, class_))
    return {
        "automaton": (len(automata), bytes(heads)), "step": (len(steps), steps.tobytes()),
        "final": (len(finals), bytes(finals)), "range": (len(ranges) // 2, ranges.tobytes()),
    }  # fmt: skip


def _constant(value: Any) -> tuple[int, int, bytes]:
    """Its kind, as an integer, as a text. `number`: one that is not compared as an integer of 64 bits."""
    if isinstance(value, bool):
        return _KINDS["boolean"], int(value), b""
    if isinstance(value, str):
        return _KINDS["string"], 0, value.encode("utf-8", "surrogatepass")
    if isinstance(value, int) and _LEAST <= value <= _MOST:
        return _KINDS["integer"], value, b""
    if isinstance(value, int | float):
        return _KINDS["number"], 0, b""
    kind = "null" if value is None else "array" if isinstance(value, list) else "object"
    return _KINDS[kind], 0, b""


def _bounds(schema: dict[str, Any], least: str, most: str) -> tuple[int, int]:
    return min(schema.get(least, 0), _MOST_COUNT), min(schema.get(most, _MOST_COUNT), _MOST_COUNT)


def _number(schema: dict[str, Any], rule: _Rule) -> None:
    """Integers are held against whole bounds. The nearest double of a number over a bound is never under it."""
    least, most = schema.get("minimum"), schema.get("maximum")
    over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    try:
        lower = [
            *([math.ceil(least)] if least is not None else []),
            *([math.floor(over) + 1] if over is not None else []),
        ]
        upper = [
            *([math.floor(most)] if most is not None else []),
            *([math.ceil(under) - 1] if under is not None else []),
        ]
        rule.least = min(max([_LEAST, *lower]), _MOST)
        rule.most = max(min([_MOST, *upper]), _LEAST)
        rule.over = max([-math.inf, *(float(one) for one in (least, over) if one is not None)])
        rule.under = min([math.inf, *(float(one) for one in (most, under) if one is not None)])
    except (ValueError, OverflowError):  # a bound that is no double
        rule.doubt |= _NUMBERS
    multiple = schema.get("multipleOf")
    if isinstance(multiple, int) and multiple <= _MOST:
        rule.multiple = multiple
    elif multiple is not None:
        rule.doubt |= _NUMBERS
