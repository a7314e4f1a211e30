"""A first contract from an API's description: safe as it stands, and with a comment at each thing to decide.

What the description does not say is not guessed open: operations without security stay closed until somebody writes why
they are public, and responses without a schema stay inside.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninefold.contract.check import schemaless, twins

if TYPE_CHECKING:
    from ninefold.contract.description import Description, Operation

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_ADMIN = re.compile(r"(?:^|[/_.-])(?:admin|internal|manage|management|debug|ops|system)(?:$|[/_.-])", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
#: What YAML has no character for (YAML 1.2, section 5.1), and what nobody would see.
_UNPRINTED = re.compile("[^\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True, slots=True)
class Draft:
    """The contract's text, and what could not be inferred, a sentence each."""

    text: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was seen of callers. `rates`: what is counted, requests a minute, and a burst. `key_field`: where keys came."""

    rates: tuple[tuple[str, int, int], ...] = ()
    origins: tuple[str, ...] = ()
    key_field: str = ""


#: Without anything seen.
_RATES = (("ip", 600, 120), ("caller", 600, 120))


def draft(description: Description, file: str, upstream: str, traffic: Traffic | None = None) -> Draft:
    """`file` is how the contract names the description, `upstream` the API's URL."""
    traffic = traffic or Traffic()
    notes: list[str] = []
    groups: dict[tuple[str, str], list[Operation]] = {}
    for operation in description.operations:
        groups.setdefault((_group(operation), _kind(operation)), []).append(operation)
    unproven = [operation for operation in description.operations if not operation.security]
    open_ = _unread(description)
    name = re.sub(r"[^a-z0-9]+", "-", description.title.lower()).strip("-")[:64] or "api"
    lines = [
        "# A Ninefold contract, drafted from the API's description. Read it once: each comment is a decision.",
        "# `ninefold contract check` tells whether it holds; docs/contract.md tells what else there is.",
        "ninefold: 1",
        f"api: {{name: {_text(name)}, description: {_text(file)}}}",
        f"upstream: {_text(upstream)}",
        "",
        "# Sign 1. Keys expire and prove little alone: they are taken from this machine's own addresses only.",
        "# Widen the ranges to where your callers are.",
        "keys:",
        f"  header: {_text(traffic.key_field or 'X-API-Key')}",
        "  max_age: 90d",
        "  with: {ip: [local]}",
        "",
        *_authorization(groups, unproven),
        "",
        "# Sign 3. Without a certificate here, the gateway makes one for development and says so.",
        "# encryption: {tls: {certificate: cert.pem, key: key.pem}}",
        "",
        f"# Sign 6. {'Twice the most that was seen' if traffic.rates else 'Measure what your callers need, then tighten'}.",
        "limits:",
        "  rates:",
        *(f"    - {{per: {per}, rate: {rate}/min, burst: {burst}}}" for per, rate, burst in traffic.rates or _RATES),
        "  penalty: {after: 5 denials, start: 1s, factor: 2, most: 1h}  # what guessing costs an address",
        "",
        "# Sign 7. Fields that the description does not declare are dropped from every response.",
        "responses:",
        "  undeclared: drop",
        *(["  open:  # these declare JSON without a schema, so nothing of it is checked: describe it, then remove the line"]
          if open_ else []),
        *(f"    {_text(one)}: the description gives no schema yet" for one in open_),
        "",
        "# Sign 8.",
        "trail: {path: ninefold-trail.jsonl}",
        "",
        "# Sign 9. Browsers on other origins are refused. If you have a web front, list its origin.",
        *(f"# Seen, and served: {_text(one)}" for one in traffic.origins),
        "# origins: {allow: ['https://app.example.com'], headers: [Content-Type]}",
    ]  # fmt: skip
    notes.append("roles are a guess: one that reads, one that writes; who holds which is yours to say")
    if any(kind == "admin" for _, kind in groups):
        notes.append("operations whose path looks administrative are for the role `admin` alone")
    notes += [
        f"{operation.id}: the description asks for no security; it is closed to callers without a key"
        for operation in unproven
    ]
    notes += [f"{one}: JSON without a schema passes unread (responses.open); anything may leave there" for one in open_]
    notes += [
        f"{operation.id}: no successful response is declared, so every answer of it is withheld"
        for operation in description.operations
        if not any(status[:1] in {"2", "3", "d"} for status in operation.responses)
    ]
    notes += [
        f"{one.id} and {other.id} answer the same paths, and the contract does not hold until one of them is removed"
        for one, other in twins(description)
    ]
    if not traffic.rates:
        notes.append("limits are defaults: the description says nothing of how often callers come")
    if traffic.origins:
        notes.append(f"origins are none, and {len(traffic.origins)} were seen: allow those that are yours")
    else:
        notes.append("origins are none: the description does not say which web pages use the API")
    return Draft("\n".join(lines) + "\n", tuple(notes))


def _authorization(groups: dict[tuple[str, str], list[Operation]], unproven: list[Operation]) -> list[str]:
    if not groups:
        return ["# Sign 2. The description has no operations, so nothing is served."]
    held: dict[str, list[str]] = {"reader": [], "writer": ["reader"], "admin": ["writer"]}
    roles = {"read": "reader", "write": "writer", "admin": "admin"}
    rules = []
    for (group, kind), operations in groups.items():
        scope = f"{group}:{kind}"
        held[roles[kind]].append(scope)
        names = ", ".join(_text(operation.id) for operation in operations)
        rules.append(f"    - {{operations: [{names}], allow: [{_text(scope)}]}}")
    lines = ["# Sign 2. What no rule allows is refused.", "authorization:", "  roles:"]
    lines += [f"    {role}: [{', '.join(_text(one) for one in names)}]" for role, names in held.items()]
    lines += ["  rules:", *rules]
    if unproven:
        lines.append(
            "    # The description asks no security of these. To open one, take it out of its rule above and say why:"
        )
        lines += [f"    # - {{operations: [{_text(one.id)}], public: <why anybody may call it>}}" for one in unproven]
    return lines


def _group(operation: Operation) -> str:
    """The resource an operation is about: the first segment of its path that is a word, and no version."""
    for segment in operation.path.split("/"):
        word = re.sub(r"[^a-z0-9]+", "-", segment.lower()).strip("-")
        if word and "{" not in segment and word != "api" and not re.fullmatch(r"v\d+(-\d+)*", word):
            return word
    return "api"


def _kind(operation: Operation) -> str:
    if _ADMIN.search(operation.path) or any(_ADMIN.fullmatch(tag) for tag in operation.tags):
        return "admin"
    return "read" if operation.method in _READS else "write"


def _unread(description: Description) -> list[str]:
    """Operations with a JSON response of which the description gives no schema."""
    return list(dict.fromkeys(operation.id for operation, _, _ in schemaless(description)))


def _text(value: str) -> str:
    """A word as YAML: plain where it needs no quotes, else as a JSON string, which YAML reads too."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return _UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
