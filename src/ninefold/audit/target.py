"""What an audit looks at: whatever of an API was given."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ninefold.audit.code.read import sights
from ninefold.audit.rule import Needs

if TYPE_CHECKING:
    from pathlib import Path

    from ninefold.audit.code.read import Sights
    from ninefold.audit.key import Key
    from ninefold.audit.probe import Probe
    from ninefold.audit.survey import Survey
    from ninefold.contract.description import Description


@dataclass(frozen=True, slots=True)
class Target:
    """`now` is Unix seconds. `probe` and `survey` are there when `url` is; rules that need them say
    `Needs.URL`.
    """

    now: float
    description: Description | None = None
    source: Path | None = None
    url: str = ""
    log: Path | None = None
    keys: tuple[Key, ...] = ()
    advisories: Path | None = None
    active: bool = False
    _probe: Probe | None = None
    _survey: Survey | None = None
    _code: list[Sights] = field(default_factory=list, compare=False, repr=False)

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
        if not self._code:
            self._code.append(sights(self.tree))
        return self._code[0]

    def lacks(self, needs: tuple[Needs, ...]) -> tuple[Needs, ...]:
        """What of these was not given."""
        given = {
            Needs.DESCRIPTION: self.description is not None,
            Needs.SOURCE: self.source is not None,
            Needs.URL: self._probe is not None,
            Needs.LOG: self.log is not None,
            Needs.KEY: len(self.keys) > 0,
            Needs.KEYS: len({key.value for key in self.keys}) > 1,
            Needs.ADVISORIES: self.advisories is not None,
            Needs.ACTIVE: self.active,
        }
        return tuple(need for need in needs if not given[need])
