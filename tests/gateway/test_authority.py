"""The files of client certificates: what is no authority and no list of its is told at the start."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from ssl import PEM_cert_to_DER_cert
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.authorities import HOUR, Authority, authority

from ninefold.errors import ServiceError
from ninefold.gateway.authority import Authority as Known
from ninefold.guard.request import Certificate

CA = authority()
CLIENT = CA.client()


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Known]:
    def open_(bundle: bytes | None = CA.pem, crl: bytes | None = None, said: list[str] | None = None) -> Known:
        for name, content in (("ca.pem", bundle), ("crl.pem", crl)):
            if content is not None:
                (tmp_path / name).write_bytes(content)
        return Known(
            tmp_path / "ca.pem",
            tmp_path / "crl.pem" if crl is not None else None,
            (said if said is not None else []).append,
        )

    return open_


@pytest.mark.parametrize(
    ("bundle", "told"),
    [
        (None, "cannot be read"),
        (b"", "holds no certificates"),
        (b"nonsense", "holds no certificates"),
        (CA.pem[:300], "holds no certificates"),
        (CA.der, "holds no certificates"),
        (CLIENT.pem, "is no authority"),
        (CA.pem + CLIENT.pem, "is no authority"),
        (authority(begins=-2 * HOUR, ends=-HOUR).pem, "none of its authorities holds now"),
        (authority(begins=HOUR).pem, "none of its authorities holds now"),
        (b"x" * (1024 * 1024 + 1), "is larger than 1 MiB"),
    ],
)  # fmt: skip
def test_what_is_no_authority_ends_the_start(opened: Callable[..., Known], bundle: bytes | None, told: str) -> None:
    with pytest.raises(ServiceError, match=told) as fault:
        opened(bundle)
    assert fault.value.place is not None
    assert fault.value.place.file.endswith("ca.pem")
    assert fault.value.remedy


_DELTA = x509.DeltaCRLIndicator(1)
_PART = x509.IssuingDistributionPoint(
    full_name=None, relative_name=None, only_contains_user_certs=True, only_contains_ca_certs=False, only_some_reasons=None,
    indirect_crl=False, only_contains_attribute_certs=False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("crl", "told"),
    [
        (b"", "cannot be used"),
        (b"nonsense", "cannot be used"),
        (CA.pem, "no X509 CRL in it"),
        (CA.crl()[:150], "no X509 CRL in it"),
        (CA.crl(ends=-timedelta(minutes=1)), "is out of date since"),
        (CA.crl(begins=HOUR, ends=2 * HOUR), "holds from"),
        (authority().crl(), "no authority of the contract signed"),
        (authority("CN=Other").crl(), "no authority of the contract signed"),
        (CA.crl(signer=CLIENT.key), "no authority of the contract signed"),
        (CA.crl(extension=_DELTA), "is not whole"),
        (CA.crl(extension=_PART), "is not whole"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_the_authorities_ends_the_start(opened: Callable[..., Known], crl: bytes, told: str) -> None:
    with pytest.raises(ServiceError, match=told) as fault:
        opened(crl=crl)
    assert fault.value.place is not None
    assert fault.value.place.file.endswith("crl.pem")


def test_a_list_that_is_not_there_ends_the_start(opened: Callable[..., Known], tmp_path: Path) -> None:
    opened()
    with pytest.raises(ServiceError, match="cannot be read") as fault:
        Known(tmp_path / "ca.pem", tmp_path / "none.pem", print)
    assert "encryption.tls.clients.crl" in fault.value.remedy


def test_a_list_in_der_is_read(opened: Callable[..., Known]) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    known = opened(crl=x509.load_pem_x509_crl(CA.crl(CLIENT)).public_bytes(Encoding.DER))
    assert known.fault(known.certificate(CLIENT.der), 0.0) == "the client certificate was revoked"


def test_the_newest_of_two_lists_holds(opened: Callable[..., Known]) -> None:
    old, new = CA.crl(), CA.crl(CLIENT, begins=-timedelta(minutes=1))
    for crl in (old + new, new + old):
        known = opened(crl=crl)
        assert known.fault(known.certificate(CLIENT.der), 0.0) == "the client certificate was revoked"


def test_one_authority_that_ended_is_told_and_the_others_go_on(opened: Callable[..., Known]) -> None:
    said: list[str] = []
    opened(CA.pem + authority("CN=Old", begins=-2 * HOUR, ends=-HOUR).pem, said=said)
    assert said == ["the authority CN=Old does not hold now, so none of its client certificates does"]


def test_two_authorities_of_one_name_are_told_apart_by_their_keys(opened: Callable[..., Known]) -> None:
    twin = authority()
    other = twin.client()
    known = opened(CA.pem + twin.pem, crl=CA.crl(CLIENT) + twin.crl())
    assert known.fault(known.certificate(CLIENT.der), 0.0)
    assert not known.fault(known.certificate(other.der), 0.0)


def test_a_certificate_ends_with_its_authority(opened: Callable[..., Known]) -> None:
    short = authority(ends=timedelta(minutes=5))
    one = short.client(ends=HOUR)
    known = opened(short.pem)
    ends = short.certificate.not_valid_after_utc.timestamp() + 1
    assert known.certificate(one.der).ends == known.verified(one.der, ()).ends == ends


def test_what_is_no_certificate_proves_nothing(opened: Callable[..., Known]) -> None:
    known = opened()
    for der in (b"", b"\x30\x00", CLIENT.der[:-1], CLIENT.der + b"\x00", b"x" * 100_000):
        assert known.certificate(der).fault
        assert known.verified(der, ()).fault
        assert known.verified(CLIENT.der, (der,)).fault or not der


def test_chains_of_others_are_verified_here(opened: Callable[..., Known]) -> None:
    known = opened()
    below = CA.below()
    one = below.client()
    assert known.verified(one.der, ()).fault == "no authority of the contract signed the client certificate"
    assert not known.verified(one.der, (Authority(below.certificate, below.key).der,)).fault


def test_what_is_remembered_is_bounded(opened: Callable[..., Known], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ninefold.gateway.authority.MOST_REMEMBERED", 4)
    known: Any = opened(crl=CA.crl())
    for _ in range(9):
        one = known.verified(CA.client().der, ())
        assert not known.fault(one, 0.0)
        assert len(known._known) <= 4


@pytest.mark.parametrize("short", [0, 64 * 1024])
def test_a_change_of_the_list_is_seen_and_a_long_one_does_not_hold_others_up(
    opened: Callable[..., Known], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short: int
) -> None:
    monkeypatch.setattr("ninefold.gateway.revocation.SHORT_LIST_BYTES", short)
    said: list[str] = []
    known = opened(crl=CA.crl(), said=said)
    one = known.certificate(CLIENT.der)

    def after(content: bytes | None, expected: str) -> None:
        if content is None:
            (tmp_path / "crl.pem").unlink()
        else:
            (tmp_path / "crl.pem").write_bytes(content)
        until = time.monotonic() + 5
        while True:
            known.verify()
            if expected in known.fault(one, 0.0) and (expected or not known.fault(one, 0.0)):
                return
            assert time.monotonic() < until, known.fault(one, 0.0)
            time.sleep(0.01)

    after(CA.crl(CLIENT), "was revoked")
    after(CA.crl(), "")
    after(b"nonsense", "cannot be used")
    after(CA.crl(CLIENT), "was revoked")
    after(None, "cannot be used")
    after(CA.crl(), "")
    assert len(said) == 4


NARROW = authority("CN=Narrow", depth=0)
_NAMES = x509.NameConstraints([x509.DNSName("good.example")], None)


@pytest.mark.parametrize(
    ("root", "between", "names", "taken"),
    [
        (CA, {}, (), True),
        (NARROW, {}, (), False),
        (CA, {"signs": False}, (), False),
        (CA, {"critical": (_NAMES,)}, (x509.DNSName("a.good.example"),), True),
        (CA, {"critical": (_NAMES,)}, (x509.DNSName("a.other.example"),), False),
        (CA, {"critical": (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),)}, (), False),
        (CA, {"critical": (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"),)}, (), False),
        (CA, {"ends": -timedelta(minutes=1)}, (), False),
    ],
    ids=["sound", "path length (4.2.1.9)", "no authority (4.2.1.9)", "name within (4.2.1.10)", "name without (4.2.1.10)",
         "for servers (4.2.1.12)", "unknown and critical (4.2)", "ended (4.1.2.5)"],
)  # fmt: skip
def test_chains_are_held_to_rfc_5280(
    opened: Callable[..., Known], root: Authority, between: Any, names: Any, taken: bool
) -> None:
    known = opened(root.pem)
    below = root.below(**between)
    one = below.client("CN=x", *names)
    assert (known.verified(one.der, (Authority(below.certificate, below.key).der,)).fault == "") is taken


def test_what_the_openssl_command_makes_is_taken(opened: Callable[..., Known], tmp_path: Path) -> None:
    """An authority as most are made: without a key usage; its client has a name, and no more."""

    def run(text: str) -> None:
        subprocess.run(["openssl", *text.split()], cwd=tmp_path, check=True, capture_output=True, timeout=60)

    (tmp_path / "ext").write_text("subjectAltName=DNS:a.example\n")
    run("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=plain -days 30")
    run("req -newkey rsa:2048 -nodes -keyout c.key -out c.csr -subj /CN=billing")
    run("x509 -req -in c.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out c.pem -days 10 -extfile ext")
    known = opened(None)
    der = PEM_cert_to_DER_cert((tmp_path / "c.pem").read_text())
    assert known.verified(der, ()) == known.certificate(der)
    assert known.certificate(der).names == ("dns:a.example",)


def test_of_a_certificate_that_does_not_hold_nothing_is_left_but_why(opened: Callable[..., Known]) -> None:
    known = opened(crl=CA.crl(CLIENT))
    sound = known.certificate(CA.client().der)
    assert known.holds(sound, sound.begins) is sound
    assert known.holds(None, 0.0) is None
    for one, at, told in (
        (sound, sound.ends, "the client certificate has expired: CN=billing,O=Example"),
        (sound, sound.begins - 1, "the client certificate does not hold yet: CN=billing,O=Example"),
        (known.certificate(CLIENT.der), sound.begins, "the client certificate was revoked: CN=billing,O=Example"),
        (
            known.verified(authority().client().der, ()),
            sound.begins,
            "no authority of the contract signed the client certificate",
        ),
    ):
        assert known.holds(one, at) == Certificate(fault=told)


def test_who_was_not_asked_for_long_looks_before_he_answers(
    opened: Callable[..., Known], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninefold.gateway.revocation.SHORT_LIST_BYTES", 0)
    known = opened(crl=CA.crl())
    one = known.certificate(CLIENT.der)
    (tmp_path / "crl.pem").write_bytes(CA.crl(CLIENT))
    time.sleep(1.1)
    known.verify()
    assert known.fault(one, 0.0) == "the client certificate was revoked"
