"""What the rules of one operation say about one request, where some of them have conditions.

Any rule that fits allows; one that denies overrides them all; what is not allowed is refused. A condition that cannot be
answered (an attribute is not there, or is not what it was declared to be) is false where it would allow and true where it
would deny. What needs no body is asked first, so that none is waited for in vain; what needs the answer is held against it
before it leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from ninefold.contract.condition import compile_condition
from ninefold.contract.granted import environment
from ninefold.contract.rules import allowing, denying
from ninefold.guard.answer import Answer, refuse
from ninefold.guard.facts import Facts, reader
from ninefold.guard.foreign import Malformed, Template, Unreadable
from ninefold.guard.need import Need

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.contract.attribute import Environment
    from ninefold.contract.authorization import Authorization, Rule
    from ninefold.contract.description import Operation
    from ninefold.guard.plan import Check, Setting
    from ninefold.guard.request import Request

#: Elements of an answer's array that a condition is held against, one by one. Of a longer one nothing leaves.
MOST_ELEMENTS = 5000


class Undecided(Exception):
    """A condition has no answer. Says why."""


class Test:
    """A condition that can be asked about a request."""

    __slots__ = ("_fixed", "_late", "_program", "body", "resource", "text")

    def __init__(self, text: str, known: Environment) -> None:
        """Raises `ConditionFaults`."""
        condition = compile_condition(text, known)
        self.text = text
        self.body = "body" in condition.roots
        self.resource = "resource" in condition.roots
        self._program = condition.program
        readers = [(one, reader(one.attribute, presence=one.presence)) for one in condition.uses]
        self._fixed = [
            (use.variable, str(use.attribute), read) for use, read in readers if use.attribute.root != "resource"
        ]
        self._late = [
            (use.variable, str(use.attribute), read) for use, read in readers if use.attribute.root == "resource"
        ]

    def __call__(self, facts: Facts) -> bool:
        """Whether it is true. Raises `Undecided`."""
        missing = ""
        data = facts.fixed.get(id(self))
        if data is None:
            data = facts.fixed[id(self)] = {}
            missing = _read(self._fixed, facts, data)
        if self._late:
            data = dict(data)
            missing = _read(self._late, facts, data) or missing
        try:
            value = self._program.eval(data=data).value()
        except Exception as fault:  # noqa: BLE001  # whatever the library says, there is no answer
            raise Undecided(_first_line(fault)) from None
        if value is True or value is False:
            return bool(value)
        raise Undecided(missing or _first_line(value))


def _read(readers: list[tuple[str, str, Callable[[Facts], Any]]], facts: Facts, data: dict[str, Any]) -> str:
    """Fill in what can be read; gives why something could not. It may yet turn out not to be asked for."""
    missing = ""
    for variable, name, read in readers:
        try:
            data[variable] = read(facts)
        except Unreadable as fault:
            missing = missing or f"{name}: {fault}"
    return missing


def _first_line(fault: object) -> str:
    """What the library says, without the value that it may say it of."""
    return str(fault).partition("\n")[0].partition(' : "')[0][:200]


@dataclass(frozen=True, slots=True, eq=False)
class Grant:
    """One rule, for one operation. `place` is where it stands; `allow` empty: whoever is a caller."""

    place: str
    deny: bool
    allow: frozenset[str]
    since: float
    until: float
    test: Test | None
    why: str = ""

    @property
    def body(self) -> bool:
        return self.test is not None and self.test.body

    @property
    def late(self) -> bool:
        return self.test is not None and self.test.resource


class Asked(msgspec.Struct, frozen=True):
    """One thing that was asked on the way to a decision. `holds` None: it was not decided yet."""

    place: str
    deny: bool
    what: str
    holds: bool | None


class Held(msgspec.Struct, frozen=True, gc=False):
    """Rules that are held against the answer. `allowed`: another has allowed already, so only denials are left."""

    ruling: Ruling
    allowed: bool
    grants: tuple[Grant, ...]
    denials: tuple[Grant, ...]

    def release(self, request: Request, body: bytes) -> tuple[bytes | None, str]:
        """What may leave of a successful answer's JSON, None: nothing; and why not all of it.

        Of an array at the top each element is judged by itself. This is the one place where a whole answer is decoded, and
        it is for operations alone whose rules speak of `resource`.
        """
        facts = self.ruling.facts(request)
        asked: list[Asked] = []
        try:
            facts.read_body()
            if not self.ruling.elements:
                facts.resource = msgspec.json.decode(body)
                return (body, "") if self._judge(facts, asked) else (None, _told(asked))
            elements = msgspec.json.decode(body, type=list[msgspec.Raw])
            if len(elements) > MOST_ELEMENTS:
                return None, f"the answer has more than {MOST_ELEMENTS} elements, too many to judge"
            kept = []
            for one in elements:
                facts.resource = msgspec.json.decode(one)
                if self._judge(facts, asked if len(asked) < 2 else []):
                    kept.append(one)
        except (msgspec.MsgspecError, Malformed, ValueError, RecursionError) as fault:
            return None, f"the answer cannot be judged ({type(fault).__name__})"
        if len(kept) == len(elements):
            return body, ""
        reason = f"{len(elements) - len(kept)} of {len(elements)} elements were kept back: {_told(asked)}"
        return b"[" + b",".join(kept) + b"]", reason

    def _judge(self, facts: Facts, asked: list[Asked]) -> bool:
        if any(_true(one, facts, asked) for one in self.denials):
            return False
        return self.allowed or any(_true(one, facts, asked) for one in self.grants)


class Ruling:
    """The rules of one operation, compiled."""

    def __init__(
        self,
        authorization: Authorization,
        operation: Operation,
        known: Environment,
        place: Callable[[int], str],
        content: Check | None,
    ) -> None:
        """`known` is what conditions may speak of, `place` says where the rule of that number stands.

        `content` says whether a body may come at all. Raises `ConditionFaults`.
        """

        def grant(number: int, rule: Rule) -> Grant:
            return Grant(
                place(number),
                rule.deny is not None,
                frozenset(rule.allow),
                rule.from_ if rule.from_ is not None else float("-inf"),
                rule.until if rule.until is not None else float("inf"),
                Test(rule.when, known) if rule.when is not None else None,
                rule.deny or "",
            )

        allowing_ = allowing(authorization, operation.id)
        self.operation = operation
        self.elements = known.elements
        self._open = any(rule.public is not None for _, rule in allowing_)
        self._grants = tuple(grant(number, rule) for number, rule in allowing_ if rule.public is None)
        self._denials = tuple(grant(number, rule) for number, rule in denying(authorization, operation.id))
        self._template = Template(operation.path)
        self._content = content

    def decide(self, request: Request, asked: list[Asked] | None = None) -> Answer | Need | None:
        """None: it may pass, and `request.held` says what has to be true of its answer. `asked` takes what was asked."""
        asked = [] if asked is None else asked
        facts = self.facts(request)
        now = request.time
        denials = [one for one in self._denials if _in_time(one, now, asked)]
        grants = [one for one in self._grants if _in_time(one, now, asked) and _fits(one, request.scopes, asked)]
        denied = _any(denials, facts, asked, body=False)
        if denied is not None:
            return _refused(denied, asked)
        allowed = self._open or _any(grants, facts, asked, body=False) is not None
        waiting = [] if allowed else [one for one in grants if one.body or one.late]
        if not allowed and not waiting:
            return _forbidden(asked)
        if any(one.body for one in denials) or any(one.body for one in waiting):
            answer = self._with_body(request, facts)
            if answer is not None:
                return answer
            denied = _any(denials, facts, asked, body=True)
            if denied is not None:
                return _refused(denied, asked)
            allowed = allowed or _any(waiting, facts, asked, body=True) is not None
        late = () if allowed else tuple(one for one in waiting if one.late)
        overriding = tuple(one for one in denials if one.late)
        if not allowed and not late:
            return _forbidden(asked)
        if late or overriding:
            asked += [
                Asked(one.place, one.deny, "`when` is held against the answer", None) for one in (*overriding, *late)
            ]
            request.held = Held(self, allowed, late, overriding)
        return None

    def facts(self, request: Request) -> Facts:
        return Facts(request, self.operation, self._template)

    def _with_body(self, request: Request, facts: Facts) -> Answer | Need | None:
        if request.body == 0:
            return None
        verdict = self._content(request) if self._content is not None else None
        if verdict is not None:
            return verdict
        if request.content is None:
            return Need.BODY
        try:
            facts.read_body()
        except Malformed as fault:
            return refuse(400, "permission", str(fault))
        return None


def ruling(setting: Setting, content: Check | None) -> Ruling:
    """That of a setting's operation."""
    authorization = setting.contract.authorization
    assert authorization is not None
    assert setting.operation is not None
    assert setting.description is not None
    known = environment(setting.contract, setting.description, setting.operation)
    return Ruling(authorization, setting.operation, known, setting.place, content)


def _any(grants: list[Grant], facts: Facts, asked: list[Asked], *, body: bool) -> Grant | None:
    """The first that holds of those that need no answer, and a body or none."""
    for one in grants:
        if one.body == body and not one.late and _true(one, facts, asked):
            return one
    return None


def _true(grant: Grant, facts: Facts, asked: list[Asked]) -> bool:
    if grant.test is None:
        what = "it denies without a condition" if grant.deny else "what it asks for is held"
        asked.append(Asked(grant.place, grant.deny, what, holds=True))
        return True
    try:
        holds = grant.test(facts)
        said = "`when` is true" if holds else "`when` is false"
    except Undecided as fault:
        holds = grant.deny
        said = f"`when` cannot be answered ({fault}), which {'denies' if grant.deny else 'allows nothing'}"
    asked.append(Asked(grant.place, grant.deny, said, holds))
    return holds


def _in_time(grant: Grant, now: float, asked: list[Asked]) -> bool:
    if grant.since <= now < grant.until:
        return True
    asked.append(
        Asked(grant.place, grant.deny, "it holds later" if now < grant.since else "its time is over", holds=False)
    )
    return False


def _fits(grant: Grant, scopes: frozenset[str], asked: list[Asked]) -> bool:
    if not grant.allow or not grant.allow.isdisjoint(scopes):
        return True
    asked.append(Asked(grant.place, grant.deny, f"none of {', '.join(sorted(grant.allow))} is held", holds=False))
    return False


def _told(asked: list[Asked]) -> str:
    return "; ".join(f"{one.place}: {one.what}" for one in asked if one.holds is not None and one.holds == one.deny)


def _refused(grant: Grant, asked: list[Asked]) -> Answer:
    return refuse(403, "permission", f"{grant.place}: denied, {grant.why} ({asked[-1].what})")


def _forbidden(asked: list[Asked]) -> Answer:
    return refuse(403, "permission", _told(asked) or "no rule of the contract allows this operation")
