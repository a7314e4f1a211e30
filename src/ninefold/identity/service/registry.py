"""Who may ask for tokens, kept in one SQLite file: users, clients, codes that wait, and the keys that sign.

Nothing in it lets anybody in but the signing keys, which are private; the file is for its owner alone. Passwords are kept by
argon2id (RFC 9106), codes by their SHA-256.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from ninefold.errors import KeyringError
from ninefold.store.sqlite import explained, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = 1
SCHEMA = """
CREATE TABLE user (
  name TEXT PRIMARY KEY, password TEXT NOT NULL, roles TEXT NOT NULL, tenant TEXT NOT NULL, created REAL NOT NULL
);
CREATE TABLE client (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, proof TEXT NOT NULL, keys TEXT NOT NULL, certificate BLOB NOT NULL,
  redirects TEXT NOT NULL, roles TEXT NOT NULL, scopes TEXT NOT NULL, created REAL NOT NULL
);
CREATE TABLE code (
  digest BLOB PRIMARY KEY, client TEXT NOT NULL, user TEXT NOT NULL, redirect TEXT NOT NULL, scope TEXT NOT NULL,
  challenge TEXT NOT NULL, holder TEXT NOT NULL, audience TEXT NOT NULL, authenticated REAL NOT NULL,
  expires REAL NOT NULL, token TEXT NOT NULL
);
CREATE TABLE assertion (digest BLOB PRIMARY KEY, expires REAL NOT NULL);
CREATE TABLE signing (kid TEXT PRIMARY KEY, key TEXT NOT NULL, created REAL NOT NULL)
"""


class User(msgspec.Struct, frozen=True):
    """A person. `password` is the encoded argon2id hash."""

    name: str
    password: str
    roles: tuple[str, ...]
    tenant: str
    created: float


class Client(msgspec.Struct, frozen=True):
    """An application. `proof` is how it proves itself: `none` (a browser's), `private_key_jwt` or `tls_client_auth`.

    `keys` is its JWK set, `certificate` the SHA-256 of its certificate; `redirects` are compared exactly (RFC 9700 section
    2.1).
    """

    id: str
    name: str
    proof: str
    redirects: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    keys: str = ""
    certificate: bytes = b""
    created: float = 0.0


class Code(msgspec.Struct, frozen=True):
    """A code that was given to a browser and waits for its client; `token` is the `jti` that it was changed for.

    `holder` is the thumbprint of the key that its token will be bound to (RFC 9449 section 10), `audience` the one that was
    asked for; empty: none was named.
    """

    digest: bytes
    client: str
    user: str
    redirect: str
    scope: str
    challenge: str
    holder: str
    audience: str
    authenticated: float
    expires: float
    token: str = ""


class Registry:
    """Raises `FileError` where the file cannot be used. For one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store = open_store(path, SCHEMA, VERSION)

    def close(self) -> None:
        self._store.close()

    # users

    def add_user(self, user: User) -> None:
        """Raises `KeyringError` where the name is taken."""
        self._add(
            "user",
            "client WHERE id",
            user.name,
            (user.name, user.password, _list(user.roles), user.tenant, user.created),
        )

    def user(self, name: str) -> User | None:
        row = self._one("SELECT name, password, roles, tenant, created FROM user WHERE name = ?", name)
        return User(row[0], row[1], _tuple(row[2]), row[3], row[4]) if row else None

    def users(self) -> list[User]:
        rows = self._all("SELECT name, password, roles, tenant, created FROM user ORDER BY name")
        return [User(row[0], row[1], _tuple(row[2]), row[3], row[4]) for row in rows]

    def set_password(self, name: str, password: str) -> bool:
        """Whether there is such a user. Codes that wait for the user go."""
        with self._change():
            self._store.execute("DELETE FROM code WHERE user = ?", (name,))
            changed = self._store.execute("UPDATE user SET password = ? WHERE name = ?", (password, name))
            return changed.rowcount > 0

    def remove_user(self, name: str) -> bool:
        """Codes that wait for the user go too."""
        with self._change():
            self._store.execute("DELETE FROM code WHERE user = ?", (name,))
            return self._store.execute("DELETE FROM user WHERE name = ?", (name,)).rowcount > 0

    # clients

    def add_client(self, one: Client) -> None:
        """Raises `KeyringError` where the id is taken."""
        lists = _list(one.redirects), _list(one.roles), _list(one.scopes)
        self._add(
            "client",
            "user WHERE name",
            one.id,
            (one.id, one.name, one.proof, one.keys, one.certificate, *lists, one.created),
        )

    def client(self, id_: str) -> Client | None:
        row = self._one(f"SELECT {_CLIENT} FROM client WHERE id = ?", id_)  # noqa: S608
        return _client(row) if row else None

    def clients(self) -> list[Client]:
        return [_client(row) for row in self._all(f"SELECT {_CLIENT} FROM client ORDER BY id")]  # noqa: S608

    def remove_client(self, id_: str) -> bool:
        with self._change():
            self._store.execute("DELETE FROM code WHERE client = ?", (id_,))
            return self._store.execute("DELETE FROM client WHERE id = ?", (id_,)).rowcount > 0

    # codes

    def add_code(self, code: Code, now: float) -> None:
        with self._change():
            self._store.execute("DELETE FROM code WHERE expires < ?", (now - _KEPT,))
            self._store.execute(
                "INSERT INTO code VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')",
                (
                    code.digest, code.client, code.user, code.redirect, code.scope, code.challenge, code.holder,
                    code.audience, code.authenticated, code.expires,
                ),
            )  # fmt: skip

    def code(self, text: str) -> Code | None:
        """Also one that was used or has expired."""
        columns = "digest, client, user, redirect, scope, challenge, holder, audience, authenticated, expires, token"
        row = self._one(f"SELECT {columns} FROM code WHERE digest = ?", digest(text))  # noqa: S608
        return Code(*row) if row else None

    def use(self, code: Code, token: str) -> bool:
        """Mark it used for the token with this `jti`; False: somebody else was quicker."""
        with self._change():
            changed = self._store.execute(
                "UPDATE code SET token = ? WHERE digest = ? AND token = ''", (token, code.digest)
            )
            return changed.rowcount == 1

    def first_time(self, assertion: str, expires: float, now: float) -> bool:
        """Whether a client's assertion comes for the first time (RFC 7523 section 3)."""
        with self._change():
            # kept for longer than it lives, so that a clock that is set back gives none a second life
            self._store.execute("DELETE FROM assertion WHERE expires < ?", (now - _KEPT,))
            return (
                self._store.execute(
                    "INSERT OR IGNORE INTO assertion VALUES (?, ?)", (digest(assertion), expires)
                ).rowcount
                == 1
            )

    # signing keys

    def signing(self) -> list[tuple[str, str, float]]:
        """Each signing key as `kid`, private JWK and when it was made; oldest first."""
        return self._all("SELECT kid, key, created FROM signing ORDER BY created, kid")

    def turn(self, kid: str, key: str, now: float, *, newest: float, settled: float) -> None:
        """Add a key, unless somebody did since `newest`; forget those with a successor that was made before `settled`."""
        with self._change():
            if self._one("SELECT 1 FROM signing WHERE created > ?", newest) is None:
                self._store.execute("INSERT INTO signing VALUES (?, ?, ?)", (kid, key, now))
            self._store.execute(
                "DELETE FROM signing WHERE created < (SELECT max(created) FROM signing WHERE created < ?)", (settled,)
            )

    def _add(self, table: str, other: str, name: str, values: tuple[Any, ...]) -> None:
        """A user and a client are never called alike: who reads a token's `sub` could not tell them (RFC 9700 section 4.15)."""
        marks = ", ".join("?" * len(values))
        kind, _, _ = other.partition(" ")
        with self._change():
            if self._one(f"SELECT 1 FROM {other} = ?", name) is not None:  # noqa: S608
                raise KeyringError(f"there is a {kind} {name!r}", remedy=f"name the {table} otherwise")
            try:
                self._store.execute(f"INSERT INTO {table} VALUES ({marks})", values)  # noqa: S608
            except sqlite3.IntegrityError:
                raise KeyringError(
                    f"there is a {table} {name!r} already", remedy=f"remove it first, or name the {table} otherwise"
                ) from None

    def _one(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        found = self._all(query, *values)
        return found[0] if found else None

    def _all(self, query: str, *values: Any) -> list[Any]:
        try:
            return self._store.execute(query, values).fetchall()
        except sqlite3.Error as fault:
            raise explained(fault, self._path) from None

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        try:
            self._store.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._store.execute("ROLLBACK")
                raise
            self._store.execute("COMMIT")
        except sqlite3.Error as fault:
            raise explained(fault, self._path) from None


#: A used code or assertion is known for as long after its end, so that using it again is noticed.
_KEPT = 3600.0
_CLIENT = "id, name, proof, keys, certificate, redirects, roles, scopes, created"


def _client(row: tuple[Any, ...]) -> Client:
    id_, name, proof, keys, certificate, redirects, roles, scopes, created = row
    return Client(id_, name, proof, _tuple(redirects), _tuple(roles), _tuple(scopes), keys, bytes(certificate), created)


def _list(values: tuple[str, ...]) -> str:
    return json.dumps(values)


def _tuple(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def digest(text: str) -> bytes:
    """What a code or an assertion is kept by."""
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
