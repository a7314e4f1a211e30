"""Is an answer of the good kind or of the bad kind? Judged against known answers, never by a status alone.

APIs answer 200 with an error inside, serve one page for every path, or hide a refusal behind a 404. So a rule
learns what the API says when it serves and when it refuses, and holds a third answer against both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ninefold.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.answer import Answer
    from ninefold.audit.finding import Exchange
    from ninefold.contract.description import Description, Operation

#: From here on two bodies are of one kind.
KIN = 0.5

_DEPTH = 3
_TELLING = frozenset({"code", "status", "error", "errno", "result"})

#: Members that tell about an answer and hold nothing of it: of these in every envelope, and of those beside them.
_ENVELOPE = frozenset({"meta", "header", "head"})
_HOLDERS = _ENVELOPE | {"status", "error", "result", "response"}
_ABOUT = _HOLDERS | frozenset(
    {
        "code",
        "errno",
        "errors",
        "statuscode",
        "errorcode",
        "success",
        "ok",
        "message",
        "msg",
        "reason",
        "detail",
        "title",
    }
    | {"description", "type", "requestid", "traceid", "correlationid", "timestamp", "time", "version"}
)
_CODES = frozenset({"code", "status", "errno", "statuscode", "errorcode"})
_FAILED = frozenset({"error", "fail", "failed", "failure", "denied", "forbidden", "unauthorized", "unauthenticated"})


@dataclass(frozen=True, slots=True)
class Judge:
    """`good` is an answer that serves, `bad` one that refuses."""

    good: Answer
    bad: Answer

    @property
    def tells(self) -> bool:
        """Whether the two differ enough to judge a third by them."""
        return not alike(self.good, self.bad)

    def accepts(self, answer: Answer) -> bool:
        """Whether `answer` serves: like the good one, and not just as much like the bad one."""
        return self.tells and alike(answer, self.good) and kinship(answer, self.good) >= kinship(answer, self.bad)


def alike(one: Answer, other: Answer) -> bool:
    """Whether both say the same kind of thing: the same status, both yes or both no, and bodies of one kind."""
    return one.status == other.status and says_no(one) == says_no(other) and kinship(one, other) >= KIN


def kinship(one: Answer, other: Answer) -> float:
    """How much two bodies are of one kind, 0 to 1: by their members for JSON, by their words otherwise."""
    if one.body == other.body:
        return 1.0
    left, right = one.json(), other.json()
    if (left is None) != (right is None) or type(left) is not type(right):
        return 0.0
    if left is None:
        return _overlap(set(one.text[:8192].split()), set(other.text[:8192].split()))
    if isinstance(left, list) and not (left and right):
        return KIN  # an empty list and a full one are both an answer to the same question
    return _overlap(set(_members(left)), set(_members(right)))


def serves(answer: Answer, description: Description | None, operation: Operation | None) -> bool:
    """Whether `answer` reads as a success: its status, no error inside, and the declared kind of body if it
    is told.
    """
    if not answer.ok or _error_inside(answer.json()):
        return False
    if description is None or operation is None:
        return True
    document = answer.json()
    empty = isinstance(document, dict) and document.get("data", document) is None and _bare(_said(document))
    if empty and operation.method == "GET":
        return False  # a change may have nothing to say for itself, a read that says nothing has not served
    told = operation.responses.get(str(answer.status)) or operation.responses.get("2XX")
    schema: Any = next((one for media, one in told.media.items() if "json" in media), None) if told else None
    try:
        schema = description.resolve(schema) if isinstance(schema, dict) else None
    except DescriptionError:
        return True
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "array":
        return isinstance(document, list)
    if isinstance(properties := schema.get("properties"), dict) and properties:
        return isinstance(document, dict) and bool(document.keys() & properties.keys())
    return True


def says_no(answer: Answer) -> bool:
    """Whether the body calls itself a failure, under whatever status."""
    return _error_inside(answer.json())


def tells_apart(good: Answer, other: Answer) -> bool:
    """Whether `other` has the member by which `good` says that all is well (`code`, `status`, `success`), and another value."""
    left, right = good.json(), other.json()
    if not isinstance(left, dict) or not isinstance(right, dict):
        return False
    words = {name for name in left if name.lower() in _TELLING | {"success", "ok"}}
    verdicts = [(left[name], right[name]) for name in words if isinstance(right.get(name), type(left[name]))]
    return any(isinstance(one, str | int) and one != other for one, other in verdicts)


def _error_inside(document: Any) -> bool:
    """The ways in which JSON says no under a 200."""
    if not isinstance(document, dict):
        return False
    said = {str(key).lower(): value for key, value in document.items()}
    if said.get("success") is False or said.get("ok") is False or _enveloped_no(_said(document)):
        return True
    held = said.get("data")
    if isinstance(held, dict) and isinstance(said.get("errors"), list):  # GraphQL: null where there is an error
        held = any(one is not None for one in held.values())
    return not held and any(said.get(word) for word in ("error", "errors"))


def _enveloped_no(said: dict[str, Any]) -> bool:
    """Whether a code says no: in an envelope's head whatever else is there, elsewhere only where nothing is served beside it.

    So a thing that has a code or a status of its own is none.
    """
    inner = {name: _said(said[name]) for name in _HOLDERS & said.keys() if isinstance(said[name], dict)}
    if any(_refuses(held) for name, held in inner.items() if name in _ENVELOPE):
        return True
    return _bare(said) and (_refuses(said) or any(_refuses(held) and _bare(held) for held in inner.values()))


def _refuses(said: dict[str, Any]) -> bool:
    """Whether there is a failure's code (401, 40101, "401"), a word for one, or `success: false`."""
    codes = [value for name, value in said.items() if name in _CODES and not isinstance(value, bool)]
    words = [str(value).lower() for value in codes if isinstance(value, int | str)]
    return (
        said.get("success") is False
        or said.get("ok") is False
        or any(word in _FAILED or (word.isdecimal() and len(word) > 2 and word[0] in "45") for word in words)
    )


def _bare(said: dict[str, Any]) -> bool:
    """Whether nothing is in it but what is said about it."""
    return all(name in _ABOUT or value in (None, "", [], {}) for name, value in said.items())


def _said(document: dict[str, Any]) -> dict[str, Any]:
    """By names in small letters, without what joins their words."""
    return {str(name).lower().replace("-", "").lstrip("_").replace("_", ""): value for name, value in document.items()}


def _overlap(left: set[str], right: set[str]) -> float:
    return len(left & right) / len(left | right) if left or right else 1.0


def _members(value: Any, path: str = "", depth: int = 0) -> Iterator[str]:
    """Each member as path and type; at the top, and in what tells about the answer, what tells success from failure also
    with its value.
    """
    if isinstance(value, dict) and depth <= _DEPTH:
        if not value:
            yield f"{path}:{{}}"
        for key, inner in value.items():
            if (depth == 0 and isinstance(inner, bool)) or (
                (depth == 0 or (depth == 1 and path[1:].lower() in _HOLDERS))
                and key.lower() in _TELLING
                and isinstance(inner, (str, int))
            ):
                yield f"{path}.{key}={inner}"
            else:
                yield from _members(inner, f"{path}.{key}", depth + 1)
    elif isinstance(value, list) and depth <= _DEPTH:
        yield f"{path}[]"
        for inner in value[:20]:
            yield from _members(inner, f"{path}[]", depth + 1)
    else:
        yield f"{path}:{type(value).__name__}"


def proof(baseline: Answer, attack: Answer, control: Answer, repeat: Answer) -> tuple[Exchange, ...]:
    """The four exchanges without which a live finding is not `confirmed`."""
    return (
        baseline.exchange("baseline"),
        attack.exchange("attack"),
        control.exchange("control"),
        repeat.exchange("repeat"),
    )
