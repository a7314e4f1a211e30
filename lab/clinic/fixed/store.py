import hashlib
import hmac
import os
import sqlite3
from typing import Any

PATH = os.environ.get("CLINIC_DB", "clinic.sqlite3")

TABLES = """
create table if not exists patients (
  id integer primary key, username text unique, full_name text, salt blob, password_scrypt blob, role text
);
create table if not exists doctors (id integer primary key, name text, speciality text, mobile text);
create table if not exists appointments (
  id integer primary key, patient_id integer, doctor_id integer, starts_at text, reason text, price_cents integer
);
create table if not exists sessions (digest text primary key, patient_id integer, expires integer);
"""


def stretch(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


def right_password(password: str, row: dict[str, Any] | None) -> bool:
    """Take as long for a name that nobody has."""
    salt, expected = (row["salt"], row["password_scrypt"]) if row else (b"\0" * 16, b"\0" * 64)
    return hmac.compare_digest(stretch(password, salt), expected) and row is not None


def query(sql: str, args: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
    con = sqlite3.connect(PATH)
    con.row_factory = sqlite3.Row
    try:
        return [dict(r) for r in con.execute(sql, args).fetchall()]
    finally:
        con.close()


def execute(sql: str, args: tuple[Any, ...] = ()) -> int:
    con = sqlite3.connect(PATH)
    try:
        cur = con.execute(sql, args)
        con.commit()
        return cur.lastrowid or 0
    finally:
        con.close()


def init(patients: list[tuple[str, str, str, str]]) -> None:
    """Make the tables; `patients` are username, full name, password and role, for the first start."""
    try:
        os.unlink(PATH + ".lock")
    except FileNotFoundError:
        pass  # nobody left one
    con = sqlite3.connect(PATH)
    con.executescript(TABLES)
    if not con.execute("select 1 from doctors").fetchone():
        for username, full_name, password, role in patients:
            salt = os.urandom(16)
            con.execute(
                "insert into patients (username, full_name, salt, password_scrypt, role) values (?,?,?,?,?)",
                (username, full_name, salt, stretch(password, salt), role),
            )
        con.executemany(
            "insert into doctors (name, speciality, mobile) values (?,?,?)",
            [
                ("Dr. Ines Varga", "orthodontics", "+49 151 5550101"),
                ("Dr. Paul Adeyemi", "surgery", "+49 151 5550102"),
            ],
        )
        con.executemany(
            "insert into appointments (patient_id, doctor_id, starts_at, reason, price_cents) values (?,?,?,?,?)",
            [
                (1, 1, "2025-03-04T09:00", "braces, second fitting", 12000),
                (1, 2, "2025-03-18T11:30", "wisdom tooth", 34000),
                (2, 1, "2025-03-04T10:00", "check-up", 4500),
                (2, 2, "2025-04-01T15:15", "implant, consultation", 8000),
            ],
        )
    con.commit()
    con.close()
