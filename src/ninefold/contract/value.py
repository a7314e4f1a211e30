"""What single values in a contract may be: addresses, origins, URLs, durations, names; what is none is told what to write."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from ninefold.contract.quantity import Rate, parse_denials, parse_duration, parse_rate, parse_size

Network: TypeAlias = IPv4Network | IPv6Network

#: The word for this machine's own addresses in an address list; whoever compiles the contract says which they are.
LOCAL = "local"


#: Request fields that frame a message, say where it goes or who sent it, or that browsers fill in by themselves.
_NO_KEY_FIELDS = frozenset({
    "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "cookie", "date", "expect",
    "forwarded", "host", "keep-alive", "origin", "proxy-connection", "range", "referer", "te", "trailer", "transfer-encoding",
    "upgrade", "user-agent", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-ninefold-caller",
    "x-request-id", "client-cert", "client-cert-chain",
})  # fmt: skip


def _address(value: Any) -> Network | Literal["local"]:
    if value == LOCAL:
        return "local"
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no address range; write 10.0.0.0/8, 192.0.2.7 or local")  # noqa: TRY004
    try:
        network = ip_network(value, strict=True)
    except ValueError as fault:
        raise ValueError(f"{value!r} is no address range ({fault}); write 10.0.0.0/8, 192.0.2.7 or local") from None
    if not network.prefixlen:
        raise ValueError(f"{value!r} is everybody; name the ranges that are meant")
    return network


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _HOST.fullmatch(parts.hostname):
        raise ValueError(f"{value!r} is no http(s) URL with a host")
    if parts.username or parts.password:
        raise ValueError("a URL in a contract carries no user or password")
    if re.search(r"[?#@\s]", value) or parts.path not in {"", "/"} or parts.port == 0:
        raise ValueError(
            f"{value!r} has more than scheme, host and port; leave the rest out, paths are the description's"
        )
    return f"{parts.scheme}://{parts.netloc}"


def _origin(value: str) -> str:
    if value == "*" or "*" in value:
        raise ValueError("origins are exact: scheme://host[:port], no `*` (RFC 6454); list each one")
    if value == "null":
        raise ValueError("the origin `null` is everybody's (sandboxed frames, files) and cannot be allowed; remove it")
    parts = urlsplit(value)
    if not parts.scheme or not parts.hostname or parts.path or re.search(r"[?#@\s]", value):
        raise ValueError(f"{value!r} is no origin; write scheme://host[:port] and nothing after it")
    if not _HOST.fullmatch(parts.hostname):
        raise ValueError(f"{value!r} can match no browser's origin; write the host in ASCII (RFC 6454 section 6.2)")
    if parts.port == {"http": 80, "https": 443}.get(parts.scheme):
        raise ValueError(f"{value!r} can match no browser's origin: they leave the scheme's own port out; do so too")
    return value.lower()


#: A host name or address as URLs and origins have it, lower case (RFC 3986 section 3.2.2); names in ASCII.
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:.]+")


def _key_field(value: str) -> str:
    if value.lower() in _NO_KEY_FIELDS:
        raise ValueError(
            f"{value!r} has a meaning of its own and can carry no key; choose a field for it, as X-API-Key"
        )
    return value


def _file(value: str) -> str:
    if not value or "\0" in value:
        raise ValueError(f"{value!r} names no file")
    return value


def _protocol(value: str) -> str:
    if re.match(r"h2c?$|http|tls", value, re.IGNORECASE):
        raise ValueError(
            f"{value!r} would carry requests past the guard; name the protocol that is meant, as websocket"
        )
    return value


#: What a key may say of whose it is: words that fit a line.
LABEL = re.compile(r"[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]{0,63}\Z")


def _tier(value: str) -> str:
    if not LABEL.match(value):
        raise ValueError(f"{value!r} can be no key's tier; give up to 64 printable characters")
    return value


def not_nothing(value: Any) -> Any:
    if value is None:
        raise ValueError("nothing stands under it; write what it is to hold, or remove it")
    return value


def _service_url(value: str) -> str:
    parts = urlsplit(value)
    try:
        known = parts.port
    except ValueError:
        known = 0
    if parts.scheme not in {"http", "https"} or not parts.hostname or known == 0 or not _HOST.fullmatch(parts.hostname):
        raise ValueError(f"{value!r} is no http(s) URL with a host")
    if parts.username or parts.password or re.search(r"[?#@\s\x00-\x20\x7f]", value):
        raise ValueError(f"{value!r} has a user, a query or a fragment; leave it out")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(f"{value!r} could be changed on its way; write https (http is for this machine's loopback)")
    return value


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by name or by address, whatever a resolver says."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _claim(value: str) -> str:
    if not value or len(value) > 128 or not value.isprintable():
        raise ValueError(f"{value!r} names no claim")
    return value


def parse_moment(value: Any) -> float:
    """RFC 3339, as Unix seconds. A date without a time is its first moment, in UTC."""
    if isinstance(value, str):
        text = f"{value}T00:00:00Z" if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) else value
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})", text):
            try:
                return datetime.fromisoformat(text.upper().replace(" ", "T")).timestamp()
            except ValueError:
                pass
    raise ValueError(f"{value!r} is no moment; write 2026-01-31 or 2026-01-31T18:00:00+01:00 (RFC 3339)")


def moment(seconds: float) -> datetime:
    """Unix seconds as a date and time, in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def _token(value: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", value):
        raise ValueError(f"{value!r} is no HTTP token (RFC 9110 section 5.6.2)")
    return value


def _ja4(value: str) -> str:
    if not re.fullmatch(r"t(?:1[0-3]|s[23]|00)[di][0-9]{4}[0-9A-Za-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}", value):
        raise ValueError(
            f"{value!r} is no JA4 fingerprint of TLS; write it whole, as t13d1516h2_8daaf6152771_e5627efa2ab1"
        )
    return value


def _caller_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9:._/@-]{0,127}", value):
        raise ValueError(f"{value!r} is no name for a caller; letters, digits and : . _ / @ -, at most 128")
    if value.startswith("sub:"):
        raise ValueError(f"{value!r} is what the holder of a token is called; choose another name")
    return value


def _exact(value: str) -> str:
    if "*" in value:
        raise ValueError(f"{value!r} would fit more than one caller; names of certificates are exact, list each one")
    if not value.isascii() or not value.isprintable() or not value or " " in value:
        raise ValueError(
            f"{value!r} can be in no certificate; names there are ASCII without spaces (RFC 5280 section 4.2.1.6)"
        )
    return value


def _dns_name(value: str) -> str:
    if not _HOST.fullmatch(value.lower()) or ":" in value:
        raise ValueError(f"{value!r} is no DNS name; write it without scheme and port, as billing.example.com")
    return value.lower()


def _uri(value: str) -> str:
    parts = urlsplit(value)
    if not parts.scheme or not (parts.netloc or parts.path):
        raise ValueError(f"{value!r} is no URI; write it whole, as spiffe://example.org/billing")
    return value


def _email(value: str) -> str:
    if not re.fullmatch(r"[^@]+@[^@]+", value):
        raise ValueError(f"{value!r} is no mail address; write it as the certificate has it")
    return value


def _distinguished_name(value: str) -> str:
    from cryptography import x509  # noqa: PLC0415  # it takes long, and few contracts need it

    try:
        name = x509.Name.from_rfc4514_string(value)
    except ValueError:
        name = None
    if name is None or not list(name):
        raise ValueError(f"{value!r} is no distinguished name; write it as RFC 4514 has it, as CN=billing,O=Example")
    return name.rfc4514_string()


def _why(value: str) -> str:
    if len(value.strip()) < 8:
        raise ValueError("that is no reason; say why in a sentence, for the next reader of this contract")
    return value


Address = Annotated[
    Network | Literal["local"],
    BeforeValidator(_address),
    WithJsonSchema({"type": "string", "examples": ["local", "10.0.0.0/8"]}),
]
Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(ms|s|m|h|d)$", "examples": ["30s", "90d"]}),
]
Moment = Annotated[
    float,
    BeforeValidator(parse_moment),
    WithJsonSchema({"type": "string", "examples": ["2026-01-31", "2026-01-31T18:00:00+01:00"]}),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(B|KiB|MiB|GiB|kB|MB|GB)$", "examples": ["1MiB"]}),
]
RateText = Annotated[
    Rate,
    BeforeValidator(parse_rate),
    WithJsonSchema({"type": "string", "pattern": r"^\d+/(s|min|h|d)$", "examples": ["100/min"]}),
]
Denials = Annotated[
    int,
    BeforeValidator(parse_denials),
    WithJsonSchema({"type": ["string", "integer"], "pattern": r"^\d+( denials?)?$", "examples": ["5 denials", 5]}),
]
Why = Annotated[str, AfterValidator(_why)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Origin = Annotated[str, AfterValidator(_origin)]
Token = Annotated[str, AfterValidator(_token)]
TierName = Annotated[str, AfterValidator(_tier)]


KeyField = Annotated[str, AfterValidator(_token), AfterValidator(_key_field)]
FilePath = Annotated[str, AfterValidator(_file)]
Protocol = Annotated[str, AfterValidator(_token), AfterValidator(_protocol)]
Ja4 = Annotated[str, AfterValidator(_ja4)]
CallerName = Annotated[str, AfterValidator(_caller_name)]
DnsName = Annotated[str, AfterValidator(_exact), AfterValidator(_dns_name)]
Uri = Annotated[str, AfterValidator(_exact), AfterValidator(_uri)]
Email = Annotated[str, AfterValidator(_exact), AfterValidator(_email)]
DistinguishedName = Annotated[str, AfterValidator(_distinguished_name)]
ServiceUrl = Annotated[str, AfterValidator(_service_url)]
ClaimName = Annotated[str, AfterValidator(_claim)]
