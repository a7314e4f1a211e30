"""Callers that the audit makes through the API's own sign-up and log-in, where the description shows both.

An account is an object too: it is removed at the end where the description says how, and told where it does not.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from ninefold.audit.answer import Answer, Ask
from ninefold.audit.body import fields, kind, plain, value
from ninefold.audit.judge import serves
from ninefold.audit.key import Key, parse_key
from ninefold.audit.rule import Untried
from ninefold.audit.sample import ask_for, id_field, usable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ninefold.audit.probe import Probe
    from ninefold.contract.description import Description, Operation

_SIGN_UP = re.compile(
    r"regist(?:er|ration)|sign[-_]?up|create[-_]?(?:user|account)|new[-_]?(?:user|account)", re.IGNORECASE
)
_PEOPLE = re.compile(r"/(?:users|accounts|members|customers)/?$", re.IGNORECASE)
_LOG_IN = re.compile(r"log[-_]?in|sign[-_]?in|token|sessions?|authenticate|auth(?:/|$)|jwt", re.IGNORECASE)
_NOT_IN = re.compile(r"refresh|revoke|logout|log-out|sign-?out|reset|forgot|verify|confirm|introspect", re.IGNORECASE)
_PASSWORD = re.compile(r"password|passwd|passphrase|^pass$|^pwd$")
_AGAIN = re.compile(r"confirm|repeat|again|2$")
_NAME = re.compile(r"^(?:user_?name|login|user|handle|nick(?:name)?|account|name)$")
_EMAIL = re.compile(r"e_?mail")
_TOKEN = ("access_token", "token", "jwt", "id_token", "auth_token", "api_key", "key", "session_token")
_OWN = re.compile(r"/(?:me|self|profile|account)$", re.IGNORECASE)

#: Requests that are kept for removing one account.
RESERVE = 4


@dataclass(slots=True)
class Account:
    """One caller of the audit's own. `mark` is his name, `answer` what the sign-up said."""

    key: Key
    mark: str
    answer: Answer
    gone: bool = False


@dataclass(slots=True)
class Accounts:
    """Signs up, logs in, and removes again. `token` gives a few random hexadecimal digits."""

    probe: Probe
    api: Description
    base: str
    token: Callable[[], str] = lambda: secrets.token_hex(6)
    made: list[Account] | None = None
    _begun: list[tuple[Operation, str]] = field(default_factory=list)

    def enter(self, also: tuple[tuple[str, str], ...] = (), more: Mapping[str, Any] | None = None) -> Key:
        """A new caller, who asks for the members `more` when he signs up.

        Raises `Untried` where the description shows no way, or the API does not take it.
        """
        doors = list(_sign_ups(self.api))
        entries = [(one, names) for one in self.api.operations if (names := _log_in(self.api, one))]
        if not doors or not entries:
            raise Untried("the description shows no sign-up and log-in by which a caller could be made", missed=False)
        sign_up, media, schema = doors[0]
        mark, password = f"nf{self.token()}", f"Nf-{secrets.token_urlsafe(18)}-7"
        self.probe.hide(password)
        body = {**_filled(self.api, schema, mark, password), **(more or {})}
        self._begun.append((sign_up, mark))
        self.probe.reserve += RESERVE
        answer = self.probe.send(_ask(self.api, sign_up, media, body, self.base))
        if not serves(answer, None, None):
            self._begun.pop()
            self.probe.reserve -= RESERVE
            raise Untried(f"POST {sign_up.path} signs nobody up ({answer.status})", missed=False)
        found = _token(answer)
        for entry, (form, name, secret) in entries:
            if found:
                break
            who = next((body[one] for one in _name_like(body, name)), mark)
            asked = {name: who, secret: password, **({"grant_type": "password"} if "urlencoded" in form else {})}
            found = _token(self.probe.send(_ask(self.api, entry, form, asked, self.base)))
        if not found:
            raise Untried(
                f"the caller that POST {sign_up.path} made is not let in by {entries[0][0].path}", missed=False
            )
        bearer = parse_key(found, self.api, also)
        key = (
            parse_key(f"bearer:{found}", self.api, also)
            if bearer.name == "X-API-Key" and not _api_key(self.api)
            else bearer
        )
        self.probe.hide(*key.secrets)
        self.made = [*(self.made or []), Account(key, mark, answer)]
        self._begun.pop()
        return key

    def clean(self) -> tuple[str, ...]:
        """Remove the accounts, and say which could not be. It ends whatever the API answers."""
        left = []
        with self.probe.cleaning():
            for operation, mark in self._begun:
                left.append(
                    f"{operation.id}: POST {operation.path} may have made the account {mark}, which is not let in"
                )
            for account in self.made or ():
                if account.gone:
                    continue
                account.gone = True
                try:
                    why = self._remove(account)
                except Untried as fault:
                    why = fault.reason
                self.probe.reserve = max(0, self.probe.reserve - RESERVE)
                if why:
                    left.append(f"the account {account.mark} is still there: {why}")
        self._begun.clear()
        return tuple(left)

    @property
    def removable(self) -> bool:
        """Whether the description says how an account is removed."""
        return any(one.method == "DELETE" and _own_or_person(one.path) for one in self.api.operations)

    @property
    def doors(self) -> tuple[tuple[Operation, Any], ...]:
        """The sign-ups, each with the schema of its body."""
        return tuple((operation, schema) for operation, _, schema in _sign_ups(self.api))

    def _remove(self, account: Account) -> str:
        """Why the account could not be removed; empty when it is gone."""
        removals = [one for one in self.api.operations if one.method == "DELETE"]
        for operation in removals:
            for path in self._paths(operation, account):
                self.probe.ledger.add(path, account.key)
                try:
                    self.probe.send(account.key.on(Ask("DELETE", path)))
                finally:
                    self.probe.ledger.close(path)
                if not serves(self.probe.send(account.key.on(Ask("GET", path))), None, None):
                    return ""
                return f"{operation.id}: DELETE {path} does not remove it"
        return "no DELETE of an account is described"

    def _paths(self, operation: Operation, account: Account) -> Iterator[str]:
        """The path under which this operation has the account, if it surely is that one."""
        if "{" not in operation.path:
            if _OWN.search(operation.path) and any(
                one.method == "GET" and one.path == operation.path for one in self.api.operations
            ):
                path = self.base + operation.path
                if account.mark in self.probe.send(account.key.on(Ask("GET", path))).text:
                    yield path
            return
        head, brace, last = operation.path.rpartition("/{")
        if not brace or "{" in head or not last.endswith("}") or not _PEOPLE.search(head):
            return
        for shown in (account.answer.json(), *(answer.json() for _, answer in self.selves(account))):
            found = [shown, *shown.values()] if isinstance(shown, dict) else []
            for one in (inner for inner in found if isinstance(inner, dict)):
                member = id_field(one, last[:-1], head)
                if member and usable(one[member]):
                    path = f"{self.base}{head}/{quote(str(one[member]), safe='')}"
                    if account.mark in self.probe.send(account.key.on(Ask("GET", path))).text:
                        yield path
                        return

    def selves(self, account: Account) -> Iterator[tuple[Operation, Answer]]:
        """What the API says to the account about itself, known by its name."""
        for operation in self.api.operations:
            if operation.method == "GET" and "{" not in operation.path and _OWN.search(operation.path):
                answer = self.probe.send(account.key.on(Ask("GET", self.base + operation.path)))
                if account.mark in answer.text:
                    yield operation, answer


def _sign_ups(api: Description) -> Iterator[tuple[Operation, str, Any]]:
    """Open operations that take a new name and a password, with media type and schema of the body."""
    for operation in api.operations:
        if operation.method != "POST" or "{" in operation.path or not _sign_up_like(operation):
            continue
        for media, schema in operation.request.items():
            named, _ = fields(api, schema)
            names = [plain(one) for one in named]
            known = any(_NAME.search(one) or _EMAIL.search(one) for one in names)
            if _form(media) and known and any(_PASSWORD.search(one) for one in names):
                yield operation, media, schema
                break


def _own_or_person(path: str) -> bool:
    head, brace, last = path.rpartition("/{")
    person = bool(brace) and last.endswith("}") and "{" not in head and bool(_PEOPLE.search(head))
    return person or ("{" not in path and bool(_OWN.search(path)))


def _sign_up_like(operation: Operation) -> bool:
    if _SIGN_UP.search(f"{operation.path} {operation.id}"):
        return True
    return bool(_PEOPLE.search(operation.path)) and any(not choice for choice in operation.security or ({},))


def _log_in(api: Description, operation: Operation) -> tuple[str, str, str] | None:
    """The media type of its body, and its members for the name and for the password. None: it is no log-in."""
    words = f"{operation.path} {operation.id}"
    if operation.method != "POST" or "{" in operation.path or not _LOG_IN.search(words) or _NOT_IN.search(words):
        return None
    for media, schema in operation.request.items():
        named, _ = fields(api, schema)
        secret = next((one for one in named if _PASSWORD.search(plain(one))), "")
        name = next((one for one in named if _EMAIL.search(plain(one)) or _NAME.search(plain(one))), "")
        if secret and name and _form(media):
            return media, name, secret
    return None


def _form(media: str) -> bool:
    return "json" in media or "urlencoded" in media


def _filled(api: Description, schema: Any, mark: str, password: str) -> dict[str, Any]:
    """A new person. What is not required is sent only where it names him or proves him."""
    named, wanted = fields(api, schema)
    body: dict[str, Any] = {}
    for name, raw in named.items():
        word = plain(name)
        if _PASSWORD.search(word):
            if name in wanted or not wanted or not _AGAIN.search(word):
                body[name] = password
        elif _EMAIL.search(word):
            body[name] = f"{mark}@example.com"
        elif _NAME.search(word):
            body[name] = mark
        elif name in wanted:
            body[name] = (
                mark
                if kind(raw) == "string" and "enum" not in raw and _AGAIN.search(word)
                else value(api, name, raw, {}, mark)
            )
    return body


def _name_like(body: dict[str, Any], name: str) -> Iterator[str]:
    """The member of the sign-up that goes into `name` at log-in: of that name, else the e-mail address, else the name."""
    if name in body:
        yield name
    like = _EMAIL if _EMAIL.search(plain(name)) else _NAME
    yield from (one for one in body if like.search(plain(one)))
    yield from (one for one in body if _EMAIL.search(plain(one)))


def _ask(api: Description, operation: Operation, media: str, body: dict[str, Any], base: str) -> Ask:
    ask = ask_for(api, operation, {}, base).header("Content-Type", media if "*" not in media else "application/json")
    sent = urlencode(body) if "urlencoded" in media else json.dumps(body)
    return Ask(ask.method, ask.path, ask.query, ask.headers, sent.encode())


def _token(answer: Answer) -> str:
    """The credential in an answer, also one level down; empty when there is none."""
    document = answer.json()
    if not serves(answer, None, None) or not isinstance(document, dict):
        return ""
    for holder in (document, *(one for one in document.values() if isinstance(one, dict))):
        told = {plain(str(name)): one for name, one in holder.items()}
        for name in _TOKEN:
            if isinstance(found := told.get(name), str) and len(found) >= 8 and found.isascii() and " " not in found:
                return found
    return ""


def _api_key(api: Description) -> bool:
    return any(one.kind == "apiKey" for one in api.schemes.values())
