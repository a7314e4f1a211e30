"""XML that everybody reads alike, and that reads nothing else: no DOCTYPE, no entities, no processing instructions, UTF-8.

It is held against no schema: whether it is well-formed, and how large, is all that is asked (CWE-611, CWE-776).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.sax import ContentHandler, SAXException  # what it parses is read by defusedxml

import defusedxml.sax
from defusedxml.common import DefusedXmlException

from ninefold.guard.charset import is_utf8
from ninefold.guard.entrance import Kept
from ninefold.guard.foreign import Malformed

if TYPE_CHECKING:
    from ninefold.guard.entrance import Entrance
    from ninefold.guard.flaw import Flaw

#: An XML declaration that says nothing but that it is XML 1.0 in UTF-8.
_DECLARATION = re.compile(
    rb"""<\?xml\s+version=(?:"1\.0"|'1\.0')(?:\s+encoding=(?:"utf-8"|'utf-8'))?(?:\s+standalone=(?:"yes"|'yes'|"no"|'no'))?\s*\?>""",
    re.IGNORECASE,
)
#: Most attributes of one element.
MOST_ATTRIBUTES = 100


class Xml:
    """Called for every body. Without state."""

    __slots__ = ("_depth", "_members")

    def __init__(self, entrance: Entrance) -> None:
        self._depth = entrance.settings.depth
        self._members = entrance.settings.members

    def __call__(self, content: bytes, media: str) -> tuple[Kept, tuple[Flaw, ...]]:
        """The body as it came. Raises `Malformed`: it is not well-formed, too large, or reads more than itself."""
        if not is_utf8(media):
            raise Malformed("the body says that it is not UTF-8")
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("the body is not UTF-8") from None
        if content.startswith(b"\xef\xbb\xbf"):
            raise Malformed("the body begins with a byte order mark")
        declaration = _DECLARATION.match(content)
        if (
            content.count(b"<?") > (declaration is not None)
            or b"<!DOCTYPE" in content.upper()
            or b"<!ENTITY" in content.upper()
        ):
            raise Malformed("the body has a DOCTYPE, a processing instruction, or another encoding")
        try:
            defusedxml.sax.parseString(content, _Counted(self._depth, self._members), forbid_dtd=True)
        except (SAXException, DefusedXmlException, ValueError) as fault:
            raise Malformed(f"the body is no XML that may be read ({type(fault).__name__})") from None
        return Kept(content, 0), ()


class _Counted(ContentHandler):
    """Raises `ValueError` past a bound."""

    def __init__(self, depth: int, members: int) -> None:
        super().__init__()
        self._depth = depth
        self._left = members
        self._open = 0

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802  # SAX's name
        del name
        self._open += 1
        self._left -= 1 + len(attrs)
        if self._open > self._depth or self._left < 0 or len(attrs) > MOST_ATTRIBUTES:
            raise ValueError("past a bound")

    def endElement(self, name: str) -> None:  # noqa: N802
        del name
        self._open -= 1
