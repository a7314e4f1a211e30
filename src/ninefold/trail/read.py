"""Reads a trail's records, from its end, and on as they come."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec

from ninefold.errors import Place, TrailError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_BLOCK = 1 << 16
#: No record is longer.
MOST_LINE = 1 << 20


def last(path: Path, count: int, wanted: Callable[[dict[str, Any]], bool]) -> tuple[list[dict[str, Any]], int]:
    """The last `count` records that are wanted, oldest first, and where the file ended. Raises `TrailError`."""
    found: list[dict[str, Any]] = []
    with _opened(path) as file:
        end = file.seek(0, os.SEEK_END)
        place, rest = end, b""
        while place > 0 and len(found) < count:
            size = min(_BLOCK, place)
            place -= size
            file.seek(place)
            lines = (file.read(size) + rest).split(b"\n")
            rest = lines.pop(0) if place > 0 else b""
            if len(rest) > MOST_LINE:
                rest = b""  # no record is that long: what stands before is none
            for line in reversed(lines):
                record = _record(line)
                if record is not None and wanted(record):
                    found.append(record)
                    if len(found) == count:
                        break
    return found[::-1], end


def every(path: Path) -> Iterator[dict[str, Any]]:
    """Every record, oldest first, one at a time. Raises `TrailError`."""
    rest, skipping = b"", False
    with _opened(path) as file:
        while block := file.read(_BLOCK):
            first, *lines = block.split(b"\n")
            rest += first
            for line in lines:
                record = None if skipping else _record(rest)
                rest, skipping = line, False
                if record is not None:
                    yield record
            if len(rest) > MOST_LINE:
                rest, skipping = b"", True  # no record is that long: what stands here is none


def follow(path: Path, place: int, wait: Callable[[], None]) -> Iterator[dict[str, Any]]:
    """Records that come after `place`, for ever; `wait` is called while there is nothing new."""
    rest = b""
    with _opened(path) as file:
        file.seek(place)
        while True:
            block = file.read(_BLOCK)
            if not block:
                wait()
                continue
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                record = _record(line)
                if record is not None:
                    yield record


def _opened(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as fault:
        raise TrailError(
            f"the trail cannot be read ({fault.strerror})", place=Place(str(path)), remedy="name the file of a trail"
        ) from None


def _record(line: bytes) -> dict[str, Any] | None:
    """A record without its digest; None for an empty or unfinished line, which `trail verify` tells of."""
    try:
        record = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    record.pop("chain", None)
    return record
