from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit import wire
from ninefold.audit.answer import Ask
from ninefold.audit.probe import BODY, Limits, Probe, Unanswered, parse_origin, reach, trust
from ninefold.audit.rule import Untried
from ninefold.errors import FileError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ninefold.audit.target import Target

HOME = Ask("GET", "/")


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that is no HTTP server: `talk` gets each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    try:
                        talk(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join()


def say(what: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(what)

    return talk


class TestTheOrigin:
    @pytest.mark.parametrize(
        ("url", "origin", "base"),
        [
            ("http://a.example", "http://a.example", ""),
            ("https://a.example:443/v1/", "https://a.example", "/v1"),
            ("http://[::1]:8000/x", "http://[::1]:8000", "/x"),
            ("http://bücher.example", "http://xn--bcher-kva.example", ""),
        ],
    )
    def test_is_scheme_host_and_port(self, url: str, origin: str, base: str) -> None:
        assert (str(parse_origin(url)), parse_origin(url).base) == (origin, base)

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://a",
            "a.example",
            "http://",
            "http://u:p@a",
            "http://a/?q",
            "http://a/#f",
            "http://a/ b",
            "http://a:99999",
        ],
    )
    def test_is_refused_when_it_says_more_or_less(self, url: str) -> None:
        with pytest.raises(ValueError, match=r".+"):
            parse_origin(url)


class TestEveryRequest:
    def test_says_who_asks_and_keeps_to_the_origin(
        self, serve: Callable[..., str], live: Callable[..., Target]
    ) -> None:
        seen: list[Any] = []

        def api(request: Any) -> tuple[int, dict[str, str], bytes]:
            seen.append((request.headers["User-Agent"], request.headers["Host"], request.path))
            return 302, {"Location": "http://192.0.2.1/"}, b""

        url = serve(api)
        target = live(url)
        assert target.probe.send(Ask("GET", "//192.0.2.1/a", (("q", "a b&c"),))).status == 302
        assert seen == [("ninefold-audit/test", url.removeprefix("http://"), "/192.0.2.1/a")]

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "FOO"])
    def test_is_safe_without_leave(self, live: Callable[..., Target], method: str) -> None:
        target = live("http://127.0.0.1:9")
        with pytest.raises(Untried, match="--active"):
            target.probe.send(Ask(method, "/"))
        assert target.probe.sent == 0

    @pytest.mark.parametrize(
        "ask", [Ask("GET", "http://192.0.2.1/"), Ask("GET", ""), Ask("GET", "/", headers=(("A", "b\r\nC: d"),))]
    )
    def test_that_cannot_be_written_is_not_sent(
        self, serve: Callable[..., str], live: Callable[..., Target], ask: Ask
    ) -> None:
        seen: list[str] = []

        def api(request: Any) -> tuple[int, dict[str, str], bytes]:
            seen.append(request.path)
            return 200, {}, b""

        with pytest.raises(Untried):
            live(serve(api)).probe.send(ask)
        assert seen == []

    def test_is_paced_and_counted(self, serve: Callable[..., str]) -> None:
        now, slept = [100.0], []

        def sleep(seconds: float) -> None:
            slept.append(round(seconds, 3))
            now[0] += seconds

        origin = parse_origin(serve(lambda _: (204, {}, b"")))
        limits = Limits(budget=4, rate=10.0)
        with Probe(origin, agent="a", context=trust(None), limits=limits, clock=lambda: now[0], sleep=sleep) as probe:
            for _ in range(4):
                probe.send(HOME)
            assert slept == [0.1, 0.1, 0.1]
            assert probe.left == 0
            with pytest.raises(Untried, match="budget of 4 requests"):
                probe.send(HOME)

    def test_ends_with_the_audit_s_time(self, serve: Callable[..., str]) -> None:
        now = [100.0]
        origin = parse_origin(serve(lambda _: (204, {}, b"")))
        with Probe(origin, agent="a", context=trust(None), limits=Limits(total=5.0), clock=lambda: now[0]) as probe:
            probe.send(HOME)
            now[0] += 6
            with pytest.raises(Untried, match="5 seconds"):
                probe.send(HOME)

    def test_may_come_from_another_local_address(self, serve: Callable[..., str], live: Callable[..., Target]) -> None:
        def api(request: Any) -> tuple[int, dict[str, str], bytes]:
            return 200, {}, request.client_address[0].encode()

        assert live(serve(api)).probe.send(HOME, source="127.0.0.2").text == "127.0.0.2"


class TestThrottling:
    def throttled(self, times: int, status: int = 429, wait: str | None = "3") -> Any:
        left = [times]

        def api(_: Any) -> tuple[int, dict[str, str], bytes]:
            left[0] -= 1
            return (status, {"Retry-After": wait} if wait else {}, b"") if left[0] >= 0 else (200, {}, b"ok")

        return api

    def probe(self, url: str, slept: list[float]) -> Probe:
        return Probe(parse_origin(url), agent="a", context=trust(None), limits=Limits(rate=1000.0), sleep=slept.append)

    @pytest.mark.parametrize(
        ("status", "wait"), [(429, "3"), (503, "3"), (429, None), (429, "Wed, 21 Oct 2026 07:28:00 GMT")]
    )
    def test_is_waited_out(self, serve: Callable[..., str], status: int, wait: str | None) -> None:
        slept: list[float] = []
        with self.probe(serve(self.throttled(2, status, wait)), slept) as probe:
            assert probe.send(HOME).text == "ok"
        assert [one for one in slept if one > 1] == ([3.0, 3.0] if wait == "3" else [2.0, 2.0])

    def test_is_an_answer_for_who_asks_for_it(self, serve: Callable[..., str]) -> None:
        with self.probe(serve(self.throttled(1)), []) as probe:
            assert probe.send(HOME, patient=False).status == 429

    @pytest.mark.parametrize(("times", "wait"), [(9, "3"), (1, "3600")])
    def test_that_lasts_ends_the_rule(self, serve: Callable[..., str], times: int, wait: str) -> None:
        with (
            self.probe(serve(self.throttled(times, 429, wait)), []) as probe,
            pytest.raises(Untried, match="throttles"),
        ):
            probe.send(HOME)

    def test_is_not_an_outage(self, serve: Callable[..., str]) -> None:
        with self.probe(serve(self.throttled(1, 503, None)), []) as probe:
            assert probe.send(HOME).status == 503


class TestBadServers:
    @pytest.mark.parametrize(
        "talk",
        [
            say(b""),
            say(b"SSH-2.0-OpenSSH_9.2\r\n"),
            say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
            say(b"HTTP/1.1 200 OK\r\n" + b"A: " + b"b" * 200_000 + b"\r\n\r\n"),
        ],
    )
    def test_give_no_answer(self, live: Callable[..., Target], talk: Callable[[socket.socket], None]) -> None:
        with raw_server(talk) as url, pytest.raises(Unanswered):
            live(url).probe.send(HOME)

    @pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nA: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
    def test_that_drip_are_left(
        self, live: Callable[..., Target], monkeypatch: pytest.MonkeyPatch, head: bytes
    ) -> None:
        """Every byte in time, the whole never: the deadline is for the whole."""
        monkeypatch.setattr("ninefold.audit.probe.EXCHANGE", 0.3)
        stop = threading.Event()

        def drip(connection: socket.socket) -> None:
            connection.recv(4096)
            connection.sendall(head)
            while not stop.wait(0.02):
                connection.sendall(b"a")

        with raw_server(drip) as url:
            try:
                with pytest.raises(Unanswered):
                    live(url).probe.send(HOME)
            finally:
                stop.set()

    def test_that_say_much_are_cut_short(self, serve: Callable[..., str], live: Callable[..., Target]) -> None:
        answer = live(serve(lambda _: (200, {}, b"a" * (4 * BODY)))).probe.send(HOME)
        assert answer.truncated
        assert len(answer.body) == BODY

    def test_that_are_not_there_are_told_at_once(self, live: Callable[..., Target]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match="--url"):
            reach(live(f"http://127.0.0.1:{port}").probe)


class TestTls:
    def test_is_verified(self, serve: Callable[..., str], live: Callable[..., Target], certified: Any) -> None:
        url = serve(lambda _: (200, {}, b"ok"), certified.context)
        assert live(url, authority=certified.authority).probe.send(HOME).text == "ok"
        stranger = live(url)
        with pytest.raises(Unanswered, match="self-signed"):
            stranger.probe.send(HOME)
        reach(stranger.probe)  # goes on, so that the certificate's rule can tell

    def test_authority_that_is_none_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "no.pem"
        path.write_text("hello")
        with pytest.raises(FileError, match=r"no\.pem"):
            trust(path)


def test_a_deadline_that_is_over_is_told() -> None:
    deadline = wire.Deadline()
    deadline.start(-1.0)
    with pytest.raises(Exception, match="too long"):
        deadline.left()
