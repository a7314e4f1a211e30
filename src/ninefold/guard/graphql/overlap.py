"""How many pairs of fields a document has that validating it compares (GraphQL, section 5.3.2), counted before it does.

Fields under one name melt, and with them their selections: `a { a { .. } a { .. } } a { .. }` of a few kilobytes has a hundred
thousands of pairs, and each is compared with each (CWE-407).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, OperationDefinitionNode

if TYPE_CHECKING:
    from graphql import DocumentNode, SelectionSetNode


def overlaps(document: DocumentNode, most: int) -> bool:
    """Whether it has more than `most` pairs, or as many fields once they melt. It need not be valid; that ends any circle."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    roots = [one for one in document.definitions if isinstance(one, OperationDefinitionNode | FragmentDefinitionNode)]
    # what fragments have in themselves is compared once, however often they are spread
    left, seen = most, set[tuple[int, ...]]()
    for root in roots:
        waiting = [[root.selection_set]]
        while waiting:
            named = _melted(waiting.pop(), fragments)
            for fields in named.values():
                left -= 1 + len(fields) * (len(fields) - 1) // 2
                if left < 0:
                    return True
                inner = [one.selection_set for one in fields if one.selection_set is not None]
                known = tuple(map(id, inner))
                if inner and known not in seen:
                    seen.add(known)
                    waiting.append(inner)
    return False


def _melted(
    selections: list[SelectionSetNode], fragments: dict[str, FragmentDefinitionNode]
) -> dict[str, list[FieldNode]]:
    """The fields of selections that melt into one, by the names that they have in the answer; each fragment counts once."""
    named: dict[str, list[FieldNode]] = {}
    spread: set[str] = set()
    waiting = list(selections)
    while waiting:
        for one in waiting.pop().selections:
            if isinstance(one, FieldNode):
                named.setdefault(one.alias.value if one.alias else one.name.value, []).append(one)
            elif isinstance(one, InlineFragmentNode):
                waiting.append(one.selection_set)
            elif isinstance(one, FragmentSpreadNode) and one.name.value not in spread:
                spread.add(one.name.value)
                fragment = fragments.get(one.name.value)
                if fragment is not None:
                    waiting.append(fragment.selection_set)
    return named
