from __future__ import annotations

from ninefold.guard.lenient import Lenient
from ninefold.guard.outline import Shape
from ninefold.guard.program import Program
from ninefold.guard.project import Projector


def test_types_may_be_others_and_members_may_not() -> None:
    node = Shape(members={"name": Shape(scalars={"string"})})
    assert node.members is not None
    node.members["next"] = node
    node.members["all"] = Shape(items=node)
    project = Projector(Lenient().of(node), Program())
    for text, kept in (
        (b'{"name":1,"x":2}', b'{"name":1}'),
        (b'{"name":{"a":[1]},"next":{"x":1,"next":7}}', b'{"name":{"a":[1]},"next":{"next":7}}'),
        (b'{"all":{"x":1}}', b'{"all":{"x":1}}'),  # of an object nothing is said there
        (b'{"all":[{"x":1,"name":"a"},5]}', b'{"all":[{"name":"a"},5]}'),
        (b"[1]", b"[1]"),
    ):
        assert project(text)[0] == kept
