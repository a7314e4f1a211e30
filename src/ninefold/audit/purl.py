"""Package URLs (https://github.com/package-url/purl-spec) and OSV's ecosystems, one into the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packageurl import PackageURL

from ninefold.audit.version import base, name

if TYPE_CHECKING:
    from ninefold.audit.manifests.pin import Pin

#: purl's type by OSV's ecosystem.
_TYPES = {
    "PyPI": "pypi", "npm": "npm", "Go": "golang", "crates.io": "cargo", "RubyGems": "gem", "Maven": "maven",
    "Packagist": "composer", "NuGet": "nuget", "Hex": "hex", "Pub": "pub", "Docker": "docker",
}  # fmt: skip
_ECOSYSTEMS = {kind: ecosystem for ecosystem, kind in _TYPES.items()}
#: Distributions by purl's namespace, and how OSV writes a release of theirs.
_DISTRIBUTIONS = {"debian": ("Debian", "{}"), "ubuntu": ("Ubuntu", "{}"), "alpine": ("Alpine", "v{}")}


def purl(pin: Pin) -> PackageURL | None:
    """The purl of a dependency; None for an ecosystem that has none here."""
    kind = _TYPES.get(base(pin.ecosystem))
    if kind is None or not pin.name:
        return None
    version = pin.version if pin.version != "url" else ""
    if kind == "golang" and version:
        version = f"v{version}"
    whole = pin.name
    if kind == "docker" and ":" in whole.rpartition("/")[2]:
        whole, _, tag = whole.rpartition(":")
        version = version or tag
    if kind == "maven":
        group, _, last = whole.partition(":")
    else:
        group, _, last = whole.rpartition("/")
    try:
        return PackageURL(kind, group or None, last, version or None)
    except ValueError:
        return None


def parsed(text: str) -> tuple[str, str, str] | None:
    """Ecosystem, name and version of a purl; the version may be empty. None: it is no purl.

    A type without an ecosystem of OSV's keeps its own name. Distributions are looked up by their source package (the
    `upstream` qualifier) and release (`distro`), as OSV does.
    """
    try:
        told = PackageURL.from_string(text)
    except ValueError:
        return None
    version = told.version or ""
    if told.type in {"deb", "apk"}:
        return _distributed(told, version)
    ecosystem = _ECOSYSTEMS.get(told.type, told.type)
    if ecosystem == "Go":
        version = version.removeprefix("v").removesuffix("+incompatible")
    joint = ":" if ecosystem == "Maven" else "/"
    full = f"{told.namespace}{joint}{told.name}" if told.namespace else told.name
    return ecosystem, name(ecosystem, full), version


def _distributed(told: PackageURL, version: str) -> tuple[str, str, str]:
    family, form = _DISTRIBUTIONS.get(told.namespace or "", (told.namespace or told.type, "{}"))
    qualifiers = told.qualifiers if isinstance(told.qualifiers, dict) else {}
    release = str(qualifiers.get("distro", "")).removeprefix(f"{told.namespace}-")
    if family == "Alpine":
        release = ".".join(release.split(".")[:2])
    elif family == "Debian":
        release = release.partition(".")[0]
    upstream = str(qualifiers.get("upstream", "")).partition("@")[0]
    return (f"{family}:{form.format(release)}" if release else family), upstream or told.name, version
