"""What a wrong key costs beside a right one, by where it is wrong. `python -m bench.wrong`."""

from __future__ import annotations

import contextlib
import os
import random
import tempfile
import time
import zlib
from pathlib import Path

from ninefold.keys.keeper import Keeper
from ninefold.keys.ring import Ring
from ninefold.keys.token import holds, mint

KEYS = 5_000
ROUNDS = 25
_SECRET = 22  # where it begins: nf_bench_<12>_


def main() -> None:
    """Nanoseconds for each kind of key, one a line: the least of the rounds, which take turns in random order."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keys.db"
        with contextlib.closing(Keeper(path)) as keeper:
            right = [_issue(keeper) for _ in range(KEYS)]
        kinds = {
            "right": right,
            "first digit wrong": [_forged(text, _SECRET) for text in right],
            "last digit wrong": [_forged(text, len(text) - 7) for text in right],
            "unknown id": [mint("bench", os.urandom).text.encode() for _ in right],
            "malformed": [text[:-1] + (b"A" if text[-1:] != b"A" else b"B") for text in right],
        }
        for texts in kinds.values():
            random.shuffle(texts)
        with contextlib.closing(Ring(path)) as ring:
            found: dict[str, list[float]] = {name: [] for name in kinds}
            for _ in range(ROUNDS):
                for name, texts in random.sample(list(kinds.items()), len(kinds)):
                    found[name].append(_round(ring, texts))
    for name, costs in found.items():
        print(f"{name:18} {min(costs):7.0f}")


def _round(ring: Ring, texts: list[bytes]) -> float:
    began = time.perf_counter()
    for text in texts:
        digest = ring.digest(text)
        if digest:
            ring.present(digest)
    return (time.perf_counter() - began) / len(texts) * 1e9


def _issue(keeper: Keeper) -> bytes:
    minted = keeper.issue(
        role="", scopes=(), name="", env="bench", lifetime=1e6, now=time.time(), randomness=os.urandom
    )
    return minted.text.encode()


def _forged(text: bytes, place: int) -> bytes:
    """The key with another digit, and a checksum that holds all the same."""
    body = bytearray(text[:-6])
    body[place] = ord("A") if body[place] != ord("A") else ord("B")
    value, digits = zlib.crc32(body), b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    made = bytes(body) + bytes(digits[value // 62**power % 62] for power in range(5, -1, -1))
    assert holds(made)
    return made


if __name__ == "__main__":
    main()
