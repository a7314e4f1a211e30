"""The tokens that were verified, by digest, and what it takes to verify another. One for each process.

A known token costs a digest and a look-up. Whatever is not known is brought by `bring`: keys from the issuer, the issuer's
answer about an opaque token, and the verification itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import structs

from ninefold.errors import FileError, Place
from ninefold.identity.claims import introspected
from ninefold.identity.fault import BadToken, Expired, Unavailable, UnknownKey
from ninefold.identity.issuer import MOST_BYTES, Issuer
from ninefold.identity.jwt import verify
from ninefold.identity.proof import Nonces, Prover, Replays
from ninefold.identity.revocations import Revocations
from ninefold.identity.rules import Rules
from ninefold.identity.source import Source
from ninefold.identity.token import Refused, Token

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from ninefold.contract.identity import Identity, Introspection

#: So many tokens are looked at at once, whoever sends them.
MOST_FLIGHTS = 1024
#: Words of so many kinds are shared between tokens.
MOST_WORDS = 4096
MOST_SECRET = 4096
#: Of so many opaque tokens it is remembered that the issuer knows nothing of them.
MOST_INACTIVE = 4096
#: What a token may consist of (RFC 6750 section 2.1).
_OPAQUE = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
Answered = TypeVar("Answered")
#: A token that was verified, and is not there any more when it is asked for: something else came in between.
_GONE = Refused("it expired, was revoked or made room for others while it was verified", unavailable=True)


class Tokens:
    """What the guard and its host ask about tokens. Raises `NinefoldError` where the contract's files cannot be used."""

    def __init__(
        self,
        identity: Identity,
        resolve: Callable[[str], Path],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = rules = Rules.of(identity)
        self._resolve = resolve
        self._clock = clock
        self._scheme = b"dpop" if rules.bound == "dpop" else b"bearer"
        self._most = identity.tokens
        self._known: dict[bytes, Token] = {}
        self._words: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._flights: dict[bytes, asyncio.Task[Refused]] = {}
        authority = identity.authority
        self._issuer = Issuer(identity.issuer, identity.timeout, resolve(authority) if authority else None)
        self._introspection = identity.introspection
        self._secret = _secret(resolve(identity.introspection.secret)) if identity.introspection is not None else ""
        self._seconds = identity.timeout
        self._refresh = identity.jwks.refresh
        self._endpoint, self._endpoint_until = "", 0.0
        self._inactive: dict[bytes, float] = {}
        self._named = identity.jwks.from_
        self._source = Source(
            self._read, symmetric=rules.symmetric, refresh=identity.jwks.refresh, floor=identity.jwks.floor,
            keep=identity.jwks.keep, say=say,
        )  # fmt: skip
        self._revoked = Revocations(resolve(identity.store), leeway=rules.leeway, stale=identity.stale, say=say)
        dpop = identity.dpop
        self._prover = Prover(identity.origins(), dpop.algorithms, dpop.window, rules.leeway)
        # a proof is accepted from `leeway` before it was made until `window` and `leeway` after it
        self._replays = Replays(dpop.window + 2 * rules.leeway, dpop.proofs)
        self._nonces = Nonces(self._revoked.secret("nonce", os.urandom)) if dpop.nonce else None

    @property
    def remembered(self) -> int:
        """How many verified tokens are in memory, some of which may have expired."""
        return len(self._known)

    # -- what the guard asks

    def fresh(self) -> bool:
        """Whether nobody has revoked a token since the last `refresh`."""
        return self._revoked.fresh()

    def digest(self, field: bytes) -> bytes:
        """What the token in an `Authorization` field is known by."""
        return sha256(field).digest()

    def present(self, digest: bytes, at: float, now: float) -> Token | None:
        """The verified token with this digest; None: it has to be brought. `at` is Unix seconds, `now` the monotonic clock."""
        token = self._known.get(digest)
        if token is None or at >= token.expires:
            return None
        source = self._source
        if token.signer and (token.signer not in source.thumbprints or now >= source.until):
            return None
        if self._revoked.some and self._revoked.holds(token):
            return None
        return token

    def doubts(
        self, field: bytes, proof: bytes, jkt: bytes, method: str, path: str, at: float, now: float
    ) -> Refused | None:
        """Why the proof for a token bound to `jkt` does not hold (RFC 9449 section 4.3); None: it does, and is used up."""
        try:
            found = self._prover.verify(proof, _text(field), method, path, at)
        except BadToken as fault:
            return Refused(str(fault))
        if found.jkt != jkt:
            return Refused("the proof is made with another key than the token is bound to (cnf.jkt)")
        if self._nonces is not None and not self._nonces.fresh(found.nonce, at):
            return Refused("the proof holds no fresh nonce of ours", nonce=self._nonces.newest(at))
        if self._replays.full(now):
            return Refused("more proofs come than identity.dpop.proofs can be remembered", unavailable=True)
        return None if self._replays.take(found, now) else Refused("the proof was used before (jti)")

    # -- what the host asks

    def refresh(self) -> None:
        """Read what was revoked. Raises `FileError`."""
        self._revoked.refresh()

    def tick(self) -> None:
        """Called several times a second, on the loop that `bring` runs on."""
        self._revoked.verify()
        self._source.tick(self._clock())

    async def bring(self, digest: bytes, field: bytes, at: float) -> Refused:
        """Verify the token of a field. Afterwards it is `present`; where it is not, this says why.

        Who stops waiting ends it for nobody else that waits for the same.
        """
        flight = self._flights.get(digest)
        if flight is None:
            if len(self._flights) >= MOST_FLIGHTS:
                return Refused("too many tokens are being looked at", unavailable=True)
            flight = self._flights[digest] = asyncio.get_running_loop().create_task(self._bring(digest, field, at))
            flight.add_done_callback(lambda _: self._flights.pop(digest, None))
        return await asyncio.shield(flight)

    async def close(self) -> None:
        """End what runs, on its loop."""
        for flight in list(self._flights.values()):
            flight.cancel()
        await asyncio.gather(*self._flights.values(), return_exceptions=True)
        await self._source.close()
        await self._issuer.close()

    def release(self) -> None:
        """Let go of the file, as the last thing; where no loop ever ran, the only one."""
        self._revoked.close()

    # -- how it is brought

    async def _bring(self, digest: bytes, field: bytes, at: float) -> Refused:
        try:
            if self._revoked.fault:
                return Refused(f"what tokens were revoked cannot be read: {self._revoked.fault}", unavailable=True)
            token = await self._verified(field, at)
            if self._revoked.holds(token):
                return Refused("it was revoked")
        except BadToken as fault:
            self._known.pop(digest, None)
            return Refused(str(fault), guess=not isinstance(fault, Expired))
        except Unavailable as fault:
            return Refused(str(fault), unavailable=True)
        except Exception as fault:  # noqa: BLE001  # whatever it is, the token is not known: the gate stays shut
            return Refused(f"{type(fault).__name__}: {fault}", unavailable=True)
        self._remember(digest, token)
        return _GONE

    async def _verified(self, field: bytes, at: float) -> Token:
        scheme, _, _ = field.partition(b" ")
        if scheme.lower() != self._scheme:
            raise BadToken("it came under another scheme than " + ("DPoP" if self._scheme == b"dpop" else "Bearer"))
        text = _text(field)
        asked = self._introspection
        if asked is not None and (asked.tokens == "all" or text.count(b".") != 2):
            answer = await self._introspected(text, at)
            if text.count(b".") != 2:
                return answer
            token = await self._signed(text, at)
            return _narrower(token, answer)
        return await self._signed(text, at)

    async def _signed(self, text: bytes, at: float) -> Token:
        keys = await self._source.keys(self._clock())
        try:
            return verify(text, self._rules, keys, at)
        except UnknownKey:
            newer = await self._source.newer(self._clock(), keys)
            if newer is None:
                raise
            return verify(text, self._rules, newer, at)

    async def _introspected(self, text: bytes, at: float) -> Token:
        asked = self._introspection
        assert asked is not None
        if len(text) > self._rules.most or _OPAQUE.fullmatch(text) is None:
            raise BadToken("it is longer than identity.size, or no token")
        known = sha256(text).digest()
        if self._inactive.get(known, 0.0) > self._clock():
            raise BadToken("the issuer said just now that it is not active")
        answer = await self._asking(self._introspect(text, asked))
        if answer.get("active") is not True:
            if len(self._inactive) >= MOST_INACTIVE:
                self._inactive.clear()
            self._inactive[known] = self._clock() + asked.cache
        return introspected(answer, self._rules, at, asked.cache)

    async def _introspect(self, text: bytes, asked: Introspection) -> dict[str, Any]:
        if not self._endpoint or self._clock() >= self._endpoint_until:
            named = asked.endpoint or (await self._issuer.metadata()).get("introspection_endpoint")
            if not isinstance(named, str):
                raise Unavailable("the issuer's metadata names no introspection_endpoint")
            self._endpoint, self._endpoint_until = named, self._clock() + self._refresh
        return await self._issuer.introspect(self._endpoint, text, asked.client, self._secret)

    async def _read(self) -> bytes:
        """The document of the issuer's keys. Raises `Unavailable`."""
        named = self._named
        if named is not None and "://" not in named:
            try:
                with self._resolve(named).open("rb") as file:
                    return file.read(MOST_BYTES)
            except OSError as fault:
                raise Unavailable(f"{named} cannot be read ({fault.strerror})") from None
        return await self._asking(self._get(named))

    async def _get(self, named: str | None) -> bytes:
        if named is None:
            named = (await self._issuer.metadata()).get("jwks_uri")
            if not isinstance(named, str):
                raise Unavailable("the issuer's metadata names no jwks_uri")
        return await self._issuer.get(named)

    async def _asking(self, question: Coroutine[Any, Any, Answered]) -> Answered:
        """The answer to a question that may take several requests, within one deadline. Raises `Unavailable`."""
        try:
            async with asyncio.timeout(self._seconds):
                return await question
        except TimeoutError:
            raise Unavailable(f"the issuer did not answer within {self._seconds:g} s") from None

    def _remember(self, digest: bytes, token: Token) -> None:
        words = self._words
        if len(words) >= MOST_WORDS:
            words.clear()
        scopes, roles = (words.setdefault(one, one) for one in (token.scopes, token.roles))
        token = structs.replace(
            token, scopes=scopes, roles=roles
        )  # a hundred thousand tokens allow a handful of things
        known = self._known
        while len(known) >= self._most:
            with contextlib.suppress(StopIteration, KeyError):
                del known[next(iter(known))]
        known[digest] = token


def _secret(path: Path) -> str:
    """A client's secret: the one line of a file. Raises `FileError`."""
    try:
        found = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as fault:
        raise FileError(
            f"cannot be read ({fault})", place=Place(str(path)), remedy="name a file with the secret"
        ) from None
    if not found or len(found) > MOST_SECRET or not found.isprintable():
        raise FileError("holds no secret in one line", place=Place(str(path)), remedy="put the client's secret there")
    return found


def _text(field: bytes) -> bytes:
    return field.partition(b" ")[2].strip(b" ")


def _narrower(token: Token, answer: Token) -> Token:
    """A token that the issuer, too, says is good: for no longer than it says so. Raises `BadToken`."""
    if token.subject != answer.subject:
        raise BadToken("the issuer says that it is about another subject")
    return structs.replace(token, expires=min(token.expires, answer.expires))
