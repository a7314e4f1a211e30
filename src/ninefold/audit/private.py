"""Whether what a path holds is somebody's own by what it is called.

A list that shows a caller some objects and not others says that they are his, or that he asked for his, or that it is
random, or old. An order, a message, a patient's record is nobody else's to read whatever the list means; a page, an
article or a product may well be everybody's.
"""

from __future__ import annotations

import re

_WORDS = re.compile(
    r"me|my|users?|accounts?|customers?|clients?|members?|profiles?|people|persons?|employees?|patients?|students?"
    r"|orders?|purchases?|carts?|baskets?|invoices?|bills?|payments?|payouts?|refunds?|cards?|transactions?|transfers?"
    r"|statements?|wallets?|loans?|claims?|policies|subscriptions?|salar(?:y|ies)|payslips?|receipts?"
    r"|messages?|mails?|emails?|conversations?|chats?|inbox(?:es)?|notifications?|contacts?|address(?:es)?"
    r"|appointments?|bookings?|reservations?|visits?|prescriptions?|diagnos[ei]s|records?|results?|treatments?|trips?"
    r"|parcels?|shipments?|deliver(?:y|ies)|tickets?|notes?|memos?|drafts?|diar(?:y|ies)|files?|documents?|uploads?|backups?"
    r"|keys?|tokens?|sessions?|secrets?|credentials?|devices?|locations?|settings|preferences|audit|logs?",
    re.IGNORECASE,
)


def is_private(template: str) -> bool:
    """Whether some word of `template` (`/shops/{id}/orders/{order}`) names what belongs to one."""
    segments = [one for one in template.split("/") if one and "{" not in one]
    return any(_WORDS.fullmatch(word) for one in segments for word in re.split(r"[-_.]", one))
