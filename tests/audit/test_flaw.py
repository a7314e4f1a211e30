"""Records that name each other are one flaw; a version that mends one and not the other is no way out."""

from __future__ import annotations

from typing import Any

import pytest

from ninefold.audit.advisory import Advisory, Kind, advisory
from ninefold.audit.finding import Severity
from ninefold.audit.flaw import fixed_in, flaws
from ninefold.audit.manifests.pin import Pin
from ninefold.audit.renown import Exploited, Odds
from ninefold.audit.snapshot import Snapshot

PIN = Pin("lib", "1.0", "requirements.txt", 1, "lib==1.0")
CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
LOW = "CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N"


def record(id_: str, *aliases: str, fixed: str = "2.0", vector: str = "", **more: Any) -> Advisory:
    span = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, *([{"fixed": fixed}] if fixed else [])]}
    affected = {"package": {"ecosystem": "PyPI", "name": "lib"}, "ranges": [span], **more.pop("affected", {})}
    severity = [{"type": "CVSS_V3", "score": vector}] if vector else []
    return advisory(
        {
            "id": id_,
            "aliases": list(aliases),
            "modified": "x",
            "summary": "bad",
            "affected": [affected],
            "severity": severity,
            **more,
        }
    )


def known(**more: Any) -> Snapshot:
    return Snapshot((), {}, **more)


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_records_are_merged_through_a_third_in_whatever_order(order: tuple[int, int, int]) -> None:
    told = [record("GHSA-1", "CVE-2026-1111"), record("PYSEC-1", "SNYK-1"), record("SNYK-1", "CVE-2026-1111")]
    (one,) = flaws([told[at] for at in order], PIN, known())
    assert one.name == "CVE-2026-1111"
    assert set(one.names) == {"CVE-2026-1111", "GHSA-1", "PYSEC-1", "SNYK-1"}


def test_the_worst_comes_first_and_others_stay_apart() -> None:
    told = flaws([record("GHSA-1", vector=LOW), record("GHSA-2", vector=CRITICAL), record("GHSA-3")], PIN, known())
    assert [(one.name, one.severity) for one in told] == [
        ("GHSA-2", Severity.CRITICAL),
        ("GHSA-3", Severity.MEDIUM),
        ("GHSA-1", Severity.LOW),
    ]


def test_what_attackers_use_is_critical_and_says_so() -> None:
    exploited = {"CVE-2026-1111": Exploited("CVE-2026-1111", "2026-11-01", ransomware=True)}
    odds = {"CVE-2026-1111": Odds("CVE-2026-1111", 0.123, 0.957)}
    (one,) = flaws([record("GHSA-1", "CVE-2026-1111", vector=LOW)], PIN, known(exploited=exploited, odds=odds))
    assert one.severity is Severity.CRITICAL
    assert "known to be exploited (CISA KEV since 2026-11-01, by ransomware too)" in one.told
    assert "EPSS 12.3%, percentile 96" in one.told


def test_a_malicious_package_is_critical() -> None:
    assert flaws([record("MAL-2026-1", fixed="")], PIN, known())[0].severity is Severity.CRITICAL


@pytest.mark.parametrize("kind", [Kind.UNMAINTAINED, Kind.NOTICE, Kind.UNSOUND])
def test_what_is_informational_says_so(kind: Kind) -> None:
    one = record("RUSTSEC-1", affected={"database_specific": {"informational": kind.value}})
    assert one.kind("lib", "PyPI") is kind


class TestTheVersionThatMendsAll:
    def test_is_the_least_that_no_record_affects(self) -> None:
        told = [record("A", fixed="1.5"), record("B", fixed="1.10"), record("C", fixed="1.9")]
        assert fixed_in(PIN, told) == "1.10"

    def test_is_none_that_another_record_begins_in(self) -> None:
        events = [{"introduced": "1.5"}, {"fixed": "1.7"}]
        later = record("B", affected={"ranges": [{"type": "ECOSYSTEM", "events": events}]})
        assert fixed_in(PIN, [record("A", fixed="1.5"), later]) == "1.7"

    def test_is_none_where_one_is_mended_nowhere(self) -> None:
        assert fixed_in(PIN, [record("A", fixed="1.5"), record("B", fixed="")]) == ""

    def test_is_not_held_back_by_what_is_no_flaw(self) -> None:
        forever = record("R", fixed="", affected={"database_specific": {"informational": "unmaintained"}})
        assert fixed_in(PIN, [record("A", fixed="1.5"), forever]) == "1.5"
