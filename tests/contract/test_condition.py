"""Conditions, as they are checked when a contract loads: what is known, what is not, and where it stands."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from tests.guard.orders import ORDERS, ROLES

from ninefold.contract.attribute import Environment
from ninefold.contract.condition import MOST_TEXT, ConditionFaults, compile_condition
from ninefold.contract.load import load_contract
from ninefold.contract.openapi import read
from ninefold.errors import ContractProblems

DESCRIPTION = read(ORDERS, "openapi.yaml")


def _environment(operation: str, *, open_: bool = False) -> Environment:
    found = next(one for one in DESCRIPTION.operations if one.id == operation)
    return Environment(found, DESCRIPTION, "X-API-Key", open_=open_)


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        ("getOrder", "caller.id == 'a' && caller.role in ['reader'] && 'x' in caller.scopes"),
        ("getOrder", "caller.tenant == resource.tenant || caller.owner == resource.owner || caller.tier == 'gold'"),
        ("getOrder", "caller.subject != '' && caller.claims.department == 'sales'"),
        ("getOrder", "caller.claims.realm_access.roles.exists(r, r == 'admin')"),
        ("getOrder", "caller.claims['https://id.example.com/team'] == 'blue'"),
        ("getOrder", "operation.id == 'getOrder' && operation.method == 'GET' && operation.path.startsWith('/orders')"),
        ("listOrders", "'orders' in operation.tags && query.most < 10 && 'a' in query.tag"),
        ("listOrders", "headers['x-team'] == 'a' && headers['X-Other'] == 'b'"),
        ("getOrder", "path.id > 3 && path['id'] < 7"),
        ("makeOrder", "has(body.note) && body.note.startsWith('x')"),
        ("makeOrder", "has(body['odd-name']) && body['odd-name'] == caller.id && body.customer.id == caller.id"),
        ("makeOrder", "body.items.all(i, has(i.owner) && i.owner == caller.id && i.price < 3.0)"),
        ("makeOrder", "body.items[0].owner == caller.id && body.labels['team'] == 'a' && 'team' in body.labels"),
        ("makeOrder", "body.amount <= 10.0 && body.paid == false"),
        ("getOrder", "address.in_range('10.0.0.0/8') || address.in_range('2001:db8::/32') || device == 't13d'"),
        ("getOrder", "time.getHours('Europe/Berlin') >= 8 && time.hour < 18 && time.weekday in [1, 2, 3, 4, 5]"),
        ("getOrder", "time < timestamp('2030-01-01T00:00:00Z') && time - timestamp('2020-01-01T00:00:00Z') > duration('1h')"),
        ("getOrder", "resource . owner == caller . id // body.nope"),
        ("getOrder", '"body.nope" != resource.owner'),
        ("getOrder", "resource.owner.matches('^[a-z]+$')"),
    ],
)  # fmt: skip
def test_what_is_declared_can_be_said(operation: str, text: str) -> None:
    assert compile_condition(text, _environment(operation)).text == text


@pytest.mark.parametrize(
    ("operation", "text", "at", "what"),
    [
        ("getOrder", "caller.nmae == 'a'", "nmae", "caller has no 'nmae'"),
        ("getOrder", "true || caller.id == 'a' && resource.ownr == 'a'", "ownr", "resource has no 'ownr'"),
        ("getOrder", "path.id == '1'", "==", "_==_"),
        ("getOrder", "path.id == caller.id", "==", "(int, string)"),
        ("getOrder", "path.nope == 1", "nope", "path has no 'nope'"),
        ("getOrder", "body.owner == 'a'", "body", "takes no JSON body"),
        ("export", "resource.owner == 'a'", "resource", "declares no JSON"),
        ("listOrders", "query.nope == 1", "nope", "query has no 'nope'"),
        ("listOrders", "headers.nope == 'x'", "nope", "headers has no 'nope'"),
        ("listOrders", "headers['x-forwarded-for'] == 'x'", "'x-forwarded-for'", "what a caller says of himself"),
        ("listOrders", "headers['X-API-Key'] == 'x'", "'X-API-Key'", "is a secret"),
        ("listOrders", "headers['authorization'] == 'x'", "'authorization'", "is a secret"),
        ("makeOrder", "body.customer == 'x'", "customer", "is not one value"),
        ("makeOrder", "body.customer.idd == 'x'", "idd", "body.customer has no 'idd'"),
        ("makeOrder", "body.owner.x == 'x'", ".x", "cannot be the operand of a select"),
        ("makeOrder", "body.items.all(i, i.ownr == 'x')", "ownr", "no member 'ownr'"),
        ("makeOrder", "body.items[0].ownr == 'x'", "ownr", "no member 'ownr'"),
        ("makeOrder", "body.items.all(i, i.owner == 1)", "== 1", "string is compared with int"),
        ("makeOrder", "body.items.all(i, i.price in ['a'])", "in ['a']", "double is compared with string"),
        ("makeOrder", "body.items.all(body, body.owner == 'x')", "body, ", "is not one value"),
        ("getOrder", "caller.scopes.all(path, true)", "path, ", "path is not one value"),
        ("getOrder", "caller.id", "caller", "not true or false, it is string"),
        ("getOrder", "caller.id = 'x'", "= 'x'", "Syntax error"),
        ("getOrder", "nope(caller.id)", "(caller", "undeclared reference to 'nope'"),
        ("getOrder", "resource.owner.matches('(')", "'('", "the pattern does not work"),
        ("getOrder", "caller.id.matches(resource.owner)", ".owner", "worked out when a request comes"),
        ("getOrder", "address.in_range('10.0.0.1/8')", "'10.0.0.1/8'", "is no range"),
        ("getOrder", "address.in_range('0.0.0.0/0')", "'0.0.0.0/0'", "is everybody"),
        ("getOrder", "time.getHours('Nowhere/City') > 3", "'Nowhere/City'", "time zone does not work"),
        ("getOrder", "has(path.id.x)", "(path", ""),
        ("getOrder", "resource.items.all(i, i.count.startsWith('a'))", "count", "int stands where string is asked for"),
        ("getOrder", "resource.items.all(i, i.owner && true)", "owner", "string stands where bool is asked for"),
        ("getOrder", "resource.items.all(i, i.price * 2 < 3)", "* 2", "double is reckoned with int"),
        ("getOrder", "time < timestamp('2026-13-01T00:00:00Z')", "'2026", "the timestamp does not work"),
        ("getOrder", "time - timestamp(0) < duration('1 week')", "'1 week'", "the duration does not work"),
        ("getOrder", "address.in_range('::ffff:10.0.0.0/104')", "'::ffff", "IPv4 in IPv6's clothes"),
        ("getOrder", "1 == 2", "1 == 2", "asks nothing of the request"),
        ("getOrder", "caller.claims == 'x'", "caller", "caller.claims is not one value"),
        ("getOrder", "{'a': caller.id}.a == 'x'", "a == 'x'", "nothing is known that has a member"),
    ],
)  # fmt: skip
def test_what_is_not_is_told_with_its_place(operation: str, text: str, at: str, what: str) -> None:
    with pytest.raises(ConditionFaults) as found:
        compile_condition(text, _environment(operation))
    first = found.value.faults[0]
    assert what in first.what
    assert first.remedy
    assert text[first.offset :].startswith(at), text[first.offset :]


def test_several_faults_are_told_at_once() -> None:
    with pytest.raises(ConditionFaults) as found:
        compile_condition("caller.a == 'x' && path.b == 1", _environment("getOrder"))
    assert [one.offset for one in found.value.faults] == [7, 24]


def test_of_who_calls_a_public_operation_nothing_is_known() -> None:
    with pytest.raises(ConditionFaults, match="the operation is public"):
        compile_condition("caller.id == 'x'", _environment("open", open_=True))


@pytest.mark.parametrize(
    "text",
    [
        "true" + " && true" * MOST_TEXT,
        "(" * 200 + "true" + ")" * 200,
        "[" * 900 + "]" * 900 + " == []",
        " && ".join(f"caller.claims.c{number} == 1" for number in range(66)),
        "\x00",
        "caller.id == '\ud800'",
        "'" * 999,
        "caller.id == 'x' " + "\\" * 50,
    ],
)  # fmt: skip
def test_huge_deep_and_broken_conditions_are_refused(text: str) -> None:
    with pytest.raises(ConditionFaults):
        compile_condition(text, _environment("getOrder"))


def _load(folder: Any, rules: str, **sections: Any) -> Any:
    (folder / "openapi.yaml").write_text(yaml.safe_dump(ORDERS))
    path = folder / "contract.yaml"
    head = yaml.safe_dump({"api": "openapi.yaml", **sections})
    roles = yaml.safe_dump({"roles": ROLES}, default_flow_style=True, width=1000).strip()[1:-1]
    path.write_text(f"{head}authorization:\n  {roles}\n  rules:\n{rules}")
    return load_contract(path)


def _faults(folder: Any, rules: str, **sections: Any) -> list[str]:
    with pytest.raises(ContractProblems) as found:
        _load(folder, rules, **sections)
    return [f"{one.place.line}:{one.place.column} {one.what} | {one.remedy}" for one in found.value.problems]


@pytest.mark.parametrize(
    "written",
    [
        "{operations: [getOrder], when: caller.nope == 'x'}",
        "{operations: [getOrder], when: 'caller.nope == ''x'''}",
        "{operations: [getOrder], when: 'caller.id == ''x'' && caller.nope == ''x'''}",
        '{operations: [getOrder], when: "caller.id == \\"x\\" && caller.nope == \'x\'"}',
        "operations: [getOrder]\n      when: |\n        caller.id == 'x' &&\n          caller.nope == 'x'",
        "operations: [getOrder]\n      when: >-\n        caller.id == 'é' &&\n        caller.nope == 'x'",
        "operations: [getOrder]\n      when: caller.id == 'x' &&\n        caller.nope == 'x'",
    ],
)
def test_a_fault_has_the_line_and_column_of_the_attribute(tmp_path: Any, written: str) -> None:
    (fault,) = _faults(tmp_path, f"    - {written}\n")
    before = (tmp_path / "contract.yaml").read_text().partition("nope")[0].split("\n")
    assert fault.startswith(f"{len(before)}:{len(before[-1]) + 1} `when`: caller has no 'nope'")


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ("{operations: [getOrder], when: 'true', public: everybody may see}", "`public` has no conditions"),
        ("{operations: [getOrder], deny: it is closed now, allow: [reader]}", "a rule that denies allows nothing"),
        ("{operations: [getOrder], deny: no}", "that is no reason"),
        ("{operations: [getOrder], allow: [reader], until: tomorrow}", "is no moment"),
        ("{operations: [getOrder], allow: [reader], until: 2026-13-01}", "is no moment"),
        ("{operations: [getOrder], allow: [reader], from: 2026-02-01, until: 2026-01-01}", "`until` is not after `from`"),
        ("{operations: [getOrder], public: everybody may see, until: 2026-01-01}", "`public` has no conditions"),
        ("{operations: [dropOrder], when: resource.id == 1}", "declares no JSON"),
        ("{operations: [makeOrder], when: resource.owner == caller.id}", "would have acted before its answer is judged"),
        ("{operations: [getOrder], upgrade: [websocket], when: resource.owner == caller.id}", "may switch protocols"),
        ("{operations: ['*'], when: path.id == 1}", "path has no 'id'"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be_kept_do_not_load(tmp_path: Any, rule: str, what: str) -> None:
    assert any(what in one for one in _faults(tmp_path, f"    - {rule}\n"))


def test_a_fault_of_many_operations_is_told_once(tmp_path: Any) -> None:
    (fault,) = _faults(tmp_path, "    - {operations: ['*'], deny: it is too much, when: body.amount > 9.0}\n")
    assert "`when`, for export: export takes no JSON body with a schema" in fault
    (fault,) = _faults(tmp_path, "    - {operations: [getOrder, open, makeOrder], when: resource.owner == caller.id}\n")
    assert "makeOrder (POST) would have acted" in fault


def test_an_answer_that_passes_unread_cannot_be_judged(tmp_path: Any) -> None:
    rule = "    - {operations: [getOrder], when: resource.owner == caller.id}\n"
    faults = _faults(tmp_path, rule, responses={"open": {"getOrder": "it is checked elsewhere"}})
    assert any("pass unread" in one for one in faults)


def test_a_denial_stands_beside_what_is_public(tmp_path: Any) -> None:
    rules = (
        "    - {operations: [open], public: everybody may see}\n"
        "    - {operations: ['*'], deny: closed at night, when: time.hour < 6}\n"
    )
    assert _load(tmp_path, rules).contract.authorization.rules[1].deny == "closed at night"


@pytest.mark.parametrize(
    ("separate", "what"),
    [
        ([["reader", "writer"]], "the role 'writer' holds reader and writer"),
        ([["orders:read", "orders:write"]], "the role 'writer' holds orders:read and orders:write"),
        ([["reader"]], "a set of one"),
        ([["reader", "raeder"]], "did you mean"),
    ],
)
def test_duties_that_are_not_separate_do_not_load(tmp_path: Any, separate: list[list[str]], what: str) -> None:
    text = f"    - {{operations: [getOrder], allow: [reader]}}\n  separate: {separate}\n"
    assert any(what in one for one in _faults(tmp_path, text))
