"""From a method and a path to the plan of one operation, at a cost that does not grow with their number.

Paths without parameters are one dict look-up. Templates are grouped by their form: how many segments they have, how they
begin, and which of their segments are parameters. Each form is one dict look-up, and there are few in an API, however many
operations it has; one flat table touches less memory than a tree. Literal segments come before parameters. The path that
is matched is the one that the upstream will see after percent-decoding; anything that two servers could read in two ways
(dot segments, encoded slashes, another spelling of a more specific path) is refused rather than matched (CWE-22, CWE-178,
CWE-180).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import unquote

from ninefold.guard.segment import first_fit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Plan = TypeVar("Plan")

_SIMPLE = re.compile(r"(?:/[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,=:@-]*)+/?\Z")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PCHAR = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*\Z")  # RFC 3986 section 3.3
_PARAMETER = re.compile(r"\{[^{}]*\}")


class AmbiguousPath(Exception):
    """Two servers could read this path in two ways. Says which way it is ambiguous."""


class Resource(Generic[Plan]):
    """The operations on one path. `template` is as the description has it.

    Small, and with one place for what many share: a request to one of ten thousand resources finds it cold, and pays for
    each piece of memory that it has to look at.
    """

    __slots__ = ("_index", "_plans", "following", "patterns", "rivals", "template")

    def __init__(self, template: str, index: dict[str, int], plans: tuple[Plan, ...]) -> None:
        """`index` says where in `plans` a method's is."""
        self.template = template
        self._index = index
        self._plans = plans
        #: What comes next when this is not it: another resource with the same literals, that asks less.
        self.following: Resource[Plan] | None = None
        self.rivals: tuple[_Rival[Plan], ...] = ()
        self.patterns = tuple(
            (place, re.compile(first_fit(_PARAMETER.split(segment), ".")))
            for place, segment in enumerate(self.segments)
            if "{" in segment and not _PARAMETER.fullmatch(segment)
        )

    def plan(self, method: str) -> Plan | None:
        """What is to be done for a method; None: nothing is known for it."""
        place = self._index.get(method)
        return None if place is None else self._plans[place]

    @property
    def segments(self) -> list[str]:
        return self.template.split("/")

    @property
    def holes(self) -> tuple[int, ...]:
        """The places of the segments that are, or hold, parameters."""
        return tuple(place for place, segment in enumerate(self.segments) if "{" in segment)


class _Form(Generic[Plan]):
    """Templates of so many segments whose parameters stand at the same places."""

    __slots__ = ("count", "holes", "lenient", "table")

    def __init__(self, count: int, holes: tuple[int, ...]) -> None:
        self.count = count
        self.holes = holes
        #: By the path with empty segments for parameters; and those paths, as a lenient server might read them.
        self.table: dict[str, Resource[Plan]] = {}
        self.lenient: dict[str, set[str]] = {}

    @property
    def priority(self) -> list[bool]:
        """Sorts forms: a literal at an earlier place is more specific."""
        return [place in self.holes for place in range(self.count)]

    def key(self, segments: Sequence[str]) -> str:
        filled = list(segments)
        for hole in self.holes:
            filled[hole] = ""
        return "/".join(filled)

    def put(self, resource: Resource[Plan]) -> None:
        key = self.key(resource.segments)
        # what asks more of its segments comes first: a longer pattern, then a shorter one, then a parameter
        alike = sorted((*self.alike(key), resource), key=self._generality)
        self.table[key] = alike[0]
        for one, following in zip(alike, (*alike[1:], None), strict=True):
            one.following = following
        self.lenient.setdefault(self.key([_spelling(one) for one in resource.segments]), set()).add(key)

    def alike(self, key: str) -> list[Resource[Plan]]:
        """The resources with the same literals, in the order in which they are tried."""
        found = []
        one = self.table.get(key)
        while one is not None:
            found.append(one)
            one = one.following
        return found

    def _generality(self, resource: Resource[Plan]) -> list[int]:
        asked = {place: -len("(.+?)".join(map(re.escape, _pieces(resource, place)))) for place, _ in resource.patterns}
        return [asked.get(hole, 0) for hole in self.holes]

    def find(self, segments: list[str]) -> Resource[Plan] | None:
        """The resource of this form at a path. Raises `AmbiguousPath` where a more specific one might be meant."""
        filled = segments.copy()
        for hole in self.holes:
            if not segments[hole]:
                return None
            filled[hole] = ""
        resource = self.table.get("/".join(filled))
        while resource is not None:
            if not resource.patterns or all(one.match(segments[place]) for place, one in resource.patterns):
                for rival in resource.rivals:
                    rival.check(segments)
                return resource
            resource = resource.following
        return None


class _Rival(Generic[Plan]):
    """A more specific form, with a literal at a place where a template has a parameter; `literals`, leniently read."""

    __slots__ = ("_form", "_literals", "_place")

    def __init__(self, form: _Form[Plan], place: int, literals: frozenset[str]) -> None:
        self._form = form
        self._place = place
        self._literals = literals

    def check(self, segments: list[str]) -> None:
        if _spelling(segments[self._place]) not in self._literals:
            return
        exact = self._form.key(segments)
        meant = self._form.lenient.get(self._form.key([_spelling(one) for one in segments]), set())
        if meant - {exact}:
            raise AmbiguousPath("it is another spelling of a more specific path")


class Router(Generic[Plan]):
    """Immutable after its construction from (method, template, plan)."""

    __slots__ = ("_forms", "_static")

    def __init__(self, routes: Iterable[tuple[str, str, Plan]]) -> None:
        self._static: dict[str, Resource[Plan]] = {}
        #: By number of segments and the first one, where it is a literal (else empty).
        self._forms: dict[tuple[int, str], list[_Form[Plan]]] = {}
        known: dict[str, tuple[str, dict[str, Plan]]] = {}
        for method, template, plan in routes:
            known.setdefault(_PARAMETER.sub("{}", template), (template, {}))[1][method] = plan
        indexes: dict[tuple[str, ...], dict[str, int]] = {}
        forms: dict[tuple[int, tuple[int, ...]], _Form[Plan]] = {}
        for template, methods in known.values():
            names = tuple(methods)
            index = indexes.setdefault(names, {name: place for place, name in enumerate(names)})
            resource = Resource(template, index, tuple(methods.values()))
            count, holes = len(resource.segments), resource.holes
            form = forms.setdefault((count, holes), _Form(count, holes))
            form.put(resource)
            if not holes:
                self._static[resource.template] = resource
                continue
            beginning = self._forms.setdefault((count, "" if 1 in holes else resource.segments[1]), [])
            if form not in beginning:
                beginning.append(form)
        for beginning in self._forms.values():
            beginning.sort(key=lambda one: one.priority)
        for form in forms.values():
            for other in forms.values():
                if other.count == form.count and other.priority < form.priority:
                    _rival(form, other)

    def find(self, path: str) -> Resource[Plan] | None:
        """The resource at a path as it was sent, or None. Raises `AmbiguousPath`."""
        resource = self._static.get(path)
        if resource is not None:
            return resource
        if _SIMPLE.match(path) is None:
            path = _decoded(path)
            resource = self._static.get(path)
            if resource is not None:
                return resource
        segments = path.split("/")
        count = len(segments)
        for first in (segments[1], ""):
            for form in self._forms.get((count, first), ()):
                resource = form.find(segments)
                if resource is not None:
                    return resource
        return None


def _rival(form: _Form[Plan], other: _Form[Plan]) -> None:
    """Let the resources of a form know of those of a more specific one that might be meant instead."""
    shared = [place for place in range(form.count) if place not in form.holes and place not in other.holes]
    place = next(hole for hole in form.holes if hole not in other.holes)
    literals: dict[tuple[str, ...], set[str]] = {}
    for key in other.table:
        for one in other.alike(key):
            literals.setdefault(_at(one, shared), set()).add(_spelling(one.segments[place]))
    rivals = {known: _Rival(other, place, frozenset(found)) for known, found in literals.items()}
    for key in form.table:
        for one in form.alike(key):
            if (rival := rivals.get(_at(one, shared))) is not None:
                one.rivals += (rival,)


def _pieces(resource: Resource[Plan], place: int) -> list[str]:
    """The literals around the parameters of a segment."""
    return _PARAMETER.split(resource.segments[place])


def _at(resource: Resource[Plan], places: Sequence[int]) -> tuple[str, ...]:
    return tuple(_spelling(resource.segments[place]) for place in places)


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
