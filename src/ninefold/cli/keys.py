"""`ninefold keys`: create, list, rotate and revoke."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console
from rich.table import Table

from ninefold.cli.screen import printable
from ninefold.contract.load import LoadedContract, load_contract
from ninefold.contract.quantity import parse_duration
from ninefold.errors import KeyringError, WriteError
from ninefold.keys.keeper import Keeper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.keys.token import MintedKey

_contract = click.option(
    "--contract",
    type=click.Path(dir_okay=False, path_type=Path),
    default="contract.yaml",
    show_default=True,
    help="Whose keys.",
)


@click.group("keys")
def command() -> None:
    """Create, list, rotate and revoke API keys."""


@command.command("create")
@_contract
@click.option("--role", help="One of the contract's roles. Needed where the contract has any.")
@click.option(
    "--expires", metavar="DURATION", help="How long it lives, as 30d; at most keys.max_age, which is the default."
)
@click.option("--name", default="", help="Whose it is, or what for; shown in lists.")
@click.option("--scope", "scopes", multiple=True, help="Only this scope of the role; may be given again.")
@click.option("--env", default="live", show_default=True, help="Part of the key's text: live, test, ...")
def create(contract: Path, role: str | None, expires: str | None, name: str, scopes: tuple[str, ...], env: str) -> None:
    """Issue a key. Its text is printed once, alone on standard output; only its digest is kept."""
    loaded = load_contract(contract)
    _known(loaded, role, scopes)
    with _keeper(loaded) as keeper:
        now = time.time()
        lifetime = _lifetime(loaded, expires)
        minted = keeper.issue(
            role=role or "", scopes=scopes, name=name, env=env, lifetime=lifetime, now=now, randomness=os.urandom
        )
        _show(keeper, minted, now + lifetime)


@command.command("list")
@_contract
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
def list_(contract: Path, *, as_json: bool) -> None:
    """List every key ever issued, and whether it is accepted."""
    now = time.time()
    with _keeper(load_contract(contract)) as keeper:
        issued = keeper.all()
    if as_json:
        for one in issued:
            click.echo(msgspec.json.encode({**msgspec.to_builtins(one), "state": one.state(now)}))
        return
    if not issued:
        click.echo("no keys yet: ninefold keys create")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("id", no_wrap=True, min_width=12)  # it is what the other commands ask for
    for title in ("name", "role", "scopes", "created", "expires", "state"):
        table.add_column(title)
    for one in issued:
        scopes = " ".join(one.scopes) or "all of the role"
        table.add_row(
            one.id,
            printable(one.name),
            printable(one.role),
            printable(scopes),
            _day(one.created),
            _in(one.expires - now),
            one.state(now).value,
        )
    Console().print(table, markup=False)


@command.command("rotate")
@_contract
@click.argument("key_id", metavar="ID")
@click.option(
    "--expires", metavar="DURATION", help="How long the new key lives; at most keys.max_age, which is the default."
)
def rotate(contract: Path, key_id: str, expires: str | None) -> None:
    """Issue a key with the rights of ID. The old one is accepted for keys.overlap more."""
    loaded = load_contract(contract)
    with _keeper(loaded) as keeper:
        now = time.time()
        lifetime = _lifetime(loaded, expires)
        overlap = loaded.contract.keys.overlap
        minted = keeper.rotate(key_id, lifetime=lifetime, overlap=overlap, now=now, randomness=os.urandom)
        _show(keeper, minted, now + lifetime)
    click.echo(f"{key_id} is accepted for {_in(overlap).removeprefix('in ')} more at the most", err=True)


@command.command("revoke")
@_contract
@click.argument("key_ids", metavar="ID...", nargs=-1, required=True)
def revoke(contract: Path, key_ids: tuple[str, ...]) -> None:
    """Revoke keys. The next request with one of them is refused."""
    with _keeper(load_contract(contract)) as keeper:
        missed = []
        for key_id in key_ids:
            try:
                keeper.revoke(key_id, now=time.time())
            except KeyringError as fault:
                missed.append(fault)
            else:
                click.echo(f"{key_id} is revoked")
    for other in missed[1:]:
        click.echo(f"ninefold: {printable(str(other))}", err=True)
    if missed:
        raise missed[0]


@contextlib.contextmanager
def _keeper(loaded: LoadedContract) -> Iterator[Keeper]:
    keeper = Keeper(loaded.resolve(loaded.contract.keys.store))
    try:
        yield keeper
    finally:
        keeper.close()


def _known(loaded: LoadedContract, role: str | None, scopes: tuple[str, ...]) -> None:
    authorization = loaded.contract.authorization
    if authorization is None:
        if role or scopes:
            raise KeyringError(
                "the contract has no roles", remedy="leave --role and --scope out, or add `authorization.roles`"
            )
        return
    roles = ", ".join(authorization.roles)
    if role is None:
        raise KeyringError("a key needs a role", remedy=f"give --role with one of: {roles}")
    if role not in authorization.roles:
        raise KeyringError(f"the contract has no role {role!r}", remedy=f"it has: {roles}")
    held: set[str] = set()
    waiting = [role]
    while waiting:
        one = waiting.pop()
        if one not in held:
            held.add(one)
            waiting.extend(authorization.roles.get(one, ()))
    for scope in scopes:
        if scope not in held:
            raise KeyringError(
                f"the role {role!r} does not hold {scope!r}", remedy=f"it holds: {', '.join(sorted(held))}"
            )


def _lifetime(loaded: LoadedContract, expires: str | None) -> float:
    most = loaded.contract.keys.max_age
    if expires is None:
        return most
    try:
        lifetime = parse_duration(expires)
    except ValueError as fault:
        raise KeyringError(str(fault), remedy="as --expires 30d") from None
    if not 0 < lifetime <= most:
        raise KeyringError(
            f"a key may live {_in(most).removeprefix('in ')} at the most", remedy="by keys.max_age of the contract"
        )
    return lifetime


def _show(keeper: Keeper, minted: MintedKey, expires: float) -> None:
    """Print the secret. Where it cannot be, nobody has it, and the key is revoked again."""
    why = _printed(minted.text)
    if why:
        keeper.revoke(minted.id, now=time.time())
        raise WriteError(
            f"the key could not be shown, so it is revoked again ({why})",
            remedy="give standard output a place that can be written",
        )
    click.echo(f"key {minted.id}, until {_day(expires)}. It is shown this once; only its digest is kept.", err=True)


def _printed(text: str) -> str:
    """Why a text did not reach standard output; empty: it did."""
    if sys.stdout is None:
        return "standard output is closed"
    try:
        click.echo(text)
        sys.stdout.flush()
    except OSError as fault:
        return fault.strerror or "it failed"
    return ""


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _in(seconds: float) -> str:
    """`in 29 days`, `3 hours ago`."""
    size = abs(seconds)
    count, unit = next(
        (
            (int(size // length), name)
            for length, name in ((86400, "day"), (3600, "hour"), (60, "minute"))
            if size >= length
        ),
        (int(size), "second"),
    )
    words = f"{count} {unit}{'s' if count != 1 else ''}"
    return f"in {words}" if seconds >= 0 else f"{words} ago"
