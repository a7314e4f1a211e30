"""Go into the tree that the rules ask."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.audit.code.lower import NOTHING, Lowering, around, called, leaf, line, passed, text
from ninefold.audit.code.node import Node

if TYPE_CHECKING:
    from tree_sitter import Node as Raw

    from ninefold.audit.code.lower import Handler

#: Types say nothing about values, and comments are not run.
SKIPPED = frozenset({"comment", "package_clause", "type_declaration", "parameter_list", "labeled_statement_name"})


def _string(low: Lowering, raw: Raw, depth: int) -> Node:
    del low, depth
    return Node("text", _chars(raw), line(raw))


def _chars(raw: Raw | None) -> str:
    pieces = (text(one) for one in raw.named_children) if raw is not None else ()
    return "".join(one[1:] if len(one) == 2 and one.startswith("\\") else one for one in pieces)


def _import(low: Lowering, raw: Raw, depth: int) -> Node:
    del low, depth
    path = _chars(raw.child_by_field_name("path"))
    plain = re.sub(r"/v\d+$|\.v\d+$", "", path)
    name = text(raw.child_by_field_name("name")) or plain.rpartition("/")[2].removeprefix("go-")
    return Node("import", plain, line(raw), (Node("field", name, 0, (Node("text", "", 0),)),))


def _member(low: Lowering, raw: Raw, depth: int) -> Node:
    return low.member(raw, "operand", "field", depth)


def _index(low: Lowering, raw: Raw, depth: int) -> Node:
    key = low.one(raw.child_by_field_name("index"), depth + 1)
    return Node("index", "", line(raw), (key,), low.one(raw.child_by_field_name("operand"), depth + 1))


def _call(low: Lowering, raw: Raw, depth: int) -> Node:
    function = low.one(raw.child_by_field_name("function"), depth + 1)
    return called("call", function, low.values(raw.child_by_field_name("arguments"), depth), line(raw))


def _conversion(low: Lowering, raw: Raw, depth: int) -> Node:
    value = low.one(raw.child_by_field_name("operand"), depth + 1)
    return Node("call", text(raw.child_by_field_name("type")), line(raw), (value,))


def _composite(low: Lowering, raw: Raw, depth: int) -> Node:
    """`T{a: b}` is a record, `[]T{a}` a list."""
    body = raw.child_by_field_name("body")
    parts = low.values(body, depth)
    named = any(one.kind == "field" for one in parts)
    return Node("record" if named else "list", text(raw.child_by_field_name("type")), line(raw), parts)


def _keyed(low: Lowering, raw: Raw, depth: int) -> Node:
    key = raw.child_by_field_name("key")
    inner = key.named_children[0] if key is not None and key.named_children else None
    name = _chars(inner) if inner is not None and "string" in inner.type else text(key)
    return Node("field", name, line(raw), (low.one(raw.child_by_field_name("value"), depth + 1),))


def _assigned(low: Lowering, raw: Raw, depth: int) -> Node:
    """Each name with its value; of what several names are given by one call, the first has it."""
    left, right = raw.child_by_field_name("left"), raw.child_by_field_name("right")
    return _given(low, low.values(left, depth), low.values(right, depth), line(raw))


def _declared(low: Lowering, raw: Raw, depth: int) -> Node:
    targets = tuple(low.one(one, depth + 1) for one in raw.children_by_field_name("name"))
    return _given(low, targets, low.values(raw.child_by_field_name("value"), depth), line(raw))


def _given(low: Lowering, targets: tuple[Node, ...], values: tuple[Node, ...], at: int) -> Node:
    del low
    made = []
    for number, target in enumerate(targets):
        value = values[number] if number < len(values) else Node("block", "", at)
        if len(values) == 1 and number > 0:
            value = Node("block", "", at)
        made.append(Node("assign", _target(target), at, (value,), target.owner if target.kind == "name" else None))
    checks = [one for one in made if one.name == "_"]
    if len(values) == 1 and len(made) > 1 and checks and made[-1].name == "_":  # `x, _ := f()`: the error is dropped
        made[-1] = Node("assign", "_", at, values)
    return made[0] if len(made) == 1 else Node("block", "", at, tuple(made))


def _target(node: Node) -> str:
    if node.kind == "index" and node.parts and node.parts[0].kind == "text":
        return f"{node.owner.name if node.owner is not None else ''}.{node.parts[0].name}"
    return node.name


def _function(low: Lowering, raw: Raw, depth: int) -> Node:
    given = raw.child_by_field_name("parameters")
    names = [
        Node("name", text(one), line(raw))
        for parameter in (given.named_children if given is not None else ())
        for one in parameter.children_by_field_name("name")
    ]
    body = low.one(raw.child_by_field_name("body"), depth + 1)
    parameters = Node("list", text(given), line(raw), tuple(names))
    return Node("function", text(raw.child_by_field_name("name")), line(raw), (parameters, body))


def _if(low: Lowering, raw: Raw, depth: int) -> Node:
    fields = ("condition", "consequence", "alternative")
    node = Node("if", "", line(raw), tuple(low.one(raw.child_by_field_name(one), depth + 1) for one in fields))
    before = raw.child_by_field_name("initializer")
    return Node("block", "", line(raw), (low.one(before, depth + 1), node)) if before is not None else node


def _binary(low: Lowering, raw: Raw, depth: int) -> Node:
    operator = text(raw.child_by_field_name("operator"))
    return Node("join" if operator == "+" else "test", operator, line(raw), low.flat(raw, depth))


def _unary(low: Lowering, raw: Raw, depth: int) -> Node:
    """`&T{}` and `*p` are what they point to."""
    inner = low.one(raw.child_by_field_name("operand"), depth + 1)
    return inner if text(raw.child_by_field_name("operator")) in {"&", "*"} else Node("test", "", line(raw), (inner,))


def _return(low: Lowering, raw: Raw, depth: int) -> Node:
    values = raw.named_children[0] if raw.named_children else None
    return Node("return", "", line(raw), low.values(values, depth))


def _part(low: Lowering, raw: Raw, depth: int) -> Node:
    return Node("test", "", line(raw), (low.one(raw.child_by_field_name("operand"), depth + 1),))


def _nothing(low: Lowering, raw: Raw, depth: int) -> Node:
    del low, raw, depth
    return NOTHING


_NAME = leaf("name")
HANDLERS: dict[str, Handler] = {
    "identifier": _NAME, "field_identifier": _NAME, "package_identifier": _NAME, "slice_type": _NAME, "type_identifier": _NAME,
    "interpreted_string_literal": _string, "raw_string_literal": _string, "true": leaf("flag"), "false": leaf("flag"),
    "nil": leaf("null"), "int_literal": leaf("number"), "import_spec": _import, "selector_expression": _member,
    "index_expression": _index, "slice_expression": _part, "call_expression": _call, "type_conversion_expression": _conversion,
    "composite_literal": _composite, "keyed_element": _keyed, "literal_element": passed("value"),
    "literal_value": lambda low, raw, depth: Node("record", "", line(raw), low.values(raw, depth)),
    "short_var_declaration": _assigned, "assignment_statement": _assigned, "var_spec": _declared, "const_spec": _declared,
    "function_declaration": _function, "method_declaration": _function, "func_literal": _function, "if_statement": _if,
    "binary_expression": _binary, "unary_expression": _unary, "return_statement": _return, "block": around("block"),
    "statement_list": around("block"), "source_file": around("block"), "parenthesized_expression": passed("expression"),
    "empty_statement": _nothing, "type_assertion_expression": passed("operand"),
}  # fmt: skip
