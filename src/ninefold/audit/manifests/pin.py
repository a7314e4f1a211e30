"""One dependency, as a manifest or a lock file tells it."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import NamedTuple


class Need(NamedTuple):
    """What a dependency asks for itself. `version` is empty where the file has only one of that name."""

    name: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Pin:
    """`version` is exact, or empty where the manifest leaves it open. `name` is as its ecosystem compares names.

    `ecosystem` is OSV's word (`PyPI`, `npm`, `Go`, `crates.io`, `RubyGems`, `Maven`, `Packagist`, `NuGet`; with its release
    where it has them, `Debian:12`), or `Docker`, of which OSV knows nothing. `text` is what the file says, for a person.

    The rest is what the file tells beside: `needs` are this dependency's own, in the same file; `direct`, whether the
    project asks for it itself; `hashed`, whether the install is held against a digest; `yanked` and `deprecated`, why it
    was withdrawn (None: not; empty: no reason given); `licence` as an SPDX expression or a name. `direct` and `hashed`
    are None where such a file does not tell, and `tells` has which of `yanked` and `deprecated` it would.
    """

    name: str
    version: str
    file: str
    line: int
    text: str
    ecosystem: str = "PyPI"
    needs: tuple[Need, ...] = ()
    direct: bool | None = None
    hashed: bool | None = None
    yanked: str | None = None
    deprecated: str | None = None
    licence: str = ""
    tells: frozenset[str] = frozenset()

    @property
    def exact(self) -> bool:
        """Whether it is one version of a package, which can be looked up."""
        return bool(self.version) and self.version != "url" and self.ecosystem != "Docker"


class Lines:
    """Where things stand in a text. They are looked for in the order of the text, so that all of them cost one reading."""

    __slots__ = ("_at", "_ends", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends = [found.start() for found in re.finditer("\n", text)]
        self._at = 0

    def of(self, needle: str) -> int:
        """The line (from 1) on which `needle` stands next, or else first; 0: nowhere."""
        at = self._text.find(needle, self._at)
        if at < 0:
            at = self._text.find(needle, 0, self._at + len(needle))
        if at < 0:
            return 0
        self._at = at
        return bisect_left(self._ends, at) + 1
