"""What the first bytes of a file say that it is, against what its sender says (MIME sniffing, WHATWG, section 6).

Of a type whose beginning is known, a file has to begin so; and what begins as a program, a page or a script is not a picture.
"""

from __future__ import annotations

#: How files of a type begin: at an offset, with one of these.
_BEGINS: dict[str, tuple[int, tuple[bytes, ...]]] = {
    "image/png": (0, (b"\x89PNG\r\n\x1a\n",)),
    "image/jpeg": (0, (b"\xff\xd8\xff",)),
    "image/gif": (0, (b"GIF87a", b"GIF89a")),
    "image/webp": (8, (b"WEBP",)),
    "image/bmp": (0, (b"BM",)),
    "image/tiff": (0, (b"II*\x00", b"MM\x00*")),
    "application/pdf": (0, (b"%PDF-",)),
    "application/zip": (0, (b"PK\x03\x04", b"PK\x05\x06")),
    "application/gzip": (0, (b"\x1f\x8b",)),
    "audio/wav": (8, (b"WAVE",)),
    "audio/ogg": (0, (b"OggS",)),
    "video/mp4": (4, (b"ftyp",)),
    "video/webm": (0, (b"\x1a\x45\xdf\xa3",)),
    "application/wasm": (0, (b"\x00asm",)),
}
_OOXML = "application/vnd.openxmlformats-officedocument."
#: How programs begin, and what browsers take for a page.
_ACTIVE = (b"\x7fELF", b"MZ", b"#!", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa", b"<?php")
_PAGES = (b"<!doctype html", b"<html", b"<script", b"<svg", b"<body", b"<iframe")


def contradicts(media: str, data: bytes) -> bool:
    """Whether a file is not of the type that it is said to be. Of types of unknown beginning, programs and pages are."""
    kind = media.partition(";")[0].strip().lower()
    known = _BEGINS.get("application/zip" if kind.startswith(_OOXML) else kind)
    if known is not None:
        at, beginnings = known
        return not data[at : at + 16].startswith(beginnings)
    if kind.startswith(("image/", "audio/", "video/", "font/", "text/plain", "text/csv")) and kind != "image/svg+xml":
        head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        return data.startswith(_ACTIVE) or head.startswith(_PAGES)
    return False
