"""A burst of refused credentials, of which somebody hears or nobody does."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.audit.test_alerts import free_port

from ninefold.audit import alarm
from ninefold.audit.alarm import BURST, burst_unnoticed
from ninefold.audit.alerts import Channel, opened
from ninefold.audit.answer import Ask
from ninefold.audit.finding import Confidence, Exchange
from ninefold.audit.probe import Limits
from ninefold.audit.rule import Untried
from ninefold.audit.run import audit
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ninefold.audit.target import Target

_DOCUMENT: dict[str, Any] = {
    "security": [{"key": []}],
    "paths": {"/orders": {"get": {"operationId": "orders", "responses": {"200": {"description": "d"}}}}},
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}},
}
KEY = "k-4b1f0c6a9d2e"


def guarded(
    heard: Callable[[Any, int], None], *, polite: bool = False
) -> Callable[[Any], tuple[int, dict[str, str], bytes]]:
    """An API with one key. `heard(request, n)` is called at the n-th refusal; `polite`: it refuses with status 200."""
    refusals = 0

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        nonlocal refusals
        if request.headers.get("X-API-Key") == KEY:
            return 200, {}, b'{"ok": true, "items": [{"id": 1}]}'
        refusals += 1
        heard(request, refusals)
        return (200, {}, b'{"ok": false, "code": 401}') if polite else (401, {}, b'{"error": "no"}')

    return api


@pytest.fixture
def watched(serve: Any, live: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Target]]:
    """`watched(api, channel)`: a target with alerts; it ends with the test."""
    monkeypatch.setattr(alarm, "QUIET", 0.2)
    with ExitStack() as stack:

        def build(
            api: Any, channel: Channel, document: Any = _DOCUMENT, keys: tuple[str, ...] = (KEY,), **more: Any
        ) -> Target:
            alerts = stack.enter_context(opened(channel, time.time()))
            built: Target = live(serve(api), document, *keys, alerts=alerts, **more)
            return built

        yield build


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "alerts.jsonl"
    path.touch()
    return path


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as held:
        held.write(f"{text}\n")


def send(port: int, text: str) -> None:
    urllib.request.urlopen(f"http://127.0.0.1:{port}/hook", text.encode(), 5).close()


def nothing(request: Any, number: int) -> None:
    """Nobody hears."""


@pytest.mark.parametrize("polite", [False, True])
def test_where_alerts_came_before_silence_is_confirmed(watched: Any, file: Path, polite: bool) -> None:
    append(file, '{"alert": "HighLatency", "at": "yesterday"}')
    (seen,) = burst_unnoticed(watched(guarded(nothing, polite=polite), Channel(file, 0, 0.2))).seen
    assert seen.confidence is None
    assert f"{BURST} ({200 if polite else 401} x {BURST})" in seen.detail
    roles = [one.role for one in seen.evidence if isinstance(one, Exchange)]
    assert roles == ["baseline", "attack", "control", "repeat"]
    assert "HighLatency" in str(seen.evidence[4])
    assert seen.place.file == str(file)


def test_where_nothing_ever_came_silence_is_suspected(watched: Any, file: Path) -> None:
    (seen,) = burst_unnoticed(watched(guarded(nothing), Channel(file, 0, 0.2))).seen
    assert seen.confidence is Confidence.SUSPECTED
    assert "wrong place" in seen.detail


def test_a_heartbeat_is_no_alert_and_shows_that_the_port_is_the_right_one(watched: Any) -> None:
    port = free_port()
    target = watched(guarded(nothing), Channel(None, port, 0.4))
    over = threading.Event()

    def beat() -> None:
        at = 0
        while not over.wait(0.05):
            send(port, json.dumps({"alertname": "Watchdog", "at": (at := at + 1)}))

    send(port, '{"alertname": "Watchdog", "at": 0}')
    beats = threading.Thread(target=beat)
    beats.start()
    try:
        (seen,) = burst_unnoticed(target).seen
    finally:
        over.set()
        beats.join()
    assert seen.confidence is None
    assert seen.place.url == f"http://127.0.0.1:{port}"


def test_an_alert_that_names_the_caller_will_do(watched: Any, file: Path) -> None:
    def heard(request: Any, number: int) -> None:
        if number % 20 == 0:
            append(file, json.dumps({"rule": "bruteforce", "source": request.client_address[0], "count": number}))

    looked = burst_unnoticed(watched(guarded(heard), Channel(file, 0, 5.0)))
    assert looked.at == 1
    assert looked.seen == ()
    assert "it names them" in looked.note


def test_an_alert_that_comes_late_and_names_nobody_is_judged_by_the_time(watched: Any) -> None:
    port = free_port()
    late: list[threading.Timer] = []

    def heard(request: Any, number: int) -> None:
        if number == 30:
            late.append(threading.Timer(0.8, send, (port, "page: orders-api is unwell")))
            late[0].start()

    looked = burst_unnoticed(watched(guarded(heard), Channel(None, port, 10.0)))
    late[0].join()
    assert looked.seen == ()
    assert "judged by the time" in looked.note


def test_an_alert_among_others_is_told_by_what_it_speaks_of(watched: Any, file: Path) -> None:
    def heard(request: Any, number: int) -> None:
        if number == 40:
            append(file, "ALERT unusual number of failed requests without valid credentials")

    target = watched(guarded(heard), Channel(file, 0, 5.0))
    append(file, "ALERT disk is at 81 %")
    assert burst_unnoticed(target).seen == ()


def test_what_comes_every_day_is_no_alert_of_the_burst(watched: Any, file: Path) -> None:
    append(file, "ALERT backup 4711 of shop is done")

    def heard(request: Any, number: int) -> None:
        if number == 40:
            append(file, "ALERT backup 4712 of shop is done")

    (seen,) = burst_unnoticed(watched(guarded(heard), Channel(file, 0, 0.3))).seen
    assert seen.confidence is None


def test_one_that_might_be_of_anything_among_others_settles_nothing(watched: Any, file: Path) -> None:
    def heard(request: Any, number: int) -> None:
        if number == 40:
            append(file, "ALERT certificate of shop ends in 9 days")

    target = watched(guarded(heard), Channel(file, 0, 0.3))
    append(file, "ALERT disk is at 81 %")
    with pytest.raises(Untried, match="which one it raised is not known"):
        burst_unnoticed(target)


def test_an_alert_that_came_earlier_and_holds_back_others_is_heard_too(watched: Any, file: Path) -> None:
    def heard(request: Any, number: int) -> None:
        if number == 3:
            append(file, f"3 refused keys from {request.client_address[0]}, quiet for an hour")

    target = watched(guarded(heard), Channel(file, 0, 5.0))
    for _ in range(3):
        target.probe.send(Ask("GET", "/orders"))
    looked = burst_unnoticed(target)
    assert looked.seen == ()
    assert "before the burst" in looked.note


def test_one_that_came_earlier_and_names_nobody_settles_nothing(watched: Any, file: Path) -> None:
    target = watched(guarded(nothing), Channel(file, 0, 0.2))
    append(file, "too many failed log-ins")
    with pytest.raises(Untried, match="hold back another"):
        burst_unnoticed(target)


def test_a_log_of_every_request_is_no_place_for_alerts(watched: Any, file: Path) -> None:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        append(file, f"{request.client_address[0]} GET {request.path} {request.headers.get('X-Request-Id')}")
        return guarded(nothing)(request)

    with pytest.raises(Untried, match="it is a log"):
        burst_unnoticed(watched(api, Channel(file, 0, 0.3)))


def test_a_log_of_refusals_is_no_alert(watched: Any, file: Path) -> None:
    def heard(request: Any, number: int) -> None:
        append(file, f"refused {request.headers.get('X-Request-Id')} from {request.client_address[0]}")

    with pytest.raises(Untried, match="a log of them"):
        burst_unnoticed(watched(guarded(heard), Channel(file, 0, 0.3)))


def test_where_nothing_is_refused_there_is_nothing_to_hear(watched: Any, file: Path) -> None:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b"{}"

    with pytest.raises(Untried, match="needs a credential"):
        burst_unnoticed(watched(api, Channel(file, 0, 0.2)))


def test_where_wrong_keys_are_served_no_burst_is_made(watched: Any, file: Path) -> None:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        known = request.headers.get("X-API-Key")
        return (200, {}, b'{"items": []}') if known else (401, {}, b'{"error": "no"}')

    with pytest.raises(Untried, match="not refused"):
        burst_unnoticed(watched(api, Channel(file, 0, 0.2)))


def test_calls_that_were_throttled_at_once_were_not_looked_at(watched: Any, file: Path) -> None:
    count = 0

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        nonlocal count
        if request.headers.get("X-API-Key") == KEY:
            return 200, {}, b'{"items": [{"id": 1}]}'
        count += 1
        return (401, {}, b'{"error": "no"}') if count < 10 else (429, {"Retry-After": "9"}, b'{"error": "slow"}')

    with pytest.raises(Untried, match="too few"):
        burst_unnoticed(watched(api, Channel(file, 0, 0.2)))


def test_no_secret_of_the_audit_reaches_the_evidence(watched: Any, file: Path) -> None:
    append(file, f"old alert with {KEY}")
    (seen,) = burst_unnoticed(watched(guarded(nothing), Channel(file, 0, 0.2))).seen
    assert KEY not in str(seen)
    assert "nf-bogus-" not in str(seen.evidence)


def test_no_other_burst_spends_what_it_needs(watched: Any, file: Path) -> None:
    append(file, "ALERT backup of shop is done")
    target = watched(guarded(nothing), Channel(file, 0, 0.2), limits=Limits(budget=260, rate=1000.0))
    rules = [one for one in RULES if one.id in {"limits-burst", "limits-guessing", "monitoring-no-alert"}]
    done = audit(target, rules)
    assert [one.rule for one in done.findings if one.sign == 8] == ["monitoring-no-alert"]
    assert target.probe.reserve == 0
