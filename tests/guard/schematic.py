"""Schemas and values at random."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = ("a", "b", "xa", "xb", "c")
NAMED = ("A", "B", "C")
KINDS = ("string", "integer", "number", "boolean", "array", "object", "null")
Schema = Any

values = st.recursive(
    st.sampled_from([None, True, 1, 1.5, "s"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def schemas(draw: st.DrawFn, depth: int, later: tuple[str, ...]) -> Schema:
    """What is a part of itself by `allOf` has no meaning, so parts refer to `later` names alone; members to any."""
    kind = draw(st.integers(0, 9 if depth else 3))
    if kind == 0:
        return draw(st.sampled_from([{}, True, False]))
    if kind == 1:
        made: dict[str, Any] = {
            "type": draw(st.sampled_from(KINDS[:4]) | st.lists(st.sampled_from(KINDS), min_size=1, max_size=3))
        }
    elif kind == 2 and later:
        made = {"$ref": f"#/components/schemas/{draw(st.sampled_from(later))}"}
    elif kind <= 3:
        made = (
            {"enum": draw(st.lists(values, min_size=1, max_size=2))} if draw(st.booleans()) else {"const": draw(values)}
        )
    elif kind == 4:
        inner = schemas(depth - 1, NAMED)
        made = {"type": "array"} if draw(st.booleans()) else {}
        made[draw(st.sampled_from(["items", "prefixItems"]))] = draw(st.lists(inner, min_size=1, max_size=2))
        if draw(st.booleans()) or isinstance(made.get("items"), list):
            made["items"] = draw(inner)
    elif kind <= 6:
        inner = schemas(depth - 1, NAMED)
        made = {"type": "object"} if draw(st.booleans()) else {}
        made["properties"] = draw(st.dictionaries(st.sampled_from(NAMES), inner, max_size=3))
        if draw(st.integers(0, 2)) == 0:
            made["additionalProperties"] = draw(inner)
        if draw(st.integers(0, 2)) == 0:
            made["patternProperties"] = draw(st.dictionaries(st.sampled_from(["^x", "b$"]), inner, min_size=1))
    else:
        word = draw(st.sampled_from(["allOf", "oneOf", "anyOf"]))
        made = {word: draw(st.lists(schemas(depth - 1, later), min_size=1, max_size=2))}
        if draw(st.booleans()):
            made["properties"] = draw(st.dictionaries(st.sampled_from(NAMES), schemas(depth - 1, NAMED), max_size=2))
    if draw(st.integers(0, 4)) == 0:
        made["writeOnly"] = True
    return made


documents = st.fixed_dictionaries({
    name: schemas(2, NAMED[place + 1 :]) for place, name in enumerate(NAMED)
})  # fmt: skip
