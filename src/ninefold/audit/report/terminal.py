"""The report for a terminal: the card, what was found, what was not looked at, and the verdict as the last line."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ninefold.audit.finding import Confidence, Errored, Exchange, Finding, Passed, Severity, Skipped, Verdict
from ninefold.audit.report.card import MARKS, coverage, known, ordered, tiles, verdict, when
from ninefold.audit.report.evidence import again, answered, asked, broken, told
from ninefold.audit.report.text import count, line, shown, visible
from ninefold.audit.score import Standing, score
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ninefold.audit.finding import Audit
    from ninefold.audit.report.card import Tile
    from ninefold.audit.rule import Rule
    from ninefold.audit.score import Mark, Score

STYLES = {"shown": "bold red", "clear": "bold green", "unknown": "bold yellow"}
_SEVERITIES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "bold yellow",
    Severity.LOW: "bold cyan",
    Severity.INFO: "bold",
}
_VERDICTS = {
    Verdict.AGREE: ("✓", "bold green"),
    Verdict.DRIFT: ("✗", "bold red"),
    Verdict.UNCHECKED: ("?", "yellow"),
}
#: Most places and pieces of evidence that are listed here, and of what is low none; the other formats have all.
_PLACES, _PIECES = 4, 4
#: Most findings that are told, the worst: nobody reads more here.
_FINDINGS = 200
#: Most characters of any one text.
_MOST = 4000
#: The columns that a line of the card needs with all its counts.
_ROOMY = 96


def render(audit: Audit, *, width: int = 100, colour: bool = False, rules: Sequence[Rule] = RULES) -> str:
    """Text for a terminal of `width` columns. Control characters from the API under test never get here raw."""
    out = StringIO()
    console = console_to(out, width=width, colour=colour)
    numbers = score(audit, rules=rules)
    _head(console, audit, numbers)
    console.print(card(audit, numbers, width))
    _clauses(console, audit)
    weighing = [one for one in ordered(audit) if one.severity is not Severity.INFO]
    _findings(console, weighing, "finding", "the worst first", known(rules), numbers)
    _findings(console, audit.notices, "notice", "which shows no sign and takes no points", known(rules), numbers)
    _unlooked(console, audit)
    _rests(console, audit)
    _baseline(console, audit)
    _left(console, audit)
    console.print(Text(f"\nScore: {numbers.told}", style=_tone(numbers.whole)))
    console.print(Text(verdict(audit), style="bold"))
    return trimmed(out.getvalue())


def _findings(
    console: Console, findings: Sequence[Finding], noun: str, told: str, rules: Mapping[str, Rule], numbers: Score
) -> None:
    if findings:
        console.print(f"\n{count(len(findings), noun)}, {told}", style="bold")
    for finding in findings[:_FINDINGS]:
        _finding(console, finding, rules, numbers)
    if len(findings) > _FINDINGS:
        left = count(len(findings) - _FINDINGS, f"more {noun}")
        console.print(f"\nand {left}, no worse than these; --html and --json have all", style="bold")


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


def card(audit: Audit, numbers: Score, width: int) -> Table:
    """A line a sign: its number, its name, its state in a mark, a word and a colour, its score and the counts.

    What is clear in the little that was checked is not green.
    """
    short = width < _ROOMY
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(justify="right")
    table.add_column(no_wrap=width >= 72)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(style="dim")
    for tile, mark in zip(tiles(audit), numbers.signs, strict=True):
        little = tile.state == "clear" and mark.standing is Standing.WITHHELD
        state = Text(f"{MARKS[tile.state]} {tile.state}", style=STYLES["unknown" if little else tile.state])
        points = Text(mark.told if short else f"{mark.told:<7}{mark.coverage:>3} % checked", style=_tone(mark))
        table.add_row(str(tile.number), tile.title, state, points, _counts(tile, short=short))
    return table


def _tone(mark: Mark) -> str:
    """Green only where it is final and good."""
    if mark.standing is Standing.FINAL:
        return "bold green" if mark.letter in "AB" else "bold red" if mark.letter in "EF" else "bold yellow"
    return "bold" if mark.score is not None else "dim"


def _counts(tile: Tile, *, short: bool) -> str:
    """`4 findings, 1 failed, 1 skipped`, `7 passed, 1 skipped`; in short the first of them."""
    told = [count(len(tile.findings), "finding")] if tile.findings else []
    numbers = [(tile.errored, "failed"), (len(tile.excused), "excused")]
    numbers += [(0 if told else tile.passed, "passed"), (tile.skipped, "skipped")]
    told += [f"{number} {word}" for number, word in numbers if number]
    told += [count(len(tile.notices), "notice")] if tile.notices else []
    return told[0] if short and told else ", ".join(told) or "not chosen"


def _head(console: Console, audit: Audit, numbers: Score) -> None:
    done, chosen = coverage(audit)
    console.print(Text(f"Ninefold audit of {line(audit.target, 1000)}", style="bold"))
    facts = f"{when(audit)} · {count(audit.requests, 'request')} in {audit.took:.1f} s · {done} of {chosen} rules ran"
    console.print(Text("\n".join((facts, *(line(one, 500) for one in audit.notes))), style="dim"))
    told = Text("Score  ", style="bold")
    told.append(numbers.told, style=_tone(numbers.whole))
    console.print(
        told.append(f"  ({numbers.whole.checked} of {numbers.whole.applies} rules that apply)\n", style="dim")
    )


def _clauses(console: Console, audit: Audit) -> None:
    if not audit.clauses:
        return
    console.print("\nDeclared, described, observed", style="bold")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("clause", no_wrap=True)
    for name in ("declared", "described", "observed"):
        table.add_column(name, overflow="fold", ratio=1)
    table.add_column("verdict", no_wrap=True)
    for one in audit.clauses:
        sides = (
            Text(line(side, 120) or "-", style="" if side else "dim")
            for side in (one.declared, one.described, one.observed)
        )
        verdict_ = Text(f"{_VERDICTS[one.verdict][0]} {one.verdict.value}", style=_VERDICTS[one.verdict][1])
        table.add_row(line(one.name, 40), *sides, verdict_)
    console.print(table)


def _finding(console: Console, finding: Finding, rules: Mapping[str, Rule], numbers: Score) -> None:
    head = Text("\n")
    head.append(f" {finding.severity.value.upper()} ", style=_SEVERITIES[finding.severity])
    head.append(f" {line(finding.title)}", style="bold")
    if finding.confidence is not Confidence.CONFIRMED:
        head.append(f" ({finding.confidence.value})", style="yellow")
    console.print(head)
    body = Table.grid(padding=(0, 2, 0, 0))
    body.add_column(style="dim", no_wrap=True, min_width=len("contract"))
    body.add_column(overflow="fold")
    mild = finding.severity.rank <= Severity.LOW.rank
    rule = rules.get(finding.rule)
    body.add_row("what", shown(finding.detail, _MOST))
    body.add_row("where", _places(finding))
    if finding.evidence and not mild:
        body.add_row("seen", _pieces(finding))
    if (shell := again(finding)) and not mild:
        body.add_row("again", Text(broken(shown(shell, _MOST), console.width - 14), style="magenta"))
    if rule and not mild:
        body.add_row("why", rule.why)
    body.add_row("fix", shown(finding.remedy, _MOST))
    if finding.contract:
        body.add_row("contract", Text(shown(finding.contract, _MOST).rstrip(), style="green"))
    if finding.excuse:
        body.add_row("baseline", Text(shown(finding.excuse, _MOST), style="yellow"))
    if (charge := numbers.charge(finding)) and not mild:
        body.add_row("points", Text(f"{charge.points:.1f} taken: {charge.why}", style="dim"))
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


def _left(console: Console, audit: Audit) -> None:
    if audit.left:
        console.print("\nMade by this audit, and not removed: remove it by hand", style="bold red")
        for one in audit.left:
            console.print(Text(f"  {line(one, 300)}"))


def _baseline(console: Console, audit: Audit) -> None:
    excused = [one for one in audit.outcomes if isinstance(one, Finding) and one.baselined]
    if excused:
        console.print(f"\n{count(len(excused), 'finding')} excused by the baseline", style="bold")
    for one in excused:
        console.print(Padding(Text(f"{line(one.rule)}: {line(one.excuse or one.detail)}", style="dim"), (0, 0, 0, 2)))
    if audit.stale:
        console.print(
            f"\n{count(len(audit.stale), 'excuse')} of the baseline that no finding fits; take out", style="bold"
        )
    for told_ in audit.stale:
        console.print(Padding(Text(line(told_, 300), style="yellow"), (0, 0, 0, 2)))


def _rests(console: Console, audit: Audit) -> None:
    """On which data a pass rests, where it rests on any."""
    noted = [one for one in audit.outcomes if isinstance(one, Passed) and one.note]
    if not noted:
        return
    console.print("\nClear by what was known", style="bold")
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in noted:
        table.add_row(line(one.rule), Text(visible(one.note), style="dim"))
    console.print(table)


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
            Text(shown(one.reason, _MOST), style="dim"),
        )
    console.print(table)
