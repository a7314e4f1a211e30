"""`ninefold schema`: how each schema of a description is kept, and what of it stays behind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from ninefold.cli.screen import printable
from ninefold.contract.openapi import load
from ninefold.contract.requests import Requests
from ninefold.contract.sequence import sequence
from ninefold.errors import DescriptionError, Place
from ninefold.guard.entrance import Entrance
from ninefold.guard.shape import Shapes
from ninefold.guard.treatment import is_json, is_json_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.contract.description import Description, Operation, Schema
    from ninefold.guard.outline import Shape

_FILE = click.Path(dir_okay=False, path_type=Path)
#: So many places of one schema are told of, and so many values of a member that tells.
_MOST = 12
#: What is told of places, and in which words.
_LABELS = {"behind": "stay behind", "open": "let anything through", "apart": "told apart", "melted": "melt"}


@click.group("schema")
def command() -> None:
    """Explain what becomes of each body and parameter of a description."""


@command.command("explain")
@click.argument("description", type=_FILE)
@click.option("--operation", "only", metavar="ID", help="This operation alone.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
def explain(description: Path, only: str | None, *, as_json: bool) -> None:
    """Say for each parameter, request body and answer of DESCRIPTION who judges it, what stays behind, and what is open.

    `native`: the native judge knows what is right, and the rest is judged by jsonschema-rs. `judged`: it does not know all
    of the schema, so jsonschema-rs judges what has to do with it. `projected`: what is not declared stays behind. `unread`:
    it passes as it is. `told apart`: of the alternatives (oneOf, anyOf) at a place that one passes which a member tells;
    `melt`: what any of them declares passes, for nothing tells them apart.
    """
    loaded = load(description)
    chosen = [one for one in loaded.operations if only in {None, one.id}]
    if not chosen:
        raise DescriptionError(
            f"has no operation {only}",
            place=Place(str(description)),
            remedy="name one by its operationId, or leave it out",
        )
    told = _Told(loaded)
    found = [(one.id, list(told.of(one))) for one in chosen]
    told.ready()
    if as_json:
        listed = [{"operation": name, "parts": parts} for name, parts in found]
        click.echo(msgspec.json.encode({"operations": listed, "odd": told.odd}))
        return
    for name, parts in found:
        click.echo(printable(name))
        for part in parts:
            click.echo(f"  {printable(part['what'])}: {', '.join(part['how'])}")
            for label, words in _LABELS.items():
                if part[label]:
                    more = f" and {len(part[label]) - _MOST} more" if len(part[label]) > _MOST else ""
                    click.echo(f"    {words}: {printable(', '.join(part[label][:_MOST]))}{more}")
    for line in told.odd:
        click.echo(f"note: {printable(line)}", err=True)


class _Told:
    """What one description's parts come to."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._entrance = Entrance(description, Requests())
        self._out = Shapes(description)
        self._in = Shapes(description, request=True)

    @property
    def odd(self) -> tuple[str, ...]:
        return self._entrance.odd

    def ready(self) -> None:
        """Raises `DescriptionError` for a schema that cannot be kept."""
        self._entrance.ready()

    def of(self, operation: Operation) -> Iterator[dict[str, Any]]:
        for one in operation.parameters:
            yield self._part(f"{one.location} {one.name}", [self._judged(one.schema)], None)
        for media, schema in operation.request.items():
            if schema is None or not is_json(media):
                yield self._part(f"body {media}", ["unread"], None)
            else:
                yield self._part(f"body {media}", ["projected", self._judged(schema)], self._in.of(schema))
        for status, response in operation.responses.items():
            for media, schema in response.media.items():
                if schema is not None and is_json(media):
                    yield self._part(f"{status} {media}", ["projected"], self._out.of(schema))
                else:
                    yield self._part(f"{status} {media}", [_unshaped(media, schema)], None)

    def _judged(self, schema: Schema) -> str:
        return "native" if self._entrance.validator(schema).fast else "judged"

    @staticmethod
    def _part(what: str, how: list[str], shape: Shape | None) -> dict[str, Any]:
        return {"what": what, "how": how, **_places(shape)}


def _unshaped(media: str, schema: Schema | None) -> str:
    """What becomes of an answer that is no JSON with a schema."""
    if sequence(media) is not None and schema is not None:
        return "projected part by part"
    return "withheld" if is_json(media) or is_json_records(media) else "unread"


def _places(shape: Shape | None) -> dict[str, list[str]]:
    """Members that the description says do not pass, places where anything does, and those of alternatives; each shape once."""
    found: dict[str, list[str]] = {label: [] for label in _LABELS}
    seen: set[int] = set()
    waiting: list[tuple[str, Shape]] = [("", shape)] if shape is not None else []
    while waiting:
        place, one = waiting.pop(0)
        if one.anything:
            found["open"].append(place or "/")
        if id(one) in seen:
            continue
        seen.add(id(one))
        if one.melts:
            found["melted"].append(place or "/")
        if one.choice is not None:
            values = [*one.choice.by]
            more = ", ..." if len(values) > _MOST else ""
            found["apart"].append(f"{place or '/'} by {one.choice.name} ({', '.join(values[:_MOST])}{more})")
            waiting += [(f"{place or '/'}({value})", inner) for value, inner in one.choice.by.items()]
        if one.names is not None:
            found["behind"] += [f"{place}/{name}" for name in sorted(one.names.hidden)]
        if one.items is not None:
            waiting.append((f"{place}/*", one.items))
        waiting += [(f"{place}/{name}", inner) for name, inner in (one.members or {}).items()]
        if one.others is not None:
            waiting.append((f"{place}/(others)", one.others))
    return found
