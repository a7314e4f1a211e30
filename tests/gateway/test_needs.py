"""What the guard asks for is brought, and whatever stands in the way of it keeps the gate shut."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from ninefold.gateway.needs import Needs
from ninefold.guard.answer import Answer, refuse
from ninefold.guard.need import Need
from ninefold.guard.request import Request

REFUSED = refuse(401, "caller", "no key was presented")


@dataclass
class Told:
    """Stands for the guard, the keys, the tokens and the authority; keeps what it was asked, in order."""

    verdicts: list[Any] = field(default_factory=list)
    fault: Exception | None = None
    asked: list[str] = field(default_factory=list)

    def admit(self, _: Request) -> Any:
        self.asked.append("admit")
        return self.verdicts.pop(0)

    def refresh(self) -> None:
        self.asked.append("refresh")
        if self.fault is not None:
            raise self.fault

    def verify(self) -> None:
        self.asked.append("verify")

    def tick(self) -> None:
        self.asked.append("tick")

    async def bring(self, digest: bytes, text: bytes, at: float) -> Any:
        return digest, text, at


def _needs(one: Told) -> Needs:
    return Needs(one, one, one, one)  # type: ignore[arg-type]


def _request() -> Request:
    fields = {b"authorization": b"Bearer x"}
    return Request("GET", "/", fields, (), "192.0.2.1", True, 0, 5.0, 1.0, b"1", token_digest=b"d")


def test_keys_are_read_as_often_as_they_have_changed() -> None:
    told = Told([Need.KEYS, REFUSED])
    assert _needs(told).with_keys(_request(), Need.KEYS) is REFUSED
    assert told.asked == ["refresh", "refresh", "admit"] * 2


def test_what_is_decided_is_not_decided_again() -> None:
    told = Told()
    assert _needs(told).with_keys(_request(), Need.BODY) is Need.BODY
    assert told.asked == []


def test_whatever_stands_in_the_way_of_the_keys_is_503() -> None:
    answer = _needs(Told(fault=RuntimeError("of no kind that was foreseen"))).with_keys(_request(), Need.KEYS)
    assert isinstance(answer, Answer)
    assert answer.status == 503
    assert "of no kind that was foreseen" in answer.reason


def test_a_token_is_brought_with_what_it_is_known_by() -> None:
    request = _request()
    asyncio.run(_needs(Told()).bring_token(request))
    assert request.doubt == (b"d", b"Bearer x", 5.0)  # type: ignore[comparison-overlap]


def test_everything_that_a_decision_rests_on_is_looked_at() -> None:
    told = Told()
    _needs(told).verify()
    assert told.asked == ["verify", "verify", "tick"]
