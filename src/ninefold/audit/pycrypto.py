"""What a Python module does with hashes, ciphers, keys and certificate checks, read from its syntax tree."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninefold.audit.pyvalue import Values
from ninefold.audit.source import called, dotted, imported
from ninefold.leak.secret import secretive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ninefold.audit.source import Module

FAST = frozenset(
    {"md4", "md5", "sha", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "sha3_512", "blake2b"}
)
_BROKEN_CIPHERS = frozenset({"DES", "DES3", "ARC2", "ARC4", "RC4", "Blowfish", "TripleDES", "IDEA", "CAST5", "SEED"})
_CIPHERS = frozenset({"AES", *_BROKEN_CIPHERS})
PASSWORD = re.compile(r"passw(?:or)?d|passwd|\bpwd\b|passphrase|\bpin\b|_pw\b", re.IGNORECASE)

#: What else goes through a digest in a function that is about passwords: `def reset_password(token)`.
NO_PASSWORD = re.compile(
    r"\b(?:\w*_)?(?:token|key|code|nonce|otp|session|body|payload|file|email|user_?name|id|uuid|ip|url|path|agent|content|page)\b",
    re.IGNORECASE,
)
KEY = re.compile(
    r"^_*(?:[a-z0-9]+_)*(?:secret_?key|signing_?key|encryption_?key|private_?key|jwt_?secret|jwt_?key|fernet_?key"
    r"|aes_?key|hmac_?key|cookie_?secret|session_?secret|app_?secret)$",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"^\$|^\{|^<|change.?me|your|^env:|^https?:|^/", re.IGNORECASE)
_VERIFYING = re.compile(r"^(?:requests|httpx|aiohttp|urllib3)\b|(?:^|\.)(?:Session|Client|AsyncClient|PoolManager)$")
_SENDS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request", "stream", "send"})
_TAKES_KEY = frozenset(
    {
        "new", "encode", "decode", "Fernet", "AESGCM", "ChaCha20Poly1305", "AES", "HMAC", "digest", "URLSafeSerializer",
        "URLSafeTimedSerializer", "TimestampSigner", "Signer", "SessionMiddleware",
    }
)  # fmt: skip
_KEY_CALL = re.compile(r"jwt|jose|Fernet|AES|ChaCha|hmac|HMAC|Serializer$|Signer$|SessionMiddleware$")


@dataclass(frozen=True, slots=True)
class Danger:
    """`kind` is `password`, `cipher`, `key` or `verification`; `detail` a sentence without the secret.

    `sure` is False for what only takes the place of something that the environment lacks.
    """

    kind: str
    line: int
    detail: str
    sure: bool = True


def digests(module: Module) -> dict[str, str]:
    """The module's functions that put an argument of theirs through a fast digest, and which."""
    return _digests(module.tree, imported(module.tree))


def dangers(module: Module, elsewhere: Mapping[str, str] | None = None) -> Iterator[Danger]:
    """Every use in the module that its reader should see, in the order of the walk.

    `elsewhere`: the `digests` of the other modules, which count where this one imports them.
    """
    names = imported(module.tree)
    own = _digests(module.tree, names) | _brought(module.tree, elsewhere or {})
    values = Values(module.tree)
    range_query = "pwned" in module.file.text.lower()  # that service is asked by SHA-1, and keeps nothing
    for node, words in _in_context(module.tree, ""):
        if isinstance(node, ast.Call):
            name = called(node, names)
            yield from () if range_query else _hash(node, name, words)
            yield from () if range_query else _hash_through(node, name, own)
            yield from _cipher(node, name, values)
            yield from _unverified(node, name)
            yield from _literal_key(node, name, values)
            yield from _named_keys(node, values)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            yield from _assigned(node, values)


def _in_context(node: ast.AST, words: str) -> Iterator[tuple[ast.AST, str]]:
    """Each node with the names of the functions and targets around it, which say what a digest is for."""
    for inner in ast.iter_child_nodes(node):
        around = words
        if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)):
            around = f"{words} {inner.name}"
        elif isinstance(inner, (ast.Assign, ast.AnnAssign)):
            targets = inner.targets if isinstance(inner, ast.Assign) else [inner.target]
            around = " ".join((words, *(dotted(one) for one in targets)))
        elif isinstance(inner, ast.keyword):
            around = f"{words} {inner.arg or ''}"
        yield inner, around
        yield from _in_context(inner, around)


def _digests(tree: ast.Module, names: dict[str, str]) -> dict[str, str]:
    """Functions that put an argument of theirs through a fast digest, and which: `def md5(text): return hashlib.md5(...)`."""
    found: dict[str, str] = {}
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        given = {one.arg for one in (*function.args.posonlyargs, *function.args.args)}
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and (algorithm := _fast(node, called(node, names))):
                used = {one.id for value in node.args for one in ast.walk(value) if isinstance(one, ast.Name)}
                if used & given:
                    found[function.name] = algorithm
    return found


def _brought(tree: ast.Module, elsewhere: Mapping[str, str]) -> dict[str, str]:
    """Those digests of other modules that this one imports by name."""
    return {
        one.asname or one.name: elsewhere[one.name]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for one in node.names
        if one.name in elsewhere
    }


def _hash_through(node: ast.Call, name: str, known: Mapping[str, str]) -> Iterator[Danger]:
    algorithm = known.get(name) or known.get(name.rpartition(".")[2] if name.startswith("self.") else "")
    if algorithm is None:
        return
    given = " ".join(ast.unparse(one) for one in node.args)
    if PASSWORD.search(given) and not NO_PASSWORD.search(given.rpartition(".")[2]):
        yield Danger("password", node.lineno, f"A password goes through {algorithm.upper()}, which is made to be fast.")


def _fast(node: ast.Call, name: str) -> str:
    """The fast digest that a call makes; empty: none."""
    head, _, last = name.rpartition(".")
    algorithm = last.lower()
    if last == "new" and head == "hashlib" and node.args and isinstance(node.args[0], ast.Constant):
        algorithm = str(node.args[0].value).lower().replace("-", "")
    elif head not in {"hashlib", "Crypto.Hash", "Cryptodome.Hash"} and not head.endswith("hashes"):
        return ""
    return algorithm if algorithm in FAST else ""


def _hash(node: ast.Call, name: str, words: str) -> Iterator[Danger]:
    """A fast digest of a password (CWE-916): made for speed, so that guessing is fast too."""
    algorithm = _fast(node, name)
    if not algorithm:
        return
    given = " ".join(ast.unparse(one) for one in node.args)
    if PASSWORD.search(given) or (PASSWORD.search(words) and not NO_PASSWORD.search(given)):
        yield Danger("password", node.lineno, f"A password goes through {algorithm.upper()}, which is made to be fast.")


def _cipher(node: ast.Call, name: str, values: Values) -> Iterator[Danger]:
    head, _, last = name.rpartition(".")
    cipher = head.rpartition(".")[2] if last == "new" else last
    if cipher in _BROKEN_CIPHERS and (last == "new" or head.endswith(("algorithms", "ciphers"))):
        yield Danger("cipher", node.lineno, f"{cipher} is broken or obsolete.")
    if last == "ECB" and head.endswith("modes"):
        yield Danger("cipher", node.lineno, "ECB shows equal blocks as equal blocks.")
    if last == "new" and cipher in _CIPHERS:
        if any(dotted(one).endswith("MODE_ECB") for one in node.args):
            yield Danger("cipher", node.lineno, "ECB shows equal blocks as equal blocks.")
        if any(one.arg in {"iv", "nonce"} and _is_bytes(one.value, node, values) for one in node.keywords):
            yield Danger("cipher", node.lineno, "The initialization vector is fixed, so equal texts encrypt equally.")
    fixed = bool(node.args) and _is_bytes(node.args[0], node, values)
    if last in {"CBC", "CTR", "GCM", "OFB", "CFB"} and head.endswith("modes") and fixed:
        yield Danger("cipher", node.lineno, "The initialization vector is fixed, so equal texts encrypt equally.")


def _is_bytes(node: ast.expr, at: ast.AST, values: Values) -> bool:
    told = values.literal(node, at)
    return told is not None and isinstance(told[0], bytes) and told[1]


def _unverified(node: ast.Call, name: str) -> Iterator[Danger]:
    head, _, last = name.rpartition(".")
    for keyword in node.keywords:
        off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        if keyword.arg in {"verify", "verify_ssl"} and off and (_VERIFYING.search(name) or last in _SENDS):
            yield Danger("verification", node.lineno, f"`{name}` does not check the other side's certificate.")
        if keyword.arg == "cert_reqs" and dotted(keyword.value).endswith("CERT_NONE"):
            yield Danger("verification", node.lineno, f"`{name}` does not check the other side's certificate.")
    if head == "ssl" and last in {"_create_unverified_context", "_create_stdlib_context"}:
        yield Danger("verification", node.lineno, f"`{name}` checks no certificate.")


def _assigned(node: ast.Assign | ast.AnnAssign, values: Values) -> Iterator[Danger]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    value = node.value
    for target in map(_target, targets):
        last = target.rpartition(".")[2]
        literal = value.value if isinstance(value, ast.Constant) else None
        if last == "check_hostname" and literal is False:
            yield Danger("verification", node.lineno, "The certificate's name is not checked.")
        if last == "verify_mode" and value is not None and dotted(value).endswith("CERT_NONE"):
            yield Danger("verification", node.lineno, "Certificates are not checked.")
        if last == "_create_default_https_context" and value is not None and "unverified" in dotted(value):
            yield Danger("verification", node.lineno, "Certificates are not checked anywhere in this process.")
        if value is not None and KEY.match(last) and not isinstance(value, ast.Name | ast.Attribute):
            yield from _key(value, node, last, values)


def _target(node: ast.expr) -> str:
    """The name that is assigned to; `SECRET_KEY` of `app.config["SECRET_KEY"]` too."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return node.slice.value
    return dotted(node)


def _key(value: ast.expr, node: ast.Assign | ast.AnnAssign | ast.Call, name: str, values: Values) -> Iterator[Danger]:
    told = values.literal(value, node)
    if told is None or not is_key(told[0]) or not is_secret(told[0]):
        return
    if told[1] and not values.is_setting(node):
        yield Danger("key", node.lineno, f"`{name}` is a literal in the source.")
    else:
        yield Danger(
            "key", node.lineno, f"`{name}` is a literal in the source where the environment has none.", sure=False
        )


def _named_keys(node: ast.Call, values: Values) -> Iterator[Danger]:
    """`app.config.update(SECRET_KEY="...")`, `add_middleware(SessionMiddleware, secret_key="...")`."""
    for keyword in node.keywords:
        if keyword.arg and KEY.match(keyword.arg) and not isinstance(keyword.value, ast.Name | ast.Attribute):
            yield from _key(keyword.value, node, keyword.arg, values)


def _literal_key(node: ast.Call, name: str, values: Values) -> Iterator[Danger]:
    """A literal where a cipher or a signature takes its key (CWE-321)."""
    head, _, last = name.rpartition(".")
    if last not in _TAKES_KEY or not _KEY_CALL.search(f"{head}.{last}"):
        return
    at = 1 if re.search(r"jwt|jose", head) else 0
    given = [node.args[at]] if len(node.args) > at else []
    given += [one.value for one in node.keywords if one.arg in {"key", "secret"}]
    for one in given:
        told = values.literal(one, node)
        if told is not None and is_secret(told[0]):
            rest = "" if told[1] else " where the environment has none"
            yield Danger(
                "key", node.lineno, f"`{name}` takes its key from a literal in the source{rest}.", sure=told[1]
            )


def is_secret(value: str | bytes) -> bool:
    """Long enough to be meant, and no public key."""
    public = b"PUBLIC KEY" in value if isinstance(value, bytes) else "PUBLIC KEY" in value
    return len(value) >= 4 and not public


def is_key(value: str | bytes) -> bool:
    """A value rather than a placeholder: bytes, chance, or a sentence that was chosen as secret."""
    if isinstance(value, bytes):
        return len(value) >= 8
    return secretive(value) or (len(value) >= 6 and not _PLACEHOLDER.search(value))
