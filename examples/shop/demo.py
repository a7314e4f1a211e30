"""The demo: an insecure shop, audited; the same shop mended and guarded, audited again; both cards side by side.

Everything runs on this machine's loopback and ends with this program. Run it with `make demo`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

SHOP = Path(__file__).parent
#: Seconds that a server may take to listen, and an audit to end.
PATIENCE, AUDIT = 30.0, 180.0


class DemoFailure(Exception):
    """The demo did not show what it promises; says what happened."""


def main() -> None:
    """Run the demo in ./demo, and end with its exit code."""
    folder = Path.cwd() / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        with contextlib.ExitStack() as stack:
            run(folder, stack)
    except DemoFailure as fault:
        print(f"demo: {fault}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print()


def run(folder: Path, stack: contextlib.ExitStack) -> None:
    say("1. A coffee shop's API, written the way many are. Which of the nine signs does it show?")
    shop, log = serve(SHOP / "insecure", folder, "insecure", stack)
    before = audit(
        folder, "before", str(SHOP / "insecure" / "openapi.yaml"), shop, SHOP / "insecure", log, "--key", "shop-1001"
    )
    if before != "9 of 9 signs":
        raise DemoFailure(f"the insecure shop shows {before}, and not all nine")

    say("2. The source mended where the findings say so (examples/shop/fixed), the rest closed by one contract.")
    mended, _ = serve(SHOP / "fixed", folder, "fixed", stack)
    for name in ("contract.yaml", "guarded.yaml"):
        shutil.copy(SHOP / name, folder / name)
    contract = folder / "contract.yaml"
    key = output("keys", "create", "--contract", str(contract), "--role", "admin", "--expires", "1d", "--name", "demo").strip()
    guarded = guard(contract, mended, folder, stack)
    certificate = folder / ".ninefold" / "development-cert.pem"
    description = folder / "described.json"
    description.write_text(output("contract", "describe", str(contract), "--url", guarded), "utf-8")

    say("3. The same audit, of the guarded API.")
    trail = folder / "ninefold-trail.jsonl"
    after = audit(
        folder, "after", str(description), guarded, SHOP / "fixed", trail,
        "--key", f"header:X-API-Key={key}", "--authority", str(certificate),
    )  # fmt: skip
    say("4. Before and after.")
    done = subprocess.run(ninefold("compare", str(folder / "before.json"), str(folder / "after.json")), check=False)
    print(f"\nReports: {shown(folder / 'before.html')} and {shown(folder / 'after.html')}")
    print(f"The trail of every decision: ninefold trail verify {shown(trail)}")
    if after != "0 of 9 signs" or done.returncode:
        raise DemoFailure(f"the guarded shop shows {after}, or a rule did not run again")
    if sys.stdin.isatty() and sys.stdout.isatty():
        stay(shop, guarded, key, certificate)


def stay(shop: str, guarded: str, key: str, certificate: Path) -> None:
    """Leave both running for a person to try."""
    ca = f"--cacert {shown(certificate)}"
    say("Both are still running. Try them:")
    print(f"  curl {shop}/admin/customers            # insecure: everything, to everybody")
    print(f"  curl {ca} {guarded}/admin/customers    # guarded: 401")
    print(f"  curl {ca} -H 'X-API-Key: {key}' {guarded}/admin/customers    # guarded: what was promised, no more")
    print("\nCtrl-C ends them.")
    threading.Event().wait()


def audit(folder: Path, name: str, description: str, url: str, source: Path, log: Path, *more: str) -> str:
    """Audit, write both reports, and give the last line: `9 of 9 signs`."""
    command = ninefold(
        "audit", description, "--url", url, "--source", str(source), "--log", str(log),
        "--advisories", str(SHOP / "advisories"), "--json", str(folder / f"{name}.json"),
        "--html", str(folder / f"{name}.html"), "--out", str(folder / f"{name}.txt"), *more,
    )  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=AUDIT, check=False)
    if done.returncode not in {0, 1, 2} or not (folder / f"{name}.txt").exists():
        raise DemoFailure(f"the audit ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    lines = (folder / f"{name}.txt").read_text("utf-8").rstrip().splitlines()
    print("\n".join(card(lines)))
    print(f"{lines[-1]}    (all of it: {shown(folder / f'{name}.txt')})")
    return lines[-1]


def card(lines: list[str]) -> list[str]:
    """The nine lines of a terminal report that are its card."""
    return [line for line in lines if line[:1].isdigit() and line[1:3] == "  "]


def serve(source: Path, folder: Path, name: str, stack: contextlib.ExitStack) -> tuple[str, Path]:
    """The shop in `source` on a free port; gives its URL and its log."""
    port = free_port()
    log = folder / f"{name}.log"
    environment = {**os.environ, "SHOP_DATABASE": str(folder / f"{name}.db"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", str(port)]
    child(command, log, stack, cwd=source, env=environment)
    await_port(port, log)
    return f"http://127.0.0.1:{port}", log


def guard(contract: Path, upstream: str, folder: Path, stack: contextlib.ExitStack) -> str:
    """The gateway on a free port; gives its URL."""
    port = free_port()
    log = folder / "guard.log"
    child(ninefold("guard", str(contract), "--upstream", upstream, "--listen", f"127.0.0.1:{port}"), log, stack)
    await_port(port, log)
    return f"https://127.0.0.1:{port}"


def child(command: list[str], log: Path, stack: contextlib.ExitStack, **options: object) -> None:
    """A server that ends when the demo ends."""
    file = stack.enter_context(log.open("wb"))
    process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, **options)  # type: ignore[call-overload]
    stack.callback(end, process)


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def await_port(port: int, log: Path) -> None:
    """Until a server listens, or it is clear that it will not."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise DemoFailure(f"no server came up on port {port}:\n{log.read_text('utf-8', 'replace')}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ninefold(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "ninefold", *arguments]


def output(*arguments: str) -> str:
    done = subprocess.run(ninefold(*arguments), capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise DemoFailure(f"ninefold {arguments[0]} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def shown(path: Path) -> str:
    return os.path.relpath(path)


def say(text: str) -> None:
    print(f"\n{text}\n", flush=True)


if __name__ == "__main__":
    main()
