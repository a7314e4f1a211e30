"""A contract held against its description: what cannot be kept (problems), and what a reviewer would ask about (advice)."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from ninefold.contract.certificates import certificate_advice, certificate_problems
from ninefold.contract.endpoint import endpoint_advice
from ninefold.contract.fields import field_problems
from ninefold.contract.granted import conditions, duties
from ninefold.contract.proving import proving_advice, proving_problems
from ninefold.contract.sequence import Sequence, sequence
from ninefold.errors import DescriptionError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.contract.description import Description, Operation
    from ninefold.contract.model import Contract
    from ninefold.contract.source import Source

ROLE_OR_SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._/-]*\Z")


def problems(contract: Contract, description: Description, source: Source) -> list[Problem]:
    """Why the contract cannot be kept as it is written; empty: it can."""
    return [
        *_operations(contract, description, source),
        *_roles(contract, source),
        *duties(contract, source),
        *conditions(contract, description, source),
        *_responses(contract, description, source),
        *_lists(contract, description, source),
        *field_problems(contract, description, source),
        *_routes(contract, description, source),
        *_methods(contract, description, source),
        *_query(contract, description, source),
        *_files(contract, source),
        *certificate_problems(contract, source),
        *proving_problems(contract, source),
    ]


def advice(contract: Contract, description: Description, source: Source) -> list[Problem]:
    """What is allowed, and worth a second look."""
    found: list[Problem] = []
    top = source.place(())
    if not description.operations:
        found.append(Problem("the description has no operations, so nothing is served", top, "describe them"))
    if contract.authorization is None:
        what = "there is no `authorization`: whoever proves to be a caller may call every operation"
        found.append(Problem(what, top, "add roles and rules; `ninefold contract draft` proposes some"))
    elif contract.authorization is not None:
        for number, rule in enumerate(contract.authorization.rules):
            if rule.public is not None and "*" in rule.operations:
                place = source.place(("authorization", "rules", number))
                found.append(
                    Problem("every operation is open to callers without a key", place, "name those that are to be")
                )
        ruled = {one for rule in contract.authorization.rules if rule.deny is None for one in rule.operations}
        if "*" not in ruled:
            place = source.place(("authorization",), key=True)
            for operation in description.operations:
                if operation.id not in ruled:
                    what = f"no rule allows {operation.id}, so it is refused"
                    found.append(Problem(what, place, "add a rule, or leave it closed"))
    if contract.keys.alone is not None:
        place = source.place(("keys", "alone"), key=True)
        found.append(
            Problem("a key alone is enough, from every address", place, "give `keys.with: {ip: [...]}` if you can")
        )
    found.extend(proving_advice(contract, source))
    found += _keys_advice(contract, source)
    if contract.encryption.plain is not None:
        place = source.place(("encryption", "plain"), key=True)
        found.append(Problem("callers are served without TLS", place, "make sure that TLS ends right in front"))
    found += certificate_advice(contract, source)
    found += endpoint_advice(contract, description, source)
    for operation in description.operations:
        if not any(status[:1] in {"2", "3", "d"} for status in operation.responses):
            what = f"{operation.id} declares no successful response, so every answer of it is withheld"
            found.append(Problem(what, top, "declare its 200 with a schema in the description"))
        for response in operation.responses.values():
            bare = [
                media
                for media, schema in response.media.items()
                if sequence(media) is Sequence.EVENTS and (schema is None or _empty(schema, description))
            ]
            if bare and operation.id not in contract.responses.open:
                what = (
                    f"{operation.id} declares {bare[0]} with {response.status} and no schema, so its events pass unread"
                )
                found.append(Problem(what, top, "give the schema of the JSON in their `data`"))
    return found


def _keys_advice(contract: Contract, source: Source) -> Iterator[Problem]:
    keys = contract.keys
    if keys.query is not None:
        what = "keys may come in the query, where histories and logs in front of the guard have them too"
        yield Problem(what, source.place(("keys", "query"), key=True), "make their lives short (`keys.max_age`)")
    if keys.stale:
        what = f"a key that is revoked while the keys cannot be read is taken for up to {keys.stale:g} s more"
        yield Problem(what, source.place(("keys", "stale"), key=True), "keep it short, or leave it out")
    if all(limit.tiers for limit in contract.limits.rates):
        what = "every limit is for some tiers alone, so callers of no tier have none"
        yield Problem(what, source.place(("limits",), key=True), "add one without `tiers`")


def _operations(contract: Contract, description: Description, source: Source) -> Iterator[Problem]:
    known = {operation.id for operation in description.operations}
    if "*" in known:
        what = "the description has an operation with the id `*`, which means every operation here"
        yield Problem(what, source.place(("api", "description")), "give it another operationId")

    def unknown(name: str, path: tuple[str | int, ...]) -> Iterator[Problem]:
        if name not in known:
            near = get_close_matches(name, known, 1)
            remedy = f"did you mean `{near[0]}`?" if near else f"the description has: {', '.join(sorted(known)[:8])}"
            yield Problem(f"the description has no operation {name!r}", source.place(path), remedy)

    if contract.authorization is not None:
        for place, rule in enumerate(contract.authorization.rules):
            for index, name in enumerate(rule.operations):
                if name != "*":
                    yield from unknown(name, ("authorization", "rules", place, "operations", index))
                elif rule.public is not None and any(
                    one.deny is None for one in contract.authorization.rules if one is not rule
                ):
                    what = "a public rule for `*` opens every operation that has no rule of its own"
                    path = ("authorization", "rules", place, "operations", index)
                    yield Problem(what, source.place(path), "name the operations that are public")
        yield from _contradictions(contract, source)
    shorthand = isinstance(source.data.get("limits"), list)
    for place, limit in enumerate(contract.limits.rates):
        for index, name in enumerate(limit.operations):
            prefix: tuple[str | int, ...] = ("limits",) if shorthand else ("limits", "rates")
            yield from unknown(name, (*prefix, place, "operations", index))
    for name in contract.responses.open:
        yield from unknown(name, ("responses", "open", name))
    for name in contract.requests.open:
        yield from unknown(name, ("requests", "open", name))
    for word in ("operations", "open"):
        for name in getattr(contract.limits.lists, word):
            yield from unknown(name, ("limits", "lists", word, name))


def _lists(contract: Contract, description: Description, source: Source) -> Iterator[Problem]:
    """Ceilings of lists: sizes that nobody declares, and words that contradict each other."""
    lists = contract.limits.lists
    known = {
        one.name for operation in description.operations for one in operation.parameters if one.location == "query"
    }
    for index, name in enumerate(lists.sizes):
        if name not in known:
            near = get_close_matches(name, known, 1)
            remedy = f"did you mean `{near[0]}`?" if near else "declare it in the description, or leave it out"
            place = source.place(("limits", "lists", "sizes", index))
            yield Problem(f"no operation has a query parameter {name!r}", place, remedy)
    for name in lists.operations.keys() & lists.open.keys():
        place = source.place(("limits", "lists", "open", name), key=True)
        yield Problem(f"{name} has a ceiling and none", place, "keep one of the two")
    if lists.sent == "cut" and contract.responses.undeclared == "report":
        what = "`responses.undeclared: report` lets answers out as they are, so nothing of them can be cut"
        place = source.place(("limits", "lists", "sent"), key=True)
        yield Problem(what, place, "write `report` or `block` here, or `drop` there")


def _contradictions(contract: Contract, source: Source) -> Iterator[Problem]:
    """Operations that one rule opens to everybody and another to some."""
    assert contract.authorization is not None
    closed = [rule for rule in contract.authorization.rules if rule.public is None and rule.deny is None]
    asked = {one for rule in closed for one in rule.operations}
    for place, rule in enumerate(contract.authorization.rules):
        for index, name in enumerate(rule.operations if rule.public is not None else ()):
            if name != "*" and name in asked:
                path = ("authorization", "rules", place, "operations", index)
                what = f"one rule makes {name} public, and another asks for a scope"
                yield Problem(what, source.place(path), "keep one of the two")


def _files(contract: Contract, source: Source) -> Iterator[Problem]:
    """The trail and the keys are written: over whatever else the contract means by the same file."""
    folder, tls = Path(source.file).parent, contract.encryption.tls
    seen = {Path(source.file).resolve(): "the contract itself"}
    read = (
        ("api.description", contract.api.description),
        ("encryption.tls.certificate", tls.certificate),
        ("encryption.tls.key", tls.key),
        ("encryption.tls.clients.authority", tls.clients.authority if tls.clients else None),
        ("encryption.tls.clients.crl", tls.clients.crl if tls.clients else None),
    )
    seen |= {(folder / name).resolve(): what for what, name in read if name is not None}
    written: list[tuple[tuple[str, ...], str]] = [
        (("keys", "store"), contract.keys.store),
        (("trail", "path"), contract.trail.path),
    ]
    if contract.identity is not None:
        written.append((("identity", "store"), contract.identity.store))
        if (service := contract.identity.service) is not None:
            written.append((("identity", "service", "store"), service.store))
            written.append((("identity", "service", "trail"), service.trail))
    for path, name in written:
        whole = (folder / name).resolve()
        if whole in seen:
            yield Problem(f"{name} is {seen[whole]} already", source.place(path), "give it a file of its own")
        seen[whole] = ".".join(path)


def _roles(contract: Contract, source: Source) -> Iterator[Problem]:
    authorization = contract.authorization
    if authorization is None:
        return
    held = {name for names in authorization.roles.values() for name in names}
    for role, names in authorization.roles.items():
        for index, name in enumerate((role, *names)):
            if not ROLE_OR_SCOPE.match(name):
                path = ("authorization", "roles", role) + ((index - 1,) if index else ())
                yield Problem(
                    f"{name!r} is no name for a role or scope", source.place(path), "letters, digits and : . _ / -"
                )
    for role in authorization.roles:
        if _reaches(authorization.roles, role, role):
            place = source.place(("authorization", "roles", role), key=True)
            yield Problem(f"the role {role!r} holds itself, through other roles", place, "break the circle")
    for place_, rule in enumerate(authorization.rules):
        for index, name in enumerate(rule.allow):
            if contract.identity is None and name not in held and name not in authorization.roles:
                near = get_close_matches(name, held | set(authorization.roles), 1)
                remedy = f"did you mean `{near[0]}`?" if near else "give it to a role in `authorization.roles`"
                path = ("authorization", "rules", place_, "allow", index)
                yield Problem(f"no role holds {name!r}, so nobody could ever pass", source.place(path), remedy)


def _reaches(roles: dict[str, tuple[str, ...]], start: str, goal: str) -> bool:
    seen: set[str] = set()
    waiting = list(roles[start])
    while waiting:
        one = waiting.pop()
        if one == goal:
            return True
        if one not in seen:
            seen.add(one)
            waiting.extend(roles.get(one, ()))
    return False


def schemaless(description: Description) -> Iterator[tuple[Operation, str, str]]:
    """Each operation, media type and status that declares JSON of which nothing can be checked.

    Because no schema says what is in it, or because it is JSON of a kind that is not read.
    """
    for operation in description.operations:
        for response in operation.responses.values():
            for media, schema in response.media.items():
                name = media.partition(";")[0].strip().lower()
                if "json" not in name or response.status[:1] == "5":
                    continue
                if _unread(name) or schema is None or _empty(schema, description):
                    yield operation, media, response.status


def _responses(contract: Contract, description: Description, source: Source) -> Iterator[Problem]:
    place = source.place(("api", "description"))
    for operation, media, status in schemaless(description):
        if operation.id not in contract.responses.open:
            why = "which is not read" if _unread(media) else "and no schema"
            yield Problem(
                f"{operation.id} declares {media} with {status} {why}, so nothing of it may leave",
                place,
                "give a schema (of JSON, or of one record) in the description, or write "
                f"`responses: {{open: {{{operation.id}: <why>}}}}`",
            )


def _unread(media: str) -> bool:
    name = media.partition(";")[0].strip().lower()
    return sequence(name) is None and name not in {"application/json", "text/json"} and not name.endswith("+json")


def _empty(schema: object, description: Description) -> bool:
    try:
        resolved = description.resolve(schema)  # type: ignore[arg-type]
    except DescriptionError:
        return False
    return resolved is True or (
        isinstance(resolved, dict) and not set(resolved) - {"title", "description", "example", "examples"}
    )


def twins(description: Description) -> Iterator[tuple[Operation, Operation]]:
    """Operations of which a request cannot tell which one it means."""
    seen: dict[tuple[str, str], Operation] = {}
    for operation in description.operations:
        other = seen.setdefault((operation.method, re.sub(r"\{[^{}]*\}", "{}", operation.path)), operation)
        if other is not operation:
            yield other, operation


def _routes(contract: Contract, description: Description, source: Source) -> Iterator[Problem]:
    place = source.place(("api", "description"))
    for other, operation in twins(description):
        what = f"{other.id} and {operation.id} answer the same paths ({other.path}, {operation.path})"
        yield Problem(what, place, "keep one of the two templates")
    served = contract.api.serve_description
    if served is not None and any(operation.path == served for operation in description.operations):
        path = ("api", "serve_description")
        yield Problem(f"the description has operations at {served} already", source.place(path), "choose another path")


def _query(contract: Contract, description: Description, source: Source) -> Iterator[Problem]:
    """The parameter that carries keys is taken away: it can be none of the API's own."""
    if contract.keys.query is None:
        return
    name, place = contract.keys.query.name, source.place(("keys", "query", "name"))
    for operation in description.operations:
        item = description.resolve(dict(description.document["paths"]).get(operation.path, {}))
        for listed in (item, operation.raw):
            for one in (listed.get("parameters") if isinstance(listed, dict) else None) or ():
                parameter = description.resolve(one)
                if isinstance(parameter, dict) and (parameter.get("in"), parameter.get("name")) == ("query", name):
                    yield Problem(f"{operation.id} has a parameter {name!r} of its own", place, "choose another name")


def _methods(contract: Contract, description: Description, source: Source) -> Iterator[Problem]:
    known = {operation.method for operation in description.operations} | {"HEAD"}
    for index, method in enumerate(contract.origins.methods):
        if method not in known:
            yield Problem(
                f"no operation has the method {method!r}",
                source.place(("origins", "methods", index)),
                f"methods are upper case; the description has {', '.join(sorted(known - {'HEAD'}))}",
            )
