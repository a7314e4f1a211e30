"""The chain: any change is found, and the first broken record is named; the writer loses nothing that it said is on disk."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ninefold.errors import TrailError
from ninefold.trail.chain import link
from ninefold.trail.event import Event
from ninefold.trail.verify import verify
from ninefold.trail.writer import TrailWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _event(number: int) -> Event:
    return Event(
        time=1e9 + number, id=f"id-{number}", outcome="admitted", method="GET", path=f"/things/{number}", status=200
    )


def _write(path: Path, count: int) -> None:
    writer = TrailWriter(path)
    _append(writer, count)
    writer.close()


def _append(writer: TrailWriter, count: int) -> None:
    for number in range(count):
        writer.append(_event(number))
    writer.write()


def test_a_whole_trail_holds_and_goes_on_from_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    _write(path, 3)
    _write(path, 2)
    verdict = verify(path)
    assert (verdict.holds, verdict.records, verdict.torn, verdict.cuts) == (True, 7, 0, ())
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert [one["outcome"] for one in records][:5] == ["opened", "admitted", "admitted", "admitted", "resumed"]
    assert path.stat().st_mode & 0o777 == 0o600


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=st.integers(1, 8), how=st.sampled_from(["change", "remove", "swap", "insert", "digest"]))
def test_whatever_is_done_to_a_record_names_the_first_that_does_not_follow(
    tmp_path: Path, record: int, how: str
) -> None:
    path = tmp_path / "trail.jsonl"
    path.unlink(missing_ok=True)
    _write(path, 9)
    lines = path.read_bytes().splitlines(keepends=True)
    expected = record + 1
    if how == "change":
        lines[record] = lines[record].replace(b'"status":200', b'"status":201')
    elif how == "remove":
        del lines[record]
    elif how == "swap":
        lines[record], lines[record + 1] = lines[record + 1], lines[record]
    elif how == "insert":
        lines.insert(record, lines[record])
        expected = record + 2
    else:
        lines[record] = (
            lines[record][:-4] + b"00" + lines[record][-2:]
            if lines[record][-4:-2] != b"00"
            else lines[record][:-4] + b'11"}\n'[-4:]
        )
    path.write_bytes(b"".join(lines))
    verdict = verify(path)
    assert verdict.broken in {expected, expected - 1}
    assert verdict.records == verdict.broken - 1


def test_a_cut_end_is_said_and_is_no_failure_and_the_next_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    _write(path, 5)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    verdict = verify(path)
    assert verdict.holds
    assert verdict.records == 5
    assert verdict.torn > 0
    _write(path, 1)
    verdict = verify(path)
    assert (verdict.holds, verdict.torn, verdict.cuts) == (True, 0, (6,))


def test_a_writer_that_is_killed_leaves_a_trail_that_holds(tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    script = (
        "import sys, pathlib\nfrom ninefold.trail.writer import TrailWriter\nfrom ninefold.trail.event import Event\n"
        "writer = TrailWriter(pathlib.Path(sys.argv[1]))\nnumber = 0\n"
        "while True:\n"
        "    for n in range(50):\n"
        "        writer.append(Event(time=1.0, id=str(number + n), outcome='admitted', method='GET', path='/'))\n"
        "    writer.write()\n    number += 50\n    print(number, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    acknowledged = 0
    for line in process.stdout:
        acknowledged = int(line)
        if acknowledged >= 500:
            process.send_signal(signal.SIGKILL)
            break
    acknowledged = max([acknowledged, *(int(line) for line in process.stdout if line.endswith("\n"))])
    process.wait()
    process.stdout.close()
    verdict = verify(path)
    assert verdict.holds
    assert verdict.records >= acknowledged + 1


def test_a_full_disk_is_an_error_that_leaves_no_half_batch_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    writer = TrailWriter(path)
    try:
        _append(writer, 1)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, before[1]))
        with pytest.raises(TrailError, match="cannot be written"):
            _append(writer, 50)
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert (verify(path).records, writer.waiting) == (2, 50)
        _append(writer, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
        writer.close()
    verdict = verify(path)
    assert (verdict.holds, verdict.records, verdict.torn) == (True, 53, 0)


def test_a_second_writer_is_turned_away(tmp_path: Path) -> None:
    writer = TrailWriter(tmp_path / "trail.jsonl")
    with pytest.raises(TrailError, match="another gateway"):
        TrailWriter(tmp_path / "trail.jsonl")
    writer.close()


@pytest.mark.parametrize(
    "content", [b"hello\nworld\n", b'{"a":1}\n', b"\x00" * 5000 + b"\n", b"hello", b'{"openapi":"3.1.0"}', b"\0" * 9]
)
def test_a_file_that_is_no_trail_is_not_written_to(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "trail.jsonl"
    path.write_bytes(content)
    with pytest.raises(TrailError, match="cannot be gone on with"):
        TrailWriter(path)
    assert path.read_bytes() == content
    assert not verify(path).holds


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrailError, match="cannot be opened"):
        TrailWriter(tmp_path / "file" / "trail.jsonl")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def _removed(path: Path) -> None:
    path.unlink()


def _replaced(path: Path) -> None:
    copy = path.with_suffix(".copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)


def _emptied(path: Path) -> None:
    os.truncate(path, 0)


def _added_to(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more\n")


@pytest.mark.parametrize("tampered", [_removed, _replaced, _emptied, _added_to])
def test_a_trail_that_somebody_else_touched_is_not_written_on(tmp_path: Path, tampered: Callable[[Path], None]) -> None:
    path = tmp_path / "trail.jsonl"
    writer = TrailWriter(path)
    _append(writer, 3)
    tampered(path)
    found = path.read_bytes() if path.exists() else None
    with pytest.raises(TrailError, match="while it was written"):
        _append(writer, 1)
    assert writer.waiting == 1
    assert (path.read_bytes() if path.exists() else None) == found
    writer.close()


@pytest.mark.parametrize("rest", [b'{"time":12.5,"id', b'{"ti', b'{"time":1.5\0\0\0', b"\0\0"])
def test_what_a_loss_of_power_may_leave_is_cut_and_said(tmp_path: Path, rest: bytes) -> None:
    path = tmp_path / "trail.jsonl"
    _write(path, 2)
    whole = path.read_bytes()
    path.write_bytes(whole + rest)
    assert verify(path).torn == len(rest)
    TrailWriter(path).close()
    assert path.read_bytes().startswith(whole)
    assert (verify(path).holds, len(verify(path).cuts)) == (True, 1)


def test_what_no_loss_of_power_leaves_is_broken_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    _write(path, 2)
    path.write_bytes(path.read_bytes() + b"x" * 100)
    whole = path.read_bytes()
    assert (verify(path).holds, verify(path).broken) == (False, 4)
    with pytest.raises(TrailError, match="cannot be gone on with"):
        TrailWriter(path)
    assert path.read_bytes() == whole


def test_a_record_that_is_no_json_is_broken_however_well_it_is_chained(tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    _write(path, 1)
    lines = path.read_bytes().splitlines()
    last = bytes.fromhex(lines[-1][-66:-2].decode())
    record = b'{"time":1,"cut": nonsense}'
    line = b'%b,"chain":"%b"}\n' % (record[:-1], link(last, record).hex().encode())
    path.write_bytes(path.read_bytes() + line)
    verdict = verify(path)
    assert (verdict.holds, verdict.what) == (False, "it is no JSON")
