"""When the issuer's keys are read: in the background, on an unknown key, once for all who wait, and not too often."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.identity.issuing import ec

from ninefold.identity.fault import Unavailable
from ninefold.identity.source import Source


class Issuer:
    """Its keys, how often they were read, and whether they can be."""

    def __init__(self) -> None:
        self.keys = [ec("1")]
        self.read = 0
        self.down = False
        self.said: list[str] = []

    async def __call__(self) -> bytes:
        self.read += 1
        await asyncio.sleep(0.01)
        if self.down:
            raise Unavailable("it is down")
        return json.dumps({"keys": [one.as_dict(private=False) for one in self.keys]}).encode()

    def source(self, **changes: Any) -> Source:
        fields = {"refresh": 100.0, "floor": 10.0, "keep": 50.0, **changes}
        return Source(self, symmetric=False, say=self.said.append, **fields)


def test_they_are_read_once_however_many_wait() -> None:
    async def work() -> None:
        issuer = Issuer()
        source = issuer.source()
        found = await asyncio.gather(*(source.keys(0.0) for _ in range(20)))
        assert len({id(one) for one in found}) == 1
        assert issuer.read == 1
        assert await source.keys(99.0) is found[0]
        assert issuer.read == 1

    asyncio.run(work())


def test_on_an_unknown_key_they_are_read_anew_but_not_within_the_floor() -> None:
    async def work() -> None:
        issuer = Issuer()
        source = issuer.source()
        first = await source.keys(0.0)
        issuer.keys.append(ec("2"))
        newer = await source.newer(0.1, first)
        assert newer is not None
        assert len(newer) == 2
        assert [await source.newer(at, newer) for at in (0.2, 5.0, 10.0)] == [None] * 3
        assert issuer.read == 2
        assert await source.newer(10.2, newer) is None, "they are the same"
        assert issuer.read == 3
        assert await source.newer(10.3, first) is newer, "others had them read meanwhile"
        assert issuer.read == 3

    asyncio.run(work())


def test_they_are_read_in_the_background_and_a_key_that_was_taken_away_is_gone() -> None:
    async def work() -> None:
        issuer = Issuer()
        source = issuer.source()
        source.tick(0.0)
        await asyncio.sleep(0.05)
        old = source.thumbprints
        for at in (1.0, 50.0, 99.0):
            source.tick(at)
        assert issuer.read == 1
        issuer.keys = [ec("2")]
        source.tick(100.0)
        await asyncio.sleep(0.05)
        assert source.thumbprints
        assert not source.thumbprints & old
        await source.close()

    asyncio.run(work())


def test_through_an_outage_they_are_kept_and_then_not_believed() -> None:
    async def work() -> None:
        issuer = Issuer()
        source = issuer.source()
        first = await source.keys(0.0)
        issuer.down = True
        source.tick(100.0)
        await asyncio.sleep(0.05)
        assert "it is down" in issuer.said[0]
        assert await source.keys(149.9) is first
        with pytest.raises(Unavailable, match="it is down"):
            await source.keys(150.0)
        assert source.until <= 150.0
        tries = issuer.read
        for at in (151.0, 152.0, 159.9):
            with pytest.raises(Unavailable):
                await source.keys(at)
        assert issuer.read == tries, "an issuer that is down is not asked for every token"
        issuer.down = False
        assert await source.keys(161.0)
        assert issuer.said[1:] == ["the issuer's keys can be read again"]

    asyncio.run(work())


def test_who_stops_waiting_ends_it_for_nobody_else() -> None:
    async def work() -> None:
        issuer = Issuer()
        source = issuer.source()
        waiting = [asyncio.create_task(source.keys(0.0)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(found[0], asyncio.CancelledError)
        assert found[1] is found[2] is await source.keys(0.0)
        assert issuer.read == 1

    asyncio.run(work())


def test_another_name_for_the_same_key_is_known() -> None:
    async def work() -> None:
        issuer = Issuer()
        source = issuer.source()
        first = await source.keys(0.0)
        key = issuer.keys[0]

        async def renamed() -> bytes:
            return json.dumps({"keys": [{**key.as_dict(private=False), "kid": "other"}]}).encode()

        source._read = renamed
        newer = await source.newer(0.1, first)
        assert newer is not None
        assert newer.find("other", "ES256")

    asyncio.run(work())
