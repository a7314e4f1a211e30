"""A WebSocket's handshake: where a rule allows the upgrade, the application has the connection from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.asgi.scope import shown
from ninefold.guard.answer import Answer
from ninefold.guard.plan import Plan

if TYPE_CHECKING:
    from ninefold.asgi.host import Host
    from ninefold.asgi.protocol import App, Receive, Scope, Send


async def run(host: Host, app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Let it through, or close it."""
    request = host.request(scope)
    decision = await host.decided(request, scope)
    if isinstance(decision, Plan) and b"websocket" in decision.upgrade:
        host.record(request, decision, "admitted", 101)
        await app(shown(scope, request, decision), receive, send)
        return
    plan = decision if isinstance(decision, Plan) else host.plan(request)
    step, reason = "route", "no rule allows the upgrade"
    if isinstance(decision, Answer):
        step, reason = decision.step, decision.reason
    host.record(request, plan, "refused", 403, step, reason)
    await receive()
    await send({"type": "websocket.close", "code": 1008})
