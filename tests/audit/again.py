"""Whatever a test finds on a running API, its line for a shell must show once more, while the API still runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import partial
from typing import TYPE_CHECKING

import pytest

from ninefold.audit.again import variables
from ninefold.audit.answer import EXCERPT, Answer, Ask
from ninefold.audit.finding import Exchange
from ninefold.audit.judge import KIN, kinship
from ninefold.audit.jwt import parse, signed_with, weak_secret
from ninefold.audit.literal import literals
from ninefold.audit.report.evidence import broken
from ninefold.audit.rule import Needs
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

#: Modules of tests, beside those of the signs, in which findings are shown once more.
BESIDE = {
    "test_assignment", "test_crossing", "test_enumeration", "test_forgery", "test_function", "test_introspection", "test_overload",
    "test_stale", "test_vantage",
}  # fmt: skip
#: The rules whose findings were shown once more by their lines, for `test_whole.py`.
SHOWN: set[str] = set()


@pytest.fixture
def again() -> Iterator[None]:
    """Wraps every rule that asks an API. Without curl (scripts/debian.sh installs it) there is nothing to try."""
    asking = [rule for rule in RULES if Needs.URL in rule.needs and shutil.which("curl")]
    looks = {rule.id: rule.look for rule in asking}
    for rule in asking:
        object.__setattr__(rule, "look", partial(_look, rule.id, rule.look))
    yield
    for rule in asking:
        object.__setattr__(rule, "look", looks[rule.id])


def _look(rule: str, look: Callable[[Target], Looked], target: Target) -> Looked:
    looked = look(target)
    for one in looked.seen:
        exchanges = [piece for piece in one.evidence if isinstance(piece, Exchange)]
        if exchanges or not one.evidence:  # lines of a log alone were read, and nothing was sent for them
            _show(rule, target, exchanges)
    return looked


def _show(rule: str, target: Target, evidence: list[Exchange]) -> None:
    if not evidence:  # it is read in what was given, and no request shows it
        return
    attack = next((one for one in evidence if one.role == "attack"), evidence[0])
    assert attack.again, f"{rule} has no line for a shell"
    assert not any(secret in attack.again for secret in target.probe.secrets)
    assert broken(attack.again, 80).replace(" \\\n  ", " ") == attack.again  # nothing is lost where a report folds it
    names = {name: value for value, name in variables(target.keys, target.expired, target.revoked).items()}
    names["NINEFOLD_SECRET"] = _secret(target)
    names |= dict.fromkeys(re.findall(r"NINEFOLD_VALUE\w*", attack.again), "nobody-knows-this-1")
    told = {name: os.environ[name] for name in ("PATH", "NINEFOLD_AUTHORITY") if name in os.environ}
    done = subprocess.run(
        ["/bin/sh", "-c", attack.again], capture_output=True, check=False, timeout=60, env={**told, **names}
    )
    output = done.stdout.decode("utf-8", "replace")
    compared = "; echo; " in attack.again
    if compared:  # what shows it is the last answer, beside the one before it
        output = output[output.rindex("HTTP/1.1 ") :]
    if attack.again.startswith("openssl"):
        version = attack.response.split()[0]
        assert f"Protocol  : {version}\n" in output or "Certificate:" in output, output
    elif attack.again.startswith("python3"):
        chosen = re.match(r"0x([0-9A-F]{4}) is taken", attack.response)
        assert chosen, attack.response
        assert chosen[1].lower() in output, output
    elif attack.again.startswith("for ") and not compared:
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


def _secret(target: Target) -> str:
    """The secret that signed the first key, as the API's owner knows it."""
    token = parse(target.keys[0].value) if target.keys else None
    if token is None:
        return ""
    texts = (one.text for one in literals(target.source)) if target.source else ()
    return weak_secret(token, ()) or next((one for one in texts if signed_with(token, one)), "")


def _status(head: str) -> str:
    return head.split()[1]


def _names(head: str) -> list[str]:
    """The response's field names: a rule may have found what one of them is for."""
    return sorted(line.partition(":")[0].lower() for line in head.splitlines()[1:])


def _answer(body: str) -> Answer:
    return Answer(Ask("GET", "/"), 200, (), body.encode())
