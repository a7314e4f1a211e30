"""The roastery's data, in one SQLite file."""

import hashlib
import hmac
import os
import sqlite3
from typing import Any

DATABASE = os.environ.get("SHOP_DATABASE", "shop.db")

SCHEMA = """
CREATE TABLE IF NOT EXISTS customer (
    id INTEGER PRIMARY KEY, cafe TEXT, email TEXT UNIQUE, password TEXT, card_number TEXT, internal_note TEXT
);
CREATE TABLE IF NOT EXISTS product (
    id INTEGER PRIMARY KEY, name TEXT, origin TEXT, price REAL, stock INTEGER, cost_price REAL, supplier_note TEXT
);
CREATE TABLE IF NOT EXISTS purchase (
    id INTEGER PRIMARY KEY, customer INTEGER, product INTEGER, amount INTEGER, total REAL, margin REAL
);
"""

CUSTOMERS = [
    (1, "Milano", "ana@milano.example", "correct-horse", "4111111111111111", "pays late"),
    (2, "Luna", "ben@luna.example", "battery-staple", "5555555555554444", "10% off, do not tell the others"),
    (3, "Fjord", "cleo@fjord.example", "sunflower7", "378282246310005", ""),
]
PRODUCTS = [
    (1, "House espresso, 1 kg", "Brazil", 24.0, 180, 9.8, "renegotiate in March"),
    (2, "Guji, washed, 1 kg", "Ethiopia", 38.0, 42, 17.5, "only two bags a month"),
    (3, "Decaf, 1 kg", "Colombia", 29.5, 66, 12.9, ""),
    (4, "Filter papers, 100", "Germany", 6.5, 900, 0.8, "margin!"),
]
PURCHASES = [(1, 1, 10, 240.0, 142.0), (1, 4, 5, 32.5, 28.5), (2, 2, 4, 152.0, 82.0), (3, 3, 6, 177.0, 99.6)]


def hash_password(password: str, salt: bytes = b"") -> str:
    """A fresh salt, and the scrypt of both, in hexadecimal."""
    salt = salt or os.urandom(16)
    return salt.hex() + hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1).hex()


def is_password(password: str, stored: str) -> bool:
    return hmac.compare_digest(hash_password(password, bytes.fromhex(stored[:32])), stored)


def connect() -> sqlite3.Connection:
    connection = sqlite3.connect(DATABASE)
    connection.row_factory = sqlite3.Row
    return connection


def rows(statement: str, *values: Any) -> list[dict[str, Any]]:
    connection = connect()
    try:
        return [dict(row) for row in connection.execute(statement, values)]
    finally:
        connection.close()


def change(statement: str, *values: Any) -> int:
    """Run one statement and give the id of the row that it made."""
    connection = connect()
    try:
        made = connection.execute(statement, values).lastrowid
        connection.commit()
        return made or 0
    finally:
        connection.close()


def create() -> None:
    """Make the tables, and fill them the first time."""
    connection = connect()
    try:
        connection.executescript(SCHEMA)
        if connection.execute("SELECT count(*) FROM product").fetchone()[0] == 0:
            connection.executemany(
                "INSERT INTO customer VALUES (?, ?, ?, ?, ?, ?)",
                [(*one[:3], hash_password(one[3]), *one[4:]) for one in CUSTOMERS],
            )
            connection.executemany("INSERT INTO product VALUES (?, ?, ?, ?, ?, ?, ?)", PRODUCTS)
            connection.executemany(
                "INSERT INTO purchase (customer, product, amount, total, margin) VALUES (?, ?, ?, ?, ?)", PURCHASES
            )
        connection.commit()
    finally:
        connection.close()
