"""Objects that the audit makes to try others' rights on, and removes again whatever happens.

Only what the description also says how to read and to remove is made at all. An object counts as made when the API
shows it under its id with the mark that the audit put into it; only then may anything be changed there.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ninefold.audit.answer import Answer, Ask
from ninefold.audit.body import bodies, json_schema
from ninefold.audit.collection import Kind, kinds
from ninefold.audit.judge import serves
from ninefold.audit.probe import Unanswered
from ninefold.audit.rule import Untried
from ninefold.audit.sample import ask_for, id_field, objects_in, rows_in, usable
from ninefold.audit.selection import wider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ninefold.audit.finding import Confidence
    from ninefold.audit.key import Key
    from ninefold.audit.target import Target
    from ninefold.contract.description import Operation

#: Requests that are kept for removing one object: look as each caller, remove, and see a few times that it is gone.
RESERVE = 10

#: Most objects that one audit makes, and bodies that are tried for one.
OBJECTS, BODIES = 40, 4

#: Says that a condition is missing (RFC 6585 section 3).
PRECONDITION_REQUIRED = 428


@dataclass(slots=True)
class Made:
    """One object. `mark` is in its texts, `sent` is what it was made from, `owner` who made it.

    `answer` is the owner's first reading of it, `made` what the API said to the POST, if it said something.
    """

    kind: Kind
    owner: Key
    id: str
    path: str
    mark: str
    sent: Mapping[str, Any]
    answer: Answer
    made: Answer | None = None
    gone: bool = False


@dataclass(slots=True)
class _Begun:
    """A creation of which it is not known yet what came of it."""

    kind: Kind
    owner: Key
    mark: str
    sent: Mapping[str, Any]
    answer: Answer | None = None


@dataclass(slots=True)
class Trio:
    """Two objects of one owner, and one that is gone: what the API says of `void` it says of what is not there.

    `void` is only read: its id is free, and an API that gives ids again may have given it to somebody.
    """

    main: Made
    spare: Made
    void: Made


@dataclass(slots=True)
class Objects:
    """Makes, knows again and removes. `token` gives a few random hexadecimal digits."""

    target: Target
    token: Callable[[], str] = field(default=lambda: secrets.token_hex(6))
    left: list[str] = field(default_factory=list)
    standings: dict[str, Confidence | None] = field(default_factory=dict)  # how sure it is whose they are, by template
    _made: list[Made] = field(default_factory=list)
    _begun: list[_Begun] = field(default_factory=list)
    _trios: dict[str, Trio | Untried] = field(default_factory=dict)
    _removable: dict[str, bool] = field(default_factory=dict)
    _known: dict[str, list[Any]] | None = None
    _conditional: set[str] = field(default_factory=set)  # operations that want `If-Match` and do not say so

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What can be made, read and removed by the description. Raises `Untried` when nothing can."""
        found = kinds(self.target.api)
        if not found:
            raise Untried(
                "no collection is described with a POST, and with a GET and a DELETE of one object: "
                "what the audit could not remove again it does not make",
                missed=False,
            )
        return found

    @property
    def callers(self) -> tuple[Key, ...]:
        return tuple({key.value: key for key in self.target.keys}.values())

    def trio(self, kind: Kind) -> Trio:
        """Three objects of the first caller, made once an audit. Raises `Untried`, each time with the same reason."""
        if kind.template not in self._trios:
            try:
                self._trios[kind.template] = self._three(kind)
            except Untried as fault:
                self._trios[kind.template] = fault
        found = self._trios[kind.template]
        if isinstance(found, Untried):
            raise found
        return found

    def _three(self, kind: Kind) -> Trio:
        owner = self.callers[0]
        void, main, spare = (self.make(kind, owner) for _ in range(3))  # `void` is not the last: its id stays free
        if len({void.id, main.id, spare.id}) < 3:
            raise Untried(f"POST {kind.create.path} gave the same id twice")
        if not self.remove(void):
            raise Untried(f"DELETE {kind.template} removes not all that the audit made")
        return Trio(main, spare, void)

    def make(self, kind: Kind, owner: Key, more: Mapping[str, Any] | None = None) -> Made:
        """An object of `owner`, with the members `more` beside those that it needs. Raises `Untried`.

        The first of its kind is removed at once: where that fails, no second one is made.
        """
        if kind.template not in self._removable:
            first = self._make(kind, owner, {})
            self._removable[kind.template] = False
            self._removable[kind.template] = self.remove(first)
        if not self._removable[kind.template]:
            raise Untried(f"DELETE {kind.template} does not remove what the audit made")
        return self._make(kind, owner, more or {})

    def _make(self, kind: Kind, owner: Key, more: Mapping[str, Any], *, again: bool = False) -> Made:
        """A request that surely was lost on the way is made `again`."""
        probe, api = self.target.probe, self.target.api
        if len(self._made) >= OBJECTS or probe.left <= RESERVE + BODIES + 2:
            raise Untried("the budget is too small to make an object and to remove it again (--budget)")
        told = json_schema(kind.create)
        said = "no text among its members that could carry a mark"
        for at, body in enumerate(bodies(api, kind.create, kind.read, self.known(kind), mark := f"nf{self.token()}")):
            if at >= BODIES or told is None:
                break
            if mark not in str(body):
                continue
            if at:
                self.listed(kind, owner)  # a refusal may have broken the connection, which POST must not find out
            begun = _Begun(kind, owner, mark, {**body, **more})
            self._begun.append(begun)
            probe.reserve += RESERVE
            ask = ask_for(api, kind.create, {}, self.target.survey.base).header("Content-Type", told[0])
            ask = owner.on(Ask(ask.method, ask.path, ask.query, ask.headers, json.dumps(begun.sent).encode()))
            begun.answer = self._post(ask)
            if begun.answer is not None and not serves(begun.answer, None, None):
                said = f"it is refused ({begun.answer.status})"
                self._forget(begun)
                continue
            for _ in probe.moments():
                if found := self._find(begun):
                    return found
            if begun.answer is None and not again and self._lists_all(kind):
                self._forget(begun)
                return self._make(kind, owner, more, again=True)
            raise Untried(f"what POST {kind.create.path} made cannot be found again by its id")
        raise Untried(f"nothing could be made by POST {kind.create.path}: {said}")

    def another(self, kind: Kind, key: Key) -> Made:
        """An object of another caller, made once an audit. Raises `Untried`."""
        there = (one for one in self._made if one.kind.template == kind.template and one.owner == key and not one.gone)
        return next(there, None) or self.make(kind, key)

    def ask(self, operation: Operation, made: Made, shown: Answer | None = None) -> Ask:
        """The request for this object, with what the operation requires in query and header, and no credential.

        Where that is a condition (`If-Match`, RFC 9110 section 13.1.1), it is the tag of what the owner reads now, or of
        what was `shown`.
        """
        ask = self._ask(operation, made.path)
        told = any(one.location == "header" and one.name.lower() == "if-match" for one in operation.parameters)
        if not told and operation.id not in self._conditional:
            return ask
        tag = (shown or self.read(made)).header("etag")
        return ask.header("If-Match", tag) if tag else ask

    def _ask(self, operation: Operation, path: str) -> Ask:
        return replace(ask_for(self.target.api, operation, {}, self.target.survey.base), path=path)

    def send(self, ask: Ask) -> Answer:
        """The answer; asked once more if a connection broke, which nothing but POST minds (RFC 9110 section 9.2.2)."""
        try:
            return self.target.probe.send(ask)
        except Unanswered:
            return self.target.probe.send(ask)

    def _post(self, ask: Ask) -> Answer | None:
        try:
            return self.target.probe.send(ask)
        except Unanswered:
            return None

    def _lists_all(self, kind: Kind) -> bool:
        """Whether the collection shows whatever is made: it shows something else that was made and is there."""
        answer = self.listed(kind, self.callers[0])
        there = [one for one in self._made if one.kind.template == kind.template and not one.gone]
        return answer is not None and any(one.mark in answer.text for one in there)

    def read(self, made: Made, key: Key | None = None) -> Answer:
        """The object as its owner, or the holder of `key`, reads it now."""
        return self.send((key or made.owner).on(self.ask(made.kind.read, made)))

    def shows(self, made: Made, answer: Answer) -> bool:
        """Whether the answer is the object, by the mark that only it has."""
        return serves(answer, None, None) and made.mark in answer.text

    def members(self, made: Made, answer: Answer) -> dict[str, Any]:
        """The object in the answer: the innermost that has the mark in one of its own members, or else the id."""
        found = list(objects_in(answer.json())) if self.shows(made, answer) else []
        marked = [one for one in found if any(isinstance(v, str) and made.mark in v for v in one.values())]
        return next(iter(marked), found[0] if found else {})

    def remove(self, made: Made) -> bool:
        """Whether it is gone afterwards. Nothing is removed that does not show the mark at that very moment."""
        for key in (made.owner, *(one for one in self.callers if one != made.owner)):
            if self.shows(made, shown := self.read(made, key)):
                answer = self.send(key.on(self.ask(made.kind.remove, made, shown)))
                if answer.status == PRECONDITION_REQUIRED:
                    self._conditional.add(made.kind.remove.id)
                    self.send(key.on(self.ask(made.kind.remove, made, shown)))
                break
        if not any(self._gone(made) for _ in self.target.probe.moments()):
            return False
        self._close(made)
        return True

    def _gone(self, made: Made) -> bool:
        """Whether nobody reads it any more, although its owner still reads other things."""
        if any(self.shows(made, self.read(made, key)) for key in self.callers):
            return False
        answer = self.listed(made.kind, made.owner)
        if answer is not None:
            return made.mark not in answer.text
        call = self.target.survey.answered()[0]
        return serves(self.send(made.owner.on(call.ask)), None, None)

    def lost(self, made: Made) -> None:
        """Another removed it: its path is not the audit's any more, for its id may be given to somebody else."""
        self.target.probe.ledger.close(made.path)

    def clean(self) -> tuple[str, ...]:
        """Remove everything, and say what could not be: operation and id. It ends whatever the API answers."""
        with self.target.probe.cleaning():
            for begun in tuple(self._begun):
                try:
                    found = self._find(begun)
                except Untried:
                    found = None
                if found is None and begun in self._begun:
                    self._forget(begun)
                    if begun.answer is None and self._surely_not(begun):
                        continue
                    self.left.append(
                        f"{begun.kind.create.id}: POST {begun.kind.create.path} may have made an object that cannot be "
                        f"found; look for {begun.mark}"
                    )
            for made in reversed(self._made):
                if made.gone:
                    continue
                try:
                    removed, why = self.remove(made), "it is still there"
                except Untried as fault:
                    removed, why = False, fault.reason
                except Exception as fault:  # noqa: BLE001  (what is left must be removed too)
                    removed, why = False, type(fault).__name__
                if not removed:
                    self.left.append(f"{made.kind.remove.id}: DELETE {made.path} did not remove {made.id} ({why})")
                    self._close(made)
            self._trios.clear()
        return tuple(self.left)

    def known(self, kind: Kind) -> dict[str, list[Any]]:
        """Values that the API showed to the first caller, by member; those of the same collection first."""
        if self._known is None:
            self._known = {}
            calls = sorted(
                (call for call in self.target.survey.calls() if call.operation and serves(call.answer, None, None)),
                key=lambda call: call.operation is not None and call.operation.path != kind.create.path,
            )
            for call in calls:
                for row in rows_in(call.answer.json())[:20] or list(objects_in(call.answer.json()))[:1]:
                    for name, value in row.items():
                        if isinstance(value, (str, int, float)):
                            self._known.setdefault(name, []).append(value)
        return self._known

    def listed(self, kind: Kind, key: Key) -> Answer | None:
        """The collection as this caller gets it; None where it is not described, or refused."""
        if kind.index is None:
            return None
        answer = self.send(key.on(ask_for(self.target.api, kind.index, {}, self.target.survey.base)))
        return answer if serves(answer, None, None) else None

    def widened(self, kind: Kind, key: Key) -> Iterator[Answer]:
        """The collection as this caller gets it when he asks for more than it shows unasked."""
        if kind.index is None:
            return
        api = self.target.api
        for ask in wider(api, kind.index, ask_for(api, kind.index, {}, self.target.survey.base)):
            if serves(answer := self.send(key.on(ask)), None, None):
                yield answer

    def _listed(self, kind: Kind, key: Key, mark: str) -> dict[str, Any] | None:
        answer = self.listed(kind, key)
        found = rows_in(answer.json()) if answer else []
        return next((row for row in found if any(isinstance(v, str) and mark in v for v in row.values())), None)

    def _find(self, begun: _Begun) -> Made | None:
        """The object that came of it, known by its mark. None: nothing shows it."""
        for identity in dict.fromkeys(self._identities(begun)):
            path = self.target.survey.base + begun.kind.at(identity)
            for key in (begun.owner, *(one for one in self.callers if one != begun.owner)):
                answer = self.send(key.on(self._ask(begun.kind.read, path)))
                made = Made(begun.kind, begun.owner, identity, path, begun.mark, begun.sent, answer, begun.answer)
                if self._is(made, answer):
                    self._begun.remove(begun)
                    self._made.append(made)
                    self.target.probe.ledger.add(path)
                    return made
        return None

    def _is(self, made: Made, answer: Answer) -> bool:
        """Whether the answer is this object, and no page on which its mark stands too."""
        shown = self.members(made, answer)
        name = next((one for one in (made.kind.parameter, "id") if one in shown), None)
        return self.shows(made, answer) and (name is None or str(shown[name]) == made.id)

    def _surely_not(self, begun: _Begun) -> bool:
        """Whether the collection, which shows what is made, does not show this."""
        try:
            return self._lists_all(begun.kind)
        except Untried:
            return False

    def _identities(self, begun: _Begun) -> Iterator[str]:
        """Ids that it may have, from `Location`, from the answer, and from the collection where it is listed."""
        name, path = begun.kind.parameter, begun.kind.create.path
        head = begun.kind.template[: begun.kind.template.rindex("{")]
        if begun.answer is not None:
            where = urlsplit(begun.answer.header("location") or "").path
            tail = unquote(where.rstrip("/").rpartition("/")[2])
            if head.rstrip("/").rpartition("/")[2] == where.rstrip("/").rpartition("/")[0].rpartition("/")[
                2
            ] and usable(tail):
                yield tail
            for one in objects_in(begun.answer.json()):
                member = id_field(one, name, path)
                if member and usable(one[member]):
                    yield str(one[member])
        row = self._listed(begun.kind, begun.owner, begun.mark)
        member = id_field(row, name, path) if row else None
        if row and member and usable(row[member]):
            yield str(row[member])

    def _forget(self, begun: _Begun) -> None:
        self._begun.remove(begun)
        self.target.probe.reserve = max(0, self.target.probe.reserve - RESERVE)

    def _close(self, made: Made) -> None:
        made.gone = True
        self.target.probe.ledger.close(made.path)
        self.target.probe.reserve = max(0, self.target.probe.reserve - RESERVE)


def objects(target: Target) -> Objects:
    """The audit's one maker. Raises `Untried` where there are no two callers."""
    if target.survey.objects is None:
        target.survey.objects = Objects(target)
    if len(target.survey.objects.callers) < 2:
        raise Untried(
            "objects of one caller are tried with another's credential, and there is one caller", missed=False
        )
    return target.survey.objects
