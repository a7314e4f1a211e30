"""Who is calling: each proof that the contract asks for, one after the other; the first that fails refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.answer import Answer
from ninefold.guard.plan import Check, Setting, Step
from ninefold.guard.proofs.address import compile_address
from ninefold.guard.proofs.certificate import compile_certificate, compile_presented, compile_second
from ninefold.guard.proofs.device import compile_device
from ninefold.guard.proofs.key import compile_key

if TYPE_CHECKING:
    from ninefold.guard.need import Need
    from ninefold.guard.request import Request


def compile_caller(setting: Setting) -> Check | None:
    if setting.operation is None:
        return None
    clients = setting.contract.encryption.tls.clients
    needed = (compile_presented(setting),) if clients is not None and clients.required else ()
    if setting.permission.open:
        return needed[0] if needed else None
    return _all((*needed, _identity(setting)))


def _identity(setting: Setting) -> Check:
    """The key, the client certificate, either of them or both, as the contract has it."""
    contract = setting.contract
    if not contract.certificates or (contract.keys.with_ is not None and contract.keys.with_.certificate):
        return _key(setting)
    certificate = compile_certificate(setting)
    if "keys" not in contract.model_fields_set:
        return certificate
    return _either(_key(setting), certificate, contract.keys.header.lower().encode())


def _key(setting: Setting) -> Check:
    """The key with what else `keys.with` asks for."""
    keys = setting.contract.keys
    proofs = [compile_key(setting)]
    if keys.alone is None:
        if keys.with_ is None or keys.with_.ip:
            proofs.append(compile_address(setting))
        if keys.with_ is not None and keys.with_.certificate:
            proofs.append(compile_second(setting))
        if keys.with_ is not None and keys.with_.device:
            proofs.append(compile_device(setting))
    return _all(tuple(proofs))


def _all(proofs: tuple[Check, ...]) -> Check:
    """Each of them has to hold."""
    if len(proofs) == 1:
        return proofs[0]
    first, second = proofs[0], _all(proofs[1:])

    def check(request: Request) -> Answer | Need | None:
        return first(request) or second(request)

    return check


def _either(key: Check, certificate: Check, field: bytes) -> Check:
    """The key, or else the certificate. Where none holds, the refusal is that of what was presented, the key's first."""

    def check(request: Request) -> Answer | Need | None:
        refused = key(request)
        if not isinstance(refused, Answer):
            return refused
        other = certificate(request)
        if other is None or (request.certificate is not None and field not in request.fields):
            return other
        return refused

    return check


STEP = Step("caller", compile_caller, lambda setting: (setting.operation is None, setting.permission.open))
