"""The formats by name. A new one is a module and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.audit.report import github, gitlab, gitlab_sast, html, json_v1, junit, markdown, sarif, terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.finding import Audit

FORMATS: dict[str, Callable[[Audit], str]] = {
    "terminal": terminal.render,
    "json": json_v1.render,
    "sarif": sarif.render,
    "junit": junit.render,
    "html": html.render,
    "markdown": markdown.render,
    "github": github.render,
    "gitlab": gitlab.render,
    "gitlab-sast": gitlab_sast.render,
}
