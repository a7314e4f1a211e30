"""Parcels, carriers and the people who look at them. It all fits into memory."""

import hashlib
import sys
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PEPPER = "parcels"
PHONE_KEY = b"0123456789abcdef"


def digest(text: str) -> str:
    return hashlib.sha256((PEPPER + text).encode()).hexdigest()


def seal_phone(number: str) -> str:
    encryptor = Cipher(algorithms.AES(PHONE_KEY), modes.ECB()).encryptor()
    return (encryptor.update(number.encode().ljust(32)) + encryptor.finalize()).hex()


carriers: dict[str, str] = {"PT-000041": "rapid", "PT-000042": "nordpost", "PT-000043": "kestrel"}

# name: password digest, e-mail
clerks: dict[str, tuple[str, str]] = {
    "olga": (digest("lighthouse"), "olga@parcels.example"),
    "yusuf": (digest("marmalade"), "yusuf@parcels.example"),
}

parcels: dict[str, dict[str, Any]] = {
    number: {
        "tracking": number,
        "carrier": carrier,
        "status": status,
        "to": town,
        "recipient_phone": seal_phone(phone),
        "declared_value": value,
        "driver_note": note,
    }
    for number, carrier, status, town, phone, value, note in [
        ("RX100001", "rapid", "in transit", "Gdansk", "+48 500 100 200", 180, "dog, ring twice"),
        ("RX100002", "rapid", "delivered", "Torun", "+48 500 100 201", 25, ""),
        ("RX100003", "nordpost", "in transit", "Malmo", "+46 70 1740 605", 900, "leave with neighbour, he is never in"),
        ("RX100004", "nordpost", "held", "Lund", "+46 70 1740 606", 60, "customs"),
    ]
}


def runtime() -> dict[str, str]:
    return {"python": sys.version, "pepper": PEPPER}
