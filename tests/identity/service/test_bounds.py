"""What one caller can cost the service, and what others get meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from argon2 import PasswordHasher
from tests.conftest import CONTRACT
from tests.identity.service.conftest import CHALLENGE, PASSWORD, REDIRECT, Service, furnished, running, web, written

from ninefold import listener
from ninefold.identity.service import app, passwords
from ninefold.identity.service.attempts import FREE_PAIR
from ninefold.identity.service.grants import API_KEY, EXCHANGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

QUERY = {
    "response_type": "code", "client_id": "app", "redirect_uri": REDIRECT, "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}  # fmt: skip


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines that a test can wait for."""
    monkeypatch.setattr(listener, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(app, "BODY_SECONDS", 0.3)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(written(tmp_path_factory.mktemp("bounds"))) as found:
        yield furnished(found)


HEAD = b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", b""),
        (b"POST /tok", b""),
        (HEAD, b""),
        (b"\r\n\r\n\r\n", b""),
        (HEAD + b"Content-Length: 100\r\n\r\ngrant", b"408"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\ngrant\r\n", b"408"),
        (HEAD + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n", b"100"),
    ],
)
def test_who_does_not_finish_is_not_waited_for(desk: Service, sent: bytes, status: bytes) -> None:
    begun = time.monotonic()
    answer = desk.raw(sent)
    assert time.monotonic() - begun < 5
    assert answer.split()[1:2] == ([status] if status else [])
    assert b"access_token" not in answer


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /" + b"x" * 5_000_000,
        HEAD + b"X: " + b"x" * 5_000_000,
        HEAD + b"".join(b"X%d: x\r\n" % one for one in range(200_000)),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * 5_000_000,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 500_000,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n" + b"X: x\r\n" * 500_000,
        HEAD + b"Content-Length: 5000000\r\n\r\n" + b"x" * 5_000_000,
    ],
    ids=["line", "field", "fields", "chunk-extension", "chunks", "trailer", "body"],
)
def test_what_never_ends_is_cut(desk: Service, sent: bytes) -> None:
    answer = desk.raw(sent)
    assert answer[:12] in {b"", b"HTTP/1.1 431", b"HTTP/1.1 413", b"HTTP/1.1 400"}
    assert web.get(f"{desk.url}/jwks").status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 1\r\nContent-Length: 2\r\n",
        b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\nX : y\r\n",
        b"X: a\r\n b\r\n",
        b"X: a\0b\r\n",
    ],
)
def test_rfc9112_6_a_request_with_two_ends_is_refused(desk: Service, fields: bytes) -> None:
    answer = desk.raw(HEAD + fields + b"Connection: close\r\n\r\n0\r\n\r\n")
    assert answer.split()[1] == b"400"


def test_a_request_that_is_cut_off_is_not_done(desk: Service, issue: Any) -> None:
    before = len(desk.events())
    form = f"grant_type={EXCHANGE}&subject_token_type={API_KEY}&subject_token={issue(desk.path)}".encode()
    parts = urlsplit(desk.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as connection:
        connection.sendall(HEAD + b"Content-Length: 10000\r\n\r\n" + form)
    assert desk.token(grant_type="x").status_code == 400
    end = time.monotonic() + 5
    while len(desk.events()) == before and time.monotonic() < end:
        time.sleep(0.02)
    assert ("token", 200) not in {(one["operation"], one["status"]) for one in desk.events()[before:]}


def test_one_address_has_not_every_connection(service: Callable[..., Service]) -> None:
    found = service(limits={"rates": [{"per": "ip", "rate": "10000/min", "burst": 1000}], "connections": {"per_ip": 4}})
    parts = urlsplit(found.url)
    address = parts.hostname or "", parts.port or 0
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            connection = stack.enter_context(socket.create_connection(address))
            connection.sendall(b"GET /jwks HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        with pytest.raises(httpx.TransportError):
            web.get(f"{found.url}/jwks")
    end = time.monotonic() + 5
    while time.monotonic() < end:  # the seats are free again
        with contextlib.suppress(httpx.TransportError):
            assert web.get(f"{found.url}/jwks").status_code == 200
            return
        time.sleep(0.02)
    pytest.fail("nobody gets in any more")


def test_a_service_that_ends_waits_for_requests_and_not_for_idle_callers(tmp_path: Path) -> None:
    others = set(threading.enumerate())
    with contextlib.ExitStack() as stack, running(written(tmp_path)) as found:
        parts = urlsplit(found.url)
        for sent in (b"", b"GET /jwks HTTP/1.1\r\nHost: x\r\n\r\n"):
            connection = stack.enter_context(socket.create_connection((parts.hostname or "", parts.port or 0)))
            connection.sendall(sent)
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    assert not [one for one in threading.enumerate() if one not in others and one.name.startswith(("tokens", "pass"))]


def test_while_many_log_in_at_once_tokens_are_issued_and_the_rest_are_asked_to_come_back(
    tmp_path: Path, issue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)  # at its real cost
    monkeypatch.setattr(passwords, "_HASHER", hasher)
    monkeypatch.setattr(passwords, "_NOBODY", hasher.hash("nobody's"))
    monkeypatch.setattr(app, "BODY_SECONDS", 30.0)
    monkeypatch.setattr(listener, "HEAD_SECONDS", 30.0)
    limits = {
        "rates": [{"per": "ip", "rate": "100000/min", "burst": 10000}], "connections": {"total": 5000, "per_ip": 5000},
    }  # fmt: skip
    many, waiting = 120, 6
    monkeypatch.setattr(app, "MOST_WAITING", waiting)
    with running(written(tmp_path, limits=limits)) as found:
        furnished(found)
        form: dict[str, Any] = {
            "grant_type": EXCHANGE,
            "subject_token": issue(found.path, "reader"),
            "subject_token_type": API_KEY,
        }

        async def flood() -> tuple[list[int], list[tuple[int, float]]]:
            bounds = httpx.Limits(max_connections=None, max_keepalive_connections=0)
            async with httpx.AsyncClient(limits=bounds, timeout=60, verify=False) as caller:

                async def log_in(one: int) -> int:
                    form = {"username": f"user {one}", "password": PASSWORD, "decision": "allow"}
                    return (await caller.post(f"{found.url}/authorize", params=QUERY, data=form)).status_code

                async def token() -> tuple[int, float]:
                    begun = time.monotonic()
                    return (await caller.post(f"{found.url}/token", data=form)).status_code, time.monotonic() - begun

                guesses = [asyncio.create_task(log_in(one)) for one in range(many)]
                await asyncio.sleep(0.3)
                tokens: list[tuple[int, float]] = []
                while not all(one.done() for one in guesses) or not tokens:
                    tokens.append(await token())
                return [await one for one in guesses], tokens

        guessed, tokens = asyncio.run(flood())
    counted = Counter(guessed)
    assert set(counted) <= {401, 429, 503}
    assert waiting <= counted[401] <= many // 2  # those whose turn it was
    assert counted[503] > 0
    assert {status for status, _ in tokens} == {200}
    assert max(seconds for _, seconds in tokens) < 10


def test_who_guesses_waits_and_whom_he_guesses_at_does_not(service: Callable[..., Service]) -> None:
    found = furnished(service({}, api=CONTRACT["api"] | {"trusted_proxies": ["127.0.0.1/32"]}))

    def tried(address: str, password: str) -> httpx.Response:
        form = {"username": "ann", "password": password, "decision": "allow"}
        fields = {"X-Forwarded-For": address}
        return web.post(f"{found.url}/authorize", params=QUERY, data=form, headers=fields)

    assert [tried("192.0.2.6", "wrong").status_code for _ in range(FREE_PAIR)] == [401] * FREE_PAIR
    waiting = tried("192.0.2.6", PASSWORD)
    assert waiting.status_code == 429
    assert 0 < int(waiting.headers["retry-after"]) < 20
    assert tried("2001:db8::1", PASSWORD).status_code == 303
    assert [tried(f"2001:db8::{one}", "wrong").status_code for one in range(2, 9)][-1] == 429  # one /64 is one place


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ("192.0.2.7", 200),
        ("198.51.100.1", 400),
        ("192.0.2.7, 198.51.100.1", 400),
        ("198.51.100.1, 192.0.2.7", 200),
        ("nonsense", 400),
        ("", 400),
        (None, 400),
    ],
)
def test_a_key_for_some_addresses_is_taken_from_those_that_a_trusted_proxy_saw(
    proxied: Service, issue: Any, forwarded: str | None, status: int
) -> None:
    form: dict[str, Any] = {
        "grant_type": EXCHANGE,
        "subject_token": issue(proxied.path, "reader"),
        "subject_token_type": API_KEY,
    }
    fields = {"X-Forwarded-For": forwarded} if forwarded is not None else {}
    assert proxied.token(headers=fields, **form).status_code == status


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    path = written(
        tmp_path_factory.mktemp("proxied"), 0, api=CONTRACT["api"] | {"trusted_proxies": ["127.0.0.1/32"]},
        keys={"with": {"ip": ["192.0.2.0/24"]}},
    )  # fmt: skip
    with running(path) as found:
        yield found


def test_without_a_trusted_proxy_nobody_says_where_he_comes_from(service: Callable[..., Service], issue: Any) -> None:
    found = service(keys={"with": {"ip": ["192.0.2.0/24"]}})
    form: dict[str, Any] = {
        "grant_type": EXCHANGE,
        "subject_token": issue(found.path, "reader"),
        "subject_token_type": API_KEY,
    }
    assert found.token(headers={"X-Forwarded-For": "192.0.2.7"}, **form).status_code == 400
