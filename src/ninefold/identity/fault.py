"""Why a token is not accepted. The words are for the trail; a caller is told the same for each of them."""

from __future__ import annotations


class BadToken(Exception):
    """The token, or the proof that goes with it, does not hold."""


class Expired(BadToken):
    """It was good, as far as it was looked at, and its time is over."""


class UnknownKey(BadToken):
    """No key of the issuer's, as they were read last, is the one that the token names. They may have changed."""


class Unavailable(Exception):
    """What the token means cannot be known now: the issuer does not answer, or a file cannot be read."""
