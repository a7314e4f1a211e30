"""What the API answers to its own operations, asked once and shared by every live rule."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ninefold.audit.answer import Answer, Ask
from ninefold.audit.finding import Location
from ninefold.audit.graphql import HELLO, find, introspected, readings
from ninefold.audit.judge import says_no
from ninefold.audit.probe import Unanswered
from ninefold.audit.rule import Untried
from ninefold.audit.sample import ask_for, ids_in, missing_ids
from ninefold.contract.description import Kind

if TYPE_CHECKING:
    from ninefold.audit.account import Accounts
    from ninefold.audit.burst import Burst
    from ninefold.audit.graphql import Endpoint, Types
    from ninefold.audit.key import Key
    from ninefold.audit.made import Objects
    from ninefold.audit.probe import Probe
    from ninefold.contract.description import Description, Operation

#: Most operations that are asked; a description may have thousands.
OPERATIONS = 60

#: Why nothing is told by what an API refuses that has shut the audit out.
NO_MORE = "the API serves this caller no more: it may have shut the audit out, and then what it refuses tells nothing"

#: Most operations that may hang or break off before nothing more is asked; each can cost ten seconds.
UNANSWERED = 3


@dataclass(frozen=True, slots=True)
class Call:
    """One safe operation: `ask` has no credentials, `answer` was given to it with the first key (or none is
    there).
    """

    operation: Operation | None
    ask: Ask
    answer: Answer
    field: str = ""  # of GraphQL: the root field that is read

    @property
    def place(self) -> Location:
        if self.operation is None:
            return Location(url=self.ask.path)
        return Location(operation=self.operation.id, pointer=self.operation.pointer, url=self.ask.path)


class Survey:
    """Asks GET operations and GraphQL queries on first use. Where neither is described, the base path is all there is."""

    def __init__(self, probe: Probe, description: Description | None, keys: tuple[Key, ...]) -> None:
        self._probe = probe
        self._description = description
        self._keys = keys
        self._calls: tuple[Call, ...] | None = None
        self._anonymous: dict[Ask, Answer] = {}
        self._failed: Untried | None = None
        self._endpoint: dict[bool, Endpoint | None] = {}
        self._silent: Unanswered | None = None
        self._types: Types | None = None
        self._introspected = False
        self.unanswered = 0
        self.burst: Burst | None = None  # made by the first rule that asks for it: ninefold.audit.burst
        self.signed_up: frozenset[Key] = frozenset()  # callers that the audit made
        self.accounts: Accounts | None = None  # and how: ninefold.audit.account
        self.objects: Objects | None = None  # and this by the first that changes things: ninefold.audit.made

    @property
    def base(self) -> str:
        """What goes before the description's paths: the path of `--url`, else that of the first server.

        Requests that were seen have whole paths: where those begin with the path of `--url`, nothing goes before them.
        """
        if self._whole_paths():
            return ""
        if self._probe.origin.base or self._description is None or not self._description.servers:
            return self._probe.origin.base
        path = urlsplit(self._description.servers[0]).path.rstrip("/")
        return path if re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", path) else ""

    def _whole_paths(self) -> bool:
        if self._description is None or self._description.kind not in {Kind.HAR, Kind.POSTMAN}:
            return False
        return any(one.path.startswith(f"{self._probe.origin.base}/") for one in self._description.operations)

    def calls(self) -> tuple[Call, ...]:
        """Every GET operation that answers. Raises `Untried` when none does, or more than a few do not."""
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

    def serves_still(self) -> bool:
        """Whether the first operation that served the caller does so still. True where none did."""
        good = next((call for call in self.calls() if call.answer.ok and not says_no(call.answer)), None)
        if good is None:
            return True
        answer = self._probe.send(self.as_caller(good.ask))
        return answer.ok and not says_no(answer)

    def anonymous(self, call: Call) -> Answer:
        """The answer to the same request without credentials, asked once."""
        if not self._keys:
            return call.answer
        if call.ask not in self._anonymous:
            self._anonymous[call.ask] = self._probe.send(call.ask)
        return self._anonymous[call.ask]

    def endpoint(self, *, unknown: bool = True) -> Endpoint | None:
        """The API's GraphQL endpoint, looked for once. `unknown`: also where the description knows of none.

        Raises `Unanswered` when nothing answers where it could be.
        """
        if self._silent:
            raise self._silent
        if not (found := next((one for one in self._endpoint.values() if one), None)) and unknown not in self._endpoint:
            try:
                found = find(self._as_caller_sent, self._description, self.base, unknown=unknown)
            except Unanswered as fault:
                self._silent = fault
                raise
            self._endpoint[unknown] = found
        return found

    def types(self) -> Types | None:
        """The types that the endpoint tells, asked once; None when there is no endpoint, or it tells nothing."""
        if not self._introspected and (endpoint := self.endpoint()):
            self._types = introspected(endpoint, self._as_caller_sent)
            self._introspected = True
        return self._types

    def _as_caller_sent(self, ask: Ask) -> Answer:
        return self._probe.send(self.as_caller(ask))

    def as_caller(self, ask: Ask) -> Ask:
        """The request with the first key, if there is one."""
        return self._keys[0].on(ask) if self._keys else ask

    def _ask_all(self) -> tuple[Call, ...]:
        gets = [one for one in self._description.operations if one.method == "GET"] if self._description else []
        if self._description is None or not gets:
            if queries := self._queries():
                return queries
            ask = Ask("GET", f"{self.base}/")
            return (Call(None, ask, self._probe.send(self.as_caller(ask))),)
        calls: list[Call] = []
        waiting: list[Operation] = []
        found: dict[str, str] = {}
        for operation in sorted(gets, key=lambda one: one.path.count("{"))[:OPERATIONS]:
            if missing_ids(self._description, operation) - found.keys():
                waiting.append(operation)
            elif call := self._call(self._description, operation, found):
                calls.append(call)
                found = {**ids_in(self._description, operation, call.answer), **found}
        calls += [call for one in waiting if (call := self._call(self._description, one, found))]
        calls += self._queries()
        if not calls:
            raise Untried("no operation gave an answer")
        return tuple(calls)

    def _queries(self) -> tuple[Call, ...]:
        """What a described GraphQL endpoint answers: to the cheapest query, and to a read of each root field."""
        try:
            endpoint = self.endpoint(unknown=self._description is None)
            if endpoint is None:
                return ()
            calls = [Call(endpoint.operation, endpoint.ask(HELLO), endpoint.hello, "__typename")]
            for name, document in readings(types) if (types := self.types()) else ():
                ask = endpoint.ask(document)
                calls.append(Call(endpoint.operation, ask, self._as_caller_sent(ask), name))
        except Unanswered:  # others may answer; whether one does is for them to show
            self.unanswered += 1
            return ()
        return tuple(calls)

    def _call(self, description: Description, operation: Operation, found: dict[str, str]) -> Call | None:
        """None for an operation that gives no answer, if others do; raises `Unanswered` if too many give none."""
        ask = ask_for(description, operation, found, self.base)
        try:
            return Call(operation, ask, self._probe.send(self.as_caller(ask)))
        except Unanswered:
            self.unanswered += 1
            if self.unanswered > UNANSWERED:
                raise
            return None
