"""Held against OpenSSL's own server, made weak on purpose."""

from __future__ import annotations

import shutil
import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.rule import Untried
from ninefold.audit.suites import weak_suites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ninefold.audit.rule import Looked

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not installed")


@contextmanager
def openssl(folder: Path, *settings: str) -> Iterator[str]:
    """`openssl s_server` with an RSA certificate of its own; it has said that it listens when its URL comes."""
    pair = ["-keyout", str(folder / "k.pem"), "-out", str(folder / "c.pem")]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *pair, "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(made, check=True, capture_output=True)
    files = ["-cert", str(folder / "c.pem"), "-key", str(folder / "k.pem")]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www", *files, *settings],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert server.stdout
    try:
        while b"ACCEPT" not in (line := server.stdout.readline()):
            assert line, "openssl s_server ended"
        yield f"https://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def told(looked: Looked) -> set[str]:
    return {one.cause.partition(" (")[0].partition(",")[0].partition(":")[0] for one in looked.seen}


@needs_openssl
@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        (("-cipher", "ECDHE+AESGCM"), set()),
        (("-cipher", "ECDHE+CHACHA20:DHE+AESGCM"), set()),
        (("-tls1_3",), set()),
        (("-cipher", "kRSA"), {"takes RSA key transport"}),
        (("-cipher", "ECDHE+AESGCM:eNULL:@SECLEVEL=0"), {"takes suites without encryption"}),
        (("-cipher", "ECDHE+AESGCM:ADH+AES:@SECLEVEL=0"), {"takes suites without a certificate"}),
        (
            ("-cipher", "ECDHE+AESGCM:@SECLEVEL=0", "-curves", "X25519:sect163k1", "-tls1_2"),
            {"takes an elliptic curve of less than 224 bits"},
        ),
    ],
)
def test_what_a_server_takes_is_told_and_nothing_else(
    live: Callable[..., Any], tmp_path: Path, settings: tuple[str, ...], shown: set[str]
) -> None:
    with openssl(tmp_path, *settings) as url:
        assert told(weak_suites(live(url))) == shown


@needs_openssl
def test_a_small_prime_is_told_with_its_bits(live: Callable[..., Any], tmp_path: Path) -> None:
    known = tmp_path / "dh.pem"
    known.write_text(DH_1024)
    with openssl(tmp_path, "-cipher", "DHE+AESGCM:@SECLEVEL=0", "-dhparam", str(known)) as url:
        looked = weak_suites(live(url))
    assert ["1024 bits" in one.detail for one in looked.seen] == [True]


def test_a_server_without_tls_was_not_tried(serve: Callable[..., str], live: Callable[..., Any]) -> None:
    with pytest.raises(Untried, match="answered no ClientHello"):
        weak_suites(live(serve(lambda _: (200, {}, b"")).replace("http:", "https:")))


@needs_openssl
def test_python_s_own_server_takes_nothing_weak(
    serve: Callable[..., str], live: Callable[..., Any], certified: Any
) -> None:
    assert weak_suites(live(serve(lambda _: (200, {}, b""), certified.context))).seen == ()


#: Made for this test.
DH_1024 = """\
-----BEGIN DH PARAMETERS-----
MIGHAoGBAPWjLtmC4TNfuZCZ7Aan1efMujYGQwiInRgyVJ3K11SFsMusg+casNff
Li/En/DCxywOuPAkyz5NrENwyy0/38hlotNaUWDT4ZaYQe+KvqUjXJNIaJpmODuQ
iln05NSFnS/84KwYrWhLr1pl392UBKRvB/yeFcGUiI664uXyBMAXAgEC
-----END DH PARAMETERS-----
"""
