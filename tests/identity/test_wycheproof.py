"""The JOSE vectors of Project Wycheproof: every bad signature and every bad key is refused, and every good one accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ninefold.identity.fault import BadToken
from ninefold.identity.keyset import KeySet
from ninefold.identity.segment import check_header, members, split

FOLDER = Path(__file__).parent / "corpus"
FILES = ("json_web_signature_test", "json_web_key_test", "json_web_crypto_test")
#: Vectors that are called valid, and are not good enough here.
STRICTER = {
    "json_web_signature_test": {
        **dict.fromkeys((259, 264, 268, 272, 320, 325), "an empty payload is no claims set"),
        **dict.fromkeys((346, 350), "the key says that it is for PS256, and the header PS384 (RFC 7517 section 4.4)"),
        **dict.fromkeys((347, 351), "the key says that it is for ES521, which there is not"),
        **dict.fromkeys((372, 373), "`?` is no character of base64url (RFC 4648 section 5)"),
    }
}

#: Vectors that are called invalid, and are to the byte one that is called valid: the padding that they are about is lost.
SAME_AS_VALID = {367: 357, 370: 357}


def _cases() -> list[Any]:
    found = []
    for name in FILES:
        for group in json.loads((FOLDER / f"{name}.json").read_text())["testGroups"]:
            keys = group.get("public") or group["private"]
            found += [
                pytest.param(name, one, keys, id=f"{name}-{one['tcId']}-{one['comment']}")
                for one in group["tests"]
                if "jws" in one
            ]
    return found


def _accepts(text: Any, keys: Any) -> str:
    """Why a JWS is refused; empty: it is accepted."""
    whole = text.encode() if isinstance(text, str) else json.dumps(text).encode()
    listed = keys.get("keys", [keys])
    try:
        found = KeySet.read(json.dumps({"keys": listed}).encode(), symmetric=all(one["kty"] == "oct" for one in listed))
        head, _, _ = split(whole, 1 << 16)
        header = members(head, "header")
        check_header(header)
        found.find(header.get("kid"), header["alg"]).verify(whole, header["alg"])
    except BadToken as fault:
        return str(fault)
    return ""


def test_every_vector_is_judged_as_it_says() -> None:
    wrong = []
    for case in _cases():
        name, one, keys = case.values
        why = _accepts(one["jws"], keys)
        good = one["result"] == "valid" and one["tcId"] not in STRICTER.get(name, {})
        good = good or (name == FILES[0] and one["tcId"] in SAME_AS_VALID)
        if bool(why) == good:
            wrong.append((case.id, why))
    assert wrong == []


def test_what_is_called_invalid_and_is_accepted_is_the_same_as_what_is_called_valid() -> None:
    texts = {case.values[1]["tcId"]: case.values[1]["jws"] for case in _cases() if case.values[0] == FILES[0]}
    assert {one: texts[one] == texts[other] for one, other in SAME_AS_VALID.items()} == dict.fromkeys(
        SAME_AS_VALID, True
    )


def test_none_is_left_out() -> None:
    assert len(_cases()) == 401 + 26 + 49
