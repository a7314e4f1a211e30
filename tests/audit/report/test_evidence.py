from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ninefold.audit.finding import Exchange, Location
from ninefold.audit.report.evidence import again, answered, asked, broken, summary, told

if TYPE_CHECKING:
    from ninefold.audit.finding import Audit


@pytest.mark.parametrize(
    ("request_", "short"),
    [
        ("GET /orders HTTP/1.1\nHost: a", "GET /orders"),
        ("PRI * HTTP/2", "PRI *"),
        ("TLS 1.0 handshake", "TLS 1.0 handshake"),
        ("", ""),
    ],
)
def test_a_request_in_short_is_its_line_without_its_version(request_: str, short: str) -> None:
    assert asked(Exchange("attack", request_, "")) == short


@pytest.mark.parametrize(
    ("response", "short"),
    [
        ("HTTP/1.1 200\na: b", "200"),
        ("HTTP/2 404 Not Found", "404"),
        ("HTTP/1.1 2000", "HTTP/1.1 2000"),
        ("the connection was closed\n", "the connection was closed"),
        ("", "nothing"),
    ],
)
def test_a_response_in_short_is_its_status_or_its_first_line(response: str, short: str) -> None:
    assert answered(Exchange("attack", "", response)) == short


def test_a_summary_has_the_four_of_a_proof_and_counts_the_rest(sample: Audit) -> None:
    finding = next(one for one in sample.findings if len(one.evidence) == 4)
    assert summary(finding) == "baseline 200, attack 200, control 401, repeat 200"
    assert summary(replace(finding, evidence=finding.evidence * 2)).endswith("repeat 200 and 4 more")
    assert summary(replace(finding, evidence=("a",))) == "1 note"


def test_a_place_is_told_with_where_it_is_asked_for() -> None:
    assert told(Location("listOrders", "/paths/x", url="/orders")) == "listOrders (/orders)"
    assert told(Location(file="a.py", line=3, url="/orders")) == "a.py:3"
    assert told(Location(url="http://a\x00")) == "http://a\\x00"


def test_the_line_of_the_attack_is_the_findings_line(sample: Audit) -> None:
    first, second = Exchange("baseline", "a", "b", "one"), Exchange("attack", "a", "b", "two")
    finding = sample.findings[0]
    assert again(replace(finding, evidence=(first, second))) == "two"
    assert again(replace(finding, evidence=("note", first))) == "one"
    assert again(replace(finding, evidence=("note", Exchange("attack", "a", "b")))) == ""


def test_a_line_is_broken_where_a_shell_goes_on() -> None:
    line = "curl -sS -H \"A: $B c\" -H 'D: e  f' --max-time 15 'http://a/?b=c d'"
    told = broken(line, 24)
    assert told.splitlines() == [
        'curl -sS -H "A: $B c" \\', "  -H 'D: e  f' \\", "  --max-time 15 \\", "  'http://a/?b=c d'",
    ]  # fmt: skip
    assert broken(line, 200) == line
