"""What looking a key up costs, in a process that does nothing else. `python -m bench.lookup STORE KEYS`."""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
from pathlib import Path

from ninefold.keys.ring import Ring

ROUNDS = 5
LOOKUPS = 10_000


def main() -> None:
    """Prints microseconds for each look-up of the keys in a file, one a line, each found: the median over the rounds."""
    store, listed = Path(sys.argv[1]), Path(sys.argv[2])
    keys = listed.read_bytes().split()
    keys *= max(1, LOOKUPS // len(keys))
    with contextlib.closing(Ring(store)) as ring:
        rounds = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            found = sum(1 for key in keys if ring.fresh() and ring.present(ring.digest(key)) is not None)
            rounds.append((time.perf_counter() - began) / len(keys) * 1e6)
            if found != len(keys):
                sys.exit(f"only {found} of {len(keys)} keys were found")
    print(statistics.median(rounds))


if __name__ == "__main__":
    main()
