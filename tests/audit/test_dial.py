from __future__ import annotations

import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.answer import Ask
from ninefold.audit.dial import Dial, gives_credentials
from ninefold.audit.probe import Probe, Unanswered, parse_origin, trust
from ninefold.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NEW = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.MAXIMUM_SUPPORTED)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.0.1",
        "fe80::1",
        "fe80::1%lo",
        "febf::1",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::ffff:100.100.100.200",
    ],
)
def test_an_address_that_hands_out_credentials_is_known_in_every_dress(address: str) -> None:
    assert gives_credentials(address)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "10.0.0.1", "169.253.255.255", "100.100.100.201", "fec0::1", "fd00:ec2::255", "2001:db8::1"],
)
def test_any_other_address_is_not(address: str) -> None:
    assert not gives_credentials(address)


@pytest.mark.parametrize(
    "host", ["metadata.google.internal", "METADATA.google.internal.", "169.254.169.254", "fd00:ec2::254", "fe80::1%lo"]
)
def test_a_host_is_refused_by_its_name_before_it_is_looked_up(host: str) -> None:
    def never(host: str, port: int) -> tuple[str, ...]:
        raise AssertionError((host, port))

    with pytest.raises(ServiceError, match="--allow-metadata-address"):
        Dial(host, 80, look_up=never).addresses()


@pytest.mark.parametrize("host", ["0xa9fea9fe", "2852039166", "169.254.43518", "0251.0376.0251.0376"])
def test_an_address_in_an_odd_notation_is_refused_for_what_it_means(host: str) -> None:
    with pytest.raises(ServiceError, match=r"leads to 169\.254\.169\.254"):
        Dial(host, 80).addresses()


def test_a_name_that_leads_there_among_others_is_refused() -> None:
    with pytest.raises(ServiceError, match=r"leads to 169\.254\.169\.254"):
        Dial("a.example", 80, look_up=lambda *_: ("192.0.2.1", "169.254.169.254")).addresses()


def test_leave_takes_it() -> None:
    assert Dial("a.example", 80, leave=True, look_up=lambda *_: ("169.254.169.254",)).addresses() == (
        "169.254.169.254",
    )


@pytest.fixture
def connections() -> Iterator[tuple[int, list[str]]]:
    """A port on 127.0.0.2 alone, and how it was connected to; each connection is answered with 204 and closed."""
    seen: list[str] = []
    with socket.create_server(("127.0.0.2", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    said = connection.recv(4096)
                    seen.append("http" if said.startswith(b"GET ") else "tls")
                    connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1], seen
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_a_name_is_looked_up_once_for_requests_and_handshakes_alike(connections: tuple[int, list[str]]) -> None:
    """A name server that changes its mind afterwards (DNS rebinding) is not asked again."""
    port, seen = connections
    answers = iter([("127.0.0.2",), ("169.254.169.254",), ("127.0.0.9",)])
    dial = Dial("a.example", port, look_up=lambda *_: next(answers))
    with Probe(parse_origin(f"http://a.example:{port}"), agent="a", context=trust(None), dial=dial) as probe:
        assert probe.send(Ask("GET", "/")).status == 204
        assert probe.send(Ask("GET", "/")).status == 204
        assert probe.plain(Ask("GET", "/")).status == 204
        assert not probe.handshake(*NEW).agreed
    with Probe(parse_origin(f"https://a.example:{port}"), agent="a", context=trust(None), dial=dial) as secure:
        assert secure.distrusted() == ""
    assert seen == ["http", "http", "http", "tls", "tls"]


def test_the_first_address_that_answers_is_kept(connections: tuple[int, list[str]]) -> None:
    port, _ = connections
    dial = Dial("a.example", port, look_up=lambda *_: ("127.0.0.3", "127.0.0.2", "127.0.0.4"))
    with Probe(parse_origin(f"http://a.example:{port}"), agent="a", context=trust(None), dial=dial) as probe:
        assert probe.send(Ask("GET", "/")).status == 204
    assert dial.addresses() == ("127.0.0.2",)


def test_no_request_reaches_an_address_that_is_refused(
    monkeypatch: pytest.MonkeyPatch, live: Callable[..., Any]
) -> None:
    tried: list[Any] = []
    monkeypatch.setattr(socket, "create_connection", lambda *told, **_: tried.append(told))
    probe = live("http://[::ffff:169.254.169.254]/").probe
    with pytest.raises(ServiceError, match="credentials"):
        probe.send(Ask("GET", "/"))
    with pytest.raises(ServiceError, match="credentials"):
        probe.plain(Ask("GET", "/"))
    with pytest.raises(ServiceError, match="credentials"):
        probe.handshake(*NEW)
    assert tried == []


def test_a_certificate_is_held_against_the_name_and_not_against_the_address(
    serve: Callable[..., str], certify: Callable[..., Any]
) -> None:
    named = certify(host="a.example")
    port = parse_origin(serve(lambda _: (200, {}, b"ok"), named.context)).port
    for host, trusted in (("a.example", True), ("b.example", False)):
        dial = Dial(host, port, look_up=lambda *_: ("127.0.0.1",))
        origin = parse_origin(f"https://{host}:{port}")
        with Probe(origin, agent="a", context=trust(named.authority), dial=dial) as probe:
            assert (probe.distrusted() == "") is trusted
            if trusted:
                assert probe.send(Ask("GET", "/")).text == "ok"
            else:
                with pytest.raises(Unanswered, match=r"b\.example"):
                    probe.send(Ask("GET", "/"))


def test_the_address_that_is_dialled_from_is_the_routes_choice() -> None:
    assert Dial("127.0.0.1", 9).source() == "127.0.0.1"
    with pytest.raises(OSError, match="no address"):
        Dial("nowhere.example", 9, look_up=lambda host, port: ()).source()
