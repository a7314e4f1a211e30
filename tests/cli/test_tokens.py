"""`ninefold tokens`: what it says, and what it leaves in the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from ninefold.cli.main import cli
from ninefold.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IDENTITY = {"issuer": "https://id.example.com", "audience": "things", "unbound": "the tests have nothing else to prove"}


def _run(*arguments: str) -> Any:
    return CliRunner().invoke(cli, ["tokens", *arguments])


def test_tokens_are_revoked_and_listed(contract: Callable[..., Path]) -> None:
    path = str(contract(identity=IDENTITY))
    assert "nothing was revoked" in _run("revoked", "--contract", path).output
    done = _run("revoke", "--contract", path, "--jti", "a-1", "--jti", "a-2", "--subject", "alice\x1b[31m")
    assert done.exit_code == 0
    assert "jti a-1 is revoked" in done.output
    assert "\x1b" not in done.output
    listed = [json.loads(line) for line in _run("revoked", "--contract", path, "--json").output.splitlines()]
    assert [(one["kind"], one["name"]) for one in listed] == [
        ("jti", "a-1"),
        ("jti", "a-2"),
        ("subject", "alice\x1b[31m"),
    ]
    shown = _run("revoked", "--contract", path).output
    assert "a-2" in shown
    assert "\x1b" not in shown


def test_to_revoke_nothing_is_a_mistake(contract: Callable[..., Path]) -> None:
    done = _run("revoke", "--contract", str(contract(identity=IDENTITY)))
    assert done.exit_code == 2
    assert "--jti ID, or --subject SUBJECT" in done.output


def test_a_contract_without_an_issuer_has_no_tokens(contract: Callable[..., Path]) -> None:
    done = _run("revoke", "--contract", str(contract()), "--jti", "1")
    assert isinstance(done.exception, ContractError)
    with pytest.raises(ContractError, match="accepts no tokens"):
        raise done.exception
