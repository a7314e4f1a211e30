"""`ninefold tokens`: revoke, list what was revoked; and the token service with its users and clients."""

from __future__ import annotations

import contextlib
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from ninefold.cli.screen import printable
from ninefold.contract.load import LoadedContract, load_contract
from ninefold.errors import ContractError, KeyringError, Place
from ninefold.identity.revocations import Registrar
from ninefold.identity.service.clients import registered
from ninefold.identity.service.passwords import encode, normal
from ninefold.identity.service.registry import Registry, User

if TYPE_CHECKING:
    from collections.abc import Iterator

_contract = click.option(
    "--contract",
    type=click.Path(dir_okay=False, path_type=Path),
    default="contract.yaml",
    show_default=True,
    help="Whose tokens.",
)


@click.group("tokens")
def command() -> None:
    """Revoke tokens before they expire; and issue them, where there is no identity provider."""


@command.command("revoke")
@_contract
@click.option("--jti", "ids", multiple=True, metavar="ID", help="The token with this `jti`; may be given again.")
@click.option(
    "--subject", "subjects", multiple=True, help="All tokens issued to this subject until now; may be given again."
)
def revoke(contract: Path, ids: tuple[str, ...], subjects: tuple[str, ...]) -> None:
    """Revoke tokens. The next request with one of them is refused; later tokens of a subject are accepted."""
    if not ids and not subjects:
        raise click.UsageError("say which: --jti ID, or --subject SUBJECT")
    with _registrar(contract) as registrar:
        for kind, names in (("jti", ids), ("subject", subjects)):
            for name in names:
                registrar.revoke(kind, name, time.time())
                what = "is revoked" if kind == "jti" else "has no token any more that was issued until now"
                click.echo(f"{kind} {printable(name)} {what}")


@command.command("revoked")
@_contract
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
def revoked(contract: Path, *, as_json: bool) -> None:
    """List what was revoked, oldest first."""
    with _registrar(contract) as registrar:
        found = registrar.all()
    if as_json:
        for kind, name, at in found:
            click.echo(msgspec.json.encode({"kind": kind, "name": name, "revoked": at}))
        return
    if not found:
        click.echo("nothing was revoked")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("kind", "name", "revoked"):
        table.add_column(title)
    for kind, name, at in found:
        table.add_row(kind, printable(name), datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ"))
    Console().print(table, markup=False)


@command.command("serve")
@_contract
@click.option("--listen", default="127.0.0.1:9443", show_default=True, metavar="HOST:PORT", help="Where to listen.")
def serve(contract: Path, listen: str) -> None:
    """Issue tokens by the contract's `identity.service`: OAuth 2.1 for clients, keys and persons."""
    from ninefold.gateway.start import Listen  # noqa: PLC0415  # the rest of this command needs neither
    from ninefold.issuer import run  # noqa: PLC0415

    run(load_contract(contract), Listen.parse(listen), lambda line: click.echo(f"ninefold: {line}", err=True))


@command.group("users")
def users() -> None:
    """Who may log in at the token service."""


@users.command("add")
@_contract
@click.argument("name")
@click.option("--role", "roles", multiple=True, help="One of the contract's roles; may be given again.")
@click.option("--tenant", default="", help="On whose behalf the user acts.")
def add_user(contract: Path, name: str, roles: tuple[str, ...], tenant: str) -> None:
    """Add a user. The password is asked for, or read as a line from standard input; only its argon2id hash is kept."""
    with _registry(contract) as (loaded, registry):
        _roles(loaded, roles)
        name = normal(name)
        if not name.isprintable() or not 0 < len(name) <= MOST_NAME:
            raise KeyringError(
                "the name is empty, too long or cannot be printed", remedy=f"1 to {MOST_NAME} characters"
            )
        if not tenant.isprintable() or len(tenant) > MOST_NAME:
            raise KeyringError("the tenant is too long or cannot be printed", remedy=f"at most {MOST_NAME} characters")
        registry.add_user(User(name, encode(_password()), roles, tenant, time.time()))
    click.echo(f"user {printable(name)} can log in")


@users.command("list")
@_contract
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
def list_users(contract: Path, *, as_json: bool) -> None:
    """List the users, by name."""
    with _registry(contract) as (_, registry):
        found = registry.users()
    rows = [{"name": one.name, "roles": one.roles, "tenant": one.tenant, "created": one.created} for one in found]
    _shown(rows, "no users yet: ninefold tokens users add NAME", as_json=as_json)


@users.command("password")
@_contract
@click.argument("name")
def set_password(contract: Path, name: str) -> None:
    """Give a user another password, and end the tokens that were issued to them until now."""
    with _registry(contract) as (_, registry), _registrar(contract) as registrar:
        if registry.user(normal(name)) is None or not registry.set_password(normal(name), encode(_password())):
            raise KeyringError(f"there is no user {name!r}", remedy="see `ninefold tokens users list`")
        registrar.revoke("subject", normal(name), time.time())
    click.echo(f"user {printable(name)} has another password; their tokens are revoked")


@users.command("remove")
@_contract
@click.argument("name")
def remove_user(contract: Path, name: str) -> None:
    """Remove a user, and end the tokens that were issued to them until now."""
    with _registry(contract) as (_, registry), _registrar(contract) as registrar:
        if not registry.remove_user(normal(name)):
            raise KeyringError(f"there is no user {name!r}", remedy="see `ninefold tokens users list`")
        registrar.revoke("subject", normal(name), time.time())
    click.echo(f"user {printable(name)} is removed; their tokens are revoked")


@command.group("clients")
def clients() -> None:
    """Applications that ask the token service for tokens. API keys need not be registered: each is a client."""


@clients.command("add")
@_contract
@click.argument("id_", metavar="ID")
@click.option("--name", default="", help="What persons see that are asked to log in. Default: the id.")
@click.option(
    "--redirect",
    "redirects",
    multiple=True,
    metavar="URL",
    help="Where its users come back to, exactly; http://127.0.0.1/PATH: with any port.",
)
@click.option("--keys", type=click.Path(dir_okay=False, path_type=Path), help="JWK set: it proves itself by a JWT.")
@click.option("--certificate", type=click.Path(dir_okay=False, path_type=Path), help="PEM: it proves itself by TLS.")
@click.option("--role", "roles", multiple=True, help="It acts with these roles alone; may be given again.")
@click.option("--scope", "scopes", multiple=True, help="It may ask for this scope alone; may be given again.")
def add_client(
    contract: Path,
    id_: str,
    name: str,
    redirects: tuple[str, ...],
    keys: Path | None,
    certificate: Path | None,
    roles: tuple[str, ...],
    scopes: tuple[str, ...],
) -> None:
    """Register an application: with a key set, with a certificate, or (a browser's) with neither."""
    if keys is not None and certificate is not None:
        raise click.UsageError("--keys or --certificate, not both")
    with _registry(contract) as (loaded, registry):
        _roles(loaded, roles)
        one = registered(id_, name or id_, redirects, keys, certificate, roles=roles, scopes=scopes, now=time.time())
        registry.add_client(one)
    how = "nothing: it acts for persons alone" if one.proof == "none" else one.proof
    click.echo(f"client {printable(id_)} is registered; it proves itself by {how}")


@clients.command("list")
@_contract
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
def list_clients(contract: Path, *, as_json: bool) -> None:
    """List the registered applications, by id."""
    with _registry(contract) as (_, registry):
        found = registry.clients()
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "proof": one.proof,
            "redirects": one.redirects,
            "roles": one.roles,
            "scopes": one.scopes,
        }
        for one in found
    ]
    _shown(rows, "no clients yet: ninefold tokens clients add ID", as_json=as_json)


@clients.command("remove")
@_contract
@click.argument("id_", metavar="ID")
def remove_client(contract: Path, id_: str) -> None:
    """Remove an application, and end the tokens that were issued to itself until now."""
    with _registry(contract) as (_, registry), _registrar(contract) as registrar:
        if not registry.remove_client(id_):
            raise KeyringError(f"there is no client {id_!r}", remedy="see `ninefold tokens clients list`")
        registrar.revoke("subject", id_, time.time())
    click.echo(f"client {printable(id_)} is removed; its own tokens are revoked, those of persons end by themselves")


MOST_NAME = 128


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _roles(loaded: LoadedContract, roles: tuple[str, ...]) -> None:
    known = loaded.contract.authorization.roles if loaded.contract.authorization else {}
    for role in roles:
        if role not in known:
            raise KeyringError(
                f"the contract has no role {role!r}", remedy=f"it has: {', '.join(sorted(known)) or 'none'}"
            )


def _shown(rows: list[dict[str, Any]], none: str, *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            click.echo(msgspec.json.encode(row))
        return
    if not rows:
        click.echo(none)
        return
    table = Table(box=None, pad_edge=False)
    shown = [name for name in rows[0] if name != "created"]
    for title in shown:
        table.add_column(title, overflow="fold")
    for row in rows:
        cells = [" ".join(row[name]) if isinstance(row[name], tuple) else row[name] for name in shown]
        table.add_row(*map(printable, cells))
    Console().print(table, markup=False)


@contextlib.contextmanager
def _registry(contract: Path) -> Iterator[tuple[LoadedContract, Registry]]:
    loaded = load_contract(contract)
    identity = loaded.contract.identity
    if identity is None or identity.service is None:
        raise ContractError(
            "the contract has no token service",
            place=Place(str(contract)),
            remedy="add `service: {}` to its `identity:`, or name another contract",
        )
    registry = Registry(loaded.resolve(identity.service.store))
    try:
        yield loaded, registry
    finally:
        registry.close()


@contextlib.contextmanager
def _registrar(contract: Path) -> Iterator[Registrar]:
    loaded = load_contract(contract)
    if loaded.contract.identity is None:
        raise ContractError(
            "the contract accepts no tokens",
            place=Place(str(contract)),
            remedy="add `identity:`, or name another contract",
        )
    registrar = Registrar(loaded.resolve(loaded.contract.identity.store))
    try:
        yield registrar
    finally:
        registrar.close()
