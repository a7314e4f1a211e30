"""Answers leave in the order of posting, soon, and once."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from ninefold.gateway.outbox import MANY, MOST_TURNS, Outbox


class _Transport(asyncio.WriteTransport):
    def __init__(self, written: list[bytes], *, gone: bool = False) -> None:
        super().__init__()
        self._written = written
        self._gone = gone

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._gone:
            raise RuntimeError("the handler is closed")
        self._written.append(bytes(data))


@pytest.mark.parametrize("count", [1, MANY - 1, MANY, 100])
@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_answers_leave_soon_in_order(factory: type, count: int) -> None:
    async def run() -> None:
        written: list[bytes] = []
        outbox = Outbox(asyncio.get_running_loop())
        for number in range(count):
            outbox.post(_Transport(written), b"%d" % number)
        assert written == []
        for _ in range(3):
            await asyncio.sleep(0)
        assert written == [b"%d" % number for number in range(count)]

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(run())


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_nobody_waits_for_more_than_a_few_turns_however_many_come(factory: type) -> None:
    async def run() -> None:
        written: list[bytes] = []
        outbox = Outbox(asyncio.get_running_loop())
        for turn in range(MOST_TURNS * 10):
            for _ in range(MANY):
                outbox.post(_Transport(written), b"%d" % turn)
            await asyncio.sleep(0)
            assert turn + 1 - len(written) / MANY <= MOST_TURNS
        assert written == sorted(written, key=int)

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(run())


def test_answers_to_few_leave_at_the_next_turn() -> None:
    async def run() -> None:
        written: list[bytes] = []
        outbox = Outbox(asyncio.get_running_loop())
        for _ in range(MANY - 1):
            outbox.post(_Transport(written), b"a")
        await asyncio.sleep(0)
        assert len(written) == MANY - 1

    asyncio.run(run())


def test_a_flush_in_between_writes_at_once_and_nothing_twice() -> None:
    async def run() -> None:
        written: list[bytes] = []
        outbox = Outbox(asyncio.get_running_loop())
        outbox.post(_Transport(written), b"a")
        outbox.flush()
        assert written == [b"a"]
        outbox.post(_Transport(written), b"b")
        for _ in range(4):
            await asyncio.sleep(0)
        assert written == [b"a", b"b"]

    asyncio.run(run())


def test_settling_with_one_caller_keeps_his_order_and_leaves_others_waiting() -> None:
    async def run() -> None:
        mine: list[bytes] = []
        theirs: list[bytes] = []
        outbox = Outbox(asyncio.get_running_loop())
        transport, other = _Transport(mine), _Transport(theirs)
        outbox.post(other, b"a")
        outbox.settle(transport)
        assert theirs == []
        outbox.post(transport, b"b")
        outbox.settle(transport)
        assert (mine, theirs) == ([b"b"], [b"a"])

    asyncio.run(run())


def test_a_caller_who_has_gone_takes_nobody_elses_answer_along() -> None:
    async def run() -> None:
        written: list[bytes] = []
        outbox = Outbox(asyncio.get_running_loop())
        for gone in (False, True, False):
            outbox.post(_Transport(written, gone=gone), b"a")
        outbox.flush()
        assert written == [b"a", b"a"]

    asyncio.run(run())
