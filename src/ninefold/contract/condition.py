"""Conditions (`when:`) in the Common Expression Language (cel.dev), compiled and checked for one operation.

The library (docs/adr/0009-conditions.md) checks types, and knows an attribute as one variable with a dotted name. What it
does not know is done here, on the text and on its checked tree: names in brackets, `has(...)`, members of a list's elements,
patterns and ranges that no request may bring along. Everything unknown is a fault with its place in the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from cel_expr_python import cel

from ninefold.contract.attribute import ROOTS, Attribute, Unknown
from ninefold.contract.tree import Node, read_tree

if TYPE_CHECKING:
    from ninefold.contract.attribute import Environment, Value

#: A condition is read by people; nobody reads one that is longer.
MOST_TEXT = 2000
#: Attributes in one condition.
MOST_ATTRIBUTES = 64

_TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*)
    |(?P<string>[bB]?[rR][bB]?(?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\n]*"|'[^'\n]*')
      |[bB]?(?:\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
    |(?P<number>[0-9][0-9A-Za-z_]*(?:\.[0-9][0-9A-Za-z_]*)?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_FAULT = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_PLAIN = re.compile(r"""(["'])([^"'\\\n]*)\1\Z""")
#: Operators whose sides are alike, and what others are used on.
_COMPARED = {"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_+_", "_-_", "_*_", "_/_", "_%_", "@in"}
_USED_ON = {
    **dict.fromkeys(("startsWith", "endsWith", "contains", "matches"), "string"),
    **dict.fromkeys(("_&&_", "_||_", "!_"), "bool"),
}
_NUMBERS = {"int", "double", "uint"}
_KNOWN = {"string", "bool", "bytes", *_NUMBERS}
_ZONED = {
    "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours", "getMinutes",
    "getSeconds", "getMilliseconds",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a condition cannot be kept; `offset` is the character of its text that it is about."""

    what: str
    remedy: str
    offset: int


class ConditionFaults(Exception):
    """All that is wrong with one condition."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(one.what for one in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Use:
    """An attribute under the name that the compiled text has for it. `presence`: only whether it is there is asked."""

    variable: str
    attribute: Attribute
    presence: bool


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A condition, compiled for one operation. `program.eval(data={variable: value})` gives a CEL value."""

    text: str
    program: Any
    uses: tuple[Use, ...]

    @property
    def roots(self) -> frozenset[str]:
        """What it speaks of: `caller`, `body`, ..."""
        return frozenset(one.attribute.root for one in self.uses)


def compile_condition(text: str, environment: Environment) -> Condition:
    """Raises `ConditionFaults`."""
    if len(text) > MOST_TEXT:
        raise ConditionFaults([Fault(f"the condition is longer than {MOST_TEXT} characters", "split the rule", 0)])
    names = _Names(text, environment)
    if names.faults:
        raise ConditionFaults(names.faults)
    uses = tuple(names.uses.values())
    declared = tuple(sorted({(one.variable, "bool" if one.presence else one.attribute.cel) for one in uses}))
    program, tree, faults = _compiled(names.rewritten, declared)
    if tree is not None and not faults:
        values = {one.variable: one.attribute.value for one in uses if not one.presence}
        faults = tuple(_Checker(values).check(tree))
    if not faults and not uses:
        faults = (Fault("the condition asks nothing of the request, so it is always the same", "leave it out", 0),)
    if faults:
        raise ConditionFaults(list(faults))
    return Condition(text, program, uses)


class _Names:
    """Finds the attributes in a text. `rewritten` is the text with each as one dotted name, every character in its place."""

    def __init__(self, text: str, environment: Environment) -> None:
        self.uses: dict[str, Use] = {}
        self.faults: list[Fault] = []
        self._environment = environment
        self._letters = list(text)
        self._bracketed: list[str] = []
        tokens = [one for one in _TOKEN.finditer(text) if one.lastgroup != "skip"]
        place = 0
        while place < len(tokens):
            place = self._at(tokens, place)
        self.rewritten = "".join(self._letters)
        if len(self.uses) > MOST_ATTRIBUTES:
            self.faults.append(Fault(f"the condition uses more than {MOST_ATTRIBUTES} attributes", "split the rule", 0))

    def _at(self, tokens: list[re.Match[str]], place: int) -> int:
        token = tokens[place]
        before = tokens[place - 1].group() if place else ""
        if token.lastgroup != "name" or before == "." or token.group() not in ROOTS:
            return place + 1
        chain, end = _chain(tokens, place)
        called = end < len(tokens) and tokens[end].group() == "("
        if called and token.group() == "address" and [one.name for one in chain] == ["in_range"]:
            return self._range(tokens, token, end)
        links = chain[:-1] if called and chain and not chain[-1].bracketed else chain
        names = tuple(one.name for one in links)
        bracketed = bool(links) and links[0].bracketed
        try:
            attribute, taken = self._environment.find(token.group(), names, bracketed=bracketed)
        except Unknown as fault:
            at = token.start() if not fault.depth or fault.depth > len(links) else links[fault.depth - 1].start
            self.faults.append(Fault(fault.what, fault.remedy, at))
            return end
        opening = place >= 2 and before == "(" and tokens[place - 2].group() == "has"
        closing = taken == len(links) and not called and end < len(tokens) and tokens[end].group() == ")"
        presence = opening and closing and (place < 3 or tokens[place - 3].group() != ".")
        if opening and not presence and taken == len(links):
            self.faults.append(Fault("has() asks for one attribute", "write has(body.note)", token.start()))
            return end
        variable = ".".join((token.group(), *(self._link(one) for one in links[:taken])))
        if presence:
            self._letters[tokens[place - 1].start()] = "."
            self._letters[tokens[end].start()] = " "
            variable = f"has.{variable}"
        self.uses[variable] = Use(variable, attribute, presence)
        return end

    def _range(self, tokens: list[re.Match[str]], address: re.Match[str], opening: int) -> int:
        """`address.in_range("...")`, which is true or false of a request like any attribute; gives what follows it."""
        given = tokens[opening + 1] if opening + 2 < len(tokens) else None
        plain = _PLAIN.match(given.group()) if given is not None else None
        if given is None or plain is None or tokens[opening + 2].group() != ")":
            at = given.start() if given is not None else address.start()
            self.faults.append(Fault("the range is worked out when a request comes", "write the range out", at))
            return opening + 1
        fault = _misranged(plain[2])
        if fault is not None:
            self.faults.append(Fault(*fault, given.start()))
            return opening + 3
        variable = f"address.r{len(self.uses)}"
        start, end = address.end(), tokens[opening + 2].end()
        self._letters[start:end] = list(variable.removeprefix("address").ljust(end - start))
        self.uses[variable] = Use(variable, Attribute("address", (plain[2],), "bool"), presence=False)
        return opening + 3

    def _link(self, link: _Link) -> str:
        """The name that a link of a chain gets; one in brackets is numbered, and padded to the length that it had."""
        if not link.bracketed:
            return link.name
        if link.name not in self._bracketed:
            self._bracketed.append(link.name)
        name = f"k{self._bracketed.index(link.name)}"
        self._letters[link.start - 1 : link.end] = list(f".{name}".ljust(link.end - link.start + 1))
        return name


@dataclass(frozen=True, slots=True)
class _Link:
    name: str
    start: int
    end: int
    bracketed: bool


def _chain(tokens: list[re.Match[str]], place: int) -> tuple[list[_Link], int]:
    """The `.name` and `["name"]` that follow a name, and the place of what follows them."""
    links: list[_Link] = []
    place += 1
    while place + 1 < len(tokens):
        sign, one = tokens[place].group(), tokens[place + 1]
        if sign == "." and one.lastgroup == "name":
            links.append(_Link(one.group(), one.start(), one.end(), bracketed=False))
            place += 2
        elif sign == "[" and place + 2 < len(tokens) and tokens[place + 2].group() == "]":
            plain = _PLAIN.match(one.group())
            if plain is None:
                break
            start, end = tokens[place].start() + 1, tokens[place + 2].end()
            links.append(_Link(plain[2], start, end, bracketed=True))
            place += 3
        else:
            break
    return links, place


@lru_cache(maxsize=4096)
def _environment(declared: tuple[tuple[str, str], ...]) -> Any:
    """The library's own, which takes 90 kB: conditions that use the same attributes share one."""
    return cel.NewEnv(variables={name: _type(kind) for name, kind in declared})


@lru_cache(maxsize=4096)
def _compiled(text: str, declared: tuple[tuple[str, str], ...]) -> tuple[Any, Node | None, tuple[Fault, ...]]:
    """The program and its tree; or what the library finds wrong. The same text with the same types is the same program."""
    try:
        program = _environment(declared).compile(text)
    except (RuntimeError, TypeError) as fault:  # the second: half of a surrogate pair
        return None, None, tuple(_told(str(fault), text))
    kind = program.return_type()
    if kind != cel.Type.BOOL:
        what = f"the condition is not true or false, it is {kind.name().lower()}"
        return None, None, (Fault(what, "compare it with something", 0),)
    return program, read_tree(program.serialize()), ()


def _misranged(text: str) -> tuple[str, str] | None:
    """What is wrong with a range of addresses, and what to do; None: nothing."""
    try:
        network = ip_network(text)
    except ValueError as fault:
        return f"{text!r} is no range ({fault})", "as 10.0.0.0/8"
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None:
        what = f"{text!r} is IPv4 in IPv6's clothes, which addresses here never wear"
        return what, f"write {mapped}/{max(network.prefixlen - 96, 0)}"
    return (f"{text!r} is everybody", "name the ranges") if not network.prefixlen else None


def _type(text: str) -> Any:
    """`list(string)`, `map(string, int)`, `double` as the library has it."""
    if text.startswith("list("):
        return cel.Type.List(_type(text[5:-1]))
    if text.startswith("map(string, "):
        return cel.Type.Map(cel.Type.STRING, _type(text[12:-1]))
    return {
        "string": cel.Type.STRING, "int": cel.Type.INT, "double": cel.Type.DOUBLE, "bool": cel.Type.BOOL,
        "timestamp": cel.Type.TIMESTAMP,
    }.get(text, cel.Type.DYN)  # fmt: skip


def _told(message: str, text: str) -> list[Fault]:
    """The library's errors as faults."""
    lines = text.split("\n")
    found = []
    for line, column, what in _FAULT.findall(message):
        above = sum(len(one) + 1 for one in lines[: int(line) - 1])
        said = what.removesuffix(" [INVALID_ARGUMENT]").replace(" (in container '')", "")
        found.append(Fault(said, "see docs/conditions.md for what a condition may say", above + int(column) - 1))
    return found or [Fault(message.splitlines()[0], "write it shorter and flatter", 0)]


class _Checker:
    """What the library cannot know: members of elements, and what of a condition may not be a request's to choose."""

    def __init__(self, values: dict[str, Value | None]) -> None:
        self._values = values
        self._faults: list[Fault] = []

    def check(self, tree: Node) -> list[Fault]:
        self._shape(tree, {})
        return self._faults

    def _shape(self, node: Node, bound: dict[str, Value | None]) -> Value | None:
        """What the description says of an expression's value, where it says something."""
        if node.kind == "ident":
            return bound.get(node.name, self._values.get(node.name))
        if node.kind == "comprehension":
            self._comprehension(node, bound)
            return None
        shapes = [self._shape(one, bound) for one in node.parts]
        if node.kind == "select":
            return self._member(shapes[0], node.name, node.offset + 1)
        if node.kind == "has":
            self._member(shapes[0], node.name, node.offset + 1)
        if node.kind == "call":
            self._call(node, shapes)
            if node.name == "_[_]" and shapes[0] is not None:
                if shapes[0].kinds == {"array"}:
                    return shapes[0].items
                if node.parts[1].text is not None:
                    return self._member(shapes[0], node.parts[1].text, node.parts[1].offset)
            if node.name == "_?_:_":
                return shapes[1] or shapes[2]
        return None

    def _comprehension(self, node: Node, bound: dict[str, Value | None]) -> None:
        over, *rest = node.parts
        shape = self._shape(over, bound)
        if node.name in ROOTS:
            what = f"{node.name!r} is the name of an attribute, and cannot be a variable's"
            self._faults.append(Fault(what, "choose another name", max(over.offset, 0)))
        element = shape.items if shape is not None and shape.kinds == {"array"} else None
        for one in rest:
            self._shape(one, {**bound, node.name: element})

    def _member(self, shape: Value | None, name: str, offset: int) -> Value | None:
        if shape is None:
            self._faults.append(Fault(f"nothing is known that has a member {name!r}", "name a declared member", offset))
            return None
        found = shape.member(name)
        if found is None and shape.cel.startswith("map("):
            return shape.others
        if found is None:
            known = ", ".join(sorted(set(shape.names()))[:12]) or "none"
            self._faults.append(Fault(f"there is no member {name!r}", f"declared are: {known}", offset))
        return found

    def _call(self, node: Node, shapes: list[Value | None]) -> None:
        if node.name in _COMPARED and len(node.parts) == 2:
            self._compared(node, shapes)
        wanted = _USED_ON.get(node.name)
        for one, shape in zip(node.parts, shapes, strict=True):
            if wanted and shape is not None and shape.cel in _KNOWN and shape.cel != wanted:
                what = f"{shape.cel} stands where {wanted} is asked for"
                self._faults.append(Fault(what, f"give a {wanted}", one.offset + 1))
        if node.name in {"timestamp", "duration"} and node.parts[-1].text is not None:
            self._fixed(node, node.name)
        if node.name == "matches":
            self._fixed(node, "pattern")
        elif node.name in _ZONED and len(node.parts) == 2:
            self._fixed(node, "time zone")

    def _compared(self, node: Node, shapes: list[Value | None]) -> None:
        left, right = (
            one.type_ or (shape.cel if shape is not None else "") for one, shape in zip(node.parts, shapes, strict=True)
        )
        if node.name == "@in":
            held = {one.type_ for one in node.parts[1].parts} if node.parts[1].kind == "list" else set()
            right = right[5:-1] if right.startswith("list(") else held.pop() if len(held) == 1 else ""
        arithmetic = node.name[1] in "+-*/%"
        alike = left == right or (not arithmetic and {left, right} <= _NUMBERS)
        if left in _KNOWN and right in _KNOWN and not alike:
            what = f"{left} is reckoned with {right}" if arithmetic else f"{left} is compared with {right}"
            self._faults.append(Fault(what, "compare like with like", node.offset))

    def _fixed(self, node: Node, what: str) -> None:
        """The last operand stands in the contract itself, and is one that works."""
        last = node.parts[-1]
        if last.text is None:
            fault = Fault(
                f"the {what} is worked out when a request comes", f"write the {what} out", max(last.offset, 0)
            )
            self._faults.append(fault)
        else:
            subject = {"pattern": "''.", "time zone": "timestamp(0)."}.get(what, "")
            trial = cel.NewEnv(variables={"given": cel.Type.STRING}).compile(f"{subject}{node.name}(given)")
            result = trial.eval(data={"given": last.text})
            if result.type() == cel.Type.ERROR:
                said = str(result.value()).removeprefix("INVALID_ARGUMENT: ")
                self._faults.append(Fault(f"the {what} does not work: {said}", f"mend the {what}", last.offset))
