"""Whether an account may make itself more than it is: an administrator, verified, rich (mass assignment, API3:2023).

The accounts are the audit's own, signed up for the purpose, and removed at the end; where the description does not say how,
none is made.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ninefold.audit.account import Account, Accounts
from ninefold.audit.body import MATTERS, OWNER, fields, is_free, json_schema, others, plain
from ninefold.audit.finding import Confidence, Location
from ninefold.audit.judge import proof
from ninefold.audit.rule import Looked, Observation, Untried
from ninefold.audit.sample import ask_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.answer import Answer
    from ninefold.audit.target import Target
    from ninefold.contract.description import Operation

#: Most members that are tried, and accounts that are signed up for it.
MEMBERS, ACCOUNTS = 4, 10


def promoted(target: Target) -> Looked:
    """Members of an account that matter are set by the account, at sign-up or later. Raises `Untried`."""
    accounts = target.survey.accounts = target.survey.accounts or Accounts(target.probe, target.api, target.survey.base)
    if not accounts.doors or not accounts.removable:
        raise Untried("the description shows no account that could be signed up, and removed again", missed=False)
    while len(accounts.made or ()) < 2:
        accounts.enter()
    first, second = (accounts.made or [])[:2]
    at, seen = 0, list[Observation]()
    for operation, answer in accounts.selves(first):
        changes = [
            one for one in target.api.operations if one.path == operation.path and one.method in {"PATCH", "PUT"}
        ]
        for name, now in _members(accounts, changes, _own(answer, first))[:MEMBERS]:
            values = ("admin",) if plain(name) in {"role", "roles"} else others({}, now, (), first.mark)
            if not values or values[0] == now:
                continue
            at += 1
            trial = _Trial(accounts, operation, name, values[0], answer)
            if found := trial.signed_up(second) or next(
                filter(None, (trial.changed(one, first, second) for one in changes)), None
            ):
                seen.append(found)
        break
    if not at:
        raise Untried("the API shows an account no member that matters and that it must not set", missed=False)
    return Looked(at, tuple(seen))


def _own(answer: Answer, account: Account) -> dict[str, Any]:
    """The object in the answer that has the account's name in a member of its own."""
    document = answer.json()
    holders = [document, *document.values()] if isinstance(document, dict) else []
    dicts = [one for one in holders if isinstance(one, dict)]
    return next((one for one in dicts if any(isinstance(v, str) and account.mark in v for v in one.values())), {})


def _members(accounts: Accounts, changes: list[Operation], shown: dict[str, Any]) -> list[tuple[str, Any]]:
    """What the API shows of an account, that matters, and that no request declares."""
    schemas = [schema for _, schema in accounts.doors] + [told[1] for one in changes if (told := json_schema(one))]
    taken: dict[str, Any] = {}
    for schema in schemas:
        taken |= fields(accounts.api, schema)[0]
    free = {name for name, raw in taken.items() if not (isinstance(raw, dict) and raw.get("readOnly") is True)}
    return [
        (name, now)
        for name, now in sorted(shown.items())
        if isinstance(now, (str, int, float))
        and name not in free
        and MATTERS.search(plain(name))
        and not OWNER.search(plain(name))
    ]


class _Trial:
    """One member and the value that no account of the audit's has by itself."""

    def __init__(self, accounts: Accounts, read: Operation, name: str, value: Any, baseline: Answer) -> None:
        self.accounts, self.read, self.name, self.value, self.baseline = accounts, read, name, value, baseline

    def look(self, account: Account) -> tuple[Answer, bool]:
        """What the API shows of the account, and whether it has the value."""
        ask = ask_for(self.accounts.api, self.read, {}, self.accounts.base)
        answer = self.accounts.probe.send(account.key.on(ask))
        now = _own(answer, account).get(self.name)
        return answer, type(now) is type(self.value) and now == self.value

    def signed_up(self, plain_one: Account) -> Observation | None:
        attack, again = (self._join() for _ in range(2))
        if attack is None or again is None:
            return None
        control, has = self.look(plain_one)
        evidence = proof(self.baseline, attack, control, again)
        return None if has else self._seen(self.accounts.doors[0][0], evidence)

    def _join(self) -> Answer | None:
        """What the API shows of a new account that asked for the value, if it has it."""
        if len(self.accounts.made or ()) >= ACCOUNTS:
            return None
        try:
            self.accounts.enter(more={self.name: self.value})
        except Untried:
            return None
        answer, has = self.look((self.accounts.made or [])[-1])
        return answer if has else None

    def changed(self, operation: Operation, first: Account, second: Account) -> Observation | None:
        told = json_schema(operation)
        if told is None:
            return None
        _, wanted = fields(self.accounts.api, told[1])
        if self.look(first)[1] or self.look(second)[1]:
            return None
        attack = self._write(operation, told[0], wanted, first, {self.name: self.value})
        after, has = self.look(first)
        if not has:
            return None
        self._write(operation, told[0], wanted, second, {})
        control, without = self.look(second)
        again = self._write(operation, told[0], wanted, second, {self.name: self.value})
        if without or not self.look(second)[1]:
            return None
        return self._seen(operation, (*proof(self.baseline, attack, control, again), after.exchange("attack")))

    def _write(
        self, operation: Operation, media: str, wanted: frozenset[str], account: Account, more: dict[str, Any]
    ) -> Answer:
        held = _own(self.look(account)[0], account)
        named = {
            name: held[name]
            for name in (wanted if operation.method == "PATCH" else self._named(operation))
            if name in held
        }
        ask = ask_for(self.accounts.api, operation, {}, self.accounts.base)
        ask = replace(ask, body=json.dumps({**named, **more}).encode()).header("Content-Type", media)
        self.accounts.probe.ledger.add(ask.path, account.key)
        try:
            return self.accounts.probe.send(account.key.on(ask))
        finally:
            self.accounts.probe.ledger.close(ask.path)

    def _named(self, operation: Operation) -> Iterator[str]:
        told = json_schema(operation)
        yield from fields(self.accounts.api, told[1])[0] if told else ()

    def _seen(self, operation: Operation, evidence: tuple[Any, ...]) -> Observation:
        return Observation(
            Location(operation=operation.id, pointer=operation.pointer, url=self.read.path),
            f"{operation.method} {operation.path} takes `{self.name}`, which the description names for no request, and the "
            "account keeps the value.",
            evidence,
            cause="members of accounts",
            confidence=Confidence.SUSPECTED if any(is_free(self.accounts.api, one) for one in self._taken()) else None,
        )

    def _taken(self) -> Iterator[Any]:
        """The schemas of what an account may send about itself."""
        yield from (schema for _, schema in self.accounts.doors)
        for one in self.accounts.api.operations:
            if one.path == self.read.path and one.method in {"PATCH", "PUT"} and (told := json_schema(one)):
                yield told[1]
