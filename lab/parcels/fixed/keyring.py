"""Carriers' keys and clerks' passwords. Only digests are kept."""

import hashlib
import hmac
import json
import os
import secrets
import time
from pathlib import Path
from typing import TypedDict


class Key(TypedDict):
    digest: str
    carrier: str
    addresses: list[str]
    expires: float


class Clerk(TypedDict):
    name: str
    salt: str
    scrypt: str


def read(variable: str) -> list[dict[str, object]]:
    """A list from the file that the variable names; nothing without one."""
    path = os.environ.get(variable)
    return list(json.loads(Path(path).read_text("utf-8"))) if path else []


KEYS: list[Key] = read("PARCELS_KEYS")  # type: ignore[assignment]
CLERKS: list[Clerk] = read("PARCELS_CLERKS")  # type: ignore[assignment]


def carrier_of(text: str, address: str) -> str | None:
    asked = hashlib.sha256(text.encode()).hexdigest()
    for key in KEYS:
        if hmac.compare_digest(key["digest"], asked) and key["expires"] > time.time() and address in key["addresses"]:
            return key["carrier"]
    return None


def clerk_of(name: str, password: str) -> str | None:
    found = next((one for one in CLERKS if one["name"] == name), None)
    salt = bytes.fromhex(found["salt"]) if found else secrets.token_bytes(16)
    made = hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)
    if found and hmac.compare_digest(made, bytes.fromhex(found["scrypt"])):
        return name
    return None
