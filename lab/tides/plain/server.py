"""Tide tables for everybody, in XML, as in 2004. Faults come with status 200, as that toolkit did it."""

import json
import logging
import os
import ssl
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape, quoteattr

logger = logging.getLogger("tides")
logger.setLevel(logging.INFO)
logger.addHandler(logging.FileHandler(os.environ.get("TIDES_LOG", "tides.log")))

HARBOURS = {"BRE": "Bremerhaven", "CUX": "Cuxhaven", "HAM": "Hamburg", "NOR": "Norderney"}
TIDES = {
    "BRE": [("00:41", 3.9), ("07:02", 0.4)],
    "CUX": [("01:15", 3.4), ("07:51", 0.5)],
    "HAM": [("04:30", 4.1), ("11:40", 0.2)],
    "NOR": [("23:55", 2.9), ("06:10", 0.5)],
}
ENVELOPE = '<?xml version="1.0" encoding="utf-8"?>\n<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>{}</soap:Body></soap:Envelope>\n'
BURST, RATE = 120.0, 10.0
lock = threading.Lock()
left: dict[str, tuple[float, float]] = {}


def wait_for(address: str) -> float:
    with lock:
        now = time.monotonic()
        tokens, then = left.get(address, (BURST, now))
        tokens = min(BURST, tokens + (now - then) * RATE)
        left[address] = (tokens - 1 if tokens >= 1 else tokens, now)
    return 0.0 if tokens >= 1 else (1 - tokens) / RATE


def fault(text: str) -> str:
    return f"<soap:Fault><faultcode>soap:Client</faultcode><faultstring>{escape(text)}</faultstring></soap:Fault>"


def harbours() -> str:
    inner = "".join(f"<harbour code={quoteattr(code)}>{escape(name)}</harbour>" for code, name in HARBOURS.items())
    return f"<harbours>{inner}</harbours>"


def tides(code: str) -> str:
    if code not in TIDES:
        return fault("no such harbour")
    inner = "".join(f'<tide at="{at}" metres="{height}"/>' for at, height in TIDES[code])
    return f"<tides harbour={quoteattr(code)}>{inner}</tides>"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def version_string(self) -> str:
        return "tides"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/TideService.asmx/Harbours":
            self.answer(200, harbours())
        elif url.path == "/TideService.asmx/Tides":
            self.answer(200, tides(parse_qs(url.query).get("Harbour", [""])[0]))
        else:
            self.answer(200, fault("no such operation"))

    do_HEAD = do_GET

    def do_OPTIONS(self) -> None:
        self.answer(200, "")

    def do_POST(self) -> None:
        self.close_connection = True  # the body is not read
        self.answer(405, fault("this service only reads"))

    do_PUT = do_DELETE = do_PATCH = do_POST

    def answer(self, status: int, inner: str) -> None:
        wait = wait_for(self.client_address[0])
        if wait:
            status, inner = 429, fault("too many requests")
        body = ENVELOPE.format(inner).encode()
        number = uuid.uuid4().hex
        self.send_response(status)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Methods", "GET")
        self.send_header("Strict-Transport-Security", "max-age=31536000")
        self.send_header("X-Request-Id", number)
        self.send_header("X-Tide-Edition", "2025-1")
        if wait:
            self.send_header("Retry-After", str(int(wait) + 1))
        if status == 405:
            self.send_header("Allow", "GET, HEAD, OPTIONS")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        logger.info(
            json.dumps(
                {
                    "time": time.time(),
                    "id": number,
                    "address": self.client_address[0],
                    "method": self.command,
                    "path": urlsplit(self.path).path,
                    "status": status,
                    "fault": "Fault" in inner,
                    "credential": "ignored" if self.headers.get("Authorization") else "none",
                }
            )
        )

    def log_message(self, format: str, *args: object) -> None:
        """The line above is enough; this one would repeat the query."""


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8443"))), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(os.environ["TIDES_CERT"], os.environ["TIDES_CERT_KEY"])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    main()
