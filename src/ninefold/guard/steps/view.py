"""Which view of an answer a caller gets, where not all see the same (`responses.visible_to`, `responses.mask`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.plan import Check, Setting, Step

if TYPE_CHECKING:
    from ninefold.guard.request import Request


def compile_view(setting: Setting) -> Check | None:
    """Puts the plan for the caller's view in the place of the operation's."""
    views = setting.views
    if views is None:
        return None

    def check(request: Request) -> None:
        request.plan = views(request.scopes)

    return check


STEP = Step("view", compile_view, lambda setting: setting.views)
