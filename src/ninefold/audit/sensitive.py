"""Names that say secret, or personal: of members of requests and answers, of variables in source. Whole words only, and
nothing about secrets (`password_changed_at`, `secret_name`, `page_token` hold none).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_FORM = r"(?:_?(?:hash(?:ed)?|digest|salt|plain(?:text)?|clear(?:text)?|enc(?:rypted)?|value|raw|s|\d))*$"

_CARD = r"(?:credit_?)?card_?(?:number|num|no|pin)|cvv|cvc|security_?code"
_PERSON = r"ssn|social_?security(?:_?(?:number|no))?"

#: What proves or pays: no reader of an answer needs it, whatever the method.
_PROOF = re.compile(
    r"(?:^|_)(?:pass(?:word|wd|phrase|code)|pass(?=_?hash)|pwd|private_?key|mfa_?secret|otp_?secret|totp_?secret"
    rf"|{_PERSON}|{_CARD})" + _FORM,
    re.IGNORECASE,
)

#: What opens something: the request that makes it shows it once, and none after that.
_OPENS = re.compile(
    r"(?:^|_)(?:secret(?:_?key)?|(?:api|access|signing|encryption)_?key|iban"
    r"|(?:access|refresh|auth|session|bearer|reset|api|id)_?token)" + _FORM,
    re.IGNORECASE,
)

#: What a line of a log must not hold, beside both.
_LOGGED = re.compile(
    r"^(?:jwt|authorization|credentials?|cookies?|bearer|passw|pass)$|_(?:jwt|authorization)$"
    r"|(?:^|(?<!page)(?<!next)(?<!continuation)(?<!sync)(?<!cancellation)(?<!csrf)(?<!stop)_)token$",
    re.IGNORECASE,
)

_NUMBER = r"(?:_?(?:number|num|no|id|code))?"


class Kind(StrEnum):
    """What kind of sensitive data something is; those after the contact are the ones to collect for a reason only."""

    CREDENTIAL = "credential"
    CONTACT = "contact"
    PAYMENT = "payment"
    IDENTITY = "identity document or number"
    BIRTH = "date of birth"
    HEALTH = "health"
    BELIEF = "belief or origin"


#: By name; the first that fits. What is none of them may still be a credential.
_KINDS = {
    Kind.PAYMENT: rf"{_CARD}|iban|(?:bank_?)?(?:account|routing)_?(?:number|no)|sort_?code|bank_?account",
    Kind.IDENTITY: rf"{_PERSON}|national_?(?:id|insurance){_NUMBER}|passport{_NUMBER}|tax_?(?:id|payer_?id|number)|tin"
    rf"|driv(?:er|ers|ing)_?licen[cs]e{_NUMBER}|identity_?(?:card|document){_NUMBER}|id_?card{_NUMBER}",
    Kind.BIRTH: r"birth_?(?:date|day)|date_?of_?birth|dob",
    Kind.HEALTH: r"diagnos[ie]s|medications?|prescriptions?|allerg(?:y|ies)|blood_?(?:type|group)|disabilit(?:y|ies)"
    r"|medical_?(?:history|records?|conditions?|notes?)|health_?(?:conditions?|insurance|records?|status)(?:_?(?:number|no|id))?"
    r"|symptoms|pregnant|pregnancy|vaccinations?",
    Kind.BELIEF: r"religion|religious_?beliefs?|ethnicity|ethnic_?origin|sexual_?orientation"
    r"|political_?(?:views?|party|opinions?)",
    Kind.CONTACT: r"e_?mail(?:_?address)?|(?:mobile_?|home_?|work_?)?phone(?:_?number)?|mobile(?:_?number)?"
    r"|(?:home|street|postal|billing|shipping|delivery)_?address",
}
_BY_NAME = {kind: re.compile(rf"(?:^|(?<!default)_)(?:{words})$") for kind, words in _KINDS.items()}
_BY_FORMAT = {
    "password": Kind.CREDENTIAL,
    "email": Kind.CONTACT,
    "idn-email": Kind.CONTACT,
    "phone": Kind.CONTACT,
    "iban": Kind.PAYMENT,
    "credit-card": Kind.PAYMENT,
    "ssn": Kind.IDENTITY,
}


def kind_of(name: str, told: str = "") -> Kind | None:
    """What kind of sensitive data a member is by its name, or by the `format` that is `told` of it; None: of no kind."""
    plain = snake(name)
    known = next((kind for kind, words in _BY_NAME.items() if words.search(plain)), None)
    return known or (Kind.CREDENTIAL if opens(name) else _BY_FORMAT.get(told))


_TIMES = frozenset({"date", "date-time", "time", "duration"})
_MASK = re.compile(r"[*\u2022\u25cf]{2}|x{4}", re.IGNORECASE)


def snake(name: str) -> str:
    """`cardNumber`, `Card-Number` and `card_number` as the last of these."""
    return _CAMEL.sub("_", name).replace("-", "_").replace(" ", "_").lower()


def proves(name: str) -> bool:
    """A password, its hash, a card's number and the like."""
    return _PROOF.search(snake(name)) is not None


def opens(name: str) -> bool:
    """That, or a key, a secret, a token that gives access."""
    return proves(name) or _OPENS.search(snake(name)) is not None


def tells(name: str) -> bool:
    """That, or what else has no place in a log."""
    return opens(name) or _LOGGED.search(snake(name)) is not None


def harmless(schema: Mapping[str, Any]) -> bool:
    """Whether a member with such a schema holds no secret, whatever its name: a flag, a time, a masked value, one of few."""
    kind = schema.get("type")
    if kind == "boolean" or schema.get("writeOnly") is True or schema.get("format") in _TIMES or "enum" in schema:
        return True
    length = schema.get("maxLength")
    shown = " ".join(str(schema.get(word, "")) for word in ("example", "examples", "pattern"))
    return (isinstance(length, int) and length <= 4) or _MASK.search(shown) is not None
