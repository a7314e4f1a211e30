"""The report as one HTML page that needs nothing else: nine tiles, the evidence below them.

What the API under test said is hostile input: everything is escaped, what does not print is shown as its escape, and a
Content-Security-Policy lets nothing run or load but the one script and the one style sheet whose hashes it names.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from ninefold.audit.finding import Errored, Exchange, Finding, Passed, Severity, Skipped
from ninefold.audit.report.card import MARKS, coverage, known, tiles, verdict, when
from ninefold.audit.report.evidence import again, answered, asked, summary, told
from ninefold.audit.report.standards import Reference, cwe, owasp
from ninefold.audit.report.text import count, line, shown
from ninefold.audit.score import Standing, score
from ninefold.audit.signs.order import RULES, SIGNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Template

    from ninefold.audit.finding import Audit
    from ninefold.audit.report.card import Tile
    from ninefold.audit.rule import Rule
    from ninefold.audit.score import Score

#: What each piece of a proof is for.
_ROLES = {
    "baseline": "an honest request",
    "attack": "what should not work",
    "control": "shows that the difference is real",
    "repeat": "the attack once more",
}
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "all nine")


class _Bar(NamedTuple):
    """One part of the bar of severities, in per mille of its length."""

    severity: str
    findings: int
    start: int
    length: int


def render(audit: Audit, *, rules: Sequence[Rule] = RULES) -> str:
    """A whole HTML document."""
    script, style = _asset("report.js"), _asset("report.css")
    nine = tiles(audit)
    numbers = score(audit, rules=rules)
    done, chosen = coverage(audit)
    return _template().render(
        audit=audit,
        name=audit.url or audit.description or audit.source or audit.target,
        tiles=list(zip(nine, numbers.signs, strict=True)),
        numbers=numbers,
        choices=_choices((*audit.findings, *audit.notices)),
        verdict=verdict(audit),
        tone=_tone(nine, numbers),
        sentence=_sentence(nine),
        nothing=_nothing(audit),
        bars=_bars((*audit.findings, *audit.notices)),
        rules=known(rules),
        excused=[one for one in audit.outcomes if isinstance(one, Finding) and one.baselined],
        skipped=[one for one in audit.outcomes if isinstance(one, Skipped)],
        errored=[one for one in audit.outcomes if isinstance(one, Errored)],
        passed=[one for one in audit.outcomes if isinstance(one, Passed)],
        done=done,
        chosen=chosen,
        when=when(audit),
        script=Markup(script),  # noqa: S704  (our own file, not input)
        style=Markup(style),  # noqa: S704
        script_hash=digest(script),
        style_hash=digest(style),
    )


def _tone(nine: tuple[Tile, ...], numbers: Score) -> str:
    """Green only where every sign is clear, and enough was checked to say so."""
    states = {tile.state for tile in nine}
    clear = states == {"clear"} and numbers.standing is Standing.FINAL
    return "shown" if "shown" in states else "clear" if clear else "unknown"


def _sentence(nine: tuple[Tile, ...]) -> str:
    shown = sum(tile.state == "shown" for tile in nine)
    unknown = sum(tile.state == "unknown" for tile in nine)
    others = f"{_NUMBERS[unknown]} could not be judged" if unknown < len(nine) else "none could be judged"
    if shown:
        more = f"; {others}" if unknown else ""
        of = "" if shown == len(nine) else " of the nine"
        return f"This API shows {_NUMBERS[shown]}{of} signs of doing API security wrong{more}."
    if unknown:
        return f"No sign was found, but {others}. That is no clean bill."
    if any(tile.excused for tile in nine):
        return "Every sign was looked at; what was found is excused by the baseline."
    return "Every sign was looked at, and none was found."


def _nothing(audit: Audit) -> str:
    done, _ = coverage(audit)
    excused = any(isinstance(one, Finding) for one in audit.outcomes)
    left = "nothing but what the baseline excuses" if excused else "nothing"
    told = (
        f"{count(done, 'rule')} ran to {'its' if done == 1 else 'their'} end and found {left}."
        if done
        else "No rule ran to its end."
    )
    return (
        told
        if all(audit.state(number) == "clear" for number in range(1, 10))
        else f"{told} What is missing, and why, stands below."
    )


def _bars(findings: tuple[Finding, ...]) -> list[_Bar]:
    numbers = Counter(one.severity for one in findings)
    made, start = [], 0
    for severity in Severity:
        if numbers[severity]:
            length = round(1000 * numbers[severity] / len(findings))
            made.append(_Bar(severity.value, numbers[severity], start, length))
            start += length
    return made


def _choices(findings: tuple[Finding, ...]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """What the findings can be narrowed by: the attribute, its name, and its values with their words."""
    signs = sorted({one.sign for one in findings})
    titles = {sign.number: sign.title for sign in SIGNS}
    methods = {"static": "from files", "live": "from the running API"}
    told = {
        "sign": ("Sign", [(str(one), f"{one} {titles.get(one, '')}") for one in signs]),
        "confidence": ("Confidence", [(one, one) for one in sorted({one.confidence.value for one in findings})]),
        "method": ("Method", [(one, methods[one]) for one in sorted({one.method.value for one in findings})]),
    }
    return [(name, words, values) for name, (words, values) in told.items() if len(values) > 1]


def _references(rule: Rule | None) -> list[Reference]:
    return [owasp(rule.owasp), cwe(rule.cwe), Reference(f"ASVS 5.0 {rule.asvs}", "")] if rule else []


def prose(text: str) -> Markup:
    """Text of ours or with the API's words in it: escaped, and what stands between backticks as code."""
    pieces = shown(text).split("`")
    if len(pieces) % 2 == 0:
        return Markup.escape(shown(text))
    made = [Markup("<code>{}</code>").format(one) if at % 2 else Markup.escape(one) for at, one in enumerate(pieces)]
    return Markup("").join(made)


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415  # takes long to load, for one format

    environment = Environment(
        loader=PackageLoader("ninefold.audit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.tests["exchange"] = lambda value: isinstance(value, Exchange)
    environment.filters |= {
        "again": again,
        "answered": answered,
        "asked": asked,
        "count": count,
        "line": line,
        "prose": prose,
        "references": _references,
        "summary": summary,
        "told": told,
        "shown": shown,
    }
    environment.globals |= {"marks": MARKS, "roles": _ROLES}
    return environment.get_template("report.html.j2")


@cache
def _asset(name: str) -> str:
    return (files("ninefold.audit.report") / "templates" / name).read_text("utf-8")


def digest(text: str) -> str:
    """SHA-256 as a Content-Security-Policy names it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
