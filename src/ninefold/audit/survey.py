"""What the API answers to its own operations, asked once and shared by every live rule."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ninefold.audit.answer import Answer, Ask
from ninefold.audit.finding import Location
from ninefold.audit.rule import Untried
from ninefold.audit.sample import ask_for, ids_in, missing_ids

if TYPE_CHECKING:
    from ninefold.audit.key import Key
    from ninefold.audit.probe import Probe
    from ninefold.contract.description import Description, Operation

#: Most operations that are asked; a description may have thousands.
OPERATIONS = 60


@dataclass(frozen=True, slots=True)
class Call:
    """One safe operation: `ask` has no credentials, `answer` was given to it with the first key (or none is
    there).
    """

    operation: Operation | None
    ask: Ask
    answer: Answer

    @property
    def place(self) -> Location:
        if self.operation is None:
            return Location(url=self.ask.path)
        return Location(operation=self.operation.id, pointer=self.operation.pointer, url=self.ask.path)


class Survey:
    """Asks GET operations on first use. Where none is described, the base path is all there is to ask."""

    def __init__(self, probe: Probe, description: Description | None, keys: tuple[Key, ...]) -> None:
        self._probe = probe
        self._description = description
        self._keys = keys
        self._calls: tuple[Call, ...] | None = None
        self._anonymous: dict[Ask, Answer] = {}
        self._failed: Untried | None = None

    @property
    def base(self) -> str:
        """What goes before the description's paths: the path of `--url`, else that of the first server."""
        if self._probe.origin.base or self._description is None or not self._description.servers:
            return self._probe.origin.base
        path = urlsplit(self._description.servers[0]).path.rstrip("/")
        return path if re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", path) else ""

    def calls(self) -> tuple[Call, ...]:
        """Every GET operation, with its answer. Raises `Untried` when one of them gives no answer."""
        if self._failed:
            raise self._failed
        if self._calls is None:
            try:
                self._calls = self._ask_all()
            except Untried as fault:
                self._failed = fault
                raise
        return self._calls

    def answered(self) -> tuple[Call, ...]:
        """Those with a successful answer. Raises `Untried` when there is none: nothing is learned from
        refusals alone.
        """
        good = tuple(call for call in self.calls() if call.answer.ok)
        if not good:
            raise Untried("no operation of the API answered with success, so there is nothing to compare with")
        return good

    def anonymous(self, call: Call) -> Answer:
        """The answer to the same request without credentials, asked once."""
        if not self._keys:
            return call.answer
        if call.ask not in self._anonymous:
            self._anonymous[call.ask] = self._probe.send(call.ask)
        return self._anonymous[call.ask]

    def as_caller(self, ask: Ask) -> Ask:
        """The request with the first key, if there is one."""
        return self._keys[0].on(ask) if self._keys else ask

    def _ask_all(self) -> tuple[Call, ...]:
        gets = [one for one in self._description.operations if one.method == "GET"] if self._description else []
        if self._description is None or not gets:
            ask = Ask("GET", f"{self.base}/")
            return (Call(None, ask, self._probe.send(self.as_caller(ask))),)
        calls: list[Call] = []
        waiting: list[Operation] = []
        found: dict[str, str] = {}
        for operation in sorted(gets, key=lambda one: one.path.count("{"))[:OPERATIONS]:
            if missing_ids(self._description, operation) - found.keys():
                waiting.append(operation)
            else:
                calls.append(self._call(operation, found))
                found = {**ids_in(self._description, operation, calls[-1].answer), **found}
        return (*calls, *(self._call(operation, found) for operation in waiting))

    def _call(self, operation: Operation, found: dict[str, str]) -> Call:
        assert self._description is not None
        ask = ask_for(self._description, operation, found, self.base)
        return Call(operation, ask, self._probe.send(self.as_caller(ask)))
