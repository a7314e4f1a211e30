"""The reports of several APIs: each as its own, one after the other, and what was found among them."""

from __future__ import annotations

import json
from importlib.resources import files
from io import StringIO
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, fromstring, indent, tostring  # reads only what our own report wrote

from markupsafe import Markup
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ninefold.audit.report import html, json_v1, junit, sarif, terminal
from ninefold.audit.report.card import MARKS, ordered, tiles, verdict, when
from ninefold.audit.report.evidence import summary, told
from ninefold.audit.report.text import count, line, visible, writable
from ninefold.audit.signs.order import SIGNS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.fleet import Fleet

FORMAT = "ninefold.fleet/1"


def state(fleet: Fleet, sign: int) -> str:
    """A sign's state in the whole fleet: shown if any API or all together show it, unknown if any is, else clear."""
    if any(one.sign == sign for one in fleet.together.findings):
        return "shown"
    states = {audit.state(sign) for _, audit in fleet.apis}
    return next(one for one in ("shown", "unknown", "clear") if one in states)


def told_of(fleet: Fleet) -> str:
    """The verdict of them all: `3 APIs: 4 of 9 signs, 2 unknown`."""
    states = [state(fleet, sign.number) for sign in SIGNS]
    unknown = f", {states.count('unknown')} unknown" if "unknown" in states else ""
    return f"{count(len(fleet.apis), 'API')}: {states.count('shown')} of {len(SIGNS)} signs{unknown}"


def as_terminal(fleet: Fleet, *, width: int = 100, colour: bool = False) -> str:
    """A line an API with the nine signs; what was found among them; then the report of each."""
    out = StringIO()
    console = terminal.console_to(out, width=width, colour=colour)
    console.print(Text(f"Ninefold audit of {count(len(fleet.apis), 'API')}\n", style="bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("API", overflow="fold")
    for sign in SIGNS:
        table.add_column(str(sign.number))
    table.add_column("findings", justify="right")
    for name, audit in fleet.apis:
        marks = [Text(MARKS[tile.state], style=terminal.STYLES[tile.state]) for tile in tiles(audit)]
        table.add_row(line(name), *marks, str(len(audit.findings)))
    console.print(table)
    console.print(Text(f"\nAmong the APIs: {_among(fleet)}", style="bold"))
    for one in ordered(fleet.together):
        console.print(Text(f"\n {one.severity.value.upper()}  {line(one.title)}", style="bold"))
        body = Table.grid(padding=(0, 2, 0, 0))
        body.add_column(style="dim", no_wrap=True)
        body.add_column(overflow="fold")
        body.add_row("what", visible(one.detail))
        body.add_row("where", Text("\n".join(line(str(place)) for place in one.places), style="cyan"))
        body.add_row("fix", visible(one.remedy))
        body.add_row("rule", Text(f"{line(one.rule)} · sign {one.sign}", style="dim"))
        console.print(Padding(body, (0, 0, 0, 2)))
    made = [terminal.trimmed(out.getvalue())]
    for name, audit in fleet.apis:
        made.append(f"\n{'─' * min(width, 100)}\n{line(name)}\n\n{terminal.render(audit, width=width, colour=colour)}")
    return "".join(made) + f"\n{told_of(fleet)}\n"


def _among(fleet: Fleet) -> str:
    found = len(fleet.together.findings)
    if found:
        return count(found, "finding")
    return (
        "; ".join(dict.fromkeys(getattr(one, "reason", "nothing was found") for one in fleet.together.outcomes))
        or "no rule was chosen"
    )


def as_json(fleet: Fleet) -> str:
    """`apis` holds for each its name and its audit, as `ninefold.audit/1`; `together` one more, of them all.

    `fleet_v1.schema.json` beside this file is its JSON Schema.
    """
    document = {
        "format": FORMAT,
        "ninefold": fleet.together.ninefold,
        "verdict": told_of(fleet),
        "together": json.loads(json_v1.render(fleet.together)),
        "apis": [{"name": writable(name), "audit": json.loads(json_v1.render(audit))} for name, audit in fleet.apis],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_sarif(fleet: Fleet) -> str:
    """A SARIF log with a run for each API (3.14), told apart by `automationDetails` (3.17), and one of all together."""
    log = json.loads(sarif.render(fleet.together))
    runs = [("together", log["runs"][0])]
    runs += [(name, json.loads(sarif.render(audit))["runs"][0]) for name, audit in fleet.apis]
    log["runs"] = [{**run, "automationDetails": {"id": f"ninefold/{writable(name)}/"}} for name, run in runs]
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def as_junit(fleet: Fleet) -> str:
    """The suites of all APIs, named for them."""
    root = Element("testsuites", name=f"ninefold, {count(len(fleet.apis), 'API')}")
    totals: dict[str, int] = {}
    for name, audit in (("together", fleet.together), *fleet.apis):
        suites = fromstring(junit.render(audit).partition("\n")[2])  # noqa: S314  # our own report
        for suite in suites:
            if len(suite):
                suite.set("name", f"{line(name)}: {suite.get('name')}")
                root.append(suite)
                for word in ("tests", "failures", "errors", "skipped"):
                    totals[word] = totals.get(word, 0) + int(suite.get(word, "0"))
    for word, number in totals.items():
        root.set(word, str(number))
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def as_html(fleet: Fleet) -> str:
    """One page: the nine signs of each API, what was found among them, and the findings of each."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415  # takes long to load, for one format

    environment = Environment(
        loader=PackageLoader("ninefold.audit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": count,
        "line": line,
        "visible": visible,
        "told": told,
        "summary": summary,
        "prose": html.prose,
    }
    style = (files("ninefold.audit.report") / "templates" / "report.css").read_text("utf-8")
    own = (files("ninefold.audit.report") / "templates" / "fleet.css").read_text("utf-8")
    apis = [
        {"name": name, "audit": audit, "tiles": tiles(audit), "verdict": verdict(audit), "findings": ordered(audit)}
        for name, audit in fleet.apis
    ]
    return environment.get_template("fleet.html.j2").render(
        fleet=fleet,
        apis=apis,
        signs=SIGNS,
        marks=MARKS,
        verdict=told_of(fleet),
        when=when(fleet.together),
        among=ordered(fleet.together),
        nothing=_among(fleet),
        style=Markup(style + own),  # noqa: S704  # our own files, not input
        style_hash=html.digest(style + own),
    )


FORMATS: dict[str, Callable[[Fleet], str]] = {
    "terminal": as_terminal,
    "json": as_json,
    "sarif": as_sarif,
    "junit": as_junit,
    "html": as_html,
}
