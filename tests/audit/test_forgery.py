"""Small real servers that verify tokens by hand, each as one wrong library or one wrong call does it."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ninefold.audit.finding import Confidence, Severity
from ninefold.audit.jwt import decoded, encoded
from ninefold.audit.key import Key
from ninefold.audit.rule import Untried
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target


pytestmark = pytest.mark.usefixtures("again")
NOW = 1_795_000_000
BY_ID = {rule.id: rule for rule in RULES}
UNVERIFIED, SECRET, KEY, CLAIMS = (f"authorization-token-{one}" for one in ("unverified", "secret", "key", "claims"))
STRONG = secrets.token_hex(32)
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
GOOD = {"sub": "7", "exp": NOW + 600, "iss": "https://issuer.example", "aud": "notes"}
DOCUMENT = {
    "components": {"securitySchemes": {"jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
    "paths": {"/me": {"get": {"operationId": "me", "security": [{"jwt": []}], "responses": {}}}},
}


def part(value: Any) -> str:
    return encoded(json.dumps(value).encode())


def signed(claims: Any, secret: str = STRONG, **header: Any) -> str:
    head = f"{part({'alg': 'HS256', 'typ': 'JWT', **header})}.{part(claims)}"
    return f"{head}.{encoded(hmac.digest(secret.encode(), head.encode(), 'sha256'))}"


def rs256(claims: Any) -> str:
    head = f"{part({'alg': 'RS256', 'typ': 'JWT', 'kid': 'main'})}.{part(claims)}"
    return f"{head}.{encoded(RSA.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


class Server:
    """`check(header, claims, head, signature)` is the API's own verification; it raises or returns false to refuse."""

    def __init__(self, check: Callable[..., bool], *, kind: str = "plain") -> None:
        self.check, self.kind = check, kind
        self.methods: set[str] = set()

    def __call__(self, handler: Any) -> tuple[int, dict[str, str], bytes]:
        self.methods.add(handler.method)
        if handler.path == "/.well-known/jwks.json":
            numbers = RSA.public_key().public_numbers()
            n, e = (encoded(one.to_bytes((one.bit_length() + 7) // 8)) for one in (numbers.n, numbers.e))
            return 200, {}, json.dumps({"keys": [{"kty": "RSA", "kid": "main", "n": n, "e": e}]}).encode()
        try:
            token = handler.headers["Authorization"].removeprefix("Bearer ")
            head, _, signature = token.rpartition(".")
            header, claims = (json.loads(decoded(one)) for one in head.split("."))
            good = self.check(header, claims, head.encode(), decoded(signature)) and claims["sub"] == "7"
        except (ValueError, KeyError, AttributeError, TypeError, InvalidSignature):
            good = False
        if handler.path != "/me":
            return 404, {}, b"{}"
        if self.kind == "wrapped":
            said: Any = {"ok": True, "data": {"name": "Ada"}} if good else {"ok": False, "error": "no"}
            return 200, {}, json.dumps(said).encode()
        return (200, {}, b'{"name": "Ada"}') if good else (401, {}, b'{"error": "no"}')


def mac(secret: bytes, head: bytes, signature: bytes) -> bool:
    return hmac.compare_digest(hmac.new(secret, head, hashlib.sha256).digest(), signature)


def fresh(claims: Any) -> bool:
    return bool(claims["exp"] > NOW and claims["iss"] == GOOD["iss"] and claims["aud"] == GOOD["aud"])


def strict(header: Any, claims: Any, head: bytes, signature: bytes) -> bool:
    return header["alg"] == "HS256" and mac(STRONG.encode(), head, signature) and fresh(claims)


def strict_rsa(header: Any, claims: Any, head: bytes, signature: bytes) -> bool:
    RSA.public_key().verify(signature, head, padding.PKCS1v15(), hashes.SHA256())
    return header["alg"] == "RS256" and fresh(claims)


def decodes_only(header: Any, claims: Any, head: bytes, signature: bytes) -> bool:
    return True


def honours_none(header: Any, claims: Any, head: bytes, signature: bytes) -> bool:
    return header["alg"].lower() == "none" or strict(header, claims, head, signature)


def blocks_none_in_small_letters(header: Any, claims: Any, head: bytes, signature: bytes) -> bool:
    return header["alg"] in {"None", "NONE", "nOnE"} or strict(header, claims, head, signature)


def skips_an_empty_signature(header: Any, claims: Any, head: bytes, signature: bytes) -> bool:
    return not signature or strict(header, claims, head, signature)


def any_algorithm_with_one_key(header: Any, claims: Any, head: bytes, signature: bytes) -> bool:
    return mac(PEM, head, signature) if header["alg"] == "HS256" else strict_rsa(header, claims, head, signature)


def reads_the_key_file(header: Any, claims: Any, head: bytes, signature: bytes) -> bool:
    named = header.get("kid", "")
    return mac(b"" if named.endswith("/dev/null") else STRONG.encode(), head, signature)


def trusts_the_embedded_key(header: Any, claims: Any, head: bytes, signature: bytes) -> bool:
    if "jwk" not in header:
        return strict(header, claims, head, signature)
    e, n = (int.from_bytes(decoded(header["jwk"][one])) for one in ("e", "n"))
    rsa.RSAPublicNumbers(e, n).public_key().verify(signature, head, padding.PKCS1v15(), hashes.SHA256())
    return True


def has_no_secret(header: Any, claims: Any, head: bytes, signature: bytes) -> bool:
    return mac(b"", head, signature) if header["alg"] == "HS256" else strict_rsa(header, claims, head, signature)


def secret_of_documentation(header: Any, claims: Any, head: bytes, signature: bytes) -> bool:
    return header["alg"] == "HS256" and mac(b"your-256-bit-secret", head, signature) and fresh(claims)


def secret_and_no_claims(header: Any, claims: Any, head: bytes, signature: bytes) -> bool:
    return header["alg"] == "HS256" and mac(b"secret", head, signature)


@pytest.fixture
def tried(live: Callable[..., Target], serve: Callable[..., str]) -> Callable[..., Looked]:
    def run(rule: str, check: Callable[..., bool], token: str, kind: str = "plain") -> Looked:
        server = Server(check, kind=kind)
        target = live(serve(server), DOCUMENT, Key("header", "Authorization", f"Bearer {token}"))
        try:
            return BY_ID[rule].look(target)
        finally:
            assert server.methods <= {"GET"}

    return run


@pytest.mark.parametrize("kind", ["plain", "wrapped"])
@pytest.mark.parametrize(
    ("rule", "check", "token", "said"),
    [
        (UNVERIFIED, decodes_only, signed(GOOD), "replaced by other bytes"),
        (UNVERIFIED, honours_none, signed(GOOD), "alg: none"),
        (UNVERIFIED, blocks_none_in_small_letters, signed(GOOD), "alg: None"),
        (UNVERIFIED, skips_an_empty_signature, signed(GOOD), "without its signature"),
        (UNVERIFIED, decodes_only, rs256(GOOD), "replaced by other bytes"),
        (SECRET, secret_of_documentation, signed(GOOD, "your-256-bit-secret"), "well-known secret"),
        (SECRET, secret_and_no_claims, signed(GOOD, "secret"), "well-known secret"),
        (SECRET, has_no_secret, rs256(GOOD), "empty secret"),
        (KEY, any_algorithm_with_one_key, rs256(GOOD), "public key"),
        (KEY, reads_the_key_file, signed(GOOD), "`kid`"),
        (KEY, trusts_the_embedded_key, signed(GOOD), "`jwk`"),
    ],
)
def test_what_nobody_issued_is_confirmed(tried: Any, rule: str, check: Any, token: str, said: str, kind: str) -> None:
    (seen,) = tried(rule, check, token, kind).seen
    assert said in seen.detail
    assert [piece.role for piece in seen.evidence] == ["baseline", "attack", "control", "repeat"]
    assert BY_ID[rule].confidence is Confidence.CONFIRMED
    assert not any(one in str(seen) for one in token.split(".")[1:])
    assert "eyJ" not in str(seen).replace("eyJhbGciOiJIUzI1NiIs", "")


@pytest.mark.parametrize("kind", ["plain", "wrapped"])
@pytest.mark.parametrize("rule", [UNVERIFIED, SECRET, KEY])
@pytest.mark.parametrize(("check", "token"), [(strict, signed(GOOD)), (strict_rsa, rs256(GOOD))])
def test_a_server_that_verifies_is_clear(tried: Any, rule: str, check: Any, token: str, kind: str) -> None:
    looked = tried(rule, check, token, kind)
    assert looked.at > 0
    assert looked.seen == ()


def test_claims_that_nobody_checks_are_told_one_by_one(tried: Any) -> None:
    looked = tried(CLAIMS, secret_and_no_claims, signed(GOOD, "secret"))
    assert [one.cause for one in looked.seen] == ["exp", "aud", "iss"]


def test_claims_that_are_checked_are_clear(tried: Any) -> None:
    looked = tried(CLAIMS, secret_of_documentation, signed(GOOD, "your-256-bit-secret"))
    assert (looked.at, looked.seen) == (3, ())


def test_a_token_without_an_end_is_told_without_any_secret(tried: Any) -> None:
    def endless(header: Any, claims: Any, head: bytes, signature: bytes) -> bool:
        return mac(STRONG.encode(), head, signature)

    (seen,) = tried(CLAIMS, endless, signed({"sub": "7"})).seen
    assert "no `exp`" in seen.detail


def by_age(header: Any, claims: Any, head: bytes, signature: bytes) -> bool:
    return mac(STRONG.encode(), head, signature) and claims["iat"] > NOW - 3600


def test_a_token_without_an_end_whose_age_may_be_bounded_is_suspected(tried: Any) -> None:
    (seen,) = tried(CLAIMS, by_age, signed({"sub": "7", "iat": NOW})).seen
    assert (seen.confidence, seen.severity) == (Confidence.SUSPECTED, Severity.LOW)
    assert "by `iat`" in seen.detail


@pytest.mark.parametrize(
    ("claims", "shown"),
    [
        ({"sub": "7", "iat": NOW - 7200}, False),
        ({"sub": "7", "iat": NOW - 60}, True),
        ({"sub": "7", "iat": NOW - 7200, "exp": NOW - 60}, True),
    ],
)
def test_a_token_without_an_end_is_none_where_an_old_one_of_its_kind_is_refused(
    live: Any, serve: Any, claims: Any, shown: bool
) -> None:
    good, old = (Key("header", "Authorization", f"Bearer {signed(one)}") for one in ({"sub": "7", "iat": NOW}, claims))
    target = live(serve(Server(by_age)), DOCUMENT, good, expired=old)
    try:
        seen = BY_ID[CLAIMS].look(target).seen
    except Untried:
        seen = ()
    assert bool(seen) is shown


def test_claims_cannot_be_tried_with_a_good_secret(tried: Any) -> None:
    with pytest.raises(Untried, match="only with the secret"):
        tried(CLAIMS, strict, signed(GOOD))


OWN = "kites-and-geese-2009"
CODE = {"src/tokens.js": f'const KEY = "{OWN}";\n', "app.py": f'import jwt\nKEY = "{OWN}"\n'}


def own_secret(header: Any, claims: Any, head: bytes, signature: bytes) -> bool:
    return mac(OWN.encode(), head, signature)


@pytest.mark.parametrize(
    ("check", "name", "sure"),
    [
        (own_secret, "app.py", None),
        (own_secret, "src/tokens.js", None),
        (decodes_only, "app.py", Confidence.SUSPECTED),
    ],
)
def test_a_secret_that_stands_in_the_code_is_tried_too(
    live: Any, serve: Any, source: Any, check: Any, name: str, sure: Confidence | None
) -> None:
    root = source({name: CODE[name]}).source
    key = Key("header", "Authorization", f"Bearer {signed(GOOD, OWN)}")
    (seen,) = BY_ID[SECRET].look(live(serve(Server(check)), DOCUMENT, key, source=root)).seen
    assert (seen.confidence, f"stands in the API's code ({name}:" in seen.detail) == (sure, True)
    assert OWN not in f"{seen.detail}{seen.evidence}"


def test_with_a_secret_of_the_code_claims_are_tried_too(live: Any, serve: Any, source: Any) -> None:
    key = Key("header", "Authorization", f"Bearer {signed(GOOD, OWN)}")
    target = live(serve(Server(own_secret)), DOCUMENT, key, source=source({"app.py": CODE["app.py"]}).source)
    assert [one.cause for one in BY_ID[CLAIMS].look(target).seen] == ["exp", "aud", "iss"]


@pytest.mark.parametrize("files", [
    {"tests/test_app.py": CODE["app.py"]},
    {".env": f'JWT_SECRET="{OWN}"\n'},
    {"app.py": 'KEY = "kites-and-geese-2010"\n'},
])  # fmt: skip
def test_a_secret_of_tests_or_settings_or_another_one_is_none(live: Any, serve: Any, source: Any, files: Any) -> None:
    key = Key("header", "Authorization", f"Bearer {signed(GOOD, OWN)}")
    assert BY_ID[SECRET].look(live(serve(Server(own_secret)), DOCUMENT, key, source=source(files).source)).seen == ()


def test_no_end_is_told_although_no_signature_tells_anything(live: Any, serve: Any, source: Any) -> None:
    key = Key("header", "Authorization", f"Bearer {signed({'sub': '7'}, OWN)}")
    target = live(serve(Server(decodes_only)), DOCUMENT, key, source=source({"app.py": CODE["app.py"]}).source)
    assert [one.cause for one in BY_ID[CLAIMS].look(target).seen] == ["exp"]


def test_what_looks_at_no_signature_tells_nothing_of_keys(tried: Any) -> None:
    with pytest.raises(Untried, match="signatures at all"):
        tried(KEY, decodes_only, signed(GOOD))


def test_an_operation_that_is_open_is_another_matter(live: Any, serve: Any) -> None:
    def api(handler: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b'{"name": "Ada"}'

    target = live(serve(api), DOCUMENT, Key("header", "Authorization", f"Bearer {signed(GOOD)}"))
    with pytest.raises(Untried, match="tells the key from a wrong one"):
        BY_ID[UNVERIFIED].look(target)


@pytest.mark.parametrize("rule", [UNVERIFIED, SECRET, KEY, CLAIMS])
def test_a_key_that_is_no_token_is_untried(live: Any, serve: Any, rule: str) -> None:
    with pytest.raises(Untried, match="no signed JWT"):
        BY_ID[rule].look(live(serve(Server(strict)), DOCUMENT, "k" * 32))


@pytest.mark.parametrize("place", ["header", "query", "cookie"])
def test_a_forged_token_is_made_by_the_line_wherever_it_goes(live: Any, serve: Any, place: str) -> None:
    def api(handler: Any) -> tuple[int, dict[str, str], bytes]:
        cookie = handler.headers.get("Cookie", "").removeprefix("x-token=")
        token = handler.headers.get("X-Token") or cookie or handler.query.get("x-token", [""])[0]
        try:
            good = json.loads(decoded(token.split(".")[1]))["sub"] == "7"
        except (ValueError, IndexError, KeyError):
            good = False
        return (200, {}, b'{"name": "Ada"}') if good and handler.path == "/me" else (401, {}, b'{"error": "no"}')

    scheme = {"type": "apiKey", "in": place, "name": "x-token"}
    document = {**DOCUMENT, "components": {"securitySchemes": {"jwt": scheme}}}
    (seen,) = BY_ID[UNVERIFIED].look(live(serve(api), document, Key(place, "x-token", signed(GOOD)))).seen
    line = seen.evidence[1].again  # type: ignore[union-attr]
    assert "token=${NINEFOLD_KEY_1%.*}" in line
    assert "NINEFOLD_VALUE" not in line
