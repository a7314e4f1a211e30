"""`ninefold compare`: before and after, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ninefold.audit.report import compare_svg, compare_terminal
from ninefold.audit.report.compare import compare
from ninefold.audit.report.json_v1 import read
from ninefold.cli.screen import screen
from ninefold.errors import FileError, Place, WriteError

if TYPE_CHECKING:
    from ninefold.audit.finding import Audit

_FILE = click.Path(dir_okay=False, path_type=Path)
_EPILOG = """\
\b
Exit codes
  0   every rule that ran before ran again, and no sign is shown or unknown after
  1   otherwise
  64  the command line is not understood
  66  a report cannot be read
  73  the picture cannot be written

\b
Examples
  ninefold audit openapi.yaml --url http://127.0.0.1:9000 --json before.json
  ninefold audit openapi.yaml --url https://127.0.0.1:8443 --json after.json
  ninefold compare before.json after.json --svg card.svg
"""


@click.command("compare", epilog=_EPILOG)
@click.argument("before", type=_FILE)
@click.argument("after", type=_FILE)
@click.option("--svg", type=_FILE, metavar="FILE", help="Also write the card as a picture.")
@click.pass_context
def command(ctx: click.Context, before: Path, after: Path, svg: Path | None) -> None:
    """Two JSON reports of `ninefold audit` side by side: BEFORE and AFTER, and what closed each sign."""
    comparison = compare(_read(before), _read(after))
    width, colour = screen(120)
    click.echo(compare_terminal.render(comparison, width=width, colour=colour), nl=False)
    if svg is not None:
        _write(svg, compare_svg.render(comparison))
    ctx.exit(0 if comparison.proven else 1)


def _read(path: Path) -> Audit:
    try:
        return read(path.read_bytes(), str(path))
    except OSError as fault:
        raise FileError(
            f"the report cannot be read ({fault.strerror})",
            place=Place(str(path)),
            remedy="name a file that `ninefold audit --json FILE` wrote",
        ) from None


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as fault:
        raise WriteError(
            f"the picture cannot be written ({fault.strerror})",
            place=Place(str(path)),
            remedy="choose another place, or make room",
        ) from None
