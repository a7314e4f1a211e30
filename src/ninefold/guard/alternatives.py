"""Which of its alternatives (`oneOf`, `anyOf`) an object is, where one of its members tells.

That is the member that an OpenAPI `discriminator` names (OpenAPI 3.1, 4.8.25), by its `mapping` and by the names of schemas; or
one that each alternative requires, and for which each has texts of its own (`const`, `enum`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from ninefold.contract.description import escape, unescape
from ninefold.guard.atom import OWN, kinds, values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ninefold.contract.description import Description, Schema

_WORDS = ("oneOf", "anyOf")
_By = dict[str, list["Schema"]]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Those of one schema that leave at all.

    `by` says by the value of the member `name` which of the objects it may be; `always` are those that are no objects.
    Without a `name` nothing tells; `melts`: there is more than one object that it may be.
    """

    shown: tuple[Schema, ...]
    name: str | None = None
    by: Mapping[str, tuple[Schema, ...]] = field(default_factory=dict)
    always: tuple[Schema, ...] = ()
    melts: bool = False


@dataclass(slots=True)
class _Told:
    """What a schema and its parts say.

    Whether they say what a value is (`bounded`), and of an object (`named`); which members they require and keep back, and
    the texts that a member may be.
    """

    bounded: bool = True
    named: bool = True
    required: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def object(self) -> bool:
        """Whether an object may leave by it. Parts that contradict each other are no reason that it may not."""
        return self.named or not self.bounded

    def joined(self, other: _Told) -> None:
        """It says what `other` says too."""
        self.bounded |= other.bounded
        self.named |= other.named
        self.required |= other.required
        self.kept |= other.kept
        for name, texts in other.texts.items():
            known = self.texts.get(name, texts)
            self.texts[name] = tuple(one for one in known if one in texts) or known


class Teller:
    """Of one description; each schema's alternatives are looked at once."""

    def __init__(self, description: Description, keeps: Callable[[Schema], bool]) -> None:
        """`keeps` says whether a value stays behind by its schema (`writeOnly`)."""
        self._description = description
        self._keeps = keeps
        self._known: dict[tuple[int, str], tuple[Schema, Alternatives]] = {}

    def of(self, schema: dict[str, Any], word: str) -> Alternatives:
        """The alternatives under `word` of a schema. Raises `DescriptionError` on a dangling `$ref`."""
        known = self._known.get((id(schema), word))
        if known is None:
            known = self._known[id(schema), word] = schema, self._read(schema, word)
        return known[1]

    def _read(self, schema: dict[str, Any], word: str) -> Alternatives:
        shown = tuple(one for one in schema[word] if not self._keeps(one))
        memo: dict[int, _Told] = {}
        told = [(one, self._told(one, memo)) for one in shown]
        objects = [(one, what) for one, what in told if what.object]
        if len(objects) < 2:
            return Alternatives(shown)
        base = self._base(schema, memo)
        for name, by in self._candidates(schema, objects, base):
            if name not in base.kept and not any(name in what.kept for _, what in objects):
                always = tuple(one for one, what in told if not what.object)
                return Alternatives(shown, name, {value: tuple(some) for value, some in by.items()}, always)
        return Alternatives(shown, melts=True)

    def _candidates(
        self, schema: dict[str, Any], objects: list[tuple[Schema, _Told]], base: _Told
    ) -> Iterable[tuple[str, _By]]:
        """The members that tell, each with what; the best one first."""
        named = schema.get("discriminator")
        if isinstance(named, dict) and isinstance(named.get("propertyName"), str):
            told: str = named["propertyName"]
            if by := _discriminated(told, _mapping(named), objects):
                yield told, by
        found: list[tuple[int, int, str, _By]] = []
        for one in objects[0][1].texts:
            if all(one in what.texts and one in what.required | base.required for _, what in objects):
                by = {}
                for alternative, what in objects:
                    for text in what.texts[one]:
                        by.setdefault(text, []).append(alternative)
                if len({tuple(map(id, some)) for some in by.values()}) > 1:
                    sizes = [len(some) for some in by.values()]
                    found.append((max(sizes), sum(sizes), one, by))
        for _, _, one, by in sorted(found, key=lambda each: each[:2]):
            yield one, by

    def _base(self, schema: dict[str, Any], memo: dict[int, _Told]) -> _Told:
        """What a schema says without its alternatives."""
        own = any(word in schema for word in OWN)
        found = _Told(bounded=own, named=own and "object" in kinds(schema), required=_names(schema.get("required")))
        properties = schema.get("properties")
        for name, member in (properties if isinstance(properties, dict) else {}).items():
            if self._keeps(member):
                found.kept.add(name)
            elif texts := self._texts(member):
                found.texts[name] = texts
        for part in schema.get("allOf") or ():
            found.joined(self._told(part, memo))
        return found

    def _told(self, schema: Schema, memo: dict[int, _Told]) -> _Told:
        resolved = self._description.resolve(schema)
        if not isinstance(resolved, dict):
            return _Told(bounded=resolved is False, named=False)
        if id(resolved) in memo:
            return memo[id(resolved)]
        memo[id(resolved)] = _Told()  # while it is looked at: what leads back to it says nothing new
        found = self._base(resolved, memo)
        for word in _WORDS:
            if resolved.get(word):
                found.joined(self._either(resolved, word, memo))
        memo[id(resolved)] = found
        return found

    def _either(self, schema: dict[str, Any], word: str, memo: dict[int, _Told]) -> _Told:
        """What each of the alternatives says."""
        told = [self._told(one, memo) for one in schema[word] if not self._keeps(one)]
        objects = [one for one in told if one.object]
        found = _Told(bounded=all(one.bounded for one in told), named=any(one.named for one in told))
        if objects:
            found.required = set.intersection(*(one.required for one in objects))
            found.kept = set.union(*(one.kept for one in objects))
            for name in objects[0].texts:
                if all(name in one.texts for one in objects):
                    found.texts[name] = tuple(dict.fromkeys(chain(*(one.texts[name] for one in objects))))
        named = schema.get("discriminator")
        if isinstance(named, dict) and isinstance(named.get("propertyName"), str):
            name = named["propertyName"]
            references = [one.get("$ref") for one in schema[word] if isinstance(one, dict)]
            names = [*_mapping(named), *(_last(one) for one in references if isinstance(one, str))]
            found.texts[name] = tuple(dict.fromkeys([*found.texts.get(name, ()), *names]))
            found.required.add(name)
        return found

    def _texts(self, schema: Schema) -> tuple[str, ...]:
        """The texts that a value may be by its schema; none: it may be something else too."""
        resolved = self._description.resolve(schema)
        if not isinstance(resolved, dict):
            return ()
        named = [resolved["const"]] if "const" in resolved else values(resolved)
        texts = tuple(dict.fromkeys(one for one in named if isinstance(one, str)))
        return texts if len(texts) == len(named) else ()


def _discriminated(name: str, mapping: dict[str, str], objects: list[tuple[Schema, _Told]]) -> _By:
    """By the values of a discriminator; empty where there is an alternative that none of them means."""
    by: _By = {}
    references = [str(one.get("$ref") or "") if isinstance(one, dict) else "" for one, _ in objects]
    meant = {*mapping, *(_last(to) for to in references if to)}  # other texts count too, where they tell them apart
    inside = [[text for text in what.texts.get(name, ()) if text not in meant] for _, what in objects]
    apart = max(Counter(chain(*inside)).values(), default=0) <= 1
    for (one, _), to, texts in zip(objects, references, inside, strict=True):
        found = [value for value, reference in mapping.items() if reference == to]
        if to and _last(to) not in mapping:
            found.append(_last(to))
        if apart or not found:
            found += texts
        if not found:
            return {}
        for value in dict.fromkeys(found):
            by.setdefault(value, []).append(one)
    return by


def _mapping(discriminator: dict[str, Any]) -> dict[str, str]:
    """References by values. What is no reference is the name of a schema."""
    mapping = discriminator.get("mapping")
    told = mapping.items() if isinstance(mapping, dict) else ()
    return {
        str(value): to if to.startswith("#") else f"#/components/schemas/{escape(to)}"
        for value, to in told
        if isinstance(to, str)
    }


def _last(reference: str) -> str:
    return unescape(reference.rpartition("/")[2])


def _names(found: object) -> set[str]:
    return {one for one in found if isinstance(one, str)} if isinstance(found, list) else set()
