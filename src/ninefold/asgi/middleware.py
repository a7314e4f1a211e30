"""The middleware: an application with a guard around it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ninefold.asgi import websocket
from ninefold.asgi.exchange import Exchange
from ninefold.asgi.host import Host
from ninefold.contract.load import load_contract

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.asgi.protocol import App, Message, Receive, Scope, Send

_log = logging.getLogger("ninefold")


class Guard:
    """ASGI 3 middleware that enforces a contract around `app`.

    Raises `NinefoldError` at once where the contract cannot be kept, so that an application never starts unguarded.
    """

    def __init__(
        self,
        app: App,
        contract: str | Path,
        *,
        say: Callable[[str], None] | None = None,
        observe: str | Path | None = None,
    ) -> None:
        """With `observe`, the file to record in, nothing is enforced (docs/learning.md)."""
        self._app = app
        record = Path(observe) if observe is not None else None
        self._host = Host(load_contract(Path(contract)), say or (lambda text: _log.warning("%s", text)), record)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["type"] == "http":
            await Exchange(self._host, self._app, scope, receive, send).run()
        elif scope["type"] == "websocket":
            await websocket.run(self._host, self._app, scope, receive, send)
        else:
            raise RuntimeError(f"the guard does not know what {scope['type']!r} is, so it stays shut")

    async def close(self) -> None:
        """Write what is left of the trail and let go of the files. The lifespan's end calls it."""
        await self._host.close()

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watched(message: Message) -> None:
            if message["type"] in {"lifespan.shutdown.complete", "lifespan.shutdown.failed"}:
                await self.close()
            await send(message)

        await self._app(scope, receive, watched)
