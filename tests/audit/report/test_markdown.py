from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ninefold.audit.finding import (
    Audit,
    Clause,
    Confidence,
    Exchange,
    Finding,
    Location,
    Method,
    Severity,
    Verdict,
)
from ninefold.audit.report.markdown import MOST, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Rule

WORDS = "@octocat #12 !7 GH-3 ~bug [a](http://evil.example) ![x](y) <img src=x onerror=alert(1)> </details> | `c` **b** www.evil.example $a$ :smile:"


def test_the_golden_report(sample: Audit, rules: tuple[Rule, ...], golden: Callable[[str, str], None]) -> None:
    golden("report.md", render(sample, rules=rules))


def test_score_and_coverage_come_first(sample: Audit) -> None:
    first, _, second, *_ = render(sample).splitlines()
    assert first == "## Ninefold audit: 3 of 9 signs, 3 unknown"
    assert second.startswith("**Score: F, ")
    assert "% checked**" in second


def test_each_sign_is_a_row_with_its_state_in_words(sample: Audit) -> None:
    rows = re.findall(r"^\| (\d) \| .*? \| . (\w+) \|", render(sample), re.MULTILINE)
    assert rows == [("1", "shown"), ("2", "shown"), ("3", "unknown"), ("4", "clear"), ("5", "unknown"),
                    ("6", "unknown"), ("7", "shown"), ("8", "clear"), ("9", "clear")]  # fmt: skip


def test_findings_are_folded_and_every_fold_is_closed(sample: Audit) -> None:
    text = render(sample)
    assert text.count("<details>") == text.count("</details>") == len(sample.findings) + len(sample.notices) + 2


@pytest.mark.parametrize("field", ["title", "detail", "remedy", "excuse", "rule"])
def test_no_word_of_the_api_is_more_than_a_word(sample: Audit, audit_of: Callable[..., Audit], field: str) -> None:
    change: dict[str, Any] = {field: WORDS}
    text = render(audit_of((replace(sample.findings[0], **change),)))
    outside = re.sub(r"`[^`\n]*`|&#\d+;", "", re.sub(r"(`{3,}).*?\1", "", text, flags=re.DOTALL))
    for what in ("<img", "@octocat", "#12", "](", "www.", "http:", "GH-3", "**b**", ":smile:"):
        assert what not in outside, what
    assert text.count("<details>") == text.count("</details>")


def test_what_is_read_back_is_no_mention_either(sample: Audit, audit_of: Callable[..., Audit]) -> None:
    """Hosts look for mentions in the text after references to characters were read."""
    text = render(audit_of((replace(sample.findings[0], detail=WORDS),)))
    read = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), text)
    for what in ("@octocat", "#12", "!7", "GH-3", "~bug"):
        assert what not in read


def test_a_block_is_fenced_by_more_than_is_in_it(sample: Audit, audit_of: Callable[..., Audit]) -> None:
    text = render(audit_of((replace(sample.findings[0], contract="a\n````\n<b>\n"),)))
    assert "`````yaml\na\n````\n<b>\n`````" in text


def test_a_comment_is_never_too_long(sample: Audit, audit_of: Callable[..., Audit]) -> None:
    huge = tuple(replace(sample.findings[0], detail="&" * 100_000, fingerprint=str(at)) for at in range(500))
    text = render(audit_of(huge))
    assert len(text) <= MOST < 65_536
    assert re.search(r"\n\d+ more findings did not fit here", text)
    assert text.count("<details>") == text.count("</details>")


def test_it_has_the_line_that_shows_it_the_clauses_and_the_baseline(
    audit_of: Callable[..., Audit], sample: Audit
) -> None:
    shown: Finding = replace(
        sample.findings[0],
        evidence=(Exchange("attack", "GET / HTTP/1.1", "HTTP/1.1 200", "curl 'http://a/?b=c'"),),
        places=(Location(url="/"),),
        excuse="accepted until 2026-01-01, now counts again (old)",
    )
    clause = Clause("transport", "TLS 1.2", "", "plain | HTTP", Verdict.DRIFT)
    text = render(replace(audit_of((shown,)), clauses=(clause,), stale=("gone",)))
    assert "```sh\ncurl 'http://a/?b=c'\n```" in text
    assert "| transport | TLS 1.2 | - | plain &#124; HTTP | drift |" in text
    assert "now counts again" in text
    assert "fits nothing any more: gone" in text


ALLOWED = {
    "blockquote", "b", "code", "details", "em", "h2", "li", "ol", "p", "pre", "strong", "summary", "table", "tbody", "td",
    "th", "thead", "tr", "ul",
}  # fmt: skip
hostile = st.lists(
    st.sampled_from(
        [*"\n\r\t `~*_#-+=|<>[]()!&;:@.1x\\\"'", "<img src=x>", "</details>", "http://a.b", "```", "&lt;", "](x)"]
    ),
    max_size=12,
).map("".join)


@settings(deadline=None)
@given(hostile, st.sampled_from(["title", "detail", "remedy", "excuse", "rule", "contract", "places", "evidence"]))
def test_a_parser_of_markdown_finds_no_markup_in_it(text: str, field: str) -> None:
    """Nothing but our own elements, each fold closed, and the same outline as with plain words."""
    made = {"places": (Location(url=text),), "evidence": (Exchange(text, text, text, text), text)}
    plain = {"places": (Location(url="x"),), "evidence": (Exchange("x", "x", "x", text and "x"), "x")}
    told, calm = (
        _parsed({field: kind.get(field, word)}) for kind, word in ((made, text), (plain, "x" if text else ""))
    )
    assert told[0] <= ALLOWED
    assert told[1] == calm[1]


def _parsed(change: dict[str, Any]) -> tuple[set[str], tuple[int, ...]]:
    finding = Finding(
        "rule", 1, Severity.LOW, Confidence.CONFIRMED, Method.LIVE, "t", "d", (Location(url="/"),), (), "fix", "", "f"
    )
    audit = Audit("x", 0.0, 0.0, 0, "1", (replace(finding, **change),))
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(render(audit))
    tags = re.findall(r"<(/?)([a-zA-Z!?][\w-]*)", page)
    outline = tuple(sum(name == one for _, name in tags) for one in ("details", "summary", "h2", "table", "tr", "li"))
    return {name for _, name in tags}, outline
