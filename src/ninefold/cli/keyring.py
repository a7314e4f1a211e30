"""What the commands about keys have in common: whose keys, what a contract permits, and how a key is shown."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console
from rich.table import Table

from ninefold.cli.screen import printable
from ninefold.contract.rules import unfolded
from ninefold.errors import KeyringError
from ninefold.keys.keeper import Keeper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.contract.load import LoadedContract
    from ninefold.keys.record import Issued
    from ninefold.keys.use import Use

#: More keys than this are lines, and no table.
MOST_DRAWN = 1000
_WIDTHS = (12, 15, 8, 8, 13, 14)

of_contract = click.option(
    "--contract",
    type=click.Path(dir_okay=False, path_type=Path),
    default="contract.yaml",
    show_default=True,
    help="Whose keys.",
)


@contextlib.contextmanager
def opened(loaded: LoadedContract) -> Iterator[Keeper]:
    """The contract's keys."""
    keeper = Keeper(store_of(loaded))
    try:
        yield keeper
    finally:
        keeper.close()


def store_of(loaded: LoadedContract) -> Path:
    """The file of the contract's keys."""
    return loaded.resolve(loaded.contract.keys.store)


def permitted(loaded: LoadedContract, role: str | None, scopes: tuple[str, ...]) -> None:
    """Raises `KeyringError` where the contract knows no such role, or it does not hold these scopes."""
    authorization = loaded.contract.authorization
    if authorization is None:
        if role or scopes:
            raise KeyringError(
                "the contract has no roles", remedy="leave --role and --scope out, or add `authorization.roles`"
            )
        return
    roles = ", ".join(authorization.roles)
    if not role:
        raise KeyringError("a key needs a role", remedy=f"give --role with one of: {roles}")
    if role not in authorization.roles:
        raise KeyringError(f"the contract has no role {role!r}", remedy=f"it has: {roles}")
    held = unfolded(authorization.roles)[role]
    for scope in scopes:
        if scope not in held:
            raise KeyringError(
                f"the role {role!r} does not hold {scope!r}", remedy=f"it holds: {', '.join(sorted(held))}"
            )


def as_line(one: Issued, now: float, use: Use | None) -> bytes:
    """A key as a line of JSON. `last_used` is Unix seconds, 0 where it never was."""
    told = {"last_used": use.time if use else 0.0, "last_address": use.address if use else ""}
    return msgspec.json.encode({**msgspec.to_builtins(one), "state": one.state(now), **told})


def print_keys(issued: list[Issued], now: float, uses: dict[str, Use]) -> None:
    """A table of keys; one line for each on 80 columns, where its name is not long."""
    rows = (_row(one, now, uses.get(one.id)) for one in issued)
    if len(issued) > MOST_DRAWN:  # to draw a hundred thousand takes a minute
        for row in rows:
            click.echo("  ".join(f"{cell:{width}.{width}}" for cell, width in zip(row, _WIDTHS, strict=True)).rstrip())
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("id", no_wrap=True, min_width=12)  # it is what the other commands ask for
    for title in ("name", "role", "state", "expires", "last used"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table, markup=False)


def _row(one: Issued, now: float, use: Use | None) -> tuple[str, ...]:
    state, last = one.state(now).value, span(min(-0.1, use.time - now)) if use else "never"
    name, role = (printable(text).replace("\n", " ") for text in (one.name, one.role))
    return one.id, name, role, state, span(one.expires - now), last


def used(use: Use | None, now: float) -> str:
    """When and from where a key was used last."""
    if use is None:
        return "never"
    return f"{span(min(-0.1, use.time - now))} from {use.address} ({datetime.fromtimestamp(use.time, UTC):%Y-%m-%d %H:%M} UTC)"


def day(at: float) -> str:
    """The day of a time in Unix seconds, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def span(seconds: float) -> str:
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
