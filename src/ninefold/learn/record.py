"""All that was seen of an API: sightings by method and path template, bounded, and the file that they are kept in.

The file is written whole and put in the place of the one before, so that a reader finds one or the other.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from ninefold.audit.inputs.template import SEGMENTS, is_data
from ninefold.errors import FileError, Place, WriteError
from ninefold.learn.sighting import Sighting, absorb

if TYPE_CHECKING:
    from pathlib import Path

#: Most operations of one record. More are no API, but a scan.
MOST_OPERATIONS = 5000
#: So many different words in one place of a path are names of things, and not of resources.
MOST_WORDS = 40
#: Longest segment that is taken for a word.
LONGEST_WORD = 60
#: Largest file that is read, in bytes.
MOST_BYTES = 256 * 1024 * 1024
#: What stands for a segment that is data.
DATA = "{}"


class _File(msgspec.Struct):
    ninefold_record: int
    requests: int
    left_out: int
    sightings: list[Sighting]


class Record:
    """Grows with `add`. `requests` counts all of them, `left_out` those for whose operation there was no room."""

    def __init__(self) -> None:
        self.requests = 0
        self.left_out = 0
        self._sightings: dict[tuple[str, tuple[str, ...]], Sighting] = {}
        self._words: dict[tuple[str, ...], set[str]] = {}
        self._varied: set[tuple[str, ...]] = set()

    @property
    def sightings(self) -> list[Sighting]:
        """By path and method."""
        return [self._sightings[key] for key in sorted(self._sightings, key=lambda key: (key[1], key[0]))]

    def known(self, method: str, path: tuple[str, ...]) -> Sighting | None:
        """What is known of the operation with this template."""
        return self._sightings.get((method, path))

    def add(self, sighting: Sighting) -> None:
        """Count a sighting in. Its path is a template already, or is made one."""
        self.requests += sighting.requests
        if not sighting.operation:
            sighting = msgspec.structs.replace(sighting, path=self._general(sighting.path))
        key = sighting.method, sighting.path
        known = self._sightings.get(key)
        if known is not None:
            absorb(known, sighting)
        elif len(self._sightings) < MOST_OPERATIONS:
            self._sightings[key] = sighting
        else:
            self.left_out += sighting.requests

    def text(self) -> bytes:
        """The file's content."""
        return msgspec.json.encode(_File(1, self.requests, self.left_out, self.sightings))

    def _general(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """A path with what is data in it left out."""
        made: tuple[str, ...] = ()
        for segment in path[:SEGMENTS]:
            plain = segment == DATA or not segment.isdecimal()
            plain = plain and len(segment) <= LONGEST_WORD and not is_data(unquote(segment))
            if plain and made not in self._words and len(self._words) >= MOST_OPERATIONS:
                plain = False
            if plain and segment != DATA and made not in self._varied:
                words = self._words.setdefault(made, set())
                words.add(segment)
                if len(words) > MOST_WORDS:
                    self._varied.add(made)
                    self._melt(made)
            made = (*made, segment if plain and made not in self._varied else DATA)
        return made

    def _melt(self, head: tuple[str, ...]) -> None:
        """What stood below `head` under different words is one operation's."""
        self._words[head].clear()
        place = len(head)
        for key in [one for one in self._sightings if one[1][:place] == head and len(one[1]) > place]:
            sighting = self._sightings[key]
            if sighting.operation:
                continue
            del self._sightings[key]
            path = (*key[1][:place], DATA, *key[1][place + 1 :])
            moved = msgspec.structs.replace(sighting, path=path)
            known = self._sightings.setdefault((key[0], path), moved)
            if known is not moved:
                absorb(known, moved)


def write(path: Path, text: bytes) -> None:
    """Put a record's text in the place of the file. Raises `WriteError`."""
    beside = path.with_name(path.name + ".new")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as fault:
        raise WriteError(
            f"cannot be written ({fault.strerror})",
            place=Place(str(path)),
            remedy="make room, or name another file with --record",
        ) from None


def read(content: bytes, source: str) -> Record:
    """The record in a file's content; `source` names it. Raises `FileError`."""
    try:
        found = msgspec.json.decode(content, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise FileError(
            f"is no record of `ninefold guard --observe` ({fault})",
            place=Place(source),
            remedy="name the file that the guard wrote",
        ) from None
    record = Record()
    for sighting in found.sightings:
        record.add(sighting)
    record.left_out = found.left_out
    record.requests = found.requests
    return record
