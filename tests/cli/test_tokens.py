"""`ninefold tokens`: what it says, and what it leaves in the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from ninefold.cli.main import cli
from ninefold.errors import ContractError, KeyringError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IDENTITY = {"issuer": "https://id.example.com", "audience": "things", "unbound": "the tests have nothing else to prove"}


SERVICE = IDENTITY | {"issuer": "http://127.0.0.1:9443", "service": {}}
PASSWORD = "a long enough password"


def _run(*arguments: str, given: str | None = None) -> Any:
    return CliRunner().invoke(cli, ["tokens", *arguments], input=given)


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


def test_users_are_added_listed_given_another_password_and_removed(contract: Callable[..., Path]) -> None:
    path = str(contract(identity=SERVICE))
    assert "no users yet" in _run("users", "list", "--contract", path).output
    added = _run("users", "add", "ann", "--role", "writer", "--tenant", "north", "--contract", path, given=PASSWORD)
    assert (added.exit_code, added.output) == (0, "user ann can log in\n")
    (listed,) = map(json.loads, _run("users", "list", "--json", "--contract", path).output.splitlines())
    assert {name: listed[name] for name in ("name", "roles", "tenant")} == {
        "name": "ann", "roles": ["writer"], "tenant": "north",
    }  # fmt: skip
    assert "argon2" not in _run("users", "list", "--json", "--contract", path).output
    assert _run("users", "password", "ann", "--contract", path, given="another long password").exit_code == 0
    assert _run("users", "remove", "ann", "--contract", path).exit_code == 0
    revoked = [json.loads(line) for line in _run("revoked", "--contract", path, "--json").output.splitlines()]
    assert [(one["kind"], one["name"]) for one in revoked] == [("subject", "ann")]


@pytest.mark.parametrize(
    ("arguments", "given", "told"),
    [
        (("users", "add", "ann"), "short", "5 characters"),
        (("users", "add", "ann"), "", "0 characters"),
        (("users", "add", "a\x1bnn"), PASSWORD, "cannot be printed"),
        (("users", "add", "a" * 200), PASSWORD, "too long"),
        (("users", "add", "ann", "--role", "nobody"), PASSWORD, "no role 'nobody'"),
        (("users", "add", "ann", "--tenant", "x\n"), PASSWORD, "tenant"),
        (("users", "remove", "nobody"), None, "no user 'nobody'"),
        (("users", "password", "nobody"), PASSWORD, "no user 'nobody'"),
        (("clients", "remove", "nobody"), None, "no client 'nobody'"),
        (("clients", "add", "x", "--redirect", "https://a@b.example/"), None, "no redirect URL"),
        (("clients", "add", "x", "--redirect", "https://a;b.example/"), None, "no redirect URL"),
        (("clients", "add", "x", "--redirect", "https://b.example:99999/"), None, "no redirect URL"),
        (("clients", "add", "x", "--redirect", "http://192.0.2.1/"), None, "no redirect URL"),
        (("clients", "add", "x", "--redirect", "a.b://c"), None, "no redirect URL"),
    ],
)
def test_what_cannot_be_kept_is_told(
    contract: Callable[..., Path], arguments: tuple[str, ...], given: str | None, told: str
) -> None:
    done = _run(*arguments, "--contract", str(contract(identity=SERVICE)), given=given)
    assert isinstance(done.exception, KeyringError), done.output
    assert told in str(done.exception)


def test_clients_are_listed_in_eighty_columns(contract: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    path = str(contract(identity=SERVICE))
    assert "no clients yet" in _run("clients", "list", "--contract", path).output
    for name in ("app", "another"):
        added = _run(
            "clients", "add", name, "--name", "An application with a long name", "--redirect",
            f"https://{name}.example.com/a/rather/long/path/to/come/back/to", "--role", "writer", "--contract", path,
        )  # fmt: skip
        assert added.exit_code == 0
        assert "proves itself by nothing: it acts for persons alone" in added.output
    shown = _run("clients", "list", "--contract", path).output
    assert max(map(len, shown.splitlines())) <= 80
    assert "app" in shown


def test_without_a_service_there_are_neither_users_nor_clients(contract: Callable[..., Path]) -> None:
    for arguments in (("users", "list"), ("clients", "list"), ("serve",)):
        done = _run(*arguments, "--contract", str(contract(identity=IDENTITY)))
        assert isinstance(done.exception, ContractError)
        assert "no token service" in str(done.exception)
