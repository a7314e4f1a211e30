"""Callers who come, send, pipeline and leave at any moment while their tokens are brought: every answer is the right one."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

from tests.identity.issuing import ec


async def _caller(port: int, seed: int, kinds: dict[str, tuple[list[str], bytes]], until: float) -> int:
    dice = random.Random(seed)
    answered = 0
    while time.monotonic() < until:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for _ in range(dice.randint(1, 6)):
                sent = [dice.choice(sorted(kinds)) for _ in range(dice.randint(1, 4))]
                fields = [(dice.choice(kinds[name][0]), kinds[name][1]) for name in sent]
                raw = b"".join(f"GET /things HTTP/1.1\r\nHost: a\r\n{field}\r\n".encode() for field, _ in fields)
                cut = dice.randrange(len(raw))
                writer.write(raw[:cut])
                if dice.random() < 0.3:
                    await asyncio.sleep(dice.random() / 50)
                writer.write(raw[cut:])
                if dice.random() < 0.15:
                    break  # he leaves without his answers
                for _, expected in fields:
                    head = await reader.readuntil(b"\r\n\r\n")
                    assert head[9:12] == expected, (head, expected)
                    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
                    await reader.readexactly(length)
                    answered += 1
        finally:
            if dice.random() < 0.5:
                writer.transport.abort()
            else:
                writer.close()
    return answered


def test_whoever_comes_and_leaves_each_answer_is_the_right_one(hosts: Any, issuer: Any, issue: Any) -> None:
    issuer.delay = 0.02
    found = hosts({"tokens": 100}, keys={"header": "X-API-Key", "with": {"ip": ["local"]}})
    other = ec()

    def fields(*tokens: str) -> list[str]:
        return [f"Authorization: Bearer {one}\r\n" for one in tokens]

    kinds = {
        "good": (fields(*(issuer.token(sub=f"user{number}") for number in range(300))), b"200"),
        "forged": (fields(*(issuer.token(key=other) for _ in range(50))), b"401"),
        "unknown": (fields(*(issuer.token({"kid": f"k{number}"}) for number in range(50))), b"401"),
        "poor": (fields(*(issuer.token(scope="x") for _ in range(50))), b"403"),
        "key": ([f"X-API-Key: {issue(found.path)}\r\n"], b"200"),
        "none": ([""], b"401"),
    }

    async def work() -> list[int]:
        until = time.monotonic() + 3
        return await asyncio.gather(*(_caller(found.ports["gateway"], seed, kinds, until) for seed in range(24)))

    answered = asyncio.run(work())
    assert sum(answered) > 500
    assert found.ask("gateway", f"Authorization: Bearer {issuer.token()}")[0] == 200
