"""Run the lab: `python -m lab [BUILD ...]`, where BUILD is the beginning of a name such as clinic or wiki/fixed."""

from __future__ import annotations

import argparse
import datetime as dt
import signal
import sys
import tempfile
from pathlib import Path

from .audit import Audited, audit
from .authority import Authority
from .process import NotRun
from .report import page
from .score import Verdict, tally
from .servers import BUILDS, ROOT
from .truth import Truths, parse, rule_ids

PAGE = ROOT / "docs" / "lab.md"


def truths(rules: tuple[str, ...]) -> dict[str, Truths]:
    """Of every server. Raises `TruthFault`."""
    paths = {build.server: build.truth for build in BUILDS}
    return {
        server: parse(path.read_text("utf-8"), rules, str(path.relative_to(ROOT))) for server, path in paths.items()
    }


def main() -> int:
    options = argparse.ArgumentParser(prog="lab", description=__doc__)
    options.add_argument("names", nargs="*", metavar="BUILD", help="only these; then the page is not written")
    options.add_argument("--keep", type=Path, help="leave reports and logs in this new folder")
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server that runs is ended too
    rules = rule_ids((ROOT / "docs" / "rules.md").read_text("utf-8"))
    known = truths(rules)
    chosen = [one for one in BUILDS if not given.names or one.title.startswith(tuple(given.names))]
    audits: list[Audited] = []
    not_run: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="ninefold-lab-") as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        authority = Authority(folder, dt.datetime.now(dt.UTC))
        for build in chosen:
            for active in (False, True) if build.active else (False,):
                title = build.title + (" --active" if active else "")
                try:
                    one = audit(build, known[build.server], authority, folder / title.replace(" ", ""), active=active)
                except NotRun as reason:
                    not_run[title] = str(reason)
                    print(f"{title:28} NOT RUN: {reason}", flush=True)
                    continue
                audits.append(one)
                show(one)
    beyond = {build.title: known[build.server].beyond[build.name] for build in chosen}
    if not given.names:
        PAGE.write_text(page(audits, rules, not_run, beyond), "utf-8")
        print(f"{PAGE.relative_to(ROOT)} is written.")
    return 1 if not_run or any(one.untouched is False for one in audits) else 0


def show(one: Audited) -> None:
    sums = tally(one.rows)
    kept = "rows as before" if one.active else "database untouched"
    touched = {None: "", True: f", {kept}", False: ", DATABASE CHANGED"}[one.untouched]
    print(
        f"{one.title:28} {sums.hits.total():2} of {sums.shown:2} found, {sums.alarms.total()} false, {sums.missed} missed,"
        f" {sums.unchecked} not checked, {one.requests} requests, {one.seconds:.1f} s{touched}",
        flush=True,
    )
    for row in one.rows:
        if row.verdict in {Verdict.FALSE_POSITIVE, Verdict.FALSE_NEGATIVE, Verdict.MISPLACED}:
            print(
                f"    {row.verdict}: {row.rule}{' (' + row.confidence + ')' if row.confidence else ''} {row.says[:140]}"
            )


if __name__ == "__main__":
    sys.exit(main())
