"""Members of a JSON value that its schema does not declare.

JSON Schema lets every object be open; a description that lists members does not mean that. So a member is declared when
any part or alternative of the schema names it, or says what unnamed members are. Links and annotations of hypermedia
formats (HAL, JSON-LD, JSON:API, Siren) are no data, and none of them is missed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ninefold.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ninefold.contract.description import Description

#: Most elements of one list that are looked at, and the longest path that is followed.
_ROWS, _PATH = 50, 300

_PARTS = ("allOf", "oneOf", "anyOf")
_OWN = frozenset({"type", "properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "items",
                  "prefixItems", "enum", "const"})  # fmt: skip
_ELSE = frozenset({"additionalProperties", "unevaluatedProperties"})
_ANNOTATIONS = frozenset({"@context", "@id", "@type", "$schema", "$id"})

#: Of a value or a member (`items@odata.count`), by OData's JSON format 4.01 (section 4.6); and what JSON:API 1.1 (section 7.7)
#: says of itself.
_CONTROL = "@odata."
_JSON_API = frozenset({"version", "ext", "profile", "meta"})
_LINK = frozenset({"href", "rel", "type", "title", "templated", "method", "hreflang", "deprecation", "profile", "name",
                   "meta", "action", "media", "describedby"})  # fmt: skip


def surplus(description: Description, value: Any, schema: Any) -> frozenset[str]:
    """Their paths: `data[].margin`."""
    return frozenset(_Walk(description).surplus(value, [schema], ""))


class _Walk:
    def __init__(self, description: Description) -> None:
        self._description = description

    def surplus(self, value: Any, schemas: Sequence[Any], path: str) -> Iterator[str]:
        atoms: list[dict[str, Any]] = []
        seen: set[int] = set()
        bounded = min((self._gather(schema, atoms, seen, loose=False) for schema in schemas), default=False)
        if not bounded or len(path) > _PATH:
            return
        if isinstance(value, list):
            inner = [one for atom in atoms for one in _elements(atom)]
            for element in value[:_ROWS] if inner else ():
                yield from self.surplus(element, inner, f"{path}[]")
        elif isinstance(value, dict) and any(_names(atom) for atom in atoms):
            for name, member in value.items():
                here = f"{path}.{name}".lstrip(".")
                told = [one for atom in atoms for one in _told(atom, name)]
                if told:
                    yield from self.surplus(member, told, here)
                elif not _hypermedia(name, member):
                    yield here

    def _gather(self, schema: Any, atoms: list[dict[str, Any]], seen: set[int], *, loose: bool) -> bool:
        """Collect the schemas that say something of their own. False: anything goes here.

        `loose`: this is one of several alternatives, and one that is an object without named members lets all be.
        """
        if schema is False:
            return True
        if not isinstance(schema, dict):
            return False  # true, or nothing that can be read
        if id(schema) in seen:
            return True
        seen.add(id(schema))
        bounded = False
        if "$ref" in schema:
            try:
                bounded = self._gather(self._description.resolve({"$ref": schema["$ref"]}), atoms, seen, loose=loose)
            except DescriptionError:
                return False
            if not bounded:
                return False
        named = bounded or _names(schema)
        if schema.keys() & _OWN:
            atoms.append(schema)
            bounded = bounded or not (loose and schema.get("type") == "object" and not (named or schema.get("allOf")))
        depends = schema.get("dependentSchemas")
        conditions = [
            *(depends.values() if isinstance(depends, dict) else ()),
            *map(schema.get, ("if", "then", "else")),
        ]
        for part in conditions:
            self._gather(part, atoms, seen, loose=False)
        for word in _PARTS:
            parts = schema.get(word)
            if isinstance(parts, list) and parts:
                each = [self._gather(part, atoms, seen, loose=word != "allOf") for part in parts]
                if word == "allOf":
                    named = named or any(each)
                    bounded = bounded or named
                else:
                    bounded = all(each) or (bounded and named)
        return bounded


def _names(atom: dict[str, Any]) -> bool:
    return bool(atom.get("properties") or atom.get("patternProperties")) or not _ELSE.isdisjoint(atom)


def _elements(atom: dict[str, Any]) -> list[Any]:
    first = atom.get("prefixItems")
    return [*(first if isinstance(first, list) else ()), *([atom["items"]] if "items" in atom else ())]


def _told(atom: dict[str, Any], name: str) -> Iterator[Any]:
    """What one schema says of a member: by its name, by a pattern, or else of all that have no name."""
    named = False
    properties, patterns = atom.get("properties"), atom.get("patternProperties")
    if isinstance(properties, dict) and name in properties:
        named = True
        yield properties[name]
    for pattern, schema in patterns.items() if isinstance(patterns, dict) else ():
        if _matches(pattern, name):
            named = True
            yield schema
    if not named:
        for word in _ELSE:
            if atom.get(word) not in (None, False):
                yield atom[word]


def _matches(pattern: str, name: str) -> bool:
    """ECMA-262 patterns that Python does not read are taken to match: what is not known is not told as a fault."""
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return True


def _hypermedia(name: str, value: Any) -> bool:
    if name.lower() in _ANNOTATIONS or _CONTROL in name.lower():
        return True
    if name == "jsonapi" and isinstance(value, dict):
        return not value.keys() - _JSON_API
    if name.lower() in {"_links", "links", "link", "_self", "self", "href"}:
        return all(map(_is_link, value.values() if isinstance(value, dict) and not _is_link(value) else [value]))
    return False


def _is_link(value: Any) -> bool:
    if isinstance(value, str):
        return value.startswith(("/", "http://", "https://"))
    if isinstance(value, list):
        return all(_is_link(one) for one in value)
    return value is None or (isinstance(value, dict) and "href" in value and not set(value) - _LINK)
