"""Mail to cafés."""

import logging
import os
import smtplib
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Template

log = logging.getLogger("shop.mail")

CONFIG = yaml.safe_load((Path(__file__).parent / "config.yaml").read_text("utf-8"))

CONFIRMATION = Template("""\
Thank you, café {{ customer.cafe }}!

We are roasting {{ order.amount }} x {{ product.name }} for you: {{ order.total }} {{ currency }}.
""")


def send_confirmation(customer: dict[str, Any], product: dict[str, Any], order: dict[str, Any]) -> None:
    settings = CONFIG["mail"]
    message = EmailMessage()
    message["From"], message["To"] = settings["sender"], customer["email"]
    message["Subject"] = f"{CONFIG['name']}: order {order['id']}"
    message.set_content(
        CONFIRMATION.render(customer=customer, product=product, order=order, currency=CONFIG["currency"])
    )
    try:
        with smtplib.SMTP(settings["host"], settings["port"], timeout=2) as server:
            server.login(settings["user"], os.environ["SHOP_MAIL_KEY"])
            server.send_message(message)
    except Exception:
        log.exception("no confirmation of order %s was sent", order["id"])
