"""Where an audit connects to: the addresses of its host, looked up once, so that no later look-up leads elsewhere.

An address that hands out a machine's own credentials is refused without leave, and so is any other of a link's own
(CWE-918): whoever can point a name there would have the audit ask for them, and show what it got.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, TypeVar

import httpcore

from ninefold.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Lookup = Callable[[str, int], Sequence[str]]

Made = TypeVar("Made")

#: Metadata services elsewhere: Alibaba, Oracle, Azure's host, AWS over IPv6 (instances, EKS), Google over IPv6.
METADATA = frozenset(
    map(
        ip_address,
        (
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
        ),
    )
)

#: The names under which clouds serve the same, whatever they resolve to here.
NAMES = frozenset({"metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"})

#: Networks of IPv6 that carry an IPv4 address, and how many bits stand after it: mapped and compatible (RFC 4291),
#: NAT64 (RFC 6052), 6to4 (RFC 3056).
_CARRIERS = (("::ffff:0:0/96", 0), ("::/96", 0), ("64:ff9b::/96", 0), ("2002::/16", 80))


def look_up(host: str, port: int) -> tuple[str, ...]:
    """The system's addresses of a name, in its order. Raises `OSError` where it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


def gives_credentials(address: str) -> bool:
    """Whether it is a link-local address (RFC 3927, RFC 4291 section 2.5.6) or one that a cloud serves metadata on."""
    return any(one.is_link_local or one in METADATA for one in _meant(ip_address(address)))


def _meant(address: IPv4Address | IPv6Address) -> tuple[IPv4Address | IPv6Address, ...]:
    """The address, without its zone, and the IPv4 address that it carries."""
    if isinstance(address, IPv4Address):
        return (address,)
    plain = IPv6Address(int(address))
    carried = tuple(
        IPv4Address(int(plain) >> after & 0xFFFFFFFF) for net, after in _CARRIERS if plain in ip_network(net)
    )
    return (plain, *carried)


class Dial:
    """Connects to one host and port, and to nothing else.

    `leave`: link-local and metadata addresses are dialled too. The first address that takes a connection is kept for
    all that follow.
    """

    def __init__(self, host: str, port: int, *, leave: bool = False, look_up: Lookup = look_up) -> None:
        self.host = host
        self.port = port
        self._leave = leave
        self._look_up = look_up
        self._addresses: tuple[str, ...] = ()

    def check_name(self) -> None:
        """Raises `ServiceError` for a host that is refused by what it is called. Looks nothing up."""
        if not self._leave and (self.host.lower().rstrip(".") in NAMES or _is_refused(self.host)):
            raise _refusal(self.host, self.host)

    def addresses(self) -> tuple[str, ...]:
        """What may be connected to. Raises `OSError` for an unknown name, `ServiceError` for a host that is refused."""
        self.check_name()
        if not self._addresses:
            found = tuple(self._look_up(self.host, self.port))
            if not found:
                raise OSError(f"{self.host} has no address")
            if not self._leave and (bad := next(filter(gives_credentials, found), None)):
                raise _refusal(self.host, bad)
            self._addresses = found
        return self._addresses

    def source(self) -> str:
        """This machine's address towards the host, as its routes choose it: asked of a datagram socket, which sends nothing.

        Raises `OSError` where there is no route, and what `addresses` raises.
        """
        address = self.addresses()[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as asked:
            asked.connect((address, self.port))
            return str(asked.getsockname()[0]).partition("%")[0]

    def through(self, connect: Callable[[str], Made]) -> Made:
        """What `connect` makes of the first address that takes a connection. Raises what the last one raised, if it is an
        `OSError` or of httpcore's kind, and what `addresses` raises.
        """
        *others, last = self.addresses()
        for address in others:
            try:
                made = connect(address)
            except (OSError, httpcore.NetworkError, httpcore.TimeoutException):
                continue
            self._addresses = (address,)
            return made
        made = connect(last)
        self._addresses = (last,)
        return made


def _is_refused(host: str) -> bool:
    try:
        return gives_credentials(host)
    except ValueError:  # a name
        return False


def _refusal(host: str, address: str) -> ServiceError:
    leads = "" if host == address else f" leads to {address}, which"
    return ServiceError(
        f"{host}{leads} is link-local or a cloud's metadata service: it hands out credentials to whoever asks",
        remedy="name another host in --url, or give --allow-metadata-address if that is what is to be audited",
    )
