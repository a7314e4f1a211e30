"""The lab's page, docs/lab.md."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .score import Row, Tally, Verdict, tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .audit import Audited
    from .score import Green

HEAD = """<!-- Made by `make lab`. -->

# The lab

Small servers as real projects write them, each in a vulnerable and a fixed build, audited with everything that
`ninefold audit` can be given. What is true of them stands in `lab/*/truth.yaml`, for every rule, and was judged by their
code. Here the two are compared. The servers and the labels are ours: they show what a rule does, not how often the world
needs it. The first labels were written when a first audit of these servers had been seen, and rules were mended by what this
page showed, so the shares may flatter: they are not those of servers that nobody has seen. The
shelf is one API nine times: its easy finds, and its true negatives, weigh more than they are worth.

Confirmed and suspected findings are counted apart: a confirmed one is to be right always. A finding on a rule that does not
apply is a false positive. What was not checked is never counted as good: where the sign is there, it counts as not found.
"""

RECALLS = """`recall` is over all rules: what a rule needs an option for (`--active`, `--registry`, `--expired-key`) counts as not found
without it. `recall asked` is over what the audit could ask with the options that it was given."""


def page(
    audits: Sequence[Audited], rules: Sequence[str], not_run: Mapping[str, str], beyond: Mapping[str, Sequence[str]]
) -> str:
    """`not_run` and `beyond` are by audit and by build."""
    passive = [row for one in audits if not one.active for row in one.rows]
    active = [row for one in audits if one.active for row in one.rows]
    news = _news(passive, active)
    parts = [HEAD, "## All together", _sums(passive, active), RECALLS, "## Audit by audit", _audits(audits)]
    parts += ["## What could not be run", _items(f"{title}: {reason}" for title, reason in not_run.items())]
    parts += [
        "## Rule by rule",
        "Without --active, over all builds. `c` is confirmed, `s` suspected.",
        _rules(passive, rules),
    ]
    parts += ["## Signs called clear", _greens([green for one in audits for green in one.greens])]
    wrong = {Verdict.FALSE_POSITIVE, Verdict.MISPLACED}
    parts += [
        "In the lists below, an audit with --active stands only where it came to something else than the one without."
    ]
    parts += ["## False positives", _rows([*passive, *news], lambda row: row.verdict in wrong)]
    lost = {Verdict.FALSE_NEGATIVE, Verdict.MISPLACED}
    parts += ["## False negatives", _rows([*passive, *news], lambda row: row.verdict in lost)]
    parts += ["## There, and not checked", _rows([*passive, *news], _there_unchecked)]
    parts += [
        "## Clear, and not checked",
        _grouped([row for row in passive if row.verdict is Verdict.UNCHECKED and row.truth.label == "clear"]),
    ]
    parts += ["## Right rule, wrong or missing place", _places([*passive, *news])]
    parts += [
        "## Sins that no rule names",
        "\n\n".join(f"{build}\n\n{_items(sins)}" for build, sins in beyond.items() if sins),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _greens(all_of_them: Sequence[Green]) -> str:
    wrong = [one for one in all_of_them if one.there]
    hasty = [one for one in all_of_them if one.unchecked and not one.there]
    sums = f"{len(all_of_them)} in all; {len(wrong)} although the sign is there, {len(hasty)} more with rules that apply and did not run."
    false = _items(f"{one.audit}, sign {one.sign}: {', '.join(one.there)}" for one in wrong)
    early = _items(f"{one.audit}, sign {one.sign}: {', '.join(one.unchecked)}" for one in hasty)
    return f"{sums}\n\nAlthough it is there:\n\n{false}\n\nWithout having looked at everything:\n\n{early}"


def _news(passive: Sequence[Row], active: Sequence[Row]) -> list[Row]:
    """Rows of audits with --active that differ from the same build's without."""
    known = {(row.audit, row.rule): row.verdict for row in passive}
    return [row for row in active if known.get((row.audit.removesuffix(" --active"), row.rule)) is not row.verdict]


def _there_unchecked(row: Row) -> bool:
    return row.verdict is Verdict.UNCHECKED and row.truth.label == "shown"


def percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def tenths(share: float | None) -> str:
    """Where a bar is near, a whole percent is too coarse."""
    return "-" if share is None else f"{share:.1%}"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows])


def _sums(passive: Sequence[Row], active: Sequence[Row]) -> str:
    head = [
        "",
        "there",
        "found",
        "false c",
        "false s",
        "missed",
        "not checked",
        "precision c",
        "precision s",
        "recall",
        "recall asked",
        "recall c",
    ]
    return table(head, [_sum("without --active", tally(passive)), _sum("with --active", tally(active))])


def _sum(name: str, one: Tally) -> list[object]:
    return [
        name, one.shown, one.hits.total(), one.alarms["confirmed"], one.alarms["suspected"], one.missed,
        f"{one.unchecked_shown} of these, {one.unchecked - one.unchecked_shown} others",
        percent(one.precision("confirmed")), percent(one.precision("suspected")), tenths(one.recall()),
        tenths(one.recall_asked()), tenths(one.recall("confirmed")),
    ]  # fmt: skip


def _audits(audits: Sequence[Audited]) -> str:
    head = ["audit", "there", "found", "false", "missed", "not checked", "requests", "seconds", "exit", "database"]
    rows = []
    for one in audits:
        sums = tally(one.rows)
        kept = "rows as before" if one.active else "untouched"
        database = {None: "", True: kept, False: "CHANGED"}[one.untouched]
        rows.append(
            [one.title, sums.shown, sums.hits.total(), sums.alarms.total(), sums.missed, sums.unchecked, one.requests,
             f"{one.seconds:.1f}", one.exit_code, database]
        )  # fmt: skip
    return table(head, rows)


def _rules(rows: Sequence[Row], rules: Sequence[str]) -> str:
    head = ["rule", "there", "true c", "true s", "false c", "false s", "missed", "true negatives", "not checked",
            "precision c", "precision s", "recall", "recall c"]  # fmt: skip
    lines = []
    for rule in rules:
        one = tally(row for row in rows if row.rule == rule)
        lines.append(
            [f"`{rule}`", one.shown, one.hits["confirmed"], one.hits["suspected"], one.alarms["confirmed"],
             one.alarms["suspected"], one.missed, one.quiet, one.unchecked, percent(one.precision("confirmed")),
             percent(one.precision("suspected")), percent(one.recall()), percent(one.recall("confirmed"))]
        )  # fmt: skip
    return table(head, lines)


def _rows(rows: Sequence[Row], chosen: Callable[[Row], bool]) -> str:
    return _items(
        f"{row.audit} `{row.rule}`{' (' + row.confidence + ')' if row.confidence else ''}: "
        f"{row.truth.label}, {row.truth.reason}.{' It says: ' + row.says if row.says else ''}"
        for row in rows
        if chosen(row)
    )


def _places(rows: Sequence[Row]) -> str:
    found = [row for row in rows if row.verdict is Verdict.TRUE_POSITIVE and (row.beside or row.missed)]
    return _items(
        f"{row.audit} `{row.rule}`:"
        + (f" points to {'; '.join(row.beside)} too." if row.beside else "")
        + (f" Nothing about {'; '.join(row.missed)}." if row.missed else "")
        for row in found
    )


def _grouped(rows: Sequence[Row]) -> str:
    counts = Counter((row.rule, row.says) for row in rows)
    named: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        named.setdefault((row.rule, row.says), []).append(row.audit)
    return _items(
        f"`{rule}` ({count}: {', '.join(named[rule, says])}): {says}" for (rule, says), count in sorted(counts.items())
    )


def _items(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines) or "None."
