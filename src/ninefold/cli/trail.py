"""`ninefold trail`: read it, and verify it."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from ninefold.cli.screen import printable
from ninefold.contract.load import load_contract
from ninefold.trail.read import follow, last
from ninefold.trail.verify import verify

_FILE = click.Path(dir_okay=False, path_type=Path)
_COLOURS = {"admitted": "green", "refused": "yellow", "failed": "red"}
_POLL = 0.2


@click.group("trail")
def command() -> None:
    """Read the trail, and verify that nobody changed it."""


@command.command("tail")
@click.argument("file", type=_FILE, required=False)
@click.option("--contract", type=_FILE, default="contract.yaml", show_default=True, help="Whose trail, without FILE.")
@click.option("-n", "count", type=click.IntRange(0), default=20, show_default=True, help="How many records.")
@click.option("-f", "--follow", "follows", is_flag=True, help="Go on as they come.")
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
@click.option("--outcome", type=click.Choice(["admitted", "answered", "refused", "failed"]), help="Only these.")
@click.option("--caller", help="Only this caller: a key's id, a certificate's name, sub:SUBJECT.")
def tail(
    file: Path | None,
    contract: Path,
    count: int,
    outcome: str | None,
    caller: str | None,
    *,
    follows: bool,
    as_json: bool,
) -> None:
    """Show the last records of FILE."""
    path = _path(file, contract)

    def wanted(record: dict[str, Any]) -> bool:
        return (outcome is None or record.get("outcome") == outcome) and (
            caller is None or record.get("caller") == caller
        )

    records, end = last(path, count, wanted)
    for record in records:
        _print(record, as_json=as_json)
    if follows:
        for record in follow(path, end, lambda: time.sleep(_POLL)):
            if wanted(record):
                _print(record, as_json=as_json)
                sys.stdout.flush()


@command.command("verify")
@click.argument("file", type=_FILE, required=False)
@click.option("--contract", type=_FILE, default="contract.yaml", show_default=True, help="Whose trail, without FILE.")
def verify_(file: Path | None, contract: Path) -> None:
    """Verify FILE from its first record to its last. Exit code 0: it holds; 74: it is broken, and where."""
    path = _path(file, contract)
    verdict = verify(path)
    if verdict.broken:
        click.echo(f"{path}:{verdict.broken}: BROKEN at byte {verdict.offset}: {verdict.what}")
        click.echo(f"{verdict.records} records before it hold")
        sys.exit(74)
    for line in verdict.cuts:
        click.echo(
            f"{path}:{line}: a batch before it was cut off (power or disk was lost); the writer said so and went on"
        )
    if verdict.torn:
        click.echo(f"the last batch was cut off (power or disk was lost): {verdict.torn} bytes of an unfinished record")
    click.echo(f"{verdict.records} records hold, the last is {verdict.last}")


def _path(file: Path | None, contract: Path) -> Path:
    if file is not None:
        return file
    loaded = load_contract(contract)
    return loaded.resolve(loaded.contract.trail.path)


def _print(record: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(record))
        return
    at = _time(record.get("time"))
    outcome = _safe(str(record.get("outcome", "")))
    if "format" in record:
        click.echo(click.style(f"{at} {outcome} by a writer, trail {_safe(str(record.get('trail')))}", dim=True))
        return
    if "notice" in record:
        told = f"{record.get('notice')}  {record.get('caller') or '-'}  {record.get('reason', '')}"
        click.echo(f"{at} {click.style('notice  ', fg='cyan')} {_safe(told)}")
        return
    what = f"{record.get('method', '')} {record.get('path', '')}"
    extras = [
        str(record.get("caller") or "-"),
        str(record.get("address") or "-"),
        f"{_number(record.get('took')):.1f} ms",
    ]
    if record.get("withheld"):
        extras.append(f"{record['withheld']} fields withheld{_places(record.get('places'))}")
    elif record.get("withheld_bytes"):
        extras.append(f"{record['withheld_bytes']} bytes withheld")
    if record.get("surplus"):
        extras.append(f"{record['surplus']} items past a ceiling")
    if isinstance(leaked := record.get("leaked"), list):
        extras.append(f"leaks: {', '.join(map(str, leaked))}")
    if record.get("reason"):
        extras.append(f"{record.get('step')}: {record['reason']}")
    shown = click.style(f"{outcome:8}", fg=_COLOURS.get(outcome))
    click.echo(f"{at} {shown} {_safe(str(record.get('status') or '---'))} {_safe(what)}  {_safe('  '.join(extras))}")


def _places(value: object) -> str:
    """Where they were, if it was told."""
    names = [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
    return f": {', '.join(names)}" if names else ""


def _time(value: object) -> str:
    """The time of day; a record that was not written by Ninefold may hold anything."""
    try:
        return datetime.fromtimestamp(_number(value), UTC).strftime("%H:%M:%S.%f")[:-3]
    except (OverflowError, ValueError, OSError):
        return "--:--:--.---"


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0.0


def _safe(text: str) -> str:
    """On one line, and without a hostile request's control characters."""
    return printable(text).replace("\n", "\\x0a")
