"""Who sees which fields of answers, and which in other words: by the roles and scopes that a caller holds.

Callers who see the same share one view, which is known by the rules that they fulfil. Whoever fulfils none sees least; so does
who comes after more views than are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.contract.fields import selected
from ninefold.guard.mask import Email, Last4, Pseudonym, Range, Redact
from ninefold.guard.shape import Fields

if TYPE_CHECKING:
    from ninefold.contract.description import Description
    from ninefold.contract.fields import Selected
    from ninefold.contract.responses import Masking, Responses
    from ninefold.guard.mask import Mask

#: Views that are kept, and sets of scopes of which it is remembered what they see.
MOST_VIEWS, MOST_REMEMBERED = 128, 4096

#: The rules that a caller fulfils, by their numbers.
View = frozenset[int]
NOBODY: View = frozenset()


class Outlook:
    """Of one contract. `key` is that of pseudonyms."""

    def __init__(self, responses: Responses, description: Description, key: bytes) -> None:
        self._hides: list[tuple[Selected, frozenset[str]]] = []
        self._masks: list[tuple[Selected, Mask, frozenset[str]]] = []
        for name, holders in responses.visible_to.items():
            found = selected(name, description)
            if found is not None:
                self._hides.append((found, frozenset(holders)))
        for name, masking in responses.mask.items():
            found = selected(name, description)
            if found is not None:
                self._masks.append((found, _mask(masking, key), frozenset(masking.unless)))
        self._expected: list[Selected] = []
        for name in responses.leaks.expected:
            found = selected(name, description)
            if found is not None:
                self._expected.append(found)
        self._asked = [holders for _, holders in self._hides] + [unless for *_, unless in self._masks]
        #: Whether what leaves depends on who asks.
        self.varies = any(self._asked)
        self._known: dict[frozenset[str], View] = {}
        self._views: set[View] = {NOBODY}

    def view(self, scopes: frozenset[str]) -> View:
        """What somebody who holds these sees."""
        known = self._known.get(scopes)
        if known is None:
            known = frozenset(number for number, holders in enumerate(self._asked) if holders & scopes)
            if known not in self._views:
                if len(self._views) >= MOST_VIEWS:
                    known = NOBODY
                self._views.add(known)
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[scopes] = known
        return known

    def fields(self, view: View) -> Fields:
        """What becomes of fields in a view."""
        hidden: set[str] = set()
        hidden_of: dict[int, set[str]] = {}
        masked: dict[str, Mask] = {}
        masked_of: dict[int, dict[str, Mask]] = {}
        for number, (field, _) in enumerate(self._hides):
            if number in view:
                continue
            if field.schemas is None:
                hidden.add(field.name)
            for schema in field.schemas or ():
                hidden_of.setdefault(schema, set()).add(field.name)
        for number, (field, mask, _) in enumerate(self._masks, len(self._hides)):
            if number in view:
                continue
            if field.schemas is None:
                masked[field.name] = mask
            for schema in field.schemas or ():
                masked_of.setdefault(schema, {})[field.name] = mask
        expected_of: dict[int, set[str]] = {}
        for one in self._expected:
            for schema in one.schemas or ():
                expected_of.setdefault(schema, set()).add(one.name)
        return Fields(
            frozenset(hidden),
            {schema: frozenset(names) for schema, names in hidden_of.items()},
            masked,
            masked_of,
            frozenset(one.name for one in self._expected if one.schemas is None),
            {schema: frozenset(names) for schema, names in expected_of.items()},
        )


def _mask(masking: Masking, key: bytes) -> Mask:
    word, _, size = masking.as_.partition(" ")
    if word == "range":
        return Range(int(size))
    if word == "pseudonym":
        return Pseudonym(key)
    plain: dict[str, Mask] = {"redact": Redact(), "last4": Last4(), "email": Email()}
    return plain[word]
