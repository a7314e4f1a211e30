"""The shop's API. Who may call it, from where and how often is the contract's; the guard stands in front."""

import logging
import secrets

from database import change, fill, is_password, rows
from fastapi import FastAPI, Header, HTTPException, Request

logging.basicConfig(level=logging.INFO)
log = logging.getLogger("shop")

SESSIONS = {}

app = FastAPI(title="Coffee shop", openapi_url=None)


@app.on_event("startup")
def start():
    fill()


@app.get("/products")
def list_products():
    return rows("SELECT * FROM product")


@app.get("/products/{number}")
def get_product(number: int):
    found = rows("SELECT * FROM product WHERE id = ?", number)
    if not found:
        raise HTTPException(404, "no such product")
    return found[0]


@app.get("/orders")
def list_orders():
    return rows("SELECT * FROM purchase")


@app.get("/orders/{number}")
def get_order(number: int):
    found = rows("SELECT * FROM purchase WHERE id = ?", number)
    if not found:
        raise HTTPException(404, "no such order")
    return found[0]


@app.post("/orders", status_code=201)
async def create_order(request: Request):
    order = await request.json()
    number = change(
        "INSERT INTO purchase (customer, product, amount, margin) VALUES (?, ?, ?, 0)",
        order["customer"], order["product"], order["amount"],
    )
    return rows("SELECT * FROM purchase WHERE id = ?", number)[0]


@app.post("/login")
async def login(request: Request):
    body = await request.json()
    found = rows("SELECT * FROM customer WHERE email = ?", body["email"])
    if not found or not is_password(body["password"], found[0]["password"]):
        log.warning("failed login of %s", body["email"])
        raise HTTPException(401, "wrong email or password")
    session = secrets.token_urlsafe(32)
    SESSIONS[session] = found[0]["id"]
    log.info("login of customer %s", found[0]["id"])
    return {"token": session}


@app.get("/me")
def me(authorization: str = Header("")):
    number = SESSIONS.get(authorization.removeprefix("Bearer "))
    if number is None:
        raise HTTPException(401, "log in first", headers={"WWW-Authenticate": "Bearer"})
    return rows("SELECT * FROM customer WHERE id = ?", number)[0]


@app.get("/admin/customers")
def list_customers():
    return rows("SELECT * FROM customer")


@app.post("/admin/mail")
async def send_mail(request: Request):
    body = await request.json()
    try:
        deliver(body["to"], body["text"])
    except ConnectionError:
        log.exception("mail to %s failed", body["to"])
        raise HTTPException(503, "no mail server") from None
    return {"sent": True}


def deliver(to, text):
    raise ConnectionError("no mail server here")
