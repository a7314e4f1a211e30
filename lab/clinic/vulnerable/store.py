import hashlib
import os
import sqlite3
from typing import Any

PATH = os.environ.get("CLINIC_DB", "clinic.sqlite3")

TABLES = """
create table if not exists patients (
  id integer primary key, username text unique, full_name text, password_md5 text,
  insurance_no text, is_staff integer default 0
);
create table if not exists doctors (id integer primary key, name text, speciality text, mobile text);
create table if not exists appointments (
  id integer primary key, patient_id integer, doctor_id integer, starts_at text, reason text, price_cents integer
);
create table if not exists sessions (token text primary key, patient_id integer);
"""


def md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8")).hexdigest()


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


def init() -> None:
    con = sqlite3.connect(PATH)
    con.executescript(TABLES)
    if not con.execute("select 1 from patients").fetchone():
        con.executemany(
            "insert into patients (username, full_name, password_md5, insurance_no, is_staff) values (?,?,?,?,?)",
            [
                ("mira", "Mira Okafor", md5("tulips-in-may"), "AOK-55120871", 0),
                ("tomas", "Tomas Lindqvist", md5("northwind77"), "TK-90817263", 0),
                ("desk", "Front desk", md5("frontdesk1"), "", 1),
            ],
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
