"""What stands before every operation: an id, a limit, a line in the log."""

import json
import logging
import os
import time
import uuid
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

handler = logging.FileHandler(os.environ.get("CLINIC_LOG", "clinic.log"))
handler.setFormatter(logging.Formatter("%(message)s"))
logger = logging.getLogger("clinic")
logger.addHandler(handler)
logger.setLevel(logging.INFO)


class Bucket:
    """So many at once, so many a second after that, for each address."""

    def __init__(self, burst: int, rate: float) -> None:
        self.burst, self.rate = burst, rate
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, who: str) -> float:
        """Seconds to wait; 0 when there is room."""
        now = time.monotonic()
        left, then = self._left.get(who, (float(self.burst), now))
        left = min(float(self.burst), left + (now - then) * self.rate)
        if left < 1:
            self._left[who] = (left, now)
            return (1 - left) / self.rate
        self._left[who] = (left - 1, now)
        return 0


def problem(status: int, title: str, **fields: str) -> JSONResponse:
    return JSONResponse(
        {"type": "about:blank", "title": title, "status": status}, status, fields, "application/problem+json"
    )


def install(app: FastAPI, everything: Bucket, logins: Bucket) -> None:
    @app.middleware("http")
    async def around(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        number = uuid.uuid4().hex
        request.state.caller = None
        address = request.client.host if request.client else "unknown"
        wait = everything.take(address)
        if not wait and request.url.path == "/auth/token":
            wait = logins.take(address)
        if wait:
            response: Response = problem(429, "Too many requests", **{"Retry-After": str(int(wait) + 1)})
        else:
            try:
                response = await call_next(request)
            except Exception:
                logger.exception(json.dumps({"id": number, "path": request.url.path}))
                response = problem(500, "Internal error")
        response.headers["X-Request-ID"] = number
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
        response.headers["Cache-Control"] = "no-store"
        logger.info(
            json.dumps(
                {
                    "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                    "id": number,
                    "address": address,
                    "method": request.method,
                    "path": request.url.path,
                    "status": response.status_code,
                    "caller": request.state.caller,
                    "refused": getattr(request.state, "refused", None),
                }
            )
        )
        return response
