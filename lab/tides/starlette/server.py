"""Tide tables for everybody, the second edition: the same XML, one path a harbour, a page for whatever is not there."""

import json
import logging
import os
import time
import uuid
from xml.sax.saxutils import escape, quoteattr

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("tides")
logger.setLevel(logging.INFO)
logger.addHandler(logging.FileHandler(os.environ.get("TIDES_LOG", "tides.log")))

HARBOURS = {"bremerhaven": 3.9, "cuxhaven": 3.4, "hamburg": 4.1, "norderney": 2.9}


class Desk:
    """Limits, numbers and writes down every request."""

    def __init__(self, app: ASGIApp, burst: float, rate: float) -> None:
        self.app, self.burst, self.rate = app, burst, rate
        self.left: dict[str, tuple[float, float]] = {}

    def wait(self, address: str) -> float:
        now = time.monotonic()
        left, then = self.left.get(address, (self.burst, now))
        left = min(self.burst, left + (now - then) * self.rate)
        self.left[address] = (left - 1 if left >= 1 else left, now)
        return 0.0 if left >= 1 else (1 - left) / self.rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number, address, status = uuid.uuid4().hex, (scope["client"] or ("unknown", 0))[0], 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["Request-Id"] = number
                headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
            await send(message)

        wait = self.wait(address)
        if wait:
            after = {"Retry-After": str(int(wait) + 1), "Access-Control-Allow-Origin": "*"}
            await Response("<error>too many requests</error>\n", 429, after, "application/xml")(scope, receive, sending)
        else:
            await self.app(scope, receive, sending)
        line = {"time": time.time(), "id": number, "address": address, "method": scope["method"], "status": status}
        logger.info(json.dumps({**line, "path": scope["path"], "caller": "anonymous"}))


def xml(inner: str, status: int = 200) -> Response:
    return Response(f'<?xml version="1.0"?>\n{inner}\n', status, media_type="application/xml")


async def harbours(request: Request) -> Response:
    return xml("<harbours>" + "".join(f"<harbour>{escape(name)}</harbour>" for name in HARBOURS) + "</harbours>")


async def tide(request: Request) -> Response:
    name = request.path_params["harbour"]
    if name not in HARBOURS:
        return xml("<error>no such harbour</error>", 404)
    return xml(f"<tide harbour={quoteattr(name)}><metres>{HARBOURS[name]}</metres></tide>")


async def page(request: Request) -> Response:
    """What one gets for every other path: where the tables are. A page, and so 200."""
    return Response(
        "<!doctype html><title>Tides</title><p>The tables are at <a href=/harbours>/harbours</a>.</p>\n",
        200,
        media_type="text/html",
    )


app = Starlette(
    routes=[
        Route("/harbours", harbours),
        Route("/harbours/{harbour}", tide),
        Route("/{anything:path}", page),
    ],
    middleware=[
        Middleware(Desk, burst=120, rate=10),
        Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET"]),
    ],
)
