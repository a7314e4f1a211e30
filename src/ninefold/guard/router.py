"""From a method and a path to the plan of one operation, at a cost that does not grow with their number.

Paths without parameters are one dict look-up. Templates are a tree of segments, most specific first, so a request costs
what its own path is long. The path that is matched is the one that the upstream will see after percent-decoding;
anything that two servers could read in two ways (dot segments, encoded slashes, another spelling of a literal
neighbour) is refused rather than matched (CWE-22, CWE-178, CWE-180).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

Plan = TypeVar("Plan")

_SIMPLE = re.compile(r"(?:/[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,=:@-]*)+/?\Z")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PCHAR = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*\Z")  # RFC 3986 section 3.3
_PARAMETER = re.compile(r"\{[^{}]*\}")


class AmbiguousPath(Exception):
    """Two servers could read this path in two ways. Says which way it is ambiguous."""


class Resource(Generic[Plan]):
    """The operations on one path. `template` is as the description has it."""

    __slots__ = ("literals", "methods", "template")

    def __init__(self, template: str) -> None:
        self.template = template
        self.methods: dict[str, Plan] = {}
        self.literals: tuple[str, ...] = ()


class _Node(Generic[Plan]):
    __slots__ = ("literals", "parameter", "patterns", "resource", "shadows")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[Plan]] = {}
        self.shadows: frozenset[str] = frozenset()
        self.patterns: list[tuple[re.Pattern[str], _Node[Plan]]] = []
        self.parameter: _Node[Plan] | None = None
        self.resource: Resource[Plan] | None = None


class Router(Generic[Plan]):
    """Immutable after its construction from (method, template, plan)."""

    __slots__ = ("_root", "_static")

    def __init__(self, routes: Iterable[tuple[str, str, Plan]]) -> None:
        self._static: dict[str, Resource[Plan]] = {}
        self._root: _Node[Plan] = _Node()
        nodes = [self._root]
        for method, template, plan in routes:
            resource = self._static.get(template)
            if resource is None:
                node = self._root
                for segment in template.split("/")[1:]:
                    node = _child(node, segment, nodes)
                resource = node.resource = node.resource or Resource(template)
                if "{" not in template:
                    self._static[template] = resource
            resource.methods[method] = plan
        for node in nodes:
            node.shadows = frozenset(_spelling(literal) for literal in node.literals)
            node.patterns.sort(key=lambda one: -len(one[0].pattern))

    def find(self, path: str) -> Resource[Plan] | None:
        """The resource at a path as it was sent, or None. Raises `AmbiguousPath`."""
        resource = self._static.get(path)
        if resource is not None:
            return resource
        if _SIMPLE.match(path) is None:
            path = _decoded(path)
        return self._walk(self._root, path.split("/"), 1)

    def _walk(self, node: _Node[Plan], segments: list[str], place: int) -> Resource[Plan] | None:
        if place == len(segments):
            return node.resource
        segment = segments[place]
        literal = node.literals.get(segment)
        if literal is not None:
            found = self._walk(literal, segments, place + 1)
            if found is not None:
                return found
        if not segment:
            return None
        for pattern, child in node.patterns:
            if pattern.match(segment) is not None:
                found = self._walk(child, segments, place + 1)
                if found is not None:
                    return found
        if node.parameter is not None:
            if literal is None and node.shadows and _spelling(segment) in node.shadows:
                raise AmbiguousPath("a segment is another spelling of a literal one")
            return self._walk(node.parameter, segments, place + 1)
        return None


def _child(node: _Node[Plan], segment: str, nodes: list[_Node[Plan]]) -> _Node[Plan]:
    if "{" not in segment:
        child = node.literals.get(segment)
        if child is None:
            child = node.literals[segment] = _Node()
            nodes.append(child)
        return child
    if _PARAMETER.fullmatch(segment):
        if node.parameter is None:
            node.parameter = _Node()
            nodes.append(node.parameter)
        return node.parameter
    text = "(.+?)".join(re.escape(piece) for piece in _PARAMETER.split(segment)) + r"\Z"
    for pattern, child in node.patterns:
        if pattern.pattern == text:
            return child
    child = _Node()
    nodes.append(child)
    node.patterns.append((re.compile(text), child))
    return child


def _decoded(path: str) -> str:
    """The path with its escapes resolved. Raises `AmbiguousPath` where that could change what it means."""
    if not path.startswith("/") or _PCHAR.match(path) is None:
        raise AmbiguousPath("it holds characters that no path has (RFC 3986 section 3.3)")
    if _BROKEN_ESCAPE.search(path):
        raise AmbiguousPath("it holds a broken percent-escape")
    segments = path[1:].split("/")
    for place, segment in enumerate(segments):
        if "%" not in segment and segment not in {"", ".", ".."}:
            continue
        if not segment and place < len(segments) - 1:
            raise AmbiguousPath("it holds an empty segment")
        try:
            plain = unquote(segment, errors="strict")
        except UnicodeDecodeError:
            raise AmbiguousPath("its escapes are not UTF-8") from None
        bare = plain.partition(";")[0]
        if bare in {".", ".."}:
            raise AmbiguousPath("it holds a dot segment")
        if any(char in "/\\%" or char < " " or char == "\x7f" for char in plain):
            raise AmbiguousPath("it holds an encoded slash, backslash, percent or control character")
        segments[place] = plain
    return "/" + "/".join(segments)


def _spelling(segment: str) -> str:
    """How a lenient server might read a segment: any case, without `;parameters` or trailing dots and spaces."""
    return segment.partition(";")[0].rstrip(". ").casefold()
