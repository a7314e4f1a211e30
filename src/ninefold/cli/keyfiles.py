"""`ninefold keys import` and `ninefold keys leaked`: what reads files of keys. No key is printed, nor kept."""

from __future__ import annotations

import os
import time
from io import TextIOWrapper
from typing import IO, TYPE_CHECKING, AnyStr, BinaryIO

import click

from ninefold.cli.keyring import as_line, of_contract, opened, permitted, print_keys
from ninefold.contract.load import load_contract
from ninefold.errors import KeyringError
from ninefold.keys.leak import leaked_digests
from ninefold.keys.sheet import COLUMNS, Terms, read_sheet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: A longer line is none of keys.
MOST_LINE = 1 << 20


@click.command(
    "import",
    help=f"Import keys that were made elsewhere from FILE (CSV; - for standard input): all of them, or none.\n\n"
    f"The first line names its columns, some of: {', '.join(COLUMNS)}. Only `key` is needed (and `role` where the contract "
    "has any); `expires` is a date or a duration, keys.max_age where it is empty. Keys are hashed as they are read. "
    "Delete FILE afterwards.",
)
@of_contract
@click.argument("file", type=click.File("rb"))
@click.option("--weak", default="", metavar="WHY", help="Take keys that could be guessed too, and say why.")
@click.option("--env", default="live", show_default=True, help="What a key that replaces one of them is for.")
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
def import_(contract: Path, file: BinaryIO, weak: str, env: str, *, as_json: bool) -> None:
    loaded = load_contract(contract)
    if weak and len(weak.strip()) < 8:
        raise KeyringError("--weak: that is no reason", remedy="say why in a sentence, for who reads the list of keys")
    now = time.time()
    terms = Terms(now, loaded.contract.keys.max_age, lambda role, scopes: permitted(loaded, role, scopes), weak)
    with TextIOWrapper(file, "utf-8-sig", newline="") as text:
        keys = read_sheet(_lines(text, file.name), file.name, terms)
    if not keys:
        raise KeyringError(f"{file.name} has no keys", remedy=f"the first line names the columns: {','.join(COLUMNS)}")
    with opened(loaded) as keeper:
        ids = keeper.adopt(keys, env, now, os.urandom)
        taken = [keeper.find(one) for one in ids]
    if as_json:
        for one in taken:
            click.echo(as_line(one, now, None))
        return
    print_keys(taken, now, {})
    guessable = sum(1 for one in taken if one.weak)
    click.echo(f"{_count(len(taken))} imported{f', {guessable} of them weak' if guessable else ''}", err=True)


@click.command("leaked")
@of_contract
@click.argument("file", type=click.File("rb"))
@click.option("--json", "as_json", is_flag=True, help="As JSON lines: the keys of this contract among them.")
def leaked(contract: Path, file: BinaryIO, *, as_json: bool) -> None:
    """Revoke the keys in FILE (- for standard input), and never accept them again, wherever they come from.

    A line is a key, its SHA-256 digest in hex, or any text with keys that were made here. The keys of this contract
    among them are told by their ids; no key is printed.
    """
    loaded = load_contract(contract)
    now = time.time()
    digests = set(leaked_digests(_lines(file, file.name)))
    if not digests:
        raise KeyringError(f"{file.name} has no keys", remedy="give one a line, or its SHA-256 digest in hex")
    with opened(loaded) as keeper:
        found = keeper.leaked(digests, now=now)
        after = [keeper.find(one.id) for one in found]
    if as_json:
        for one in after:
            click.echo(as_line(one, now, None))
        return
    for before in found:
        was = before.state(now)
        click.echo(f"{before.id} is revoked{'' if was == 'active' else f'; it was {was} before'}")
    others = len(digests) - len(found)
    click.echo(f"{_count(len(found))} of this contract; {others} more will never be accepted", err=True)


def _lines(file: IO[AnyStr], name: str) -> Iterator[AnyStr]:
    """The lines of a file. Raises `KeyringError` where one is longer than any line of keys."""
    number = 0
    while line := file.readline(MOST_LINE):
        number += 1
        if len(line) >= MOST_LINE:
            raise KeyringError(f"{name}:{number} is longer than {MOST_LINE} characters", remedy="give one key a line")
        yield line


def _count(number: int) -> str:
    return f"{number} key{'s' if number != 1 else ''}"
