"""The guard inside an ASGI application: FastAPI, Starlette, Django, Litestar.

    from ninefold.asgi import Guard

    app = Guard(app, "contract.yaml")

The same guard as in the gateway, the same decisions, the same trail; the server in front (uvicorn, hypercorn) ends TLS
and reads HTTP. `contract.upstream` is not looked at: the application is the upstream.
"""

from ninefold.asgi.middleware import Guard

__all__ = ["Guard"]
