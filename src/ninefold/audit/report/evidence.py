"""Evidence and places in short: an exchange as its request line and its status."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.audit.finding import Exchange
from ninefold.audit.report.text import line

if TYPE_CHECKING:
    from ninefold.audit.finding import Finding, Location

_VERSION = re.compile(r" HTTP/\d(?:\.\d)?$")
#: A shell's words, as `ninefold.audit.again` writes them: what is quoted is one, whatever is in it, and so is an option
#: with its value.
_WORDS = re.compile(r"""(?:-[HAX] |--[\w-]+ )?(?:'[^']*'|"[^"]*"|[^\s'"])+""")
_STATUS = re.compile(r"HTTP/\d(?:\.\d)? (\d{3})(?!\d)")


def asked(exchange: Exchange) -> str:
    """`GET /orders`: the request line without its version."""
    return line(_VERSION.sub("", exchange.request.strip().partition("\n")[0].strip()), 120)


def answered(exchange: Exchange) -> str:
    """`401`; of what is no HTTP response, its first line."""
    first = exchange.response.strip().partition("\n")[0].strip()
    found = _STATUS.match(first)
    return found[1] if found else line(first, 80) or "nothing"


def summary(finding: Finding) -> str:
    """What the evidence holds: `baseline 200, attack 200, control 401, repeat 200`; of facts, how many there are."""
    exchanges = [one for one in finding.evidence if isinstance(one, Exchange)]
    if not exchanges:
        return f"{len(finding.evidence)} note" + ("s" if len(finding.evidence) != 1 else "")
    told = ", ".join(f"{line(one.role, 20)} {answered(one)}" for one in exchanges[:4])
    return told + (f" and {len(finding.evidence) - 4} more" if len(exchanges) > 4 else "")


def again(finding: Finding) -> str:
    """The line for a shell that shows it: the attack's, or else the first that there is; empty where there is none."""
    lines = [one for one in finding.evidence if isinstance(one, Exchange) and one.again]
    return next((one.again for one in lines if one.role == "attack"), lines[0].again if lines else "")


def broken(shell: str, width: int) -> str:
    """The same line over several, none longer than `width` where its words are not: each ends as a shell goes on."""
    lines, here = [], ""
    for word in _WORDS.findall(shell):
        if here and len(here) + len(word) + 3 > width:
            lines.append(f"{here} \\")
            here = f"  {word}"
        else:
            here = f"{here} {word}" if here else word
    return "\n".join([*lines, here])


def told(place: Location) -> str:
    """`listOrders (/orders)`: a place by its name, and where that is asked for."""
    name = str(place)
    return f"{line(name)} ({line(place.url)})" if place.url and not place.file and place.url != name else line(name)
