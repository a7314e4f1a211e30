"""JavaScript and TypeScript, with JSX, into the tree that the rules ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.audit.code.lower import NOTHING, Lowering, around, binary, called, leaf, line, passed, text
from ninefold.audit.code.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node as Raw

    from ninefold.audit.code.lower import Handler

#: Types say nothing about values, and comments are not run.
SKIPPED = frozenset(
    {
        "comment", "html_comment", "hash_bang_line", "type_annotation", "type_arguments", "type_parameters", "empty_statement",
        "interface_declaration", "type_alias_declaration", "ambient_declaration", "regex_flags", "predefined_type",
    }
)  # fmt: skip

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


def _string(low: Lowering, raw: Raw, depth: int) -> Node:
    del low, depth
    return Node("text", _chars(raw), line(raw))


def _chars(raw: Raw) -> str:
    pieces = []
    for one in raw.named_children:
        piece = text(one)
        pieces.append(_ESCAPES.get(piece[1:], piece[1:]) if one.type == "escape_sequence" else piece)
    return "".join(pieces)


def _template(low: Lowering, raw: Raw, depth: int) -> Node:
    parts = tuple(
        low.one(next(iter(one.named_children), None), depth + 1)
        if one.type == "template_substitution"
        else Node("text", text(one), line(one))
        for one in raw.named_children
    )
    if all(one.kind == "text" for one in parts):
        return Node("text", "".join(one.name for one in parts), line(raw))
    return Node("join", "+", line(raw), parts)


def _member(low: Lowering, raw: Raw, depth: int) -> Node:
    return low.member(raw, "object", "property", depth)


def _index(low: Lowering, raw: Raw, depth: int) -> Node:
    key = low.one(raw.child_by_field_name("index"), depth + 1)
    return Node("index", "", line(raw), (key,), low.one(raw.child_by_field_name("object"), depth + 1))


def _call(low: Lowering, raw: Raw, depth: int) -> Node:
    function = low.one(raw.child_by_field_name("function"), depth + 1)
    return called("call", function, low.values(raw.child_by_field_name("arguments"), depth), line(raw))


def _new(low: Lowering, raw: Raw, depth: int) -> Node:
    function = low.one(raw.child_by_field_name("constructor"), depth + 1)
    return called("new", function, low.values(raw.child_by_field_name("arguments"), depth), line(raw))


def _object(low: Lowering, raw: Raw, depth: int) -> Node:
    return Node("record", "", line(raw), low.many(raw.named_children, depth))


def _pair(low: Lowering, raw: Raw, depth: int) -> Node:
    key = raw.child_by_field_name("key")
    name = _chars(key) if key is not None and key.type == "string" else text(key)
    return Node("field", name, line(raw), (low.one(raw.child_by_field_name("value"), depth + 1),))


def _short(low: Lowering, raw: Raw, depth: int) -> Node:
    del low, depth
    return Node("field", text(raw), line(raw), (Node("name", text(raw), line(raw)),))


def _declared(low: Lowering, raw: Raw, depth: int) -> Node:
    """`const a = b`, and each name of `const { a, b: c } = d` as `d.a` and `d.b`; `require` is an import."""
    target, value = raw.child_by_field_name("name"), low.one(raw.child_by_field_name("value"), depth + 1)
    if target is None:
        return NOTHING
    if (module := _required(value)) is not None:
        inner, _, wanted = module.partition("#")
        taken = _bound(target) if target.type == "object_pattern" else [(text(target), wanted)]
        return Node(
            "import", inner, line(raw), tuple(Node("field", one, 0, (Node("text", of, 0),)) for one, of in taken)
        )
    if target.type != "object_pattern":
        return Node("assign", text(target), line(raw), (value,))
    whole = value if value.kind == "name" else Node("name", "", value.line, (), value)
    made = [
        Node("assign", name, line(raw), (Node("name", f"{whole.name}.{of}".lstrip("."), line(raw), (), whole.owner),))
        for name, of in _bound(target)
    ]
    return Node("block", "", line(raw), (*made, value))


def _required(value: Node) -> str | None:
    """The module of `require("m")` and `await import("m")`; `m#x` for `require("m").x`."""
    wanted = ""
    if value.kind == "name" and value.owner is not None:
        value, wanted = value.owner, value.name
    if value.kind == "call" and value.name in {"require", "import"} and len(value.parts) == 1:
        module = value.parts[0]
        return f"{module.name}#{wanted}" if module.kind == "text" else None
    return None


def _bound(pattern: Raw) -> Iterator[tuple[str, str]]:
    """The names that a pattern binds, and of which member each."""
    for one in pattern.named_children:
        if one.type == "shorthand_property_identifier_pattern":
            yield text(one), text(one)
        elif one.type == "pair_pattern":
            value = one.child_by_field_name("value")
            if value is not None and value.type == "identifier":
                yield text(value), text(one.child_by_field_name("key"))
        elif one.type == "object_assignment_pattern":
            left = text(one.child_by_field_name("left"))
            yield left, left


def _assigned(low: Lowering, raw: Raw, depth: int) -> Node:
    target = low.one(raw.child_by_field_name("left"), depth + 1)
    value = low.one(raw.child_by_field_name("right"), depth + 1)
    if target.kind == "index" and target.parts and target.parts[0].kind == "text":
        owner = target.owner.name if target.owner is not None else ""
        return Node("assign", f"{owner}.{target.parts[0].name}", line(raw), (value,))
    return Node("assign", target.name, line(raw), (value,), target.owner)


def _field(low: Lowering, raw: Raw, depth: int) -> Node:
    name = raw.child_by_field_name("property") or raw.child_by_field_name("name")
    value = raw.child_by_field_name("value")
    return Node("assign", text(name), line(raw), (low.one(value, depth + 1),)) if value is not None else NOTHING


def _function(low: Lowering, raw: Raw, depth: int) -> Node:
    given = raw.child_by_field_name("parameters") or raw.child_by_field_name("parameter")
    names = _parameters(given) if given is not None else ()
    parameters = Node("list", "", line(raw), tuple(Node("name", one, line(raw)) for one in names))
    body = low.one(raw.child_by_field_name("body"), depth + 1)
    if body.kind != "block":
        body = Node("return", "", body.line, (body,))
    return Node("function", text(raw.child_by_field_name("name")), line(raw), (parameters, body))


def _parameters(given: Raw) -> Iterator[str]:
    if given.type == "identifier":
        yield text(given)
        return
    for one in given.named_children:
        inner = one.child_by_field_name("pattern") or one.child_by_field_name("left") or one
        if inner.type == "object_pattern":
            yield from (name for name, _ in _bound(inner))
        else:
            yield text(inner)


def _catch(low: Lowering, raw: Raw, depth: int) -> Node:
    """With a `comment` beside its body where one says why."""
    body = raw.child_by_field_name("body")
    said = any(one.type == "comment" for one in (body.named_children if body is not None else ()))
    parts = (low.one(body, depth + 1), *((Node("comment", "", line(raw)),) if said else ()))
    return Node("catch", "", line(raw), parts)


def _if(low: Lowering, raw: Raw, depth: int) -> Node:
    fields = ("condition", "consequence", "alternative")
    return Node("if", "", line(raw), tuple(low.one(raw.child_by_field_name(one), depth + 1) for one in fields))


def _ternary(low: Lowering, raw: Raw, depth: int) -> Node:
    fields = ("consequence", "alternative")
    return Node("choice", "", line(raw), tuple(low.one(raw.child_by_field_name(one), depth + 1) for one in fields))


def _import(low: Lowering, raw: Raw, depth: int) -> Node:
    del low, depth
    source = raw.child_by_field_name("source")
    taken: list[tuple[str, str]] = []
    waiting = list(raw.named_children)
    while waiting:
        one = waiting.pop()
        if one.type == "import_specifier":
            name = text(one.child_by_field_name("name"))
            taken.append((text(one.child_by_field_name("alias")) or name, name))
        elif one.type == "import_require_clause":
            source = one.child_by_field_name("source")
            taken += [(text(inner), "") for inner in one.named_children if inner.type == "identifier"]
        elif one.type == "identifier":
            taken.append((text(one), ""))
        elif one.type in {"import_clause", "named_imports", "namespace_import"}:
            waiting += one.named_children
    module = _chars(source) if source is not None else ""
    return Node("import", module, line(raw), tuple(Node("field", one, 0, (Node("text", of, 0),)) for one, of in taken))


def _class(low: Lowering, raw: Raw, depth: int) -> Node:
    inner = low.many([one for one in raw.named_children if one.type in {"class_body", "decorator"}], depth)
    return Node("class", text(raw.child_by_field_name("name")), line(raw), (Node("list", "", line(raw)), *inner))


def _unary(low: Lowering, raw: Raw, depth: int) -> Node:
    return Node("test", "", line(raw), (low.one(raw.child_by_field_name("argument"), depth + 1),))


_NAME = leaf("name")
HANDLERS: dict[str, Handler] = {
    "identifier": _NAME, "this": _NAME, "super": _NAME, "property_identifier": _NAME, "private_property_identifier": _NAME,
    "undefined": leaf("null"), "null": leaf("null"), "true": leaf("flag"), "false": leaf("flag"), "number": leaf("number"),
    "regex": leaf("regex"), "import": _NAME,
    "string": _string, "template_string": _template, "member_expression": _member, "subscript_expression": _index,
    "call_expression": _call, "new_expression": _new, "object": _object, "pair": _pair,
    "shorthand_property_identifier": _short,
    "array": lambda low, raw, depth: Node("list", "", line(raw), low.values(raw, depth)),
    "variable_declarator": _declared, "assignment_expression": _assigned, "augmented_assignment_expression": _assigned,
    "field_definition": _field, "public_field_definition": _field,
    "function_declaration": _function, "function_expression": _function, "arrow_function": _function,
    "method_definition": _function, "generator_function": _function, "generator_function_declaration": _function,
    "try_statement": around("try"), "catch_clause": _catch, "if_statement": _if, "ternary_expression": _ternary,
    "return_statement": around("return"), "statement_block": around("block"), "program": around("block"),
    "binary_expression": binary, "unary_expression": _unary, "update_expression": _unary,
    "import_statement": _import, "class_declaration": _class, "class": _class, "abstract_class_declaration": _class,
    "throw_statement": around("throw"), "continue_statement": around("continue"), "break_statement": around("continue"),
    "await_expression": passed("argument"), "parenthesized_expression": passed("expression"),
    "as_expression": passed("expression"), "satisfies_expression": passed("expression"),
    "non_null_expression": passed("expression"), "decorator": around("mark"),
}  # fmt: skip
