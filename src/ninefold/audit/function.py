"""Whether an ordinary caller gets what is an administrator's by the description (API5:2023).

That the caller is ordinary must be known from something else than the operation itself: the claims in his token, what the
API says about him, or that the audit has just signed him up.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ninefold.audit.body import plain
from ninefold.audit.finding import Confidence
from ninefold.audit.judge import Judge, alike, proof, serves
from ninefold.audit.jwt import parse
from ninefold.audit.rule import Looked, Observation, Untried

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ninefold.audit.answer import Answer
    from ninefold.audit.key import Key
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target
    from ninefold.contract.description import Operation

#: Most callers that are tried.
CALLERS = 2

#: A part of a path, or a tag, that says administration; `from-internal-id` does not.
ADMIN = re.compile(
    r"(?:[\w.]+[-_.])?admin(?:s|istration|istrators?)?(?:[-_.][\w.-]+)?|internal|superusers?|root|backoffice|sudo",
    re.IGNORECASE,
)

#: Words of those that are administration's only where a path or a tag begins with them: words, trees and nodes have roots.
_FIRST = frozenset({"root", "internal"})
_VERSION = re.compile(r"api|rest|v\d[\w.]*", re.IGNORECASE)
ROLES = re.compile(r"^x-.*(?:role|scope|permission|allow|privilege|authority)", re.IGNORECASE)

_HIGH = re.compile(
    r"(?:^|[\W_])(?:admin\w*|staff|super\w*|root|owner|manager|moderator|operator|sudo|system)(?:$|[\W_])",
    re.IGNORECASE,
)
#: Words of a right that nobody else has. `staff:read` may open the directory of staff, to whoever has it.
_HIGHEST = re.compile(r"(?:^|[\W_])(?:admin\w*|super(?:user|admin)\w*|root|sudo)(?:$|[\W_])", re.IGNORECASE)
_LOW = re.compile(
    r"(?:role_?)?(?:user|member|customer|client|guest|reader|viewer|basic|free|patient|student|subscriber|visitor|standard"
    r"|regular|normal|read[-_ ]?only|participant|player|buyer|tenant|citizen)s?",
    re.IGNORECASE,
)
_RIGHTS = re.compile(r"(?:^|_)(?:roles?|groups?|scopes?|scp|permissions?|authorities|user_type|account_type)$")
_FLAG = re.compile(r"^is_?(?:admin|staff|superuser|root)$|^(?:admin|staff|superuser)$")
_SELF = re.compile(r"(?:^|/)(?:me|whoami|self|profile|account|current[-_]?user|userinfo)$", re.IGNORECASE)


def is_admin(operation: Operation) -> bool:
    """Whether its path or a tag says that it is an administrator's."""
    parts = [one for one in operation.path.split("/") if one]
    first = next((at for at, one in enumerate(parts) if not _VERSION.fullmatch(one)), 0)
    said = (*operation.tags, *(one for at, one in enumerate(parts) if at == first or one.lower() not in _FIRST))
    return any(ADMIN.fullmatch(one) for one in said)


def as_administrator(target: Target) -> Looked:
    """Administrators' reads are served to a caller who is known to be none."""
    survey = target.survey
    calls = [call for call in survey.calls() if call.operation and (is_admin(call.operation) or _asks(call.operation))]
    if not calls:
        raise Untried("no operation that reads is an administrator's by its path, its tags or its scopes", missed=False)
    callers = tuple({key.value: key for key in target.keys}.values())[:CALLERS]
    seen, doubt = list[Observation](), False
    for call in calls:
        served = [(key, found) for key in callers if (found := _served(target, key, call))]
        told = next(((found, why) for key, found in served if (why := ordinary(target, key))), None)
        if told:
            seen.append(replace(told[0], detail=f"{told[0].detail}: {told[1]}."))
        doubt = doubt or (not told and bool(served) and len(served) == len(callers))
    if doubt and not seen:
        raise Untried(
            "administrators' operations answer, and nothing tells that the caller is none: no claim, no role in what the API "
            "says of him, and no other caller who is refused",
            missed=False,
        )
    return Looked(len(calls), tuple(seen))


def _as(target: Target, key: Key, call: Call) -> Answer:
    """The answer to this caller; that to the first is known already."""
    return call.answer if key == target.keys[0] else target.probe.send(key.on(call.ask))


def _served(target: Target, key: Key, call: Call) -> Observation | None:
    assert call.operation is not None
    answer = _as(target, key, call)
    if not serves(answer, target.description, call.operation):
        return None
    nobody, wrong = target.survey.anonymous(call), target.probe.send(key.wrong().on(call.ask))
    judge = Judge(answer, wrong)
    if alike(nobody, answer) or not judge.tells:
        return None  # open to everybody: another rule's matter
    again = target.probe.send(key.on(call.ask))
    if not judge.accepts(again):
        return None
    scopes = _asks(call.operation)
    said = f"asks for {', '.join(scopes)}" if scopes else "is an administrator's by its name"
    baseline = next((one.answer for one in target.survey.calls() if one is not call and one.answer.ok), answer)
    return Observation(
        call.place,
        f"GET {call.operation.path} {said}, and answers a caller who is none",
        proof(baseline, answer, wrong, again),
        cause="administration by an ordinary caller",
        confidence=Confidence.CONFIRMED if any(map(_HIGHEST.search, scopes)) else Confidence.SUSPECTED,
    )


def _asks(operation: Operation) -> tuple[str, ...]:
    """The administrators' scopes or roles without which the description lets nobody in."""
    choices = [[one for scopes in choice.values() for one in scopes] for choice in operation.security or ()]
    told = [text for name, value in operation.raw.items() if ROLES.search(name) for text in _texts(value)]
    if told and all(_HIGH.search(one) for one in told):
        return tuple(told)
    if choices and all(any(_HIGH.search(one) for one in scopes) for scopes in choices):
        return tuple(dict.fromkeys(one for scopes in choices for one in scopes if _HIGH.search(one)))
    return ()


def ordinary(target: Target, key: Key) -> str:
    """What tells that the caller is no administrator, in a few words. Empty: nothing does, or something says otherwise."""
    if key in target.survey.signed_up:
        return "this audit signed him up"
    said = []
    if token := parse(key.value):
        said.append(("the token says", _standing(token.claims)))
    for call in target.survey.calls():
        if not call.operation or not _SELF.search(call.operation.path.rstrip("/")):
            continue
        answer = _as(target, key, call)
        document = answer.json()
        if serves(answer, None, None):
            told = (document, document.get("data") if isinstance(document, dict) else None)
            said += [(f"GET {call.operation.path} says", _standing(one)) for one in told if isinstance(one, dict)]
    low = [(where, word) for where, (high, word) in said if word and not high]
    if any(high for _, (high, _) in said) or not low:
        return ""
    return f"{low[0][0]} `{low[0][1]}`"


def _standing(members: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether some member says administrator, and the words of one that says he is none."""
    low = ""
    for name, value in members.items():
        if _FLAG.search(plain(name)) and isinstance(value, (bool, int)):
            if value:
                return True, ""
            low = low or f"{name}: {json_word(value)}"
        elif _RIGHTS.search(plain(name)):
            texts = [word for text in _texts(value) for word in text.split()]
            if any(_HIGH.search(one) for one in texts):
                return True, ""
            if texts and all(_LOW.fullmatch(one) for one in texts):
                low = low or f"{name}: {', '.join(texts)[:60]}"
    return False, low


def json_word(value: object) -> str:
    return str(value).lower()


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
