from __future__ import annotations

import ast

import pytest

from ninefold.audit.pyvalue import Values


def literal(text: str) -> object:
    """What the argument of the only call of `use` stands for."""
    tree = ast.parse(text)
    call = next(one for one in ast.walk(tree) if isinstance(one, ast.Call) and ast.unparse(one.func) == "use")
    return Values(tree).literal(call.args[0], call)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("use('a')", ("a", True)),
        ("A = B = 'a'\nuse(B)", ("a", True)),
        ("A = 'a'\nB = A\nuse(B)", ("a", True)),
        ("A = 'a'\ndef f():\n    def g():\n        use(A)", ("a", True)),
        ("def f():\n    a = 'a'\n    def g():\n        use(a)", ("a", True)),
        ("class A:\n    b = 'a'\n    def f(self):\n        use(self.b)", ("a", True)),
        ("class A:\n    b = 'a'\nuse(A.b)", ("a", True)),
        ("use(bytes.fromhex('00ff'))", ("00ff", True)),
        ("use(os.getenv('A', 'a'))", ("a", False)),
        ("use(os.getenv('A') or 'a')", ("a", False)),
        ("use('a' or 'b')", ("b", True)),
        ("use(os.getenv('A'))", None),
        ("use(load())", None),
        ("use(1)", None),
        ("A = 'a'\nA += 'b'\nuse(A)", None),
        ("for A in ('a',):\n    pass\nuse(A)", None),
        ("if x:\n    A = 'a'\nelse:\n    A = 'b'\nuse(A)", None),
        ("A = A\nuse(A)", None),
        ("A = B\nB = A\nuse(A)", None),
        ("a = 'a'\ndef f(a):\n    use(a)", None),
        ("self.b = 'a'\nuse(other.b)", None),
    ],
)
def test_a_name_is_what_it_was_given_where_that_is_one_thing(text: str, told: object) -> None:
    assert literal(text) == told


def test_settings_of_pydantic_are_known() -> None:
    tree = ast.parse("class S(BaseSettings):\n    a: str = 'a'\nclass T(Base):\n    a: str = 'a'\n")
    values = Values(tree)
    assert [values.is_setting(one) for one in ast.walk(tree) if isinstance(one, ast.AnnAssign)] == [True, False]
