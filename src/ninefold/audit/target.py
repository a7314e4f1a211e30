"""What an audit looks at: whatever of an API was given."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from ninefold.audit.rule import Left, Needs
from ninefold.audit.source import modules, paths
from ninefold.audit.supply import Supply
from ninefold.contract.description import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from ninefold.audit.alerts import Alerts
    from ninefold.audit.code.read import Sights
    from ninefold.audit.finding import Outcome
    from ninefold.audit.key import Key
    from ninefold.audit.probe import Probe
    from ninefold.audit.source import Module
    from ninefold.audit.survey import Survey
    from ninefold.contract.description import Description
    from ninefold.contract.load import LoadedContract


T = TypeVar("T")

#: Most bytes of Python whose syntax trees are kept from one rule to the next; a tree takes some forty times its source.
KEPT = 6 * 1024 * 1024

#: Most files that are named as not read.
LEFT = 20


#: What a description of each kind is enough for.
_TELLS = {
    Kind.OPENAPI: {Needs.DESCRIPTION, Needs.REQUESTS, Needs.FLOWS, Needs.OPERATIONS},
    Kind.POSTMAN: {Needs.REQUESTS, Needs.OPERATIONS},
    Kind.HAR: {Needs.REQUESTS, Needs.OPERATIONS},
    Kind.ROUTES: {Needs.OPERATIONS},
    Kind.GRAPHQL: set[Needs](),
}
_LITTLE = {
    Kind.POSTMAN: "shows examples, which promise nothing",
    Kind.HAR: "shows examples, which promise nothing",
    Kind.ROUTES: "say nothing of credentials, schemas and answers",
    Kind.GRAPHQL: "says nothing of HTTP: credentials, limits and answers",
}


@dataclass(frozen=True, slots=True)
class Target:
    """`now` is Unix seconds. `origins` (RFC 6454) are meant to be allowed across origins. `probe` and `survey` are
    there when `url` is; rules that need them say `Needs.URL`. `ended` has the outcomes, by rule, of the rules that ran
    before. `derived`: the description was made from the contract, and says nothing of its own.

    `user` is the name of an account that may be tried with a wrong secret, or empty.

    `graphql` is the path of a GraphQL API as it was given. `undescribed` says why there is no description although one
    was looked for. `fleet` are the descriptions of several APIs, for rules that say `Needs.FLEET`.
    `alerts` is where the API's alerts arrive while the audit runs.
    """

    now: float
    description: Description | None = None
    source: Path | None = None
    url: str = ""
    log: Path | None = None
    keys: tuple[Key, ...] = ()
    advisories: Path | None = None
    supply: Supply = field(default_factory=Supply)
    active: bool = False
    expired: Key | None = None
    revoked: Key | None = None
    origins: tuple[str, ...] = ()
    contract: LoadedContract | None = None
    derived: bool = False
    ended: Mapping[str, tuple[Outcome, ...]] = field(default_factory=dict)
    user: str = ""
    graphql: str = ""
    undescribed: str = ""
    fleet: tuple[Description, ...] = ()
    alerts: Alerts | None = None
    _probe: Probe | None = None
    _survey: Survey | None = None
    _kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def at(self, url: str, probe: Probe, survey: Survey) -> Target:
        """The same target with a running API."""
        return replace(self, url=url, _probe=probe, _survey=survey)

    @property
    def probe(self) -> Probe:
        """The only thing that sends."""
        assert self._probe is not None
        return self._probe

    @property
    def survey(self) -> Survey:
        """What the API answers to its own operations, asked once for all rules."""
        assert self._survey is not None
        return self._survey

    @property
    def api(self) -> Description:
        """The description, for rules that say `Needs.DESCRIPTION`."""
        assert self.description is not None
        return self.description

    @property
    def tree(self) -> Path:
        """The source, for rules that say `Needs.SOURCE`."""
        assert self.source is not None
        return self.source

    @property
    def code(self) -> Sights:
        """What the source in other languages than Python shows: read once, for all rules that say `Needs.SOURCE`."""
        from ninefold.audit.code.read import sights  # noqa: PLC0415  # its grammars take long to load

        return self.once("code", lambda: sights(self.tree))

    @property
    def modules(self) -> Iterable[Module]:
        """The source's Python modules: parsed once for all rules, unless they are too many to keep."""
        known: Iterable[Module] | None = self._kept.get("modules")
        if known is not None:
            return known
        if sum(path.stat().st_size for path in paths(self.tree, ".py")) > KEPT:
            return modules(self.tree, self._missed)
        return self.once("modules", lambda: tuple(modules(self.tree, self._missed)))

    @property
    def left(self) -> tuple[Left, ...]:
        """What of the source was not read; of Python, as far as its modules have been asked for."""
        python = tuple(Left(f"not read: {name} ({why})", missed=True) for name, why in sorted(self._missed.items()))
        return (*python[:LEFT], *self.code.left)

    @property
    def _missed(self) -> dict[str, str]:
        return self.once("missed", dict)

    def once(self, name: str, look: Callable[[], T]) -> T:
        """What `look` gives: asked once, and kept for the rules that share it."""
        if name not in self._kept:
            self._kept[name] = look()
        kept: T = self._kept[name]
        return kept

    def known(self, name: str) -> Any:
        """What `once` gave by this name; None: it was not asked."""
        return self._kept.get(name)

    def _told(self) -> set[Needs]:
        """What of needs for a description the one that is there is enough for."""
        if self.description is None:
            return set()
        flows = any(one.kind == "oauth2" for one in self.description.schemes.values())
        return _TELLS[self.description.kind] | ({Needs.FLOWS} if flows else set())

    def lacks(self, needs: tuple[Needs, ...]) -> tuple[Needs, ...]:
        """What of these was not given."""
        told = self._told()
        given = {
            **{need: need in told for need in _TELLS[Kind.OPENAPI]},
            Needs.FLEET: len(self.fleet) > 1,
            Needs.SOURCE: self.source is not None,
            Needs.URL: self._probe is not None,
            Needs.LOG: self.log is not None,
            Needs.ALERTS: self.alerts is not None,
            Needs.KEY: len(self.keys) > 0,
            Needs.KEYS: len({key.value for key in self.keys}) > 1,
            Needs.EXPIRED: self.expired is not None,
            Needs.REVOKED: self.revoked is not None,
            Needs.ADVISORIES: self.advisories is not None,
            Needs.CONTRACT: self.contract is not None,
            Needs.ACTIVE: self.active,
            Needs.COMPONENTS: self.source is not None or self.supply.sbom is not None,
            Needs.REGISTRY: self.supply.registries is not None,
        }
        return tuple(need for need in needs if not given[need])

    def reason(self, missing: tuple[Needs, ...]) -> str:
        """Why a rule that lacks these did not run, as the report says it."""
        said = f"needs {' and '.join(missing)}"
        if not _TELLS[Kind.OPENAPI] & set(missing):
            return said
        if self.description:
            kind = self.description.kind
            more = "".join(f" and {one}" for one in missing if one not in _TELLS[Kind.OPENAPI])
            return f"needs an OpenAPI description{more}; {kind} {_LITTLE[kind]}"
        return f"{said}; the API publishes none" if self.undescribed else said
