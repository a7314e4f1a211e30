"""Whatever a test here finds on a running API, its line for a shell must show once more, while the API still runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.again import variables
from ninefold.audit.answer import EXCERPT, Answer, Ask
from ninefold.audit.finding import Exchange
from ninefold.audit.judge import KIN, kinship
from ninefold.audit.rule import Needs
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

BY_ID = {rule.id: rule for rule in RULES}

#: The rules whose findings were shown once more by their lines, for `test_order.py`.
SHOWN: set[str] = set()


@pytest.fixture(autouse=True)
def again(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wraps the module's `look(rule, target)`. Without curl (scripts/debian.sh installs it) there is nothing to try."""
    look = getattr(request.module, "look", None)
    if look is None or shutil.which("curl") is None:
        return

    def wrapped(rule: str, target: Target, *more: Any) -> Looked:
        looked: Looked = look(rule, target, *more)
        for one in looked.seen if Needs.URL in BY_ID[rule].needs else ():
            _show(rule, target, [piece for piece in one.evidence if isinstance(piece, Exchange)])
        return looked

    monkeypatch.setattr(request.module, "look", wrapped)


def _show(rule: str, target: Target, evidence: list[Exchange]) -> None:
    attack = next((one for one in evidence if one.role == "attack"), evidence[0])
    assert attack.again, f"{rule} has no line for a shell"
    assert not any(secret in attack.again for secret in target.probe.secrets)
    names = {name: value for value, name in variables(target.keys).items()}
    names |= dict.fromkeys(re.findall(r"NINEFOLD_VALUE\w*", attack.again), "nobody-knows-this-1")
    told = {name: os.environ[name] for name in ("PATH", "NINEFOLD_AUTHORITY") if name in os.environ}
    done = subprocess.run(
        ["/bin/sh", "-c", attack.again], capture_output=True, check=False, timeout=60, env={**told, **names}
    )
    output = done.stdout.decode("utf-8", "replace")
    if attack.again.startswith("openssl"):
        version = attack.response.split()[0]
        assert f"Protocol  : {version}\n" in output or "Certificate:" in output, output
    elif attack.again.startswith("python3"):
        chosen = re.match(r"0x([0-9A-F]{4}) is taken", attack.response)
        assert chosen, attack.response
        assert chosen[1].lower() in output, output
    elif attack.again.startswith("for "):
        statuses = {line.split()[1] for line in output.splitlines()}
        assert statuses == {_status(attack.response)}, output
    else:
        assert output, done.stderr
        head, _, body = output.replace("\r\n", "\n").partition("\n\n")
        before, _, was = attack.response.partition("\n\n")
        assert _names(head) == _names(before), (attack.again, output, attack.response)
        assert _status(head) == _status(attack.response), (attack.again, output, attack.response)
        kin = kinship(_answer(body[:EXCERPT]), _answer(was.removesuffix(" ...")))
        assert kin >= KIN, (attack.again, output, attack.response)
    SHOWN.add(rule)


def _status(head: str) -> str:
    return head.split()[1]


def _names(head: str) -> list[str]:
    """The response's field names: a rule may have found what one of them is for."""
    return sorted(line.partition(":")[0].lower() for line in head.splitlines()[1:])


def _answer(body: str) -> Answer:
    return Answer(Ask("GET", "/"), 200, (), body.encode())


@pytest.fixture
def shown_again() -> set[str]:
    """Which rules have been, so far in this session."""
    return SHOWN
