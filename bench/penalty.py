"""What failed proofs cost when more and more addresses fail. `python -m bench.penalty`."""

from __future__ import annotations

import statistics
import time
import tracemalloc

from ninefold.contract.limits import Penalty
from ninefold.guard.penalty import Penalties

ADDRESSES = (1, 100, 10_000, 100_000, 1_000_000)
ROUNDS = 5
OPERATIONS = 20_000


def main() -> None:
    """For each number of addresses, one a line: µs a failure, µs to ask whether one waits, cells, and MB."""
    for count in ADDRESSES:
        tracemalloc.start()
        penalties = Penalties(Penalty())
        for number in range(count):
            for _ in range(6):  # past the free ones, so that each of them waits
                penalties.fail(f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::", f"key {number:012d}", 0.0)
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        held = penalties.held()
        failures, waits = [], []
        for turn in range(ROUNDS):
            names = [f"10.{turn}.{number >> 8}.{number & 255}" for number in range(OPERATIONS)]
            began = time.perf_counter()
            for name in names:
                penalties.fail(name, "key abcdefghijkl", 1.0)
            failures.append((time.perf_counter() - began) / OPERATIONS * 1e6)
            began = time.perf_counter()
            for name in names:
                penalties.wait(name, 1.0)
            waits.append((time.perf_counter() - began) / OPERATIONS * 1e6)
        print(
            f"{count:9} {statistics.median(failures):6.2f} {statistics.median(waits):6.2f} {held:8} {size / 1e6:6.1f}"
        )


if __name__ == "__main__":
    main()
