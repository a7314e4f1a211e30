"""The token service, asked as clients ask it."""

from __future__ import annotations

import json
import time
from base64 import b64encode, urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from tests.identity.service.conftest import CHALLENGE, PASSWORD, REDIRECT, VERIFIER, Service, web

from ninefold.identity.service.grants import ACCESS_TOKEN, API_KEY, EXCHANGE
from ninefold.trail.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def claims(service: Service, answer: httpx.Response) -> dict[str, Any]:
    """What the token of an answer says; verified with the keys that the service publishes."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    keys = KeySet.import_key_set(web.get(f"{service.url}/jwks").json())
    token = jwt.decode(answer.json()["access_token"], keys, algorithms=["ES256"])
    assert token.header["typ"] == "at+jwt"
    return token.claims


def exchanged(service: Service, key: str, **more: Any) -> httpx.Response:
    return service.token(grant_type=EXCHANGE, subject_token=key, subject_token_type=API_KEY, **more)


def test_metadata_and_keys_are_published_without_a_private_half(lasting: Service) -> None:
    for path in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"):
        told = web.get(lasting.url + path).json()
        assert told["issuer"] == "http://127.0.0.1:9443"
        assert told["token_endpoint"] == "http://127.0.0.1:9443/token"
        assert told["code_challenge_methods_supported"] == ["S256"]
    (key,) = web.get(f"{lasting.url}/jwks").json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def test_a_key_is_changed_for_a_token_of_minutes(lasting: Service, issue: Any) -> None:
    answer = exchanged(lasting, issue(lasting.path, "writer"))
    told = claims(lasting, answer)
    assert answer.json()["issued_token_type"] == ACCESS_TOKEN
    assert answer.json()["token_type"] == "Bearer"
    assert told["iss"] == "http://127.0.0.1:9443"
    assert told["aud"] == "https://things.example.com"
    assert told["exp"] - told["iat"] == answer.json()["expires_in"] == 600
    assert told["scope"].split() == ["things:read", "things:write"]
    assert set(told["roles"]) == {"reader", "writer"}
    assert told["sub"] == told["client_id"]


def test_scopes_can_be_asked_for_that_a_key_has_and_no_others(lasting: Service, issue: Any) -> None:
    key = issue(lasting.path, "reader")
    assert claims(lasting, exchanged(lasting, key, scope="things:read"))["scope"] == "things:read"
    refused = exchanged(lasting, key, scope="things:read things:write")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


def test_a_key_is_a_client_by_basic_and_by_its_own_field(lasting: Service, issue: Any) -> None:
    key = issue(lasting.path, "reader")
    sub = claims(lasting, exchanged(lasting, key))["sub"]
    basic = {"Authorization": "Basic " + b64encode(f"{sub}:{key}".encode()).decode()}
    for headers in (basic, {"X-API-Key": key}):
        assert claims(lasting, lasting.token(grant_type="client_credentials", headers=headers))["sub"] == sub
    other = {"Authorization": "Basic " + b64encode(f"another:{key}".encode()).decode()}
    assert lasting.token(grant_type="client_credentials", headers=other).status_code == 401


def test_a_key_that_needs_a_second_proof_needs_it_here_too(service: Callable[..., Service], issue: Any) -> None:
    found = service(keys={"with": {"ip": ["192.0.2.0/24"]}})
    refused = exchanged(found, issue(found.path, "reader"))
    assert (refused.status_code, refused.json()) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize("key", ["", "nf_live_x_y", "nonsense", "nf_test_" + "a" * 4000])
def test_an_unknown_key_is_told_as_a_revoked_and_an_expired_one_is(lasting: Service, issue: Any, key: str) -> None:
    refused = exchanged(lasting, key)
    expired = exchanged(lasting, issue(lasting.path, "reader", lifetime=0.001))
    assert (
        (refused.status_code, refused.content)
        == (expired.status_code, expired.content)
        == (400, b'{"error": "invalid_grant"}')
    )


def test_a_person_allows_an_application_and_it_gets_a_token(lasting: Service) -> None:
    answer = lasting.log_in(scope="things:read")
    assert answer.status_code == 303
    told = parse_qs(urlsplit(answer.headers["location"]).query)
    assert answer.headers["location"].startswith(REDIRECT + "?")
    assert (told["state"], told["iss"]) == (["s1"], ["http://127.0.0.1:9443"])
    form: dict[str, Any] = {
        "grant_type": "authorization_code",
        "client_id": "app",
        "code": told["code"][0],
        "redirect_uri": REDIRECT,
    }
    found = claims(lasting, lasting.token(**form, code_verifier=VERIFIER))
    assert (found["sub"], found["client_id"], found["scope"]) == ("ann", "app", "things:read")
    assert abs(found["auth_time"] - time.time()) < 60


def test_the_page_shows_who_asks_for_what_and_no_browser_may_frame_it(lasting: Service) -> None:
    query = {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": REDIRECT,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "scope": "things:read",
    }
    page = web.get(f"{lasting.url}/authorize", params=query)
    assert page.status_code == 200
    assert "The App wants to act for you" in page.text
    assert "<li>things:read</li>" in page.text
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert f"form-action 'self' {REDIRECT.rpartition('/')[0]}" in policy
    assert "set-cookie" not in page.headers


def test_what_a_client_is_called_is_text_on_the_page(service: Callable[..., Service]) -> None:
    found = service()
    found.run("tokens", "clients", "add", "app", "--name", "<script>alert(1)</script>", "--redirect", REDIRECT)
    query = {"response_type": "code", "client_id": "app", "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    assert "<script>" not in web.get(f"{found.url}/authorize", params=query).text


def test_who_says_no_is_sent_back_with_it(lasting: Service) -> None:
    answer = lasting.log_in("deny", password="")
    told = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (answer.status_code, told["error"], told["state"]) == (303, ["access_denied"], ["s1"])


@pytest.mark.parametrize(
    ("query", "sent_back"),
    [
        ({"client_id": "nobody"}, False),
        ({"client_id": ""}, False),
        ({"redirect_uri": "https://evil.example/back"}, False),
        ({"redirect_uri": REDIRECT + "/"}, False),
        ({"redirect_uri": REDIRECT + "?x=1"}, False),
        ({"redirect_uri": REDIRECT.replace("https", "http")}, False),
        ({"response_type": "token"}, True),
        ({"response_type": "code id_token"}, True),
        ({"code_challenge": ""}, True),
        ({"code_challenge_method": "plain"}, True),
        ({"code_challenge_method": ""}, True),
        ({"code_challenge": "short"}, True),
        ({"scope": "things:read root"}, True),
    ],
)
def test_rfc9700_a_fault_is_sent_back_only_where_the_client_and_its_url_are_known(
    lasting: Service, query: dict[str, str], sent_back: bool
) -> None:
    answer = lasting.log_in(**query)
    if sent_back:
        assert answer.headers["location"].startswith(REDIRECT + "?error=")
        assert "code=" not in answer.headers["location"]
    else:
        assert answer.status_code == 400
        assert "location" not in answer.headers


def test_rfc6749_3_1_a_parameter_that_comes_twice_is_refused(lasting: Service, issue: Any) -> None:
    twice = f"grant_type={EXCHANGE}&subject_token={issue(lasting.path)}&subject_token_type={API_KEY}&scope=a&scope=b"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert web.post(f"{lasting.url}/token", content=twice, headers=headers).status_code == 400
    assert web.get(f"{lasting.url}/authorize?client_id=app&client_id=other&response_type=code").status_code == 400


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": VERIFIER[:-1] + "x"},
        {"code_verifier": ""},
        {"code_verifier": CHALLENGE},
        {"redirect_uri": "https://app.example.com/other"},
        {"redirect_uri": ""},
        {"client_id": "nobody"},
        {"client_id": "second"},
        {"code": "unknown"},
        {"code": ""},
    ],
)
def test_a_code_is_worth_nothing_with_another_verifier_client_or_url(lasting: Service, changed: dict[str, str]) -> None:
    lasting.run("tokens", "clients", "add", "second", "--redirect", REDIRECT)  # the first time; then it is there
    form: dict[str, Any] = {
        "grant_type": "authorization_code", "client_id": "app", "code": lasting.code(), "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }  # fmt: skip
    refused = lasting.token(**{name: value for name, value in (form | changed).items() if value})
    assert refused.status_code in {400, 401}
    assert "access_token" not in refused.text
    assert lasting.token(**form).status_code == 200  # and it was not lost by that


def test_a_code_is_worth_one_token_and_used_again_it_ends_that_one(desk: Service) -> None:
    form: dict[str, Any] = {
        "grant_type": "authorization_code", "client_id": "app", "code": desk.code(), "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }  # fmt: skip
    first = claims(desk, desk.token(**form))
    assert desk.token(**form).json() == {"error": "invalid_grant"}
    assert first["jti"] in desk.run("tokens", "revoked", "--json").output


def test_of_many_who_use_a_code_at_once_one_gets_a_token(lasting: Service) -> None:
    form: dict[str, Any] = {
        "grant_type": "authorization_code", "client_id": "app", "code": lasting.code(), "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }  # fmt: skip
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(one.status_code for one in pool.map(lambda _: lasting.token(**form), range(8)))
    assert statuses == [200, *[400] * 7]


def test_a_wrong_password_an_unknown_name_and_a_locked_one_are_told_alike_and_slowed_down(desk: Service) -> None:
    known = [desk.log_in(password="not the password at all").text for _ in range(6)]
    assert "Too many tries" in desk.log_in().text  # the right one too, for now
    unknown = [desk.log_in(name="nobody").text for _ in range(6)]
    assert known == unknown
    assert "wrong" in known[0]
    assert "Too many tries" in known[5]


def test_a_removed_user_and_client_get_nothing_and_their_tokens_end(desk: Service) -> None:
    code = desk.code()
    assert desk.run("tokens", "users", "remove", "ann").exit_code == 0
    form: dict[str, Any] = {
        "grant_type": "authorization_code",
        "client_id": "app",
        "code": code,
        "redirect_uri": REDIRECT,
    }
    assert desk.token(**form, code_verifier=VERIFIER).status_code == 400
    assert '"ann"' in desk.run("tokens", "revoked", "--json").output
    assert desk.run("tokens", "clients", "remove", "app").exit_code == 0
    assert desk.log_in().status_code == 400


def _asserted(key: Any, **changed: Any) -> dict[str, Any]:
    now = int(time.time())
    algorithm = changed.pop("alg", "ES256")
    told = {
        "iss": "robot",
        "sub": "robot",
        "aud": "http://127.0.0.1:9443",
        "exp": now + 60,
        "iat": now,
        "jti": str(now),
    }
    told = {name: value for name, value in (told | changed).items() if value is not None}
    text = jwt.encode({"alg": algorithm}, told, key, algorithms=[algorithm])
    return {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": text}


def test_rfc7523_a_client_proves_itself_by_its_key_and_no_assertion_is_taken_twice(
    desk: Service, tmp_path: Path
) -> None:
    key = ECKey.generate_key("P-256")
    (tmp_path / "robot.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    ran = desk.run("tokens", "clients", "add", "robot", "--keys", str(tmp_path / "robot.json"), "--role", "reader")
    assert ran.exit_code == 0, ran.output
    form = _asserted(key)
    assert claims(desk, desk.token(**form))["roles"] == ["reader"]
    assert desk.token(**form).json() == {"error": "invalid_client"}
    another = ECKey.generate_key("P-256")
    bad: list[dict[str, Any]] = [
        _asserted(another, jti="a"), _asserted(key, aud="https://elsewhere.example", jti="b"), _asserted(key, exp=1, jti="c"),
        _asserted(key, exp=int(time.time()) + 86400, jti="d"), _asserted(key, jti=None), _asserted(key, iss="app", jti="e"),
        _asserted(key, sub="app", jti="f"), _asserted(key, sub=None, jti="g"), _asserted(key, exp=None, jti="h"),
        {**_asserted(key, jti="i"), "client_assertion": "nonsense"},
    ]  # fmt: skip
    for form in bad:
        refused = desk.token(**form)
        assert (refused.status_code, refused.json()) == (401, {"error": "invalid_client"}), form


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("a b", "--redirect", REDIRECT), "no client id"),
        (("x",), "proves itself by nothing"),
        (("x", "--redirect", "http://app.example.com/back"), "no redirect URL"),
        (("x", "--redirect", "https://*.example.com/back"), "no redirect URL"),
        (("x", "--redirect", REDIRECT + "#x"), "no redirect URL"),
        (("x", "--redirect", "javascript:alert(1)"), "no redirect URL"),
        (("x", "--redirect", REDIRECT, "--role", "nobody"), "no role"),
        (("app", "--redirect", REDIRECT), "already"),
        (("x", "--keys", "contract.yaml"), "JWK"),
    ],
)
def test_a_client_that_would_be_weak_is_not_registered(lasting: Service, arguments: tuple[str, ...], told: str) -> None:
    ran = lasting.run(
        "tokens", "clients", "add", *(one.replace("contract.yaml", str(lasting.path)) for one in arguments)
    )
    assert ran.exit_code != 0
    assert told in str(ran.exception) + ran.output


def test_private_and_weak_keys_are_not_registered(lasting: Service, tmp_path: Path) -> None:
    weak = rsa.generate_private_key(65537, 1024).public_key().public_numbers().n
    for key in (
        ECKey.generate_key("P-256").as_dict(private=True),
        {"kty": "RSA", "e": "AQAB", "n": urlsafe_b64encode(weak.to_bytes(128)).rstrip(b"=").decode()},
        {"kty": "oct", "k": "c2VjcmV0"},
    ):
        (tmp_path / "keys.json").write_text(json.dumps({"keys": [key]}))
        assert lasting.run("tokens", "clients", "add", "robot", "--keys", str(tmp_path / "keys.json")).exit_code != 0


def test_every_token_and_every_refusal_is_in_a_trail_that_holds(desk: Service, issue: Any) -> None:
    key = issue(desk.path, "reader")
    sub = claims(desk, exchanged(desk, key))["sub"]
    exchanged(desk, "wrong")
    desk.log_in(password="a wrong password")
    desk.log_in(name="a password in the wrong place")
    end = time.monotonic() + 5
    while len(desk.events()) < 5 and time.monotonic() < end:
        time.sleep(0.05)
    told = [
        (one["operation"], one["outcome"], one.get("caller", "")) for one in desk.events() if one["operation"] != "jwks"
    ]
    assert told == [
        ("token", "admitted", sub),
        ("token", "refused", ""),
        ("authorize", "refused", "ann"),
        ("authorize", "refused", "?"),
    ]
    text = (desk.path.parent / "ninefold-tokens.jsonl").read_text()
    assert key not in text
    assert PASSWORD not in text
    assert verify(desk.path.parent / "ninefold-tokens.jsonl").holds


@pytest.mark.parametrize("origin", ["https://app.example.com", "https://evil.example", "null"])
def test_a_browser_may_ask_from_where_a_client_comes_back_to_and_from_nowhere_else(
    lasting: Service, origin: str
) -> None:
    allowed = origin == "https://app.example.com"
    preflight = web.options(f"{lasting.url}/token", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
    answer = lasting.token(grant_type="x", headers={"Origin": origin})
    for one in (preflight, answer):
        assert one.headers.get("access-control-allow-origin") == (origin if allowed else None)
    assert answer.headers["vary"] == "Origin"


def test_bodies_and_requests_are_bounded(service: Callable[..., Service]) -> None:
    found = service(limits=[{"per": "ip", "rate": "1/min", "burst": 3}])
    assert web.post(f"{found.url}/token", content=b"x" * 20_000).status_code == 413
    assert [web.get(f"{found.url}/jwks").status_code for _ in range(3)] == [200, 200, 429]
    assert int(web.get(f"{found.url}/jwks").headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/token"), ("PUT", "/authorize"), ("POST", "/jwks"), ("GET", "/"), ("GET", "/token/x")]
)
def test_nothing_else_is_answered(lasting: Service, method: str, path: str) -> None:
    assert web.request(method, lasting.url + path).status_code in {404, 405}
