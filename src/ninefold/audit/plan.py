"""What an audit will send, told before it does: an announcement, and a rehearsal that sends nothing.

The rehearsal runs the live rules themselves against answers that are made up, so that it cannot fall behind them. A rule goes
on by what it is answered, so an API is played in several ways; what differs between them is told as a range.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ninefold.audit.answer import SAFE
from ninefold.audit.finding import Errored, Method, Skipped
from ninefold.audit.probe import MARK, reach
from ninefold.audit.rehearsal import BEHAVIOURS, Rehearsal
from ninefold.audit.run import audit
from ninefold.audit.survey import Survey

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from ninefold.audit.key import Key
    from ninefold.audit.probe import Limits, Origin, Probe
    from ninefold.audit.rehearsal import Behaviour, Kind
    from ninefold.audit.rule import Rule
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target
    from ninefold.contract.description import Description


_SURVEY = "survey"


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of request: `method` (or `TLS`), the path as the description writes it, and how often at least and at most."""

    method: str
    path: str
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one rule sends, and what for. `reason`: why it sends nothing, however the API is played."""

    rule: str
    purpose: str
    steps: tuple[Step, ...]
    reason: str = ""


def announce(probe: Probe, addresses: Sequence[str] = ()) -> str:
    """What is about to be done to whom, in a few lines. `addresses`: what the host's name was looked up as."""
    limits = probe.limits
    where = f" ({', '.join(addresses)})" if addresses and tuple(addresses) != (probe.origin.host,) else ""
    methods = (
        "any method, for rules may change things (--active)" if probe.active else f"{', '.join(sorted(SAFE))} only"
    )
    return (
        f"audit of {probe.origin}{where}; nothing else is connected to\n"
        f"  at most {limits.budget} requests and TLS handshakes, {limits.rate:g} a second, {limits.total:g} seconds\n"
        f"  {methods}\n"
        f"  each request says User-Agent: {probe.agent} and {MARK}: {probe.run}\n"
    )


def rehearse(target: Target, origin: Origin, rules: Sequence[Rule], limits: Limits) -> tuple[Part, ...]:
    """What the live ones of `rules` would send to `origin`, in their order. Nothing is sent, and no name looked up."""
    live = [one for one in rules if one.method is Method.LIVE]
    runs, reasons = [], []
    for behave in BEHAVIOURS:
        counts, untried = _play(target, origin, live, limits, behave)
        runs.append(counts)
        reasons.append(untried)
    parts = [Part("", "is anybody there?", _steps("", runs))]
    if asked := _steps(_SURVEY, runs):
        parts.append(Part(_SURVEY, "what each operation answers, asked once for all rules", asked))
    for rule in live:
        steps = _steps(rule.id, runs)
        reason = (
            ""
            if steps
            else next((one[rule.id] for one in reasons if rule.id in one), "what was asked before is enough")
        )
        parts.append(Part(rule.id, rule.title, steps, reason))
    return tuple(parts)


def render(parts: Sequence[Part], limits: Limits) -> str:
    """The rehearsal as text: for each rule its purpose, then method, path and how often."""
    lines = ["what would be sent; nothing was, and no name was looked up"]
    for part in parts:
        lines.append(f"{part.rule or 'first'}: {part.purpose}")
        if part.reason:
            lines.append(f"  nothing: {part.reason}")
        for step in part.steps:
            often = f"{step.most}" if step.least == step.most else f"{step.least} to {step.most}, by what is answered"
            lines.append(f"  {step.method} {step.path}  x {often}")
    lines += [
        "Rehearsed with made-up answers: what the API itself answers decides which of these are sent,",
        "and may call for more of the same kind, and for controls at paths that do not exist (`ninefold-...`);",
        f"never for more than {limits.budget} in all.",
    ]
    return "\n".join(lines) + "\n"


def _play(
    target: Target, origin: Origin, rules: Sequence[Rule], limits: Limits, behave: Behaviour
) -> tuple[Counter[Kind], dict[str, str]]:
    """What is sent to an API that behaves so, and why rules were not tried."""
    with TemporaryDirectory() as folder:
        log = Path(folder, "log") if target.log else None
        if log:
            log.touch()
        probe = Rehearsal(target, origin, limits=limits, behave=behave, log=log)
        survey = _Survey(probe, target.description, target.keys)
        probe.base = survey.base
        reach(probe)

        def told(rule: Rule) -> None:
            probe.rule = rule.id

        done = audit(replace(target, log=log).at(str(origin), probe, survey), rules, told=told)
    return probe.counts, {one.rule: one.reason for one in done.outcomes if isinstance(one, Skipped | Errored)}


class _Survey(Survey):
    """A survey whose requests are nobody's: whichever rule is the first to need them does not ask them for itself."""

    def __init__(self, probe: Rehearsal, description: Description | None, keys: tuple[Key, ...]) -> None:
        super().__init__(probe, description, keys)
        self._rehearsal = probe

    def _ask_all(self) -> tuple[Call, ...]:
        rule, self._rehearsal.rule = self._rehearsal.rule, _SURVEY
        try:
            return super()._ask_all()
        finally:
            self._rehearsal.rule = rule


def _steps(rule: str, runs: Sequence[Counter[Kind]]) -> tuple[Step, ...]:
    kinds = dict.fromkeys(kind for run in runs for kind in run if kind.rule == rule)
    often = {kind: [run[kind] for run in runs] for kind in kinds}
    return tuple(Step(kind.method, kind.path, min(counts), max(counts)) for kind, counts in often.items())
