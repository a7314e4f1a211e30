from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.audit.finding import (
    Audit,
    Confidence,
    Errored,
    Exchange,
    Finding,
    Location,
    Method,
    Passed,
    Severity,
    Skipped,
)
from ninefold.audit.report.formats import FORMATS


def test_the_formats_are_these() -> None:
    assert list(FORMATS) == [
        "terminal",
        "json",
        "sarif",
        "junit",
        "html",
        "markdown",
        "github",
        "gitlab",
        "gitlab-sast",
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_each_makes_text_that_can_be_written_and_is_the_same_every_time(
    name: str, sample: Audit, nothing: Audit
) -> None:
    for audit in (sample, nothing):
        text = FORMATS[name](audit)
        assert text.endswith("\n")
        text.encode()
        assert FORMATS[name](audit) == text


@pytest.mark.parametrize("name", FORMATS)
@given(text=st.text(st.characters(exclude_categories=()), max_size=8))
def test_no_text_in_any_field_breaks_one(name: str, text: str) -> None:
    finding = Finding(
        text, 1, Severity.LOW, Confidence.CONFIRMED, Method.STATIC, text, text, (Location(text, text, text, 1, text),),
        (Exchange(text, text, text), text), text, text, text,
    )  # fmt: skip
    outcomes = (
        finding,
        replace(finding, baselined=True, rule="b"),
        Skipped(text, 2, Method.LIVE, text),
        Errored(text, 3, Method.LIVE, text),
        Passed(text, 4, Method.LIVE, 1),
    )
    FORMATS[name](Audit(text, 0.0, 0.0, 0, text, outcomes, text, text, text)).encode()


@pytest.mark.parametrize("name", FORMATS)
def test_a_megabyte_in_every_field_is_still_a_report(name: str, sample: Audit, hostile: str) -> None:
    """Only JSON and SARIF, for machines, have it whole."""
    huge = (hostile * 20_000)[:1_000_000]
    finding = replace(
        sample.findings[0], title=huge, detail=huge, remedy=huge, excuse=huge, places=(Location(url=huge),),
        evidence=(Exchange("attack", huge, huge, huge), huge),
    )  # fmt: skip
    skipped = Skipped("limits-burst", 6, Method.LIVE, huge)
    text = FORMATS[name](replace(sample, outcomes=(finding, skipped), stale=(huge,)))
    if name not in {"json", "sarif", "junit"}:
        assert len(text) < 2_000_000
