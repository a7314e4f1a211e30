"""Writes the docs that are made from the code; `--check` fails where they drifted.

Each page is a line in PAGES: where it goes, and the function that writes it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from ninefold import errors
from ninefold.audit.signs.order import SIGNS
from ninefold.cli.main import COMMANDS, cli
from ninefold.contract.model import Contract
from ninefold.contract.pending import PENDING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
_MADE = "<!-- Made by `make docs`; change the code instead. -->\n\n"


def contract() -> str:
    """Every section and field of the contract."""
    lines = [_MADE + "# The contract\n", "One section a sign, every section optional, the defaults the safe choice.\n"]
    _section("", Contract, lines)
    lines += ["\n## Planned, and not enforced yet\n", "A contract that has one of these is refused, never half kept.\n"]
    for path, remedy in PENDING:
        lines.append(f"- `{'.'.join(str(part) for part in path)}`: {remedy}")
    return "\n".join(lines) + "\n"


def _section(prefix: str, model: type[BaseModel], lines: list[str]) -> None:
    inner: list[tuple[str, type[BaseModel]]] = []
    rows = []
    for name, field in model.model_fields.items():
        shown = f"{prefix}{field.alias or name}"
        below = _model(field.annotation)
        if below is not None and below is not model:
            inner.append((f"{shown}.", below))
            rows.append(
                f"| `{shown}` | {_cell(field.description or (below.__doc__ or '').splitlines()[0])} | section |"
            )
        else:
            rows.append(f"| `{shown}` | {_cell(field.description or '')} | {_default(field)} |")
    lines += [
        f"\n## {prefix.rstrip('.') or 'A contract'}\n",
        f"{(model.__doc__ or '').strip()}\n",
        "| field | what | default |",
        "|---|---|---|",
        *rows,
    ]
    for one in inner:
        _section(*one, lines)


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model(one)) is not None), None)


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is PydanticUndefined or value is None or isinstance(value, BaseModel):
        return ""
    return f"`{value}`" if value not in ((), {}) else "none"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def rules() -> str:
    """Every rule of the audit, sign by sign."""
    lines = [_MADE + "# The audit's rules\n"]
    for sign in SIGNS:
        lines.append(f"\n## Sign {sign.number}: {sign.title}\n")
        for rule in sign.rules:
            needs = ", ".join(str(need) for need in rule.needs)
            lines += [
                f"### {rule.id}\n",
                f"**{rule.title}.** {rule.why}\n",
                f"{rule.method.value}, {rule.severity.value}, {rule.confidence.value}; OWASP {rule.owasp}, {rule.cwe}, ASVS {rule.asvs}."
                f" Needs {needs}.\n",
                f"Fix: {rule.remedy}\n",
            ]
            if rule.contract:
                lines += ["In the contract:\n", f"```yaml\n{rule.contract.rstrip()}\n```\n"]
    return "\n".join(lines)


def commands() -> str:
    """The command line's own help."""
    lines = [_MADE + "# The command line\n"]
    context = click.Context(cli, info_name="ninefold", terminal_width=100, max_content_width=100)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        _help(command, context, f"ninefold {name}", lines)
    return "\n".join(lines) + "\n"


def _help(command: click.Command, parent: click.Context, path: str, lines: list[str]) -> None:
    context = click.Context(
        command, info_name=path.rpartition(" ")[2], parent=parent, terminal_width=100, max_content_width=100
    )
    lines += [f"\n## {path}\n", "```", command.get_help(context).rstrip(), "```"]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            _help(below, context, f"{path} {name}", lines)


def exit_codes() -> str:
    """What each exit code says."""
    found: dict[int, list[str]] = {
        0: ["All is well."],
        64: ["The command line is not understood (EX_USAGE)."],
        130: ["Ended by Ctrl-C."],
    }
    for one in vars(errors).values():
        if isinstance(one, type) and issubclass(one, errors.NinefoldError):
            found.setdefault(one.exit_code, []).append((one.__doc__ or "").strip().splitlines()[0])
    lines = [_MADE + "# Exit codes\n", "| code | what |", "|---|---|"]
    lines += [f"| {code} | {'<br>'.join(dict.fromkeys(found[code]))} |" for code in sorted(found)]
    lines += [
        "",
        "`ninefold audit` has 0, 1 (something was found) and 2 (incomplete) beside these, `ninefold compare` 0 and 1; see",
        "[cli.md](cli.md).",
    ]
    return "\n".join(lines) + "\n"


PAGES: tuple[tuple[str, Callable[[], str]], ...] = (
    ("docs/contract.md", contract),
    ("docs/rules.md", rules),
    ("docs/cli.md", commands),
    ("docs/exit-codes.md", exit_codes),
)


def main() -> None:
    check = "--check" in sys.argv[1:]
    drifted = []
    for name, make in PAGES:
        path, text = ROOT / name, make()
        if check and (not path.exists() or path.read_text("utf-8") != text):
            drifted.append(name)
        elif not check:
            path.write_text(text, "utf-8")
    if drifted:
        print(f"out of step with the code: {', '.join(drifted)}; run `make docs`")
        sys.exit(1)


if __name__ == "__main__":
    main()
