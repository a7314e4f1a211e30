"""Java into the tree that the rules ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.audit.code.lower import Lowering, around, binary, called, leaf, line, passed, text
from ninefold.audit.code.node import Node

if TYPE_CHECKING:
    from tree_sitter import Node as Raw

    from ninefold.audit.code.lower import Handler

#: Types say nothing about values, and comments are not run.
SKIPPED = frozenset(
    {
        "line_comment",
        "block_comment",
        "package_declaration",
        "type_parameters",
        "type_arguments",
        "throws",
        "dimensions",
    }
)


def _string(low: Lowering, raw: Raw, depth: int) -> Node:
    del low, depth
    pieces = (text(one) for one in raw.named_children)
    return Node(
        "text", "".join(one[1:] if len(one) == 2 and one.startswith("\\") else one for one in pieces), line(raw)
    )


def _import(low: Lowering, raw: Raw, depth: int) -> Node:
    del low, depth
    path = text(next(iter(raw.named_children), None))
    name = path.rpartition(".")[2]
    return Node("import", path, line(raw), (Node("field", name, 0, (Node("text", "", 0),)),))


def _member(low: Lowering, raw: Raw, depth: int) -> Node:
    return low.member(raw, "object", "field", depth)


def _index(low: Lowering, raw: Raw, depth: int) -> Node:
    key = low.one(raw.child_by_field_name("index"), depth + 1)
    return Node("index", "", line(raw), (key,), low.one(raw.child_by_field_name("array"), depth + 1))


def _call(low: Lowering, raw: Raw, depth: int) -> Node:
    parts = low.values(raw.child_by_field_name("arguments"), depth)
    if raw.child_by_field_name("object") is None:
        return Node("call", text(raw.child_by_field_name("name")), line(raw), parts)
    return called("call", low.member(raw, "object", "name", depth), parts, line(raw))


def _new(low: Lowering, raw: Raw, depth: int) -> Node:
    parts = low.values(raw.child_by_field_name("arguments"), depth)
    body = [one for one in raw.named_children if one.type == "class_body"]
    name = text(raw.child_by_field_name("type")).partition("<")[0]
    return Node("new", name, line(raw), (*parts, *low.many(body, depth)))


def _array(low: Lowering, raw: Raw, depth: int) -> Node:
    """`new byte[16]`, and `new String[] {...}` as the list that it is."""
    value = raw.child_by_field_name("value")
    if value is not None:
        return low.one(value, depth + 1)
    return Node("new", f"{text(raw.child_by_field_name('type'))}[]", line(raw))


def _declared(low: Lowering, raw: Raw, depth: int) -> Node:
    value = raw.child_by_field_name("value")
    given = low.one(value, depth + 1) if value is not None else Node("block", "", line(raw))
    if value is None:
        return given
    return Node("assign", text(raw.child_by_field_name("name")), line(raw), (given,))


def _assigned(low: Lowering, raw: Raw, depth: int) -> Node:
    target = low.one(raw.child_by_field_name("left"), depth + 1)
    return Node("assign", target.name, line(raw), (low.one(raw.child_by_field_name("right"), depth + 1),), target.owner)


def _function(low: Lowering, raw: Raw, depth: int) -> Node:
    given = raw.child_by_field_name("parameters")
    names: list[str] = []
    if given is not None and given.type == "identifier":
        names.append(text(given))
    names += [
        text(one.child_by_field_name("name")) or (text(one) if one.type == "identifier" else "")
        for one in (given.named_children if given is not None else ())
    ]
    parameters = Node("list", text(given), line(raw), tuple(Node("name", one, line(raw)) for one in names if one))
    body = low.one(raw.child_by_field_name("body"), depth + 1)
    if body.kind != "block":
        body = Node("return", "", body.line, (body,))
    marks = [inner for one in raw.named_children if one.type == "modifiers" for inner in one.named_children]
    marks = [one for one in marks if "annotation" in one.type]
    return Node(
        "function", text(raw.child_by_field_name("name")), line(raw), (parameters, *low.many(marks, depth), body)
    )


def _class(low: Lowering, raw: Raw, depth: int) -> Node:
    inner = [one for one in raw.named_children if one.type in {"modifiers", "class_body"}]
    name = text(raw.child_by_field_name("name"))
    return Node("class", name, line(raw), (Node("list", "", line(raw)), *low.many(inner, depth)))


def _mark(low: Lowering, raw: Raw, depth: int) -> Node:
    name = text(raw.child_by_field_name("name")).rpartition(".")[2]
    return Node("mark", name, line(raw), low.values(raw.child_by_field_name("arguments"), depth))


def _pair(low: Lowering, raw: Raw, depth: int) -> Node:
    value = low.one(raw.child_by_field_name("value"), depth + 1)
    return Node("field", text(raw.child_by_field_name("key")), line(raw), (value,))


def _catch(low: Lowering, raw: Raw, depth: int) -> Node:
    kinds = [inner for one in raw.named_children for inner in one.named_children if inner.type == "catch_type"]
    return Node(
        "catch", text(kinds[0] if kinds else None), line(raw), (low.one(raw.child_by_field_name("body"), depth + 1),)
    )


def _if(low: Lowering, raw: Raw, depth: int) -> Node:
    fields = ("condition", "consequence", "alternative")
    return Node("if", "", line(raw), tuple(low.one(raw.child_by_field_name(one), depth + 1) for one in fields))


def _ternary(low: Lowering, raw: Raw, depth: int) -> Node:
    fields = ("consequence", "alternative")
    return Node("choice", "", line(raw), tuple(low.one(raw.child_by_field_name(one), depth + 1) for one in fields))


def _unary(low: Lowering, raw: Raw, depth: int) -> Node:
    return Node("test", "", line(raw), (low.one(raw.child_by_field_name("operand"), depth + 1),))


def _list(low: Lowering, raw: Raw, depth: int) -> Node:
    return Node("list", "", line(raw), low.values(raw, depth))


_NAME = leaf("name")
HANDLERS: dict[str, Handler] = {
    "identifier": _NAME, "this": _NAME, "super": _NAME, "type_identifier": _NAME, "scoped_type_identifier": _NAME,
    "string_literal": _string, "true": leaf("flag"), "false": leaf("flag"), "null_literal": leaf("null"),
    "decimal_integer_literal": leaf("number"), "hex_integer_literal": leaf("number"), "import_declaration": _import,
    "field_access": _member, "array_access": _index, "method_invocation": _call, "object_creation_expression": _new,
    "array_creation_expression": _array, "array_initializer": _list, "element_value_array_initializer": _list,
    "variable_declarator": _declared, "assignment_expression": _assigned, "method_declaration": _function,
    "constructor_declaration": _function, "lambda_expression": _function, "class_declaration": _class,
    "marker_annotation": _mark, "annotation": _mark, "element_value_pair": _pair, "catch_clause": _catch,
    "try_statement": around("try"), "try_with_resources_statement": around("try"), "block": around("block"),
    "constructor_body": around("block"), "class_body": around("block"), "program": around("block"), "if_statement": _if,
    "ternary_expression": _ternary, "return_statement": around("return"), "binary_expression": binary,
    "unary_expression": _unary, "cast_expression": passed("value"), "parenthesized_expression": passed("expression"),
    "continue_statement": around("continue"), "break_statement": around("continue"), "throw_statement": around("throw"),
}  # fmt: skip
