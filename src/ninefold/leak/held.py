"""What a member of an object was declared to hold, by its name."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from ninefold.leak.rule import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Members whose name says that they hold what is looked for, by the last word or two of it, and what that is. They were declared
#: to leave.
_HOLDERS: Mapping[str, frozenset[Kind]] = {
    name: frozenset(kinds)
    for kinds, names in (
        ((Kind.CARD,), "card number|card no|pan|cc number|credit card|debit card|primary account number"),
        (
            (Kind.ID, Kind.CARD),
            "iban|account number|account no|account|bban|ssn|social security number|national id|national number|tax id|tax number|tin|vat|vat id|vat number|personal number|personnummer"
            "|personal id|identity number|id number|document number|passport number|passport|licence number|license number|cpf|cnpj|dni|nie|nif|bsn|pesel|hetu|nir|aadhaar|curp|rut|ric|nino|fiscal code|codice fiscale"
            "|tracking number|serial number|serial|imei|iccid|barcode|ean|gtin|isbn|upc|order number|invoice number|reference|phone|phone number|mobile|fax|number|msisdn|external id|id|uid|sku|mrz",
        ),
        ((Kind.VERSION,), "version|user agent|ua|server|runtime|platform|engine|os|release|build|client|software|agent|generator|image|firmware|changelog|release note|language|framework|stack|device"),
        (
            (Kind.PATH,),
            "path|file|filename|file name|file path|dir|directory|folder|mount|mount point|route|cwd|working directory|root|home|location|destination|target|source|entrypoint|config file|log file|href|url|uri|link|image|key|endpoint|pattern|slug",
        ),
        ((Kind.SQL, Kind.PATH), "sql|query|statement|filter|where|expression|view definition|definition"),
        (
            (Kind.TRACE, Kind.SQL, Kind.PATH, Kind.VERSION),
            "source|script|command|diff|patch|stack|stacktrace|stack trace|trace|traceback|backtrace|markdown|dockerfile",
        ),
        (tuple(Kind), "code|snippet|source code|code snippet|example|program|solution|exercise"),
        (
            (Kind.SECRET,),
            "token|access token|id token|refresh token|secret|client secret|api key|apikey|key|password|private key|secret key|access key|jwt|session|session id|session token|csrf|csrf token|webhook secret|signing secret"
            "|credential|cookie|signature|hash|password hash|digest|fingerprint|certificate|public key|pem|checksum|nonce|state|challenge|cursor|etag|assertion|authorization|dsn|connection string|secret access key|otp secret",
        ),
    )
    for name in names.split("|")
}  # fmt: skip
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@lru_cache(4096)
def held(name: str) -> frozenset[Kind]:
    """What a member of this name was declared to hold, by its last words: `cardNumber`, `billing_ibans`.

    >>> held("cardNumber") == {Kind.CARD}, held("comment") == set()
    (True, True)
    """
    words = [one.lower() for one in _WORD.findall(name)]
    found: frozenset[Kind] = frozenset()
    for size in (1, 2, 3):
        last = " ".join(words[-size:])
        for form in (last, last.removesuffix("s"), last.removesuffix("es")):
            found |= _HOLDERS.get(form, frozenset())
    return found
