"""`ninefold tokens`: revoke, and list what was revoked."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console
from rich.table import Table

from ninefold.cli.screen import printable
from ninefold.contract.load import load_contract
from ninefold.errors import ContractError, Place
from ninefold.identity.revocations import Registrar

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
    """Revoke tokens before they expire, and list what was revoked."""


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
