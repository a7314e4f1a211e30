"""Two audits of one API, before and after: which signs were closed, and by what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from ninefold.audit.finding import Errored, Finding, Skipped
from ninefold.audit.report.card import WORDS, tiles
from ninefold.audit.report.terminal import STATES

if TYPE_CHECKING:
    from ninefold.audit.finding import Audit


@dataclass(frozen=True, slots=True)
class Comparison:
    """`not_again` are the rules that ran before and not after: without them, nothing is proven."""

    before: Audit
    after: Audit
    not_again: tuple[str, ...]

    @property
    def closed(self) -> bool:
        """Whether every sign is clear, and by the same rules as before."""
        return not self.not_again and all(tile.state == "clear" for tile in tiles(self.after))

    @property
    def verdict(self) -> str:
        shown = [sum(tile.state == "shown" for tile in tiles(one)) for one in (self.before, self.after)]
        return f"{shown[0]} of 9 signs before, {shown[1]} of 9 signs after"


def compare(before: Audit, after: Audit) -> Comparison:
    """Hold the two against each other."""
    ran = [{one.rule for one in audit.outcomes if not isinstance(one, Skipped | Errored)} for audit in (before, after)]
    return Comparison(before, after, tuple(sorted(ran[0] - ran[1])))


def table(comparison: Comparison) -> Table:
    """A line a sign: before, after, and what closed it."""
    made = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    made.add_column("", justify="right", style="bold")
    made.add_column("sign", no_wrap=False)
    made.add_column("before", no_wrap=True)
    made.add_column("after", no_wrap=True)
    made.add_column("closed by")
    for old, new in zip(tiles(comparison.before), tiles(comparison.after), strict=True):
        closed = by(old.findings) if old.state == "shown" and new.state == "clear" else ""
        made.add_row(str(old.number), old.title, _state(old.state), _state(new.state), closed)
    return made


def by(findings: tuple[Finding, ...]) -> str:
    """What closes these findings: the guard where the contract has lines for it; else, and in its files, the source."""
    source = any(_in_source(one) for one in findings)
    guard = any(not _in_source(one) for one in findings)
    return " + ".join(word for word, true in (("the guard", guard), ("a change in the source", source)) if true)


def _in_source(finding: Finding) -> bool:
    """What the running API's log misses stands in a file too, and it is the guard's trail that closes it."""
    return not finding.contract or (finding.method.value == "static" and any(place.file for place in finding.places))


def _state(state: str) -> Text:
    mark, style = STATES[state]
    return Text(f"{mark} {WORDS[state]}", style=style)
