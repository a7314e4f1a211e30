"""`ninefold contract`: draft, check and describe."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from pydantic import ValidationError

from ninefold.cli.screen import printable
from ninefold.contract.describe import describe
from ninefold.contract.draft import draft
from ninefold.contract.json_schema import json_schema
from ninefold.contract.load import load_contract
from ninefold.contract.model import Upstream
from ninefold.contract.openapi import load
from ninefold.contract.standard import Standard, standard
from ninefold.errors import ContractError, ContractProblems, NinefoldError, Place, Problem, WriteError
from ninefold.guard.entrance import Entrance
from ninefold.guard.treatment import Projectors

if TYPE_CHECKING:
    from ninefold.contract.load import LoadedContract

#: So many keywords that say nothing are told of.
_MOST_ODD = 20
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group("contract")
def command() -> None:
    """Draft, check and describe the security contract of an API."""


@command.command("schema")
def schema() -> None:
    """Print the contract's JSON Schema, for editors."""
    click.echo(msgspec.json.format(msgspec.json.encode(json_schema()), indent=2).decode())


@command.command("draft")
@click.argument("description", type=_FILE)
@click.option("--upstream", required=True, metavar="URL", help="Where the API runs: scheme, host and port.")
@click.option("--out", type=_FILE, help="Write it here (never over an existing file). Default: standard output.")
def draft_(description: Path, upstream: str, out: Path | None) -> None:
    """Write a commented contract from DESCRIPTION (OpenAPI 3.0, 3.1 or Swagger 2.0).

    What could not be inferred is said on standard error.
    """
    folder = out.parent if out is not None else Path()
    try:
        Upstream.model_validate({"url": upstream})
    except ValidationError as fault:
        what = fault.errors()[0]["msg"].removeprefix("Value error, ")
        raise ContractError(
            f"--upstream: {what}", remedy="give scheme, host and port, as http://127.0.0.1:9000"
        ) from None
    made = draft(load(description), os.path.relpath(description.resolve(), folder.resolve()), upstream)
    if out is None:
        click.echo(made.text, nl=False)
    else:
        try:
            with out.open("x", encoding="utf-8") as file:
                try:
                    file.write(made.text)
                    file.flush()
                except OSError:
                    out.unlink()  # half a contract may hold, and say less than was meant
                    raise
        except OSError as fault:
            raise WriteError(
                f"cannot be written ({fault.strerror})",
                place=Place(str(out)),
                remedy="name a new file in a writable folder",
            ) from None
        click.echo(f"wrote {out}", err=True)
    for note in made.notes:
        click.echo(f"not inferred: {printable(note)}", err=True)


@command.command("check")
@click.argument("contracts", type=_FILE, nargs=-1, required=True)
@click.option("--standard", "declared", type=_FILE, help="The contract whose way of proving callers is the standard.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
def check(contracts: tuple[Path, ...], declared: Path | None, *, as_json: bool) -> None:
    """Check each of CONTRACTS against its description: every fault at once, with its place and what to do.

    Advice (what may be meant, and is worth a second look) goes to standard error and does not fail the check.

    Several contracts, and one with --standard, are held against each other: exit code 1 where an operation proves who
    calls in another way than the standard, which is what most operations do unless --standard says it.
    """
    faults: list[NinefoldError] = []
    held: list[LoadedContract] = []
    told: list[dict[str, Any]] = []
    for path in contracts:
        try:
            held.append(_check(path, told, quiet=as_json))
        except NinefoldError as fault:
            faults.append(fault)
            told.append({"file": str(path), "holds": False, "problems": _problems(fault)})
    found = None
    if len(held) > 1 or (held and declared is not None):
        found = standard(held, load_contract(declared) if declared is not None else None)
    if as_json:
        click.echo(msgspec.json.encode({"contracts": told, "standard": found}))
    elif found is not None:
        _print_standard(found)
    if faults and as_json:
        sys.exit(faults[0].exit_code)
    for other in faults[1:]:
        click.echo(f"ninefold: {printable(str(other))}", err=True)
    if faults:
        raise faults[0]
    if found is not None and found.odd:
        sys.exit(1)


def _check(path: Path, told: list[dict[str, Any]], *, quiet: bool) -> LoadedContract:
    loaded = load_contract(path)
    advice = loaded.advice()
    operations = loaded.description.operations
    projectors = Projectors(loaded.description)
    entrance = Entrance(loaded.description, loaded.contract.requests)
    for operation in operations:
        projectors.treatments(operation, open_=operation.id in loaded.contract.responses.open)
        if operation.id not in loaded.contract.requests.open:
            entrance.add(operation)
    entrance.ready()
    if loaded.contract.graphql:
        from ninefold.guard.graphql.judge import Judge  # noqa: PLC0415  # loads what few contracts need

        for endpoint in loaded.contract.graphql:
            Judge(endpoint, loaded.graphs[endpoint.operation])
    place = Place(loaded.description.source)
    advice += [Problem(one, place, "mend the description") for one in entrance.odd[:_MOST_ODD]]
    for one in advice if not quiet else ():
        click.echo(f"advice: {printable(str(one))}", err=True)
    told.append({
        "file": str(path), "holds": True, "operations": len(operations),
        "advice": [_problem(one.what, one.place, one.remedy) for one in advice],
    })  # fmt: skip
    if not quiet:
        click.echo(f"{path}: holds for {len(operations)} operation{'s' if len(operations) != 1 else ''}")
    return loaded


def _print_standard(found: Standard) -> None:
    if not found.way:
        click.echo("most operations have no one way of proving callers; declare it with --standard:")
    elif not found.odd:
        click.echo(f"all {found.operations} operations that are not public prove callers alike:")
        click.echo(f"  {found.way}")
    else:
        click.echo(f"the standard is: {found.way}")
        click.echo(f"{len(found.odd)} of {found.operations} operations that are not public prove callers another way:")
    for one in found.odd:
        click.echo(f"  {one.file}: {printable(one.operation)}: {one.way}")


def _problems(fault: NinefoldError) -> list[dict[str, Any]]:
    if isinstance(fault, ContractProblems):
        return [_problem(one.what, one.place, one.remedy) for one in fault.problems]
    return [_problem(fault.what, fault.place, fault.remedy)]


def _problem(what: str, place: Place | None, remedy: str) -> dict[str, Any]:
    where = {"file": place.file, "line": place.line, "column": place.column} if place is not None else {}
    return {"what": what, **where, "remedy": remedy}


@command.command("describe")
@click.argument("contract", type=_FILE, default="contract.yaml")
@click.option("--url", default="", help="Where the guard listens, for `servers`.")
def describe_(contract: Path, url: str) -> None:
    """Print the OpenAPI description that is true of the guarded API."""
    document = describe(load_contract(contract), url)
    try:
        text = msgspec.json.encode(document)
    except (TypeError, RecursionError) as fault:
        raise ContractError(
            f"the description cannot be written as JSON ({fault})", place=Place(str(contract))
        ) from None
    click.echo(msgspec.json.format(text, indent=2).decode())
