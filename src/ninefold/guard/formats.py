"""Formats as expressions for automata: of each the whole, or a part that is sure. jsonschema-rs says what a format is."""

from __future__ import annotations

from dataclasses import dataclass

_LEAP = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DAY = (
    r"(?:[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    rf"|{_LEAP}-02-29)"
)
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,20}[A-Za-z0-9])?"
_HEX = "[0-9a-fA-F]"


@dataclass(frozen=True, slots=True)
class Format:
    """`whole`: what does not fit the expression is not of the format. Else it may be, and is looked at again.

    `longest`: only texts of up to so many bytes are sure.
    """

    expression: str
    whole: bool = False
    longest: int = 2**32 - 1


FORMATS = {
    "date": Format(rf"^{_DAY}$", whole=True),
    "date-time": Format(rf"^{_DAY}T{_CLOCK}$"),
    "time": Format(rf"^{_CLOCK}$"),
    "uuid": Format(rf"^{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}$", whole=True),
    "ipv4": Format(rf"^{_OCTET}(?:\.{_OCTET}){{3}}$", whole=True),
    # as long as it is at all, neither what stands before the `@` nor a label is too long
    "email": Format(
        rf"^[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*@(?:{_LABEL}\.){{1,4}}[A-Za-z]{{2,20}}$", longest=64
    ),
    "uri": Format(r"^https?://[A-Za-z0-9](?:[A-Za-z0-9.-]{0,100}[A-Za-z0-9])?(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]*)*$"),
    "hostname": Format(r"^(?:[A-Za-z][A-Za-z0-9]{0,20}\.){0,4}[A-Za-z][A-Za-z0-9]{0,20}$"),
    "byte": Format(r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$", whole=True),
    "json-pointer": Format(r"^(?:/(?:[^/~]|~[01])*)*$", whole=True),
}  # fmt: skip
