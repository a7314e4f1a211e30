"""BrightSmile clinics: appointments."""

import logging
import os
import secrets
import traceback
from typing import Any

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel

from .reminders import remind
from .store import execute, init, md5, query

logging.basicConfig(filename=os.environ.get("CLINIC_LOG", "clinic.log"), level=logging.INFO)
logger = logging.getLogger("clinic")

app = FastAPI(title="BrightSmile appointments")
app.add_middleware(
    CORSMiddleware,
    allow_origin_regex=r"https://.*brightsmile\.example",
    allow_credentials=True,
    allow_methods=["GET", "POST", "PATCH", "DELETE"],
    allow_headers=["Authorization", "Content-Type"],
)
oauth2 = OAuth2PasswordBearer(tokenUrl="/auth/token")
init()


class Login(BaseModel):
    username: str
    password: str


@app.exception_handler(Exception)
async def oops(request: Request, exc: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(exc), "traceback": traceback.format_exception(exc)}, status_code=500)


def current_patient(token: str = Depends(oauth2)) -> dict[str, Any]:
    found = query(
        "select patients.* from sessions join patients on patients.id = patient_id where sessions.token = ?", (token,)
    )
    if not found:
        raise HTTPException(401, "Not authenticated")
    return found[0]


@app.post("/auth/token")
def token(body: Login) -> dict[str, str]:
    logger.info("login %s / %s", body.username, body.password)
    found = query("select * from patients where username = ? and password_md5 = ?", (body.username, md5(body.password)))
    if not found:
        raise HTTPException(401, "Wrong username or password")
    value = secrets.token_hex(24)
    execute("insert into sessions values (?, ?)", (value, found[0]["id"]))
    return {"access_token": value, "token_type": "bearer"}


@app.get("/doctors")
def doctors(speciality: str = "") -> list[dict[str, Any]]:
    return query(f"select * from doctors where speciality like '%{speciality}%'")


@app.get("/patients/me")
def me(patient: dict[str, Any] = Depends(current_patient)) -> dict[str, Any]:
    return patient


@app.get("/appointments")
def mine(patient: dict[str, Any] = Depends(current_patient)) -> list[dict[str, Any]]:
    return query("select * from appointments where patient_id = ?", (patient["id"],))


@app.post("/appointments", status_code=201)
def book(
    body: dict[str, Any], tasks: BackgroundTasks, patient: dict[str, Any] = Depends(current_patient)
) -> dict[str, Any]:
    number = execute(
        "insert into appointments (patient_id, doctor_id, starts_at, reason, price_cents) values (?,?,?,?,?)",
        (
            body.get("patient_id", patient["id"]),
            body["doctor_id"],
            body["starts_at"],
            body.get("reason", ""),
            body.get("price_cents", 4500),
        ),
    )
    tasks.add_task(remind, "+49 151 5550100", number)
    return query("select * from appointments where id = ?", (number,))[0]


@app.get("/appointments/{appointment_id}")
def appointment(appointment_id: int, patient: dict[str, Any] = Depends(current_patient)) -> dict[str, Any]:
    found = query("select * from appointments where id = ?", (appointment_id,))
    if not found:
        raise HTTPException(404, "No such appointment")
    return found[0]


@app.patch("/appointments/{appointment_id}")
def move(
    appointment_id: int, body: dict[str, Any], patient: dict[str, Any] = Depends(current_patient)
) -> dict[str, Any]:
    for column, value in body.items():
        execute(f"update appointments set {column} = ? where id = ?", (value, appointment_id))
    return appointment(appointment_id, patient)


@app.delete("/appointments/{appointment_id}", status_code=204)
def cancel(appointment_id: int, patient: dict[str, Any] = Depends(current_patient)) -> None:
    execute("delete from appointments where id = ?", (appointment_id,))


# TODO check the token here as well
@app.get("/appointments/{appointment_id}/invoice")
def invoice(appointment_id: int) -> dict[str, Any]:
    found = query(
        "select appointments.id as number, full_name, insurance_no, reason, price_cents from appointments"
        " join patients on patients.id = patient_id where appointments.id = ?",
        (appointment_id,),
    )
    if not found:
        raise HTTPException(404, "No such invoice")
    return found[0]


@app.get("/waiting-room")
def waiting_room() -> list[dict[str, Any]]:
    """For the screen on the wall."""
    return query(
        "select full_name, starts_at, reason from appointments join patients on patients.id = patient_id"
        " order by starts_at"
    )


@app.get("/admin/patients")
def all_patients(patient: dict[str, Any] = Depends(current_patient)) -> list[dict[str, Any]]:
    return query("select id, username, full_name, insurance_no from patients")


@app.get("/internal/export")
def export() -> dict[str, Any]:
    return {"appointments": query("select * from appointments")}
