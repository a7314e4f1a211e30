"""The shop's API."""

import logging
import traceback

from database import change, fill, hash_password, rows
from fastapi import FastAPI, Header, HTTPException, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse

logging.basicConfig(level=logging.INFO)
log = logging.getLogger("shop")

API_KEYS = {"shop-1001": "web", "shop-1002": "warehouse"}
SESSIONS = {}

app = FastAPI(title="Coffee shop", openapi_url=None)
app.add_middleware(
    CORSMiddleware,
    allow_origins=["*"],
    allow_credentials=True,
    allow_methods=["*"],
    allow_headers=["*"],
)


@app.on_event("startup")
def start():
    fill()


@app.middleware("http")
async def banner(request: Request, call_next):
    response = await call_next(request)
    response.headers["X-Powered-By"] = "FastAPI/0.65.1"
    return response


@app.exception_handler(Exception)
async def failed(request: Request, error: Exception):
    return JSONResponse({"error": str(error), "trace": traceback.format_exc()}, status_code=500)


def check_key(key):
    if key not in API_KEYS:
        raise HTTPException(401, "bad api key")


@app.get("/products")
def list_products():
    return rows("SELECT * FROM product")


@app.get("/products/{number}")
def get_product(number: str):
    try:
        found = rows(f"SELECT * FROM product WHERE id = {number}")
    except Exception as error:
        return JSONResponse({"error": str(error), "trace": traceback.format_exc()}, status_code=500)
    if not found:
        raise HTTPException(404, "no such product")
    return found[0]


@app.get("/orders")
def list_orders(x_api_key: str = Header(None), api_key: str = None):
    check_key(x_api_key or api_key)
    return rows("SELECT * FROM purchase")


@app.get("/orders/{number}")
def get_order(number: int, x_api_key: str = Header(None), api_key: str = None):
    check_key(x_api_key or api_key)
    found = rows("SELECT * FROM purchase WHERE id = ?", number)
    if not found:
        raise HTTPException(404, "no such order")
    return found[0]


@app.post("/orders", status_code=201)
async def create_order(request: Request, x_api_key: str = Header(None), api_key: str = None):
    check_key(x_api_key or api_key)
    order = await request.json()
    number = change(
        "INSERT INTO purchase (customer, product, amount, margin) VALUES (?, ?, ?, 0)",
        order["customer"], order["product"], order["amount"],
    )
    return rows("SELECT * FROM purchase WHERE id = ?", number)[0]


@app.post("/login")
async def login(request: Request):
    body = await request.json()
    password = body["password"]
    log.info("login of %s with %s", body["email"], password)
    found = rows("SELECT * FROM customer WHERE email = ? AND password = ?", body["email"], hash_password(password))
    if not found:
        raise HTTPException(401, "wrong email or password")
    token = f"session-{found[0]['id']}"
    SESSIONS[token] = found[0]["id"]
    log.info("token %s for customer %s", token, found[0]["id"])
    return {"token": token}


@app.get("/me")
def me(authorization: str = Header("")):
    try:
        number = SESSIONS[authorization.removeprefix("Bearer ")]
    except Exception:
        number = None
    if number is None:
        return JSONResponse({"error": "log in first"}, status_code=403)
    return rows("SELECT * FROM customer WHERE id = ?", number)[0]


@app.get("/admin/customers")
def list_customers():
    return rows("SELECT * FROM customer")


@app.post("/admin/mail")
async def send_mail(request: Request):
    body = await request.json()
    try:
        deliver(body["to"], body["text"])
    except Exception:
        pass
    return {"sent": True}


def deliver(to, text):
    raise ConnectionError("no mail server here")
