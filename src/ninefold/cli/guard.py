"""`ninefold guard`: the gateway in front of an API."""

from __future__ import annotations

from pathlib import Path

import click

from ninefold.contract.load import load_contract
from ninefold.gateway.start import Listen, run


@click.command("guard")
@click.argument("contract", type=click.Path(path_type=Path), default="contract.yaml")
@click.option(
    "--listen",
    default="127.0.0.1:8443",
    show_default=True,
    metavar="HOST:PORT",
    help="Where to listen; port 0 takes a free one.",
)
@click.option("--upstream", metavar="URL", help="Guard this upstream instead of the contract's.")
@click.option("--observe", is_flag=True, help="Enforce nothing: record what is seen, and what would have been refused.")
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --observe: where to record what is seen. Default: ninefold-record.json beside the contract.",
)
def command(contract: Path, listen: str, upstream: str | None, record: Path | None, *, observe: bool) -> None:
    """Enforce CONTRACT in front of its upstream, until SIGTERM or Ctrl-C.

    The first lines on standard error say what is guarded, how, and at which URL.
    """
    loaded = load_contract(contract)
    if upstream is not None:
        loaded = loaded.with_upstream(upstream)
    if record is not None and not observe:
        raise click.UsageError("--record goes with --observe")
    if observe:
        record = record or contract.with_name("ninefold-record.json")
    run(loaded, Listen.parse(listen), lambda text: click.echo(f"ninefold: {text}", err=True), record)
