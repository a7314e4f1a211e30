"""What is true of the lab's servers: `truth.yaml`, one label for each rule of docs/rules.md and each build."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping


class Label(enum.StrEnum):
    SHOWN = "shown"
    CLEAR = "clear"
    NOT_APPLICABLE = "not-applicable"


class TruthFault(ValueError):
    """A truth file does not say what it must; says which, where and why."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One label. `at` names where a finding must point, as parts of operation, pointer, file or URL; empty: anywhere."""

    label: Label
    reason: str
    at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Truths:
    """`builds[build][rule]`, and the sins of each build that no rule names."""

    builds: Mapping[str, Mapping[str, Truth]]
    beyond: Mapping[str, tuple[str, ...]]


class _Loader(yaml.SafeLoader):
    """YAML in which a key stands once."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    made: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in made:
            raise TruthFault(f"line {key_node.start_mark.line + 1}: {key!r} stands twice")
        made[key] = loader.construct_object(value_node, deep=True)
    return made


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def rule_ids(page: str) -> tuple[str, ...]:
    """The rules that docs/rules.md describes, in its order."""
    return tuple(re.findall(r"^### ([a-z0-9-]+)$", page, re.MULTILINE))


def parse(text: str, rules: tuple[str, ...], where: str) -> Truths:
    """The labels in `text`. What stands under `common` holds for every build. Raises `TruthFault`."""
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - a safe loader, and stricter
    except (yaml.YAMLError, TruthFault) as fault:
        raise TruthFault(f"{where}: {fault}") from None
    if not isinstance(document, dict) or set(document) != {"common", "builds", "beyond"}:
        raise TruthFault(f"{where}: needs `common`, `builds` and `beyond`, and nothing else")
    common = _labels(document["common"], f"{where}: common")
    builds: dict[str, dict[str, Truth]] = {}
    for build, own in document["builds"].items():
        here = f"{where}: {build}"
        labels = _labels(own, here)
        if twice := sorted(set(common) & set(labels)):
            raise TruthFault(f"{here}: labelled in `common` too: {', '.join(twice)}")
        labels |= common
        if unknown := sorted(set(labels) - set(rules)):
            raise TruthFault(f"{here}: no such rule: {', '.join(unknown)}")
        if missing := [rule for rule in rules if rule not in labels]:
            raise TruthFault(f"{here}: no label for {', '.join(missing)}")
        builds[build] = {rule: labels[rule] for rule in rules}
    beyond = {build: tuple(document["beyond"].get(build) or ()) for build in builds}
    if stray := sorted(set(document["beyond"]) - set(builds)):
        raise TruthFault(f"{where}: beyond: no such build: {', '.join(stray)}")
    return Truths(builds, beyond)


def _labels(given: Any, where: str) -> dict[str, Truth]:
    return {rule: _truth(entry, f"{where}: {rule}") for rule, entry in (given or {}).items()}


def _truth(entry: Any, where: str) -> Truth:
    match entry:
        case [str(label), str(reason)] if label in set(Label) and reason:
            return Truth(Label(label), reason)
        case ["shown", str(reason), [*places]] if reason and places and all(isinstance(one, str) for one in places):
            return Truth(Label.SHOWN, reason, tuple(places))
    raise TruthFault(f"{where}: needs [shown | clear | not-applicable, reason], and for shown maybe a list of places")
