"""What is no operation of the API ends here: unknown paths and methods, paths that can be read in two ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.plan import Check, Setting, Step

if TYPE_CHECKING:
    from ninefold.guard.answer import Answer
    from ninefold.guard.request import Request


def compile_route(setting: Setting) -> Check | None:
    final = setting.final
    if final is None:
        return None

    def check(request: Request) -> Answer:
        del request
        return final

    return check


STEP = Step("route", compile_route, lambda setting: setting.final)
