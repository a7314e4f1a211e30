"""`ninefold audit`: look for the nine signs, report them, and say by the exit code how it went."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ninefold.audit.assess import assess
from ninefold.audit.baseline import read_baseline, render_baseline
from ninefold.audit.finding import Audit, Errored, Severity, Skipped
from ninefold.audit.key import Key, parse_key
from ninefold.audit.probe import Limits, Origin, Probe, parse_origin, reach, trust
from ninefold.audit.report import terminal
from ninefold.audit.report.formats import FORMATS
from ninefold.audit.report.vex import render_vex
from ninefold.audit.rule import Untried
from ninefold.audit.run import audit
from ninefold.audit.signs.order import RULES
from ninefold.audit.supply import AGE, Supply
from ninefold.audit.survey import Survey
from ninefold.audit.target import Target
from ninefold.audit.vex import read_vex
from ninefold.cli.places import default_index
from ninefold.cli.registries import registries
from ninefold.cli.screen import screen
from ninefold.contract.openapi import load
from ninefold.errors import FileError, Place, WriteError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ninefold.audit.rule import Rule
    from ninefold.contract.description import Description

_EPILOG = """\
\b
Exit codes
  0   every rule whose inputs were given ran, and nothing was found
  1   something was found, of at least the severity of --fail-on
  2   incomplete: a rule failed, or could not check what it was asked to
  64  the command line is not understood
  65  the description cannot be read or understood
  66  a file (source, baseline, advisories, bill, statements, authority) cannot be read
  69  the API cannot be reached
  73  a report or baseline cannot be written

\b
Examples
  ninefold audit openapi.yaml
  ninefold audit openapi.yaml --url http://127.0.0.1:8000 --key @key.txt --source .
  ninefold audit openapi.yaml --source . --advisories osv.zip --sarif ninefold.sarif
  ninefold advisories fetch PyPI && ninefold audit --source . --vex-in vex.json --vex now.vex.json
"""


@dataclass(frozen=True, slots=True)
class _Outputs:
    """Where reports go: `kind` to `out` (None: standard output), and each of `files` to its path."""

    kind: str
    out: Path | None
    files: Mapping[str, Path]


@click.command("audit", epilog=_EPILOG)
@click.argument("description", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--url", metavar="URL", help="The running API: scheme, host, port, base path. Nothing else is touched.")
@click.option("--source", type=click.Path(exists=True, path_type=Path), help="The API's source: code and manifests.")
@click.option("--log", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The API's own log file.")
@click.option(
    "--advisories",
    type=click.Path(exists=True, path_type=Path),
    help="An index (`ninefold advisories`), or OSV records: a folder, .json, .yaml, .tar.gz or .zip. Default: the index "
    "at $XDG_DATA_HOME/ninefold/advisories.db. Without any versions stay unverified.",
)
@click.option(
    "--advisories-max-age",
    "oldest",
    type=click.IntRange(0),
    default=AGE,
    show_default=True,
    help="Days up to which advisories are believed to know of everything.",
)
@click.option(
    "--sbom",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The API's bill of materials (CycloneDX JSON 1.2 to 1.6), as a source of components.",
)
@click.option(
    "--vex-in",
    "statements",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Statements about flaws (CycloneDX or OpenVEX): what does not affect the API, each with its reason.",
)
@click.option(
    "--registry",
    is_flag=True,
    help="Ask the package registries (PyPI's and npm's, as pip and npm are set up) about direct dependencies.",
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="KEY",
    help="A credential: VALUE, @FILE, header:NAME=VALUE, query:NAME=VALUE, cookie:NAME=VALUE, bearer:VALUE. "
    "Give two of different callers, and objects of one are tried with the other.",
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="A field that goes with the credentials.",
)
@click.option(
    "--authority",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM file of the authority that signed the API's certificate. Default: the system's authorities.",
)
@click.option("--active", is_flag=True, help="Let rules send what may change things. Default: safe methods only.")
@click.option("--rate", type=click.FloatRange(0.1, 1000), default=50.0, show_default=True, help="Requests a second.")
@click.option("--budget", type=click.IntRange(1, 100_000), default=600, show_default=True, help="Requests in all.")
@click.option("--time", "total", type=click.IntRange(1), default=300, show_default=True, help="Seconds in all.")
@click.option(
    "--fail-on",
    type=click.Choice([one.value for one in Severity]),
    default=Severity.LOW.value,
    show_default=True,
    help="The least severity that makes the exit code 1.",
)
@click.option("--baseline", type=click.Path(dir_okay=False, path_type=Path), help="Findings that were accepted.")
@click.option(
    "--write-baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Accept what is found now: write it here, with --reason and --until.",
)
@click.option("--reason", default="", help="Why it is accepted; required with --write-baseline.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day on which it is. Default: in 90 days.")
@click.option("--rule", "chosen", multiple=True, metavar="ID", help="Only this rule; may be given again.")
@click.option("--format", "kind", type=click.Choice(list(FORMATS)), default="terminal", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where --format goes.")
@click.option("--json", "as_json", type=click.Path(dir_okay=False, path_type=Path), help="Also write JSON here.")
@click.option("--sarif", type=click.Path(dir_okay=False, path_type=Path), help="Also write SARIF 2.1.0 here.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Also write JUnit XML here.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Also write the HTML page here.")
@click.option(
    "--vex", type=click.Path(dir_okay=False, path_type=Path), help="Also write the flaws as CycloneDX VEX here."
)
@click.pass_context
def command(
    ctx: click.Context,
    *,
    description: Path | None,
    url: str | None,
    source: Path | None,
    log: Path | None,
    advisories: Path | None,
    oldest: int,
    sbom: Path | None,
    statements: tuple[Path, ...],
    registry: bool,
    keys: tuple[str, ...],
    headers: tuple[str, ...],
    authority: Path | None,
    active: bool,
    rate: float,
    budget: int,
    total: int,
    fail_on: str,
    baseline: Path | None,
    write_baseline: Path | None,
    reason: str,
    until: datetime | None,
    chosen: tuple[str, ...],
    kind: str,
    out: Path | None,
    as_json: Path | None,
    sarif: Path | None,
    junit: Path | None,
    html: Path | None,
    vex: Path | None,
) -> None:
    """Find which of the nine signs an API shows: from its DESCRIPTION (OpenAPI), its source, itself."""
    if not (description or url or source or log or sbom):
        raise click.UsageError("there is nothing to look at; give DESCRIPTION, --url, --source, --sbom, --log")
    if write_baseline and not reason.strip():
        raise click.UsageError("--write-baseline needs --reason: why is what it finds accepted?")
    rules = _rules(chosen)
    excuses = read_baseline(baseline) if baseline else {}
    api = load(description) if description else None
    callers = _keys(keys, headers, api)
    now = time.time()
    files = {"json": as_json, "sarif": sarif, "junit": junit, "html": html}
    outputs = _Outputs(kind, out, {name: path for name, path in files.items() if path})
    target = Target(
        now=now,
        description=api,
        source=source,
        log=log,
        keys=callers,
        advisories=advisories or default_index(),
        supply=Supply(
            sbom=sbom,
            vex=tuple(one for path in statements for one in read_vex(path)),
            oldest=oldest,
            registries=registries(now) if registry else None,
        ),
        active=active,
    )
    if url is None:
        done = audit(target, rules, asked=frozenset(chosen), excuses=excuses)
    else:
        probe = Probe(
            _origin(url),
            agent=f"ninefold-audit/{version('ninefold')}",
            context=trust(authority),
            limits=Limits(budget, rate, float(total)),
            secrets=tuple(secret for key in callers for secret in key.secrets),
            active=active,
        )
        with probe:
            reach(probe)
            target = target.at(url, probe, Survey(probe, api, callers))
            done = audit(target, rules, asked=frozenset(chosen), excuses=excuses)
    _report(done, outputs)
    if vex:
        _write_vex(vex, target)
    if write_baseline:
        last = until.date() if until else datetime.fromtimestamp(now, UTC).date() + timedelta(days=90)
        _write(write_baseline, render_baseline(done.findings, reason, last))
    ctx.exit(exit_code(done, rules, target, Severity(fail_on)))


def exit_code(done: Audit, rules: Sequence[Rule], target: Target, fail_on: Severity) -> int:
    """0, 1 or 2, as the help says. A sign that had rules to try and learned nothing is incomplete."""
    if any(one.severity.rank >= fail_on.rank for one in done.findings):
        return 1
    tried = {rule.sign for rule in rules if not target.lacks(rule.needs)}
    missed = any(isinstance(one, Errored) or (isinstance(one, Skipped) and one.asked) for one in done.outcomes)
    return 2 if missed or not tried or any(done.state(sign) == "unknown" for sign in tried) else 0


def _rules(chosen: tuple[str, ...]) -> tuple[Rule, ...]:
    known = {rule.id for rule in RULES}
    if unknown := [one for one in chosen if one not in known]:
        raise click.UsageError(f"there is no rule {unknown[0]!r}; there are: {', '.join(sorted(known))}")
    return tuple(rule for rule in RULES if not chosen or rule.id in chosen)


def _origin(url: str) -> Origin:
    try:
        return parse_origin(url)
    except ValueError as fault:
        raise click.BadParameter(str(fault), param_hint="--url") from None


def _keys(keys: tuple[str, ...], headers: tuple[str, ...], api: Description | None) -> tuple[Key, ...]:
    fields: list[tuple[str, str]] = []
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip() or not value.strip():
            raise click.BadParameter("write it as 'NAME: VALUE'", param_hint="--header")
        fields.append((name.strip(), value.strip()))
    if keys:
        return tuple(parse_key(_read_key(one), api, tuple(fields)) for one in keys)
    return (Key("header", *fields[0], tuple(fields[1:])),) if fields else ()


def _read_key(text: str) -> str:
    if not text.startswith("@"):
        return text
    path = Path(text[1:])
    try:
        value = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise FileError(
            f"the key cannot be read ({fault})", place=Place(str(path)), remedy="mend --key @FILE"
        ) from None
    if not value or "\n" in value:
        raise FileError("the file must hold one key on one line", place=Place(str(path)), remedy="mend --key @FILE")
    return value


def _report(done: Audit, outputs: _Outputs) -> None:
    for kind, path in outputs.files.items():
        _write(path, FORMATS[kind](done))
    if outputs.out:
        _write(outputs.out, FORMATS[outputs.kind](done))
    elif outputs.kind == "terminal":
        width, colour = screen(100)
        click.echo(terminal.render(done, width=width, colour=colour), nl=False)
    else:
        click.echo(FORMATS[outputs.kind](done), nl=False)


def _write_vex(path: Path, target: Target) -> None:
    try:
        done = assess(target)
    except Untried as fault:
        raise FileError(
            f"no VEX is written: {fault.reason}",
            place=Place(str(path)),
            remedy="give components and advisories, or leave out --vex",
        ) from None
    _write(path, render_vex(done, target.now))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as fault:
        raise WriteError(
            f"it cannot be written ({fault.strerror})",
            place=Place(str(path)),
            remedy="choose another place, or make room",
        ) from None
