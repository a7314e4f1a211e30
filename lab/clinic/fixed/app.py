"""BrightSmile clinics: appointments."""

import hashlib
import json
import os
import secrets
import time
from typing import Annotated, Any

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException as StarletteHTTPException

from .guards import Bucket, install, logger, problem
from .reminders import remind
from .store import execute, init, query, right_password

HOUR = 3600

app = FastAPI(title="BrightSmile appointments", docs_url=None, redoc_url=None, openapi_url=None)
install(app, everything=Bucket(120, 10), logins=Bucket(10, 0.2))
app.add_middleware(
    CORSMiddleware,
    allow_origins=["https://www.brightsmile.example"],
    allow_methods=["GET", "POST", "PATCH", "DELETE"],
    allow_headers=["Authorization", "Content-Type"],
)
init(json.loads(os.environ.get("CLINIC_FIRST_PATIENTS", "[]")))


class Login(BaseModel):
    username: str = Field(max_length=64)
    password: str = Field(max_length=128)


class Doctor(BaseModel):
    id: int
    name: str
    speciality: str


class Patient(BaseModel):
    id: int
    username: str
    full_name: str


class Appointment(BaseModel):
    id: int
    doctor_id: int
    starts_at: str
    reason: str
    price_cents: int


class Booking(BaseModel):
    model_config = ConfigDict(extra="forbid")

    doctor_id: int = Field(ge=1, le=1_000_000)
    starts_at: str = Field(max_length=16, pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d$")
    reason: str = Field("", max_length=500)


class Move(BaseModel):
    model_config = ConfigDict(extra="forbid")

    starts_at: str = Field(max_length=16, pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d$")


@app.exception_handler(StarletteHTTPException)
async def refused(request: Request, exc: StarletteHTTPException) -> JSONResponse:
    return problem(exc.status_code, str(exc.detail), **(exc.headers or {}))


@app.exception_handler(RequestValidationError)
async def misunderstood(request: Request, exc: RequestValidationError) -> JSONResponse:
    return problem(422, "The request does not match its description")


def current_patient(request: Request) -> dict[str, Any]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    found = query(
        "select patients.id, username, full_name, role from sessions join patients on patients.id = patient_id"
        " where digest = ? and expires > ?",
        (hashlib.sha256(token.encode()).hexdigest(), int(time.time())),
    )
    if scheme.lower() != "bearer" or not found:
        request.state.refused = "bearer token" if token else "no credential"
        raise HTTPException(401, "Not authenticated", {"WWW-Authenticate": "Bearer"})
    request.state.caller = found[0]["id"]
    return found[0]


def staff(patient: Annotated[dict[str, Any], Depends(current_patient)]) -> dict[str, Any]:
    if patient["role"] != "staff":
        raise HTTPException(403, "For staff only")
    return patient


Caller = Annotated[dict[str, Any], Depends(current_patient)]
Limit = Annotated[int, Query(ge=1, le=100)]
Number = Annotated[int, Path(ge=1, le=2**53 - 1)]
After = Annotated[int, Query(ge=0, le=2**53 - 1)]


def own(appointment_id: int, patient: dict[str, Any]) -> dict[str, Any]:
    found = query("select * from appointments where id = ? and patient_id = ?", (appointment_id, patient["id"]))
    if not found:
        raise HTTPException(404, "No such appointment")
    return found[0]


@app.post("/auth/token")
def token(body: Login, request: Request) -> dict[str, str]:
    found = query("select * from patients where username = ?", (body.username,))
    if not right_password(body.password, found[0] if found else None):
        request.state.refused = "login"
        raise HTTPException(401, "Wrong username or password", {"WWW-Authenticate": "Bearer"})
    value = secrets.token_urlsafe(32)
    execute(
        "insert into sessions values (?, ?, ?)",
        (hashlib.sha256(value.encode()).hexdigest(), found[0]["id"], int(time.time()) + HOUR),
    )
    logger.info("password was right, token issued for patient %d", found[0]["id"])
    return {"access_token": value, "token_type": "bearer"}


@app.get("/doctors", response_model=list[Doctor])
def doctors(
    response: Response,
    speciality: Annotated[str, Query(max_length=40)] = "",
    limit: Limit = 50,
    after: After = 0,
) -> list[dict[str, Any]]:
    found = query(
        "select * from doctors where instr(speciality, ?) and id > ? order by id limit ?", (speciality, after, limit)
    )
    # A fingerprint for caches, and no secret
    response.headers["ETag"] = '"' + hashlib.md5(repr(found).encode(), usedforsecurity=False).hexdigest() + '"'
    return found


@app.get("/patients/me", response_model=Patient)
def me(patient: Caller) -> dict[str, Any]:
    return patient


@app.get("/appointments", response_model=list[Appointment])
def mine(patient: Caller, limit: Limit = 50, after: After = 0) -> list[dict[str, Any]]:
    return query(
        "select * from appointments where patient_id = ? and id > ? order by id limit ?", (patient["id"], after, limit)
    )


@app.post("/appointments", status_code=201, response_model=Appointment)
def book(body: Booking, tasks: BackgroundTasks, patient: Caller) -> dict[str, Any]:
    number = execute(
        "insert into appointments (patient_id, doctor_id, starts_at, reason, price_cents) values (?,?,?,?,4500)",
        (patient["id"], body.doctor_id, body.starts_at, body.reason),
    )
    tasks.add_task(remind, "+49 151 5550100", number)
    return own(number, patient)


@app.get("/appointments/{appointment_id}", response_model=Appointment)
def appointment(appointment_id: Number, patient: Caller) -> dict[str, Any]:
    return own(appointment_id, patient)


@app.patch("/appointments/{appointment_id}", response_model=Appointment)
def move(appointment_id: Number, body: Move, patient: Caller) -> dict[str, Any]:
    own(appointment_id, patient)
    execute("update appointments set starts_at = ? where id = ?", (body.starts_at, appointment_id))
    return own(appointment_id, patient)


@app.delete("/appointments/{appointment_id}", status_code=204)
def cancel(appointment_id: Number, patient: Caller) -> None:
    own(appointment_id, patient)
    execute("delete from appointments where id = ?", (appointment_id,))


@app.get("/admin/patients", response_model=list[Patient])
def all_patients(
    clerk: Annotated[dict[str, Any], Depends(staff)], limit: Limit = 50, after: After = 0
) -> list[dict[str, Any]]:
    return query("select id, username, full_name from patients where id > ? order by id limit ?", (after, limit))
