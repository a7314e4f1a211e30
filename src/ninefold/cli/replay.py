"""`ninefold replay`: which callers a contract would break, by the requests in a log."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from ninefold.cli.screen import printable
from ninefold.contract.load import load_contract
from ninefold.gateway.addresses import own_addresses
from ninefold.keys.keeper import Keeper
from ninefold.keys.record import Key
from ninefold.learn.log import lines
from ninefold.learn.replay import Became, replay

if TYPE_CHECKING:
    from ninefold.contract.load import LoadedContract
    from ninefold.learn.replay import Fate, Replayed

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("replay")
@click.argument("logs", type=_FILE, nargs=-1, required=True)
@click.option("--contract", "new", type=_FILE, required=True, help="The contract that is asked.")
@click.option("--most", type=click.IntRange(1), default=20, show_default=True, help="How many of each kind are listed.")
@click.option("--json", "as_json", is_flag=True, help="All of it, as one JSON document.")
def command(logs: tuple[Path, ...], new: Path, most: int, *, as_json: bool) -> None:
    """Ask a contract about the requests in LOGS (trails, access logs), and list the callers that it would break.

    The guard itself decides, with the callers that a trail names, the keys as they are now, and limits by the times in the
    log. What a log does not tell (bodies, tokens, and of an access log who called) is counted as unknown, never guessed.

    Exit code 0: nobody who was served is refused; 1: somebody is.
    """
    loaded = load_contract(new)
    found = replay(
        sorted((line for log in logs for line in lines(log)), key=lambda line: line.time),
        loaded,
        _keys(loaded),
        own_addresses(),
    )
    if as_json:
        click.echo(msgspec.json.encode(_document(found)))
    else:
        _tell(found, new, most)
    sys.exit(1 if found.count(Became.BROKEN) else 0)


def _keys(loaded: LoadedContract) -> dict[str, Key]:
    """Those of the contract's store that were not revoked, by id."""
    store = loaded.resolve(loaded.contract.keys.store)
    if not store.exists():
        return {}
    keeper = Keeper(store)
    try:
        return {
            one.id: Key(one.id, one.role, one.scopes, one.expires, one.owner, one.tenant, one.tier, one.bound)
            for one in keeper.all()
            if not one.revoked
        }
    finally:
        keeper.close()


def _tell(found: Replayed, contract: Path, most: int) -> None:
    click.echo(f"{found.requests:,} requests, asked of {contract}:")
    for became, what in (
        (Became.SERVED, "go on as before"),
        (Became.REFUSED, "were refused or failed before, and are refused"),
        (Became.OPENED, "were refused before, and would be served"),
        (Became.BROKEN, "were served before, and would be refused"),
        (Became.UNKNOWN, "cannot be told from this log"),
    ):
        number = found.count(became)
        if number:
            click.echo(f"  {number:>9,} {what}")
    for became, title in (
        (Became.BROKEN, "These would break:"),
        (Became.OPENED, "These would be let in:"),
        (Became.UNKNOWN, "Not known:"),
    ):
        listed = found.of(became)
        if not listed:
            continue
        click.echo(f"\n{title}")
        for fate, number in listed[:most]:
            click.echo(f"  {number:>7,} x {printable(fate.operation)} by {printable(fate.caller)}")
            if fate.reason:
                click.echo(f"            {printable(_why(fate))}")
        if len(listed) > most:
            click.echo(f"  and {len(listed) - most:,} more of this kind (--most, --json)")


def _why(fate: Fate) -> str:
    return f"{fate.step}: {fate.reason}" if fate.step else fate.reason


def _document(found: Replayed) -> dict[str, Any]:
    return {
        "requests": found.requests,
        "counts": {became.value: found.count(became) for became in Became},
        "fates": [
            {
                "became": fate.became.value, "requests": number, "caller": fate.caller, "operation": fate.operation,
                "step": fate.step, "reason": fate.reason,
            }
            for fate, number in found.fates.most_common()
        ],
    }  # fmt: skip
