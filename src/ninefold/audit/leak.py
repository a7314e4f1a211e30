"""Secrets that stand in files: keys of known make, and values that a name calls secret and chance wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninefold.leak.checksum import checked
from ninefold.leak.secret import MAKES, VERIFIED, placeholder, secretive

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The other half of an AWS access key, which stands within so many lines of its id where both are given.
_AWS_SECRET, _AWS_NEAR = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"), 5

#: The first line of a private key in the clear (RFC 7468), and what follows where it is one and no example.
_PEM = re.compile(r"-----BEGIN (?:(?:RSA|EC|DSA|OPENSSH) )?PRIVATE KEY-----")
_PEM_BODY = re.compile(r"[A-Za-z0-9+/=]{40}")

#: A name that says password, and a text that it is given: in code, in configuration, in a connection's URL.
_PASSWORD = re.compile(
    r"""(?<![A-Za-z])(?P<name>(?:[A-Za-z0-9]+[_.-])*(?:password|passwd|passphrase|pwd))["']?\s*(?:=|:|=>)\s*"""
    r"""(?P<quote>["'`]?)(?P<value>[!#%&()*+\-./0-9:;=?@A-Z_a-z~^]{8,64})(?P=quote)\s*(?:[,;})\]#].*)?$""",
    re.IGNORECASE,
)
_URL = re.compile(
    r"\b[a-z][a-z0-9+]{2,15}://[^:/\s@\"'{}$<>]{0,64}:(?P<value>[^@/\s\"'{}$<>,%]{8,64})@(?P<host>[A-Za-z0-9.-]+)"
)
_HERE = re.compile(r"^(?:localhost|127\.|0\.0\.0\.0|host\.docker\.internal|(?:[a-z]+\.)*example(?:\.|$))")

#: A name that says API key, and a literal that it is given: in code, YAML, TOML, JSON, INI, dotenv.
_NAMED = re.compile(
    r"""(?P<name>[A-Za-z0-9_.-]*?(?:api[_-]?keys?|access[_-]?keys?|client[_-]?secret|auth[_-]?token|access[_-]?token)"""
    r"""[A-Za-z0-9_]*)["']?(?:\s*:\s*[A-Za-z\[\], ]+)?\s*(?:=|:|=>)\s*"""
    r"""(?P<quote>["'`]?)(?P<value>[A-Za-z0-9_\-+/=.~]{8,200})(?P=quote)\s*(?:[,;})\]#].*)?$""",
    re.IGNORECASE,
)

#: Literals inside a collection that a name calls keys: `API_KEYS = {"k-123...": "alice"}`.
_COLLECTION = re.compile(r"api[_-]?keys\w*[\"']?(?:\s*:\s*[\w\[\], ]+)?\s*[=:]\s*[\[({]", re.IGNORECASE)
_LITERAL = re.compile(r"""["']([A-Za-z0-9_\-+/=.~]{8,200})["']""")

#: What every line that holds a key has in it, so that most lines are read once.
_HINT = re.compile(
    r"key|token|secret|passw|passphrase|pwd|://|eyJ|A[KS]IA|gh[pousr]_|github_pat|glpat|k_live_|xox|AIza|SG\.|npm_|pypi-|nf_",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Leak:
    """`kind` in words; `shown` is enough of the secret to find it, and no more. `sure`: its make proves itself."""

    line: int
    kind: str
    shown: str
    sure: bool = False


def leaks(text: str) -> Iterator[Leak]:
    """Every key in a file's text, one a line."""
    collected = 0
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if len(line) > 2000 or not (collected or _HINT.search(line)):
            continue
        leak = (
            _made(number, line, lines)
            or _named(number, line)
            or _private(number, line, lines)
            or _password(number, line)
        )
        if leak is None and (collected > 0 or _COLLECTION.search(line)):
            leak = next(
                (_leak(number, "a key among API keys", one) for one in _LITERAL.findall(line) if secretive(one)),
                None,
            )
        if _COLLECTION.search(line) and line.count("{") + line.count("[") + line.count("(") > sum(
            line.count(one) for one in "}])"
        ):
            collected = 40
        elif collected and re.match(r"\s*[}\])]", line):
            collected = 0
        else:
            collected = max(0, collected - 1)
        if leak:
            yield leak


def _made(number: int, line: str, lines: list[str]) -> Leak | None:
    for kind, make in MAKES:
        found = make.search(line)
        if found is None:
            continue
        verify = VERIFIED.get(kind)
        if verify is not None and make.pattern.startswith(r"\bgithub_pat_"):
            verify = None  # how its checksum is made is not published
        if verify is not None:
            if verify(found[0]):
                return _leak(number, kind, found[0], sure=verify is checked)
        elif kind == "an AWS access key id":
            near = lines[max(0, number - 1 - _AWS_NEAR) : number + _AWS_NEAR]
            if "EXAMPLE" not in found[0] and any(
                secretive(one) for text in near if len(text) <= 2000 for one in _AWS_SECRET.findall(text)
            ):
                return _leak(number, "an AWS access key with its secret", found[0])
        elif not placeholder(found[0]):
            return _leak(number, kind, found[0])
    return None


def _private(number: int, line: str, lines: list[str]) -> Leak | None:
    """A private key in the clear: its first line, and enough of what follows."""
    found = _PEM.search(line)
    if found is None:
        return None
    rest = [line[found.end() :], *(one for one in lines[number : number + 8] if len(one) <= 2000)]
    body = [piece for one in rest for piece in _PEM_BODY.findall(one.replace("\\n", " "))]
    if len(body) < 2 or any(len(set(one)) < 8 for one in body):
        return None
    return Leak(number, "a private key", "-----BEGIN ...", sure=True)


def _password(number: int, line: str) -> Leak | None:
    found = _PASSWORD.search(line)
    if found and secretive(found["value"]) and not re.search(r"[(){}]|^\w+(?:\.\w+)+$", found["value"]):
        return _leak(number, f"a value for `{found['name']}`", found["value"])
    url = _URL.search(line)
    if url and secretive(url["value"]) and not _HERE.match(url["host"]):
        return _leak(number, "a password in a URL", url["value"])
    return None


def _named(number: int, line: str) -> Leak | None:
    found = _NAMED.search(line)
    if found and secretive(found["value"]):
        return _leak(number, f"a value for `{found['name']}`", found["value"])
    return None


def _leak(number: int, kind: str, value: str, *, sure: bool = False) -> Leak:
    return Leak(number, kind, f"{value[:4]}...{value[-2:]}" if len(value) >= 16 else f"{value[:2]}...", sure)
