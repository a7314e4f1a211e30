from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import tree_sitter
import tree_sitter_go
import tree_sitter_java
import tree_sitter_typescript

from ninefold.audit.code import go, java, javascript
from ninefold.audit.code.lower import Lowering
from ninefold.audit.code.unit import Unit, unit

if TYPE_CHECKING:
    from ninefold.audit.code.node import Node


def lowered(language: str, text: str) -> Node:
    grammar, module = {
        "TypeScript": (tree_sitter_typescript.language_typescript(), javascript),
        "Go": (tree_sitter_go.language(), go),
        "Java": (tree_sitter_java.language(), java),
    }[language]
    tree = tree_sitter.Parser(tree_sitter.Language(grammar)).parse(text.encode())
    assert not tree.root_node.has_error, text
    return Lowering(module.HANDLERS, module.SKIPPED).one(tree.root_node, 0)


def read(language: str, text: str) -> Unit:
    return unit(language, text, lowered(language, text))


def literal(language: str, text: str) -> object:
    """What the first argument of `use` stands for."""
    one = read(language, text)
    step = next(step for step in one.steps if step.node.kind == "call" and step.node.name == "use")
    return one.literal(step, step.node.parts[0])


@pytest.mark.parametrize(
    ("language", "text", "told"),
    [
        ("TypeScript", 'const a: string = "a"; use(a);', ("a", True)),
        ("TypeScript", 'const a = { b: { c: "a" } } as const; use(a.b.c);', ("a", True)),
        ("TypeScript", 'const { c } = { c: "a" }; use(c);', ("a", True)),
        ("TypeScript", 'class A { private b = "a"; f() { use(this.b); } }', ("a", True)),
        ("TypeScript", 'class A { static b = "a"; f() { use(A.b); } }', ("a", True)),
        ("TypeScript", 'class A { constructor() { this.b = "a"; } f() { use(this.b); } }', ("a", True)),
        ("TypeScript", "use(`a`);", ("a", True)),
        ("TypeScript", 'use("a" + "b" + `c`);', ("abc", True)),
        ("TypeScript", 'use(Buffer.from("a", "hex"));', ("a", True)),
        ("TypeScript", 'use(new TextEncoder().encode("a"));', ("a", True)),
        ("TypeScript", 'use(process.env.A || "a");', ("a", False)),
        ("TypeScript", 'use(process.env.A ?? "a");', ("a", False)),
        ("TypeScript", "use(process.env.A!);", None),
        ("TypeScript", "use(`a${b}`);", None),
        ("TypeScript", 'let a = "a"; a = load(); use(a);', None),
        ("TypeScript", 'const a = "a"; function f(a: string) { use(a); }', None),
        ("TypeScript", 'const a = "a"; const f = ({ a }) => use(a);', None),
        ("TypeScript", "const a = b, b = a; use(a);", None),
        ("Go", 'package a\nconst A = "a"\nfunc f() { use([]byte(A)) }', ("a", True)),
        ("Go", "package a\nfunc f() { a := `a`; use(a) }", ("a", True)),
        ("Go", 'package a\nvar c = C{B: "a"}\nfunc f() { use(c.B) }', ("a", True)),
        ("Go", "package a\nfunc f(a string) { use(a) }", None),
        ("Go", 'package a\nfunc f() { a, err := load("a"); use(a) }', None),
        ("Go", 'package a\nfunc f() { use(os.Getenv("A")) }', None),
        ("Java", 'class A { static final String B = "a"; void f() { use(B.getBytes()); } }', ("a", True)),
        ("Java", 'class A { String b = "a"; void f() { use(this.b); } }', ("a", True)),
        ("Java", 'class A { void f() { String b = "a" + "b"; use(b.toCharArray()); } }', ("ab", True)),
        ("Java", "class A { void f(String b) { use(b); } }", None),
        ("Java", 'class A { void f() { use(System.getenv("A")); } }', None),
    ],
)  # fmt: skip
def test_a_name_is_what_it_was_given_where_that_is_one_thing(language: str, text: str, told: object) -> None:
    assert literal(language, text) == told


@pytest.mark.parametrize(
    ("language", "text", "name", "full"),
    [
        ("TypeScript", 'import a from "m";', "a.b", "m.b"),
        ("TypeScript", 'import * as a from "node:m";', "a.b", "m.b"),
        ("TypeScript", 'import { b as c } from "m";', "c", "m.b"),
        ("TypeScript", 'import a = require("m");', "a.b", "m.b"),
        ("TypeScript", 'const a = require("m");', "a.b", "m.b"),
        ("TypeScript", 'const { b: c } = require("m");', "c", "m.b"),
        ("TypeScript", 'const c = require("m").b;', "c", "m.b"),
        ("TypeScript", 'async function f() { const { b } = await import("m"); }', "b", "m.b"),
        ("Go", 'package a\nimport "crypto/md5"', "md5.Sum", "crypto/md5.Sum"),
        ("Go", 'package a\nimport j "x.y/jwt/v5"', "j.New", "x.y/jwt.New"),
        ("Go", 'package a\nimport "x.y/jwt/v5"', "jwt.New", "x.y/jwt.New"),
        ("Java", "import a.b.C;", "C.d", "a.b.C.d"),
    ],
)
def test_names_are_followed_through_imports(language: str, text: str, name: str, full: str) -> None:
    assert read(language, text).full(name) == full


def test_a_step_knows_what_is_around_it() -> None:
    one = read("TypeScript", "class A { login(pw) { if (a) { const hash = use(pw); } } }\nuse(1);")
    inner, outer = (step for step in one.steps if step.node.kind == "call")
    assert inner.words.split() == ["login", "hash"]
    assert (inner.guarded, outer.guarded) == (True, False)
    assert inner.function is not None
    assert outer.function is None
