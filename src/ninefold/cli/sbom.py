"""`ninefold sbom`: the bill of materials of a source tree."""

from __future__ import annotations

import time
from pathlib import Path

import click

from ninefold.audit.components import components
from ninefold.audit.report.sbom import render_sbom
from ninefold.audit.rule import Untried
from ninefold.audit.target import Target
from ninefold.cli.screen import printable
from ninefold.errors import FileError, Place, WriteError


@click.command("sbom")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where it goes. Default: standard output.")
@click.pass_context
def command(ctx: click.Context, source: Path, out: Path | None) -> None:
    """Write the bill of materials of SOURCE: CycloneDX 1.6 in JSON, with purls, licences and what needs what, as far as
    manifests and lock files tell.

    Exit code 2: some of it could not be read, and the bill says which (properties `ninefold:unread`).
    """
    now = time.time()
    try:
        found = components(Target(now=now, source=source))
    except Untried as fault:
        raise FileError(fault.reason, place=Place(str(source)), remedy="give a folder that has a manifest") from None
    text = render_sbom(found, source.resolve().name, now)
    if out is None:
        click.echo(text, nl=False)
    else:
        try:
            out.write_text(text, "utf-8")
        except OSError as fault:
            raise WriteError(
                f"it cannot be written ({fault.strerror})",
                place=Place(str(out)),
                remedy="choose another place, or make room",
            ) from None
    for one in found.unread:
        click.echo(f"not read: {printable(one)}", err=True)
    ctx.exit(2 if found.unread else 0)
