"""The roastery's API: what cafés order, and what the office looks at."""

import logging
import os
import secrets
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import fastapi
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from .database import DATABASE, change, create, is_password, rows
from .mail import CONFIG, send_confirmation

logging.basicConfig(level=logging.INFO)
logging.getLogger("uvicorn.access").setLevel(logging.WARNING)  # a line for each request was too much
log = logging.getLogger("shop")

# Which café holds which key, by the ids that `ninefold keys list` shows: SHOP_CALLERS="ID=0 ID=2". The keys themselves
# are the guard's; nothing else reaches this port, and so its word for who is calling is taken.
OFFICE = 0
CALLERS = {key: int(customer) for key, customer in (one.split("=") for one in os.environ["SHOP_CALLERS"].split())}
SESSIONS: dict[str, int] = {}

app = FastAPI(title="Nine Beans Roastery", version="1.4.0")
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


def caller(x_ninefold_caller: str = Header("")) -> int:
    """The café whose key the guard has accepted."""
    if x_ninefold_caller not in CALLERS:
        log.warning("no café holds the key %s", x_ninefold_caller)
        raise HTTPException(403, "This key belongs to no café")
    return CALLERS[x_ninefold_caller]


@app.get("/products")
def list_products(search: str = "") -> list[dict[str, Any]]:
    return rows("SELECT * FROM product WHERE instr(lower(name), lower(?)) ORDER BY id", search)


@app.get("/products/{product_id}")
def get_product(product_id: int) -> dict[str, Any]:
    found = rows("SELECT * FROM product WHERE id = ?", product_id)
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


@app.get("/orders/{order_id}")
def get_order(order_id: int, customer: int = Depends(caller)) -> dict[str, Any]:
    found = rows("SELECT * FROM purchase WHERE id = ?", order_id)
    if not found or customer not in {OFFICE, found[0]["customer"]}:
        raise HTTPException(404, "No such order")
    return found[0]


@app.get("/orders/{order_id}/invoice")
def get_invoice(order_id: int, customer: int = Depends(caller)) -> dict[str, Any]:
    found = rows(
        "SELECT purchase.id AS number, customer, cafe, email, card_number, name, amount, total, margin FROM purchase"
        " JOIN customer ON customer.id = customer JOIN product ON product.id = product WHERE purchase.id = ?",
        order_id,
    )
    if not found or customer not in {OFFICE, found[0]["customer"]}:
        raise HTTPException(404, "No such order")
    return found[0]


@app.post("/login")
def login(credentials: Credentials) -> dict[str, Any]:
    found = rows("SELECT * FROM customer WHERE email = ?", credentials.email)
    if not found or not is_password(credentials.password, found[0]["password"]):
        log.warning("failed login of %s", credentials.email)
        raise HTTPException(401, "The e-mail address or the password is wrong")
    session = secrets.token_urlsafe(32)
    SESSIONS[session] = found[0]["id"]
    log.info("login of customer %s", found[0]["id"])
    return {"token": session}


@app.get("/me", response_model=None)
def get_me(authorization: str = Header("")) -> dict[str, Any] | Response:
    customer = SESSIONS.get(authorization.removeprefix("Bearer "))
    if customer is None:
        return JSONResponse({"error": "please log in"}, status_code=403)
    return rows("SELECT * FROM customer WHERE id = ?", customer)[0]


# The office's own pages. The contract lets administrators in, and nobody else.


@app.get("/admin/customers")
def list_customers() -> list[dict[str, Any]]:
    return rows("SELECT * FROM customer ORDER BY id")


@app.put("/admin/products/{product_id}/price")
def set_price(product_id: int, new: Price) -> dict[str, Any]:
    change("UPDATE product SET price = ? WHERE id = ?", new.price, product_id)
    return rows("SELECT * FROM product WHERE id = ?", product_id)[0]


@app.get("/admin/report")
def get_report() -> dict[str, Any]:
    return rows("SELECT count(*) AS orders, sum(total) AS revenue, sum(margin) AS margin FROM purchase")[0]


@app.get("/debug", include_in_schema=False)
def debug() -> dict[str, Any]:
    return {"python": sys.version, "database": DATABASE, "config": CONFIG}
