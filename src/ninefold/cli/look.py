"""One API looked at, and several: from what the command line or a fleet file says of it to the finished audit."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ninefold.audit import alerts as alerting
from ninefold.audit import plan
from ninefold.audit.again import Shell, variables
from ninefold.audit.baseline import read_baseline
from ninefold.audit.dial import Dial
from ninefold.audit.finding import Audit, Errored
from ninefold.audit.fleet import Api, Fleet
from ninefold.audit.inputs.content import GRAPHQL
from ninefold.audit.inputs.name import is_url
from ninefold.audit.inputs.published import REQUESTS, search
from ninefold.audit.inputs.read import described
from ninefold.audit.key import Key, parse_key
from ninefold.audit.probe import Limits, Origin, Probe, parse_origin, reach, trust
from ninefold.audit.rule import Needs, Rule
from ninefold.audit.run import audit
from ninefold.audit.supply import Supply
from ninefold.audit.survey import Survey
from ninefold.audit.target import Target
from ninefold.cli.screen import Progress, printable
from ninefold.contract.describe import describe
from ninefold.contract.openapi import read
from ninefold.errors import FileError, Place, ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ninefold.audit.alerts import Channel
    from ninefold.audit.baseline import Excuse
    from ninefold.contract.description import Description
    from ninefold.contract.load import LoadedContract

_DESCRIBED = frozenset({Needs.DESCRIPTION, Needs.REQUESTS, Needs.FLOWS, Needs.OPERATIONS})


@dataclass(frozen=True, slots=True)
class Given:
    """What holds for every API. `now` is Unix seconds, `asked` are the rules that were named.

    `metadata`: leave to ask addresses that hand out a machine's credentials. What follows it is of a single API:
    `contract` is what it is to keep, `user` the name of an account, `expired` and `revoked` credentials as `--key` has them,
    `alerts` where its alerts arrive.
    """

    now: float
    advisories: Path | None
    active: bool
    limits: Limits
    asked: frozenset[str]
    origins: tuple[str, ...] = ()
    metadata: bool = False
    supply: Supply = field(default_factory=Supply)
    contract: LoadedContract | None = None
    user: str = ""
    expired: str = ""
    revoked: str = ""
    alerts: Channel | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """The whole fleet, and of each API's audit what its exit code is made from."""

    fleet: Fleet
    each: tuple[tuple[Audit, tuple[Rule, ...], Target], ...]


def look_at(given: Given, api: Api, rules: Sequence[Rule]) -> tuple[Audit, Target]:
    """One API, audited. Raises what reading its description, reaching it, or a file of it may raise."""
    excuses = read_baseline(Path(api.baseline)) if api.baseline else {}
    target = _target(given, api)
    if not api.url:
        return _audited(given, target, rules, excuses), target
    listening = alerting.opened(given.alerts, given.now) if given.alerts else nullcontext()
    with _probe(given, api, target) as probe, listening as alerts:
        click.echo(printable(plan.announce(probe, _addresses(probe.dial))), err=True, nl=False)
        reach(probe)
        if target.description is None:
            found = search(probe, next(iter(target.keys), None))
            callers = _keys(api.keys, api.headers, found.description)
            target = replace(target, description=found.description, undescribed=found.reason, keys=callers)
            probe.secrets = _secrets(target)
        target = replace(target, alerts=alerts).at(api.url, probe, Survey(probe, target.description, target.keys))
        with _interruptible(active=given.active):
            return _audited(given, target, rules, excuses), target


def _audited(given: Given, target: Target, rules: Sequence[Rule], excuses: Mapping[str, Excuse]) -> Audit:
    progress = Progress(len(rules))
    try:
        return audit(target, rules, asked=given.asked, excuses=excuses, told=lambda rule: progress.step(rule.id))
    finally:
        progress.end()


@contextmanager
def _interruptible(*, active: bool) -> Iterator[None]:
    """SIGTERM ends what is in it like Ctrl-C, so that what the audit made is removed first; what could not be is told."""
    changes = active and threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _stop) if changes else None
    try:
        yield
    except BaseException as fault:
        for note in getattr(fault, "__notes__", ()):
            click.echo(note, err=True)
        raise
    finally:
        if changes:
            signal.signal(signal.SIGTERM, before)


def _stop(number: int, _: object) -> None:
    raise SystemExit(128 + number)


def rehearse(given: Given, api: Api, rules: Sequence[Rule]) -> str:
    """What would be sent to one API, rule by rule, told for a terminal; nothing is sent to it."""
    target = _target(given, api)
    probe = _probe(given, api, target)
    probe.dial.check_name()
    target = replace(target, alerts=alerting.silent() if given.alerts else None)
    parts = plan.rehearse(target, probe.origin, rules, probe.limits)
    looked = "" if target.description else f"First it looks for a description: up to {REQUESTS} GET requests.\n"
    return printable(plan.announce(probe) + looked + plan.render(parts, probe.limits))


def _target(given: Given, api: Api) -> Target:
    """What was given of the API, without its running self."""
    first = next(iter(_keys(api.keys, api.headers, None)), None)
    description = (
        described(
            api.description,
            agent=_agent(),
            trusted=partial(trust, _authority(api)),
            graphql=api.graphql or GRAPHQL,
            origin=_origin(api.url) if api.url else None,
            key=first,
        )
        if api.description
        else None
    )
    contract = given.contract
    if contract and not description:
        description = read(describe(contract, api.url), str(contract.path))
    expired, revoked = (
        _keys((one,), api.headers, description)[0] if one else None for one in (given.expired, given.revoked)
    )
    allowed = contract.contract.origins.allow if contract else ()
    return Target(
        now=given.now,
        description=description,
        source=Path(api.source) if api.source else None,
        log=Path(api.log) if api.log else None,
        keys=_keys(api.keys, api.headers, description),
        advisories=given.advisories,
        supply=given.supply,
        active=given.active,
        expired=expired,
        revoked=revoked,
        origins=tuple(dict.fromkeys((*given.origins, *map(str, allowed)))),
        contract=contract,
        derived=contract is not None and not api.description,
        user=given.user,
        graphql=api.graphql,
    )


def _probe(given: Given, api: Api, target: Target) -> Probe:
    origin = _origin(api.url)
    return Probe(
        origin,
        agent=_agent(),
        context=trust(_authority(api)),
        limits=given.limits,
        secrets=_secrets(target),
        active=given.active,
        dial=Dial(origin.host, origin.port, leave=given.metadata),
        shell=Shell(variables(target.keys, target.expired, target.revoked), authority=bool(api.authority)),
    )


def _agent() -> str:
    return f"ninefold-audit/{version('ninefold')}"


def _authority(api: Api) -> Path | None:
    return Path(api.authority) if api.authority else None


def _addresses(dial: Dial) -> tuple[str, ...]:
    try:
        return dial.addresses()
    except OSError as fault:
        raise ServiceError(
            f"{dial.host} cannot be looked up ({fault.strerror or fault})", remedy="mend --url"
        ) from None


def look_at_all(given: Given, apis: Sequence[Api], rules: Sequence[Rule]) -> Looked:
    """Each of several APIs, and then all of them together. One that cannot be reached ends none of the others."""
    among = tuple(rule for rule in rules if Needs.FLEET in rule.needs)
    single = tuple(rule for rule in rules if Needs.FLEET not in rule.needs)
    for api in apis:
        for path in (api.source, api.log, api.authority):
            if path and not Path(path).exists():
                raise FileError("is not there", place=Place(path), remedy=f"mend what the fleet says of {api.name}")
    each = [_reached(given, api, single) for api in apis]
    descriptions = tuple(target.description for _, target in each if target.description)
    together = audit(Target(now=given.now, fleet=descriptions), among, asked=given.asked)
    named = replace(together, target=", ".join(api.name for api in apis))
    fleet = Fleet(tuple((api.name, done) for api, (done, _) in zip(apis, each, strict=True)), named)
    return Looked(fleet, tuple((done, single, target) for done, target in each) if single else ())


def _reached(given: Given, api: Api, rules: Sequence[Rule]) -> tuple[Audit, Target]:
    """The audit; where the API or its description cannot be reached, the rules that need it have failed, the rest ran."""
    try:
        return look_at(given, api, rules)
    except ServiceError as fault:
        fetched = bool(api.description) and is_url(api.description)
        bare = replace(api, url="", description="" if fetched else api.description)
        failed = {
            rule.id: Errored(rule.id, rule.sign, rule.method, fault.what)
            for rule in rules
            if (api.url and Needs.URL in rule.needs) or (fetched and _DESCRIBED & set(rule.needs))
        }
        done, target = look_at(given, bare, [rule for rule in rules if rule.id not in failed])
        outcomes = (*failed.values(), *done.outcomes)
        return replace(done, outcomes=outcomes, url=api.url, target=f"{api.url} {done.target}".strip()), target


def worst(codes: Iterable[int]) -> int:
    """Of several exit codes: something was found, else something is missing, else neither."""
    told = set(codes)
    return next((code for code in (1, 2) if code in told), 0)


def _secrets(target: Target) -> tuple[str, ...]:
    return tuple(secret for key in (*target.keys, target.expired, target.revoked) if key for secret in key.secrets)


def _origin(url: str) -> Origin:
    try:
        return parse_origin(url)
    except ValueError as fault:
        raise click.BadParameter(str(fault), param_hint="--url") from None


def allowed(origin: str) -> str:
    """An origin of `--origin` as browsers send it. Raises `BadParameter` for what is none."""
    try:
        known = parse_origin(origin)
    except ValueError as fault:
        raise click.BadParameter(str(fault), param_hint="--origin") from None
    if known.base:
        raise click.BadParameter(f"{origin!r} has a path; give scheme, host and port only", param_hint="--origin")
    return str(known)


def _keys(keys: tuple[str, ...], headers: tuple[str, ...], api: Description | None) -> tuple[Key, ...]:
    fields: list[tuple[str, str]] = []
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip() or not value.strip():
            raise click.BadParameter("write it as 'NAME: VALUE'", param_hint="--header")
        fields.append((name.strip(), value.strip()))
    if keys:
        return tuple(parse_key(_read_key(one), api, tuple(fields)) for one in keys)
    return (Key("header", *fields[0], tuple(fields[1:])),) if fields else ()


def _read_key(text: str) -> str:
    if not text.startswith("@"):
        return text
    path = Path(text[1:])
    try:
        value = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise FileError(
            f"the key cannot be read ({fault})", place=Place(str(path)), remedy="mend --key @FILE"
        ) from None
    if not value or "\n" in value:
        raise FileError("the file must hold one key on one line", place=Place(str(path)), remedy="mend --key @FILE")
    return value
