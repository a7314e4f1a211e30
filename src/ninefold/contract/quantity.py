"""Durations, sizes and rates as a contract writes them: `30s`, `1MiB`, `100/min`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` requests in `period` seconds."""

    count: int
    period: float

    def __str__(self) -> str:
        unit = next(
            name
            for name, seconds in (("s", 1.0), ("min", 60.0), ("h", 3600.0), ("d", 86400.0))
            if seconds == self.period
        )
        return f"{self.count}/{unit}"


def parse_duration(value: Any) -> float:
    """`90d`, `30s`, `250ms` as seconds. Raises `ValueError`; a bare number has no unit and is refused."""
    if isinstance(value, str) and (found := re.fullmatch(r"([0-9]{1,9})(ms|s|min|m|h|d)", value)):
        return int(found[1]) * _SECONDS[found[2]]
    raise ValueError(f"{value!r} is no duration; write a whole number and a unit: 250ms, 30s, 10m, 24h, 90d")


def parse_size(value: Any) -> int:
    """`1MiB`, `64KiB`, `0B` as bytes. Raises `ValueError`."""
    if isinstance(value, str) and (found := re.fullmatch(r"([0-9]{1,9})(B|kB|MB|GB|KiB|MiB|GiB)", value)):
        return int(found[1]) * _BYTES[found[2]]
    raise ValueError(f"{value!r} is no size; write a whole number and a unit: 512B, 64KiB, 1MiB")


def parse_rate(value: Any) -> Rate:
    """`100/min` as a `Rate`. Raises `ValueError`; a rate of nothing is no limit but a closed door, and is refused."""
    if isinstance(value, Rate):
        return value
    if isinstance(value, str) and (found := re.fullmatch(r"([0-9]{1,9})/(s|min|m|h|d)", value)):
        if int(found[1]) == 0:
            raise ValueError(f"{value!r} lets nobody in; give at least 1")
        return Rate(int(found[1]), _SECONDS[found[2]])
    raise ValueError(f"{value!r} is no rate; write 5/s, 100/min, 1000/h or 5000/d")


def parse_denials(value: Any) -> int:
    """`5 denials`, or `5`, as a number. Raises `ValueError`."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and (found := re.fullmatch(r"([0-9]{1,6})(?: denials?)?", value)):
        return int(found[1])
    raise ValueError(f"{value!r} is no number of denials; write 5 or `5 denials`")
