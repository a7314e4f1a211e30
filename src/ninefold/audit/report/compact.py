"""A finding on one line, for where lines are read: a hook, a test's failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.audit.finding import Confidence
from ninefold.audit.report.text import line

if TYPE_CHECKING:
    from ninefold.audit.finding import Finding

#: Most characters of what was found, and of what to do.
DETAIL, REMEDY = 400, 300


def compact(finding: Finding, where: str = "") -> str:
    """`place: severity rule: detail; fix: remedy`. `where` stands in place of the finding's first place."""
    place = line(where or str(finding.places[0]) or "the API")
    doubt = "" if finding.confidence is Confidence.CONFIRMED else f" ({finding.confidence})"
    return (
        f"{place}: {finding.severity}{doubt} {finding.rule}: "
        f"{line(finding.detail, DETAIL)} fix: {line(finding.remedy, REMEDY)}"
    )
