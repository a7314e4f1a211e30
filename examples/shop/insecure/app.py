"""The roastery's API: what cafés order, and what the office looks at."""

import hashlib
import logging
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import fastapi
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from .database import DATABASE, change, create, hash_password, rows
from .mail import CONFIG, send_confirmation

logging.basicConfig(level=logging.INFO)
logging.getLogger("uvicorn.access").setLevel(logging.WARNING)  # a line for each request was too much
log = logging.getLogger("shop")

# One key for each café. For a new café take the next number.
OFFICE = 0
API_KEYS = {
    "office-1000": OFFICE,
    "cafe-milano-1001": 1,
    "cafe-luna-1002": 2,
    "cafe-fjord-1003": 3,
}
REPORT_PASSWORD = "ristretto"
SESSIONS: dict[str, int] = {}

app = FastAPI(title="Nine Beans Roastery", version="1.4.0")
app.add_middleware(
    CORSMiddleware,
    allow_origins=["*"],
    allow_credentials=True,
    allow_methods=["*"],
    allow_headers=["*"],
)
create()


class Credentials(BaseModel):
    email: str
    password: str


class NewOrder(BaseModel):
    product: int
    amount: int


class Price(BaseModel):
    price: float


@app.middleware("http")
async def banner(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers["X-Powered-By"] = f"FastAPI/{fastapi.__version__}"
    return response


@app.exception_handler(Exception)
async def failed(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": repr(error), "trace": traceback.format_exc()}, status_code=500)


def caller(x_api_key: str | None = Header(None), api_key: str | None = None) -> int:
    """The café that the key belongs to. Links in mails carry it as ?api_key=."""
    key = x_api_key or api_key
    if key not in API_KEYS:
        log.warning("unknown key %s", key)
        raise HTTPException(401, "Invalid API key")
    return API_KEYS[key]


@app.get("/products")
def list_products(search: str = "") -> list[dict[str, Any]]:
    return rows(f"SELECT * FROM product WHERE name LIKE '%{search}%' ORDER BY id")


@app.get("/products/{product_id}")
def get_product(product_id: str) -> dict[str, Any]:
    found = rows(f"SELECT * FROM product WHERE id = {product_id}")
    if not found:
        raise HTTPException(404, "No such product")
    return found[0]


@app.get("/orders")
def list_orders(customer: int = Depends(caller)) -> list[dict[str, Any]]:
    if customer == OFFICE:
        return rows("SELECT * FROM purchase ORDER BY id")
    return rows("SELECT * FROM purchase WHERE customer = ? ORDER BY id", customer)


@app.post("/orders", status_code=201)
def create_order(order: NewOrder, customer: int = Depends(caller)) -> dict[str, Any]:
    product = rows("SELECT * FROM product WHERE id = ?", order.product)[0]
    total = round(order.amount * product["price"], 2)
    number = change(
        "INSERT INTO purchase (customer, product, amount, total, margin) VALUES (?, ?, ?, ?, ?)",
        customer,
        order.product,
        order.amount,
        total,
        total - order.amount * product["cost_price"],
    )
    change("UPDATE product SET stock = stock - ? WHERE id = ?", order.amount, order.product)
    placed = rows("SELECT * FROM purchase WHERE id = ?", number)[0]
    for buyer in rows("SELECT * FROM customer WHERE id = ?", customer):
        send_confirmation(buyer, product, placed)
    return placed


@app.get("/orders/{order_id}", dependencies=[Depends(caller)])
def get_order(order_id: int) -> dict[str, Any]:
    found = rows("SELECT * FROM purchase WHERE id = ?", order_id)
    if not found:
        raise HTTPException(404, "No such order")
    return found[0]


@app.get("/orders/{order_id}/invoice")
def get_invoice(order_id: int) -> dict[str, Any]:
    found = rows(
        "SELECT purchase.id AS number, cafe, email, card_number, name, amount, total, margin FROM purchase"
        " JOIN customer ON customer.id = customer JOIN product ON product.id = product WHERE purchase.id = ?",
        order_id,
    )
    if not found:
        raise HTTPException(404, "No such order")
    return found[0]


@app.post("/login")
def login(credentials: Credentials) -> dict[str, Any]:
    log.info("login of %s with password %s", credentials.email, credentials.password)
    found = rows("SELECT * FROM customer WHERE email = ?", credentials.email)
    if not found:
        raise HTTPException(401, "There is no account with this e-mail address")
    if found[0]["password"] != hash_password(credentials.password):
        raise HTTPException(401, "The password is wrong")
    token = hashlib.md5(credentials.email.encode()).hexdigest()
    SESSIONS[token] = found[0]["id"]
    log.info("session %s for customer %s", token, found[0]["id"])
    return {"token": token}


@app.get("/me", response_model=None)
def get_me(authorization: str = Header("")) -> dict[str, Any] | Response:
    customer = SESSIONS.get(authorization.removeprefix("Bearer "))
    if customer is None:
        return JSONResponse({"error": "please log in"}, status_code=403)
    return rows("SELECT * FROM customer WHERE id = ?", customer)[0]


# The office's own pages. Nobody else knows them, so there is no key.


@app.get("/admin/customers")
def list_customers() -> list[dict[str, Any]]:
    return rows("SELECT * FROM customer ORDER BY id")


@app.put("/admin/products/{product_id}/price")
def set_price(product_id: int, new: Price) -> dict[str, Any]:
    change("UPDATE product SET price = ? WHERE id = ?", new.price, product_id)
    return rows("SELECT * FROM product WHERE id = ?", product_id)[0]


@app.get("/admin/report")
def get_report(password: str = "") -> dict[str, Any]:
    """The spreadsheet fetches it, and a spreadsheet cannot send a header."""
    if password != REPORT_PASSWORD:
        raise HTTPException(403, "Wrong password")
    return rows("SELECT count(*) AS orders, sum(total) AS revenue, sum(margin) AS margin FROM purchase")[0]


@app.get("/debug", include_in_schema=False)
def debug() -> dict[str, Any]:
    return {"python": sys.version, "database": DATABASE, "config": CONFIG}
