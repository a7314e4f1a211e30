"""One small syntax tree for several languages: what the rules ask about, and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Node(NamedTuple):
    """A piece of source. `kind` says what `name` and `parts` are:

    `text`: a literal, its value. `number`, `flag` (`true`, `false`), `null`: as written.
    `name`: dotted (`req.body`); `owner` is what its first part belongs to, where that is no name.
    `index`: owner and key. `call`: what is called, dotted; the arguments; `owner` as for a name. `new` likewise.
    `record`: `field`s, each with a name and a value; its own name is its type. `list`: elements; its name is its type.
    `join`: pieces of a text. `choice`: values of which one is taken. `test`: gives true or false, or a part.
    `assign`: the target and the value; `function`: the parameters as the first part (`list`), then the body.
    `try`: the body; `catch`: the name is the type; `return`; `if`: condition and branches; `block`: statements.
    `class`: its name, `owner` None; the supertypes as the first part (`list`). `mark`: an annotation or decorator.
    `import`: the module, and `field`s from local name to name in it (`*` and empty: the module itself).
    """

    kind: str
    name: str
    line: int
    parts: tuple[Node, ...] = ()
    owner: Node | None = None

    @property
    def last(self) -> str:
        """`info` of `this.log.info`."""
        return self.name.rpartition(".")[2]

    @property
    def head(self) -> str:
        """`this.log` of `this.log.info`."""
        return self.name.rpartition(".")[0]

    def field(self, name: str) -> Node | None:
        """The value of a record's field."""
        return next(
            (one.parts[0] for one in self.parts if one.kind == "field" and one.name == name and one.parts), None
        )


def inside(node: Node) -> Iterator[Node]:
    """The node and all that is in it, outer ones first, in the order of the text."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += reversed(one.parts)
        if one.owner is not None:
            waiting.append(one.owner)


def names(node: Node) -> str:
    """All names in it, for a look at what it is about."""
    return " ".join(one.name for one in inside(node) if one.kind in {"name", "call", "new", "field"})


def snaked(words: str) -> str:
    """`jwt_Secret` for `jwtSecret`, so that a pattern for words finds them."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", words)
