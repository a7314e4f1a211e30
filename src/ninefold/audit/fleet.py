"""Several APIs audited at once: what is known of each, and the report of them all.

A fleet file is YAML: a list of APIs under `apis`, each with a `name` and whatever of it there is to look at. Files are
named from the folder that the fleet file is in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ninefold.audit.inputs.name import is_app, is_url
from ninefold.contract.source import Source, SourceFault, as_error, parse, read_bytes
from ninefold.errors import FileError

if TYPE_CHECKING:
    from pathlib import Path

    from ninefold.audit.finding import Audit, Finding

#: Largest fleet file, and most APIs in it.
_BYTES, _APIS = 1024 * 1024, 200

_TEXTS = ("name", "description", "url", "source", "log", "authority", "baseline", "graphql")
_LISTS = ("keys", "headers")
_FORM = (
    "write each as `{name: orders, description: orders.yaml, url: https://orders.example.com, keys: ['@orders.key']}`; "
    f"there are: {', '.join((*_TEXTS, *_LISTS))}"
)


@dataclass(frozen=True, slots=True)
class Api:
    """One API of a fleet; what is not known of it is empty. `keys` and `headers` are as on the command line."""

    name: str
    description: str = ""
    url: str = ""
    source: str = ""
    log: str = ""
    authority: str = ""
    baseline: str = ""
    graphql: str = ""
    keys: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fleet:
    """Finished audits by the names of their APIs, and what was found among all of them together."""

    apis: tuple[tuple[str, Audit], ...]
    together: Audit

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding that no baseline excuses."""
        return (*self.together.findings, *(one for _, audit in self.apis for one in audit.findings))


def read_fleet(path: Path) -> tuple[Api, ...]:
    """The APIs of a fleet file. Raises `FileError` with the place of what cannot be understood."""
    try:
        source = parse(read_bytes(path, _BYTES), str(path))
    except SourceFault as fault:
        raise as_error(fault, FileError) from None
    document = source.data
    rows = document.get("apis") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not rows:
        raise FileError("is no fleet: it has no list `apis`", place=source.place(()), remedy=f"list the APIs; {_FORM}")
    if len(rows) > _APIS:
        raise FileError(
            f"has more than {_APIS} APIs", place=source.place(("apis",)), remedy="make several fleets of it"
        )
    apis: list[Api] = []
    for at, row in enumerate(rows):
        apis.append(_api(row, at, source, path.parent))
        if apis[-1].name in {one.name for one in apis[:-1]}:
            raise FileError(
                f"the name {apis[-1].name!r} stands here for the second time",
                place=source.place(("apis", at)),
                remedy="give each API a name of its own",
            )
    return tuple(apis)


def _api(row: Any, at: int, source: Source, folder: Path) -> Api:
    here: tuple[str | int, ...] = ("apis", at)
    if not isinstance(row, dict):
        raise FileError("is no API: it is no mapping", place=source.place(here), remedy=_FORM)
    for name, value in row.items():
        known = name in _TEXTS or name in _LISTS
        fits = isinstance(value, str) if name in _TEXTS else _is_texts(value)
        if not known or not fits or not value:
            what = (
                f"`{name}` is {'no text' if name in _TEXTS else 'no list of texts'}"
                if known
                else f"`{name}` is not known"
            )
            raise FileError(what, place=source.place((*here, name), key=not known), remedy=_FORM)
    if not row.keys() & {"description", "url", "source", "log"}:
        raise FileError("has nothing to look at", place=source.place(here), remedy=_FORM)
    told: dict[str, str] = {name: row[name] for name in _TEXTS if name in row}
    for name in ("source", "log", "authority", "baseline"):
        if name in told:
            told[name] = str(folder / told[name])
    description = told.get("description", "")
    if description and not is_url(description) and not (is_app(description) and not (folder / description).exists()):
        told["description"] = str(folder / description)
    keys = tuple(f"@{folder / one[1:]}" if one.startswith("@") else one for one in row.get("keys", ()))
    named = told.pop("name", "") or description or told.get("url") or told.get("source") or told["log"]
    return Api(named, **told, keys=keys, headers=tuple(row.get("headers", ())))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
