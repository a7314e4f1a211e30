"""Opening hours over TLS, the same each time; what differs is how the TLS is done. `python -m lab.shelf.server NAME`."""

import json
import logging
import os
import ssl
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

logger = logging.getLogger("hours")
logger.setLevel(logging.INFO)
logger.addHandler(logging.FileHandler(os.environ.get("SHELF_LOG", "shelf.log")))

NAME = sys.argv[1] if len(sys.argv) > 1 else "good"
BURST, RATE = 60.0, 5.0
lock = threading.Lock()
left: dict[str, tuple[float, float]] = {}


def wait_for(address: str) -> float:
    with lock:
        now = time.monotonic()
        tokens, then = left.get(address, (BURST, now))
        tokens = min(BURST, tokens + (now - then) * RATE)
        left[address] = (tokens - 1 if tokens >= 1 else tokens, now)
    return 0.0 if tokens >= 1 else (1 - tokens) / RATE


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        if self.path.partition("?")[0] == "/hours":
            self.answer(200, {"opens": "09:00", "closes": "17:30"})
        else:
            self.answer(404, {"title": "Not found", "status": 404})

    def do_POST(self) -> None:
        self.close_connection = True  # the body is not read
        self.answer(405, {"title": "Only GET", "status": 405})

    do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_POST

    def send_response(self, code: int, message: str | None = None) -> None:
        self.send_response_only(code, message)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """For what the server itself refuses: methods that nobody defined, requests that cannot be parsed."""
        self.close_connection = True
        self.answer(code, {"title": "Refused", "status": code})

    def answer(self, status: int, document: dict[str, object]) -> None:
        wait = wait_for(self.client_address[0])
        if wait:
            status, document = 429, {"title": "Too many requests", "status": 429}
        body = json.dumps(document).encode()
        number = uuid.uuid4().hex
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Request-Id", number)
        if NAME != "no-hsts":
            self.send_header("Strict-Transport-Security", "max-age=31536000")
        if wait:
            self.send_header("Retry-After", str(int(wait) + 1))
        if status == 405:
            self.send_header("Allow", "GET")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        line = {"time": time.time(), "id": number, "address": self.client_address[0], "method": self.command}
        path = getattr(self, "path", "").partition("?")[0]
        logger.info(json.dumps({**line, "path": path, "status": status, "caller": "anonymous"}))

    def log_message(self, format: str, *args: object) -> None:
        """The line above is enough; this one would repeat the query."""


def context(name: str) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if name == "tls10":
        made.set_ciphers("DEFAULT:@SECLEVEL=0")
        made.minimum_version = ssl.TLSVersion.TLSv1
    elif name == "tls11":
        made.set_ciphers("DEFAULT:@SECLEVEL=0")
        made.minimum_version = ssl.TLSVersion.TLSv1_1
    elif name in {"rsa1024", "sha1"}:
        made.set_ciphers("DEFAULT:@SECLEVEL=0")
    made.load_cert_chain(os.environ["SHELF_CERT"], os.environ["SHELF_CERT_KEY"])
    return made


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8443"))), Handler)
    server.socket = context(NAME).wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    main()
