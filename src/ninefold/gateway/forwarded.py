"""Whose request it is: the peer's own address and certificate, or those that a trusted proxy saw (RFC 7239, RFC 9440)."""

from __future__ import annotations

import re
from base64 import b64decode
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import quote

from ninefold.gateway.wire import malformed
from ninefold.guard.proofs.address import Ranges

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Network, IPv6Network

    from ninefold.contract.model import Contract
    from ninefold.gateway.authority import Authority
    from ninefold.guard.answer import Answer
    from ninefold.guard.request import Request


def canonical(address: str) -> str:
    """One text for one address: no zone, IPv4 in IPv6 as IPv4. Raises `ValueError`."""
    whole = ip_address(address.partition("%")[0])
    mapped = getattr(whole, "ipv4_mapped", None)
    return str(mapped or whole)


def trusted_proxies(contract: Contract, local: Sequence[IPv4Network | IPv6Network]) -> Ranges | None:
    """The contract's `api.trusted_proxies`, with this machine's own addresses where it names them; None: nobody is trusted."""
    proxies = contract.api.trusted_proxies
    ranges = [one for one in proxies if not isinstance(one, str)]
    return Ranges((*ranges, *(local if len(ranges) < len(proxies) else ()))) if proxies else None


def vouched(request: Request, peer: str, trusted: Ranges, authority: Authority | None) -> Answer | None:
    """Take from a request what the trusted proxy `peer` tells of the caller: his address, and his certificate.

    `authority` is that of callers' certificates, where proxies may show them (`encryption.tls.clients.forwarded`). An
    answer where the proxy passed on what cannot be read: then nothing is known of the caller.
    """
    try:
        request.address = caller_address(peer, request.fields.get(b"x-forwarded-for"), trusted)
    except ValueError:
        return malformed("a trusted proxy sent an X-Forwarded-For that holds no address")
    if authority is not None:
        try:
            shown = forwarded_certificate(request.fields, request.repeated)
        except ValueError as fault:
            return malformed(f"a trusted proxy sent a certificate that is none: {fault}")
        verified = authority.verified(*shown) if shown is not None else None
        request.certificate = authority.holds(verified, request.time)
    return None


def caller_address(peer: str, forwarded_for: bytes | None, trusted: Ranges) -> str:
    """The last address in `X-Forwarded-For` that no trusted proxy vouches to be one of them; else the peer's.

    What stands before it was written by the caller himself and is not looked at. Raises `ValueError` where a trusted
    proxy passed on something that is no address.
    """
    if forwarded_for is None or peer not in trusted:
        return peer
    for part in reversed(forwarded_for.decode("latin-1").split(",")):
        address = canonical(part.strip())
        if address not in trusted:
            return address
        peer = address
    return peer


#: A byte sequence of RFC 8941 section 3.3.5, and a list of at most so many.
_BYTES = re.compile(rb":([A-Za-z0-9+/]{4,}={0,2}):")
MOST_CHAIN = 8


def forwarded_certificate(
    fields: dict[bytes, bytes], repeated: tuple[bytes, ...]
) -> tuple[bytes, tuple[bytes, ...]] | None:
    """The certificate that a proxy's TLS was shown, and its chain, in DER (RFC 9440 section 2); None: none was.

    Only for requests of a trusted proxy. Raises `ValueError` where the fields are malformed.
    """
    leaf = fields.get(b"client-cert")
    if leaf is None:
        return None
    found = _BYTES.fullmatch(leaf)
    if found is None or b"client-cert" in repeated:
        raise ValueError("Client-Cert is no single byte sequence")
    listed = fields.get(b"client-cert-chain")
    chain = [_BYTES.fullmatch(one.strip(b" \t")) for one in listed.split(b",")] if listed is not None else []
    if None in chain or len(chain) > MOST_CHAIN:
        raise ValueError("Client-Cert-Chain is no list of byte sequences")
    return b64decode(found[1], validate=True), tuple(
        b64decode(one[1], validate=True) for one in chain if one is not None
    )


def forwarded_fields(address: str, host: bytes, *, secure: bool) -> bytes:
    """`Forwarded` and its older relatives, rebuilt: exactly what this gateway saw. `host` is empty where none was named."""
    node = (f'"[{address}]"' if ":" in address else address).encode()
    scheme = b"https" if secure else b"http"
    quoted = b'"%b"' % host if b":" in host or b"[" in host else host
    named, older = (b";host=%b" % quoted, b"x-forwarded-host: %b\r\n" % host) if host else (b"", b"")
    return b"forwarded: for=%b%b;proto=%b\r\nx-forwarded-for: %b\r\n%bx-forwarded-proto: %b\r\n" % (
        node, named, scheme, address.encode(), older, scheme,
    )  # fmt: skip


def told(request: Request) -> list[tuple[bytes, bytes]]:
    """Who calls, in fields that no caller can send himself. What is not visible ASCII is percent-encoded UTF-8."""
    found = [(b"x-ninefold-caller", _visible(request.caller))]
    if request.subject:
        found.append((b"x-ninefold-subject", _visible(request.subject)))
    tenant = (request.key.tenant if request.key is not None else "") or request.tenant
    if tenant:
        found.append((b"x-ninefold-tenant", _visible(tenant)))
    return found


def _visible(text: str) -> bytes:
    return quote(text, safe="!\"#$&'()*+,/:;<=>?@[\\]^`{|}").encode()
