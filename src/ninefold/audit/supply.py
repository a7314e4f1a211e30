"""What an audit was given about the components of an API, beside its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ninefold.audit.registry import Registries
    from ninefold.audit.vex import Statement

#: Days after which advisories are too old to say that a version is without flaws.
AGE = 14


@dataclass(frozen=True, slots=True)
class Supply:
    """`sbom` is a file of CycloneDX. `vex` are statements about flaws, by whoever knows the API. `oldest`: the age in days
    up to which advisories are believed. `registries` are there when they may be asked.
    """

    sbom: Path | None = None
    vex: tuple[Statement, ...] = ()
    oldest: int = AGE
    registries: Registries | None = None
