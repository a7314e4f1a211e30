"""What the audit did to a token, as commands of a POSIX shell that do it to the reader's own: openssl, and python3 for JSON.

Nothing of a given token stands in them: `NINEFOLD_KEY_1` is it, and `NINEFOLD_SECRET` the secret that signs, where that
was guessed. Each sets `token`; none holds where a key of another kind is in that variable.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

from ninefold.audit.jwt import decoded

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Base64url without padding (RFC 7515 section 2), and the token's claims as they stand in it.
_ENCODE = "b64() { openssl base64 -A | tr '+/' '-_' | tr -d =; }"
_CLAIMS = 'claims=$(printf %s "$NINEFOLD_KEY_1" | cut -d. -f2)'
#: Members put in place of the claims' own. Python takes more padding than there must be.
_CHANGE = (
    "import base64, json, sys; was = json.loads(base64.urlsafe_b64decode(sys.argv[1] + '=='));"
    " print(json.dumps(was | json.loads(sys.argv[2])), end='')"
).replace("'", '"')
_OCTETS = "import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))"
_DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
_VALUE = re.compile(r"\$\{?(NINEFOLD_VALUE\w*)\}?")

#: The key of an HMAC as openssl's option: the reader's guess.
GUESSED = 'key:"$NINEFOLD_SECRET"'


def line(made: str, sent: str) -> str:
    """The line `sent` with the commands before it that make its credential, which is its only unknown variable."""
    if not made or len(set(_VALUE.findall(sent))) != 1:
        return sent
    return f"{made}; {_VALUE.sub('${token}', sent)}"


def ended(signature: str) -> str:
    """The token with this in place of its signature."""
    return f"token=${{NINEFOLD_KEY_1%.*}}.{signature}"


def unsigned(attack: str) -> str:
    """The claims under the header of `attack`, with an empty signature."""
    return f"{_ENCODE}; {_CLAIMS}; {_header(attack)}; token=$header.$claims."


def signed(attack: str, key: str, changed: Mapping[str, Any] | None = None) -> str:
    """The claims, some of them `changed`, under the header of `attack`, with an HMAC. `key` is `octets(...)` or `GUESSED`."""
    steps = [_ENCODE, _CLAIMS]
    if changed:
        steps.append(f'claims=$(python3 -c {shlex.quote(_CHANGE)} "$claims" {shlex.quote(_json(changed))} | b64)')
    digest = _DIGESTS[_head(attack)["alg"]]
    steps += [_header(attack), _sign(f"-{digest} -mac HMAC -macopt {key}")]
    return "; ".join(steps)


def octets(key: bytes) -> str:
    """The key of an HMAC as openssl's option; an empty one is one octet of zero, which HMAC pads it with (RFC 2104, 2)."""
    return f"hexkey:{(key or bytes(1)).hex()}"


def embedded(attack: str) -> str:
    """The claims under the header of `attack`, with a key in `jwk` that is made on the spot and signs it."""
    head = _head(attack)
    head["jwk"] = {**head["jwk"], "n": "%s"}
    return "; ".join(
        (
            _ENCODE,
            _CLAIMS,
            'key=$(mktemp); openssl genrsa -out "$key" 2048 2>/dev/null',
            f'n=$(openssl rsa -in "$key" -noout -modulus | cut -d= -f2 | python3 -c {shlex.quote(_OCTETS)} | b64)',
            f'header=$(printf {shlex.quote(_json(head))} "$n" | b64)',
            _sign('-sha256 -sign "$key"'),
            'rm "$key"',
        )
    )


def _sign(how: str) -> str:
    return f'token=$header.$claims; token=$token.$(printf %s "$token" | openssl dgst {how} -binary | b64)'


def _header(attack: str) -> str:
    return f"header=$(printf %s {shlex.quote(_json(_head(attack)))} | b64)"


def _head(attack: str) -> dict[str, Any]:
    head: dict[str, Any] = json.loads(decoded(attack.partition(".")[0]))
    return head


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))
