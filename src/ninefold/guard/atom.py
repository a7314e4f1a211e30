"""What one schema says by itself, without what it refers to and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from ninefold.contract.description import Schema

#: Keywords that say something of a value's own form.
OWN = (
    "type",
    "properties",
    "items",
    "prefixItems",
    "additionalProperties",
    "patternProperties",
    "enum",
    "const",
)
#: Those of them that are about an object's members.
MEMBERS = ("properties", "additionalProperties", "patternProperties")
SCALARS = frozenset({"string", "integer", "number", "boolean"})
#: What says of a text which ones it may be, so that it is no free one; formats that are not known say nothing.
_BOUNDING = ("enum", "const", "pattern", "contentEncoding")
_FORMATS = frozenset({
    "date", "date-time", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6", "uuid", "byte",
    "binary", "password", "regex", "json-pointer", "relative-json-pointer", "decimal", "int32", "int64", "color",
})  # fmt: skip


@dataclass(slots=True)
class Members:
    """What one schema says of an object. `extra` is its `additionalProperties`; without one nothing more may leave.

    `bare`: it says nothing of members; open, if no other schema of the same object does.
    """

    extra: Schema
    bare: bool = False
    members: dict[str, Schema] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    patterns: dict[re.Pattern[str], Schema] = field(default_factory=dict)
    kept: list[re.Pattern[str]] = field(default_factory=list)

    @property
    def others(self) -> list[Schema]:
        return [*self.patterns.values(), *([] if self.extra is False else [self.extra])]

    def of(self, name: str) -> list[Schema]:
        """What it says of the member of a name: `additionalProperties` speaks of those that nothing else does."""
        if name in self.hidden or any(pattern.search(name) for pattern in self.kept):
            return []
        found = [member for pattern, member in self.patterns.items() if pattern.search(name)]
        if name in self.members:
            found.append(self.members[name])
        if not found and self.extra is not False:
            found.append(self.extra)
        return found


def kinds(atom: dict[str, Any]) -> set[str]:
    """The types that one schema admits, by its `type`, or by what its other keywords imply."""
    declared = atom.get("type")
    if isinstance(declared, str):
        return {declared}
    if isinstance(declared, list):
        return {one for one in declared if isinstance(one, str)}
    found: set[str] = set()
    if any(name in atom for name in MEMBERS):
        found.add("object")
    if "items" in atom or "prefixItems" in atom:
        found.add("array")
    return found.union(_kind_of(value) for value in values(atom))


def values(atom: dict[str, Any]) -> list[Any]:
    """The values that one schema names."""
    return [*(atom.get("enum") or ()), *([atom["const"]] if "const" in atom else ())]


def most(atoms: Iterable[dict[str, Any]]) -> int | None:
    """The highest `maxItems` of what may be an array; None where one of them has none."""
    said = [atom.get("maxItems") for atom in atoms if "array" in kinds(atom)]
    whole = [int(one) for one in said if isinstance(one, int | float) and not isinstance(one, bool) and one >= 0]
    return max(whole) if len(whole) == len(said) else None


def is_free(atom: dict[str, Any]) -> bool:
    """Whether a schema says nothing of which texts there may be."""
    return not any(word in atom for word in _BOUNDING) and atom.get("format") not in _FORMATS


def _kind_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict) else "null"
