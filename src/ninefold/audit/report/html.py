"""The report as one HTML page that needs nothing else: nine tiles, the evidence below them.

What the API under test said is hostile input: everything is escaped, and a Content-Security-Policy lets nothing run but
the one script whose hash it names.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from ninefold.audit.finding import Errored, Exchange, Finding, Passed, Skipped
from ninefold.audit.report.card import WORDS, ordered, rule_of, tiles, verdict

if TYPE_CHECKING:
    from ninefold.audit.finding import Audit


def render(audit: Audit) -> str:
    """A whole HTML document."""
    script, style = _asset("report.js"), _asset("report.css")
    outcomes = audit.outcomes
    return _template().render(
        audit=audit,
        words=WORDS,
        tiles=tiles(audit),
        verdict=verdict(audit),
        findings=[(one, rule_of(one.rule)) for one in ordered(audit)],
        excused=[one for one in outcomes if isinstance(one, Finding) and one.baselined],
        skipped=[one for one in outcomes if isinstance(one, Skipped)],
        errored=[one for one in outcomes if isinstance(one, Errored)],
        passed=[one for one in outcomes if isinstance(one, Passed)],
        rules=len({one.rule for one in outcomes}),
        ran=len({one.rule for one in outcomes if not isinstance(one, Skipped | Errored)}),
        started=datetime.fromtimestamp(audit.started, UTC).strftime("%d %B %Y, %H:%M UTC"),
        exchange=Exchange,
        script=script,
        style=style,
        script_hash=_hash(script),
        style_hash=_hash(style),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("ninefold.audit.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.tests["exchange"] = lambda value: isinstance(value, Exchange)
    return environment.get_template("report.html.j2")


@cache
def _asset(name: str) -> str:
    return (files("ninefold.audit.report") / "templates" / name).read_text("utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
