"""Watches exchanges that pass an observing guard, for the trail and for a record of what the API's traffic looks like."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from ninefold.audit.inputs.traffic import segments
from ninefold.errors import WriteError
from ninefold.guard.observe import Observing
from ninefold.learn.record import Record, write
from ninefold.learn.sighting import Sighting, body, credentials, names, origins, told

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ninefold.contract.description import Operation
    from ninefold.contract.load import LoadedContract
    from ninefold.guard.guard import Guard
    from ninefold.guard.observe import Tap
    from ninefold.guard.request import Request

#: The first so many bodies of an operation are looked at, then one of so many.
FIRST_BODIES, EVERY = 200, 16
#: How often the record is written, and the operator reminded, in seconds.
SAVE_SECONDS, REMIND_SECONDS = 5.0, 600.0
#: Longest query that is looked at, in bytes.
_LONGEST_QUERY = 8192


def observer_of(guard: Guard, loaded: LoadedContract, path: Path, say: Callable[[str], None], now: float) -> Observer:
    """The observer of a host whose guard observes; it tells the operator. Raises `WriteError` where it cannot record."""
    assert isinstance(guard, Observing)
    say("OBSERVING ONLY: nothing of the contract is enforced; every request goes on, whoever sends it")
    observer = Observer(guard, loaded.description.operations, path, say, now)
    write(path, observer.text())
    say(f"what is seen is recorded in {path}, what the contract would have refused in the trail (outcome `observed`)")
    return observer


class Observer:
    """One for each host. `say` tells the operator."""

    def __init__(
        self,
        guard: Observing,
        operations: Sequence[Operation],
        path: Path,
        say: Callable[[str], None],
        now: float,
    ) -> None:
        self._guard = guard
        self._templates = {one.id: tuple(one.path.strip("/").split("/")) for one in operations if one.path.strip("/")}
        self._path = path
        self._say = say
        self._record = Record()
        self._changed = False
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="record")
        self._saving: Future[None] | None = None
        self._fault = ""
        self._saved = now
        self._reminded = now

    def ended(self, request: Request, status: int, outcome: str, step: str, reason: str) -> tuple[str, str, str]:
        """An exchange is over: its outcome, step and reason for the trail."""
        try:
            would_step, would = self._guard.ended(request, status)
            tap = request.tap
            assert tap is not None
            if request.method == "OPTIONS" and b"access-control-request-method" in request.fields:
                return (
                    outcome,
                    step,
                    reason,
                )  # a browser asks for its page; the API's operations have nothing to do with it
            self._record.add(self._sighting(request, tap, status, would_step, would))
        except Exception as fault:  # noqa: BLE001  # a fault of ours must not cost the API a request
            self._broke(f"{type(fault).__name__} at {request.method} {request.path}")
            return outcome, step, reason
        self._changed = True
        if outcome == "admitted" and would:
            return "observed", would_step, would
        return outcome, step, reason

    def text(self) -> bytes:
        """What the record's file has to say now."""
        return self._record.text()

    def tick(self, now: float) -> None:
        """From time to time: write what is new."""
        if now >= self._reminded + REMIND_SECONDS:
            self._reminded = now
            self._say(f"observing only: nothing is enforced ({self._record.requests} requests so far)")
        if self._changed and now >= self._saved + SAVE_SECONDS and (self._saving is None or self._saving.done()):
            self._saved = now
            self._changed = False
            self._saving = self._executor.submit(self._save, self.text())

    def close(self) -> None:
        """Write what is left."""
        self._executor.shutdown()
        self._save(self.text())
        self._say(f"observed {self._record.requests} requests, recorded in {self._path}")

    def _save(self, text: bytes) -> None:
        try:
            write(self._path, text)
        except WriteError as fault:
            self._broke(str(fault))
        else:
            self._fault = ""

    def _broke(self, why: str) -> None:
        if not self._fault:
            self._say(f"what is observed is not recorded: {why}")
        self._fault = why

    def _sighting(self, request: Request, tap: Tap, status: int, step: str, would: str) -> Sighting:
        plan = tap.plan
        path = self._templates.get(plan.operation) or segments(request.path)
        known = self._record.known(request.method, path)
        looks = known is None or known.looked < FIRST_BODIES or known.requests % EVERY == 0
        query = parse_qsl(request.target.partition(b"?")[2][:_LONGEST_QUERY].decode("latin-1"), keep_blank_values=True)
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.fields.items()]
        asked = credentials(fields, [name for name, _ in query])
        together = ", ".join(sorted(asked)) or "nothing"
        media = request.fields.get(b"content-type", b"").decode("latin-1") if tap.sent else ""
        succeeded = 200 <= status < 400
        origin = request.fields.get(b"origin", b"").decode("latin-1")
        came = body(tap.media.decode("latin-1") if tap.came else "", bytes(tap.came), whole=looks and not tap.came_cut)
        return Sighting(
            request.method,
            path,
            plan.operation,
            1,
            int(looks),
            request.time,
            request.time,
            names(query),
            asked,
            {together: 1},
            {together: 1} if succeeded else {},
            body(media, bytes(tap.sent), whole=looks and not tap.sent_cut),
            {str(status): came} if status else {},
            {tap.caller or tap.subject or "(nobody proven)": 1},
            origins(origin) if succeeded else {},
            {told(f"{step}: {would}"): 1} if would else {},
        )
