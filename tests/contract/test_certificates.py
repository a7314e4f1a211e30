"""Client certificates and devices in a contract: each fault with its place, what is weak, and what is described."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from tests.conftest import DESCRIPTION

from ninefold.contract.describe import describe
from ninefold.contract.load import load_contract
from ninefold.errors import ContractProblems

CLIENTS = {"tls": {"clients": {"authority": "ca.pem"}}}
BILLING = {"caller": "billing", "subject": "CN=billing", "role": "reader"}
JA4 = "t13d1516h2_8daaf6152771_e5627efa2ab1"


TOKENS = {"issuer": "https://id.example.com", "audience": "a", "bound": "certificate"}


def _proven(proofs: list[str], **sections: Any) -> dict[str, Any]:
    rule = {"operations": ["listThings"], "allow": ["things:read"], "proofs": [proofs]}
    return {"authorization": {"roles": {"reader": ["things:read"]}, "rules": [rule]}, **sections}


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"certificates": [BILLING], "encryption": None}, "nothing says whose"),
        ({"keys": {"with": {"certificate": True}}, "encryption": None}, "nothing says whose"),
        ({"encryption": {"tls": {"clients": None}}}, "nothing stands under it"),
        ({"encryption": {"tls": {"clients": {"authority": "ca.pem", "forwarded": True}}}}, "no trusted proxies"),
        ({"encryption": {"plain": "TLS ends in front", **CLIENTS}}, "without TLS here no certificate arrives"),
        ({"encryption": {"plain": "TLS ends in front", "tls": {"clients": {"authority": "ca.pem", "forwarded": True, "required": True}}},
          "api": {"description": "openapi.yaml", "trusted_proxies": ["local"]}}, "cannot be made to require"),
        ({"encryption": {"plain": "TLS ends in front"}, "keys": {"with": {"device": [JA4]}}}, "no device greets"),
        ({"certificates": [BILLING, {**BILLING, "caller": "b"}]}, "is billing already"),
        ({"certificates": [{**BILLING, "role": "nobody"}]}, "there is no role 'nobody'"),
        ({"certificates": [{"caller": "a", "dns": "a.example"}]}, "has no role"),
        ({"certificates": [{**BILLING, "scopes": ["x"]}]}, "no role holds 'x'"),
        ({"certificates": [{"caller": "a", "role": "reader"}]}, "known by one name"),
        ({"certificates": [{**BILLING, "dns": "a.example"}]}, "known by one name"),
        ({"certificates": [{"caller": "a b", "dns": "a.example", "role": "reader"}]}, "no name for a caller"),
        ({"certificates": [{"caller": "a", "dns": "*.example.com", "role": "reader"}]}, "more than one caller"),
        ({"certificates": [{"caller": "a", "uri": "spiffe://example.org/*", "role": "reader"}]}, "more than one caller"),
        ({"certificates": [{"caller": "a", "dns": "a.example:443", "role": "reader"}]}, "no DNS name"),
        ({"certificates": [{"caller": "a", "dns": "bücher.example", "role": "reader"}]}, "in no certificate"),
        ({"certificates": [{"caller": "a", "uri": "billing", "role": "reader"}]}, "is no URI"),
        ({"certificates": [{"caller": "a", "email": "billing", "role": "reader"}]}, "no mail address"),
        ({"certificates": [{"caller": "a", "subject": "billing", "role": "reader"}]}, "no distinguished name"),
        ({"certificates": [{"caller": "a", "subject": "", "role": "reader"}]}, "no distinguished name"),
        ({"keys": {"with": {"device": ["x"]}}}, "no JA4 fingerprint"),
        ({"keys": {"with": {"device": ["q13d1516h2_8daaf6152771_e5627efa2ab1"]}}}, "no JA4 fingerprint"),
        ({"keys": {"with": {}}}, "names no second proof"),
        ({"keys": {"with": {"certificate": False}}}, "names no second proof"),
        ({"certificates": [{"caller": "sub:alice", "dns": "a.example", "role": "reader"}]}, "holder of a token"),
        (_proven(["key", "certificate"], encryption=None), "nothing says whose"),
        (_proven(["certificate"]), "by a certificate alone nobody is known"),
        (_proven(["key", "device"]), "nothing says which"),
        (_proven(["key", "device"], keys={"with": {"ip": ["local"]}}), "nothing says which"),
        ({"identity": TOKENS, "encryption": None}, "`identity.bound` needs certificates"),
        ({"trail": {"path": "ca.pem"}}, "encryption.tls.clients.authority already"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept(contract: Callable[..., Path], sections: dict[str, Any], told: str) -> None:
    with pytest.raises(ContractProblems) as faults:
        load_contract(contract(**{"encryption": CLIENTS, **sections}))
    found = [one for one in faults.value.problems if told in one.what]
    assert found, [one.what for one in faults.value.problems]
    assert all(one.place is not None and one.place.line for one in found)


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"certificates": [BILLING]}, "there is no revocation list"),
        ({}, "no operation needs one"),
        ({"keys": {"with": {"device": [JA4]}}}, "is a weak proof"),
        ({"encryption": {"tls": {"clients": {"authority": "ca.pem", "forwarded": True}}},
          "api": {"description": "openapi.yaml", "trusted_proxies": ["local"]}}, "`Client-Cert` of the trusted proxies is believed"),
    ],
)  # fmt: skip
def test_what_is_weak_is_told(contract: Callable[..., Path], sections: dict[str, Any], told: str) -> None:
    found = load_contract(contract(**{"encryption": CLIENTS, **sections})).advice()
    assert [one for one in found if told in one.what], [one.what for one in found]


def test_what_is_sound_is_not_told(contract: Callable[..., Path]) -> None:
    sections = {
        "encryption": {"tls": {"clients": {"authority": "ca.pem", "crl": "crl.pem"}}},
        "certificates": [BILLING],
    }
    found = load_contract(contract(**sections)).advice()
    assert not [one for one in found if "certificate" in one.what or "device" in one.what]


def test_names_are_read_once(contract: Callable[..., Path]) -> None:
    known = [
        {"caller": "a", "subject": "2.5.4.3=billing,O=Example", "role": "reader"},
        {"caller": "b", "dns": "Shop.Example", "role": "reader"},
    ]
    loaded = load_contract(contract(encryption=CLIENTS, certificates=known)).contract
    assert [one.name for one in loaded.certificates] == ["subject:CN=billing,O=Example", "dns:shop.example"]


@pytest.mark.parametrize(
    ("sections", "security"),
    [
        ({"certificates": [BILLING]}, [{"mutualTLS": []}]),
        ({"certificates": [BILLING], "keys": {"with": {"ip": ["local"]}}}, [{"apiKey": []}, {"mutualTLS": []}]),
        ({"certificates": [BILLING], "keys": {"with": {"certificate": True}}}, [{"apiKey": [], "mutualTLS": []}]),
        ({"keys": {"with": {"certificate": True}}}, [{"apiKey": [], "mutualTLS": []}]),
        ({"encryption": {"tls": {"clients": {"authority": "ca.pem", "required": True}}}}, [{"apiKey": [], "mutualTLS": []}]),
        ({}, [{"apiKey": []}]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_it_is_described(contract: Callable[..., Path], sections: dict[str, Any], security: Any, version: str) -> None:
    loaded = load_contract(contract({**DESCRIPTION, "openapi": version}, **{"encryption": CLIENTS, **sections}))
    document = describe(loaded, "https://api.example.com")
    validate(document)
    assert document["security"] == document["paths"]["/things"]["get"]["security"] == security
    assert set(document["components"]["securitySchemes"]) == {name for one in security for name in one}
    if "mutualTLS" in document["components"]["securitySchemes"]:
        assert document["components"]["securitySchemes"]["mutualTLS"]["type"] == (
            "mutualTLS" if version == "3.1.0" else "http"
        )


def test_a_rule_that_denies_has_no_proofs_and_stands_in_no_ones_way(contract: Callable[..., Path]) -> None:
    sections = _proven(["key", "certificate"], encryption=CLIENTS)
    for place in (0, 1):
        deny = {"operations": ["listThings"], "deny": "not on Sundays", "when": "time.weekday == 0"}
        rules = sections["authorization"]["rules"]
        load_contract(
            contract(
                **{
                    **sections,
                    "authorization": {**sections["authorization"], "rules": [*rules[:place], deny, *rules[place:]]},
                }
            )
        )
