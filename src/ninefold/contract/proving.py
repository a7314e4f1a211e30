"""How callers prove themselves, held against itself: what cannot be kept, and what a reviewer would ask about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ninefold.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.contract.model import Contract
    from ninefold.contract.source import Source
    from ninefold.errors import Place


def proving_problems(contract: Contract, source: Source) -> Iterator[Problem]:
    """Why callers could not prove themselves as the contract says."""
    identity, with_ = contract.identity, contract.keys.with_
    if identity is None:
        if with_ is not None and with_.token:
            place = source.place(("keys", "with", "token"), key=True)
            yield Problem("`keys.with.token` asks for tokens, and nobody's are accepted", place, "add `identity:`")
    else:
        if contract.keys.header.lower() in {"authorization", "dpop"}:
            place = source.place(("keys", "header"))
            yield Problem("that field carries the tokens of `identity`", place, "choose another, as X-API-Key")
        yield from _files(contract, source)
    yield from _rules(contract, source)


def _rules(contract: Contract, source: Source) -> Iterator[Problem]:
    """Each rule's proofs: they can be had, no key is enough alone by the way, and one operation is proven for in one way."""
    asked: dict[str, frozenset[frozenset[str]]] = {}
    rules = contract.authorization.rules if contract.authorization is not None else ()
    for number, rule in enumerate(rules):
        for index, one in enumerate(rule.proofs):
            place = source.place(("authorization", "rules", number, "proofs", index))
            if "token" in one and contract.identity is None:
                yield Problem("it asks for tokens, and nobody's are accepted", place, "add `identity:`")
            if set(one) == {"key"} and contract.keys.alone is None:
                yield Problem(
                    "it takes a key alone", place, "put `address` or `token` beside it, or give `keys.alone: <why>`"
                )
            yield from _unknown(one, contract, place)
        if rule.public is not None or rule.deny is not None:
            continue
        proofs = frozenset(frozenset(one) for one in rule.proofs)
        for index, name in enumerate(rule.operations):
            if asked.setdefault(name, proofs) != proofs:
                place = source.place(("authorization", "rules", number, "operations", index))
                what = f"two rules for {name} ask for different proofs, so what one asks for the other would give away"
                yield Problem(what, place, "give both the same `proofs`")


def _unknown(proofs: tuple[str, ...], contract: Contract, place: Place) -> Iterator[Problem]:
    """Proofs of which the contract does not say which ones are taken: nobody could ever give them."""
    with_ = contract.keys.with_
    if "certificate" in proofs and not contract.certificates and not {"key", "token"} & set(proofs):
        what = "by a certificate alone nobody is known: the contract has no `certificates`"
        yield Problem(what, place, "name callers there, or put `key` or `token` beside it")
    if "device" in proofs and (with_ is None or not with_.device):
        what = "it asks for a device, and nothing says which"
        yield Problem(what, place, "name fingerprints in `keys.with.device`")


def _files(contract: Contract, source: Source) -> Iterator[Problem]:
    identity = contract.identity
    assert identity is not None
    folder = Path(source.file).parent
    read: list[tuple[tuple[str, ...], str | None]] = [(("identity", "authority"), identity.authority)]
    if identity.jwks.from_ is not None and "://" not in identity.jwks.from_:
        read.append((("identity", "jwks"), identity.jwks.from_))
    if identity.introspection is not None:
        read.append((("identity", "introspection", "secret"), identity.introspection.secret))
    for path, name in read:
        if name is not None and not (folder / name).is_file():
            yield Problem(
                f"there is no file {name}", source.place(path), "name one that is there, relative to the contract"
            )
    if (folder / identity.store).resolve() in {(folder / name).resolve() for _, name in read if name is not None}:
        place = source.place(("identity", "store"))
        yield Problem(f"{identity.store} is read for something else", place, "give it a file of its own")


def proving_advice(contract: Contract, source: Source) -> Iterator[Problem]:
    """What is allowed, and worth a second look."""
    identity = contract.identity
    if identity is None:
        return
    if identity.unbound is not None:
        place = source.place(("identity", "unbound"), key=True)
        yield Problem(
            "a token alone is enough, whoever has it", place, "give `bound: dpop` or `bound: certificate` if you can"
        )
    if identity.issuer.startswith("http:"):
        place = source.place(("identity", "issuer"))
        yield Problem("the issuer is asked without TLS", place, "this is for development on one machine alone")
    if contract.authorization is not None:
        known = {name for names in contract.authorization.roles.values() for name in names} | set(
            contract.authorization.roles
        )
        for number, rule in enumerate(contract.authorization.rules):
            for index, name in enumerate(rule.allow):
                if name not in known:
                    place = source.place(("authorization", "rules", number, "allow", index))
                    yield Problem(
                        f"no role holds {name!r}: it is for tokens with that scope alone", place, "check its name"
                    )
