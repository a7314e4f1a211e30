"""Expressions for paths with parameters between literals, in a time that grows with the path alone (CWE-1333)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def first_fit(literals: Sequence[str], character: str) -> str:
    """Of what stands between `literals` (the first and last may be empty) each part of at least one `character`, and the whole.

    Each part ends where the literal behind it comes first: later would leave less to those that follow, so whoever is not
    matched so is not matched at all, and nothing is tried twice.
    """
    *between, last = literals[1:]
    parts = "".join(f"(?>({character}+?){re.escape(one)})" for one in between)
    return f"{re.escape(literals[0])}{parts}({character}+){re.escape(last)}\\Z"
