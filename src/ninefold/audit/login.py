"""The operations by which a person gets in with a name and a secret, and requests to them: in OpenAPI, and in GraphQL.

They are found by what they take, and asked only with leave (--active): a failed log-in is counted somewhere. Names of nobody
are used, so that no account is locked; who is told a real one uses it no more than `TRIES` times.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from ninefold.audit.finding import Location
from ninefold.audit.graphql import is_graphql
from ninefold.audit.judge import says_no
from ninefold.audit.overload import place_of
from ninefold.audit.sample import ask_for, made
from ninefold.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ninefold.audit.answer import Answer, Ask
    from ninefold.audit.graphql import Endpoint
    from ninefold.audit.target import Target
    from ninefold.contract.description import Operation

#: How often a rule fails to log in as somebody who is there; accounts are locked after three times at the earliest.
TRIES = 2

_ENTERS = re.compile(r"log-?_?in|sign-?_?in|session|authenticate|(?:^|[/_-])auth(?:$|[/_-])|token", re.IGNORECASE)
_RECOVERS = re.compile(r"forgot|recover|reset|remind", re.IGNORECASE)
_OTHER = re.compile(
    r"sign-?_?up|register|refresh|revoke|introspect|log-?_?out|sign-?_?out|change|confirm", re.IGNORECASE
)
_NAME = re.compile(
    r"user[-_]?(?:name|id)?|log[-_]?in(?:[-_]?name)?|e?[-_]?mail(?:[-_]?address)?|account|handle|identifier|name",
    re.IGNORECASE,
)
_SECRET = re.compile(r"pass(?:word|wd|phrase|code)?|pwd|phrase|pin|secret", re.IGNORECASE)

#: A value as sessions are named by: long, without a space, and with a digit.
_TOKEN = re.compile(r"[\"'](?=[^\"'\s]*\d)[\w.~+/=-]{8,}[\"']")


@dataclass(frozen=True, slots=True)
class Login:
    """`ask(name, secret)` is the request of one who says he is `name`, in the member that is called `takes`.

    `secret` false: a name is all that is asked for (a reset).
    """

    place: Location
    takes: str
    secret: bool
    ask: Callable[[str, str], Ask]


def logins(target: Target) -> tuple[Login, ...]:
    """Operations that take a name and a secret and give a session for it."""
    return tuple(one for one in (*_described(target, _ENTERS), *_of_graphql(target)) if one.secret)


def resets(target: Target) -> tuple[Login, ...]:
    """Operations that take a name alone, and send its owner the means to choose another secret."""
    return tuple(one for one in _described(target, _RECOVERS) if not one.secret)


def failed(answer: Answer) -> bool:
    """Whether nobody got in: a refusal, or a success with neither a cookie nor anything like a token in it."""
    if answer.status >= 400 or says_no(answer):
        return True
    return answer.ok and not answer.values("set-cookie") and not _TOKEN.search(answer.text)


def _described(target: Target, words: re.Pattern[str]) -> Iterator[Login]:
    for operation in target.description.operations if target.description else ():
        said = f"{operation.path} {operation.id}"
        if operation.method != "POST" or not words.search(said) or _OTHER.search(said):
            continue
        if not is_graphql(target.description, operation):
            yield from _of_operation(target, operation)


def _of_operation(target: Target, operation: Operation) -> Iterator[Login]:
    api, base = target.api, target.survey.base
    told = next((one for one in operation.request.items() if "json" in one[0] or "urlencoded" in one[0]), None)
    media, schema = told or ("", None)
    if not isinstance(schema, dict):
        return
    try:
        resolved, body = api.resolve(schema), made(api, schema)
    except DescriptionError:
        return
    properties = resolved.get("properties") if isinstance(resolved, dict) else None
    if not isinstance(properties, dict) or not isinstance(body, dict) or not (name := _first(properties, _NAME)):
        return
    secret = _first(properties, _SECRET)
    request = ask_for(api, operation, {}, base).header("Content-Type", media)

    def ask(who: str, word: str) -> Ask:
        given = {**body, name: who, **({secret: word} if secret else {})}
        raw = urlencode(given) if "urlencoded" in media else json.dumps(given)
        return replace(request, body=raw.encode())

    place = Location(operation=operation.id, pointer=operation.pointer, url=base + operation.path)
    yield Login(place, name, bool(secret), ask)


def _of_graphql(target: Target) -> Iterator[Login]:
    endpoint = target.survey.endpoint(unknown=target.description is None)
    types = target.survey.types() if endpoint else None
    if endpoint is None or types is None or endpoint.request.method != "POST":
        return
    for one in types.fields.get(types.change, ()):
        kinds = {argument.name: argument.kind for argument in one.arguments}
        name, secret = _first(kinds, _NAME), _first(kinds, _SECRET)
        needed = {argument.name for argument in one.arguments if argument.required}
        if not name or not secret or not needed <= {name, secret} or {kinds[name], kinds[secret]} - {"String", "ID"}:
            continue
        if _ENTERS.search(one.name) and not _OTHER.search(one.name):
            wanted = "" if one.leaf else "{__typename}"
            ask = _mutation(endpoint, one.name, name, secret, wanted)
            yield Login(place_of(endpoint), name, secret=True, ask=ask)


def _mutation(endpoint: Endpoint, called: str, name: str, secret: str, wanted: str) -> Callable[[str, str], Ask]:
    def ask(who: str, word: str) -> Ask:  # a JSON string in ASCII is a GraphQL string (section 2.9.4)
        return endpoint.ask(f"mutation{{{called}({name}:{json.dumps(who)},{secret}:{json.dumps(word)}){wanted}}}")

    return ask


def _first(names: Iterable[str], wanted: re.Pattern[str]) -> str:
    """The first of these names that is one; `name` last, for it may be a person's."""
    found = [str(one) for one in names if wanted.fullmatch(str(one))]
    return min(found, key=lambda one: one.lower() == "name", default="")
