from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ninefold.audit.finding import Clause, Errored, Exchange, Finding, Method, Passed, Verdict
from ninefold.audit.report.terminal import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.finding import Audit
    from ninefold.audit.rule import Rule

STEERING = re.compile(r"\x1b\[[\d;]*m")


@pytest.mark.parametrize("width", [80, 120])
def test_the_golden_report(
    sample: Audit, rules: tuple[Rule, ...], golden: Callable[[str, str], None], width: int
) -> None:
    golden(f"report-{width}.txt", render(sample, rules=rules, width=width))


@pytest.mark.parametrize("width", [40, 80, 120, 300])
def test_no_line_is_wider_than_the_terminal(sample: Audit, rules: tuple[Rule, ...], width: int) -> None:
    assert max(map(len, render(sample, rules=rules, width=width).splitlines())) <= width


def test_the_last_line_is_the_verdict(sample: Audit, clean: Audit, nothing: Audit) -> None:
    last = [render(audit).splitlines()[-1] for audit in (sample, clean, nothing)]
    assert last == ["3 of 9 signs, 3 unknown", "0 of 9 signs", "0 of 9 signs, 9 unknown"]


@pytest.mark.parametrize("width", [80, 120])
def test_each_sign_has_a_line_with_its_state_in_words(sample: Audit, width: int) -> None:
    lines = [line for line in render(sample, width=width).splitlines() if re.match(r"\d  ", line)]
    states = ["shown", "shown", "unknown", "clear", "unknown", "unknown", "shown", "clear", "clear"]
    assert [line[0] for line in lines] == list("123456789")
    assert all(state in line for state, line in zip(states, lines, strict=True))


def test_colour_comes_only_when_asked_for(sample: Audit, rules: tuple[Rule, ...]) -> None:
    plain = render(sample, rules=rules, width=100)
    assert "\x1b" not in plain
    coloured = render(sample, rules=rules, width=100, colour=True)
    bare = "\n".join(line.rstrip() for line in STEERING.sub("", coloured).splitlines())
    assert bare == plain.rstrip("\n")
    assert coloured != plain


def test_the_environment_has_no_say(sample: Audit, rules: tuple[Rule, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    plain = render(sample, rules=rules, width=100, colour=True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("TERM", "dumb")
    assert render(sample, rules=rules, width=100, colour=True) == plain


def test_nothing_of_the_api_steers_the_terminal(sample: Audit, rules: tuple[Rule, ...]) -> None:
    text = STEERING.sub("", render(sample, rules=rules, colour=True))
    assert all(one.isprintable() or one == "\n" for one in text)


def test_markup_of_the_api_is_text(audit_of: Callable[..., Audit]) -> None:
    text = render(audit_of((Errored("a", 1, Method.LIVE, "[bold red]x[/] :smile: [/nothing]"),)))
    assert "[bold red]x[/] :smile: [/nothing]" in text


def test_the_worst_finding_comes_first(sample: Audit, rules: tuple[Rule, ...]) -> None:
    text = render(sample, rules=rules)
    at = [text.index(f" {word} ") for word in ("CRITICAL", "HIGH", "MEDIUM", "INFO")]
    assert at == sorted(at)
    assert "(suspected)" in text


def test_what_was_not_looked_at_is_told_with_its_reason(sample: Audit, clean: Audit) -> None:
    text = render(sample)
    assert text.index("failed   limits-burst") < text.index("skipped  encryption-old-tls")
    assert "needs the running API (--url URL)" in text
    assert "1 finding excused by the baseline" in text
    assert "Not looked at" not in render(clean)


def test_a_rule_of_another_version_is_shown_all_the_same(sample: Audit) -> None:
    assert "rule-of-another-version · sign 1\n" in render(sample)


def test_a_clear_sign_does_not_hide_what_is_excused(sample: Audit) -> None:
    excused = tuple(one for one in sample.outcomes if isinstance(one, Finding) and one.baselined)
    assert excused
    line = next(line for line in render(sample).splitlines() if line.startswith("4  "))
    assert "✓ clear" in line
    assert line.endswith("1 excused")


def test_an_audit_of_nothing_is_still_nine_lines(audit_of: Callable[..., Audit]) -> None:
    assert render(audit_of(())).count("not chosen") == 9
    assert "1 passed" in render(audit_of((Passed("a", 1, Method.LIVE, 1),)), width=80)


def test_the_score_stands_at_the_head_and_at_the_foot(sample: Audit, rules: tuple[Rule, ...]) -> None:
    lines = render(sample, rules=rules).splitlines()
    assert lines[2] == "Score  F, 4 of 100, 80 % checked  (8 of 10 rules that apply)"
    assert lines[-2] == "Score: F, 4 of 100, 80 % checked"


def test_what_is_clear_in_little_is_not_green(clean: Audit) -> None:
    assert "\x1b[1;32m" not in render(clean, colour=True)


def test_the_clauses_the_excuses_and_the_line_for_a_shell_are_told(
    sample: Audit, audit_of: Callable[..., Audit]
) -> None:
    shown = replace(
        sample.findings[0],
        evidence=(Exchange("attack", "GET / HTTP/1.1", "HTTP/1.1 200", "curl -H 'A: b' http://a/"),),
        excuse="accepted until 2026-01-01, now counts again (old)",
    )
    clause = Clause("transport", "TLS 1.2", "", "plain HTTP", Verdict.DRIFT)
    text = render(replace(audit_of((shown,)), clauses=(clause,), stale=("gone",)), width=80)
    assert "again     curl -H 'A: b' http://a/" in text
    assert "now counts again (old)" in text
    assert "1 excuse of the baseline that no finding fits" in text
    assert any(line.startswith("transport") and line.endswith("✗ drift") for line in text.splitlines())
    assert max(map(len, text.splitlines())) <= 80


def test_of_very_many_findings_the_worst_are_told_and_the_rest_is_counted(
    sample: Audit, audit_of: Callable[..., Audit]
) -> None:
    many = tuple(replace(sample.findings[0], fingerprint=str(at)) for at in range(250))
    text = render(audit_of(many))
    assert text.count("  rule      ") == 200
    assert "and 50 more findings, no worse than these; --html and --json have all" in text


def test_on_what_a_pass_rests_is_told(audit_of: Callable[..., Audit]) -> None:
    text = render(audit_of((Passed("a", 4, Method.STATIC, 1, "PyPI 3 records of 2026-11-10"),)), width=80)
    assert "Clear by what was known" in text
    assert "PyPI 3 records of 2026-11-10" in text
    assert "Clear by" not in render(audit_of((Passed("a", 4, Method.STATIC, 1),)), width=80)
