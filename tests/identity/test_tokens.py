"""The memory of verified tokens: bounded, never past expiry, and shared by who waits for the same."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tests.identity.issuing import AUDIENCE, ec, sign

from ninefold.contract.identity import Identity
from ninefold.identity.tokens import MOST_FLIGHTS, Tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEY = ec("one")
ISSUER = "https://id.example.com"


def _field(at: float, **claims: Any) -> bytes:
    whole = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "client_id": "app", "iat": int(at), "exp": int(at) + 60, "jti": "1",
        **claims,
    }  # fmt: skip
    return b"Bearer " + sign({"typ": "at+jwt", "alg": "ES256", "kid": "one"}, whole, KEY).encode()


@asynccontextmanager
async def _opened(folder: Path, **fields: Any) -> AsyncIterator[Tokens]:
    (folder / "keys.json").write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}))
    whole = {
        "issuer": ISSUER, "audience": AUDIENCE, "unbound": "the tests have nothing else to prove", "jwks": "keys.json",
        **fields,
    }  # fmt: skip
    tokens = Tokens(Identity.model_validate(whole), lambda name: folder / name, lambda _: None)
    yield tokens
    await tokens.close()
    tokens.release()


async def _bring(tokens: Tokens, field: bytes, at: float) -> Any:
    digest = tokens.digest(field)
    doubt = await tokens.bring(digest, field, at)
    return tokens.present(digest, at, time.monotonic()) or doubt


def test_a_verified_token_is_present_until_it_expires(tmp_path: Path) -> None:
    async def work() -> None:
        at = time.time()
        async with _opened(tmp_path, leeway="10s", max_age="1h") as tokens:
            field = _field(at)
            digest, now = tokens.digest(field), time.monotonic()
            assert tokens.present(digest, at, now) is None
            found = await _bring(tokens, field, at)
            assert found.subject == "alice"
            ends = int(at) + 60 + 10
            assert tokens.present(digest, ends - 0.1, now) is found
            assert tokens.present(digest, ends, now) is None
            assert (await tokens.bring(digest, field, ends)).reason == "it has expired"
            assert tokens.remembered == 0

    asyncio.run(work())


def test_it_is_looked_at_anew_when_it_is_too_old_though_it_lives_on(tmp_path: Path) -> None:
    async def work() -> None:
        at = time.time()
        async with _opened(tmp_path, leeway="0s", max_age="10s") as tokens:
            field = _field(at, exp=int(at) + 9999)
            assert (await _bring(tokens, field, at)).subject == "alice"
            assert "older than" in (await _bring(tokens, field, at + 12)).reason

    asyncio.run(work())


def test_only_so_many_are_remembered_and_the_oldest_goes_first(tmp_path: Path) -> None:
    async def work() -> None:
        at = time.time()
        async with _opened(tmp_path, tokens=100) as tokens:
            fields = [_field(at, jti=str(number)) for number in range(103)]
            for field in fields:
                assert (await _bring(tokens, field, at)).subject == "alice"
            assert tokens.remembered == 100
            known = [tokens.present(tokens.digest(one), at, time.monotonic()) is not None for one in fields]
            assert known == [False] * 3 + [True] * 100

    asyncio.run(work())


def test_what_no_token_is_is_not_remembered(tmp_path: Path) -> None:
    async def work() -> None:
        at = time.time()
        async with _opened(tmp_path) as tokens:
            for number in range(50):
                assert (await _bring(tokens, _field(at, iss="https://evil.example", jti=str(number)), at)).reason
            assert tokens.remembered == 0
            assert not tokens._flights

    asyncio.run(work())


def test_words_are_shared_and_claims_are_kept_where_the_contract_says_so(tmp_path: Path) -> None:
    async def work() -> None:
        at = time.time()
        claims = {"required": ["acr"], "kept": ["acr", "/address/country", "none"]}
        async with _opened(tmp_path, claims=claims) as tokens:
            about = {"scope": "a b", "acr": "gold", "address": {"country": "CH"}}
            one, other = [await _bring(tokens, _field(at, jti=str(number), **about), at) for number in range(2)]
            assert one.scopes is other.scopes
            assert one.claims == {"acr": "gold", "/address/country": "CH", "none": None}
            assert "no acr" in (await _bring(tokens, _field(at), at)).reason

    asyncio.run(work())


def test_who_stops_waiting_ends_it_for_nobody_else(tmp_path: Path) -> None:
    async def work() -> None:
        at = time.time()
        async with _opened(tmp_path) as tokens:
            field = _field(at)
            waiting = [asyncio.create_task(_bring(tokens, field, at)) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[0].cancel()
            found = await asyncio.gather(*waiting, return_exceptions=True)
            assert isinstance(found[0], asyncio.CancelledError)
            assert [one.subject for one in found[1:] if not isinstance(one, BaseException)] == ["alice"] * 2

    asyncio.run(work())


def test_no_more_are_looked_at_at_once_than_stated(tmp_path: Path) -> None:
    async def work() -> None:
        at = time.time()
        async with _opened(tmp_path) as tokens:
            release = asyncio.Event()

            async def held(*_: Any) -> None:
                await release.wait()

            tokens._verified = held  # type: ignore[method-assign, assignment]
            waiting = [
                asyncio.create_task(tokens.bring(b"%d" % number, b"Bearer x", at)) for number in range(MOST_FLIGHTS)
            ]
            await asyncio.sleep(0)
            doubt = await tokens.bring(b"one more", b"Bearer x", at)
            assert doubt.unavailable
            release.set()
            assert all(one.unavailable for one in await asyncio.gather(*waiting)), "a fault of ours lets nobody in"

    asyncio.run(work())
