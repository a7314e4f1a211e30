"""The fields of a form as one value that a schema can judge: each written as its `encoding` says (OpenAPI 3.1, 4.8.15)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ninefold.contract.description import Parameter
from ninefold.guard.flaw import Flaw
from ninefold.guard.validate import MOST_SEARCHED
from ninefold.guard.written import Miswritten, Written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ninefold.contract.description import Description, Schema
    from ninefold.guard.entrance import Entrance

_PARTS = ("allOf", "oneOf", "anyOf")
_DEEPEST = 20


class Fields:
    """Compiled once from the schema of a form."""

    def __init__(self, schema: Schema, encoding: Mapping[str, Any], entrance: Entrance) -> None:
        """Raises `DescriptionError` where the schema refers to nothing."""
        members = _members(schema, entrance.description, _DEEPEST)
        admitted = entrance.admitted(schema)
        self.declared = {
            name: _written(name, members.get(name, True), encoding.get(name), entrance.description)
            for name in admitted.named
        }
        #: Where the schema says nothing of its fields, all of them are taken.
        self.open = admitted.any
        self._validate = entrance.validator(schema)

    def flaws(self, found: Mapping[str, Sequence[Any]], size: int) -> tuple[Flaw, ...]:
        """What is wrong with fields by their names, each as often as it came: texts, or values that were read already.

        `size` is that of all of it, in bytes.
        """
        value: dict[str, Any] = {}
        flaws: list[Flaw] = []
        for name, texts in found.items():
            written = self.declared.get(name)
            try:
                value[name] = _value(written, texts)
            except Miswritten as fault:
                flaws.append(Flaw(f"/{name}", "style", str(fault)))
        return tuple(flaws) or self._validate.of_value(value, one=size > MOST_SEARCHED)


def _written(name: str, schema: Schema, encoding: Any, description: Description) -> Written:
    said = encoding if isinstance(encoding, dict) else {}
    style = str(said.get("style") or "form")
    explode = said.get("explode")
    return Written(
        Parameter(name, "query", False, schema, "", style, explode if isinstance(explode, bool) else style == "form"),  # noqa: FBT003
        description,
    )


def _value(written: Written | None, texts: Sequence[Any]) -> Any:
    if written is not None and written.array:
        if len(texts) == 1 and isinstance(texts[0], str) and not written.explode:
            return written.joined(texts[0], encoded=False)
        return [written.item(one) if isinstance(one, str) else one for one in texts]
    if len(texts) > 1:
        raise Miswritten("came more than once")
    one = texts[0]
    return written.one(one) if written is not None and isinstance(one, str) else one


def _members(schema: Schema, description: Description, left: int) -> dict[str, Schema]:
    resolved = description.resolve(schema)
    if not isinstance(resolved, dict) or left == 0:
        return {}
    found: dict[str, Schema] = {}
    for word in _PARTS:
        for part in resolved.get(word) or ():
            found.update(_members(part, description, left - 1))
    properties = resolved.get("properties")
    found.update(properties if isinstance(properties, dict) else {})
    return found
