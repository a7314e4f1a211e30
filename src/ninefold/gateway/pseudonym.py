"""The key of pseudonyms (`responses.mask`): from the contract's file, or another one with each start."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from ninefold.contract.source import read_bytes
from ninefold.errors import ContractError

if TYPE_CHECKING:
    from ninefold.contract.load import LoadedContract

LEAST, MOST = 32, 4096


def pseudonym_key(loaded: LoadedContract) -> bytes:
    """At least 32 bytes. Raises `FileError` where the file cannot be read, `ContractError` where it is too short."""
    file = loaded.contract.responses.pseudonym_key
    if file is None:
        return secrets.token_bytes(LEAST)
    key = read_bytes(loaded.resolve(file), MOST)
    if len(key) < LEAST:
        raise ContractError(
            f"the key of pseudonyms has {len(key)} bytes",
            place=loaded.source.place(("responses", "pseudonym_key")),
            remedy=f"make one of at least {LEAST}: `head -c 32 /dev/urandom > FILE`",
        )
    return key
