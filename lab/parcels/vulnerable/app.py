import logging
import os
import time
import traceback
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request, session

from .data import carriers, clerks, digest, parcels, runtime

logging.basicConfig(filename=os.environ.get("PARCELS_LOG", "parcels.log"), level=logging.INFO)
log = logging.getLogger(__name__)

# one folder for everything, then the pages find their pictures
app = Flask(__name__, static_folder=str(Path(__file__).parent), static_url_path="")
app.secret_key = "keep-on-trucking"

WINDOW, MOST = 10.0, 200
seen: dict[str, list[float]] = {}


def no(message: str) -> Response:
    return jsonify(ok=False, error=message)


def yes(data: Any) -> Response:
    return jsonify(ok=True, data=data)


@app.before_request
def slow_down() -> tuple[Response, int] | None:
    address = request.headers.get("X-Forwarded-For", request.remote_addr) or ""
    now = time.monotonic()
    hits = seen[address] = [t for t in seen.get(address, []) if now - t < WINDOW]
    hits.append(now)
    if len(hits) > MOST:
        return no("slow down"), 429
    return None


@app.after_request
def cors(response: Response) -> Response:
    if "Origin" in request.headers:
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Access-Control-Allow-Headers"] = "X-Api-Key, Content-Type"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, DELETE"
        if app.config.get("TESTING"):
            response.vary.add("Origin")
    return response


@app.errorhandler(Exception)
def failed(error: Exception) -> Response:
    if getattr(error, "code", 500) == 404:
        return no("no such page")
    return jsonify(ok=False, error=str(error), trace=traceback.format_exc().splitlines())


def carrier() -> str | None:
    key = request.headers.get("X-Api-Key") or request.args.get("api_key", "")
    log.info("api key %s from %s", key, request.remote_addr)
    return carriers.get(key)


@app.get("/v1/parcels")
def my_parcels() -> Response:
    who = carrier()
    if who is None:
        return no("bad key")
    page = int(request.args.get("page", "1"))
    mine = [p for p in parcels.values() if p["carrier"] == who]
    return yes(mine[(page - 1) * 20 : page * 20])


@app.post("/v1/parcels")
def announce() -> Response:
    who = carrier()
    if who is None:
        return no("bad key")
    number = f"RX{100001 + len(parcels)}"
    parcels[number] = {"status": "announced", "carrier": who, **request.get_json(), "tracking": number}
    return yes(parcels[number])


@app.get("/v1/parcels/<tracking>")
def one_parcel(tracking: str) -> Response:
    if carrier() is None:
        return no("bad key")
    if tracking not in parcels:
        return no("no such parcel")
    return yes(parcels[tracking])


@app.get("/v1/parcels/<tracking>/label")
def label(tracking: str) -> Response:
    if tracking not in parcels:
        return no("no such parcel")
    p = parcels[tracking]
    return yes({"tracking": tracking, "lines": [p.get("to", ""), p.get("recipient_phone", "")]})


@app.get("/v1/session")
def who_am_i() -> Response:
    session.setdefault("visits", 0)
    session["visits"] += 1
    return yes({"clerk": session.get("clerk"), "visits": session["visits"]})


@app.post("/v1/session")
def log_in() -> Response:
    form = request.get_json()
    found = clerks.get(form["name"])
    if found is None:
        return no("nobody of that name")
    if found[0] != digest(form["password"]):
        return no("wrong password")
    session["clerk"] = form["name"]
    return yes({"clerk": form["name"]})


@app.get("/v1/desk/parcels")
def desk() -> Response:
    if "clerk" not in session:
        return jsonify(ok=False, reason="login", login="/v1/session")
    return yes(list(parcels.values()))


@app.get("/env")
def env() -> Response:
    return yes(runtime())


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "5000")))
