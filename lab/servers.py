"""The lab's servers: how each build is started, and who its two callers are."""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .process import NotRun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import httpx

    from .authority import Pair

LAB = Path(__file__).resolve().parent
ROOT = LAB.parent


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is started: its port, a folder of its own for data and log, and its certificate."""

    port: int
    folder: Path
    pair: Pair

    @property
    def log(self) -> Path:
        return self.folder / "server.log"


@dataclass(frozen=True, slots=True)
class Start:
    """How to start a server there. `keys` are what `ninefold audit --key` is given before it logs anybody in, `more` is what
    else it is given.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    keys: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


def nobody(client: httpx.Client) -> tuple[str, ...]:
    """No credentials: the API is public, or the start made them."""
    del client
    return ()


@dataclass(frozen=True, slots=True)
class Build:
    """One build of a server. `database` is the file, in its folder, that an audit without --active may not change.

    `user` is the name of an account of it, for `--user`.
    """

    server: str
    name: str
    source: Path
    start: Callable[[Place], Start]
    callers: Callable[[httpx.Client], tuple[str, ...]] = nobody
    tls: bool = True
    certificate: str = "good"
    database: str = ""
    needs: tuple[Path, ...] = field(default=())
    active: bool = False
    user: str = ""

    @property
    def title(self) -> str:
        return f"{self.server}/{self.name}"

    @property
    def truth(self) -> Path:
        return LAB / self.server / "truth.yaml"

    @property
    def description(self) -> Path:
        return self.source / "openapi.yaml"


def token(client: httpx.Client, path: str, body: object, *members: str) -> str:
    """Log in and take the token out of the answer. Raises `NotRun`."""
    answer = client.post(path, json=body)
    found = answer.json() if answer.status_code < 300 else {}
    for name in members:
        found = found.get(name) or {} if isinstance(found, dict) else {}
    if not isinstance(found, str):
        raise NotRun(f"no credentials: POST {path} answered {answer.status_code}")
    return found


# --- the clinic


def clinic_vulnerable(place: Place) -> Start:
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "lab.clinic.vulnerable.app:app",
        "--no-access-log",
        "--port",
        str(place.port),
    ]
    return Start(command, {"CLINIC_DB": str(place.folder / "clinic.sqlite3"), "CLINIC_LOG": str(place.log)})


def clinic_fixed(place: Place) -> Start:
    command = [sys.executable, "-m", "uvicorn", "lab.clinic.fixed.app:app", "--no-access-log", "--no-server-header"]
    command += ["--no-proxy-headers", "--port", str(place.port)]
    command += ["--ssl-certfile", str(place.pair.certificate), "--ssl-keyfile", str(place.pair.key)]
    patients = [
        ["mira", "Mira Okafor", "tulips-in-may", "patient"],
        ["tomas", "Tomas Lindqvist", "northwind77", "patient"],
        ["desk", "Front desk", secrets.token_urlsafe(12), "staff"],
    ]
    return Start(
        command,
        {
            "CLINIC_DB": str(place.folder / "clinic.sqlite3"),
            "CLINIC_LOG": str(place.log),
            "CLINIC_FIRST_PATIENTS": json.dumps(patients),
            "CLINIC_LINK_SECRET": secrets.token_hex(32),
        },
    )


def clinic_callers(client: httpx.Client) -> tuple[str, ...]:
    return tuple(
        "bearer:" + token(client, "/auth/token", {"username": name, "password": password}, "access_token")
        for name, password in (("mira", "tulips-in-may"), ("tomas", "northwind77"))
    )


# --- parcels


def parcels_vulnerable(place: Place) -> Start:
    return Start(
        [sys.executable, "-m", "lab.parcels.vulnerable.app"],
        {"PORT": str(place.port), "PARCELS_LOG": str(place.log)},
        ("header:X-Api-Key=PT-000041", "header:X-Api-Key=PT-000042"),
    )


def parcels_fixed(place: Place) -> Start:
    texts = [f"pk_{secrets.token_urlsafe(32)}" for _ in range(3)]
    keys = [
        {
            "digest": hashlib.sha256(text.encode()).hexdigest(),
            "carrier": carrier,
            "addresses": ["127.0.0.1"],
            "expires": time.time() + days * 86400,
        }
        for text, carrier, days in zip(texts, ("rapid", "nordpost", "rapid"), (90, 90, -1), strict=True)
    ]
    ring = place.folder / "keys.json"
    ring.write_text(json.dumps(keys), "utf-8")
    salt = secrets.token_bytes(16)
    hashed = hashlib.scrypt(secrets.token_bytes(16), salt=salt, n=2**14, r=8, p=1)
    clerks = place.folder / "clerks.json"
    clerks.write_text(json.dumps([{"name": "olga", "salt": salt.hex(), "scrypt": hashed.hex()}]), "utf-8")
    command = [sys.executable, "-m", "gunicorn", "lab.parcels.fixed.app:app", "--bind", f"127.0.0.1:{place.port}"]
    command += ["--threads", "8", "--certfile", str(place.pair.certificate), "--keyfile", str(place.pair.key)]
    command += ["--no-control-socket"]
    environment = {
        "PARCELS_KEYS": str(ring),
        "PARCELS_CLERKS": str(clerks),
        "PARCELS_LOG": str(place.log),
        "PARCELS_SESSION_KEY": secrets.token_hex(32),
        "SERVER_SOFTWARE": "",
    }
    *good, old = (f"header:X-Api-Key={text}" for text in texts)
    return Start(command, environment, tuple(good), ("--expired-key", old))


# --- tides


def tides_plain(place: Place) -> Start:
    environment = {"PORT": str(place.port), "TIDES_LOG": str(place.log)}
    environment |= {"TIDES_CERT": str(place.pair.certificate), "TIDES_CERT_KEY": str(place.pair.key)}
    return Start([sys.executable, "-m", "lab.tides.plain.server"], environment)


def tides_starlette(place: Place) -> Start:
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "lab.tides.starlette.server:app",
        "--no-access-log",
        "--no-server-header",
    ]
    command += ["--no-proxy-headers", "--port", str(place.port)]
    command += ["--ssl-certfile", str(place.pair.certificate), "--ssl-keyfile", str(place.pair.key)]
    return Start(command, {"TIDES_LOG": str(place.log)})


# --- the wiki


def scrypt(password: str) -> dict[str, str]:
    salt = secrets.token_bytes(16)
    made = hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)
    return {"salt": salt.hex(), "hash": made.hex()}


WRITERS = (("noor@wiki.example", "paper-kites"), ("emil@wiki.example", "goose-step-9"))


def wiki_vulnerable(place: Place) -> Start:
    environment = {"PORT": str(place.port), "WIKI_LOG": str(place.log)}
    return Start(["node", str(LAB / "wiki/vulnerable/index.js")], environment)


def wiki_fixed(place: Place) -> Start:
    users = [
        {"id": number, "name": email.split("@")[0].title(), "email": email, "role": role, **scrypt(password)}
        for number, (email, password, role) in enumerate(
            [(*one, "member") for one in WRITERS] + [("root@wiki.example", secrets.token_urlsafe(12), "admin")], 1
        )
    ]
    people = place.folder / "users.json"
    people.write_text(json.dumps(users), "utf-8")
    environment = {
        "PORT": str(place.port),
        "NODE_ENV": "production",
        "WIKI_LOG": str(place.log),
        "WIKI_JWT_SECRET": secrets.token_hex(32),
        "WIKI_USERS": str(people),
        "WIKI_CERT": str(place.pair.certificate),
        "WIKI_CERT_KEY": str(place.pair.key),
    }
    return Start(["node", str(LAB / "wiki/fixed/index.js")], environment)


def wiki_callers(client: httpx.Client) -> tuple[str, ...]:
    return tuple(
        "bearer:" + token(client, "/login", {"email": email, "password": password}, "token")
        for email, password in WRITERS
    )


# --- the tool library


def loans_vulnerable(place: Place) -> Start:
    environment = {"PORT": str(place.port), "LOANS_LOG": str(place.log)}
    return Start(["node", str(LAB / "loans/vulnerable/server.mjs")], environment)


def loans_vulnerable_callers(client: httpx.Client) -> tuple[str, ...]:
    queries = [
        f'mutation {{ login(name: "{name}", pin: "{pin}") }}' for name, pin in (("Petra", "4821"), ("Ravi", "1177"))
    ]
    return tuple("header:X-Auth-Token=" + token(client, "/graphql", {"query": one}, "data", "login") for one in queries)


PHRASES = (("Petra", "seven green ladders"), ("Ravi", "a drill for sunday"))


def loans_fixed(place: Place) -> Start:
    members = [
        {"id": str(number), "name": name, "phone": "", **scrypt(phrase)}
        for number, (name, phrase) in enumerate(PHRASES, 1)
    ]
    people = place.folder / "members.json"
    people.write_text(json.dumps(members), "utf-8")
    environment = {
        "PORT": str(place.port),
        "NODE_ENV": "production",
        "LOANS_LOG": str(place.log),
        "LOANS_MEMBERS": str(people),
        "LOANS_CERT": str(place.pair.certificate),
        "LOANS_CERT_KEY": str(place.pair.key),
    }
    return Start(["node", str(LAB / "loans/fixed/server.mjs")], environment)


def loans_fixed_callers(client: httpx.Client) -> tuple[str, ...]:
    return tuple(
        "bearer:" + token(client, "/login", {"name": name, "phrase": phrase}, "token") for name, phrase in PHRASES
    )


# --- the shelf


def shelf(name: str) -> Callable[[Place], Start]:
    def start(place: Place) -> Start:
        environment = {"PORT": str(place.port), "SHELF_LOG": str(place.log)}
        environment |= {"SHELF_CERT": str(place.pair.certificate), "SHELF_CERT_KEY": str(place.pair.key)}
        return Start([sys.executable, "-m", "lab.shelf.server", name], environment)

    return start


SHELF = ("good", "expired", "wrong-host", "self-signed", "rsa1024", "sha1", "tls10", "tls11", "no-hsts")

BUILDS: tuple[Build, ...] = (
    Build(
        "clinic",
        "vulnerable",
        LAB / "clinic/vulnerable",
        clinic_vulnerable,
        clinic_callers,
        tls=False,
        database="clinic.sqlite3",
        active=True,
    ),
    Build(
        "clinic", "fixed", LAB / "clinic/fixed", clinic_fixed, clinic_callers, database="clinic.sqlite3", active=True
    ),
    Build("parcels", "vulnerable", LAB / "parcels/vulnerable", parcels_vulnerable, tls=False, active=True, user="olga"),
    Build("parcels", "fixed", LAB / "parcels/fixed", parcels_fixed, active=True, user="olga"),
    Build(
        "wiki",
        "vulnerable",
        LAB / "wiki/vulnerable",
        wiki_vulnerable,
        wiki_callers,
        tls=False,
        active=True,
        needs=(LAB / "wiki/vulnerable/node_modules",),
        user=WRITERS[0][0],
    ),
    Build(
        "wiki",
        "fixed",
        LAB / "wiki/fixed",
        wiki_fixed,
        wiki_callers,
        needs=(LAB / "wiki/fixed/node_modules",),
        user=WRITERS[0][0],
        active=True,
    ),
    Build(
        "loans",
        "vulnerable",
        LAB / "loans/vulnerable",
        loans_vulnerable,
        loans_vulnerable_callers,
        tls=False,
        active=True,
        needs=(LAB / "loans/vulnerable/node_modules",),
        user="Petra",
    ),
    Build(
        "loans",
        "fixed",
        LAB / "loans/fixed",
        loans_fixed,
        loans_fixed_callers,
        needs=(LAB / "loans/fixed/node_modules",),
        user="Petra",
        active=True,
    ),
    Build("tides", "plain", LAB / "tides/plain", tides_plain),
    Build("tides", "starlette", LAB / "tides/starlette", tides_starlette),
    *(Build("shelf", name, LAB / "shelf", shelf(name), certificate=name) for name in SHELF),
)
