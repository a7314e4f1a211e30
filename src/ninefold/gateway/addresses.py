"""This machine's own addresses: what the contract's word `local` means."""

from __future__ import annotations

import socket
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import pairwise
from pathlib import Path


def own_addresses() -> list[IPv4Network | IPv6Network]:
    """Loopback, and every address that an interface of this machine has, as far as the system tells."""
    found = {ip_network("127.0.0.0/8"), ip_network("::1/128")}
    try:
        for line in Path("/proc/net/if_inet6").read_text(encoding="ascii").splitlines():
            digits = line.split()[0]
            found.add(ip_network(":".join(digits[i : i + 4] for i in range(0, 32, 4))))
    except OSError:
        pass  # no IPv6 here
    try:
        lines = [line.strip() for line in Path("/proc/net/fib_trie").read_text(encoding="ascii").splitlines()]
    except OSError:
        lines = []
    for before, line in pairwise(lines):
        if line == "/32 host LOCAL":
            found.add(ip_network(before.removeprefix("|-- ")))
    if not lines:
        try:
            infos = socket.getaddrinfo(socket.gethostname(), None)
        except OSError:
            infos = []
        found.update(ip_network(ip_address(str(info[4][0]).partition("%")[0])) for info in infos)
    return sorted(found, key=str)
