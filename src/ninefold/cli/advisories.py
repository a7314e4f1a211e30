"""`ninefold advisories`: get what is known about packages, take what was got elsewhere, say what is there."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click

from ninefold.audit.bulk import ECOSYSTEMS, EXPORTS, MOST, SECONDS, addition, fetch
from ninefold.audit.fetch import Fetcher
from ninefold.audit.index import held, write_index
from ninefold.audit.probe import trust
from ninefold.audit.supply import AGE
from ninefold.cli.places import index
from ninefold.cli.screen import printable
from ninefold.errors import FileError, Place

_TO = click.option(
    "--to",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The index. Default: $XDG_DATA_HOME/ninefold/advisories.db",
)


@click.group("advisories")
def command() -> None:
    """Get, import and show what is known about packages: OSV records, CISA's KEV, EPSS."""


@command.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="FILE...")
@click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Of which day the records are. Default: of the newest's."
)
@_TO
def import_(files: tuple[Path, ...], as_of: datetime | None, to: Path | None) -> None:
    """Put FILEs into the index: OSV records (a folder, .json, .yaml, .tar.gz, .zip), CISA's
    known_exploited_vulnerabilities.json, an EPSS table (.csv, .csv.gz).

    What was imported under the same file name before is replaced. All of it is put in, or nothing.
    """
    now = time.time()
    if as_of and as_of.date() > datetime.fromtimestamp(now, UTC).date():
        raise click.BadParameter("that day is to come", param_hint="--as-of")
    day = as_of.date().isoformat() if as_of else ""
    path = to or index()
    write_index(path, [addition(one, day) for one in files], now)
    _show(path, now)


@command.command("fetch")
@click.argument("ecosystems", nargs=-1, metavar="[ECOSYSTEM]...")
@click.option(
    "--from", "source", default=EXPORTS, show_default=True, metavar="URL", help="OSV's bulk exports, or a mirror."
)
@click.option(
    "--authority",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM file of the authority that signed the mirror's certificate. Default: the system's authorities.",
)
@_TO
def fetch_(ecosystems: tuple[str, ...], source: str, authority: Path | None, to: Path | None) -> None:
    """Get OSV's bulk export of each ECOSYSTEM (PyPI, npm, Go, crates.io, RubyGems, Maven, Packagist, NuGet, ...) into
    the index. Without any: of all that Ninefold reads lock files of.

    Nothing is sent but the names of the ecosystems. All of it is put in, or nothing.
    """
    path, now = to or index(), time.time()
    fetcher = Fetcher(f"ninefold/{version('ninefold')}", MOST, SECONDS, trust(authority))
    told = lambda url: click.echo(f"getting {printable(url)}", err=True)  # noqa: E731  # a line is clearer than a function
    fetch(ecosystems or ECOSYSTEMS, path, fetcher, now=now, source=source, told=told)
    _show(path, now)


@command.command("show")
@_TO
def show(to: Path | None) -> None:
    """Say what is in the index, from where, and how old it is."""
    path = to or index()
    if not path.is_file():
        raise FileError(
            "there is no index",
            place=Place(str(path)),
            remedy="make it: `ninefold advisories fetch PyPI`, or import a file",
        )
    _show(path, time.time())


def _show(path: Path, now: float) -> None:
    click.echo(printable(str(path)))
    for one in held(path):
        age = one.holding.age(now)
        old = "" if age is None else f", {age} day{'s' if age != 1 else ''} old"
        stale = f" (older than {AGE} days)" if age is not None and age > AGE else ""
        unit = "record" if one.ecosystem else "CVE"
        number = f"{one.holding.records} {unit}{'s' if one.holding.records != 1 else ''}"
        told = (
            f"  {one.ecosystem or one.label}: {number} of {one.holding.day or 'no date'}{old}{stale}, from {one.origin}"
        )
        click.echo(printable(told))
