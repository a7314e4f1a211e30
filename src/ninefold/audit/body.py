"""A request body that an API is likely to take: its schema's words first, then what the API itself showed.

Every free text in it carries a mark, by which the object is known again. Members that matter (a price, a role, an
owner) are left to the API, unless they are required.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ninefold.audit.sample import made
from ninefold.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ninefold.contract.description import Description, Operation

#: Members that decide about rights or money, which a caller does not set for himself (API3:2023).
MATTERS = re.compile(
    r"(?:^|_)(?:roles?|permissions?|privileges?|scopes?|admin|staff|superuser|verified|approved|confirmed|enabled|active"
    r"|banned|price|cost|amount|total|balance|credits?|discount|fee|paid|status|state|plan|tier|quota|level)(?:_|$)"
)

#: Members that say whose an object is.
OWNER = re.compile(
    r"(?:^|_)(?:owner|user|account|customer|client|member|patient|author|creator|tenant|organi[sz]ation|org|company|team"
    r"|seller|buyer|carrier|employee|person|profile)(?:_?(?:id|uuid|name))?$|^(?:created|owned|posted)_by(?:_id)?$"
)

_TEXTS = ("title", "name", "subject", "text", "reason", "description", "note", "notes", "comment", "content", "body")
_SHAPED = ("2031-05-06T07:00", "2031-05-07T08:00", "2031-05-06T07:00:00Z", "2031-05-07T08:00:00Z", "2031-05-06", "2031-05-07",
           "07:00", "08:00", "a", "b", "aaaa", "bbbb", "AAAA", "BBBB", "AAA", "AA", "1", "2", "1234", "12345", "123456",
           "+15550100000", "1.00", "2.00", "example.com", "https://example.com/", "EUR", "USD", "#aabbcc")  # fmt: skip
_FORMATS = {"date": "2031-05-06", "date-time": "2031-05-06T07:00:00Z", "time": "07:00:00Z"}
_DEPTH = 4
_PATTERN = 200


def plain(name: str) -> str:
    """`isAdmin`, `is-admin` and `is_admin` are one name."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|-", "_", name).lower()


def fields(description: Description, schema: Any, depth: int = 0) -> tuple[dict[str, Any], frozenset[str]]:
    """The members that an object's schema names, its parts and first alternatives included, and which are required."""
    try:
        schema = description.resolve(schema)
    except DescriptionError:
        return {}, frozenset()
    if not isinstance(schema, dict) or depth > _DEPTH:
        return {}, frozenset()
    named: dict[str, Any] = {}
    wanted: set[str] = set()
    pieces = schema.get("allOf") if isinstance(schema.get("allOf"), list) else []
    choices = [schema[word][:1] for word in ("oneOf", "anyOf") if isinstance(schema.get(word), list)]
    for part in (*(pieces or ()), *(one for choice in choices for one in choice)):
        inner, needed = fields(description, part, depth + 1)
        named |= inner
        wanted |= needed
    own = schema.get("properties")
    for name, raw in own.items() if isinstance(own, dict) else ():
        try:
            named[str(name)] = description.resolve(raw)
        except DescriptionError:
            named[str(name)] = {}
    told = schema.get("required")
    wanted |= {one for one in told if isinstance(one, str)} if isinstance(told, list) else set()
    return named, frozenset(wanted)


def is_free(description: Description, schema: Any, depth: int = 0) -> bool:
    """Whether an object's schema says in so many words that it may have members that it does not name."""
    try:
        schema = description.resolve(schema)
    except DescriptionError:
        return False
    if not isinstance(schema, dict) or depth > _DEPTH:
        return False
    if any(schema.get(word) not in (None, False) for word in ("additionalProperties", "patternProperties")):
        return True
    parts = [one for word in ("allOf", "oneOf", "anyOf") for one in schema.get(word) or () if isinstance(one, dict)]
    return any(is_free(description, one, depth + 1) for one in parts)


def json_schema(operation: Operation) -> tuple[str, Any] | None:
    """The media type and schema of a JSON body; None for an operation that takes none."""
    found = ((media, schema) for media, schema in operation.request.items() if "json" in media.lower())
    return next(((media if "*" not in media else "application/json", schema) for media, schema in found), None)


def answered(description: Description, operation: Operation) -> dict[str, Any]:
    """The members that the operation's successful JSON answer names, those of an envelope's object too."""
    for status in sorted(one for one in operation.responses if one.startswith("2")):
        for media, schema in operation.responses[status].media.items():
            if "json" not in media or schema is None:
                continue
            named, _ = fields(description, schema)
            for inner in ("data", "result", "item"):
                below, _ = fields(description, named.get(inner, {}))
                named = below or named
            return named
    return {}


def bodies(
    description: Description, create: Operation, read: Operation, known: Mapping[str, Sequence[Any]], mark: str
) -> Iterator[dict[str, Any]]:
    """Bodies for `create`, the likeliest first. `known` has values that the API showed, by member."""
    told = json_schema(create)
    named, wanted = fields(description, told[1]) if told else ({}, frozenset[str]())
    if borrowed := not named:
        named = {name: raw for name, raw in answered(description, read).items() if not _idle(name)}
    named = {name: raw for name, raw in named.items() if not (isinstance(raw, dict) and raw.get("readOnly") is True)}
    free = {name for name, raw in named.items() if name not in wanted and _free(name, raw, known)}
    rest = {name for name in named if not MATTERS.search(plain(name)) and not OWNER.search(plain(name))}
    first = next((one for one in _TEXTS if one in free), min(free, default=""))
    seen: list[dict[str, Any]] = []
    for chosen in (rest if borrowed else wanted | free, wanted | {first}, wanted | rest):
        body = {name: value(description, name, named[name], known, mark) for name in named if name in chosen}
        if body and body not in seen:
            seen.append(body)
            yield body


def value(description: Description, name: str, raw: Any, known: Mapping[str, Sequence[Any]], mark: str) -> Any:
    """A value for one member; free texts carry the mark."""
    raw = raw if isinstance(raw, dict) else {}
    if raw.get("const") is not None or raw.get("enum"):
        return made(description, raw)
    if kind(raw) == "string" or (not raw.get("type") and not raw.get("properties")):
        return _text(description, name, raw, known, mark)
    if kind(raw) in {"integer", "number"}:
        shown = [one for one in known.get(name, ()) if isinstance(one, (int, float)) and not isinstance(one, bool)]
        return shown[0] if shown and plain(name).endswith("id") else made(description, raw)
    if kind(raw) == "object" or "properties" in raw or "allOf" in raw:
        inner, wanted = fields(description, raw)
        return {one: value(description, one, inner.get(one, {}), known, mark) for one in sorted(wanted)}
    return made(description, raw)


def others(raw: Any, now: Any, known: Sequence[Any], mark: str) -> tuple[Any, ...]:
    """Values of the same make that are not `now`, the likeliest to be taken first."""
    raw = raw if isinstance(raw, dict) else {}
    if isinstance(raw.get("enum"), list):
        return tuple(one for one in raw["enum"] if one != now and type(one) is type(now))
    if isinstance(now, bool):
        return (not now,)
    if isinstance(now, (int, float)):
        least, most = raw.get("minimum"), raw.get("maximum")
        near = (now + 1, now + 2, now - 1) if isinstance(now, int) else (now + 1.5, now + 2.5, now - 0.5)
        low, high = (one if isinstance(one, (int, float)) else None for one in (least, most))
        return tuple(one for one in near if (low is None or one >= low) and (high is None or one <= high))
    if not isinstance(now, str):
        return ()
    shown = [one for one in known if isinstance(one, str) and one != now]
    if raw.get("pattern"):
        return tuple(one for one in dict.fromkeys((*shown, *_SHAPED)) if one != now and _fits(raw, one))
    if raw.get("format") in {"date", "date-time", "time"} or re.match(r"\d{4}-\d\d-\d\d", now):
        return tuple(one for one in (now.replace("2031", "2032"), re.sub(r"^\d{4}", "2033", now)) if one != now)
    return tuple(one for one in (f"{mark}b", f"{mark}c") if len(one) <= _most(raw) and one != now)


def kind(raw: Mapping[str, Any]) -> str:
    """The first type that is not `null`, or nothing."""
    told = raw.get("type")
    return next((str(one) for one in told if one != "null"), "") if isinstance(told, list) else str(told or "")


def _idle(name: str) -> bool:
    return plain(name) in {"id", "uuid", "_id"} or bool(MATTERS.search(plain(name)) or OWNER.search(plain(name)))


def _free(name: str, raw: Any, known: Mapping[str, Sequence[Any]]) -> bool:
    """Whether the member takes any text, as far as its schema and what the API showed tell."""
    if (
        not isinstance(raw, dict)
        or raw.get("readOnly") is True
        or MATTERS.search(plain(name))
        or OWNER.search(plain(name))
    ):
        return False
    if kind(raw) != "string" or any(raw.get(word) for word in ("format", "pattern", "enum", "const")):
        return bool(not raw.get("type") and not raw.get("properties") and name in _TEXTS)
    return _most(raw) >= 20 and not plain(name).endswith("id") and not _coded(known.get(name, ()))


def _coded(shown: Sequence[Any]) -> bool:
    """Whether the API's own values read as codes, dates or numbers rather than as words."""
    texts = [one for one in shown if isinstance(one, str) and one]
    return bool(texts) and all(re.search(r"\d", one) and " " not in one for one in texts)


def _text(
    description: Description, name: str, raw: dict[str, Any], known: Mapping[str, Sequence[Any]], mark: str
) -> Any:
    shown = [one for one in known.get(name, ()) if isinstance(one, str) and one]
    form = raw.get("format")
    if form == "email" or plain(name) in {"email", "mail", "e_mail"}:
        return f"{mark}@example.com"
    if form == "password" or "password" in plain(name):
        return f"{mark}-Aa1!"
    if raw.get("pattern"):
        fitting = (mark, *shown, *_SHAPED)
        return next((one for one in fitting if _fits(raw, one)), made(description, raw))
    if form in _FORMATS:
        return shown[0] if shown else _FORMATS[str(form)]
    if form in {"uri", "url"}:
        return f"https://example.com/{mark}"
    if form:
        return shown[0] if shown else made(description, raw)
    if shown and _coded(shown):
        return shown[0]
    told = raw.get("example", raw.get("default"))
    if isinstance(told, str) and re.search(r"\d", told) and " " not in told:
        return told
    least = raw.get("minLength") if isinstance(raw.get("minLength"), int) else 0
    return mark.ljust(least or 0, "a") if _most(raw) >= len(mark) else made(description, raw)


def _fits(raw: Mapping[str, Any], text: str) -> bool:
    """Whether a short text fits the pattern. A pattern that Python cannot read, or a very long one, fits nothing."""
    pattern = str(raw["pattern"])
    if len(pattern) > _PATTERN or not (raw.get("minLength") or 0) <= len(text) <= _most(raw):
        return False
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


def _most(raw: Mapping[str, Any]) -> int:
    most = raw.get("maxLength")
    return most if isinstance(most, int) and not isinstance(most, bool) else 1_000
