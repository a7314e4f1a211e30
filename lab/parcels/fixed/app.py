import json
import logging
import os
import secrets
import time
import uuid
from typing import Any

from flask import Flask, Response, g, jsonify, request, session
from werkzeug.exceptions import HTTPException

from .keyring import carrier_of, clerk_of

log = logging.getLogger("parcels")
log.setLevel(logging.INFO)
log.addHandler(logging.FileHandler(os.environ.get("PARCELS_LOG", "parcels.log")))

app = Flask(__name__, static_folder=None)
app.secret_key = os.environ["PARCELS_SESSION_KEY"]
app.config.update(
    SESSION_COOKIE_NAME="__Host-session",
    SESSION_COOKIE_SECURE=True,
    SESSION_COOKIE_HTTPONLY=True,
    SESSION_COOKIE_SAMESITE="Strict",
    MAX_CONTENT_LENGTH=64 * 1024,
)
PAGES = frozenset({"https://desk.parcels.example"})
BURST, RATE = 120.0, 10.0
LOGIN_BURST, LOGIN_RATE = 10.0, 0.1
buckets: dict[str, tuple[float, float]] = {}

parcels: dict[str, dict[str, Any]] = {
    number: {"tracking": number, "carrier": carrier, "status": status, "to": town, "driver_note": note}
    for number, carrier, status, town, note in [
        ("RX100001", "rapid", "in transit", "Gdansk", "dog, ring twice"),
        ("RX100002", "rapid", "delivered", "Torun", ""),
        ("RX100003", "nordpost", "in transit", "Malmo", "leave with neighbour, he is never in"),
        ("RX100004", "nordpost", "held", "Lund", "customs"),
    ]
}


def no(message: str) -> Response:
    return jsonify(ok=False, error=message)


def yes(data: Any) -> Response:
    return jsonify(ok=True, data=data)


def public(parcel: dict[str, Any]) -> dict[str, Any]:
    return {name: parcel[name] for name in ("tracking", "status", "to")}


def take(who: str, burst: float, rate: float) -> float:
    """Seconds to wait; 0 when there is room."""
    now = time.monotonic()
    left, then = buckets.get(who, (burst, now))
    left = min(burst, left + (now - then) * rate)
    buckets[who] = (left - 1 if left >= 1 else left, now)
    return 0.0 if left >= 1 else (1 - left) / rate


@app.before_request
def admit() -> tuple[Response, int, dict[str, str]] | Response | None:
    g.number, g.caller, g.refused = uuid.uuid4().hex, None, None
    address = request.remote_addr or ""
    wait = take(address, BURST, RATE)
    if not wait and request.method == "POST" and request.path == "/v1/session":
        wait = take("login " + address, LOGIN_BURST, LOGIN_RATE)
    if wait:
        g.refused = "too many"
        return no("too many requests"), 429, {"Retry-After": str(int(wait) + 1)}
    if request.endpoint in {"who_am_i", "log_in", None}:
        return None
    # One place for everything else: a carrier by its key, a clerk by the session.
    g.carrier = carrier_of(request.headers.get("X-Api-Key", ""), address)
    g.clerk = session.get("clerk")
    g.caller = g.carrier or g.clerk
    if g.caller is None:
        g.refused = "key" if "X-Api-Key" in request.headers else "no credential"
        return no("who are you?")
    return None


@app.after_request
def finish(response: Response) -> Response:
    if request.headers.get("Origin") in PAGES:
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        response.headers["Access-Control-Allow-Credentials"] = "true"
    response.vary.add("Origin")
    response.headers["X-Request-Id"] = g.number
    response.headers["Strict-Transport-Security"] = "max-age=31536000"
    log.info(
        json.dumps(
            {
                "time": time.time(),
                "id": g.number,
                "address": request.remote_addr,
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "ok": bool((response.get_json(silent=True) or {}).get("ok")),
                "caller": g.caller,
                "refused": g.refused,
            }
        )
    )
    return response


@app.errorhandler(HTTPException)
def known(error: HTTPException) -> Response:
    return no(error.name.lower())


@app.errorhandler(Exception)
def unknown(error: Exception) -> Response:
    log.exception("request %s failed", g.number)
    return no(f"something broke, ask us about {g.number}")


def seen_by_caller() -> list[dict[str, Any]]:
    return [one for one in parcels.values() if g.clerk or one["carrier"] == g.carrier]


@app.get("/v1/parcels")
def my_parcels() -> Response:
    text = request.args.get("page", "1")
    page = int(text) if text.isdecimal() and 0 < len(text) < 5 else 1
    return yes([public(one) for one in seen_by_caller()[(page - 1) * 20 : page * 20]])


@app.post("/v1/parcels")
def announce() -> Response:
    given = request.get_json()
    if g.carrier is None or set(given) != {"to"} or not isinstance(given["to"], str) or len(given["to"]) > 80:
        return no("a carrier tells where to, and nothing else")
    number = f"RX{secrets.token_hex(8).upper()}"
    parcels[number] = {"tracking": number, "carrier": g.carrier, "status": "announced", "to": given["to"]}
    return yes(public(parcels[number]))


@app.get("/v1/parcels/<tracking>")
def one_parcel(tracking: str) -> Response:
    found = [one for one in seen_by_caller() if one["tracking"] == tracking]
    return yes(public(found[0])) if found else no("no such parcel")


@app.get("/v1/parcels/<tracking>/label")
def label(tracking: str) -> Response:
    found = [one for one in seen_by_caller() if one["tracking"] == tracking]
    return yes({"tracking": tracking, "lines": [found[0]["to"]]}) if found else no("no such parcel")


@app.get("/v1/session")
def who_am_i() -> Response:
    session.setdefault("token", secrets.token_urlsafe(16))
    return yes({"clerk": session.get("clerk")})


@app.post("/v1/session")
def log_in() -> Response:
    form = request.get_json()
    name = clerk_of(str(form.get("name", ""))[:64], str(form.get("password", ""))[:128])
    if name is None:
        g.refused = "login"
        return no("wrong name or password")
    session.clear()
    session["clerk"] = g.caller = name
    return yes({"clerk": name})
