"""`ninefold hook`: what a commit hook runs. Static rules on each description among some files, a line a finding."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ninefold.audit.baseline import read_baseline
from ninefold.audit.finding import Errored, Finding, Severity
from ninefold.audit.report.card import ordered
from ninefold.audit.report.compact import compact
from ninefold.audit.report.text import count, line
from ninefold.audit.rule import Needs
from ninefold.audit.run import audit
from ninefold.audit.signs.order import RULES
from ninefold.audit.target import Target
from ninefold.cli.screen import printable
from ninefold.contract.openapi import MOST_BYTES, read
from ninefold.contract.source import SourceFault, as_error, parse, parse_fast, read_bytes
from ninefold.errors import DescriptionError, NinefoldError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.audit.baseline import Excuse
    from ninefold.contract.source import Source

_EPILOG = """\
\b
Exit codes
  0   nothing was found in any description among the files, or there is none
  1   something was found, of at least the severity of --fail-on
  2   incomplete: a rule failed
  64  the command line is not understood
  65  a description cannot be read or understood
  66  a file cannot be read

\b
Examples
  ninefold hook openapi.yaml services/*/openapi.json
  ninefold hook --fail-on high --baseline baseline.json openapi.yaml
"""

#: A text that means to be a description, whether or not it can be parsed: the member that every one begins with.
_CLAIMS = re.compile(rb"""^(?:\xef\xbb\xbf)?[ \t{]*["']?(?:openapi|swagger)["']?[ \t]*:""", re.MULTILINE)

_STATIC = tuple(rule for rule in RULES if set(rule.needs) == {Needs.DESCRIPTION})


@click.command("hook", epilog=_EPILOG)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--fail-on",
    type=click.Choice([one.value for one in Severity]),
    default=Severity.LOW.value,
    show_default=True,
    help="The least severity that is shown, and that makes the exit code 1.",
)
@click.option("--baseline", type=click.Path(dir_okay=False, path_type=Path), help="Findings that were accepted.")
@click.pass_context
def command(ctx: click.Context, files: tuple[Path, ...], fail_on: str, baseline: Path | None) -> None:
    """Audit those of FILES that are API descriptions, by the rules that need nothing else; the others are passed over."""
    excuses = read_baseline(baseline) if baseline else {}
    codes = [_look(path, Severity(fail_on), excuses) for path in files]
    ctx.exit(max(codes, default=0, key=lambda code: (code > 2, code == 1, code)))


def _look(path: Path, fail_on: Severity, excuses: Mapping[str, Excuse]) -> int:
    """Prints what is wrong with one file, and gives its exit code. A file's fault does not keep the others from being read."""
    try:
        content = read_bytes(path, MOST_BYTES)
        document = _description(content, str(path))
        if document is None:
            return 0
        target = Target(now=time.time(), description=read(document, str(path)))
        done = audit(target, _STATIC, excuses=excuses)
    except NinefoldError as fault:
        click.echo(printable(str(fault)))
        return fault.exit_code
    found = [one for one in ordered(done) if one.severity.rank >= fail_on.rank]
    source = _places(content, str(path)) if found else None
    for one in found:
        click.echo(compact(one, _where(one, str(path), source)))
    for failed in (one for one in done.outcomes if isinstance(one, Errored)):
        click.echo(f"{line(str(path))}: {failed.rule} did not end: {line(failed.reason)}")
    if milder := len(ordered(done)) - len(found):
        click.echo(f"{line(str(path))}: {count(milder, 'finding')} below --fail-on {fail_on}, not shown", err=True)
    return 1 if found else 2 if any(isinstance(one, Errored) for one in done.outcomes) else 0


def _description(content: bytes, name: str) -> Any:
    """What has `openapi` or `swagger` at its root, parsed; None for any other file. Raises `DescriptionError` for a text
    that means to be one and cannot be parsed.
    """
    if not re.search(rb"openapi|swagger", content):
        return None
    try:
        document = parse_fast(content, name)
    except SourceFault as fault:
        if _CLAIMS.search(content):
            raise as_error(fault, DescriptionError) from None
        return None
    return document if isinstance(document, dict) and document.keys() & {"openapi", "swagger"} else None


def _places(content: bytes, name: str) -> Source | None:
    """Where things stand in the text. None: it is JSON that YAML does not read."""
    try:
        return parse(content, name)
    except SourceFault:
        return None


def _where(finding: Finding, name: str, source: Source | None) -> str:
    """`file:line:column` of the finding's first place, and the operation."""
    place = finding.places[0]
    at = name
    if source is not None and place.pointer:
        at = str(source.place(_path(source, place.pointer), key=True))
    return f"{at}: {place.operation}" if place.operation else at


def _path(source: Source, pointer: str) -> tuple[str | int, ...]:
    """A JSON Pointer (RFC 6901) as the path that `Source` knows places by, as far as the document goes."""
    path: list[str | int] = []
    value = source.data
    for part in pointer.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and name.isdigit() and int(name) < len(value):
            path.append(int(name))
            value = value[int(name)]
        elif isinstance(value, dict) and name in value:
            path.append(name)
            value = value[name]
        else:
            break
    return tuple(path)
