"""Before and after for a terminal: both cards side by side, or one below the other where it is narrow."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from ninefold.audit.report.card import MARKS, coverage, when
from ninefold.audit.report.terminal import STYLES, console_to, trimmed
from ninefold.audit.report.text import count, line

if TYPE_CHECKING:
    from rich.console import Console

    from ninefold.audit.finding import Audit
    from ninefold.audit.report.card import Tile
    from ninefold.audit.report.compare import Change, Comparison

#: The columns that both cards need side by side.
_WIDE = 112


def render(comparison: Comparison, *, width: int = 120, colour: bool = False) -> str:
    """Text for a terminal of `width` columns; its last line is the verdict."""
    out = StringIO()
    console = console_to(out, width=width, colour=colour)
    for name, audit in (("before", comparison.before), ("after", comparison.after)):
        _head(console, name, audit)
    console.print()
    console.print(_wide(comparison) if width >= _WIDE else _narrow(comparison))
    _again(console, comparison)
    style = "bold green" if comparison.proven else "bold red"
    console.print(Text(f"\n{comparison.verdict}", style=style))
    return trimmed(out.getvalue())


def _head(console: Console, name: str, audit: Audit) -> None:
    done, chosen = coverage(audit)
    found = count(len(audit.findings), "finding")
    line_of = Text(f"{name:<7}", style="bold")
    line_of.append(line(audit.url or audit.description or audit.source or audit.target, 300))
    line_of.append(f" · {when(audit)} · {found} · {done} of {chosen} rules ran", style="dim")
    console.print(line_of)


def _wide(comparison: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    table.add_column("", justify="right")
    table.add_column("sign", no_wrap=True)
    table.add_column("before", no_wrap=True)
    table.add_column("after", no_wrap=True)
    table.add_column("closed")
    for one in comparison.changes:
        table.add_row(str(one.before.number), one.before.title, _state(one.before), _state(one.after), _how(one))
    return table


def _narrow(comparison: Comparison) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right")
    table.add_column()
    for one in comparison.changes:
        told = Text(one.before.title, style="bold")
        told.append("\n").append(_state(one.before)).append(" → ").append(_state(one.after))
        if one.how:
            told.append("  ").append(_how(one))
        table.add_row(str(one.before.number), told)
    return table


def _state(tile: Tile) -> Text:
    told = Text(f"{MARKS[tile.state]} {tile.state}", style=STYLES[tile.state])
    if tile.findings:
        told.append(f" ({len(tile.findings)})", style="default not bold")
    return told


def _how(change: Change) -> Text:
    return Text(change.how, style="" if change.good else "bold red")


def _again(console: Console, comparison: Comparison) -> None:
    missing = comparison.not_again
    if not missing:
        console.print(Text(f"\nAll {comparison.again} rules that ran before ran again.", style="dim"))
        return
    console.print(
        Text(f"\nnot run again: {', '.join(line(rule) for rule in missing)}: then it is not proven", style="bold red")
    )
