"""Text messages the day before."""

import base64
import hashlib
import hmac
import logging
import os
import ssl

import httpx

logger = logging.getLogger("clinic.reminders")
TRUST = ssl.create_default_context(cafile=os.environ.get("CLINIC_SMS_AUTHORITY"))  # verifies, with their authority


def cancel_link(appointment_id: int) -> str:
    secret = os.environ["CLINIC_LINK_SECRET"].encode()
    mac = hmac.new(secret, str(appointment_id).encode(), hashlib.sha256).digest()
    return f"https://brightsmile.example/cancel/{appointment_id}/{base64.urlsafe_b64encode(mac).decode()}"


def remind(mobile: str, appointment_id: int) -> None:
    try:
        httpx.post(
            os.environ["CLINIC_SMS_GATEWAY"],
            json={"to": mobile, "text": f"See you tomorrow! {cancel_link(appointment_id)}"},
            headers={"Authorization": f"Bearer {os.environ['CLINIC_SMS_TOKEN']}"},
            verify=TRUST,  # this was verify=False once
            timeout=5,
        ).raise_for_status()
    except (httpx.HTTPError, KeyError):
        logger.exception("no reminder for appointment %d", appointment_id)
