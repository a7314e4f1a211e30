"""Writes the docs that are made from the code; `--check` fails where they drifted.

Each page is a line in PAGES: where it goes, and the function that writes it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from ninefold import errors
from ninefold.audit import score as model
from ninefold.audit.asvs import section
from ninefold.audit.signs.order import SIGNS
from ninefold.cli.main import COMMANDS, cli
from ninefold.contract.model import Contract
from ninefold.contract.pending import PENDING
from ninefold.contract.quantity import parse_duration, parse_size

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
            inner.append((f"{shown}{'[]' if _listed(field.annotation) else ''}.", below))
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


def _listed(annotation: Any) -> bool:
    """Whether a section stands there any number of times."""
    return get_origin(annotation) is tuple


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is PydanticUndefined or value is None or isinstance(value, BaseModel):
        return ""
    return f"`{_written(field, value)}`" if value not in ((), {}, "") else "none"


_DURATIONS = (("d", 86400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0), ("ms", 0.001))
_SIZES = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1))


def _written(field: Any, value: Any) -> Any:
    """A value as a contract has it: durations and sizes with a unit."""
    parsers = [getattr(one, "func", None) for one in field.metadata]
    units: Any = _DURATIONS if parse_duration in parsers else _SIZES if parse_size in parsers else ()
    for unit, worth in units:
        if round(value / worth, 6).is_integer() and value >= worth:
            return f"{round(value / worth)}{unit}"
    return "0s" if units is _DURATIONS else value


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
                f"{rule.method.value}, {rule.severity.value}, {rule.confidence.value}; OWASP {rule.owasp}, {rule.cwe}, ASVS {rule.asvs} ({section(rule.asvs)})."
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
        "`ninefold audit` has 0 (clean), 1 (something was found) and 2 (incomplete) beside these; 64 is usage, and 70 a fault of",
        "Ninefold itself, never of the API. `ninefold compare` has 0 and 1, `ninefold replay` 1 where somebody would be refused; `ninefold contract check` has 1 where operations of several",
        "contracts prove callers in different ways, `ninefold keys due` where keys end soon; `ninefold authz explain` has 0 (allowed),",
        "1 (refused) and 2 (it depends on what was not given); see [cli.md](cli.md).",
    ]
    return "\n".join(lines) + "\n"


def score() -> str:
    """How the score is made, with the figures that make it."""
    points = [f"| {one.value} | {number} |" for one, number in model.POINTS.items()]
    caps = [
        f"| {how.value} {one.value} | {cap} | {next(letter for least, letter in model.LETTERS if cap >= least)} |"
        for (one, how), cap in sorted(model.CAPS.items(), key=lambda pair: pair[1])
    ]
    letters = [f"| {letter} | {least} |" for least, letter in model.LETTERS]
    weights = [
        *(f"| {one.value} | x {number:g} |" for one, number in model.SURE.items()),
        *(f"| {one.value} | x {number:g} |" for one, number in model.SEEN.items()),
        f"| about answers alone | x {model.ANSWER:g} |",
        "| shows in n places | x (1 + log2(n) / 4), at most 2 |",
    ]
    return _MADE + _SCORE.format(
        points="\n".join(points), weights="\n".join(weights), caps="\n".join(caps), letters="\n".join(letters),
        answers=", ".join(f"`{one}`" for one in sorted(model.ANSWERS)), suspicion=f"{model.SUSPICION:g}",
        withheld=model.WITHHELD, provisional=model.PROVISIONAL,
    )  # fmt: skip


_SCORE = """# The score

Every audit has a score, 0 to 100, and a letter, for each sign and for the whole; and beside them its *coverage*, without which
neither means anything. [adr/0007-score.md](adr/0007-score.md) says why it is made so.

## From findings to points

A sign begins with 100. Each finding, which is one root cause however many places it shows in, takes

> severity x confidence x method x reach

| severity | points |
|---|---|
{points}

| weight | |
|---|---|
{weights}

Rules about answers alone, by which nobody gets in: {answers}. All others are about what a request can do, and count in full.

The second finding of one rule counts half, the third a third: it is one habit, shown once more. What is suspected takes at most
{suspicion} points of a sign, and of the whole, however much of it there is. Findings that a baseline excuses take nothing, and
are listed. So are notices, which are findings of severity info: they show no sign either.

## Caps

The worst finding bounds its sign, and the whole, whatever else is well.

| with a finding that is | at most | |
|---|---|---|
{caps}

## The whole

The sign that lost most counts in full, the second by half, the third by a third, and so on; good signs do not hide bad ones, and
the whole is never better than the worst sign.

| letter | from |
|---|---|
{letters}

## Coverage

Coverage is the share of the rules that apply that ran to their end, rounded down. A rule applies unless there was nothing of its
kind (no GraphQL, no cookies, no contract); one that was not chosen, lacked what it needs (`--url`, a key), could not be tried, or failed
applies and was not checked.

What was not checked can only lower a score. So a score is what the API has *at best*:

- **-**, withheld (`≤ 82`): coverage is below {withheld} %, or the sign is unknown.
- **B?**, provisional: coverage is below {provisional} %, or a sign is unknown.
- **B**, final: neither.
- **F** is final whatever was checked: nothing makes it better.

Only a final letter is ever shown in green.

## To trace a point

The JSON report lists every charge under `score.charges`: the finding's fingerprint, the points, the product in words, and the cap.
The terminal, the HTML page and the Markdown comment show it with each finding:

```
high 25 x confirmed 1 x live 1 x 4 places 1.50
```

These hold, and are tested with random audits (`tests/audit/test_score.py`): one finding more never raises a score, one less never lowers
it, order does not matter, and every score is within 0 and 100.
"""


PAGES: tuple[tuple[str, Callable[[], str]], ...] = (
    ("docs/contract.md", contract),
    ("docs/rules.md", rules),
    ("docs/cli.md", commands),
    ("docs/exit-codes.md", exit_codes),
    ("docs/score.md", score),
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
