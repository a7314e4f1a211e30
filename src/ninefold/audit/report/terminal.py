"""The report for a terminal: the card, what was found, what could not be looked at, and the verdict as the last line."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ninefold.audit.finding import Errored, Finding, Severity, Skipped
from ninefold.audit.report.card import WORDS, ordered, tiles, verdict

if TYPE_CHECKING:
    from ninefold.audit.finding import Audit

STATES = {"shown": ("✗", "bold red"), "clear": ("✓", "bold green"), "unknown": ("?", "bold yellow")}
_SEVERITIES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}
_PLACES = 4


def render(audit: Audit, *, width: int = 100, colour: bool = False) -> str:
    """Text for a terminal of `width` columns. Control characters from the API under test never get here raw."""
    out = StringIO()
    console = Console(
        file=out, width=width, force_terminal=colour, color_system="standard" if colour else None, highlight=False
    )
    console.print(Text(f"Audit of {printable(audit.target)}", style="bold"))
    console.print(f"{audit.requests} requests in {audit.took:.1f} s\n", style="dim")
    console.print(card(audit))
    for finding in ordered(audit):
        _finding(console, finding)
    _unlooked(console, audit)
    excused = sum(isinstance(one, Finding) and one.baselined for one in audit.outcomes)
    if excused:
        console.print(f"\n{excused} finding{'s' if excused != 1 else ''} excused by the baseline", style="dim")
    console.print(f"\n{verdict(audit)}", style="bold")
    return out.getvalue()


def card(audit: Audit) -> Table:
    """A line a sign: its number, its name, its state in a mark, a word and a colour, and the counts."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(justify="right")
    table.add_column()
    table.add_column(no_wrap=True)
    table.add_column(style="dim")
    for tile in tiles(audit):
        mark, style = STATES[tile.state]
        counts = []
        if tile.findings:
            counts.append(f"{len(tile.findings)} finding{'s' if len(tile.findings) != 1 else ''}")
        counts += [f"{count} {word}" for count, word in ((tile.passed, "passed"), (tile.skipped, "skipped")) if count]
        if tile.errored:
            counts.append(f"{tile.errored} failed")
        table.add_row(str(tile.number), tile.title, Text(f"{mark} {WORDS[tile.state]}", style=style), ", ".join(counts))
    return table


def _finding(console: Console, finding: Finding) -> None:
    head = Text("\n")
    head.append(f" {finding.severity.value} ", style=_SEVERITIES[finding.severity])
    head.append(f" {finding.title}", style="bold")
    head.append(f"  sign {finding.sign}, {finding.confidence.value}, {finding.rule}", style="dim")
    console.print(head)
    body = Text(printable(finding.detail))
    for place in finding.places[:_PLACES]:
        body.append(f"\nat {printable(str(place))}", style="cyan")
    if len(finding.places) > _PLACES:
        body.append(f"\nand {len(finding.places) - _PLACES} more places", style="dim")
    body.append(f"\nfix: {finding.remedy}")
    if finding.contract:
        body.append("\nin the contract:", style="dim")
        body.append("".join(f"\n  {line}" for line in finding.contract.rstrip().splitlines()), style="green")
    console.print(Padding(body, (0, 0, 0, 2)))


def _unlooked(console: Console, audit: Audit) -> None:
    missed = [one for one in audit.outcomes if isinstance(one, Skipped | Errored)]
    if not missed:
        return
    console.print("\nNot looked at", style="bold")
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for one in missed:
        failed = isinstance(one, Errored)
        table.add_row(
            Text("failed" if failed else "skipped", style="red" if failed else "yellow"),
            one.rule,
            Text(printable(one.reason), style="dim"),
        )
    console.print(table)


def printable(text: str) -> str:
    """Without characters that would steer the terminal."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)
