"""What a command loads before it does anything: what takes long is loaded when it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Of the audit's help, what only some descriptions, sources, servers or reports need.
_SOME = ("cryptography", "cyclonedx", "graphql", "jinja2", "tree_sitter", "univers")
_AUDIT = ("ninefold.audit", "cvss", "httpcore", "packageurl", "packaging", "rich", *_SOME)


@pytest.mark.parametrize(
    ("command", "none"),
    [
        ([], (*_AUDIT, "ninefold.contract", "ninefold.gateway", "ninefold.keys", "pydantic", "msgspec", "yaml")),
        (["guard"], (*_AUDIT[:5], *_SOME[1:])),
        (["keys"], (*_AUDIT[:5], *_SOME, "ninefold.gateway")),
        (["trail"], (*_AUDIT, "ninefold.gateway")),
        (["contract"], (*_AUDIT, "ninefold.gateway")),
        (["audit"], (*_SOME, "ninefold.gateway", "ninefold.keys")),
        (["hook"], (*_SOME, "ninefold.gateway", "ninefold.keys")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_help_loads_nothing_that_it_does_not_show(command: list[str], none: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ninefold", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "click" in loaded
    assert not {one for one in loaded if any(one == name or one.startswith(f"{name}.") for name in none)}
