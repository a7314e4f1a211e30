"""`ninefold keys`: create, show, list, rotate, revoke and be reminded. What reads files of keys is in `keyfiles`."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING

import click

from ninefold.cli.keyfiles import import_, leaked
from ninefold.cli.keyring import as_line, day, of_contract, opened, permitted, print_keys, span, store_of, used
from ninefold.cli.screen import printable
from ninefold.contract.load import load_contract
from ninefold.contract.quantity import parse_duration
from ninefold.contract.value import LABEL
from ninefold.errors import KeyringError, TrailError, WriteError
from ninefold.keys.binding import binding
from ninefold.keys.use import last_uses
from ninefold.trail.writer import TrailWriter

if TYPE_CHECKING:
    from pathlib import Path

    from ninefold.contract.load import LoadedContract
    from ninefold.keys.keeper import Keeper
    from ninefold.keys.token import MintedKey


@click.group("keys")
def command() -> None:
    """Create, import, list, rotate and revoke API keys."""


@command.command("create")
@of_contract
@click.option("--role", help="One of the contract's roles. Needed where the contract has any.")
@click.option(
    "--expires", metavar="DURATION", help="How long it lives, as 30d; at most keys.max_age, which is the default."
)
@click.option("--name", default="", help="Whose it is, or what for; shown in lists.")
@click.option("--scope", "scopes", multiple=True, help="Only this scope of the role; may be given again.")
@click.option("--owner", default="", help="Who answers for it.")
@click.option("--tenant", default="", help="Whose data it is for; rules and limits may ask for it.")
@click.option("--tier", default="", help="What was agreed; limits may hold for some tiers alone.")
@click.option("--from", "addresses", multiple=True, metavar="RANGE", help="Only from these addresses, as 10.0.0.0/8.")
@click.option("--origin", "origins", multiple=True, metavar="ORIGIN", help="Only from pages of this origin.")
@click.option("--device", "devices", multiple=True, metavar="JA4", help="Only from this device (JA4 fingerprint).")
@click.option(
    "--certificate", "certificates", multiple=True, metavar="HEX", help="Only with this client certificate (SHA-256)."
)
@click.option("--env", default="live", show_default=True, help="Part of the key's text: live, test, ...")
def create(
    contract: Path,
    role: str | None,
    expires: str | None,
    name: str,
    scopes: tuple[str, ...],
    owner: str,
    tenant: str,
    tier: str,
    addresses: tuple[str, ...],
    origins: tuple[str, ...],
    devices: tuple[str, ...],
    certificates: tuple[str, ...],
    env: str,
) -> None:
    """Issue a key. Its text is printed once, alone on standard output; only its digest is kept."""
    loaded = load_contract(contract)
    permitted(loaded, role, scopes)
    for what, label in (("owner", owner), ("tenant", tenant), ("tier", tier)):
        if label and not LABEL.match(label):
            raise KeyringError(f"{label!r} is no {what}", remedy="give up to 64 printable characters")
    bound = binding(addresses, origins, devices, certificates)
    for origin in bound.origins:
        if origin not in loaded.contract.origins.allow:
            click.echo(f"note: the contract's origins.allow does not have {origin}", err=True)
    with opened(loaded) as keeper:
        now = time.time()
        lifetime = _lifetime(loaded, expires)
        minted = keeper.issue(
            role=role or "", scopes=scopes, name=name, env=env, lifetime=lifetime, now=now, randomness=os.urandom,
            owner=owner, tenant=tenant, tier=tier, bound=bound,
        )  # fmt: skip
        _show(keeper, minted, now + lifetime)


@command.command("list")
@of_contract
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
def list_(contract: Path, *, as_json: bool) -> None:
    """List every key ever issued, whether it is accepted, and when it was used last."""
    now = time.time()
    loaded = load_contract(contract)
    with opened(loaded) as keeper:
        issued = keeper.all()
    uses = last_uses(store_of(loaded))
    if as_json:
        for one in issued:
            click.echo(as_line(one, now, uses.get(one.id)))
        return
    if not issued:
        click.echo("no keys yet: ninefold keys create")
        return
    print_keys(issued, now, uses)


@command.command("show")
@of_contract
@click.argument("key_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As one line of JSON.")
def show(contract: Path, key_id: str, *, as_json: bool) -> None:
    """Show all that is known of a key: what it gives, to whom, what it is bound to, its last use."""
    now = time.time()
    loaded = load_contract(contract)
    with opened(loaded) as keeper:
        one = keeper.find(key_id)
        new = keeper.find(one.replaced_by) if one.replaced_by else None
    uses = last_uses(store_of(loaded))
    if as_json:
        click.echo(as_line(one, now, uses.get(one.id)))
        return
    bound = one.bound
    facts = [
        ("id", one.id),
        ("state", one.state(now).value),
        ("name", one.name),
        ("owner", one.owner),
        ("tenant", one.tenant),
        ("tier", one.tier),
        ("role", one.role),
        ("scopes", " ".join(one.scopes) or ("all of the role" if one.role else "")),
        ("from", " ".join(bound.addresses)),
        ("origins", " ".join(bound.origins)),
        ("devices", " ".join(bound.devices)),
        ("certificates", " ".join(bound.certificates)),
        ("created", f"{day(one.created)}{', made elsewhere and imported' if one.imported else ''}"),
        ("weak", one.weak),
        ("expires", f"{day(one.expires)}, {span(one.expires - now)}"),
        ("revoked", day(one.revoked) if one.revoked else ""),
        ("last used", used(uses.get(one.id), now)),
        ("replaced by", f"{new.id}, last used {used(uses.get(new.id), now)}" if new is not None else ""),
    ]
    for title, value in facts:
        if value:
            click.echo(f"{title:12} {printable(value)}")


@command.command("due")
@of_contract
@click.option("--within", metavar="DURATION", help="How soon, as 30d. Default: keys.remind of the contract.")
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
def due_(contract: Path, within: str | None, *, as_json: bool) -> None:
    """List the keys that end soon and were not rotated, and tell the trail of each once a day.

    Exit code 0: none does; 1: some do. A gateway that runs tells its own trail.
    """
    now = time.time()
    loaded = load_contract(contract)
    try:
        seconds = parse_duration(within) if within is not None else loaded.contract.keys.remind
    except ValueError as fault:
        raise KeyringError(str(fault), remedy="as --within 30d") from None
    with opened(loaded) as keeper:
        ending = keeper.due(now=now, within=seconds)
    uses = last_uses(store_of(loaded))
    if as_json:
        for one in ending:
            click.echo(as_line(one, now, uses.get(one.id)))
    elif ending:
        print_keys(ending, now, uses)
    else:
        click.echo(f"no key ends within {span(seconds).removeprefix('in ')}")
    if ending:
        _tell(loaded, seconds, now)
        sys.exit(1)


def _tell(loaded: LoadedContract, within: float, now: float) -> None:
    """Tell the trail of what is due, unless somebody else writes it: then he does."""
    from ninefold.gateway.ledger import due  # noqa: PLC0415  # no other command about keys needs the gateway

    try:
        writer = TrailWriter(loaded.resolve(loaded.contract.trail.path))
    except TrailError as fault:
        click.echo(f"note: not told to the trail: {printable(fault.what)}", err=True)
        return
    with contextlib.closing(writer):
        for notice in due(store_of(loaded), within, now):
            writer.append(notice)
        writer.write()


@command.command("rotate")
@of_contract
@click.argument("key_id", metavar="ID")
@click.option(
    "--expires", metavar="DURATION", help="How long the new key lives; at most keys.max_age, which is the default."
)
def rotate(contract: Path, key_id: str, expires: str | None) -> None:
    """Issue a key with the rights of ID. The old one is accepted for keys.overlap more."""
    loaded = load_contract(contract)
    with opened(loaded) as keeper:
        now = time.time()
        lifetime = _lifetime(loaded, expires)
        overlap = loaded.contract.keys.overlap
        minted = keeper.rotate(key_id, lifetime=lifetime, overlap=overlap, now=now, randomness=os.urandom)
        _show(keeper, minted, now + lifetime)
    last = used(last_uses(store_of(loaded)).get(key_id), now)
    click.echo(f"{key_id} is accepted for {span(overlap).removeprefix('in ')} more at the most", err=True)
    click.echo(f"{key_id} was last used: {last}", err=True)


@command.command("revoke")
@of_contract
@click.argument("key_ids", metavar="ID...", nargs=-1, required=True)
def revoke(contract: Path, key_ids: tuple[str, ...]) -> None:
    """Revoke keys. The next request with one of them is refused."""
    with opened(load_contract(contract)) as keeper:
        missed = []
        for key_id in key_ids:
            try:
                keeper.revoke(key_id, now=time.time())
            except KeyringError as fault:
                missed.append(fault)
            else:
                click.echo(f"{key_id} is revoked")
    for other in missed[1:]:
        click.echo(f"ninefold: {printable(str(other))}", err=True)
    if missed:
        raise missed[0]


def _lifetime(loaded: LoadedContract, expires: str | None) -> float:
    most = loaded.contract.keys.max_age
    if expires is None:
        return most
    try:
        lifetime = parse_duration(expires)
    except ValueError as fault:
        raise KeyringError(str(fault), remedy="as --expires 30d") from None
    if not 0 < lifetime <= most:
        raise KeyringError(
            f"a key may live {span(most).removeprefix('in ')} at the most", remedy="by keys.max_age of the contract"
        )
    return lifetime


def _show(keeper: Keeper, minted: MintedKey, expires: float) -> None:
    """Print the secret. Where it cannot be, nobody has it, and the key is revoked again."""
    why = _printed(minted.text)
    if why:
        keeper.revoke(minted.id, now=time.time())
        raise WriteError(
            f"the key could not be shown, so it is revoked again ({why})",
            remedy="give standard output a place that can be written",
        )
    click.echo(f"key {minted.id}, until {day(expires)}. It is shown this once; only its digest is kept.", err=True)


def _printed(text: str) -> str:
    """Why a text did not reach standard output; empty: it did."""
    if sys.stdout is None:
        return "standard output is closed"
    try:
        click.echo(text)
        sys.stdout.flush()
    except OSError as fault:
        return fault.strerror or "it failed"
    return ""


command.add_command(import_)
command.add_command(leaked)
