"""`ninefold authz`: which line decides, and what nobody uses."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.guard.orders import ORDERS

from ninefold.contract.load import load_contract
from ninefold.trail.event import Event
from ninefold.trail.writer import TrailWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

CONTRACT = """\
api: {name: orders, description: openapi.yaml}
upstream: http://127.0.0.1:9
authorization:
  roles: {reader: [orders:read], writer: [reader, orders:write], approver: [orders:approve]}
  separate: [[approver, writer]]
  rules:
    - {operations: [getOrder, listOrders], allow: [reader], when: resource.owner == caller.owner}
    - {operations: [getOrder], allow: [orders:approve]}
    - {operations: [makeOrder], allow: [orders:write], when: body.owner == caller.owner && body.amount < 100.0}
    - {operations: [dropOrder], allow: [writer], until: 2026-01-01}
    - {operations: ["*"], allow: [approver]}
    - {operations: [ordersOf], when: path.owner == caller.owner}
    - {operations: [open], public: it is what the window shows}
    - {operations: [makeOrder], deny: nothing is ordered at night, when: time.hour < 6}
    - {operations: ["*"], deny: the address is banned, when: 'address.in_range("192.0.2.0/24")'}
trail: {path: trail.jsonl}
"""


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    (tmp_path / "openapi.yaml").write_text(yaml.safe_dump(ORDERS))
    (tmp_path / "b.json").write_text('{"owner": "bob", "amount": 5}')
    path = tmp_path / "contract.yaml"
    path.write_text(CONTRACT)
    return path


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        ("getOrder --role approver", 0, "allowed: by contract.yaml:8"),
        ("getOrder --role reader --owner bob", 2, "it depends on what the API answers"),
        ("getOrder --role reader --owner bob --answer b.json", 0, "allowed: by contract.yaml:7"),
        ("getOrder --role reader --owner eve --answer b.json", 1, "refused: the answer is withheld: contract.yaml:7"),
        ("makeOrder --role writer --owner bob --time 2026-05-05T12:00:00Z", 2, "it depends on the request's body"),
        ("makeOrder --role writer --owner bob --body b.json --time 2026-05-05T12:00:00Z", 0, "allowed: by contract.yaml:9"),
        ("makeOrder --role writer --owner eve --body b.json --time 2026-05-05T12:00:00Z", 1, "contract.yaml:9: `when` is false"),
        ("makeOrder --role writer --owner bob --body b.json --time 2026-05-05T05:59:59Z", 1, "contract.yaml:14: denied, nothing is"),
        ("makeOrder --role writer --owner bob --body b.json --time 2026-05-05T06:00:00Z", 0, "allowed"),
        ("dropOrder --role writer --time 2025-12-31T23:59:59Z", 0, "allowed: by contract.yaml:10"),
        ("dropOrder --role writer --time 2026-01-01", 1, "contract.yaml:10: its time is over"),
        ("ordersOf --role writer --owner eve --path owner=eve", 0, "allowed: by contract.yaml:12"),
        ("ordersOf --role writer --owner eve --path owner=bob", 1, "contract.yaml:12: `when` is false"),
        ("open --scope approver", 0, "allowed: by contract.yaml:13"),
        ("open --address 192.0.2.7", 1, "contract.yaml:15: denied, the address is banned"),
        ("export --scope approver --scope writer", 1, "are to be separate"),
        ("export --role reader", 1, "contract.yaml:11: none of approver is held"),
    ],
)  # fmt: skip
def test_explain_says_which_line_decides(
    ninefold: Run, orders: Path, monkeypatch: pytest.MonkeyPatch, asked: str, code: int, said: str
) -> None:
    monkeypatch.chdir(orders.parent)
    found, text, told = ninefold("authz", "explain", "--operation", *asked.split())
    assert found == code, text + told
    assert said in text.splitlines()[-1]
    assert text.startswith(f"{asked.split(maxsplit=1)[0]} (")


def test_explain_tells_every_rule_that_was_asked(ninefold: Run, orders: Path) -> None:
    asked = ("--operation", "getOrder", "--role", "reader", "--owner", "bob", "--answer", orders.parent / "b.json")
    _, text, _ = ninefold("authz", "explain", orders, *asked)
    assert text.splitlines()[1:] == [
        "  holds: orders:read, reader",
        "  contract.yaml:11  allow  no   rules that name the operation stand before it",
        "  contract.yaml:8   allow  no   none of orders:approve is held",
        "  contract.yaml:15  deny   no   `when` is false",
        "  contract.yaml:7   allow  yes  of the answer: `when` allows it",
        "allowed: by contract.yaml:7",
    ]
    code, text, _ = ninefold("authz", "explain", orders, *asked, "--json")
    document = json.loads(text)
    assert (code, document["allowed"], document["asked"][-1]["place"]) == (0, True, "contract.yaml:7")


def test_explain_of_a_key_as_it_is_now(ninefold: Run, orders: Path) -> None:
    key = ninefold("keys", "create", "--contract", orders, "--role", "approver")[1].split("_")[2]
    assert ninefold("authz", "explain", orders, "--operation", "getOrder", "--caller", key)[0] == 0
    ninefold("keys", "revoke", "--contract", orders, key)
    code, text, _ = ninefold("authz", "explain", orders, "--operation", "getOrder", "--caller", key)
    assert (code, text.splitlines()[-1]) == (1, "refused: the key is revoked, so its caller is nobody (401)")
    assert ninefold("authz", "explain", orders, "--operation", "open", "--caller", key)[0] == 0


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        ("--operation gtOrder", 65, "did you mean `getOrder`?"),
        ("--operation getOrder --role nobody", 65, "the contract has no role 'nobody'"),
        ("--operation getOrder --caller nope", 65, "there is no key 'nope'"),
        ("--operation getOrder --caller nope --role reader", 64, "leave --role and --scope out"),
        ("--operation ordersOf --role reader", 65, "give --path owner=..."),
        ("--operation ordersOf --path nope=1 --path owner=a", 65, "has no parameter 'nope'"),
        ("--operation getOrder --path id", 64, "is no NAME=VALUE"),
        ("--operation getOrder --time tomorrow", 64, "is no moment"),
        ("--operation makeOrder --body nope.json", 66, "cannot be read"),
    ],
)
def test_explain_of_what_is_not_there(ninefold: Run, orders: Path, asked: str, code: int, said: str) -> None:
    found, _, told = ninefold("authz", "explain", orders, *asked.split())
    assert found == code
    assert said in told


def test_the_matrix_fits_the_screen(ninefold: Run, orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, text, _ = ninefold("authz", "matrix", orders)
    lines = text.splitlines()
    assert lines[0].split() == ["reader", "writer", "approver"]
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:8]}
    assert rows["getOrder"] == ["if", "if", "if"]
    assert rows["makeOrder"] == ["-", "if", "-"]
    assert rows["dropOrder"] == ["-", "-", "-"]
    assert "contract.yaml:10: its time is over; the rule can go" in text
    monkeypatch.setenv("COLUMNS", "40")
    for line in ninefold("authz", "matrix", orders)[1].splitlines()[:-2]:
        assert len(line) <= 40
    document = json.loads(ninefold("authz", "matrix", orders, "--json")[1])
    assert document["operations"][0]["may"].keys() == {"reader", "writer", "approver"}


def test_the_matrix_names_keys_that_hold_less_than_their_role(ninefold: Run, orders: Path) -> None:
    made = ninefold("keys", "create", "--contract", orders, "--role", "writer", "--scope", "orders:read")[1]
    key = made.split("_")[2]
    document = json.loads(ninefold("authz", "matrix", orders, "--json")[1])
    cells = {one["id"]: one["may"][f"writer/{key}"]["may"] for one in document["operations"]}
    assert cells["makeOrder"] == "-"
    assert cells["ordersOf"] == "if"


def _used(path: Path, *records: tuple[float, str, str, str]) -> None:
    loaded, now = load_contract(path), time.time()
    writer = TrailWriter(loaded.resolve(loaded.contract.trail.path), clock=lambda: now - records[0][0] * 86400)
    for days, outcome, operation, caller in records:
        at = now - days * 86400
        writer.append(Event(at, "id", outcome, "GET", "/x", operation, caller, "127.0.0.1", 200))
    writer.write()
    writer.close()


def test_what_no_request_has_used_is_told_with_the_rules_that_give_it(ninefold: Run, orders: Path) -> None:
    def create(role: str) -> str:
        return ninefold("keys", "create", "--contract", orders, "--role", role)[1].split("_")[2]

    reader, writer, idle = create("reader"), create("writer"), create("reader")
    _used(
        orders,
        (200, "admitted", "listOrders", reader),
        (100, "admitted", "makeOrder", writer),
        (50, "admitted", "getOrder", reader),
        (40, "refused", "listOrders", reader),
        (1, "admitted", "getOrder", writer),
        (1, "admitted", "nothing", "unknown"),
    )
    asked: Any = ninefold("authz", "matrix", orders, "--unused-for", "90d", "--json")[1]
    unused = json.loads(asked)["unused"]
    assert unused["keys"] == [idle]
    told: dict[str, set[str]] = {one["caller"]: set() for one in unused["grants"]}
    for one in unused["grants"]:
        told[one["caller"]] |= set(one["operations"])
    assert told["reader"] == {"listOrders", "ordersOf"}
    assert told["writer"] == {"listOrders", "makeOrder", "ordersOf"}
    text = ninefold("authz", "matrix", orders, "--unused-for", "90d")[1]
    assert "unused for 90 days by reader (contract.yaml:7, contract.yaml:15): listOrders" in text
    assert f"keys without a request for 90 days: {idle}" in text
    assert "the trail begins" not in text
    assert "the trail begins 200" not in ninefold("authz", "matrix", orders, "--unused-for", "150d")[1]
    assert "is measured over that, not 300 days" in ninefold("authz", "matrix", orders, "--unused-for", "300d")[1]


def test_without_a_trail_nothing_is_said_of_use(ninefold: Run, orders: Path) -> None:
    code, _, told = ninefold("authz", "matrix", orders, "--unused-for", "90d")
    assert code == 74
    assert "the trail cannot be read" in told
    assert ninefold("authz", "matrix", orders, "--trail", "x")[0] == 64
    assert ninefold("authz", "matrix", orders, "--unused-for", "soon")[0] == 64


def test_describe_tells_that_there_are_conditions_and_not_which(ninefold: Run, orders: Path) -> None:
    document = json.loads(ninefold("contract", "describe", orders)[1])
    get = document["paths"]["/orders/{id}"]["get"]
    assert (
        get["description"] == "For callers that hold one of: orders:approve, reader, under conditions of the contract."
    )
    assert "404" in get["responses"]
    assert (
        document["paths"]["/people/{owner}/orders"]["get"]["description"]
        == "For every caller, under conditions of the contract."
    )
    assert "caller.owner" not in json.dumps(document)
    assert ninefold("contract", "check", orders)[0] == 0
