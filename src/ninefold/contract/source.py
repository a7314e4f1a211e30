"""YAML and JSON as plain values, with the place of each: YAML 1.2's core schema, so `no` is a word and `1:30` is too.

Built from the parser's events, not by a recursive loader, so that depth, size and aliases are bounded: a document that
unfolds into more than it says ends in an error and not in the machine's memory (CWE-776).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from ninefold.errors import FileError, NinefoldError, Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_DEPTH = 200
MOST_NODES = 5_000_000

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

Path_ = tuple[str | int, ...]


class SourceFault(Exception):
    """The text is no YAML or JSON that can be used: `what`, where, and what to do."""

    def __init__(self, what: str, place: Place, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.place = place
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Source:
    """`values` has the place of each value, `keys` that of each key, by its path from the root. `text` is the whole."""

    file: str
    data: Any
    values: dict[Path_, tuple[int, int]] = field(default_factory=dict, repr=False)
    keys: dict[Path_, tuple[int, int]] = field(default_factory=dict, repr=False)
    text: str = field(default="", repr=False)

    def place(self, path: Path_, *, key: bool = False) -> Place:
        """Where a value (or its key) stands, or the nearest thing above it that stands somewhere."""
        if key and path in self.keys:
            return Place(self.file, *self.keys[path])
        for end in range(len(path), -1, -1):
            if path[:end] in self.values:
                return Place(self.file, *self.values[path[:end]])
        return Place(self.file, 1, 1)

    def within(self, path: Path_, offset: int) -> Place:
        """Where a character of a string stands, whichever of YAML's five ways it was written in.

        White space may be folded and quotes doubled on the way from the file to the string; every other character stands in
        the file in its order, unless it was written as an escape: then the place is the string's own.
        """
        start, value = self.place(path), self.data
        for part in path:
            value = value[part]
        lines = self.text.split("\n")
        line, column = start.line - 1, start.column - 1
        if not isinstance(value, str) or line >= len(lines):
            return start
        style = lines[line][column : column + 1]
        if style in {"|", ">"}:
            line, column = line + 1, 0
        elif style in {"'", '"'}:
            column += 1
        # an escaped quote is two characters there, and one here
        doubled = {"'": {"'": "'"}, '"': {'"': "\\", "\\": "\\"}}.get(style, {})
        for char in [one for one in value[:offset] if not one.isspace()] + [value[offset : offset + 1]]:
            while line < len(lines) and (column >= len(lines[line]) or lines[line][column].isspace()):
                line, column = (line, column + 1) if column < len(lines[line]) else (line + 1, 0)
            if line >= len(lines):
                return start
            if doubled.get(char) == lines[line][column]:
                column += 1
            if lines[line][column : column + 1] != char and not char.isspace():
                return start
            column += 1
        return Place(self.file, line + 1, column)


def read_bytes(path: Path, most: int) -> bytes:
    """A file's content. Raises `FileError` where it cannot be read or is larger than `most` bytes."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as fault:
        raise FileError(
            f"cannot be read ({fault.strerror})",
            place=Place(str(path)),
            remedy="name a file that exists and is readable",
        ) from None
    if len(content) > most:
        raise FileError(
            f"is larger than {most // 1024} KiB",
            place=Place(str(path)),
            remedy="give the file itself, not what includes it",
        )
    return content


def parse(content: bytes, file: str) -> Source:
    """YAML (or JSON, which is YAML) as values. Raises `SourceFault`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        raise SourceFault("is not UTF-8", Place(file, line, 1), "save the file as UTF-8") from None
    builder = _Builder(file)
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        raise SourceFault(
            f"is no YAML: {fault.problem or fault}", place, "mend the indentation or the quotes there"
        ) from None
    except yaml.YAMLError as fault:
        raise SourceFault(
            f"is no YAML: {str(fault).splitlines()[0]}", Place(file), "save the file as YAML or JSON text"
        ) from None
    return Source(file, builder.root, builder.values, builder.keys, text)


def parse_fast(content: bytes, file: str) -> Any:
    """Values without places: JSON by msgspec where it is JSON, else as `parse`. Raises `SourceFault`."""
    text = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in {b"{", b"["}:
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # YAML in flow style, or a fault that the other parser tells the place of
    return parse(content, file).data


def _events(text: str) -> Iterator[Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: Iterator[Any] = yaml.parse(text, Loader=loader)
    return found


@dataclass(slots=True)
class _Open:
    """A mapping or sequence that is being read."""

    value: Any
    path: Path_
    anchor: str | None
    key: Any = None
    has_key: bool = False
    count: int = 1


class _Builder:
    def __init__(self, file: str) -> None:
        self._file = file
        self.root: Any = None
        self.values: dict[Path_, tuple[int, int]] = {}
        self.keys: dict[Path_, tuple[int, int]] = {}
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._documents = 0
        self._nodes = 0

    def take(self, event: Any) -> None:
        place = Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise SourceFault(
                    "holds more than one document", place, "keep the first, remove `---` and what follows"
                )
        elif isinstance(event, yaml.ScalarEvent):
            self._put(_scalar(event, place), place, event.anchor, 1)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise SourceFault(f"the alias *{event.anchor} stands inside of what it names", place, "write it out")
            value, count = self._anchors[event.anchor]
            self._put(value, place, None, count)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event, place)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            done = self._stack.pop()
            if self._stack:
                self._stack[-1].count += done.count
            if done.anchor:
                self._anchors[done.anchor] = (done.value, done.count)

    def _open(self, event: Any, place: Place) -> None:
        if len(self._stack) >= MOST_DEPTH:
            raise SourceFault(f"is nested deeper than {MOST_DEPTH} levels", place, "flatten it")
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        path = self._put(value, place, None, 0)
        self._stack.append(_Open(value, path, event.anchor))

    def _put(self, value: Any, place: Place, anchor: str | None, count: int) -> Path_:
        """Put a value where the parser is now; gives its path."""
        self._nodes += max(count, 1)
        if self._nodes > MOST_NODES:
            raise SourceFault("unfolds into too many values", place, "write it with fewer aliases")
        if anchor:
            self._anchors[anchor] = (value, count)
        if not self._stack:
            self.root = value
            self.values[()] = (place.line, place.column)
            return ()
        top = self._stack[-1]
        top.count += count
        if isinstance(top.value, list):
            path = (*top.path, len(top.value))
            top.value.append(value)
        elif not top.has_key:
            self._key(top, value, place)
            return (*top.path, "")
        else:
            path = (*top.path, top.key)
            top.has_key = False
            if top.key == "<<" and isinstance(value, dict | list):
                _merge(top.value, value, place)
            else:
                top.value[top.key] = value
        self.values[path] = (place.line, place.column)
        return path

    def _key(self, top: _Open, key: Any, place: Place) -> None:
        if isinstance(key, dict | list):
            raise SourceFault("a mapping's key is a mapping or list itself", place, "use a word as the key")
        # JSON has only strings as names; `200:` in a description and `"200":` are the same
        name = (
            key
            if isinstance(key, str)
            else "null"
            if key is None
            else str(key).lower()
            if isinstance(key, bool)
            else str(key)
        )
        if (*top.path, name) in self.keys and name != "<<":
            raise SourceFault(f"the key {name!r} stands here for the second time", place, "keep one of the two")
        top.key = name
        top.has_key = True
        self.keys[*top.path, name] = (place.line, place.column)


def _merge(into: dict[str, Any], value: Any, place: Place) -> None:
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, dict):
            raise SourceFault("`<<` merges something that is no mapping", place, "write the fields out")
        for name, found in one.items():
            into.setdefault(name, found)


def _scalar(event: Any, place: Place) -> Any:
    text: str = event.value
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SourceFault("holds half of a surrogate pair", place, "write the whole character") from None
    if event.tag is not None and event.tag not in {"!", "tag:yaml.org,2002:str"}:
        raise SourceFault(
            f"the tag {event.tag} is not known here", place, "remove the tag; YAML 1.2's plain values are enough"
        )
    if not event.implicit[0] or event.tag is not None:
        return text
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text[0] in "tT"
    if _INT.fullmatch(text):
        return int(text) if len(text) < 4000 else text
    if _OCTAL.fullmatch(text):
        return int(text, 8)
    if _HEX.fullmatch(text):
        return int(text, 16)
    return float(text) if _FLOAT.fullmatch(text) else text


def as_error(fault: SourceFault, error: type[NinefoldError]) -> NinefoldError:
    """The fault as an error of the caller's kind."""
    return error(fault.what, place=fault.place, remedy=fault.remedy)
