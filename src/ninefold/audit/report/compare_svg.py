"""Before and after as a picture: an SVG that needs nothing else, for a README or a slide. Light and dark."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from ninefold.audit.report.card import verdict
from ninefold.audit.report.text import count, line
from ninefold.audit.signs.order import SIGNS

if TYPE_CHECKING:
    from ninefold.audit.finding import Audit
    from ninefold.audit.report.card import Tile
    from ninefold.audit.report.compare import Change, Comparison

_WIDTH, _MARGIN, _TOP, _ROW = 1080, 36, 176, 48
#: The left edges of the columns.
_NAME, _BEFORE, _AFTER, _HOW = 76, 500, 648, 796
_STYLE = """
.paper{fill:#fff;stroke:#d1d9e0}.ink{fill:#1f2328}.dim{fill:#59636e}.line{stroke:#d1d9e0}.arrow{stroke:#59636e;stroke-width:3}
.drawn{fill:none;stroke-linecap:round;stroke-linejoin:round}.glyph{stroke:#fff;stroke-width:2}
.shown{fill:#b91c1c}.clear{fill:#15803d}.unknown{fill:#57606a}.word{fill:#fff}
.shown-ink{fill:#b91c1c}.clear-ink{fill:#15803d}.unknown-ink{fill:#57606a}
text{font:15px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
.big{font-size:34px;font-weight:700}.head{font-size:13px;font-weight:600}.small{font-size:14px}.strong{font-weight:600}
@media (prefers-color-scheme:dark){
.paper{fill:#0d1117;stroke:#30363d}.ink{fill:#e6edf3}.dim{fill:#9198a1}.line{stroke:#30363d}.arrow{stroke:#9198a1}
.shown-ink{fill:#ff7b72}.clear-ink{fill:#4ade80}.unknown-ink{fill:#b1bac4}}
"""
#: Where words too long for one line of the last column go on in a second.
_BREAK = re.compile(r"(?:(?<= and)|(?<=[:,])) ")
#: Drawn and not written, so that no font has to have them: 16 by 16.
_GLYPHS = {
    "shown": "M4 4 12 12M12 4 4 12",
    "clear": "M3 8.5 6.5 12 13 4.5",
    "unknown": "M5.5 6a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M8 12.6v.1",
}


def render(comparison: Comparison) -> str:
    """An SVG document, 1080 wide."""
    rows = comparison.changes
    foot = _TOP + _ROW * len(rows) + 20
    height = foot + 36
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="t">',
        f'<title id="t">{_text(comparison.verdict)}</title>',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" x=".5" y=".5" width="{_WIDTH - 1}" height="{height - 1}" rx="14"/>',
        *_verdict(_MARGIN, "Before", comparison.before, _tone(comparison.before)),
        f'<path class="arrow drawn" d="M{_BEFORE} 78h96m-12-12 12 12-12 12"/>',
        *_verdict(_AFTER, "After", comparison.after, _tone(comparison.after, proven=comparison.proven)),
        *(
            _words(x, _TOP - 14, word, "head dim")
            for x, word in ((_NAME, "Sign"), (_BEFORE, "Before"), (_AFTER, "After"), (_HOW, "Closed"))
        ),
    ]
    for at, change in enumerate(rows):
        parts += _row(_TOP + at * _ROW, change)
    parts += [_line(foot - 20), _words(_MARGIN, foot + 12, _foot(comparison), "small dim"), "</svg>"]
    return "\n".join(parts) + "\n"


def _tone(audit: Audit, *, proven: bool = True) -> str:
    """Red where a sign is shown; green only where all are clear, and that is proven."""
    states = {audit.state(sign.number) for sign in SIGNS}
    return "shown" if "shown" in states else "clear" if states == {"clear"} and proven else "unknown"


def _verdict(x: int, name: str, audit: Audit, tone: str) -> list[str]:
    signs, *more = verdict(audit).split(", ")
    return [
        _words(x, 46, f"{name} · {line(audit.url, 44)}" if audit.url else name, "small dim"),
        _words(x, 90, signs, f"big {tone}-ink"),
        _words(x, 118, ", ".join([count(len(audit.findings), "finding"), *more]), "small dim"),
    ]


def _row(y: int, change: Change) -> list[str]:
    middle = y + _ROW // 2 + 5
    how = "small ink" if change.good else "small strong shown-ink"
    first, *rest = _BREAK.split(change.how, maxsplit=1)
    return [
        _line(y),
        _words(_NAME - 16, middle, str(change.before.number), "dim", anchor="end"),
        _words(_NAME, middle, change.before.title, "ink strong"),
        *_pill(_BEFORE, y + 11, change.before),
        *_pill(_AFTER, y + 11, change.after),
        _words(_HOW, middle - 9 * len(rest), first, how),
        *(_words(_HOW, middle + 9, more, how) for more in rest),
    ]


def _pill(x: int, y: int, tile: Tile) -> list[str]:
    words = f"{tile.state} {len(tile.findings)}" if tile.findings else tile.state
    return [
        f'<rect class="{tile.state}" x="{x}" y="{y}" width="116" height="26" rx="13"/>',
        f'<path class="glyph drawn" transform="translate({x + 10} {y + 5})" d="{_GLYPHS[tile.state]}"/>',
        _words(x + 32, y + 18, words, "small strong word"),
    ]


def _foot(comparison: Comparison) -> str:
    if not comparison.not_again:
        return f"All {comparison.again} rules that ran before ran again."
    missing = comparison.not_again
    return line(f"Not proven: {count(len(missing), 'rule')} did not run again: {', '.join(missing)}", 120)


def _line(y: int) -> str:
    return f'<path class="line" d="M{_MARGIN} {y}.5H{_WIDTH - _MARGIN}"/>'


def _words(x: int, y: int, text: str, style: str, anchor: str = "start") -> str:
    end = ' text-anchor="end"' if anchor == "end" else ""
    return f'<text x="{x}" y="{y}" class="{style}"{end}>{_text(text)}</text>'


def _text(text: str) -> str:
    return escape(line(text, 400))
