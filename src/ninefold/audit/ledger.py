"""What the audit made itself. PUT, PATCH and DELETE go to these paths and to no other, whatever a rule asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ninefold.audit.answer import Ask
    from ninefold.audit.key import Key


class Ledger:
    """Own paths, exactly as they are sent. A path may be bound to one credential: `/me` is another thing to each caller."""

    def __init__(self) -> None:
        self._own: dict[str, Key | None] = {}

    def add(self, path: str, only: Key | None = None) -> None:
        """From now on `path` is the audit's; with `only`, in requests that carry that credential."""
        self._own[path] = only

    def close(self, path: str) -> None:
        """What was there is gone, and its id may be given to somebody else."""
        self._own.pop(path, None)

    def admits(self, ask: Ask) -> bool:
        """Whether `ask` changes what the audit made, and nothing else."""
        if ask.path not in self._own or ask.query != _own_query(ask, self._own[ask.path]):
            return False
        only = self._own[ask.path]
        return only is None or frozenset(only.on(ask).headers) == frozenset(ask.headers)


def _own_query(ask: Ask, only: Key | None) -> tuple[tuple[str, str], ...]:
    """The query that `ask` may have: the credential that the path is bound to, and what is no id."""
    if only is not None:
        return only.on(ask).query
    return tuple(pair for pair in ask.query if not pair[0].lower().endswith("id"))
