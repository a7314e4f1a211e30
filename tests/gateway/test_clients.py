"""Client certificates, by real TLS clients: who is let in, and every way of getting in without being one."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.authorities import HOUR, Authority, Issued, authority
from tests.conftest import Gate, parse

BILLING = [{"caller": "billing", "subject": "CN=billing,O=Example", "role": "writer"}]
SPIFFE = x509.UniformResourceIdentifier("spiffe://example.org/billing")


@dataclass
class Scene:
    ca: Authority
    folder: Path
    start: Callable[..., Gate]

    def gate(
        self, *, crl: bytes | None = None, certificates: Any = BILLING, clients: Any = None, **sections: Any
    ) -> Gate:
        (self.folder / "ca.pem").write_bytes(sections.pop("bundle", self.ca.pem))
        asked: dict[str, Any] = {"authority": "ca.pem", **(clients or {})}
        if crl is not None:
            (self.folder / "crl.pem").write_bytes(crl)
            asked["crl"] = "crl.pem"
        if certificates:
            sections["certificates"] = certificates
        return self.start(encryption={"tls": {"clients": asked}}, **sections)

    def context(self, gate: Gate, shown: Issued | None, newest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(gate.path.parent / ".ninefold" / "development-cert.pem"))
        if shown is not None:
            context.load_cert_chain(*shown.files(self.folder))
        if newest is not None:
            context.maximum_version = newest
        return context

    @contextlib.contextmanager
    def connected(
        self, gate: Gate, shown: Issued | None, newest: ssl.TLSVersion | None = None
    ) -> Iterator[Callable[..., tuple[int, dict[str, str], bytes]]]:
        plain = socket.create_connection(("127.0.0.1", gate.port), 10)
        with self.context(gate, shown, newest).wrap_socket(plain, server_hostname="localhost") as connection:
            yield lambda *fields, path="/things": ask(connection, path, *fields)

    def get(
        self, gate: Gate, shown: Issued | None, *fields: str, path: str = "/things"
    ) -> tuple[int, dict[str, str], bytes]:
        with self.connected(gate, shown) as get:
            return get(*fields, path=path)

    def refused(self, gate: Gate, shown: Issued | None) -> None:
        """TLS itself ends the connection. In TLS 1.3 the client learns of it when it reads (RFC 8446 section 4.4.2.4)."""
        with pytest.raises((ssl.SSLError, ConnectionError)):
            assert self.get(gate, shown)[0] == 0


def ask(connection: ssl.SSLSocket, path: str, *fields: str) -> tuple[int, dict[str, str], bytes]:
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", *fields]
    connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
    found = b""
    while b"\r\n\r\n" not in found:
        if not (block := connection.recv(65536)):
            raise ConnectionResetError
        found += block
    status, told, body = parse(found)
    while len(body) < int(told.get("content-length", "0")):
        body += connection.recv(65536)
    return status, told, body


@pytest.fixture
def scene(tmp_path: Path, gate: Callable[..., Gate]) -> Scene:
    return Scene(authority(), tmp_path, gate)


@pytest.fixture(autouse=True)
def said(upstream: Any) -> None:
    upstream.default = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_of_the_authority_says_who_calls(scene: Scene, upstream: Any, newest: ssl.TLSVersion) -> None:
    gate = scene.gate()
    with scene.connected(gate, scene.ca.client(), newest) as get:
        assert get()[0] == 200
    assert b"x-ninefold-caller: billing\r\n" in upstream.received[0]
    assert gate.trail()[0]["caller"] == "billing"


def test_every_kind_of_name_is_known(scene: Scene) -> None:
    names = {
        "dns": x509.DNSName("Billing.example.com"), "uri": SPIFFE, "email": x509.RFC822Name("billing@example.com"),
    }  # fmt: skip
    known = [
        {"caller": "by-dns", "dns": "billing.example.com", "role": "reader"},
        {"caller": "by-uri", "uri": "spiffe://example.org/billing", "role": "reader"},
        {"caller": "by-email", "email": "billing@example.com", "role": "reader"},
    ]
    gate = scene.gate(certificates=known)
    for name in names.values():
        assert scene.get(gate, scene.ca.client("CN=x", name))[0] == 200
    assert [one["caller"] for one in gate.trail(3)] == [f"by-{kind}" for kind in names]


@pytest.mark.parametrize(
    "shown",
    [
        ("CN=billing,O=Example2", ()), ("CN=billing", ()), ("O=Example,CN=billing", ()), ("CN=Billing,O=Example", ()),
        ("CN=billing,O=Example,C=DE", ()), ("CN=x", (x509.DNSName("billing,O=Example"),)),
        ("CN=x", (x509.DNSName("CN=billing"),)), ("CN=x\\,O=Example", ()), ("CN=CN\\=billing\\,O\\=Example", ()),
    ],
)  # fmt: skip
def test_a_name_that_only_resembles_is_nobodys(scene: Scene, shown: tuple[str, tuple[x509.GeneralName, ...]]) -> None:
    gate = scene.gate()
    status, fields, _ = scene.get(gate, scene.ca.client(shown[0], *shown[1]))
    assert (status, fields["www-authenticate"]) == (401, 'MutualTLS realm="things"')
    assert gate.trail()[0]["reason"] == "the client certificate names no caller of the contract"


def test_a_certificate_with_two_callers_names_is_nobodys(scene: Scene) -> None:
    gate = scene.gate(certificates=[*BILLING, {"caller": "other", "dns": "other.example.com", "role": "reader"}])
    assert scene.get(gate, scene.ca.client("CN=billing,O=Example", x509.DNSName("other.example.com")))[0] == 401
    assert gate.trail()[0]["reason"] == "the client certificate names more than one caller of the contract"


def test_two_spiffe_ids_are_nobodys(scene: Scene) -> None:
    gate = scene.gate(certificates=[{"caller": "a", "uri": SPIFFE.value, "role": "reader"}])
    other = x509.UniformResourceIdentifier("spiffe://example.org/other")
    assert scene.get(gate, scene.ca.client("CN=x", SPIFFE, other))[0] == 401
    assert "SPIFFE" in gate.trail()[0]["reason"]


def test_the_roles_of_the_mapping_hold(scene: Scene) -> None:
    gate = scene.gate(certificates=[{**BILLING[0], "scopes": ["things:write"]}])
    assert scene.get(gate, scene.ca.client())[0] == 403


def test_without_a_certificate_what_is_public_is_served(scene: Scene) -> None:
    gate = scene.gate()
    assert scene.get(gate, None, path="/open")[0] != 401
    status, fields, body = scene.get(gate, None)
    assert (status, fields["www-authenticate"]) == (401, 'MutualTLS realm="things"')
    # no more is told than to one with a wrong one
    other = scene.get(gate, scene.ca.client("CN=nobody"))
    assert (other[0], other[1]["www-authenticate"], other[2]) == (401, fields["www-authenticate"], body)


def test_required_lets_nobody_in_without_one(scene: Scene) -> None:
    gate = scene.gate(clients={"required": True})
    scene.refused(gate, None)
    assert scene.get(gate, scene.ca.client())[0] == 200
    assert gate.trail(2)[0]["reason"] == "no client certificate was presented"


def strange(ca: Authority) -> dict[str, Issued]:
    other = authority("CN=Other authority")
    twin = authority(ca.certificate.subject.rfc4514_string())
    client = ca.client("CN=client")
    signed_by_a_client = Authority(client.certificate, client.key)
    itself = authority("CN=billing,O=Example")
    return {
        "expired": ca.client(begins=-2 * HOUR, ends=-HOUR),
        "not yet valid": ca.client(begins=HOUR, ends=2 * HOUR),
        "of another authority": other.client(),
        "of another authority with the same name (RFC 5280 section 4.1.2.4)": twin.client(),
        "signed by itself": itself,
        "signed by a client, which is no authority (RFC 5280 section 4.2.1.9)": signed_by_a_client.client(),
        "for servers alone (RFC 5280 section 4.2.1.12)": ca.client(usage=ExtendedKeyUsageOID.SERVER_AUTH),
        "for signing code alone": ca.client(usage=ExtendedKeyUsageOID.CODE_SIGNING),
        "below an intermediate that ended": ca.below(ends=-timedelta(minutes=1)).client(),
    }


KINDS = tuple(strange(authority()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("required", [False, True])
def test_tls_refuses_a_certificate(scene: Scene, kind: str, required: bool) -> None:
    gate = scene.gate(clients={"required": required})
    scene.refused(gate, strange(scene.ca)[kind])
    told = gate.trail()[0]
    assert (told["step"], told.get("status", 0)) == ("tls", 0)
    assert told["reason"].startswith("the client certificate was refused: ")


def test_an_intermediate_that_comes_along_is_followed(scene: Scene) -> None:
    gate = scene.gate()
    below = scene.ca.below().below("CN=Second")
    assert scene.get(gate, below.client())[0] == 200
    alone = below.client()
    scene.refused(gate, Issued(alone.certificate, alone.key))


def test_an_authority_is_trusted_by_itself_without_its_root(scene: Scene) -> None:
    below = scene.ca.below()
    gate = scene.gate(bundle=below.pem.split(b"-----END CERTIFICATE-----\n")[0] + b"-----END CERTIFICATE-----\n")
    assert scene.get(gate, below.client())[0] == 200
    scene.refused(gate, scene.ca.client())


def test_a_huge_chain_is_refused_and_the_gateway_goes_on(scene: Scene) -> None:
    gate = scene.gate()
    huge = scene.ca.client("CN=huge", *[x509.DNSName(f"{number}.example.com") for number in range(9000)])
    scene.refused(gate, huge)
    deep = scene.ca
    for number in range(60):
        deep = deep.below(f"CN={number} {'x' * 60},O={'y' * 60}")
    many = deep.client()
    scene.refused(gate, Issued(many.certificate, many.key, many.chain * 6))
    assert scene.get(gate, scene.ca.client())[0] == 200


# -- revocation


def test_a_revoked_certificate_is_refused(scene: Scene) -> None:
    stolen = scene.ca.client()
    gate = scene.gate(crl=scene.ca.crl(stolen))
    assert scene.get(gate, stolen)[0] == 401
    assert gate.trail()[0]["reason"] == "the client certificate was revoked: CN=billing,O=Example"
    assert scene.get(gate, scene.ca.client())[0] == 200


def test_a_certificate_that_is_revoked_during_its_connection_is_refused_within_a_second(scene: Scene) -> None:
    stolen, other = scene.ca.client(), scene.ca.client()
    gate = scene.gate(crl=scene.ca.crl())
    with scene.connected(gate, stolen) as get, scene.connected(gate, other) as fellow:
        assert get()[0] == 200
        (scene.folder / "new.pem").write_bytes(scene.ca.crl(stolen))
        (scene.folder / "new.pem").rename(scene.folder / "crl.pem")
        time.sleep(1.0)
        assert get()[0] == 401
        assert fellow()[0] == 200


def test_a_list_that_cannot_be_read_refuses_every_certificate_until_it_can(scene: Scene) -> None:
    gate = scene.gate(crl=scene.ca.crl())
    with scene.connected(gate, scene.ca.client()) as get:
        assert get()[0] == 200
        for spoilt in (b"", b"nonsense", authority().crl(), scene.ca.crl()[:200], None):
            (scene.folder / "crl.pem").unlink()
            if spoilt is not None:
                (scene.folder / "crl.pem").write_bytes(spoilt)
            time.sleep(0.6)
            assert get()[0] == 401, spoilt
        (scene.folder / "crl.pem").write_bytes(scene.ca.crl())
        time.sleep(0.6)
        assert get()[0] == 200
    assert sum("so client certificates are refused" in one for one in gate.said) == 1
    assert any("can be used again" in one for one in gate.said)


def test_a_list_that_runs_out_refuses_and_the_operator_is_told(scene: Scene) -> None:
    gate = scene.gate(crl=scene.ca.crl(ends=timedelta(seconds=2)))
    with scene.connected(gate, scene.ca.client()) as get:
        assert get()[0] == 200
        time.sleep(2.3)
        assert get()[0] == 401
    assert "out of date" in gate.trail(2)[1]["reason"]
    assert any("is out of date since" in one for one in gate.said)


def test_a_certificate_that_ends_during_its_connection_is_refused(scene: Scene) -> None:
    gate = scene.gate()
    with scene.connected(gate, scene.ca.client(ends=timedelta(seconds=1))) as get:
        assert get()[0] == 200
        time.sleep(2.5)
        assert get()[0] == 401
    assert gate.trail(2)[1]["reason"] == "the client certificate has expired: CN=billing,O=Example"


def test_required_refuses_a_revoked_one_on_public_operations_too(scene: Scene) -> None:
    stolen = scene.ca.client()
    gate = scene.gate(crl=scene.ca.crl(stolen), clients={"required": True})
    assert scene.get(gate, stolen, path="/open")[0] == 401


def test_an_issuer_without_a_list_is_not_taken(scene: Scene) -> None:
    below = scene.ca.below()
    gate = scene.gate(crl=scene.ca.crl())
    assert scene.get(gate, below.client())[0] == 401
    assert "issuer is not in the authorities' file" in gate.trail()[0]["reason"]


def test_a_revoked_intermediate_takes_its_certificates_with_it(scene: Scene) -> None:
    below = scene.ca.below()
    both = scene.ca.pem + below.pem
    gate = scene.gate(crl=scene.ca.crl(below) + below.crl(), bundle=both)
    assert scene.get(gate, below.client())[0] == 401
    assert gate.trail()[0]["reason"].startswith("the client certificate's issuer was revoked")


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_resumed_session_does_not_keep_a_revoked_certificate(scene: Scene, newest: ssl.TLSVersion) -> None:
    stolen = scene.ca.client()
    gate = scene.gate(crl=scene.ca.crl())
    context = scene.context(gate, stolen, newest)
    session = None
    resumed = []
    for expected in (200, 200, 401):
        if expected == 401:
            (scene.folder / "crl.pem").write_bytes(scene.ca.crl(stolen))
            time.sleep(1.0)
        plain = socket.create_connection(("127.0.0.1", gate.port), 10)
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as connection:
            assert ask(connection, "/things")[0] == expected
            session = connection.session
            resumed.append(connection.session_reused)
            # who leaves without a farewell has no session to come back to (OpenSSL forgets it)
            with contextlib.suppress(OSError):
                connection.unwrap()
    # with TLS 1.2 sessions are resumed indeed, so it is the check of each request that refuses it
    assert resumed[:2] == [False, newest is ssl.TLSVersion.TLSv1_2]


# -- certificate and key


def test_a_key_or_a_certificate_where_both_sections_stand(scene: Scene, issue: Any) -> None:
    gate = scene.gate(keys={"with": {"ip": ["local"]}})
    key = issue(gate.path)
    assert scene.get(gate, None, f"X-API-Key: {key}")[0] == 200
    assert scene.get(gate, scene.ca.client())[0] == 200
    assert scene.get(gate, scene.ca.client(), "X-API-Key: nf_test_x_y")[0] == 200
    assert scene.get(gate, scene.ca.client("CN=nobody"), f"X-API-Key: {key}")[0] == 200
    status, _, _ = scene.get(gate, None)
    assert status == 401
    callers = [one.get("caller", "") for one in gate.trail(5)]
    assert callers[1:3] == ["billing", "billing"]
    assert callers[0] == callers[3] != "billing"
    assert callers[4] == ""


def test_a_key_with_a_certificate_needs_both(scene: Scene, issue: Any) -> None:
    gate = scene.gate(keys={"with": {"certificate": True}}, certificates=None)
    key = issue(gate.path)
    assert scene.get(gate, scene.ca.client("CN=anybody"), f"X-API-Key: {key}")[0] == 200
    assert scene.get(gate, None, f"X-API-Key: {key}")[0] == 401
    assert scene.get(gate, scene.ca.client())[0] == 401
    reasons = [one.get("reason", "") for one in gate.trail(3)]
    assert reasons[1:] == ["no client certificate was presented", "no key was presented"]


def test_a_key_with_a_mapped_certificate_holds_what_both_hold(scene: Scene, issue: Any) -> None:
    reader = [{**BILLING[0], "role": "reader"}]
    gate = scene.gate(keys={"with": {"certificate": True}}, certificates=reader)
    writer = issue(gate.path, "writer")
    assert scene.get(gate, scene.ca.client(), f"X-API-Key: {writer}")[0] == 200
    assert scene.get(gate, scene.ca.client("CN=nobody"), f"X-API-Key: {writer}")[0] == 401
    narrow = issue(gate.path, "writer", scopes=("things:write",))
    assert scene.get(gate, scene.ca.client(), f"X-API-Key: {narrow}")[0] == 403


# -- what callers say of themselves


def sfv(der: bytes) -> str:
    return f":{base64.b64encode(der).decode()}:"


@pytest.mark.parametrize("name", ["Client-Cert", "X-Forwarded-Client-Cert", "X-SSL-Client-Verify", "X-SSL-Client-Cert"])
def test_a_header_that_claims_a_certificate_is_neither_believed_nor_passed_on(
    scene: Scene, upstream: Any, name: str
) -> None:
    gate = scene.gate()
    forged = f"{name}: {sfv(scene.ca.client().der)}"
    assert scene.get(gate, None, forged)[0] == 401
    assert scene.get(gate, scene.ca.client(), forged)[0] == 200
    assert name.lower().encode() not in upstream.received[0].lower()


def test_client_cert_is_believed_from_trusted_proxies_alone(scene: Scene, upstream: Any) -> None:
    clients = {"authority": "ca.pem", "forwarded": True}
    (scene.folder / "ca.pem").write_bytes(scene.ca.pem)
    plain: dict[str, Any] = {
        "encryption": {"plain": "TLS ends in front of it", "tls": {"clients": clients}},
        "certificates": BILLING,
    }
    shown = f"Client-Cert: {sfv(scene.ca.client().der)}"
    stranger = scene.start(
        **plain, api={"name": "things", "description": "openapi.yaml", "trusted_proxies": ["192.0.2.1"]}
    )
    assert stranger.get("/things", "", shown)[0] == 401
    assert stranger.trail()[0]["reason"] == "no client certificate was presented"
    stranger.stop()
    (scene.folder / "trail.jsonl").unlink()
    gate = scene.start(**plain, api={"name": "things", "description": "openapi.yaml", "trusted_proxies": ["local"]})
    assert gate.get("/things", "", shown, "X-Forwarded-For: 203.0.113.9")[0] == 200
    assert b"client-cert" not in upstream.received[-1].lower()
    below = scene.ca.below()
    chain = f"Client-Cert-Chain: {sfv(Authority(below.certificate, below.key).der)}"
    assert gate.get("/things", "", f"Client-Cert: {sfv(below.client().der)}", chain)[0] == 200
    for kind in KINDS:
        one = strange(scene.ca)[kind]
        status = gate.get("/things", "", f"Client-Cert: {sfv(one.der)}")[0]
        assert status == 401, kind
    for wrong in ("Client-Cert: nonsense", "Client-Cert: ::", f"{shown}\r\n{shown}", "Client-Cert: :AAA=:, :AAA=:"):
        assert gate.get("/things", "", wrong)[0] == 400, wrong
    assert gate.get("/things", "", "Client-Cert: :AAAA:")[0] == 401


def test_a_proxys_own_certificate_is_not_its_callers(scene: Scene) -> None:
    api = {"name": "things", "description": "openapi.yaml", "trusted_proxies": ["local"]}
    gate = scene.gate(api=api)
    assert scene.get(gate, scene.ca.client(), "X-Forwarded-For: 203.0.113.9")[0] == 401


# -- other clients, and many


@pytest.mark.parametrize("command", ["openssl", "curl"])
def test_other_clients_get_in(scene: Scene, command: str) -> None:
    gate = scene.gate(crl=scene.ca.crl())
    certificate, key = scene.ca.client().files(scene.folder)
    trusted = str(gate.path.parent / ".ninefold" / "development-cert.pem")
    if command == "curl":
        arguments = [
            "curl",
            "-sS",
            "-i",
            "--cacert",
            trusted,
            "--cert",
            str(certificate),
            "--key",
            str(key),
            f"https://localhost:{gate.port}/things",
        ]
        found = subprocess.run(arguments, capture_output=True, timeout=20, check=True)
    else:
        arguments = [
            "openssl",
            "s_client",
            "-connect",
            f"127.0.0.1:{gate.port}",
            "-quiet",
            "-CAfile",
            trusted,
            "-cert",
            str(certificate),
            "-key",
            str(key),
        ]
        asked = b"GET /things HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        found = subprocess.run(arguments, input=asked, capture_output=True, timeout=20, check=False)
    assert found.stdout.startswith(b"HTTP/1.1 200"), found.stderr


def test_handshakes_that_ask_for_certificates_hold_seats(scene: Scene) -> None:
    gate = scene.gate(limits={"connections": {"per_ip": 3}})
    held = [socket.create_connection(("127.0.0.1", gate.port), 10) for _ in range(3)]
    time.sleep(0.2)
    with pytest.raises((ssl.SSLError, OSError)):
        scene.get(gate, scene.ca.client())
    for one in held:
        one.close()
    time.sleep(0.3)
    assert scene.get(gate, scene.ca.client())[0] == 200
