"""`ninefold learn`: what traffic shows and the description does not tell, as changes that a person accepts one by one."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
import yaml
from pydantic import ValidationError

from ninefold.cli.screen import printable
from ninefold.contract.draft import draft
from ninefold.contract.model import Upstream
from ninefold.contract.openapi import load, read
from ninefold.errors import ContractError, Place, WriteError
from ninefold.learn.evidence import Evidence, gather
from ninefold.learn.gap import Gap, applied
from ninefold.learn.gaps import compare
from ninefold.learn.proposal import proposed

if TYPE_CHECKING:
    from ninefold.contract.description import Description, Operation

_FILE = click.Path(dir_okay=False, path_type=Path)
_KINDS = {
    "operation": "Served, and not described",
    "status": "Answers that are not described",
    "media": "Media types that are not described",
    "member": "Members that are not described (the guard drops them)",
    "body": "Request bodies that are not described",
    "parameter": "Query parameters that are not described",
    "type": "Described otherwise than seen (nothing is changed: which is right?)",
}
_EPILOG = """\
\b
Exit codes
  0   it was read (and written)
  64  the command line is not understood
  65  a source or the description is malformed
  66  a source cannot be read
  73  a file cannot be written

\b
Examples
  ninefold guard contract.yaml --observe
  ninefold learn ninefold-record.json ninefold-trail.jsonl --description openapi.yaml
  ninefold learn ninefold-record.json --description openapi.yaml --accept 3f2a9c10 --out openapi.next.yaml
  ninefold learn traffic.har --out openapi.yaml --upstream http://127.0.0.1:9000 --contract contract.yaml
"""


@click.command("learn", epilog=_EPILOG)
@click.argument("sources", type=_FILE, nargs=-1, required=True)
@click.option(
    "--description", "described", type=_FILE, help="The description there is. Default: none; one is proposed."
)
@click.option(
    "--accept",
    multiple=True,
    metavar="ID",
    help="Take this change over; may be given again. `all`: all but those marked with `!`, which want a decision each.",
)
@click.option(
    "--out", type=_FILE, help="Write the description with what was accepted here (never over an existing file)."
)
@click.option("--upstream", metavar="URL", default="", help="Where the API runs: for a contract.")
@click.option("--contract", type=_FILE, help="Also draft a contract here, with limits and origins as they were seen.")
@click.option("--json", "as_json", is_flag=True, help="What was found, as one JSON document.")
def command(
    sources: tuple[Path, ...], described: Path | None, accept: tuple[str, ...], out: Path | None, upstream: str,
    contract: Path | None, *, as_json: bool,
) -> None:  # fmt: skip
    """Hold what was seen in SOURCES against an API's description, and propose what it lacks.

    SOURCES are records of `ninefold guard --observe`, trails, access logs (Common or Combined Log Format, JSON lines) and HAR
    recordings. Types and names are learned, and no value. What is accepted is shown as a difference, and written with --out.
    """
    _fits(out, contract, upstream)
    known = load(described) if described is not None else None
    evidence = gather(sources, known.operations if known is not None else (), upstream)
    gaps, unseen, base = _compared(evidence, known)
    if known is None:  # what is in the proposal already is no gap; of the rest, what wants a decision is asked about
        unseen = []
        accept = ("all", *accept)
    chosen = _chosen(gaps, accept, operations=known is None)
    changed = applied(base, chosen)
    if as_json:
        click.echo(msgspec.json.encode(_document(evidence, gaps, unseen)))
    else:
        _tell(evidence, [gap for gap in gaps if known is not None or gap not in chosen], unseen, known)
    if chosen and known is not None and not as_json:
        _difference(base, changed, described)
    if out is not None:
        _write(out, _text(changed, json=out.suffix == ".json"))
    if contract is not None and out is not None:
        folder = contract.resolve().parent
        made = draft(read(changed, str(out)), os.path.relpath(out.resolve(), folder), upstream, evidence.proposal())
        _write(contract, made.text)
        for note in made.notes:
            click.echo(f"not inferred: {printable(note)}", err=True)


def _fits(out: Path | None, contract: Path | None, upstream: str) -> None:
    if contract is not None and (out is None or not upstream):
        raise click.UsageError("--contract wants --out (the description that it is for) and --upstream")
    if upstream:
        try:
            Upstream.model_validate({"url": upstream})
        except ValidationError as fault:
            what = fault.errors()[0]["msg"].removeprefix("Value error, ")
            raise ContractError(
                f"--upstream: {what}", remedy="give scheme, host and port, as http://127.0.0.1:9000"
            ) from None


def _compared(evidence: Evidence, known: Description | None) -> tuple[list[Gap], list[Operation], Any]:
    """All that is missing, by place; described operations that no source tells of; and what changes are made to."""
    if known is None:
        known = read(proposed(evidence.seen[0]), "(proposed)")
    gaps: dict[str, Gap] = {}
    unseen: list[Operation] | None = None
    for seen in evidence.seen:
        found = compare(seen, known)
        for gap in found.gaps:
            gaps.setdefault(gap.id, gap)
        missing = {one.id for one in found.unseen}
        unseen = [one for one in (unseen if unseen is not None else found.unseen) if one.id in missing]
    return list(gaps.values()), unseen or [], known.document


def _chosen(gaps: list[Gap], accept: tuple[str, ...], *, operations: bool) -> list[Gap]:
    """Those that were named. `operations`: `all` has operations too, since there is no description yet that lacks them."""
    by_id = {gap.id: gap for gap in gaps}
    for name in accept:
        if name != "all" and name not in by_id:
            raise click.UsageError(f"there is no change {name}; run without --accept to see them")
    named = set(accept)
    return [
        gap
        for gap in gaps
        if gap.value is not None
        and (gap.id in named or ("all" in named and (not gap.careful or (operations and gap.kind == "operation"))))
    ]


def _tell(evidence: Evidence, gaps: list[Gap], unseen: list[Operation], known: Description | None) -> None:
    for name, requests in evidence.requests:
        click.echo(f"{printable(name)}: {requests:,} requests")
    seen = {(operation.method, operation.path) for one in evidence.seen for operation in one.operations}
    click.echo(f"{len(seen)} operations seen")
    if evidence.left_out:
        click.echo(f"  {evidence.left_out:,} requests were of more operations than are kept, and are left out")
    for kind, title in _KINDS.items():
        listed = [gap for gap in gaps if gap.kind == kind]
        if listed:
            click.echo(f"\n{title}")
        for gap in listed:
            click.echo(f"  {gap.id} {'!' if gap.careful else ' '} {printable(gap.text)}")
            where = [one for one in gap.operations if not gap.text.startswith(one)]
            if where:
                more = f" and {len(where) - 3} more" if len(where) > 3 else ""
                click.echo(f"             {printable(', '.join(where[:3]))}{more}")
    if known is not None and unseen:
        click.echo("\nDescribed, and never seen (is anybody using them?)")
        for one in unseen:
            click.echo(f"             {printable(f'{one.method} {one.path}')}")
    if evidence.served:
        click.echo("\nWhat came along with requests that were served")
        for together, number in evidence.served.most_common(20):
            click.echo(f"    {number:>7,}  {printable(together)}")
    rates = evidence.measured.rates()
    if rates:
        click.echo("\nLimits with room for twice the most that came")
        for per, minute, burst in rates:
            click.echo(f"             {{per: {per}, rate: {minute}/min, burst: {burst}}}")
    if evidence.origins:
        click.echo("\nOrigins of browsers that were served (allow those that are yours)")
        for origin, number in evidence.origins.most_common(20):
            click.echo(f"    {number:>7,}  {printable(origin)}")
    if evidence.would:
        click.echo("\nWhat the contract would have done")
        for what, number in evidence.would.most_common(20):
            click.echo(f"    {number:>7,}  {printable(what)}")
    if known is not None and not gaps:
        click.echo("\nThe description tells all that was seen.")


def _difference(before: Any, after: Any, described: Path | None) -> None:
    name = str(described)
    click.echo()
    for line in difflib.unified_diff(
        _text(before, json=False).splitlines(), _text(after, json=False).splitlines(), name, f"{name} (accepted)",
        lineterm="",
    ):  # fmt: skip
        click.echo(printable(line))


def _text(document: Any, *, json: bool) -> str:
    if json:
        return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
    return yaml.safe_dump(_plain(document), sort_keys=False, allow_unicode=True, width=120)


def _plain(value: Any) -> Any:
    """A copy in which nothing is shared: YAML would write what is twice the same as an anchor."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise WriteError("is there already", place=Place(str(path)), remedy="name a new file") from None
    except OSError as fault:
        raise WriteError(
            f"cannot be written ({fault.strerror})",
            place=Place(str(path)),
            remedy="name a new file in a writable folder",
        ) from None
    click.echo(f"wrote {path}", err=True)


def _document(evidence: Evidence, gaps: list[Gap], unseen: list[Operation]) -> dict[str, Any]:
    return {
        "requests": dict(evidence.requests),
        "gaps": [
            {
                "id": gap.id, "kind": gap.kind, "pointer": gap.pointer, "text": gap.text, "careful": gap.careful,
                "operations": gap.operations, "value": gap.value,
            }
            for gap in gaps
        ],
        "unseen": [f"{one.method} {one.path}" for one in unseen],
        "limits": [
            {"per": per, "rate": f"{minute}/min", "burst": burst} for per, minute, burst in evidence.measured.rates()
        ],
        "served": dict(evidence.served),
        "origins": dict(evidence.origins),
        "would": dict(evidence.would),
    }  # fmt: skip
