"""Which known flaws count and which do not, for whoever uses the API: VEX as CycloneDX 1.6 in JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from cyclonedx.model import Property, XsUri
from cyclonedx.model.impact_analysis import ImpactAnalysisJustification, ImpactAnalysisState
from cyclonedx.model.vulnerability import (
    BomTarget,
    Vulnerability,
    VulnerabilityAnalysis,
    VulnerabilityRating,
    VulnerabilityReference,
    VulnerabilityScoreSource,
    VulnerabilitySeverity,
    VulnerabilitySource,
)

from ninefold.audit.flaw import fixed_in
from ninefold.audit.report.sbom import bom_components, document, reference, written
from ninefold.audit.vex import UNTIL

if TYPE_CHECKING:
    from ninefold.audit.assess import Assessment, Verdict

_METHODS = {
    "CVSS:4": VulnerabilityScoreSource.CVSS_V4,
    "CVSS:3.1": VulnerabilityScoreSource.CVSS_V3_1,
    "CVSS:3.0": VulnerabilityScoreSource.CVSS_V3,
}
#: OpenVEX's justifications in CycloneDX's words.
_JUSTIFICATIONS = {
    "component_not_present": ImpactAnalysisJustification.CODE_NOT_PRESENT,
    "vulnerable_code_not_present": ImpactAnalysisJustification.CODE_NOT_PRESENT,
    "vulnerable_code_not_in_execute_path": ImpactAnalysisJustification.CODE_NOT_REACHABLE,
    "vulnerable_code_cannot_be_controlled_by_adversary": ImpactAnalysisJustification.CODE_NOT_REACHABLE,
    "inline_mitigations_already_exist": ImpactAnalysisJustification.PROTECTED_BY_MITIGATING_CONTROL,
} | {one.value: one for one in ImpactAnalysisJustification}


def render_vex(done: Assessment, now: float) -> str:
    """One vulnerability a flaw and component, at `now` (Unix seconds).

    It is `in_triage` until somebody says of it `exploitable` or, with a reason, `not_affected`: an audit knows the
    version, and not whether the flaw can be reached.
    """
    parts = bom_components(one.pin for one in done.verdicts)
    bom = document(None, parts.values(), now)
    bom.vulnerabilities = [_vulnerability(one, done) for one in done.verdicts]
    missed = [Property(name="ninefold:unverified", value=done.missed)] if done.missed else []
    bom.properties = [Property(name="ninefold:source", value=done.source), *missed]
    return written(bom)


def _vulnerability(one: Verdict, done: Assessment) -> Vulnerability:
    flaw, best = one.flaw, one.flaw.scored
    fix = fixed_in(one.pin, done.about[one.pin.ecosystem, one.pin.name])
    rating = VulnerabilityRating(
        score=Decimal(str(best.score)) if best.score is not None else None,
        severity=VulnerabilitySeverity(flaw.severity.value),
        method=next((method for head, method in _METHODS.items() if best.vector.startswith(head)), None),
        vector=best.vector or None,
    )
    properties = []
    if one.said and one.said.until:
        properties.append(Property(name=UNTIL, value=one.said.until.isoformat()))
    if flaw.exploited:
        properties.append(Property(name="ninefold:kev", value=flaw.exploited.added))
    if flaw.odds:
        properties.append(Property(name="ninefold:epss", value=f"{flaw.odds.score} {flaw.odds.percentile}"))
    return Vulnerability(
        bom_ref=f"{flaw.name}/{reference(one.pin)}",
        id=flaw.name,
        source=_source(flaw.name),
        references=[VulnerabilityReference(id=name, source=_source(name)) for name in flaw.names[1:]],
        ratings=[rating],
        description=flaw.told,
        recommendation=f"Raise {one.pin.name} to {fix}." if fix else None,
        analysis=_analysis(one),
        affects=[BomTarget(ref=reference(one.pin))],
        properties=properties,
    )


def _source(name: str) -> VulnerabilitySource:
    return VulnerabilitySource(name="OSV", url=XsUri(f"https://osv.dev/vulnerability/{name}"))


def _analysis(one: Verdict) -> VulnerabilityAnalysis:
    if one.said is None:
        return VulnerabilityAnalysis(state=ImpactAnalysisState.IN_TRIAGE)
    if not one.quiet:
        return VulnerabilityAnalysis(state=ImpactAnalysisState.EXPLOITABLE, detail=one.said.told)
    return VulnerabilityAnalysis(
        state=ImpactAnalysisState.NOT_AFFECTED,
        justification=_JUSTIFICATIONS.get(one.said.justification),
        detail=one.said.told,
    )
