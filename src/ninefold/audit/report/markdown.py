"""Markdown for a comment under a pull request: score and coverage first, the signs in a table, each finding folded.

What the API said is text and nothing else: no markup, no HTML, no link, no mention of anybody. A comment has at most
65,536 characters; the worst findings stay, and the others are counted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.audit.finding import Errored, Exchange, Finding, Skipped
from ninefold.audit.report.card import MARKS, ordered, tiles, verdict, when
from ninefold.audit.report.evidence import again, answered, asked, told
from ninefold.audit.report.text import count, line, visible, written
from ninefold.audit.score import score
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ninefold.audit.finding import Audit
    from ninefold.audit.rule import Rule
    from ninefold.audit.score import Score

#: The longest comment, with room for what the one who posts it puts around it.
MOST = 65_000

#: Most places and exchanges that a finding lists.
_PLACES, _PIECES = 5, 4

#: What makes a mention or a reference of what follows it, on GitHub and on GitLab.
_MENTION = re.compile(r"([@#!&$~%^:\[]|\bGH-)(?=[\w\"*])", re.IGNORECASE)

#: What may begin markup, HTML, a link, an emoji or a mention; at the beginning also what makes a list or a heading.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~$&@:]|(?<=www)\.|^[-+=]|^\d+[.)]", re.IGNORECASE)


def render(audit: Audit, *, rules: Sequence[Rule] = RULES) -> str:
    """The comment, at most `MOST` characters."""
    numbers = score(audit, rules=rules)
    parts = [_head(audit, numbers), _table(audit, numbers), _clauses(audit), _missed(audit), _baseline(audit)]
    fixed = "\n".join(part for part in parts if part)[: MOST // 2]
    foot = f"\nNinefold {escaped(audit.ninefold, 40)}, {when(audit)}. How the score is made: docs/score.md.\n"
    room = MOST - len(fixed) - len(foot) - 200
    made: list[str] = []
    findings = ordered(audit)
    for finding in findings:
        one = _finding(finding, numbers)
        if len(one) > room:
            break
        made.append(one)
        room -= len(one)
    left = len(findings) - len(made)
    more = f"\n{count(left, 'more finding')} did not fit here; the other reports have them.\n" if left else ""
    return written(f"{fixed}\n{''.join(made)}{more}{foot}")


def _head(audit: Audit, numbers: Score) -> str:
    name = audit.url or audit.description or audit.source or audit.target
    notices = f" and {count(len(audit.notices), 'notice')}" if audit.notices else ""
    return (
        f"## Ninefold audit: {verdict(audit)}\n\n"
        f"**Score: {numbers.told}** ({numbers.whole.checked} of {numbers.whole.applies} rules that apply)\n\n"
        f"{count(len(audit.findings), 'finding')}{notices} in {escaped(name, 200)}\n"
    )


def _table(audit: Audit, numbers: Score) -> str:
    lines = ["| | sign | state | score | checked | findings |", "|---|---|---|---|---|---|"]
    for tile, mark in zip(tiles(audit), numbers.signs, strict=True):
        excused = f", {len(tile.excused)} excused" if tile.excused else ""
        lines.append(
            f"| {tile.number} | {tile.title} | {MARKS[tile.state]} {tile.state} | {mark.told} | {mark.coverage} % "
            f"| {len(tile.findings)}{excused} |"
        )
    return "\n".join(lines) + "\n"


def _clauses(audit: Audit) -> str:
    if not audit.clauses:
        return ""
    lines = ["| clause | declared | described | observed | verdict |", "|---|---|---|---|---|"]
    for one in audit.clauses:
        sides = " | ".join(escaped(side, 120) or "-" for side in (one.declared, one.described, one.observed))
        lines.append(f"| {escaped(one.name, 40)} | {sides} | {one.verdict.value} |")
    return _folded("Declared, described, observed", "\n".join(lines))


def _missed(audit: Audit) -> str:
    missed = [one for one in audit.outcomes if isinstance(one, Errored | Skipped) and getattr(one, "applies", True)]
    if not missed:
        return ""
    lines = [f"- `{_code(one.rule)}`: {escaped(one.reason, 160)}" for one in missed[:40]]
    lines += [f"- and {len(missed) - 40} more"] if len(missed) > 40 else []
    return _folded(f"Not verified: {count(len(missed), 'rule')}", "\n".join(lines))


def _baseline(audit: Audit) -> str:
    excused = [one for one in audit.outcomes if isinstance(one, Finding) and one.baselined]
    lines = [f"- `{_code(one.rule)}`: {escaped(one.excuse or 'accepted', 200)}" for one in excused[:40]]
    lines += [f"- fits nothing any more: {escaped(one, 200)}" for one in audit.stale[:20]]
    return (
        _folded(f"Baseline: {len(excused)} excused, {len(audit.stale)} that fit nothing", "\n".join(lines))
        if lines
        else ""
    )


def _finding(finding: Finding, numbers: Score) -> str:
    charge = numbers.charge(finding)
    sure = "" if finding.confidence.value == "confirmed" else f" ({finding.confidence.value})"
    title = f"<b>{finding.severity.value}</b>{sure}: {escaped(finding.title, 120)}"
    lines = [f"{escaped(finding.detail, 600)}\n"]
    lines += [f"- {escaped(told(place), 200)}" for place in finding.places[:_PLACES]]
    if len(finding.places) > _PLACES:
        lines.append(f"- and {count(len(finding.places) - _PLACES, 'more place')}")
    if finding.excuse:
        lines.append(f"\n**Baseline:** {escaped(finding.excuse, 300)}")
    lines.append(f"\n**Fix:** {escaped(finding.remedy, 600)}")
    if finding.contract:
        lines.append(block(finding.contract, "yaml"))
    exchanges = [one for one in finding.evidence if isinstance(one, Exchange)][:_PIECES]
    seen = [f"{escaped(one.role, 20)} {escaped(asked(one), 100)} → {escaped(answered(one), 40)}" for one in exchanges]
    if seen:
        lines.append(f"\n**Seen:** {'; '.join(seen)}")
    if shell := again(finding):
        lines.append(f"\n**Again:**\n{block(shell, 'sh')}")
    if charge:
        lines.append(f"\n{charge.points:.1f} points taken: {escaped(charge.why, 200)}")
    lines.append(f"\n`{_code(finding.rule)}`, sign {finding.sign}")
    return _folded(title, "\n".join(lines), safe=True)


def _folded(title: str, body: str, *, safe: bool = False) -> str:
    """`safe`: the title is written for HTML already."""
    return f"\n<details><summary>{title if safe else escaped(title, 200)}</summary>\n\n{body}\n\n</details>\n"


def escaped(text: str, most: int) -> str:
    """As text: each character that may mean something is a reference to itself, which no Markdown reads twice.

    Mentions and references are looked for after that, so what begins one is told from its name by a zero-width space.
    """
    apart = _MENTION.sub("\\1\u200b", line(text, most))
    return _MARKUP.sub(lambda found: "".join(f"&#{ord(one)};" for one in found[0]), apart)


def _code(text: str) -> str:
    """Within backticks."""
    return line(text, 80).replace("`", "'").replace("|", "/")


def block(text: str, language: str) -> str:
    """A fenced block, its fence longer than any in it."""
    shown = _cut(visible(text).splitlines())
    longest = max((len(one) for one in re.findall(r"`{3,}", shown)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def _cut(lines: Iterable[str]) -> str:
    shown = "\n".join(lines)
    return shown if len(shown) <= 4000 else f"{shown[:4000]}…"
