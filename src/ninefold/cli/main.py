"""`ninefold`: the commands, each loaded only when it is called."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from importlib import import_module

import click

from ninefold.cli.screen import printable
from ninefold.errors import NinefoldError

#: Each command and its one line of help; `ninefold.cli.<name>.command` is the command itself.
COMMANDS = {
    "contract": "Draft, check and describe the security contract of an API.",
    "audit": "Find which of the nine signs an API shows, with proof.",
    "hook": "What a commit hook runs: audit the descriptions among some files.",
    "advisories": "Get, import and show what is known about packages.",
    "sbom": "Write the bill of materials of a source tree (CycloneDX).",
    "compare": "Two audits side by side: before and after.",
    "guard": "Enforce a contract in front of an API.",
    "schema": "Explain what becomes of each body and parameter of a description.",
    "learn": "Propose what a description lacks, from what was seen.",
    "replay": "List the callers that a contract would break, from a log.",
    "authz": "Explain who may do what, and what of it nobody uses.",
    "keys": "Create, import, list, rotate and revoke API keys.",
    "tokens": "Revoke tokens before they expire, and list what was revoked.",
    "trail": "Read the trail, and verify that nobody changed it.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"ninefold.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ninefold")
def cli() -> None:
    """One security contract per API: audit it, guard it, and keep a trail that proves it."""


def main() -> None:
    """Run the command line. Every error ends as one clear message and its own exit code (docs/exit-codes.md)."""
    try:
        code = cli(
            prog_name="ninefold", standalone_mode=False
        )  # click gives back the code of `ctx.exit` here, it does not raise it
    except NinefoldError as fault:
        click.echo(f"ninefold: {printable(str(fault))}", err=True)
        sys.exit(fault.exit_code)
    except click.ClickException as fault:
        fault.show()
        sys.exit(64)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        # whoever read it has seen enough; what Python still holds back for him is let go of
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as fault:  # noqa: BLE001  # whatever it is, a person is told what to do, and not a traceback
        sys.exit(_unexpected(fault))
    sys.exit(code or 0)


def _unexpected(fault: Exception) -> int:
    """Tell of what nobody foresaw. Gives the exit code."""
    if isinstance(fault, OSError) and fault.errno is not None:
        where = f" {fault.filename}" if fault.filename else ""
        click.echo(f"ninefold: the system refused{printable(where)}: {fault.strerror}", err=True)
        return 73 if fault.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS} else 66
    if os.environ.get("NINEFOLD_DEBUG"):
        traceback.print_exception(fault)
    what = f"{type(fault).__name__}: {printable(str(fault))[:200]}"
    click.echo(f"ninefold: a fault of its own ({what})", err=True)
    click.echo("  fix: please report it; NINEFOLD_DEBUG=1 shows where it was", err=True)
    return 70
