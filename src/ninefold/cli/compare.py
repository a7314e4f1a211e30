"""`ninefold compare`: before and after, side by side."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.terminal_theme import TerminalTheme

from ninefold.audit.report.compare import compare, table
from ninefold.audit.report.json_v1 import read
from ninefold.errors import FileError, Place, WriteError

if TYPE_CHECKING:
    from ninefold.audit.finding import Audit

_FILE = click.Path(dir_okay=False, path_type=Path)
_THEME = TerminalTheme(
    (255, 255, 255),
    (36, 41, 47),
    [
        (36, 41, 47),
        (192, 28, 40),
        (26, 127, 55),
        (154, 103, 0),
        (9, 105, 218),
        (130, 80, 223),
        (27, 124, 131),
        (110, 119, 129),
    ],
    [
        (87, 96, 106),
        (207, 34, 46),
        (31, 136, 61),
        (154, 103, 0),
        (33, 139, 255),
        (164, 117, 249),
        (49, 146, 170),
        (140, 149, 159),
    ],
)


@click.command("compare")
@click.argument("before", type=_FILE)
@click.argument("after", type=_FILE)
@click.option("--svg", type=_FILE, help="Also write the card as a picture.")
def command(before: Path, after: Path, svg: Path | None) -> None:
    """Hold two JSON reports of `ninefold audit` against each other.

    Exit code 0: every rule that ran BEFORE ran again AFTER, and no sign is left. 1: otherwise.
    """
    comparison = compare(_read(before), _read(after))
    console = Console(record=svg is not None, highlight=False)
    console.print(table(comparison))
    for rule in comparison.not_again:
        console.print(f"not run again: {rule}", style="bold red")
    console.print(f"\n{comparison.verdict}", style="bold")
    if svg is not None:
        try:
            svg.write_text(console.export_svg(title="ninefold compare", theme=_THEME), "utf-8")
        except OSError as fault:
            raise WriteError(
                f"cannot be written ({fault.strerror})", place=Place(str(svg)), remedy="choose another place"
            ) from None
    sys.exit(0 if comparison.closed else 1)


def _read(path: Path) -> Audit:
    try:
        return read(path.read_bytes())
    except OSError as fault:
        raise FileError(
            f"cannot be read ({fault.strerror})", place=Place(str(path)), remedy="name a JSON report"
        ) from None
    except FileError as fault:
        raise FileError(fault.what, place=Place(str(path)), remedy=fault.remedy) from None
