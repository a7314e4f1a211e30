"""What was seen of an API and its description does not tell: each thing with the place where the description could."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ninefold.contract.description import unescape

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Gap:
    """`pointer` is the place in the description (RFC 6901) that `value` belongs at; None: only a person can tell.

    `kind` is one of `operation`, `parameter`, `body`, `status`, `media`, `member`, `type`. `operations` are those it was seen
    at. `careful`: what is found there is somebody's secret by its name, or an operation; it is not accepted with all others.
    """

    kind: str
    pointer: str
    text: str
    value: Any
    operations: tuple[str, ...]
    careful: bool = False

    @property
    def id(self) -> str:
        """The same as long as the same is missing at the same place."""
        return sha256(f"{self.kind}|{self.pointer}".encode()).hexdigest()[:8]


def applied(document: Any, gaps: Iterable[Gap]) -> Any:
    """A copy of a description that tells what these say. Those without a value change nothing."""
    made = copy.deepcopy(document)
    for gap in gaps:
        if gap.value is None:
            continue
        *above, last = [unescape(part) for part in gap.pointer.split("/")[1:]]
        if gap.kind == "parameter":
            above.pop()
        here = made
        for name in above:
            here = here[int(name)] if isinstance(here, list) else here[_key(here, name)]
        if gap.kind == "parameter":
            here["parameters"] = [*here.get("parameters", ()), copy.deepcopy(gap.value)]
        else:
            here[_key(here, last)] = copy.deepcopy(gap.value)
    return made


def _key(here: dict[Any, Any], name: str) -> Any:
    """The member of that name; made, where there is none. YAML may have read `200` as a number."""
    found = next((one for one in here if str(one) == name), None)
    if found is None:
        found = name
        here[name] = {}
    return found
