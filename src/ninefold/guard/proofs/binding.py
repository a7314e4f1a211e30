"""What a key of its own is bound to: addresses, origins, devices, certificates. It holds beside the contract's proofs."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from ninefold.guard.proofs.address import Ranges
from ninefold.guard.proofs.challenge import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.guard.answer import Answer
    from ninefold.guard.keyring import BoundTo
    from ninefold.guard.plan import Setting
    from ninefold.guard.request import Request

#: So many pairs of a binding and an address are remembered.
MOST_REMEMBERED = 65_536


def compile_binding(setting: Setting) -> Callable[[Request, BoundTo], Answer | None]:
    """Refuses a request that is not of the kind that its key is bound to; what is not known of it is not that kind."""
    address = refusal(setting, "the key is bound to other addresses")
    origin = refusal(setting, "the key is bound to other origins")
    device = refusal(setting, "the key is bound to another device")
    certificate = refusal(setting, "the key is bound to another client certificate")
    known: dict[tuple[tuple[str, ...], str], bool] = {}

    def inside(texts: tuple[str, ...], address: str) -> bool:
        pair = texts, address
        found = known.get(pair)
        if found is None:
            if len(known) >= MOST_REMEMBERED:
                known.clear()
            found = known[pair] = address in Ranges(tuple(ip_network(text) for text in texts))
        return found

    def check(request: Request, bound: BoundTo) -> Answer | None:
        if bound.addresses and not inside(bound.addresses, request.address):
            return address
        if bound.origins and request.fields.get(b"origin", b"").decode("latin-1") not in bound.origins:
            return origin
        if bound.devices and request.device not in bound.devices:
            return device
        if bound.certificates:
            shown = request.certificate
            if shown is None or shown.thumbprint.hex() not in bound.certificates:
                return certificate
        return None

    return check
