"""`ninefold authz`: why one request would pass or not, and who may do what."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import click
import msgspec

from ninefold.cli.grants import as_document, callers_of, measured, table, unused
from ninefold.cli.screen import printable, screen
from ninefold.contract.granted import deciding
from ninefold.contract.load import LoadedContract, load_contract
from ninefold.contract.quantity import parse_duration
from ninefold.contract.rules import standing, unfolded
from ninefold.contract.source import read_bytes
from ninefold.contract.value import parse_moment
from ninefold.errors import ContractError, KeyringError
from ninefold.guard.matrix import cell, over
from ninefold.guard.request import Request
from ninefold.keys.keeper import Keeper
from ninefold.keys.record import Issued, Key, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.contract.description import Operation
    from ninefold.guard.explain import Explanation

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group("authz")
def command() -> None:
    """Explain who may do what, and what of it nobody uses."""


@command.command("explain")
@click.argument("contract", type=_FILE, default="contract.yaml")
@click.option(
    "--operation", "operation_id", required=True, metavar="ID", help="The operation, by its id in the description."
)
@click.option("--caller", metavar="KEYID", help="A key that was issued, by its id.")
@click.option("--role", help="In place of a key: a caller with this role,")
@click.option(
    "--scope", "scopes", multiple=True, help="narrowed to this scope, or (without a role) with it; may be given again."
)
@click.option("--owner", default="", help="What the key says of its owner,")
@click.option("--tenant", default="", help="its tenant,")
@click.option("--tier", default="", help="and its tier.")
@click.option("--subject", default="", help="The subject of the caller's token,")
@click.option("--claim", "claims", multiple=True, metavar="NAME=VALUE", help="and its claims (VALUE as JSON, or text).")
@click.option("--path", "path", multiple=True, metavar="NAME=VALUE", help="A path parameter.")
@click.option("--query", "query", multiple=True, metavar="NAME=VALUE", help="A query parameter; may be given again.")
@click.option("--header", "headers", multiple=True, metavar="NAME: VALUE", help="A header field.")
@click.option("--body", type=_FILE, help="The file with the request's JSON body.")
@click.option("--answer", type=_FILE, help="The file with the JSON that the API would answer.")
@click.option("--address", default="127.0.0.1", show_default=True, help="The caller's address.")
@click.option("--device", default="", help="The caller's device (JA4 fingerprint).")
@click.option("--time", "at", metavar="MOMENT", help="As 2026-01-31T18:00:00+01:00 (RFC 3339). Default: now.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def explain_(
    contract: Path, operation_id: str, caller: str | None, role: str | None, scopes: tuple[str, ...], owner: str, tenant: str,
    tier: str, subject: str, claims: tuple[str, ...], path: tuple[str, ...], query: tuple[str, ...], headers: tuple[str, ...],
    body: Path | None, answer: Path | None, address: str, device: str, at: str | None, *, as_json: bool,
) -> None:  # fmt: skip
    """Say which lines of CONTRACT allow or deny a request, step by step.

    It is about what a caller may do: how he proves who he is (keys.with), and how often he calls, is not asked.

    Exit code 0: it is allowed; 1: it is refused; 2: it depends on what was not given (--body, --answer).
    """
    from ninefold.guard.explain import explain  # noqa: PLC0415  # loads CEL

    loaded = load_contract(contract)
    operation = _operation(loaded, operation_id)
    moment = time.time() if at is None else _moment(at)
    key, held, why = _caller(loaded, caller, role, scopes, moment)
    key = msgspec.structs.replace(key, owner=owner or key.owner, tenant=tenant or key.tenant, tier=tier or key.tier)
    content = read_bytes(body, loaded.contract.limits.body) if body is not None else None
    fields = {name.strip().lower().encode(): value.strip().encode() for name, value in _pairs(headers, ":", "--header")}
    if content is not None:
        fields.setdefault(b"content-type", b"application/json")
    filled = _filled(loaded, operation, dict(_pairs(path, "=", "--path")))
    asked = urlencode(list(_pairs(query, "=", "--query")))
    length = len(content) if content is not None else -1 if operation.request else 0
    secure = True
    request = Request(
        operation.method, filled, fields, (), address, secure, length, moment, 0.0, b"",
        caller=key.id, scopes=held, target=f"{filled}?{asked}".encode(), content=content, key=key, subject=subject,
        claims={name: _json(value) for name, value in _pairs(claims, "=", "--claim")}, device=device,
    )  # fmt: skip
    place = standing(loaded.source)
    if why and not _public(loaded, operation):
        shown: dict[str, Any] = {"allowed": False, "reason": why, "asked": []}
    else:
        found = explain(
            loaded.contract, loaded.description, operation, request, place,
            read_bytes(answer, loaded.contract.limits.response) if answer is not None else None,
        )  # fmt: skip
        shown = _shown(found)
    who = f"{key.role or 'a caller'}{f' ({key.id})' if key.id else ''}"
    if as_json:
        click.echo(
            msgspec.json.encode(
                {"operation": operation.id, "caller": key.id, "role": key.role, "holds": sorted(held), **shown}
            )
        )
    else:
        click.echo(f"{operation.id} ({operation.method} {operation.path}) by {printable(who)}")
        click.echo(f"  holds: {', '.join(sorted(held)) or 'nothing'}")
        _tell(shown)
    sys.exit({True: 0, False: 1, None: 2}[shown["allowed"]])


def _shown(found: Explanation) -> dict[str, Any]:
    asked = [
        {"place": one.place, "rule": "deny" if one.deny else "allow", "what": one.what, "holds": one.holds}
        for one in found.asked
    ]
    return {"allowed": found.allowed, "reason": found.reason, "asked": asked}


def _tell(shown: dict[str, Any]) -> None:
    wide = max((len(one["place"]) for one in shown["asked"]), default=0)
    marks = {True: "yes", False: "no ", None: "?  "}
    for one in shown["asked"]:
        click.echo(f"  {one['place']:{wide}}  {one['rule']:5}  {marks[one['holds']]}  {printable(one['what'])}")
    verdict = {True: "allowed", False: "refused", None: "it depends"}[shown["allowed"]]
    colour = {True: "green", False: "red", None: "yellow"}[shown["allowed"]]
    reason = shown["reason"].removeprefix("it depends ")
    click.echo(
        f"{click.style(verdict, fg=colour)}{': ' if shown['allowed'] is not None else ' '}{printable(reason)}".rstrip(
            ": "
        )
    )


@command.command("matrix")
@click.argument("contract", type=_FILE, default="contract.yaml")
@click.option("--trail", type=_FILE, help="The trail to measure use from. Default: the contract's.")
@click.option("--unused-for", metavar="DURATION", help="Also say which grants no request has used for so long, as 90d.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def matrix_(contract: Path, trail: Path | None, unused_for: str | None, *, as_json: bool) -> None:
    """Print who may do what by CONTRACT: each role, and each key that holds less than its role.

    What no request has used can go: --unused-for measures it from the trail's admitted requests.
    """
    loaded = load_contract(contract)
    now = time.time()
    issued = _issued(loaded)
    callers = callers_of(loaded, [one for one in issued if one.state(now) in {State.ACTIVE, State.REPLACED}])
    place, authorization = standing(loaded.source), loaded.contract.authorization
    cells = {
        operation.id: {name: cell(authorization, operation.id, held, now, place) for name, (held, _) in callers.items()}
        for operation in loaded.description.operations
    }
    rules_over = list(over(authorization, now, place))
    use = None
    if unused_for is not None:
        use = measured(trail or loaded.resolve(loaded.contract.trail.path), now - _span(unused_for), issued, callers)
    elif trail is not None:
        raise click.UsageError("--trail is read for --unused-for; give that too")
    if as_json:
        click.echo(msgspec.json.encode(as_document(cells, callers, rules_over, use)))
        return
    for line in table(cells, callers, screen(100).width):
        click.echo(line)
    for one in rules_over:
        click.echo(f"{one}: its time is over; the rule can go")
    if use is not None:
        for line in unused(cells, use, now):
            click.echo(line)


# -- what was given


def _operation(loaded: LoadedContract, name: str) -> Operation:
    for one in loaded.description.operations:
        if one.id == name:
            return one
    near = get_close_matches(name, [one.id for one in loaded.description.operations], 1)
    raise ContractError(
        f"the description has no operation {name!r}",
        remedy=f"did you mean `{near[0]}`?" if near else "see its operationIds",
    )


def _caller(
    loaded: LoadedContract, key_id: str | None, role: str | None, scopes: tuple[str, ...], now: float
) -> tuple[Key, frozenset[str], str]:
    """The key, what it holds, and why it would be refused before any rule is asked."""
    roles = unfolded(loaded.contract.authorization.roles if loaded.contract.authorization else {})
    if key_id is None:
        if role is not None and role not in roles:
            raise KeyringError(f"the contract has no role {role!r}", remedy=f"it has: {', '.join(roles) or 'none'}")
        held = roles.get(role or "", frozenset(scopes))
        return Key("", role or "", scopes, 0.0), held & frozenset(scopes) if scopes and role else held, ""
    if role is not None or scopes:
        raise click.UsageError("--caller says what the caller holds; leave --role and --scope out")
    with _keeper(loaded) as keeper:
        issued = keeper.find(key_id)
    state = issued.state(now)
    why = "" if state in {State.ACTIVE, State.REPLACED} else f"the key is {state}, so its caller is nobody (401)"
    held = roles.get(issued.role, frozenset())
    key = Key(
        issued.id, issued.role, issued.scopes, issued.expires, issued.owner, issued.tenant, issued.tier, issued.bound
    )
    return key, held & frozenset(issued.scopes) if issued.scopes else held, why


def _filled(loaded: LoadedContract, operation: Operation, given: dict[str, str]) -> str:
    """The path with its parameters. Raises `NinefoldError` where one is missing that a rule asks for."""
    names = re.findall(r"\{([^{}]*)\}", operation.path)
    authorization = loaded.contract.authorization
    texts = (
        [authorization.rules[one].when or "" for one in deciding(authorization, operation.id)] if authorization else []
    )
    missing = [name for name in names if name not in given]
    if missing and any(re.search(r"\bpath\b", text) for text in texts):
        raise KeyringError(
            f"the rules of {operation.id} ask for the path",
            remedy=f"give {' '.join(f'--path {one}=...' for one in missing)}",
        )
    if unknown := sorted(set(given) - set(names)):
        raise KeyringError(
            f"{operation.path} has no parameter {unknown[0]!r}", remedy=f"it has: {', '.join(names) or 'none'}"
        )
    return re.sub(r"\{([^{}]*)\}", lambda found: quote(given.get(found[1], "0"), safe=""), operation.path)


def _public(loaded: LoadedContract, operation: Operation) -> bool:
    authorization = loaded.contract.authorization
    return authorization is not None and any(
        authorization.rules[one].public is not None for one in deciding(authorization, operation.id)
    )


def _pairs(given: tuple[str, ...], between: str, option: str) -> Iterator[tuple[str, str]]:
    for one in given:
        name, found, value = one.partition(between)
        if not found or not name.strip():
            raise click.UsageError(f"{option} {one!r} is no NAME{between}VALUE")
        yield name, value


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text


def _moment(text: str) -> float:
    try:
        return parse_moment(text)
    except ValueError as fault:
        raise click.UsageError(f"--time: {fault}") from None


def _span(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as fault:
        raise click.UsageError(f"--unused-for: {fault}") from None


def _issued(loaded: LoadedContract) -> list[Issued]:
    """Every key; none where no file of keys was made yet, and none is made here."""
    if not loaded.resolve(loaded.contract.keys.store).exists():
        return []
    with _keeper(loaded) as keeper:
        return keeper.all()


@contextlib.contextmanager
def _keeper(loaded: LoadedContract) -> Iterator[Keeper]:
    keeper = Keeper(loaded.resolve(loaded.contract.keys.store))
    try:
        yield keeper
    finally:
        keeper.close()
