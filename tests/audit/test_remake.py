"""That the lines show the findings once more is tested with the rules, in `test_crossing.py` and `test_assignment.py`."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tests.notes import KEYS, Plain, Wrapped

from ninefold.audit.again import variables
from ninefold.audit.finding import Exchange
from ninefold.audit.key import Key
from ninefold.audit.report.evidence import broken
from ninefold.audit.run import clean
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

ACTIVE = [rule for rule in RULES if rule.id in {"authorization-object-write", "authorization-mass-assignment"}]


@pytest.fixture
def lines(live: Callable[..., Target], serve: Callable[..., str]) -> Callable[[Plain | Wrapped], tuple[Any, list[str]]]:
    """The names of the keys, and the attacks' lines of what is found."""

    def run(api: Plain | Wrapped) -> tuple[Any, list[str]]:
        field, scheme = ("X-API-Key", "") if isinstance(api, Plain) else ("Authorization", "Bearer ")
        keys = [Key("header", field, f"{scheme}{one}") for one in KEYS]
        target = live(serve(api), api.document, *keys, active=True)
        try:
            seen = [one for rule in ACTIVE for one in rule.look(target).seen]
        finally:
            assert clean(target) == ()
        attacks = [
            next(piece for piece in one.evidence if isinstance(piece, Exchange) and piece.role == "attack")
            for one in seen
        ]
        return {name: value for value, name in variables(target.keys).items()}, [one.again for one in attacks]

    return run


def shell(line: str, names: dict[str, str]) -> str:
    done = subprocess.run(
        ["/bin/sh", "-c", line], capture_output=True, check=False, timeout=60, env={"PATH": "/usr/bin:/bin", **names}
    )
    return done.stdout.decode()


@pytest.mark.parametrize("make", [Plain, Wrapped])
def test_a_line_shows_the_attack_and_leaves_nothing_when_the_audit_is_over(lines: Any, make: Any) -> None:
    api = make("write", "remove", "mass")
    before = set(api.things if make is Plain else api.tickets)
    names, made = lines(api)
    assert len(made) >= 3
    for line in made:
        assert not any(key in line for key in KEYS)
        for form in (line, broken(line, 80)):
            assert re.match(r"HTTP/1.1 20\d ", shell(form, names)), form
            assert set(api.things if make is Plain else api.tickets) == before


def test_a_line_whose_object_is_not_made_attacks_nothing(lines: Any) -> None:
    class Full(Plain):
        full = False

        def answer(self, method: str, path: str, who: str, body: bytes) -> tuple[int, Any]:
            if self.full and method == "POST":
                return 507, {"error": "full"}
            return super().answer(method, path, who, body)

    api = Full("write", "remove")
    names, made = lines(api)
    api.full = True
    api.log.clear()
    for line in made:
        assert shell(line, names) == ""
    assert {method for method, *_ in api.log} == {"POST"}
