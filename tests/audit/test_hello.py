from __future__ import annotations

import ssl
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.audit import hello
from ninefold.audit.hello import Reply, client_hello, reply

RANDOM = bytes(32)


def record(kind: int, data: bytes) -> bytes:
    return struct.pack("!BHH", kind, 0x0303, len(data)) + data


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def server_hello(suite: int, version: int = 0x0303) -> bytes:
    return message(2, version.to_bytes(2, "big") + RANDOM + b"\x00" + suite.to_bytes(2, "big") + b"\x00")


def test_openssl_reads_it_and_chooses_from_it() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(client_hello("api.example.com", hello.NO_SUITE, RANDOM))
    with pytest.raises(ssl.SSLError, match="NO_SHARED_CIPHER"):
        server.do_handshake()
    assert reply(outgoing.read()) == Reply(alert=40)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "api.example.com", "b\u00fccher.example"])
def test_a_name_goes_along_and_an_address_does_not(host: str) -> None:
    said = client_hello(host, hello.MODERN, RANDOM)
    assert (host.encode("idna") in said) == host.endswith("example") | host.endswith("com")
    assert int.from_bytes(said[3:5], "big") == len(said) - 5


def test_a_choice_is_told_when_the_server_has_said_all() -> None:
    prime = message(12, (256).to_bytes(2, "big") + b"\xff" * 256 + b"\x00\x01\x02")
    said = record(22, server_hello(0x0033) + prime) + record(22, message(14, b""))
    assert reply(said) == Reply(0x0303, 0x0033, -1, 0, 2048)
    curve = (
        record(22, server_hello(0xC02F)) + record(22, message(12, b"\x03\x00\x01\x20")) + record(22, message(14, b""))
    )
    assert reply(curve) == Reply(0x0303, 0xC02F, -1, 1, 0)


def test_a_message_may_be_cut_into_records_anywhere() -> None:
    whole = server_hello(0xC02F) + message(14, b"")
    for at in range(1, len(whole)):
        assert reply(record(22, whole[:at]) + record(22, whole[at:])) == Reply(0x0303, 0xC02F)


def test_less_than_all_is_waited_for() -> None:
    said = record(22, server_hello(0xC02F)) + record(22, message(14, b""))
    assert all(reply(said[:at]) is None for at in range(len(said)))


def test_an_alert_is_a_refusal() -> None:
    assert reply(record(21, b"\x02\x28")) == Reply(alert=40)


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 400 Bad Request\r\n\r\n", record(22, message(2, b"\x03\x03")), record(23, b"x" * 9)]
)
def test_what_is_no_tls_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"TLS|ServerHello"):
        reply(data)


@given(
    st.binary(max_size=400), st.sampled_from([b"", b"\x16\x03\x03\x00\x40\x02\x00\x00\x26", b"\x15\x03\x03\x00\x02"])
)
def test_no_bytes_make_it_fail_otherwise(data: bytes, head: bytes) -> None:
    try:
        found = reply(head + data)
    except ValueError:
        return
    assert found is None or found.alert >= -1


def test_the_classes_do_not_overlap() -> None:
    classes = [hello.NO_ENCRYPTION, hello.ANONYMOUS, hello.BREAKABLE, hello.RC4, hello.TRIPLE_DES, hello.STATIC_RSA]
    everything = [suite for one in (*classes, hello.MODERN) for suite in one]
    assert len(everything) == len(set(everything))
