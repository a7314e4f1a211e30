"""A contract is read with the place of each of its faults; whatever is malformed ends in a clear error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate

from ninefold.contract import openapi
from ninefold.contract.describe import describe
from ninefold.contract.draft import draft
from ninefold.contract.json_schema import json_schema
from ninefold.contract.load import load_contract
from ninefold.contract.source import SourceFault, parse
from ninefold.errors import ContractProblems, DescriptionError, NinefoldError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SWAGGER = """
swagger: "2.0"
info: {title: Pets, version: "1"}
host: pets.example.com
basePath: /v1
securityDefinitions: {key: {type: apiKey, in: header, name: X-Key}}
definitions:
  Pet: {type: object, properties: {id: {type: integer}, parent: {$ref: "#/definitions/Pet"}}}
paths:
  /pets:
    get:
      responses: {200: {description: ok, schema: {type: array, items: {$ref: "#/definitions/Pet"}}}}
    post:
      operationId: addPet
      parameters: [{in: body, name: pet, schema: {$ref: "#/definitions/Pet"}}]
      responses: {201: {description: made, schema: {$ref: "#/definitions/Pet"}}}
  /admin/upload:
    post:
      parameters: [{in: formData, name: file, type: file}]
      responses: {200: {description: ok}}
"""


@pytest.mark.parametrize(
    ("text", "line", "what", "remedy"),
    [
        ("upstraem: http://a\n", 2, "there is no field `upstraem`", "did you mean `upstream`?"),
        ("keys: {max_age: 5}\n", 2, "`keys.max_age`: 5 is no duration", "a whole number and a unit"),
        ("keys: {max_age: 4000d}\n", 2, "`keys.max_age`", ""),
        ("keys:\n  with: {token: x}\n", 3, "`keys.with.token`", "True"),
        ("keys:\n  with: {token: true}\n", 3, "nobody's are accepted", "add `identity:`"),
        ("keys:\n  with: {}\n", 3, "names no second proof", "token: true"),
        ("keys:\n  with: [ip]\n", 3, "`keys.with`", ""),
        ("keys: {alone: yes}\n", 2, "`keys.alone`", ""),
        ("keys: {alone: because I say so, with: {ip: [local]}}\n", 2, "contradict", "keep one"),
        ("identity: {audience: a, bound: dpop}\n", 2, "`identity.issuer` is missing", "add `issuer:`"),
        (
            "identity: {issuer: https://i.example, bound: dpop}\n",
            2,
            "`identity.audience` is missing",
            "add `audience:`",
        ),
        ("identity: {issuer: https://i.example, audience: [], bound: dpop}\n", 2, "`identity.audience`", ""),
        (
            "identity: {issuer: https://i.example, audience: a}\n",
            2,
            "bound to its holder or it is not",
            "unbound: <why>",
        ),
        (
            "identity: {issuer: https://i.example, audience: a, bound: dpop}\n",
            2,
            "where callers reach this API",
            "urls:",
        ),
        (
            "identity: {issuer: http://i.example, audience: a, unbound: for the tests}\n",
            2,
            "changed on its way",
            "https",
        ),
        (
            "identity: {issuer: https://i.example/?a=b, audience: a, unbound: for the tests}\n",
            2,
            "a query",
            "leave it out",
        ),
        ("identity: {issuer: https://i.example, audience: a, unbound: yes}\n", 2, "`identity.unbound`", ""),
        (
            "identity: {issuer: https://i.example, audience: a, unbound: for the tests, algorithms: [none]}\n",
            2,
            "`identity.algorithms[0]`",
            "ES256",
        ),
        (
            "identity: {issuer: https://i.example, audience: a, unbound: for the tests, algorithms: [RS256, HS256]}\n",
            2,
            "RFC 8725",
            "keep one kind",
        ),
        (
            "identity: {issuer: https://i.example, audience: a, unbound: for the tests, algorithms: [HS256]}\n",
            2,
            "shared secret",
            "file",
        ),
        (
            "identity: {issuer: https://i.example, audience: a, unbound: for the tests, jwks: keys.json}\n",
            2,
            "there is no file keys.json",
            "",
        ),
        (
            "identity: {issuer: https://i.example, audience: a, unbound: for the tests}\nkeys: {header: Authorization}\n",
            3,
            "carries the tokens",
            "X-API-Key",
        ),
        (
            "identity: {issuer: https://i.example, audience: a, unbound: for the tests, store: ninefold-keys.db}\n",
            2,
            "keys.store already",
            "",
        ),
        (
            "identity: {issuer: https://i.example, audience: a, unbound: for tests, service: {trail: ninefold-trail.jsonl}}\n",
            2,
            "trail.path already",
            "a file of its own",
        ),
        (
            "identity: {issuer: https://i.example, audience: a, unbound: for tests, service: {store: ninefold-keys.db}}\n",
            2,
            "keys.store already",
            "a file of its own",
        ),
        (
            "identity: {issuer: https://i.example/, audience: a, unbound: for the tests, service: {}}\n",
            2,
            "without a slash",
            "",
        ),
        (
            "identity: {issuer: https://i.example, audience: a, unbound: for the tests, service: {}, algorithms: [RS256]}\n",
            2,
            "signs with ES256",
            "",
        ),
        (
            "identity: {issuer: https://i.example, audience: a, unbound: for the tests, service: {turn: 1h}}\n",
            2,
            "raise `turn`",
            "",
        ),
        (
            "authorization:\n  roles: {r: [x]}\n  rules:\n    - {operations: [list], allow: [x], proofs: [[token]]}\n",
            5,
            "nobody's are accepted",
            "identity",
        ),
        (
            "authorization:\n  roles: {r: [x]}\n  rules:\n    - {operations: [list], allow: [x], proofs: [[key]]}\n",
            5,
            "a key alone",
            "address",
        ),
        (
            "authorization:\n  roles: {r: [x]}\n  rules:\n    - {operations: [list], allow: [x], proofs: [[address]]}\n",
            5,
            "says not who calls",
            "key",
        ),
        (
            "authorization:\n  roles: {r: [x]}\n  rules:\n    - {operations: [list], allow: [x], proofs: [[key, address]]}\n    - {operations: [list], allow: [r]}\n",
            6,
            "different proofs",
            "the same",
        ),
        ("dependencies: {fail_on: high}\n", 2, "`dependencies` is not enforced yet", ""),
        ("responses: {mask: {prize: partial}}\n", 2, "'partial' is no mask", "write redact, last4"),
        ("responses: {mask: {prize: redact}}\n", 2, "the description has no field 'prize'", "name a member"),
        ("responses: {visible_to: {Item.name: [a]}}\n", 2, "the description has no field 'Item.name'", ""),
        ("responses: {visible_to: {name: []}}\n", 2, "visible to nobody", "leave it out"),
        ("responses: {undeclared: report, mask: {name: redact}}\n", 2, "`undeclared: report` lets answers out", ""),
        ("responses: {undeclared: report, leaks: mask}\n", 2, "`undeclared: report` lets answers out", "write `drop`"),
        ("responses: {leaks: hide}\n", 2, "'report', 'mask', 'block' or 'ignore'", ""),
        ("responses: {leaks: {kinds: {cards: mask}}}\n", 2, "'card'", ""),
        (
            "responses: {leaks: {expected: {prize: it is told}}}\n",
            2,
            "the description has no field 'prize'",
            "name a member",
        ),
        ("trail: {retain: 400d}\n", 2, "`trail.retain` is not enforced yet", ""),
        ("encryption: {at_rest: file:x}\n", 2, "`encryption.at_rest` is not enforced yet", ""),
        (
            "authorization:\n  rules:\n    - {operations: [list], when: a == b}\n",
            4,
            "`when`: undeclared reference to 'a'",
            "docs/conditions.md",
        ),
        (
            "authorization:\n  rules:\n    - {operations: [lits], allow: [x]}\n",
            4,
            "no operation 'lits'",
            "did you mean `list`?",
        ),
        (
            "authorization:\n  rules:\n    - {operations: [list], allow: [x]}\n",
            4,
            "no role holds 'x'",
            "give it to a role",
        ),
        ("authorization:\n  roles: {a: [b], b: [a]}\n", 3, "holds itself", "break the circle"),
        ("authorization:\n  rules:\n    - {operations: [list]}\n", 4, "allows nobody", "public"),
        ("limits:\n  - {per: ip, rate: 5}\n", 3, "`limits[0].rate`: 5 is no rate", "5/s"),
        ("limits:\n  - {per: ip, rate: 0/s}\n", 3, "lets nobody in", ""),
        ("limits:\n  - {per: ip, rate: 5/s, operations: [nope]}\n", 3, "no operation 'nope'", ""),
        ("origins: {allow: ['*']}\n", 2, "origins are exact", ""),
        ("origins: {allow: ['null']}\n", 2, "everybody's", ""),
        ("origins: {allow: ['https://*.a.example']}\n", 2, "origins are exact", ""),
        ("origins: {allow: ['https://a.example/']}\n", 2, "no origin", ""),
        ("origins: {methods: ['*']}\n", 2, "`*` is no method", ""),
        ("encryption: {tls: {certificate: a.pem}}\n", 2, "belong together", ""),
        ("encryption: {tls: {minimum: '1.1'}}\n", 2, "`encryption.tls.minimum`", "'1.2' or '1.3'"),
        ("upstream: ftp://a\n", 2, "no http(s) URL", ""),
        ("upstream: http://u:p@a\n", 2, "no user or password", ""),
        ("responses: {open: {nope: because it is what it is}}\n", 2, "no operation 'nope'", ""),
        ("api: {description: o.yaml}\n", 2, "second time", "keep one"),
        ("keys: [\n", 3, "is no YAML", ""),
        ("a: *b\n", 2, "", ""),
        ("ninefold: 2\n", 2, "`ninefold`", ""),
        ("authorization:\n", 2, "nothing stands under it", "remove it"),
        ("upstream:\n", 2, "nothing stands under it", "remove it"),
        ("Trail: {path: x}\n", 2, "there is no field `Trail`", "did you mean `trail`?"),
        ('"a[b]": 1\n', 2, "there is no field `a[b]`", ""),
        ('keys: {"x[0]": 1}\n', 2, "there is no field `keys.x[0]`", ""),
        ("keys: {with: {ip: [0.0.0.0/0]}}\n", 2, "is everybody", "name the ranges"),
        ("keys: {with: {ip: ['::/0']}}\n", 2, "is everybody", ""),
        ("keys: {with: {ip: [1]}}\n", 2, "is no address range", ""),
        ("keys: {max_age: 1.5}\n", 2, "is no duration", ""),
        ("keys: {header: Host}\n", 2, "a meaning of its own", "X-API-Key"),
        ("keys: {header: Cookie}\n", 2, "a meaning of its own", ""),
        ('keys: {store: "a\\0b"}\n', 2, "names no file", ""),
        ("keys: {store: c.yaml}\n", 2, "is the contract itself already", "a file of its own"),
        ("trail: {path: ./ninefold-keys.db}\n", 2, "is keys.store already", "a file of its own"),
        ("trail: {path: o.yaml}\n", 2, "is api.description already", ""),
        (
            "authorization:\n  roles: {a: [b]}\n  rules:\n    - {operations: ['*'], public: because I say so}\n"
            "    - {operations: [list], allow: [b]}\n",
            5,
            "opens every operation",
            "name",
        ),
        (
            "authorization:\n  roles: {a: [b]}\n  rules:\n    - {operations: [list], allow: [b]}\n"
            "    - {operations: [list], public: because I say so}\n",
            6,
            "one rule makes list public",
            "keep one",
        ),
        (
            "authorization:\n  roles: {a: [b]}\n  rules:\n    - {operations: [list], allow: [b], upgrade: [h2c]}\n",
            5,
            "past the guard",
            "websocket",
        ),
        ("encryption: {plain: because I say so, tls: {certificate: a, key: b}}\n", 2, "contradict", "keep one"),
        ("limits:\n  - {per: ip, rate: 5/s, burst: 99999999999999999999}\n", 3, "`limits[0].burst`", ""),
        ("origins: {allow: ['https://a.example:443']}\n", 2, "can match no browser's origin", "do so too"),
        ("origins: {allow: ['https://b\u00fccher.example']}\n", 2, "can match no browser's origin", "ASCII"),
        ("origins: {allow: ['https://a b']}\n", 2, "no origin", ""),
        ("upstream: http://a b:80\n", 2, "no http(s) URL", ""),
        ("upstream: http://127.0.0.1:0\n", 2, "leave the rest out", ""),
        ("upstream: 'http://127.0.0.1:9?'\n", 2, "leave the rest out", ""),
    ],
)
def test_each_fault_is_named_with_its_place_and_its_remedy(
    tmp_path: Path, text: str, line: int, what: str, remedy: str
) -> None:
    ok = {"200": {"description": "ok", "content": {"application/json": {"schema": {"type": "string"}}}}}
    document = {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1"},
        "paths": {"/a": {"get": {"operationId": "list", "responses": ok}}},
    }
    (tmp_path / "o.yaml").write_text(yaml.safe_dump(document))
    path = tmp_path / "c.yaml"
    path.write_text("api: {description: o.yaml}\n" + text)
    with pytest.raises(NinefoldError) as fault:
        load_contract(path)
    said = str(fault.value)
    assert f"c.yaml:{line}:" in said
    assert what in said
    assert remedy in said
    assert fault.value.exit_code == 65


def test_all_faults_come_at_once_in_the_files_order(contract: Callable[..., Path]) -> None:
    path = contract(keys={"haeder": "x"}, identity={"issuer": "x"}, limits=[{"per": "ip", "rate": "many"}])
    with pytest.raises(ContractProblems) as fault:
        load_contract(path)
    assert len(fault.value.problems) == 4
    lines = [one.place.line for one in fault.value.problems]
    assert lines == sorted(lines)


def test_json_without_a_schema_is_refused_until_the_contract_says_why(contract: Callable[..., Path]) -> None:
    document = {
        "openapi": "3.0.3", "info": {"title": "t", "version": "1"},
        "paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {"description": "-", "content": {"application/json": {}}}}}}},
    }  # fmt: skip
    with pytest.raises(ContractProblems, match="no schema, so nothing of it may leave"):
        load_contract(contract(document, authorization=None))
    assert load_contract(contract(document, authorization=None, responses={"open": {"a": "it is a health check"}}))


@pytest.mark.parametrize(
    ("media", "content", "why"),
    [
        ("application/x-ndjson", {}, "and no schema"),
        ("application/json-seq", {"schema": {}}, "and no schema"),
        ("application/x-json-stream", {"schema": {"type": "object"}}, "which is not read"),
        ("application/x-ndjson", {"schema": {"type": "object"}}, ""),
        ("text/event-stream", {"schema": {"type": "object"}}, ""),
        ("text/event-stream", {}, ""),
    ],
)
def test_records_without_a_schema_are_refused_and_events_without_one_are_advised_on(
    contract: Callable[..., Path], media: str, content: dict[str, Any], why: str
) -> None:
    answers = {"200": {"description": "-", "content": {media: content}}}
    document = {
        "openapi": "3.1.0", "info": {"title": "t", "version": "1"},
        "paths": {"/a": {"get": {"operationId": "a", "responses": answers}}},
    }  # fmt: skip
    path = contract(document, authorization=None)
    if why:
        with pytest.raises(ContractProblems, match=f"declares {media} with 200 {why}, so nothing of it may leave"):
            load_contract(path)
        return
    told = [one.what for one in load_contract(path).advice()]
    assert any("its events pass unread" in one for one in told) is (media == "text/event-stream" and not content)


words = st.text(max_size=12)
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | words | st.sampled_from(["30s", "local", "100/min", "*", "https://a.example"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["api", "keys", "with", "ip", "limits", "rates", "per", "rate", "authorization", "roles", "rules",
                                       "operations", "allow", "origins", "encryption", "tls", "responses", "open", "upstream"]) | words, inner, max_size=4),
    max_leaves=15,
)  # fmt: skip


@pytest.mark.fuzz
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees, raw=st.none() | st.binary(max_size=60))
def test_any_contract_loads_or_is_a_clear_error(
    tmp_path: Path, contract: Callable[..., Path], tree: Any, raw: bytes | None
) -> None:
    path = contract()
    base = yaml.safe_load(path.read_text())
    path.write_bytes(
        raw
        if raw is not None
        else yaml.safe_dump({**base, **tree} if isinstance(tree, dict) else tree, allow_unicode=True).encode()
    )
    try:
        load_contract(path)
    except NinefoldError as fault:
        assert str(fault)
    del tmp_path


@pytest.mark.fuzz
@given(
    tree=trees,
    where=st.sampled_from(["paths", "components", "security", "info", "servers", "item", "operation", "response"]),
)
def test_any_description_is_read_or_is_a_clear_error(tree: Any, where: str) -> None:
    for version in ({"openapi": "3.1.0"}, {"swagger": "2.0"}):
        document: dict[str, Any] = {**version, "info": {"title": "t", "version": "1"}, "paths": {}}
        if where == "item":
            document["paths"] = {"/a": tree}
        elif where == "operation":
            document["paths"] = {"/a": {"get": tree}}
        elif where == "response":
            document["paths"] = {"/a": {"get": {"responses": {"200": tree}}}}
        else:
            document[where] = tree
        try:
            openapi.read(document, "o.yaml")
        except DescriptionError as fault:
            assert str(fault)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "a", "openapi: 4.0.0", "openapi: 3.0.0\npaths: []", "openapi: 3.0.0\npaths: {a: {}}", "{", "\x00", "a: &a [*a]",
     "openapi: 3.0.0\npaths: {/a: {$ref: 'other.yaml'}}", "openapi: 3.0.0\npaths: {/a: {$ref: '#/paths/~1a'}}",
     "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
     "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g]",
     "[" * 100_000, '{"openapi": "3.1.0", "paths": {"/a": {"get": {"operationId": "\\ud800"}}}}', 'openapi: "\\ud800"'],
)  # fmt: skip
def test_a_malformed_description_is_a_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "o.yaml"
    path.write_text(text)
    with pytest.raises(DescriptionError) as fault:
        openapi.load(path)
    assert "o.yaml" in str(fault.value)


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader])
def test_half_of_a_surrogate_pair_is_no_text_whichever_parser_reads_it(
    monkeypatch: pytest.MonkeyPatch, loader: type
) -> None:
    monkeypatch.setattr(yaml, "CSafeLoader", loader)
    with pytest.raises(SourceFault):
        parse(b'name: "\\ud800"\n', "c.yaml")


def test_swagger_2_is_read_as_what_it_means(tmp_path: Path) -> None:
    path = tmp_path / "o.yaml"
    path.write_text(SWAGGER)
    description = openapi.load(path)
    by_id = {one.id: one for one in description.operations}
    assert set(by_id) == {"GET /pets", "addPet", "POST /admin/upload"}
    assert list(by_id["addPet"].request) == ["application/json"]
    assert list(by_id["POST /admin/upload"].request) == ["multipart/form-data"]
    items = by_id["GET /pets"].responses["200"].media["application/json"]
    assert isinstance(items, dict)
    pet = description.resolve(items["items"])
    assert isinstance(pet, dict)
    assert description.resolve(pet["properties"]["parent"]) is pet
    assert description.servers == ("https://pets.example.com/v1",)


@pytest.mark.parametrize("kind", ["openapi", "swagger"])
def test_a_draft_loads_as_it_is_and_its_description_is_valid(
    tmp_path: Path, contract: Callable[..., Path], kind: str
) -> None:
    contract()
    if kind == "swagger":
        (tmp_path / "openapi.yaml").write_text(SWAGGER)
    made = draft(openapi.load(tmp_path / "openapi.yaml"), "openapi.yaml", "http://127.0.0.1:9000")
    (tmp_path / "drafted.yaml").write_text(made.text)
    loaded = load_contract(tmp_path / "drafted.yaml")
    assert loaded.contract.authorization is not None
    assert not any(rule.public for rule in loaded.contract.authorization.rules), "a draft opened something by itself"
    assert made.notes
    document = describe(loaded, "https://api.example.com")
    validate(document)
    for item in document["paths"].values():
        for operation in item.values():
            assert {"401", "403", "429"} <= operation["responses"].keys()
            assert operation["security"] == [{"apiKey": []}]


def test_the_schema_takes_what_loads_and_refuses_what_does_not(contract: Callable[..., Path]) -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(yaml.safe_load(contract().read_text()))
    validator.validate(
        {"api": "openapi.yaml", "upstream": "http://127.0.0.1:1", "limits": [{"per": "ip", "rate": "5/s"}]}
    )
    for wrong in (
        {},
        {"api": "o.yaml", "identity": {}},
        {"api": "o.yaml", "keys": {"haeder": "x"}},
        {"api": "o.yaml", "limits": [{"per": "ip"}]},
    ):
        assert not validator.is_valid(wrong)


def test_an_api_that_is_all_public_holds_and_is_asked_about(contract: Callable[..., Path]) -> None:
    rules = [{"operations": ["*"], "public": "it is the catalogue, for everybody"}]
    loaded = load_contract(contract(authorization={"rules": rules}))
    assert any("open to callers without a key" in one.what for one in loaded.advice())


def test_what_is_worth_a_second_look_about_tokens_is_told_with_its_place(contract: Callable[..., Path]) -> None:
    identity = {"issuer": "http://127.0.0.1:9", "audience": "things", "unbound": "the tests have nothing else to prove"}
    rules = [{"operations": ["*"], "allow": ["things:read", "things:raed"]}]
    loaded = load_contract(contract(identity=identity, authorization={"roles": {"r": ["things:read"]}, "rules": rules}))
    told = [f"{one.place.line} {one.what}" for one in loaded.advice()]
    for words in ("a token alone is enough", "asked without TLS", "no role holds 'things:raed'"):
        assert any(words in one and not one.startswith("0") for one in told), told


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"keys": {"query": {"name": "api_key"}}}, "`keys.query.why` is missing"),
        ({"keys": {"query": {"name": "api key", "why": "a calendar program"}}}, "no HTTP token"),
        ({"keys": {"query": {"name": "api_key", "why": "because"}}}, "no reason"),
        ({"keys": {"stale": "2d"}}, "keys.stale"),
        ({"keys": {"stale": 60}}, "no duration"),
        ({"keys": {"remind": "2w"}}, "no duration"),
        ({"limits": {"penalty": {"after": "never"}}}, "no number of denials"),
        ({"limits": {"penalty": {"after": 0}}}, "limits.penalty.after"),
        ({"limits": {"penalty": {"most": "1s", "start": "2s"}}}, "`most` is less than `start`"),
        ({"limits": {"penalty": {"factor": 0.5}}}, "limits.penalty.factor"),
        ({"limits": [{"penalty": {"after": 3}}]}, "write it beside the rates"),
        ({"limits": {"rates": [{"penalty": {"after": 3}}]}}, "`limits.rates[0].penalty` stands in the wrong place"),
        ({"limits": {"rates": [{"per": "tier", "rate": "1/s"}]}}, "limits.rates[0].per"),
        ({"limits": {"rates": [{"per": "ip", "rate": "1/s", "tiers": ["a\nb"]}]}}, "no key's tier"),
    ],
)
def test_what_keys_and_penalties_cannot_be_is_told_with_its_place(
    contract: Callable[..., Path], sections: dict[str, Any], words: str
) -> None:
    with pytest.raises(ContractProblems) as told:
        load_contract(contract(**sections))
    assert words in str(told.value)
    assert all(one.place.line for one in told.value.problems)


def test_the_parameter_of_keys_is_none_of_the_apis_own(contract: Callable[..., Path]) -> None:
    described = yaml.safe_load(contract().with_name("openapi.yaml").read_text())
    described["paths"]["/things"]["parameters"] = [{"name": "token", "in": "query", "schema": {"type": "string"}}]
    query = {"name": "token", "why": "a calendar program that sends no fields"}
    with pytest.raises(ContractProblems, match="listThings has a parameter 'token' of its own"):
        load_contract(contract(described, keys={"query": query}))
    load_contract(contract(described, keys={"query": {**query, "name": "key"}}))


def test_what_is_worth_a_second_look_at_keys_is_said(contract: Callable[..., Path]) -> None:
    query = {"name": "key", "why": "a calendar program that sends no fields"}
    loaded = load_contract(
        contract(keys={"query": query, "stale": "60s"}, limits=[{"per": "ip", "rate": "9/s", "tiers": ["gold"]}])
    )
    said = "\n".join(str(one) for one in loaded.advice())
    for words in ("keys may come in the query", "up to 60 s more", "callers of no tier have none"):
        assert words in said


def test_a_key_in_the_query_is_described_with_its_reason(contract: Callable[..., Path]) -> None:
    query = {"name": "key", "why": "a calendar program that sends no fields"}
    document = describe(load_contract(contract(keys={"query": query})))
    validate(document)
    scheme = document["components"]["securitySchemes"]["apiKeyInQuery"]
    assert (scheme["in"], scheme["name"]) == ("query", "key")
    assert query["why"] in scheme["description"]
    assert document["paths"]["/things"]["get"]["security"] == [{"apiKey": []}, {"apiKeyInQuery": []}]
    assert document["paths"]["/open"]["get"]["security"] == []
