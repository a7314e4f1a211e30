"""While the keys cannot be read: nothing is let in, or for so long as the contract says what was let in before."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.gateway.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable


class Broken:
    """A ring whose file comes and goes."""

    devices = False

    def __init__(self) -> None:
        self.well = True
        self.holds = 0

    def refresh(self) -> None:
        if not self.well:
            raise OSError("gone")

    verify = refresh

    def hold(self) -> None:
        self.holds += 1


def _watch(stale: float) -> tuple[Watch, Broken, list[str], list[float]]:
    ring, now = Broken(), [0.0]
    said: list[str] = []
    return Watch(ring, stale, said.append, lambda: now[0]), ring, said, now


def test_without_a_stated_age_everything_is_refused_at_once() -> None:
    watch, ring, said, _ = _watch(0.0)
    ring.well = False
    watch.verify()
    assert watch.fault == "the keys cannot be read: gone"
    with pytest.raises(OSError, match="gone"):
        watch.refresh()
    assert ring.holds == 0
    ring.well = True
    watch.verify()
    assert watch.fault == ""
    assert said == ["the keys cannot be read, so every request is refused: gone", "the keys can be read again"]


def test_what_was_read_holds_for_its_age_counted_from_when_it_was_read() -> None:
    watch, ring, said, now = _watch(60.0)
    now[0] = 10.0
    watch.verify()
    ring.well, now[0] = False, 69.0
    watch.refresh()
    assert (watch.fault, ring.holds) == ("", 1)
    now[0] = 70.0
    watch.verify()
    assert watch.fault.startswith("the keys cannot be read")
    with pytest.raises(OSError, match="gone"):
        watch.refresh()
    ring.well = True
    watch.verify()
    assert watch.fault == ""
    assert said == [
        "the keys cannot be read; those that were read before are taken for 1 s more: gone",
        "the keys cannot be read, so every request is refused: gone",
        "the keys can be read again",
    ]


def test_each_outage_has_its_own_age() -> None:
    watch, ring, _, now = _watch(60.0)
    for begins in (0.0, 1000.0):
        now[0] = begins
        ring.well = True
        watch.verify()
        ring.well, now[0] = False, begins + 59.0
        watch.verify()
        assert watch.fault == ""


@pytest.fixture
def away() -> Callable[[Path], Callable[[], None]]:
    """Takes the keys' files away, and gives what puts them back."""

    def take(path: Path) -> Callable[[], None]:
        files = list(path.parent.glob("ninefold-keys.db*"))
        for file in files:
            file.rename(file.with_name(f"away-{file.name}"))

        def back() -> None:
            for file in files:
                file.unlink(missing_ok=True)
                file.with_name(f"away-{file.name}").rename(file)

        return back

    return take


def _until(check: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("how", ["away", "garbage"])
def test_the_store_dies_known_callers_go_on_to_the_stated_age_and_others_are_refused(
    gate: Any, contract: Any, issue: Any, upstream: Any, away: Any, how: str
) -> None:
    path = contract(upstream=upstream.url, keys={"stale": "3s"})
    key, other = issue(path), issue(path)
    running = gate(path)
    assert running.get("/things/1", key)[0] == 200
    back = away(path)
    if how == "garbage":
        (path.parent / "ninefold-keys.db").write_bytes(os.urandom(8192))
    died = time.monotonic()
    _until(lambda: any("taken for" in one for one in running.said))
    assert running.get("/things/1", key)[0] == 200
    assert running.get("/things/1", "nf_test_x_y")[0] == 401, "a malformed key is none, whatever the store would say"
    assert running.get("/things/1", "never-issued-" + "7" * 20)[0] == 503
    _until(lambda: running.get("/things/1", key)[0] == 503)
    assert 2.5 <= time.monotonic() - died < 5.0
    assert running.get("/open")[0] == 503
    back()
    _until(lambda: running.get("/things/1", key)[0] == 200)
    assert running.get("/things/1", other)[0] == 200
    assert running.get("/things/1", "never-issued-" + "7" * 20)[0] == 401


def test_by_default_nobody_is_let_in_while_the_store_is_gone(
    gate: Any, contract: Any, issue: Any, upstream: Any, away: Any
) -> None:
    path = contract(upstream=upstream.url)
    key = issue(path)
    running = gate(path)
    assert running.get("/things/1", key)[0] == 200
    back = away(path)
    _until(lambda: running.get("/things/1", key)[0] == 503)
    back()
    _until(lambda: running.get("/things/1", key)[0] == 200)
