"""The bytes of messages that the gateway writes (RFC 9112). Pure; and what it refuses to read."""

from __future__ import annotations

import re
from http import HTTPStatus

from ninefold.guard.answer import Answer, refuse

#: A Host field's value: a name, an IPv4 or an IPv6 literal, and a port (RFC 9110 section 7.2, RFC 3986 section 3.2.2).
HOST = re.compile(rb"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*)|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\Z")

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"

STATUS_LINES = {
    status: f"HTTP/1.1 {status} {HTTPStatus(status).phrase if status in set(HTTPStatus) else ''}\r\n".encode()
    for status in range(200, 600)
}

NO_HOST = refuse(400, "wire", "the Host field is missing, repeated or malformed", closes=True)
BAD_TARGET = refuse(400, "wire", "the request target has no form that is served", closes=True)
MISMATCH = refuse(400, "wire", "the target's authority and the Host field differ", closes=True)
UNDERSCORE = refuse(400, "wire", "a field name holds an underscore", closes=True)
BAD_CODING = refuse(400, "wire", "the transfer coding is not `chunked` alone, in HTTP/1.1", closes=True)
BAD_LENGTH = refuse(400, "wire", "the Content-Length is repeated", closes=True)
BAD_VERSION = refuse(505, "wire", "the HTTP version is neither 1.1 nor 1.0", closes=True)
BAD_EXPECTATION = refuse(417, "wire", "an expectation other than 100-continue", closes=True)
BAD_MESSAGE = "the message is malformed or ambiguous"
TOO_MANY_FIELDS = refuse(
    431, "wire", "the header is larger than limits.header, or has more than limits.fields", closes=True
)
SLOW_HEADER = refuse(408, "wire", "the header did not arrive within limits.timeouts.header", closes=True)
SLOW_BODY = refuse(408, "wire", "the body stopped for longer than limits.timeouts.body", closes=True)


def malformed(reason: str) -> Answer:
    """For what the parser refused; its words go to the trail."""
    return refuse(400, "wire", f"{BAD_MESSAGE}: {reason}", closes=True)


def chunk(data: bytes) -> bytes:
    """One chunk (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def origin_form(target: bytes, host: bytes) -> bytes | Answer:
    """The target in origin form (RFC 9112 section 3.2), or the refusal of one that is not served."""
    if target[:1] == b"/":
        return target if b"#" not in target else BAD_TARGET
    scheme, separator, rest = target.partition(b"://")
    if not separator or scheme.lower() not in {b"http", b"https"}:
        return BAD_TARGET
    authority, slash, path = rest.partition(b"/")
    if not slash:
        authority, question, path = rest.partition(b"?")
        slash = b"/" + question
    if authority.lower() != host.lower():
        return MISMATCH
    whole = slash + path
    return whole if b"#" not in whole and b"?" not in authority else BAD_TARGET


def hardened(cookie: bytes) -> bytes:
    """A `Set-Cookie` value with the attributes that RFC 6265bis asks of a session over TLS."""
    names = {part.partition(b"=")[0].strip().lower() for part in cookie.split(b";")[1:]}
    if b"secure" not in names:
        cookie += b"; Secure"
    if b"httponly" not in names:
        cookie += b"; HttpOnly"
    if b"samesite" not in names:
        cookie += b"; SameSite=Lax"
    return cookie
