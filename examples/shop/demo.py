"""The demo: an insecure shop, audited; the same shop mended and guarded, audited again; both cards side by side.

`make demo`, or `python -m examples.shop.demo [FOLDER]`. Everything listens on this machine's loopback, at free ports, and
ends with this program. Reports go to FOLDER (./demo), and what the servers need to FOLDER/state. Exit code 0: the shop
showed nine signs before and none after, by the same rules.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import ssl
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from examples.shop.child import Child, DemoFailure, command

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping

SHOP = Path(__file__).resolve().parent
ROOT = SHOP.parents[1]

#: Seconds that a command of ninefold may take; an audit takes about five.
PATIENCE = 180.0

#: Keys of the insecure shop, as two of its callers have them.
OLD_KEYS = ("office-1000", "cafe-luna-1002")

#: The web front that `origins` in the contract allows.
FRONT = "https://shop.example.com"


@dataclass(frozen=True)
class Caller:
    """Whoever gets a key of the guard. `customer` is the shop's number for him; 0 is its own office."""

    name: str
    role: str
    customer: int


CALLERS = (Caller("office", "admin", 0), Caller("café Luna", "clerk", 2))


def main() -> None:
    """Run, and end with the exit code: 0, 1 if something was not as it should be, 128 + n after signal n."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo").absolute()
    try:
        with alone(folder):
            run(folder)
    except DemoFailure as fault:
        print(f"\ndemo: {fault}", file=sys.stderr)
        sys.exit(1)
    except OSError as fault:
        print(f"\ndemo: {fault}; is there room, and the right to write, in {folder}?", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _leave(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep a second demo out of `folder` while this one runs."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoFailure(f"another demo runs in {folder}; end it, or give this one a folder of its own") from None
        yield


def run(folder: Path) -> None:
    state = folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(mode=0o700)

    say("1. A roastery's API, written the way many are. Which of the nine signs does it show?")
    with serve("insecure", state) as shop:
        url = address(shop)
        description = SHOP / "insecure" / "openapi.yaml"
        audit(Case("before", "9 of 9 signs", 1, description, url, "insecure", shop.log, OLD_KEYS), folder, shop)

        say("2. What lives in the source is mended there, as the findings say (examples/shop/fixed).")
        print("   One contract closes the rest: examples/shop/contract.yaml.", flush=True)
        contract, secrets, ids = issue(state)
        held = " ".join(f"{ids[one.name]}={one.customer}" for one in CALLERS)
        with (
            serve("fixed", state, {"SHOP_CALLERS": held}) as mended,
            guard(contract, address(mended), state) as guarded,
        ):
            guarded_url = guarded.says(r"listening on (https://\S+)")
            certificate, trail = state / ".ninefold" / "development-cert.pem", state / "ninefold-trail.jsonl"
            say("3. The same audit, of the guarded API.")
            audit(
                Case(
                    "after", "0 of 9 signs", 0, served_description(guarded_url, certificate, state), guarded_url, "fixed",
                    trail, key_files(secrets, state), certificate,
                ),
                folder, mended, guarded,
            )  # fmt: skip
            say("4. Before and after.")
            compare(folder)
            print(f"reports       {shown(folder / 'before.html')}  {shown(folder / 'after.html')}")
            print("the source    diff -u examples/shop/insecure examples/shop/fixed")
            print(f"the trail     ninefold trail verify {shown(trail)}")
            print(f"              {ninefold('trail', 'verify', str(trail))}", end="", flush=True)
            if sys.stdin.isatty() and sys.stdout.isatty():
                invite(url, guarded_url, secrets, certificate)
                stay(shop, mended, guarded)


@dataclass(frozen=True)
class Case:
    """An audit, and how it must end. `name` is that of its reports, `keys` are values of --key."""

    name: str
    verdict: str
    code: int
    description: Path
    url: str
    source: str
    log: Path
    keys: tuple[str, ...]
    authority: Path | None = None


def audit(case: Case, folder: Path, *servers: Child) -> None:
    """Audit, write the reports .html, .json and .txt, and print the card. Raises `DemoFailure` if it ends otherwise."""
    report = folder / f"{case.name}.json"
    report.unlink(missing_ok=True)
    done = _run(
        "audit", str(case.description), "--url", case.url, "--source", str(SHOP / case.source), "--log", str(case.log),
        "--origin", FRONT,
        "--advisories", str(SHOP / "advisories"), "--advisories-max-age", "36500",
        *(part for key in case.keys for part in ("--key", key)),
        *(("--authority", str(case.authority)) if case.authority else ()),
        "--json", str(report), "--html", str(report.with_suffix(".html")), "--out", str(report.with_suffix(".txt")),
    )  # fmt: skip
    for server in servers:
        server.check()
    if done.returncode not in {0, 1, 2} or not report.exists():
        raise DemoFailure(f"`ninefold audit` ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    document = json.loads(report.read_bytes())
    print("\n".join(card(document)))
    print(f"\n{document['verdict']}    (all findings: {shown(report.with_suffix('.txt'))})", flush=True)
    if document["verdict"] != case.verdict or done.returncode != case.code:
        raise DemoFailure(
            f"the {case.source} shop should show {case.verdict} (exit code {case.code}), "
            f"and shows {document['verdict']} (exit code {done.returncode})"
        )


def card(document: Any) -> Iterator[str]:
    """A line a sign, from an audit's JSON."""
    marks = {"shown": ("\u2717 shown", "31"), "clear": ("\u2713 clear", "32"), "unknown": ("? not verified", "33")}
    painted = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for sign in document["signs"]:
        mark, colour = marks[sign["state"]]
        count = sign["findings"]
        told = f"{count} finding{'s' if count != 1 else ''}" if count else ""
        mark = f"\x1b[{colour}m{mark:14}\x1b[0m" if painted else f"{mark:14}"
        yield f"{sign['sign']}  {sign['title']:44} {mark} {told}".rstrip()


def served_description(url: str, certificate: Path, state: Path) -> Path:
    """What the guard serves as the description of the guarded API, in a file."""
    description = state / "openapi.json"
    context = ssl.create_default_context(cafile=certificate)
    try:
        with urllib.request.urlopen(f"{url}/openapi.json", context=context, timeout=10) as answer:
            description.write_bytes(answer.read())
    except urllib.error.URLError as fault:
        raise DemoFailure(f"the guard does not serve its description at {url}/openapi.json: {fault.reason}") from None
    return description


def key_files(secrets: Mapping[str, str], state: Path) -> tuple[str, ...]:
    """Keys as values of --key. In files, because everybody on the machine may read a process's arguments."""
    made = []
    for number, secret in enumerate(secrets.values()):
        file = state / f"key-{number}"
        file.write_text(secret, "utf-8")
        made.append(f"@{file}")
    return tuple(made)


def issue(state: Path) -> tuple[Path, dict[str, str], dict[str, str]]:
    """A key for each caller. Gives the contract (a copy, beside which its keys and its trail are kept), the keys' texts
    and their ids, by the callers' names.
    """
    for name in ("contract.yaml", "guarded.yaml"):
        shutil.copy(SHOP / name, state / name)
    contract = state / "contract.yaml"
    asked = ("--contract", str(contract))
    secrets = {
        one.name: ninefold("keys", "create", *asked, "--role", one.role, "--expires", "1d", "--name", one.name).strip()
        for one in CALLERS
    }
    listed = [json.loads(line) for line in ninefold("keys", "list", *asked, "--json").splitlines()]
    return contract, secrets, {one["name"]: one["id"] for one in listed}


def serve(source: str, state: Path, environment: Mapping[str, str] | None = None) -> Child:
    """The shop in examples/shop/`source`."""
    more = {"SHOP_DATABASE": str(state / f"{source}.db"), **(environment or {})}
    module = ("uvicorn", f"examples.shop.{source}.app:app", "--host", "127.0.0.1", "--port", "0")
    return Child(f"the {source} shop", module, state / f"{source}.log", ROOT, more)


def address(shop: Child) -> str:
    return shop.says(r"running on (http://\S+)")


def guard(contract: Path, upstream: str, state: Path) -> Child:
    module = ("ninefold", "guard", str(contract), "--upstream", upstream, "--listen", "127.0.0.1:0")
    return Child("the guard", module, state / "guard.log", ROOT)


def compare(folder: Path) -> None:
    """Both cards side by side; on a terminal in its width and with its colours."""
    asked = ("compare", str(folder / "before.json"), str(folder / "after.json"))
    done = command(("ninefold", *asked), ROOT, PATIENCE, kept=not sys.stdout.isatty())
    print(done.stdout or "")
    if done.returncode:
        raise DemoFailure(
            f"`ninefold compare` ended with {done.returncode}: {done.stderr or 'a rule did not run again'}"
        )


def ninefold(*arguments: str) -> str:
    """What a command of ninefold prints. Raises `DemoFailure` where it fails."""
    done = _run(*arguments)
    if done.returncode:
        raise DemoFailure(f"`ninefold {' '.join(arguments[:2])}` ended with {done.returncode}: {done.stderr}")
    return done.stdout


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return command(("ninefold", *arguments), ROOT, PATIENCE)


def invite(shop: str, guarded: str, secrets: Mapping[str, str], certificate: Path) -> None:
    """What a person may try."""
    office, luna = (f"-H 'X-API-Key: {secret}'" for secret in secrets.values())
    curl = f"curl -i --cacert {shown(certificate)}"
    say("Both still run. Try them:")
    print(f"""\
  insecure: hashes and card numbers, to everybody
    curl -i {shop}/admin/customers

  guarded: 401 without a key, 200 with the office's, and without hashes and card numbers
    {curl} {guarded}/admin/customers
    {curl} {office} {guarded}/admin/customers

  refused, with café Luna's key: 403 for what is the office's, 404 for another café's order
    {curl} {luna} {guarded}/admin/customers
    {curl} {luna} {guarded}/orders/1

  refused, with the office's key: 403 from a foreign page, 404 for what is not declared
    {curl} {office} -H 'Origin: https://evil.example' {guarded}/orders
    {curl} {office} {guarded}/debug

Ctrl-C ends both.""")


def stay(*children: Child) -> None:
    """Until Ctrl-C. Raises `DemoFailure` if a child ends before."""
    with contextlib.suppress(KeyboardInterrupt):
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        for child in children:
            child.check()
    print()


def shown(path: Path) -> str:
    return os.path.relpath(path)


def say(text: str) -> None:
    print(f"\n{text}\n", flush=True)


if __name__ == "__main__":
    main()
