"""The pytest plugin: a fixture `ninefold` that audits an API in a test.

    def test_api(ninefold):
        ninefold.audit(description="openapi.yaml", url="http://127.0.0.1:8000", keys=["..."]).check(fail_on="medium")

`app=` in place of `url=` serves an ASGI or WSGI application of this process on loopback and audits that. Nothing but pytest is
imported before the fixture is used.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ninefold.audit.finding import Audit
    from ninefold.audit.probe import Limits
    from ninefold.audit.rule import Rule
    from ninefold.audit.target import Target

#: Rules about what stands in front of an application: one that is served on loopback, for the test, has nothing there.
TRANSPORT = frozenset(
    {
        "encryption-plain-http",
        "encryption-old-tls",
        "encryption-weak-suite",
        "encryption-certificate",
        "encryption-hsts",
        "keys-over-plain-http",
    }
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("ninefold_description", "The API description that `ninefold.audit()` takes, from the root directory.")
    parser.addini("ninefold_baseline", "Findings that were accepted: a baseline of `ninefold audit`.")


@pytest.fixture
def ninefold(pytestconfig: pytest.Config) -> Auditor:
    """Audits an API: `ninefold.audit(description=..., url=...).check(fail_on="medium")`."""
    return Auditor(
        pytestconfig.rootpath,
        str(pytestconfig.getini("ninefold_description") or ""),
        str(pytestconfig.getini("ninefold_baseline") or ""),
    )


@dataclass(frozen=True, slots=True)
class Audited:
    """A finished audit. `audit` has all of its outcomes."""

    audit: Audit
    _rules: tuple[Rule, ...]
    _target: Target

    def check(self, fail_on: str = "low", *, complete: bool = True) -> None:
        """Fail the test if something of at least this severity was found; with `complete`, also if something that was
        meant to be checked could not be.
        """
        __tracebackhide__ = True
        from ninefold.audit.finding import Errored, Severity, Skipped  # noqa: PLC0415
        from ninefold.audit.report.card import ordered  # noqa: PLC0415
        from ninefold.audit.report.compact import compact  # noqa: PLC0415
        from ninefold.audit.report.text import count, line  # noqa: PLC0415
        from ninefold.cli.audit import exit_code  # noqa: PLC0415

        try:
            least = Severity(fail_on)
        except ValueError:
            raise _failure(f"there is no severity {fail_on!r}; there are: {', '.join(Severity)}") from None
        if found := [one for one in ordered(self.audit) if one.severity.rank >= least.rank]:
            raise _failure("\n".join((f"{count(len(found), 'finding')} of at least {least}", *map(compact, found))))
        if complete and exit_code(self.audit, self._rules, self._target, least) == 2:
            missed = [
                f"{one.rule}: {line(one.reason)}"
                for one in self.audit.outcomes
                if isinstance(one, Errored) or (isinstance(one, Skipped) and (one.asked or not self._lacks(one.rule)))
            ]
            raise _failure("\n".join(("nothing was found, and not all could be checked", *missed)))

    def _lacks(self, rule: str) -> bool:
        return any(one.id == rule and bool(self._target.lacks(one.needs)) for one in self._rules)


@dataclass(frozen=True, slots=True)
class Auditor:
    """What the fixture gives. Relative paths are taken from `root`; the other two are the ini file's, empty if it has none."""

    root: Path
    description: str = ""
    baseline: str = ""

    def audit(
        self,
        *,
        description: str | Path | None = None,
        url: str | None = None,
        app: Any = None,
        source: str | Path | None = None,
        log: str | Path | None = None,
        advisories: str | Path | None = None,
        keys: Sequence[str] = (),
        authority: str | Path | None = None,
        baseline: str | Path | None = None,
        rules: Sequence[str] = (),
        without: Sequence[str] = (),
        active: bool = False,
        budget: int = 600,
        rate: float = 200.0,
        seconds: float = 300.0,
    ) -> Audited:
        """Audit what is given, as `ninefold audit` does with the options of these names.

        `rules` are the only ones that run, `without` are left out; of an `app` those in `TRANSPORT` are left out as well.
        The test fails where the audit cannot be made.
        """
        __tracebackhide__ = True
        import time  # noqa: PLC0415
        from contextlib import nullcontext  # noqa: PLC0415

        from ninefold.audit.baseline import read_baseline  # noqa: PLC0415
        from ninefold.audit.key import parse_key  # noqa: PLC0415
        from ninefold.audit.probe import Limits  # noqa: PLC0415
        from ninefold.audit.run import audit  # noqa: PLC0415
        from ninefold.audit.target import Target  # noqa: PLC0415
        from ninefold.contract.openapi import load  # noqa: PLC0415
        from ninefold.errors import NinefoldError  # noqa: PLC0415
        from ninefold.loopback import served  # noqa: PLC0415

        if url is not None and app is not None:
            raise _failure("give url= or app=, not both")
        told, accepted = self._path(description or self.description), self._path(baseline or self.baseline)
        if not (told or url or app is not None or source):
            raise _failure("there is nothing to look at; give description=, url=, app= or source=")
        chosen = _chosen(rules, {*without, *(TRANSPORT.difference(rules) if app is not None else ())})
        try:
            api = load(told) if told else None
            target = Target(
                now=time.time(),
                description=api,
                source=self._path(source),
                log=self._path(log),
                advisories=self._path(advisories),
                keys=tuple(parse_key(one, api) for one in keys),
                active=active,
            )
            excuses = read_baseline(accepted) if accepted else {}
            with (
                served(app) if app is not None else nullcontext(url) as at,
                _reached(target, at, Limits(budget, rate, seconds), self._path(authority)) as whole,
            ):
                return Audited(audit(whole, chosen, asked=frozenset(rules), excuses=excuses), chosen, whole)
        except (NinefoldError, ValueError) as fault:  # what is no URL is a ValueError
            raise _failure(str(fault)) from None

    def _path(self, told: str | Path | None) -> Path | None:
        return self.root / told if told else None


@contextmanager
def _reached(target: Target, url: str | None, limits: Limits, authority: Path | None) -> Iterator[Target]:
    """The target, with the API that answers at `url` if there is one."""
    from importlib.metadata import version  # noqa: PLC0415

    from ninefold.audit.probe import Probe, parse_origin, reach, trust  # noqa: PLC0415
    from ninefold.audit.survey import Survey  # noqa: PLC0415

    if url is None:
        yield target
        return
    secrets = tuple(secret for key in target.keys for secret in key.secrets)
    agent = f"ninefold-audit/{version('ninefold')}"
    context, active = trust(authority), target.active
    with Probe(parse_origin(url), agent=agent, context=context, limits=limits, secrets=secrets, active=active) as probe:
        reach(probe)
        yield target.at(url, probe, Survey(probe, target.description, target.keys))


def _chosen(named: Sequence[str], without: set[str]) -> tuple[Rule, ...]:
    __tracebackhide__ = True
    from ninefold.audit.signs.order import RULES  # noqa: PLC0415

    if unknown := sorted({*named, *without} - {rule.id for rule in RULES}):
        raise _failure(f"there is no rule {unknown[0]!r}; docs/rules.md has them all")
    return tuple(rule for rule in RULES if (not named or rule.id in named) and rule.id not in without)


def _failure(reason: str) -> BaseException:
    """The outcome of a test that failed, told without a traceback."""
    return pytest.fail.Exception(f"ninefold: {reason}", pytrace=False)
