from __future__ import annotations

import base64
import hashlib
import itertools
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from ninefold.audit.finding import Clause, Collected, Errored, Exchange, Location, Method, Passed, Verdict
from ninefold.audit.report.html import render
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ninefold.audit.finding import Audit
    from ninefold.audit.rule import Rule

VOID = {"meta", "br", "img", "link", "input", "rect"}


class Page(HTMLParser):
    """The elements of a page, its text, and whether they are well nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["script"], ["style"]):
            self.words += data

    def all(self, tag: str, style: str = "") -> list[dict[str, str | None]]:
        return [
            attrs for name, attrs in self.tags if name == tag and style in [*(attrs.get("class") or "").split(), ""]
        ]


@pytest.fixture
def page(sample: Audit, rules: tuple[Rule, ...]) -> Page:
    return Page(render(sample, rules=rules))


def test_the_golden_report(sample: Audit, rules: tuple[Rule, ...], golden: Callable[[str, str], None]) -> None:
    golden("report.html", render(sample, rules=rules))


def test_nine_tiles_tell_their_state_in_words(page: Page) -> None:
    states = [
        (attrs["class"] or "").removeprefix("tile ")
        for _, attrs in page.tags
        if (attrs.get("class") or "").startswith("tile ")
    ]
    assert [one[0] for one in states] == list("ssucuuscc")
    assert page.words.count("? unknown") == 3


def test_the_head_tells_what_when_and_how_much(page: Page) -> None:
    for words in ("http://127.0.0.1:8000", "shop/openapi.yaml", "23 November 2026, 13:31 UTC", "5.0 seconds", "1,253 requests",
                  "8 of 10 rules ran", "4 findings, 1 notice, 1 excused", "3 of 9 signs, 3 unknown"):  # fmt: skip
        assert words in page.words


def test_every_finding_has_its_evidence_remedy_lines_and_references(page: Page) -> None:
    assert len(page.all("article", "finding")) == 5
    assert len(page.all("section", "exchange")) == 5
    assert "GET /orders?api_key=[cut] HTTP/1.1" in page.words
    assert "keys:\n  header: X-API-Key" in page.words
    links = {attrs["href"] for attrs in page.all("a") if not (attrs["href"] or "").startswith("#")}
    assert links == {
        "https://owasp.org/API-Security/editions/2023/en/0xa2-broken-authentication/",
        "https://cwe.mitre.org/data/definitions/598.html",
    }
    assert "3 more places" in page.words


def test_what_did_not_run_and_what_is_excused_have_their_sections(page: Page, clean: Audit) -> None:
    headings = {attrs.get("id") for attrs in page.all("h2")}
    assert headings == {"signs", "findings", "missing", "excused", "passed"}
    assert "needs the running API (--url URL)" in page.words
    assert {attrs.get("id") for attrs in Page(render(clean)).all("h2")} == {"signs", "findings", "passed"}


def test_an_audit_without_findings_says_what_that_is_worth(clean: Audit, nothing: Audit, sample: Audit) -> None:
    assert "Every sign was looked at, and none was found." in Page(render(clean)).words
    assert "9 rules ran to their end and found nothing." in Page(render(clean)).words
    blind = Page(render(nothing)).words
    assert "No sign was found, but none could be judged. That is no clean bill." in blind
    assert "No rule ran to its end. What is missing, and why, stands below." in blind
    assert "This API shows three of the nine signs of doing API security wrong; three could not be judged." in (
        Page(render(sample)).words
    )


def test_it_is_green_only_where_enough_was_checked(clean: Audit, audit_of: Callable[..., Audit]) -> None:
    everything = audit_of(tuple(Passed(rule.id, rule.sign, rule.method, 1) for rule in RULES))
    assert len(Page(render(everything)).all("div", "clear")) > 0
    little = Page(render(clean))
    assert not any("clear" in (one.get("class") or "").split() for one in little.all("div", "verdict"))
    assert all("little" in (one.get("class") or "") for one in little.all("div", "tile"))
    assert "what was not checked can only lower the score" in little.words


def test_the_score_and_the_clauses_are_told_in_words(sample: Audit, rules: tuple[Rule, ...]) -> None:
    clause = Clause("transport", "TLS 1.2", "", "<b>plain</b>", Verdict.DRIFT)
    page = Page(render(replace(sample, clauses=(clause,), stale=("gone",)), rules=rules))
    assert [one["aria-label"] for one in page.all("div", "score")] == ["Score: F, 4 of 100, 80 % checked"]
    assert "✗ drift" in page.words
    assert "<b>plain</b>" in page.words
    assert {"clauses", "stale"} <= {one.get("id") for one in page.all("h2")}
    assert "50.0 points taken: critical 50 x confirmed 1 x static 0.8 x 2 places 1.25" in page.words


def test_the_data_that_requests_bring_is_a_table(sample: Audit) -> None:
    places = tuple(Location(operation=f"make{at}") for at in range(5))
    rows = (
        Collected("health", "<i>blood</i>", places, ""),
        Collected("payment", "iban", places[:1], "an answer returns it"),
    )
    page = Page(render(replace(sample, collected=rows)))
    assert "collected" in {one.get("id") for one in page.all("h2")}
    for words in ("<i>blood</i>", "make0, make1, make2 and 2 more", "? nothing shows it", "an answer returns it"):
        assert words in page.words
    assert "collected" not in {one.get("id") for one in Page(render(sample)).all("h2")}


def test_a_line_for_a_shell_is_there_to_copy(sample: Audit, audit_of: Callable[..., Audit]) -> None:
    line = "curl -H 'X: <b>' http://a/"
    shown = replace(sample.findings[0], evidence=(Exchange("attack", "GET / HTTP/1.1", "HTTP/1.1 200", line),))
    page = Page(render(audit_of((shown,))))
    assert page.words.count(line) == 2
    assert len(page.all("button", "copy")) == 3  # the contract's lines too


class TestHostileEvidence:
    def test_is_text_and_nothing_else(self, page: Page) -> None:
        assert len(page.all("script")) == len(page.all("style")) == 1
        assert page.all("img") == []
        assert not any(name.startswith("on") or name == "style" for _, attrs in page.tags for name in attrs)
        assert '<script>document.title="owned"</script>' in page.words
        assert "{{ 7*7 }}" in page.words

    def test_neither_hides_nor_turns_around(self, page: Page) -> None:
        assert "\\x1b[2J\\u202egpj.exe" in page.words
        assert all(one.isprintable() or one in "\n\t" for one in page.words)

    @pytest.mark.parametrize("where", ["rule", "reason"])
    def test_is_text_wherever_it_stands(self, audit_of: Callable[..., Audit], hostile: str, where: str) -> None:
        text = render(audit_of((Errored(hostile if where == "rule" else "a", 1, Method.LIVE, hostile),)))
        page = Page(text)
        assert len(page.all("script")) == 1
        assert page.all("img") == []


class TestThePolicy:
    def test_lets_only_the_one_script_and_the_one_style_run(self, sample: Audit) -> None:
        text = render(sample)
        policy = next(one["content"] or "" for one in Page(text).all("meta") if one.get("http-equiv"))
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        for tag, name in (("script", "script-src"), ("style", "style-src")):
            found = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
            assert found
            digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
            assert f"{name} 'sha256-{digest}'" in policy

    def test_is_the_first_thing_after_the_encoding(self, sample: Audit) -> None:
        assert [name for name, _ in Page(render(sample)).tags][:4] == ["html", "head", "meta", "meta"]

    def test_nothing_is_loaded(self, page: Page) -> None:
        assert not any("src" in attrs for _, attrs in page.tags)
        assert page.all("link") == []


class TestAccessibility:
    def test_headings_leave_out_no_level(self, page: Page) -> None:
        levels = [int(name[1]) for name, _ in page.tags if re.fullmatch(r"h\d", name)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))

    def test_what_is_labelled_by_something_finds_it(self, page: Page) -> None:
        ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
        assert len(ids) == len(set(ids))
        named = {attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs}
        targets = {(attrs["href"] or "")[1:] for attrs in page.all("a") if (attrs["href"] or "").startswith("#")}
        assert named | targets <= set(ids)

    def test_colours_on_their_grounds_are_read_by_weak_eyes(self, sample: Audit) -> None:
        """WCAG 2.2, 1.4.3: 4.5 to 1."""
        style = re.search(r"<style>(.*?)</style>", render(sample), re.DOTALL)
        assert style
        light, dark = (
            dict(re.findall(r"--([\w-]+):(#\w+)", block))
            for block in re.findall(r":root\{(.*?)\}", style[1], re.DOTALL)
        )
        for theme in (light, light | dark):
            pairs = [("ink", "bg"), ("dim", "bg"), ("dim", "card"), ("dim", "code"), ("blue", "card")]
            pairs += [(state, f"{state}-bg") for state in ("shown", "clear", "unknown")]
            pairs += [("dim", f"{state}-bg") for state in ("shown", "clear", "unknown")]
            for ink, ground in pairs:
                assert _contrast(theme[ink], theme[ground]) >= 4.5, (ink, ground)
            for ground in ("critical", "high", "medium", "low", "info"):
                assert _contrast("#ffffff", theme[ground]) >= 4.5, ground


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * one for one in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed (scripts/debian.sh does it)")
def test_in_a_browser_our_script_runs_and_the_evidence_does_not(
    sample: Audit, rules: tuple[Rule, ...], tmp_path: Path
) -> None:
    """The filter, which is hidden without the script, shows; the title, which the evidence would change, stays."""
    report = tmp_path / "report.html"
    report.write_text(render(sample, rules=rules), "utf-8")
    done = subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", report.as_uri(),
        ],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "<title>3 of 9 signs, 3 unknown: http://127.0.0.1:8000</title>" in done.stdout
    assert '<div class="filter" role="group" aria-label="Show findings of">' in done.stdout
    assert "Content Security Policy" not in done.stderr


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed (scripts/debian.sh does it)")
@pytest.mark.parametrize(
    ("search", "by", "left"),
    [
        ("", {}, 5),
        ("SETTINGS.py literal", {}, 1),
        ("nothing-has-this", {}, 0),
        ("", {"sign": "1"}, 3),
        ("", {"confidence": "suspected"}, 1),
        ("", {"method": "static", "sign": "2"}, 1),
        ("query", {"sign": "1"}, 1),
    ],
)
def test_findings_are_narrowed_by_words_and_choices(
    sample: Audit, rules: tuple[Rule, ...], tmp_path: Path, search: str, by: dict[str, str], left: int
) -> None:
    """What a person would do is done by a script after ours; the policy, which would stop it, is taken out for that."""
    does = [f"document.querySelector('input').value = {search!r};"]
    does += [f"document.querySelector('[data-by={name}]').value = {value!r};" for name, value in by.items()]
    does += ["document.querySelector('.narrow').dispatchEvent(new Event('input'));"]
    text = re.sub(r"<meta http-equiv[^>]*>", "", render(sample, rules=rules))
    report = tmp_path / "report.html"
    report.write_text(text.replace("</body>", f"<script>{''.join(does)}</script></body>"), "utf-8")
    done = subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", report.as_uri(),
        ],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    findings = re.findall(r'<article class="finding[^>]*>', done.stdout)
    assert len(findings) == 5
    assert sum(" hidden" not in one for one in findings) == left
    assert ('id="none" hidden' in done.stdout) is (left > 0)
    assert f"{left} finding{'' if left == 1 else 's'} " in done.stdout
