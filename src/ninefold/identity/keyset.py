"""The public keys of an issuer (RFC 7517), each fit for what it is used for; what is weak, private or ambiguous is left out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwa import JWS_ALGORITHMS, JWSAlgModel
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey, import_key
from joserfc.jws import CompactSignature, JWSRegistry, deserialize_compact

from ninefold.identity.fault import BadToken, UnknownKey
from ninefold.identity.segment import MOST_KEY_ID, json_object

MOST_KEYS = 100
#: Bits of an RSA modulus: NIST SP 800-131A asks for the least, and more than the most costs a caller's request too much.
LEAST_RSA, MOST_RSA = 2048, 8192
#: What of a key is public (RFC 7518 section 6, RFC 8037 section 2), and what tells that a private one was published.
_PUBLIC = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "oct": ("k",)}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "Ed25519": "Ed25519", "EdDSA": "Ed25519"}
_MODELS = {model.name: model for model in JWS_ALGORITHMS if model.name != "none"}
#: Small primes and, for each, the remainders that 65537's powers leave: all that a modulus of CVE-2017-15361 (ROCA) has.
_ROCA = tuple(
    (prime, frozenset(pow(65537, power, prime) for power in range(prime)))
    for prime in (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
)


class _Pinned(JWSRegistry):
    """A registry of one algorithm, and of no default."""

    max_header_length = 8192
    max_payload_length = 65_536
    max_signature_length = 2048

    def __init__(self, model: JWSAlgModel) -> None:
        super().__init__(algorithms=[model.name], strict_check_header=False)
        self._model = model

    def get_alg(self, name: str) -> JWSAlgModel:
        if name != self._model.name:
            raise BadToken("its algorithm is not the one of its key")
        return self._model


_REGISTRIES = {name: _Pinned(model) for name, model in _MODELS.items()}


@dataclass(frozen=True, slots=True)
class Signer:
    """One key. `thumbprint` (RFC 7638) is what it is known by, whatever it is called."""

    key: Key
    kid: str
    algorithm: str
    thumbprint: str

    def fits(self, algorithm: str) -> bool:
        """Whether a key of this kind is one for that algorithm (RFC 8725 section 3.1): by type, by curve, by what it says."""
        if self.algorithm and self.algorithm != algorithm:
            return False
        key = self.key
        if isinstance(key, RSAKey):
            return algorithm[:2] in {"RS", "PS"}
        if isinstance(key, ECKey):
            return algorithm[:2] == "ES" and _CURVES.get(algorithm) == key.curve_name
        if isinstance(key, OKPKey):
            return algorithm in {"EdDSA", "Ed25519"} and key.curve_name == "Ed25519"
        # RFC 7518 section 3.2: a key has at least as many bits as the hash
        return algorithm[:2] == "HS" and len(key.raw_value) * 8 >= int(algorithm[2:])

    def verify(self, text: bytes, algorithm: str) -> CompactSignature:
        """Raises `BadToken` where it did not sign this."""
        if not self.fits(algorithm):
            raise BadToken("its algorithm is not one for its key")
        try:
            return deserialize_compact(text, self.key, registry=_REGISTRIES[algorithm])
        except (JoseError, ValueError, TypeError):
            raise BadToken("its signature does not hold") from None


def signer(found: dict[str, Any]) -> Signer:
    """A key from its members. Raises `BadToken` where it is none that may be used."""
    kind = found.get("kty")
    if not isinstance(kind, str) or kind not in _PUBLIC:
        raise BadToken("a key is of no known kind")
    if kind != "oct" and not _PRIVATE.isdisjoint(found):
        raise BadToken("a private key was published, so it is nobody's own")
    if found.get("use", "sig") != "sig":
        raise BadToken("a key is for something else than signatures")
    uses = found.get("key_ops", ["verify"])
    if not isinstance(uses, list) or "verify" not in uses:
        raise BadToken("a key is not for verifying")
    algorithm, key_id = found.get("alg", ""), found.get("kid", "")
    if not isinstance(algorithm, str) or not isinstance(key_id, str) or len(key_id) > MOST_KEY_ID:
        raise BadToken("a key says not what it is for")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a weak key is refused below, with our own words
            key = import_key({"kty": kind, **{name: found[name] for name in _PUBLIC[kind]}})
        whole = Signer(key, key_id, algorithm, key.thumbprint())
    except (JoseError, ValueError, TypeError, KeyError, OverflowError):
        raise BadToken("a key cannot be read") from None
    _check(whole)
    return whole


def _check(one: Signer) -> None:
    key = one.key
    if isinstance(key, RSAKey):
        numbers = key.public_key.public_numbers()
        if not LEAST_RSA <= numbers.n.bit_length() <= MOST_RSA:
            raise BadToken(f"an RSA key has not between {LEAST_RSA} and {MOST_RSA} bits")
        if numbers.e < 65537 or numbers.e.bit_length() > 256 or not numbers.e % 2:
            raise BadToken("an RSA key has an exponent that FIPS 186-5 does not allow")
        if all(numbers.n % prime in powers for prime, powers in _ROCA):
            raise BadToken("an RSA key is one that its maker's public half gives away (CVE-2017-15361)")
    elif isinstance(key, ECKey):
        if key.curve_name not in _CURVES.values():
            raise BadToken("a key is on a curve that no algorithm here uses")
    elif isinstance(key, OKPKey):
        if key.curve_name != "Ed25519":
            raise BadToken("a key is on a curve that no algorithm here uses")
    elif isinstance(key, OctKey) and len(key.raw_value) < 32:
        raise BadToken("a shared secret has less than 256 bits")


class KeySet:
    """What a document of keys holds. `names` are its keys with all that is said of them; `left_out` is why some are unused."""

    __slots__ = ("_keys", "left_out", "names", "thumbprints")

    def __init__(self, keys: tuple[Signer, ...], left_out: tuple[str, ...] = ()) -> None:
        self._keys = keys
        self.left_out = left_out
        self.thumbprints = frozenset(one.thumbprint for one in keys)
        self.names = frozenset((one.thumbprint, one.kid, one.algorithm) for one in keys)

    def __len__(self) -> int:
        return len(self._keys)

    @classmethod
    def read(cls, content: bytes, *, symmetric: bool) -> KeySet:
        """A key set from its JSON. `symmetric`: shared secrets, and nothing else; else none of them. Raises `BadToken`."""
        listed = json_object(content, "key set").get("keys")
        if not isinstance(listed, list) or len(listed) > MOST_KEYS:
            raise BadToken(f"a key set has no list of at most {MOST_KEYS} keys")
        kinds = {one.get("kty") == "oct" for one in listed if isinstance(one, dict)}
        if len(kinds) > 1:
            raise BadToken("a key set has shared secrets beside public keys")
        if kinds and kinds != {symmetric}:
            raise BadToken(
                "a key set has " + ("public keys" if symmetric else "shared secrets") + " in place of the other"
            )
        found, left_out = [], []
        for one in listed:
            try:
                found.append(signer(one if isinstance(one, dict) else {}))
            except BadToken as fault:
                left_out.append(str(fault))
        # among all that are listed: which of two was meant cannot be told by one of them being unusable
        named = [one["kid"] for one in listed if isinstance(one, dict) and isinstance(one.get("kid"), str)]
        twice = {name for name in named if named.count(name) > 1}
        left_out += [f"two keys have the id {name!r}" for name in sorted(twice)]
        kept = tuple(one for one in found if one.kid not in twice)
        if not kept:
            raise BadToken(f"a key set has no key that may be used ({'; '.join(left_out) or 'it is empty'})")
        return cls(kept, tuple(left_out))

    def find(self, key_id: str | None, algorithm: str) -> Signer:
        """The key that a token names; without a name, the one that there is for its algorithm. Raises `UnknownKey`."""
        fit = [one for one in self._keys if (key_id is None or one.kid == key_id) and one.fits(algorithm)]
        if len(fit) != 1:
            if key_id is not None and any(one.kid == key_id for one in self._keys):
                raise BadToken("its algorithm is not one for its key")
            raise UnknownKey("no key of the issuer's is the one that it names" if key_id else "it names no key")
        return fit[0]
