"""What a person sees: a page to log in and allow, and one that says what is wrong. No script, no cookie."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jinja2 import Environment, StrictUndefined

from ninefold.identity.service.exchange import Said

if TYPE_CHECKING:
    from jinja2 import Template


@cache
def _files() -> tuple[Template, str, str]:
    """The template, the style, and what a policy calls that style."""
    here = files("ninefold.identity.service")
    style = (here / "page.css").read_text()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((here / "page.html").read_text())
    return template, style, f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'"


def _said(status: int, action: str, **shown: object) -> Said:
    template, style, digest = _files()
    policy = f"default-src 'none'; style-src {digest}; form-action {action}; frame-ancestors 'none'; base-uri 'none'"
    return Said(
        status,
        {
            "content-type": "text/html; charset=utf-8",
            "content-security-policy": policy,
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
        },
        template.render(style=style, **shown).encode(),
    )


def log_in_page(client: str, scopes: list[str], redirect: str, wrong: str) -> Said:
    """`wrong` says why the last try failed; empty: there was none. The form's answer leads to `redirect`, so it is allowed."""
    parts = urlsplit(redirect)
    goal = f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} else f"{parts.scheme}:"
    # a policy has no form for an IPv6 address (CSP level 3, section 2.3.1)
    source = f"{parts.scheme}:" if ":" in (parts.hostname or "") else goal
    said = _said(
        401 if wrong else 200, f"'self' {source}", client=client, scopes=scopes, goal=goal, wrong=wrong, fault=""
    )
    return Said(said.status, said.fields, said.body, reason=wrong)


def fault_page(fault: str) -> Said:
    """The request cannot be sent back to whoever made it."""
    said = _said(400, "'none'", client="", scopes=[], goal="", wrong="", fault=fault)
    return Said(said.status, said.fields, said.body, reason=fault)
