"""One build under audit: started, given its callers, audited by the command, ended, judged."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from .process import NotRun, Process, free_port
from .score import Green, Row, greens, judge_all
from .servers import LAB, ROOT, Build, Place

if TYPE_CHECKING:
    from .authority import Authority
    from .truth import Truths

LONGEST = 420.0  # seconds for one audit, above its own --time


@dataclass(frozen=True, slots=True)
class Audited:
    """What came of it. `untouched` is whether the database stayed as it was, or nothing where there is none to look at:
    byte for byte without --active, row for row with it.
    """

    title: str
    rows: tuple[Row, ...]
    requests: int
    seconds: float
    exit_code: int
    untouched: bool | None
    active: bool
    greens: tuple[Green, ...]


def audit(build: Build, truths: Truths, authority: Authority, folder: Path, *, active: bool = False) -> Audited:
    """Raises `NotRun`."""
    title = build.title + (" --active" if active else "")
    if missing := [path for path in build.needs if not path.exists()]:
        raise NotRun(f"{missing[0].relative_to(ROOT)} is not there: run `make lab`, which installs it")
    folder.mkdir(parents=True)
    try:
        pair = authority.issue(build.certificate)
    except (OSError, subprocess.SubprocessError, ValueError) as fault:
        raise NotRun(f"no certificate of that kind: {fault}") from None
    place = Place(free_port(), folder, pair)
    place.log.touch()
    start = build.start(place)
    url = f"{'https' if build.tls else 'http'}://127.0.0.1:{place.port}"
    database = folder / build.database if build.database else None
    with Process(start.command, ROOT, start.environment, place.port, folder / "output.txt"):
        with httpx.Client(base_url=url, verify=False, timeout=10) as client:  # noqa: S501 - our own, and bad on purpose
            keys = start.keys + build.callers(client)
        looked = _rows if active else _digest
        before = looked(database)
        report, code, seconds = _run(build, url, keys, start.more, place, authority.path, active=active)
        after = looked(database)
    rows = judge_all(title, truths.builds[build.name], report["outcomes"])
    untouched = None if database is None else before == after
    return Audited(title, rows, report["requests"], seconds, code, untouched, active, greens(title, report, rows))


def _run(
    build: Build, url: str, keys: tuple[str, ...], more: tuple[str, ...], place: Place, authority: Path, *, active: bool
) -> tuple[dict[str, Any], int, float]:
    out = place.folder / "report.json"
    command = [str(Path(sys.executable).with_name("ninefold")), "audit", str(build.description), "--url", url]
    command += ["--source", str(build.source), "--log", str(place.log), "--advisories", str(LAB / "advisories")]
    alerts = place.folder / "alerts.log"  # where alerts would arrive, if any of the servers raised one
    alerts.touch()
    command += ["--alerts", str(alerts), "--alerts-within", "2"]
    command += ["--advisories-max-age", "36500"]  # of the flaws that the servers have, and those do not change
    command += [word for key in keys for word in ("--key", key)]
    command += ["--user", build.user] if build.user else []
    command += more
    if build.tls:
        command += ["--authority", str(authority)]
    if active:
        command.append("--active")
    command += ["--format", "json", "--out", str(out)]
    began = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise NotRun(f"the audit was not done after {LONGEST:.0f} s") from None
    seconds = time.monotonic() - began
    (place.folder / "audit.txt").write_text(done.stdout + done.stderr, "utf-8")
    if not out.exists():
        last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise NotRun(f"the audit ended with exit code {done.returncode} and no report: {last}")
    report: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return report, done.returncode, seconds


def _digest(path: Path | None) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path and path.exists() else ""


def _rows(path: Path | None) -> dict[str, list[str]]:
    """Every table's rows, in an order of their own: what was added and removed again leaves no difference."""
    if path is None or not path.exists():
        return {}
    with closing(sqlite3.connect(path)) as opened:
        tables = [name for (name,) in opened.execute("select name from sqlite_master where type = 'table'")]
        return {one: sorted(map(repr, opened.execute(f'select * from "{one}"'))) for one in tables}  # noqa: S608 - its own names
