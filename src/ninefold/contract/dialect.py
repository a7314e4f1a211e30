"""A description's schemas in the words of JSON Schema 2020-12, as one direction sees them.

OpenAPI 3.0 (and Swagger 2.0, which was rewritten to it) says some things in words of its own: `nullable`, flags in place of
numbers, references without siblings (OpenAPI 3.0.4, 4.7.24); 3.0 and 3.1 have a `discriminator` that picks an alternative.
What only describes (examples, XML names, extensions) is left out. Pure; what it was given stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ninefold.contract.description import escape, unescape
from ninefold.errors import DescriptionError, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.contract.description import Description, Schema

_TYPES = frozenset({"string", "integer", "number", "boolean", "array", "object", "null"})
#: Keywords by what has to stand there: another schema, a list of them, a map of them.
_SCHEMAS = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames",
            "unevaluatedItems", "unevaluatedProperties")  # fmt: skip
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPS = ("properties", "patternProperties", "dependentSchemas")
_COUNTS = (
    "maxLength",
    "minLength",
    "maxItems",
    "minItems",
    "maxProperties",
    "minProperties",
    "maxContains",
    "minContains",
)
_NUMBERS = ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf")

#: Keywords that lead to a schema by what is evaluated around them.
_UNKEPT = ("$dynamicRef", "$recursiveRef")

#: Formats that are held, beside those that become bounds: each has one definition that servers and clients agree on.
FORMATS = frozenset({
    "date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid", "json-pointer", "byte",
})  # fmt: skip
#: What a format of numbers says (OpenAPI 3.1, 4.4).
_RANGES = {
    "int8": (-(2**7), 2**7 - 1), "int16": (-(2**15), 2**15 - 1), "int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1),
    "uint8": (0, 2**8 - 1), "uint16": (0, 2**16 - 1), "uint32": (0, 2**32 - 1), "uint64": (0, 2**64 - 1),
}  # fmt: skip


@dataclass(slots=True)
class Words:
    """The definitions that schemas of one description lead to, by name; `origins` says where each stands in the description.

    `odd` tells of keywords that say nothing as they stand.

    `request`: as whoever sends a request sees them: `readOnly` members are not asked for. Else `writeOnly` ones are not.
    """

    description: Description
    request: bool
    definitions: dict[str, Schema] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)
    _names: dict[str, str] = field(default_factory=dict)
    _waiting: list[tuple[str, Any]] = field(default_factory=list)

    def of(self, schema: Schema) -> Schema:
        """The schema, with references into `definitions`, which then has all that it leads to.

        Raises `DescriptionError` on a dangling reference, or where schemas nest too deep.
        """
        try:
            made = self._schema(schema, "")
            while self._waiting:
                name, target = self._waiting.pop()
                self.definitions[name] = self._schema(target, self.origins[name])
        except RecursionError:
            raise DescriptionError(
                "the schemas nest too deep",
                place=Place(self.description.source),
                remedy="say in fewer steps what they are made of, by references",
            ) from None
        return made

    def _older(self) -> bool:
        return self.description.dialect in {"2.0", "3.0"}

    def _reference(self, reference: str) -> str:
        """Where a reference leads now."""
        name = self._names.get(reference)
        if name is None:
            target = self.description.at(reference)
            name = self._names[reference] = f"d{len(self._names)}"
            self.definitions[name] = True  # until it is read
            self.origins[name] = reference
            self._waiting.append((name, target))
        return f"#/$defs/{name}"

    def _schema(self, schema: Any, where: str) -> Schema:
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            self._note(where, "a schema", schema)
            return True
        reference = schema.get("$ref")
        if isinstance(reference, str):
            to = {"$ref": self._reference(reference)}
            return to if self._older() else {**self._keywords(schema, where), **to}
        made = self._keywords(schema, where)
        if schema.get("nullable") is True and self._older():
            return _nullable(made)
        return made

    def _keywords(self, schema: Mapping[str, Any], where: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        self._type(schema, made, where)
        self._limits(schema, made, where)
        for word in _UNKEPT:
            if word in schema:
                raise DescriptionError(
                    f"`{word}` in {where or 'a schema'} is not kept",
                    place=Place(self.description.source),
                    remedy="refer by `$ref` to a place in the description",
                )
        if isinstance(schema.get("items"), list):  # as before 2020-12
            schema = {**schema, "prefixItems": schema["items"], "items": schema.get("additionalItems", True)}
        for word in _SCHEMAS:
            if word in schema:
                made[word] = self._schema(schema[word], f"{where}/{word}")
        for name, needs in (schema.get("dependencies") or {}).items() if self._older() else ():
            word = "dependentRequired" if isinstance(needs, list) else "dependentSchemas"
            made.setdefault(word, {})[name] = needs if isinstance(needs, list) else self._schema(needs, where)
        for word in _LISTS:
            found = schema.get(word)
            if isinstance(found, list) and found:
                made[word] = [self._schema(one, f"{where}/{word}") for one in found]
            elif found is not None and found != []:
                self._note(where, word, found)
        for word in _MAPS:
            found = schema.get(word)
            if isinstance(found, dict):
                made[word] = {name: self._schema(one, f"{where}/{word}/{name}") for name, one in found.items()}
            elif found is not None:
                self._note(where, word, found)
        self._required(schema, made, where)
        self._values(schema, made, where)
        if isinstance(schema.get("discriminator"), dict):
            self._discriminator(schema, made, where)
        return made

    def _type(self, schema: Mapping[str, Any], made: dict[str, Any], where: str) -> None:
        kind = schema.get("type")
        kinds = [kind] if isinstance(kind, str) else kind
        if kinds is None:
            return
        known = [one for one in kinds if one in _TYPES] if isinstance(kinds, list) else []
        if not known or len(known) != len(kinds):
            self._note(where, "type", kind)
        elif isinstance(kind, str):
            made["type"] = kind
        else:
            made["type"] = list(dict.fromkeys(known))

    def _limits(self, schema: Mapping[str, Any], made: dict[str, Any], where: str) -> None:
        for word in _COUNTS:
            found = schema.get(word)
            if isinstance(found, float) and found.is_integer():
                found = int(found)
            if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
                made[word] = found
            elif found is not None:
                self._note(where, word, found)
        for word in _NUMBERS:
            found = schema.get(word)
            if isinstance(found, bool) and word.startswith("exclusive"):
                continue  # a flag, looked at below
            if isinstance(found, int | float) and not isinstance(found, bool) and (word != "multipleOf" or found > 0):
                made[word] = found
            elif found is not None:
                self._note(where, word, found)
        for word in ("Maximum", "Minimum"):
            if schema.get(f"exclusive{word}") is True and word.lower() in made:
                made[f"exclusive{word}"] = made.pop(word.lower())
        if schema.get("uniqueItems") is True:
            made["uniqueItems"] = True
        if isinstance(schema.get("pattern"), str):
            made["pattern"] = schema["pattern"]
        form = schema.get("format")
        if isinstance(form, str):
            if form in _RANGES and made.get("type") in {"integer", "number"}:
                least, most = _RANGES[form]
                made["minimum"] = max(made.get("minimum", least), least)
                made["maximum"] = min(made.get("maximum", most), most)
            elif form in FORMATS and "string" in made.get("type", ["string"]):
                made["format"] = form

    def _required(self, schema: Mapping[str, Any], made: dict[str, Any], where: str) -> None:
        asked = schema.get("required")
        if isinstance(asked, list) and all(isinstance(one, str) for one in asked):
            properties = schema.get("properties")
            members = properties if isinstance(properties, dict) else {}
            word = "readOnly" if self.request else "writeOnly"
            kept = [name for name in dict.fromkeys(asked) if not self._says(members.get(name), word)]
            if kept:
                made["required"] = kept
        elif asked is not None:
            self._note(where, "required", asked)
        dependent = schema.get("dependentRequired")
        if isinstance(dependent, dict) and all(isinstance(one, list) for one in dependent.values()):
            made["dependentRequired"] = dependent

    def _says(self, schema: Any, word: str) -> bool:
        """Whether a member's schema, or what it refers to, says `readOnly` or `writeOnly`."""
        if not isinstance(schema, dict):
            return False
        if schema.get(word) is True:
            return True
        resolved = self.description.resolve(schema) if "$ref" in schema else schema
        return isinstance(resolved, dict) and resolved.get(word) is True

    def _values(self, schema: Mapping[str, Any], made: dict[str, Any], where: str) -> None:
        values = schema.get("enum")
        if values == []:
            made["not"] = {}  # there is no such value
        elif isinstance(values, list):
            made["enum"] = [one for at, one in enumerate(values) if not _among(one, values[:at])]
        elif values is not None:
            self._note(where, "enum", values)
        if "const" in schema and not self._older():
            made["const"] = schema["const"]

    def _discriminator(self, schema: Mapping[str, Any], made: dict[str, Any], where: str) -> None:
        """The alternatives, each asked for by its value alone: the others are not tried."""
        told = schema["discriminator"]
        name, mapping = told.get("propertyName"), told.get("mapping")
        word = "oneOf" if "oneOf" in made else "anyOf"
        alternatives = schema.get(word) or ()
        references = [str(one["$ref"]) for one in alternatives if isinstance(one, dict) and "$ref" in one]
        if not isinstance(name, str) or not references or len(references) < len(alternatives):
            return
        targets: dict[str, str] = {unescape(one.rpartition("/")[2]): one for one in references}
        for value, to in (mapping if isinstance(mapping, dict) else {}).items():
            if not isinstance(to, str):
                self._note(where, "discriminator.mapping", to)
                continue
            reference = to if to.startswith("#") else f"#/components/schemas/{escape(to)}"
            targets = {known: one for known, one in targets.items() if one != reference or known in (mapping or {})}
            targets[str(value)] = reference
        del made[word]
        made["type"] = "object"
        made.setdefault("required", [])
        made["required"] = list(dict.fromkeys([*made["required"], name]))
        picked = [
            {
                "if": {"properties": {name: {"const": value}}, "required": [name]},
                "then": {"$ref": self._reference(reference)},
            }
            for value, reference in targets.items()
        ]
        made["allOf"] = [
            *made.get("allOf", ()), {"properties": {name: {"enum": list(targets)}}}, *picked,
        ]  # fmt: skip

    def _note(self, where: str, word: str, found: Any) -> None:
        self.odd.append(f"`{word}` in {where or 'a schema'} is {type(found).__name__}, and says nothing as it stands")


def _nullable(made: dict[str, Any]) -> dict[str, Any]:
    kind = made.get("type")
    if kind is None:
        return {"anyOf": [{"type": "null"}, made]} if made else made
    several = [kind] if isinstance(kind, str) else list(kind)
    nullable = {**made, "type": [*several, *(["null"] if "null" not in several else [])]}
    if "enum" in made and None not in made["enum"]:
        nullable["enum"] = [*made["enum"], None]
    return nullable


def _among(value: Any, others: list[Any]) -> bool:
    """Whether a value is among others, as JSON tells them apart: `true` is not 1."""
    return any(one == value and isinstance(one, bool) == isinstance(value, bool) for one in others)
