from __future__ import annotations

import json
from dataclasses import fields
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ninefold.audit.finding import (
    Audit,
    Clause,
    Collected,
    Confidence,
    Errored,
    Exchange,
    Finding,
    Location,
    Method,
    Passed,
    Severity,
    Skipped,
    Verdict,
)
from ninefold.audit.report.json_v1 import read, render
from ninefold.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Rule

SCHEMA = json.loads((files("ninefold.audit.report") / "json_v1.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)

words = st.text(max_size=20)
signs = st.integers(1, 9)
numbers = st.integers(0, 2**53)
methods = st.sampled_from(Method)
locations = st.builds(Location, words, words, words, numbers, words)
findings = st.builds(
    Finding,
    rule=words,
    sign=signs,
    severity=st.sampled_from(Severity),
    confidence=st.sampled_from(Confidence),
    method=methods,
    title=words,
    detail=words,
    places=st.lists(locations, max_size=3).map(tuple),
    evidence=st.lists(words | st.builds(Exchange, words, words, words, words), max_size=3).map(tuple),
    remedy=words,
    contract=words,
    fingerprint=words,
    baselined=st.booleans(),
    excuse=words,
)
outcomes = st.one_of(
    findings,
    st.builds(Skipped, words, signs, methods, words, st.booleans(), st.booleans()),
    st.builds(Errored, words, signs, methods, words),
    st.builds(Passed, words, signs, methods, numbers),
)
audits = st.builds(
    Audit,
    target=words,
    started=st.floats(0, 2**32),
    took=st.floats(0, 1e6),
    requests=numbers,
    ninefold=words,
    outcomes=st.lists(outcomes, max_size=6).map(tuple),
    url=words,
    description=words,
    source=words,
    clauses=st.lists(
        st.builds(Clause, words, words, words, words, st.sampled_from(Verdict), st.lists(words, max_size=2).map(tuple)),
        max_size=2,
    ).map(tuple),
    stale=st.lists(words, max_size=2).map(tuple),
    collected=st.lists(
        st.builds(Collected, words, words, st.lists(locations, max_size=2).map(tuple), words), max_size=2
    ).map(tuple),
)


@given(audits)
def test_what_was_rendered_is_read_back(audit: Audit) -> None:
    assert read(render(audit)) == audit


@given(audits)
def test_every_report_keeps_to_the_schema(audit: Audit) -> None:
    VALIDATOR.validate(json.loads(render(audit)))


def test_the_schema_is_one_and_has_every_field() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    kinds = {"finding": Finding, "skipped": Skipped, "errored": Errored, "passed": Passed}
    for name, kind in kinds.items():
        assert set(SCHEMA["$defs"][name]["required"]) == {"kind"} | {one.name for one in fields(kind)}
    assert {one.name for one in fields(Audit)} - {"notes", "collected"} <= set(
        SCHEMA["required"]
    )  # where there are any
    assert {"notes", "collected"} <= set(SCHEMA["properties"])


def test_the_golden_report(sample: Audit, rules: tuple[Rule, ...], golden: Callable[[str, str], None]) -> None:
    text = render(sample, rules=rules)
    VALIDATOR.validate(json.loads(text))
    golden("report.json", text)


def test_the_rules_that_are_named_are_told_and_no_others(sample: Audit, rules: tuple[Rule, ...]) -> None:
    told = json.loads(render(sample, rules=rules))["rules"]
    assert [one["id"] for one in told] == [rule.id for rule in rules]
    assert told[0]["cwe"] == "CWE-598"
    assert json.loads(render(sample, rules=rules[:1]))["rules"] == told[:1]


def test_a_name_that_is_no_text_is_written_as_its_escape(audit_of: Callable[..., Audit]) -> None:
    audit = audit_of((Errored("a", 1, Method.LIVE, "caf\udce9.py"),))
    assert read(render(audit)).outcomes == (Errored("a", 1, Method.LIVE, "caf\\udce9.py"),)


def test_members_of_later_reports_of_this_version_are_passed_over(sample: Audit) -> None:
    document = json.loads(render(sample))
    document["later"] = 1
    document["outcomes"][0]["later"] = {"a": []}
    assert read(json.dumps(document)) == sample


def _with(sample: Audit, **changes: Any) -> str:
    return json.dumps(json.loads(render(sample)) | changes)


class TestWhatIsNoReport:
    def test_no_json_is_told_with_its_line_and_column(self) -> None:
        with pytest.raises(FileError, match="no JSON") as told:
            read('{"format":\n  oops}', "before.json")
        assert str(told.value.place) == "before.json:2:3"
        assert "--json FILE" in told.value.remedy

    @pytest.mark.parametrize(
        "text", [b"\xff\xfe", b"[1]", b'"a"', b"null", b"", b"{}", b'{"format": 1}', b"[" * 100_000]
    )
    def test_anything_else_is_told_too(self, text: bytes) -> None:
        with pytest.raises(FileError):
            read(text, "before.json")

    def test_another_version_is_named(self, sample: Audit) -> None:
        with pytest.raises(FileError, match=r"ninefold\.audit/2"):
            read(_with(sample, format="ninefold.audit/2"))

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"started": -1}, r"\$\.started"),
            ({"started": 1e18}, r"\$\.started"),
            ({"requests": "many"}, r"\$\.requests"),
            ({"outcomes": [{"kind": "rumour", "sign": 1}]}, r"\$\.outcomes\[0\]"),
            ({"outcomes": [{"kind": "passed", "sign": 10}]}, r"\$\.outcomes\[0\]"),
            ({"outcomes": [{"kind": "passed", "sign": 1, "rule": "a", "method": "guess", "looked_at": 1}]}, "guess"),
            ({"outcomes": 1}, r"\$\.outcomes"),
        ],
    )
    def test_a_wrong_value_is_told_with_its_place(self, sample: Audit, change: dict[str, Any], told: str) -> None:
        with pytest.raises(FileError, match=told):
            read(_with(sample, **change))
