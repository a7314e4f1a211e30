"""Whether a log-in or a reset tells who has an account (CWE-204, API2:2023).

Two names of nobody and, twice, one that is somebody's, each with a wrong secret: nobody's answers are alike, somebody's are
alike, and the two kinds differ. What of an answer is made of the request, or is new each time, is not compared.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ninefold.audit.burst import is_throttled
from ninefold.audit.finding import Confidence
from ninefold.audit.judge import proof, serves
from ninefold.audit.login import TRIES, logins, resets
from ninefold.audit.record import ids
from ninefold.audit.rule import Looked, Observation, Untried

if TYPE_CHECKING:
    from ninefold.audit.answer import Answer
    from ninefold.audit.key import Key
    from ninefold.audit.login import Login
    from ninefold.audit.target import Target

_OWN = re.compile(r"(?:^|[/_-])(?:me|whoami|profile|userinfo|session|account|self|current[-_]?user)/?$", re.IGNORECASE)

#: Members that mean the same, in the order in which they are believed.
_SAME = (
    ("username", "login", "preferredusername", "user", "loginname", "handle", "accountname", "userid"),
    ("email", "mail", "emailaddress", "mailaddress"),
    ("name", "username", "login"),
    ("identifier", "account", "username", "email"),
)

#: What differs from answer to answer for reasons of its own: times, ids, counters.
VARYING = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{20,}|\b(?=[a-f]*\d)[0-9a-f]{8,}\b|\d+", re.IGNORECASE)

#: Most log-ins that are tried.
LOGINS = 3

#: Statuses by which the form of a request is refused, and the fewest digits of a name that is a number.
_FORM, _FORMED = frozenset({400, 422}), 4


def enumeration(target: Target) -> Looked:
    """Log-ins, and resets where `--user` allows a message to its owner."""
    found = [*logins(target), *(resets(target) if target.user else ())][:LOGINS]
    if not found:
        raise Untried("no log-in that takes a name and a password is described", missed=False)
    told = {} if target.user else _own_names(target)
    known = [(one, name) for one in found if (name := target.user or _name_for(one, told))]
    if not known:
        raise Untried("no name is known that has an account (--user)", missed=False)
    tried = [_compared(target, login, name) for login, name in known]
    if all(one is None for one in tried):
        raise Untried("the log-in throttles, or answers two names of nobody in two ways", missed=False)
    return Looked(len(known), tuple(seen for one in tried for seen in one or ()))


def _name_for(login: Login, told: dict[str, str]) -> str:
    """What the caller logs in with, if the API told it under a name that leaves no doubt; else empty."""
    wanted = next((group for group in _SAME if login.takes.lower().replace("_", "").replace("-", "") in group), ())
    return next((told[one] for one in wanted if one in told), "")


def _compared(target: Target, login: Login, known: str) -> tuple[Observation, ...] | None:
    """None: there was nothing to judge by."""
    nobody = [_nobody(known) for _ in range(TRIES)]
    tries = []
    for name in (nobody[0], known, nobody[1], known):
        word = f"Ninefold-{secrets.token_hex(6)}"
        answer = target.probe.send(login.ask(name, word), patient=False)
        if is_throttled(answer):
            return None
        tries.append((replace(answer, secrets=(*answer.secrets, word)), _plain(answer, name, word)))
    (first, unknown), (attack, there), (control, unknown_again), (again, there_again) = tries
    if unknown != unknown_again or there != there_again:
        return None
    if unknown == there:
        return ()
    what = (
        f"another status ({attack.status} and not {first.status})" if attack.status != first.status else "another text"
    )
    # a number with a check digit, say, may be refused for its form, which tells nothing of who has an account
    formal = first.status in _FORM and attack.status not in _FORM
    asked = "A wrong password for" if login.secret else "A reset for"
    detail = (
        f"{asked} a name that has an account is answered with {what} than for a name of nobody: "
        f"who has an account can be asked for, name by name. {TRIES} tries were made with the name that has one."
    )
    return (
        Observation(
            login.place,
            detail,
            proof(first, attack, control, again),
            cause=login.place.operation or "login",
            confidence=Confidence.SUSPECTED if formal else None,
        ),
    )


def _plain(answer: Answer, name: str, word: str) -> tuple[int, str]:
    """Status and text, without what was sent and what is new in each answer."""
    text = answer.text
    for sent in (word, name, json.dumps(name)[1:-1], *ids(answer).values()):
        text = re.sub(re.escape(sent), "", text, flags=re.IGNORECASE) if sent else text
    return answer.status, VARYING.sub("", text)


def _nobody(known: str) -> str:
    """A name of the same make that nobody has: an address for an address, digits for digits, of the same length."""
    head, at, domain = known.partition("@")
    if head.isdigit():
        return "9" + "".join(secrets.choice("0123456789") for _ in head[1:])
    if sum(map(str.isdigit, head)) >= _FORMED:  # a customer's number, say: another form would be refused for being one
        return "".join(secrets.choice("0123456789") if one.isdigit() else one for one in head) + at + domain
    made = "".join(secrets.choice("bcdfghjklmnpqrstvwxz") for _ in range(max(10, len(head))))
    return f"{made}{at}{domain}"


def _own_names(target: Target) -> dict[str, str]:
    """Names of the first caller, by his credential's claims or by what the API tells him of himself; the first of each."""
    found: dict[str, str] = {}
    if not target.keys:
        return found
    _gather(_claims(target.keys[0]), found)
    for call in target.survey.calls():
        own = call.field in {"me", "viewer", "currentUser"} or (call.operation and _OWN.search(call.operation.path))
        if own and serves(call.answer, target.description, call.operation):
            _gather(call.answer.json(), found)
    return found


def _gather(document: Any, found: dict[str, str], depth: int = 0) -> None:
    for name, value in document.items() if isinstance(document, dict) and depth < 3 else ():
        plain = str(name).lower().replace("_", "").replace("-", "")
        if isinstance(value, str) and 2 < len(value) < 100 and any(plain in group for group in _SAME):
            found.setdefault(plain, value)
        _gather(value, found, depth + 1)


def _claims(key: Key) -> Any:
    """The claims of a JWT (RFC 7519), unverified; None for any other credential."""
    parts = key.value.rpartition(" ")[2].split(".")
    if len(parts) != 3:
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
