"""The components of an API as a bill of materials: CycloneDX 1.6 in JSON (ECMA-424)."""

from __future__ import annotations

import hashlib
import warnings
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING
from uuid import UUID

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion

from ninefold.audit.components import chains, unique
from ninefold.audit.purl import purl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ninefold.audit.manifests.pin import Pin
    from ninefold.audit.manifests.read import Manifests

Name = tuple[str, str, str]


def render_sbom(found: Manifests, name: str, now: float) -> str:
    """The bill of what was found in a tree of this `name`, at `now` (Unix seconds). The same tree has the same serial
    number. What could not be read stands in a property `ninefold:unread` of the bill.
    """
    parts = bom_components(found.pins)
    root = Component(name=name, type=ComponentType.APPLICATION, bom_ref="root")
    bom = document(root, parts.values(), now)
    bom.properties = [Property(name="ninefold:unread", value=one) for one in found.unread]
    ways = chains(found.pins)
    by: dict[tuple[str, str], list[Pin]] = {}
    for pin in found.pins:
        by.setdefault((pin.file, pin.name), []).append(pin)
    over: dict[Name, set[Name]] = {}
    for pin in found.pins:
        wanted = over.setdefault(named(pin), set())
        for need in dict.fromkeys(pin.needs):
            wanted |= {named(one) for one in by.get((pin.file, need.name), ()) if need.version in {"", one.version}}
    bom.register_dependency(root, [parts[named(pin)] for pin in unique(found.pins) if len(ways.of(pin)) == 1])
    for one, part in parts.items():
        bom.register_dependency(part, [parts[other] for other in sorted(over[one] - {one})])
    return written(bom)


def named(pin: Pin) -> Name:
    """What makes a component one."""
    return pin.ecosystem, pin.name, pin.version


def bom_components(pins: Iterable[Pin]) -> Mapping[Name, Component]:
    """Each component once. Its reference is its purl."""
    licences = LicenseFactory()
    made: dict[Name, Component] = {}
    for pin in unique(pins):
        address = purl(pin)
        told = licences.make_from_string(pin.licence) if pin.licence else None
        made[named(pin)] = Component(
            name=pin.name,
            version=pin.version or None,
            type=ComponentType.CONTAINER if pin.ecosystem == "Docker" else ComponentType.LIBRARY,
            bom_ref=reference(pin),
            purl=address,
            licenses=[told] if told else None,
            properties=[Property(name="ninefold:place", value=f"{pin.file}:{pin.line}" if pin.line else pin.file)],
        )
    return made


def reference(pin: Pin) -> str:
    """What the bill calls a component: its purl, or its names where it has none."""
    address = purl(pin)
    return address.to_string() if address else f"{pin.ecosystem}/{pin.name}@{pin.version}"


def document(root: Component | None, parts: Iterable[Component], now: float) -> Bom:
    """A document about these components."""
    listed = list(parts)
    bom = Bom(components=listed)
    refs = "\n".join(sorted(str(one.bom_ref.value) for one in listed))
    bom.serial_number = UUID(
        bytes=hashlib.sha256(f"{root.name if root else ''}\n{refs}".encode()).digest()[:16], version=5
    )
    bom.metadata.component = root
    bom.metadata.timestamp = datetime.fromtimestamp(int(now), UTC)
    tool = Component(name="ninefold", version=version("ninefold"), type=ComponentType.APPLICATION, bom_ref="ninefold")
    bom.metadata.tools.components.add(tool)
    return bom


def written(bom: Bom) -> str:
    """Indented JSON with a line's end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a graph may be incomplete is what lock files are like
        return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2) + "\n"
