"""Tokens through both hosts of the guard."""

from __future__ import annotations

from typing import Any


def test_a_jwt_is_verified_against_the_key_set_of_its_issuer(hosts: Any, issuer: Any) -> None:
    found = hosts()
    assert found.bearer(issuer.token())[0] == 200
    assert found.bearer(issuer.token(aud="https://other.example.com"))[0] == 401
