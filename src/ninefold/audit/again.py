"""A request as a line for a POSIX shell that sends it once more: curl for HTTP, openssl for a handshake.

Secrets are never in it: they are variables of the shell, `NINEFOLD_KEY_1` for the first key. All else is quoted as it
was sent, whatever it is made of.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.audit.answer import Ask
    from ninefold.audit.key import Key

#: Seconds that curl may take.
SECONDS = 15

#: The fewest characters of a secret that is looked for wherever it may stand.
_LEAST = 4

#: The longest body that is written out; a longer one makes no line that anybody would paste.
BODY = 4096

_SECRET = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-auth-token"})
#: What stands before a credential and is none: an authentication scheme, registered (RFC 9110 section 16.4) or customary.
_SCHEME = re.compile(r"^(?:Bearer|Basic|Digest|DPoP|Negotiate|GNAP|Api-?Key|Token|JWT) +(?=\S+$)", re.IGNORECASE)
#: A part of a value long enough to be a credential; what has none (`Bearer e30.e30.`) was made up to be refused.
_TELLING = re.compile(r"[A-Za-z0-9+/_]{8}")
#: What stands in place of such a value until it is a variable.
_CUT = "[cut]"
#: What means nothing to a shell within double quotes, so that a variable among it reads well.
_PLAIN = re.compile(r"[\w ./:=@%+,;?&()\[\]{}*'<>|~^#-]*")


@dataclass(frozen=True, slots=True)
class Shell:
    """What a line needs beside its request. `names` maps each secret to its variable.

    `authority`: the certificate is trusted by an authority of its own, whose file is `NINEFOLD_AUTHORITY`. `origin` is
    scheme, host and port (empty: no line can be made), `source` the local address that it was sent from.
    """

    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    authority: bool = False
    origin: str = ""
    source: str = ""

    def knowing(self, secrets: tuple[str, ...]) -> Shell:
        """The same with a variable for each of these that has none yet."""
        names = dict(self.names)
        for secret in sorted(secrets, key=len):
            if len(secret) >= _LEAST and not any(name in secret for name in names):
                names[secret] = f"NINEFOLD_VALUE_{len(names) - len(self.names) + 1}"
        return replace(self, names=names)


def variables(keys: tuple[Key, ...], expired: Key | None = None, revoked: Key | None = None) -> dict[str, str]:
    """The shell's name of each secret of these keys: of the key, of its wrong twin, and of the fields that go along."""
    made: dict[str, str] = {}
    named = [(f"KEY_{number}", f"FIELD_{number}", key) for number, key in enumerate(keys, 1)]
    named += [
        (f"{name}_KEY", f"{name}_FIELD", key) for name, key in (("EXPIRED", expired), ("REVOKED", revoked)) if key
    ]
    for at, field_, key in named:
        told = [(f"NINEFOLD_{at}", key.value), (f"NINEFOLD_WRONG_{at}", key.wrong().value)]
        told += [(f"NINEFOLD_{field_}_{nth}", value) for nth, (_, value) in enumerate(key.also, 1)]
        for name, value in told:
            made.setdefault(_SCHEME.sub("", value), name)
    return made


def curl(ask: Ask, shell: Shell) -> str:
    """The line for `ask`; empty where it is not known where it went, or the body is too long for one."""
    if not shell.origin or len(ask.body) > BODY:
        return ""
    ask, names = _long(ask, shell.names)
    words = ["curl", "-sS", "-i", "-g", "--http1.1", "--path-as-is", f"--max-time {SECONDS}"]
    if shell.authority and shell.origin.startswith("https:"):
        words.append('--cacert "$NINEFOLD_AUTHORITY"')
    if shell.source:
        words.append(f"--interface {_literal(shell.source)}")
    if ask.method == "HEAD":
        words.append("--head")
    elif ask.method != ("POST" if ask.body else "GET"):
        words.append(f"-X {_literal(ask.method)}")
    implied = {("host", shell.origin.partition("://")[2]), ("accept", "*/*")}
    words += [
        _field(name, value, names)
        for name, value in ask.headers
        if (name.lower(), value) not in implied and name.lower() != "content-length"  # curl counts for itself
    ]
    odd = tuple(pair for pair in ask.query if _changes(pair[1], names))
    encoding = "--url-query" if ask.body else "-G --data-urlencode"
    words += [f"{encoding} {_quoted(f'{quote(name)}={value}', names)}" for name, value in odd]
    ask = replace(ask, query=tuple(pair for pair in ask.query if pair not in odd))
    before = ""
    if ask.body:
        if not any(name.lower() == "content-type" for name, _ in ask.headers):
            words.append("-H 'Content-Type:'")
        before, body = _body(ask.body, names)
        words.append(f"--data-binary {body}")
    encoded = {quote(value, safe=""): name for value, name in names.items()}
    words.append(_quoted(f"{shell.origin}{ask.target}", encoded | dict(names)))
    return before + " ".join(words)


def _changes(value: str, names: Mapping[str, str]) -> bool:
    """Whether a secret in it is another in a URL: then curl has to encode it, for its variable holds it as it is."""
    return any(secret in value and quote(secret, safe="") != secret for secret in names)


def repeated(line: str, times: int) -> str:
    """The line so many times, and how often each status came."""
    each = f"{line} -o /dev/null -w '%{{http_code}}\\n'"
    return f"for n in $(seq {times}); do {each}; done | sort | uniq -c" if line else ""


def after(before: str, line: str) -> str:
    """Both, one after the other, where the one shows nothing without the other."""
    return f"{before}; echo; {line}" if before and line else line


def handshake(host: str, port: int, version: str) -> str:
    """The line that shakes hands in this version alone, or in any (empty), and prints what was agreed on."""
    flag = {"TLS 1.0": " -tls1", "TLS 1.1": " -tls1_1", "TLS 1.2": " -tls1_2", "TLS 1.3": " -tls1_3"}.get(version, "")
    name = "" if re.fullmatch(r"[\d.]+|.*:.*", host) else f" -servername {_literal(host)}"
    at = _literal(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    return f"openssl s_client -connect {at}{name}{flag} -cipher 'ALL:@SECLEVEL=0' </dev/null"


def first_words(host: str, port: int, hello: bytes) -> str:
    """The line that sends these bytes, a ClientHello that today's tools no longer make, and prints the server's answer."""
    code = f"import socket; s = socket.create_connection(({host!r}, {port}), {SECONDS}); "
    code += f"s.sendall(bytes.fromhex('{hello.hex()}')); print(s.recv(4096).hex())"
    return f"python3 -c {shlex.quote(code)}"


def _long(ask: Ask, names: Mapping[str, str]) -> tuple[Ask, Mapping[str, str]]:
    """The same with long names in place of secrets too short to be looked for in other words; as whole values they are."""
    short = {secret: f"ninefold-short-{name}" for secret, name in names.items() if 0 < len(secret) < _LEAST}

    def named(value: str) -> str:
        head, space, tail = value.rpartition(" ")
        return f"{head}{space}{short[tail]}" if tail in short else value

    headers = tuple((name, named(value)) for name, value in ask.headers)
    query = tuple((name, named(value)) for name, value in ask.query)
    more = {marker: names[secret] for secret, marker in short.items()}
    return replace(ask, headers=headers, query=query), {**names, **more}


def _field(name: str, value: str, names: Mapping[str, str]) -> str:
    """A header field as an option. One with credentials that are not known has a variable in place of its value."""
    if name.lower() == "user-agent" and value:
        return f"-A {_quoted(value, names)}"
    return f"-H {_line(name, value, names)}"


def _line(name: str, value: str, names: Mapping[str, str]) -> str:
    if not value:
        return _literal(f"{name};")  # this is how curl is told to send an empty one
    scheme, space, credential = value.rpartition(" ")
    known = any(secret in value for secret in names) or not _TELLING.search(credential)
    if name.lower() in _SECRET and not known:
        return _quoted(f"{name}: {scheme}{space}{_CUT}", {_CUT: "NINEFOLD_VALUE"})
    return _quoted(f"{name}: {value}", names)


def _body(body: bytes, names: Mapping[str, str]) -> tuple[str, str]:
    """What goes before curl, and the argument for its body: as text where it is text, as octets through a pipe else."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = ""
    if text and not text.startswith("@") and all(one.isprintable() for one in text):
        return "", _quoted(text, names)
    parts = _split(body.decode("latin-1"), {one.encode().decode("latin-1"): name for one, name in names.items()})
    made = [f'printf %s "${name}"' if name else f"printf '{_octal(part.encode('latin-1'))}'" for part, name in parts]
    return (f"{{ {'; '.join(made)}; }} | " if len(made) > 1 else f"{made[0]} | "), "@-"


def _split(text: str, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """The text in pieces, each with its variable where it is a secret; else with an empty name."""
    secrets = sorted((one for one in names if len(one) >= _LEAST), key=len, reverse=True)
    parts = re.split("(" + "|".join(map(re.escape, secrets)) + ")", text) if secrets else [text]
    return [(part, names[part] if at % 2 else "") for at, part in enumerate(parts) if part]


def _octal(octets: bytes) -> str:
    """Octets as printf(1) writes them."""
    return "".join(chr(one) if chr(one).isascii() and chr(one).isalnum() else f"\\{one:03o}" for one in octets)


def _quoted(text: str, names: Mapping[str, str]) -> str:
    """One word of the shell: `text`, with a variable wherever one of the secrets stands in it."""
    parts = _split(text, names)
    if not any(name for _, name in parts):
        return _literal(text)
    if all(name or _PLAIN.fullmatch(part) for part, name in parts):
        after = [part for part, _ in parts[1:]] + [""]
        told = (_variable(name, next_) if name else part for (part, name), next_ in zip(parts, after, strict=True))
        return f'"{"".join(told)}"'
    return "".join(f'"${name}"' if name else _literal(part) for part, name in parts)


def _variable(name: str, after: str) -> str:
    """Braces only where what follows would be read as part of the name."""
    return f"${{{name}}}" if re.match(r"[\w\[]", after) else f"${name}"


def _literal(text: str) -> str:
    """Quoted; what does not print, and would steer the terminal it is pasted into, is made by printf.

    No line ends: neither a field nor a target can have one, and the shell would lose it.
    """
    parts = re.split(r"([^\x20-\x7e]+)", text)
    made = (
        f"\"$(printf '{_octal(part.encode('utf-8', 'surrogateescape'))}')\"" if at % 2 else shlex.quote(part)
        for at, part in enumerate(parts)
        if part or len(parts) == 1
    )
    return "".join(made)
