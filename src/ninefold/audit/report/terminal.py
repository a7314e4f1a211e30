"""The report for a terminal: the card, what was found, what was not looked at, and the verdict as the last line."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ninefold.audit.finding import Confidence, Errored, Exchange, Finding, Severity, Skipped
from ninefold.audit.report.card import MARKS, coverage, known, ordered, tiles, verdict, when
from ninefold.audit.report.evidence import answered, asked, told
from ninefold.audit.report.text import count, line, visible
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ninefold.audit.finding import Audit
    from ninefold.audit.report.card import Tile
    from ninefold.audit.rule import Rule

STYLES = {"shown": "bold red", "clear": "bold green", "unknown": "bold yellow"}
_SEVERITIES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "bold yellow",
    Severity.LOW: "bold cyan",
    Severity.INFO: "bold",
}
#: Most places and pieces of evidence that are listed here; the other formats have all.
_PLACES, _PIECES = 4, 4
#: The columns that a line of the card needs with all its counts.
_ROOMY = 96


def render(audit: Audit, *, width: int = 100, colour: bool = False, rules: Sequence[Rule] = RULES) -> str:
    """Text for a terminal of `width` columns. Control characters from the API under test never get here raw."""
    out = StringIO()
    console = console_to(out, width=width, colour=colour)
    _head(console, audit)
    console.print(card(audit, width))
    if findings := ordered(audit):
        console.print(f"\n{count(len(findings), 'finding')}, the worst first", style="bold")
    by_id = known(rules)
    for finding in findings:
        _finding(console, finding, by_id)
    _unlooked(console, audit)
    if excused := sum(isinstance(one, Finding) and one.baselined for one in audit.outcomes):
        console.print(f"\n{count(excused, 'finding')} excused by the baseline", style="dim")
    console.print(Text(f"\n{verdict(audit)}", style="bold"))
    return trimmed(out.getvalue())


def console_to(out: StringIO, *, width: int, colour: bool) -> Console:
    """A console that reads nothing from the environment, and colours only when told to."""
    return Console(
        file=out,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )


def trimmed(text: str) -> str:
    """Without the blanks at the ends of lines that tables leave there."""
    return "".join(f"{one.rstrip()}\n" for one in text.splitlines())


def card(audit: Audit, width: int) -> Table:
    """A line a sign: its number, its name, its state in a mark, a word and a colour, and the counts."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(justify="right")
    table.add_column(no_wrap=width >= 72)
    table.add_column(no_wrap=True)
    table.add_column(style="dim")
    for tile in tiles(audit):
        state = Text(f"{MARKS[tile.state]} {tile.state}", style=STYLES[tile.state])
        table.add_row(str(tile.number), tile.title, state, _counts(tile, short=width < _ROOMY))
    return table


def _counts(tile: Tile, *, short: bool) -> str:
    """`4 findings, 1 failed, 2 passed`; in short without what passed, unless that is all."""
    told = [count(len(tile.findings), "finding")] if tile.findings else []
    numbers = [(tile.errored, "failed"), (len(tile.excused), "excused"), (tile.skipped, "skipped")]
    if not short or not (told or any(number for number, _ in numbers)):
        numbers.insert(2, (tile.passed, "passed"))
    return ", ".join(told + [f"{number} {word}" for number, word in numbers if number]) or "no rule was chosen"


def _head(console: Console, audit: Audit) -> None:
    done, chosen = coverage(audit)
    console.print(Text(f"Ninefold audit of {line(audit.target, 1000)}", style="bold"))
    facts = f"{when(audit)} · {count(audit.requests, 'request')} in {audit.took:.1f} s · {done} of {chosen} rules ran"
    console.print(Text("\n".join((facts, *(line(one, 500) for one in audit.notes), "")), style="dim"))


def _finding(console: Console, finding: Finding, rules: Mapping[str, Rule]) -> None:
    head = Text("\n")
    head.append(f" {finding.severity.value.upper()} ", style=_SEVERITIES[finding.severity])
    head.append(f" {line(finding.title)}", style="bold")
    if finding.confidence is not Confidence.CONFIRMED:
        head.append(f" ({finding.confidence.value})", style="yellow")
    console.print(head)
    body = Table.grid(padding=(0, 2, 0, 0))
    body.add_column(style="dim", no_wrap=True, min_width=len("contract"))
    body.add_column(overflow="fold")
    body.add_row("what", visible(finding.detail))
    body.add_row("where", _places(finding))
    if finding.evidence:
        body.add_row("seen", _pieces(finding))
    body.add_row("fix", visible(finding.remedy))
    if finding.contract:
        body.add_row("contract", Text(visible(finding.contract).rstrip(), style="green"))
    rule = rules.get(finding.rule)
    standards = f" · {rule.owasp} · {rule.cwe}" if rule else ""
    body.add_row("rule", Text(f"{line(finding.rule)} · sign {finding.sign}{standards}", style="dim"))
    console.print(Padding(body, (0, 0, 0, 2)))


def _places(finding: Finding) -> Text:
    text = Text("\n".join(told(place) for place in finding.places[:_PLACES]), style="cyan")
    if len(finding.places) > _PLACES:
        text.append(f"\nand {count(len(finding.places) - _PLACES, 'more place')}", style="dim")
    return text


def _pieces(finding: Finding) -> Text:
    told = [
        f"{line(piece.role, 20)}: {asked(piece)} → {answered(piece)}" if isinstance(piece, Exchange) else line(piece)
        for piece in finding.evidence[:_PIECES]
    ]
    text = Text("\n".join(told))
    if len(finding.evidence) > _PIECES:
        text.append(f"\nand {len(finding.evidence) - _PIECES} more", style="dim")
    return text


def _unlooked(console: Console, audit: Audit) -> None:
    missed: list[Errored | Skipped] = [one for one in audit.outcomes if isinstance(one, Errored)]
    missed += [one for one in audit.outcomes if isinstance(one, Skipped)]
    if not missed:
        return
    console.print("\nNot looked at, so neither found nor clear", style="bold")
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in missed:
        failed = isinstance(one, Errored)
        table.add_row(
            Text("failed" if failed else "skipped", style="bold red" if failed else "yellow"),
            line(one.rule),
            Text(visible(one.reason), style="dim"),
        )
    console.print(table)
