"""`ninefold audit`: look for the nine signs, report them, and say by the exit code how it went."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ninefold.audit.assess import assess
from ninefold.audit.baseline import render_baseline
from ninefold.audit.finding import Audit, Errored, Severity, Skipped
from ninefold.audit.fleet import Api, Fleet, read_fleet
from ninefold.audit.probe import Limits
from ninefold.audit.report import fleet as fleet_report
from ninefold.audit.report import terminal
from ninefold.audit.report.formats import FORMATS
from ninefold.audit.rule import Untried
from ninefold.audit.signs.order import RULES
from ninefold.audit.supply import AGE, Supply
from ninefold.audit.vex import read_vex
from ninefold.cli.alerting import alert_options
from ninefold.cli.look import Given, allowed, look_at, look_at_all, rehearse, worst
from ninefold.cli.places import default_index
from ninefold.cli.registries import registries
from ninefold.cli.screen import screen
from ninefold.contract.load import load_contract
from ninefold.errors import FileError, Place, WriteError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ninefold.audit.alerts import Channel
    from ninefold.audit.rule import Rule
    from ninefold.audit.target import Target

_EPILOG = """\
\b
Exit codes
  0   every rule whose inputs were given ran, and nothing was found
  1   something was found, of at least the severity of --fail-on
  2   incomplete: a rule failed, or could not check what it was asked to, or what it made could not be removed
      (of several APIs, 1 if any is 1, else 2 if any is 2)
  64  the command line is not understood
  65  the description or the contract cannot be read or understood, or the app cannot be imported
  66  a file (source, baseline, advisories, bill, statements, authority, fleet) cannot be read
  69  the API cannot be reached, or its address is one that hands out credentials
  70  a fault of Ninefold itself
  73  a report or baseline cannot be written

\b
Examples
  ninefold audit openapi.yaml
  ninefold audit openapi.yaml --url http://127.0.0.1:8000 --key @key.txt --source .
  ninefold audit openapi.yaml --url http://127.0.0.1:8000 --key @one.txt --key @other.txt --active
  ninefold audit openapi.yaml --source . --advisories osv.zip --sarif ninefold.sarif
  ninefold audit openapi.yaml --url https://api.example.com --contract contract.yaml --format markdown
  ninefold advisories fetch PyPI && ninefold audit --source . --vex-in vex.json --vex now.vex.json
  ninefold audit --url http://127.0.0.1:8000
  ninefold audit shop.main:app
  ninefold audit recording.har
  ninefold audit orders.yaml users.yaml https://stock.example.com/openapi.json
  ninefold audit --fleet fleet.yaml --html fleet.html
"""


@dataclass(frozen=True, slots=True)
class _Outputs:
    """Where reports go: `kind` to `out` (None: standard output), and each of `files` to its path."""

    kind: str
    out: Path | None
    files: Mapping[str, Path]


@click.command("audit", epilog=_EPILOG)
@click.argument("descriptions", nargs=-1, metavar="[DESCRIPTION]...")
@click.option("--url", metavar="URL", help="The running API: scheme, host, port, base path. Nothing else is touched.")
@click.option("--source", type=click.Path(exists=True, path_type=Path), help="The API's source: code and manifests.")
@click.option("--graphql", metavar="PATH", help="Where a GraphQL API is served. Default: /graphql.")
@click.option(
    "--fleet",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Several APIs: YAML with a list `apis` of {name, description, url, source, log, keys, ...}.",
)
@click.option(
    "--contract",
    "kept",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The contract that the API is to keep: what it declares is held against what is described and observed.",
)
@click.option("--log", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The API's own log file.")
@alert_options
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
@click.option("--expired-key", metavar="KEY", help="A key of the first caller that has expired; written as --key.")
@click.option("--revoked-key", metavar="KEY", help="A key of the first caller that was revoked or rotated away.")
@click.option(
    "--authority",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM file of the authority that signed the API's certificate. Default: the system's authorities.",
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="An origin that the API is meant to allow, as https://app.example.com; ones that look like it are tried.",
)
@click.option(
    "--active",
    is_flag=True,
    help="Let rules make objects, change those, and remove them again. Default: safe methods and GraphQL queries "
    "only. Nothing is changed that the audit did not make.",
)
@click.option("--user", default="", metavar="NAME", help="An account of yours: with --active, two log-ins fail.")
@click.option("--dry-run", is_flag=True, help="Tell rule by rule what would be sent to --url, and send nothing.")
@click.option(
    "--allow-metadata-address",
    "metadata",
    is_flag=True,
    help="Audit a link-local or cloud metadata address too. Default: refused, for it hands out credentials.",
)
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
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Also write Markdown here.")
@click.option("--gitlab", type=click.Path(dir_okay=False, path_type=Path), help="Also write Code Quality here.")
@click.option(
    "--vex", type=click.Path(dir_okay=False, path_type=Path), help="Also write the flaws as CycloneDX VEX here."
)
@click.pass_context
def command(
    ctx: click.Context,
    *,
    descriptions: tuple[str, ...],
    graphql: str | None,
    fleet: Path | None,
    url: str | None,
    source: Path | None,
    kept: Path | None,
    log: Path | None,
    alerts: Channel | None,
    advisories: Path | None,
    oldest: int,
    sbom: Path | None,
    statements: tuple[Path, ...],
    registry: bool,
    keys: tuple[str, ...],
    headers: tuple[str, ...],
    expired_key: str | None,
    revoked_key: str | None,
    authority: Path | None,
    origins: tuple[str, ...],
    active: bool,
    dry_run: bool,
    metadata: bool,
    user: str,
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
    markdown: Path | None,
    gitlab: Path | None,
    vex: Path | None,
) -> None:
    """Find which of the nine signs an API shows: from its DESCRIPTION, its source, itself.

    DESCRIPTION is a file (OpenAPI, Swagger, a Postman collection, a HAR recording, a GraphQL schema or introspection; told
    apart by content), a URL, or an app as package.module:app (FastAPI, Litestar, Starlette, Flask, Django), which is
    imported: that runs the app's own code. Without one, --url looks where APIs publish theirs. Several are a fleet.
    """
    if not (descriptions or url or source or sbom or kept or log or fleet):
        raise click.UsageError(
            "there is nothing to look at; give DESCRIPTION, --url, --source, --sbom, --contract, --log, --fleet"
        )
    if write_baseline and not reason.strip():
        raise click.UsageError("--write-baseline needs --reason: why is what it finds accepted?")
    if graphql and not graphql.startswith("/"):
        raise click.BadParameter("write it as /PATH", param_hint="--graphql")
    if dry_run and not url:
        raise click.UsageError("--dry-run tells what would be sent to --url, and there is none")
    rules = _rules(chosen)
    now = time.time()
    files = {
        "json": as_json, "sarif": sarif, "junit": junit, "html": html, "markdown": markdown, "gitlab": gitlab,
    }  # fmt: skip
    outputs = _Outputs(kind, out, {name: path for name, path in files.items() if path})
    given = Given(
        now,
        advisories or default_index(),
        active,
        Limits(budget, rate, float(total)),
        frozenset(chosen),
        tuple(allowed(one) for one in origins),
        metadata=metadata,
        supply=Supply(
            sbom=sbom,
            vex=tuple(one for path in statements for one in read_vex(path)),
            oldest=oldest,
            registries=registries(now) if registry else None,
        ),
        contract=load_contract(kept) if kept else None,
        user=user,
        expired=expired_key or "",
        revoked=revoked_key or "",
        alerts=alerts,
    )
    if fleet or len(descriptions) > 1:
        alone: dict[str, object] = {"--url": url, "--source": source, "--log": log, "--key": keys, "--header": headers}
        alone |= {"--baseline": baseline, "--write-baseline": write_baseline, "--dry-run": dry_run, "--contract": kept}
        alone |= {"--sbom": sbom, "--vex": vex, "--user": user, "--alerts": alerts, "--expired-key": expired_key}
        alone |= {"--revoked-key": revoked_key, "DESCRIPTION": fleet and descriptions}
        if extra := [name for name, value in alone.items() if value]:
            raise click.UsageError(
                f"{', '.join(extra)}: of several APIs, write it into a file for --fleet, for each of them"
            )
        if alien := {kind, *outputs.files} - fleet_report.FORMATS.keys():
            raise click.UsageError(
                f"{', '.join(sorted(alien))}: is of one API; of several there are {', '.join(fleet_report.FORMATS)}"
            )
        apis = read_fleet(fleet) if fleet else tuple(Api(one, one, graphql=graphql or "") for one in descriptions)
        apis = tuple(replace(one, authority=one.authority or str(authority or "")) for one in apis)
        looked = look_at_all(given, apis, rules)
        _report(looked.fleet, outputs)
        codes = (exit_code(*one, Severity(fail_on)) for one in looked.each)
        ctx.exit(worst((*codes, _code(looked.fleet.together, Severity(fail_on)))))
    one = Api(
        "",
        "".join(descriptions),
        url=url or "",
        source=str(source or ""),
        log=str(log or ""),
        authority=str(authority or ""),
        baseline=str(baseline or ""),
        graphql=graphql or "",
        keys=keys,
        headers=headers,
    )
    if dry_run:
        click.echo(rehearse(given, one, rules), nl=False)
        ctx.exit(0)
    done, target = look_at(given, one, rules)
    _report(done, outputs)
    if vex:
        _write_vex(vex, target)
    if write_baseline:
        last = until.date() if until else datetime.fromtimestamp(now, UTC).date() + timedelta(days=90)
        _write(write_baseline, render_baseline((*done.findings, *done.notices), reason, last))
    ctx.exit(exit_code(done, rules, target, Severity(fail_on)))


def exit_code(done: Audit, rules: Sequence[Rule], target: Target, fail_on: Severity) -> int:
    """0, 1 or 2, as the help says. A sign that had rules to try and learned nothing is incomplete."""
    tried = {rule.sign for rule in rules if not target.lacks(rule.needs)}
    unknown = not tried or any(done.state(sign) == "unknown" for sign in tried)
    return _code(done, fail_on) or (2 if unknown else 0)


def _code(done: Audit, fail_on: Severity) -> int:
    if any(one.severity.rank >= fail_on.rank for one in (*done.findings, *done.notices)):
        return 1
    missed = any(isinstance(one, Errored) or (isinstance(one, Skipped) and one.asked) for one in done.outcomes)
    return 2 if missed or done.left else 0


def _rules(chosen: tuple[str, ...]) -> tuple[Rule, ...]:
    known = {rule.id for rule in RULES}
    if unknown := [one for one in chosen if one not in known]:
        raise click.UsageError(f"there is no rule {unknown[0]!r}; there are: {', '.join(sorted(known))}")
    return tuple(rule for rule in RULES if not chosen or rule.id in chosen)


def _report(done: Audit | Fleet, outputs: _Outputs) -> None:
    def render(kind: str) -> str:
        return FORMATS[kind](done) if isinstance(done, Audit) else fleet_report.FORMATS[kind](done)

    for kind, path in outputs.files.items():
        _write(path, render(kind))
    if outputs.out:
        _write(outputs.out, render(outputs.kind))
    elif outputs.kind == "terminal":
        width, colour = screen(100)
        if isinstance(done, Audit):
            click.echo(terminal.render(done, width=width, colour=colour), nl=False)
        else:
            click.echo(fleet_report.as_terminal(done, width=width, colour=colour), nl=False)
    else:
        click.echo(render(outputs.kind), nl=False)


def _write_vex(path: Path, target: Target) -> None:
    try:
        done = assess(target)
    except Untried as fault:
        raise FileError(
            f"no VEX is written: {fault.reason}",
            place=Place(str(path)),
            remedy="give components and advisories, or leave out --vex",
        ) from None
    from ninefold.audit.report.vex import render_vex  # noqa: PLC0415  # takes long to load, and most write none

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
