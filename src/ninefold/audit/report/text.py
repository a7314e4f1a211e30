"""Text from the API under test made fit to be shown and written: it is hostile input."""

from __future__ import annotations

from typing import Any


def visible(text: str) -> str:
    r"""Every character that does not print, as its escape: `\x1b` steers a terminal, `\u202e` turns the reading order
    around, a lone surrogate cannot be written at all. Line ends and tabs stay.
    """
    text = text.replace("\r\n", "\n")
    return "".join(one if one.isprintable() or one in "\n\t" else _escape(ord(one)) for one in text)


def shown(text: str, most: int = 20_000) -> str:
    """The same, and of what is longer than `most` characters its beginning, and how much more there is."""
    return visible(text) if len(text) <= most else f"{visible(text[:most])}… ({len(text) - most:,} more characters)"


def line(text: str, most: int = 200) -> str:
    """The same on one line, and cut after `most` characters."""
    flat = " ".join(visible(text[: 20 * most]).split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def writable(value: Any) -> Any:
    """JSON's values with every lone surrogate (a file name that is no UTF-8 brings them) as its escape."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: writable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [writable(one) for one in value]
    return value


def written(text: str) -> str:
    """The same for a whole text."""
    return text.encode("utf-8", "backslashreplace").decode()


def count(number: int, noun: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
