"""`--alerts`: where the API's alerts arrive, and in how many seconds."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from ninefold.audit.alerts import parse_channel

if TYPE_CHECKING:
    from collections.abc import Callable


def alert_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives `command` the options, and as `alerts` what they come to: a `Channel`, or None."""

    @click.option(
        "--alerts",
        metavar="FILE|listen:PORT",
        help="Where the API's alerts arrive: a file they are appended to, or a port of 127.0.0.1 that takes them by POST.",
    )
    @click.option(
        "--alerts-within",
        "within",
        type=click.IntRange(1, 600),
        default=60,
        show_default=True,
        help="Seconds in which an alert has to arrive.",
    )
    @wraps(command)
    def given(*args: Any, alerts: str | None, within: int, **more: Any) -> Any:
        try:
            channel = parse_channel(alerts, float(within)) if alerts else None
        except ValueError as fault:
            raise click.BadParameter(str(fault), param_hint="--alerts") from None
        return command(*args, alerts=channel, **more)

    return given
