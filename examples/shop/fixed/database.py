"""The shop's data, in one SQLite file."""

import hashlib
import hmac
import os
import sqlite3

DATABASE = os.environ.get("SHOP_DATABASE", "shop.db")

SCHEMA = """
CREATE TABLE IF NOT EXISTS product (id INTEGER PRIMARY KEY, name TEXT, price REAL, stock INTEGER, cost REAL, supplier_note TEXT);
CREATE TABLE IF NOT EXISTS customer (id INTEGER PRIMARY KEY, email TEXT, name TEXT, password TEXT, card_number TEXT);
CREATE TABLE IF NOT EXISTS purchase (id INTEGER PRIMARY KEY, customer INTEGER, product INTEGER, amount INTEGER, margin REAL);
"""

PRODUCTS = [
    (1, "Espresso machine", 249.0, 12, 131.5, "renegotiate in March"),
    (2, "Grinder", 89.5, 40, 41.2, "supplier is late again"),
    (3, "Milk jug", 14.9, 200, 3.1, "clearance"),
    (4, "Filter papers", 4.5, 1500, 0.6, ""),
]
CUSTOMERS = [
    (1, "ana@example.com", "Ana", "correct-horse", "4111111111111111"),
    (2, "ben@example.com", "Ben", "battery-staple", "5500005555555559"),
    (3, "cleo@example.com", "Cleo", "sunflower7", "340000000000009"),
]
PURCHASES = [(1, 1, 1, 1, 117.5), (2, 1, 4, 3, 11.7), (3, 2, 2, 1, 48.3), (4, 3, 3, 2, 23.6)]


def hash_password(password, salt=None):
    salt = salt or os.urandom(16)
    return salt.hex() + hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1).hex()


def is_password(password, stored):
    return hmac.compare_digest(hash_password(password, bytes.fromhex(stored[:32])), stored)


def connect():
    connection = sqlite3.connect(DATABASE)
    connection.row_factory = sqlite3.Row
    return connection


def fill():
    connection = connect()
    connection.executescript(SCHEMA)
    if connection.execute("SELECT count(*) FROM product").fetchone()[0] == 0:
        connection.executemany("INSERT INTO product VALUES (?, ?, ?, ?, ?, ?)", PRODUCTS)
        connection.executemany(
            "INSERT INTO customer VALUES (?, ?, ?, ?, ?)",
            [(number, email, name, hash_password(password), card) for number, email, name, password, card in CUSTOMERS],
        )
        connection.executemany("INSERT INTO purchase VALUES (?, ?, ?, ?, ?)", PURCHASES)
    connection.commit()
    connection.close()


def rows(statement, *values):
    connection = connect()
    try:
        return [dict(row) for row in connection.execute(statement, values).fetchall()]
    finally:
        connection.close()


def change(statement, *values):
    connection = connect()
    try:
        cursor = connection.execute(statement, values)
        connection.commit()
        return cursor.lastrowid
    finally:
        connection.close()
