"""Statements about flaws (VEX): whether an API is affected by one, by whoever knows; CycloneDX and OpenVEX.

A statement is of a flaw and of components. `not_affected` needs its reason, or it is refused: a flaw that is passed over
without one is nobody's decision. An end date stands in a property `ninefold:until` (CycloneDX), or a member of that name
(OpenVEX); after that day (UTC) the flaw counts again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from ninefold.audit.manifests.cyclonedx import components, decoded
from ninefold.audit.purl import parsed
from ninefold.contract.source import read_bytes
from ninefold.errors import FileError, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from ninefold.audit.flaw import Flaw
    from ninefold.audit.manifests.pin import Pin

UNTIL = "ninefold:until"
_MOST = 32 * 1024 * 1024
#: States that say that the flaw does not count, and those that say that it does; of others there is no decision yet.
_QUIET, _LOUD = frozenset({"not_affected", "false_positive"}), frozenset({"affected", "exploitable"})


@dataclass(frozen=True, slots=True)
class Statement:
    """`names` are the flaw's ids, `packages` ecosystem, name and version (empty: every one) of what it is about.

    `quiet`: the flaw does not count, for `reason`, up to the day `until`; else somebody says that it does.
    """

    names: frozenset[str]
    packages: frozenset[tuple[str, str, str]]
    quiet: bool
    justification: str
    reason: str
    until: date | None
    file: str

    def covers(self, pin: Pin, flaw: Flaw, now: float) -> bool:
        """Whether it speaks of this flaw of this component, and still holds at `now` (Unix seconds)."""
        if self.until and datetime.fromtimestamp(now, UTC).date() > self.until:
            return False
        of = {(pin.ecosystem, pin.name, pin.version), (pin.ecosystem, pin.name, "")}
        return bool(self.packages & of) and not self.names.isdisjoint(flaw.names)

    @property
    def told(self) -> str:
        until = f", until {self.until}" if self.until else ""
        return f"{self.reason} ({self.file}{until})"


def read_vex(path: Path) -> tuple[Statement, ...]:
    """The statements of a file. Raises `FileError` for what is neither kind, and for one without reason or component."""
    raw = read_bytes(path, _MOST)
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError) as fault:
        raise _fault(f"it is no JSON ({fault})", path) from None
    if isinstance(document, dict) and "openvex" in str(document.get("@context", "")):
        return tuple(_openvex(document, path))
    return tuple(_cyclonedx(decoded(raw, path), path))


def _cyclonedx(document: Mapping[str, Any], path: Path) -> Iterator[Statement]:
    purls = {str(one.get("bom-ref", "")): str(one.get("purl", "")) for one in components(document, path)}
    for at, one in enumerate(_list(document.get("vulnerabilities")), 1):
        analysis = one.get("analysis") if isinstance(one.get("analysis"), dict) else {}
        assert isinstance(analysis, dict)
        state = str(analysis.get("state", ""))
        if state not in _QUIET | _LOUD:
            continue
        names = {str(one.get("id", "")), *(str(ref.get("id", "")) for ref in _list(one.get("references")))} - {""}
        until = next((str(p.get("value")) for p in _list(one.get("properties")) if p.get("name") == UNTIL), "")
        targets = [str(target.get("ref", "")) for target in _list(one.get("affects"))]
        named = [purls.get(part) or part for ref in targets for part in (ref, unquote(ref.rpartition("#")[2]))]
        justification, detail = str(analysis.get("justification", "")), str(analysis.get("detail", "")).strip()
        where = f"vulnerability {at} ({', '.join(sorted(names)) or 'without an id'})"
        yield _statement(names, named, state, justification, detail, until, where, path)


def _openvex(document: Mapping[str, Any], path: Path) -> Iterator[Statement]:
    for at, one in enumerate(_list(document.get("statements")), 1):
        state = str(one.get("status", ""))
        if state not in _QUIET | _LOUD:
            continue
        told = one.get("vulnerability")
        if isinstance(told, dict):
            aliases = told.get("aliases") if isinstance(told.get("aliases"), list) else []
            names = {str(told.get("name", "")), *(str(alias) for alias in aliases or ())} - {""}
        else:
            names = {str(told or "")} - {""}  # as OpenVEX 0.0 wrote it
        named = []
        products = one.get("products")
        for product in products if isinstance(products, list) else ():
            inner = _list(product.get("subcomponents")) if isinstance(product, dict) else ()
            named += [text for part in (list(inner) or [product]) for text in _identifiers(part)]
        detail = str(
            one.get("impact_statement") or one.get("status_notes") or one.get("action_statement") or ""
        ).strip()
        where = f"statement {at} ({', '.join(sorted(names)) or 'without a vulnerability'})"
        justification = str(one.get("justification", ""))
        yield _statement(names, named, state, justification, detail, str(one.get(UNTIL, "")), where, path)


def _identifiers(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield str(part.get("@id", ""))
        if isinstance(part.get("identifiers"), dict):
            yield str(part["identifiers"].get("purl", ""))
    else:
        yield str(part)


def _statement(
    names: set[str],
    named: Iterable[str],
    state: str,
    justification: str,
    detail: str,
    until: str,
    where: str,
    path: Path,
) -> Statement:
    if not names:
        raise _fault(f"{where}: it does not say of which flaw it is", path)
    quiet = state in _QUIET
    reason = ": ".join(one for one in (justification, detail) if one)
    if quiet and not (justification.strip() if state == "not_affected" else detail) and not detail:
        raise _fault(f"{where}: it says {state} and gives no reason (justification or detail)", path)
    packages = frozenset(told for text in named if (told := parsed(text)))
    if not packages:
        raise _fault(f"{where}: it names no component by its purl", path)
    try:
        last = date.fromisoformat(until) if until else None
    except ValueError:
        raise _fault(f"{where}: {UNTIL} is {until[:40]!r}, and no day as 2027-01-31", path) from None
    return Statement(frozenset(names), packages, quiet, justification, reason, last, path.name)


def _list(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _fault(what: str, path: Path) -> FileError:
    return FileError(what, place=Place(str(path)), remedy="mend the statement, or take it out of --vex-in")
