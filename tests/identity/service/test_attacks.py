"""What somebody tries who wants tokens that are not his, each under the clause that forbids it."""

from __future__ import annotations

import json
import secrets
import time
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey
from tests.identity.issuing import decoded, sign
from tests.identity.service.conftest import (
    CHALLENGE,
    PASSWORD,
    REDIRECT,
    VERIFIER,
    Service,
    furnished,
    running,
    web,
    written,
)
from tests.identity.service.test_guarded import proof

from ninefold.identity.service.grants import API_KEY, EXCHANGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

ISSUER = "http://127.0.0.1:9443"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NATIVE = "http://127.0.0.1/done"
KEYS: dict[str, Any] = {
    "robot": ECKey.generate_key("P-256"), "rsa": RSAKey.generate_key(2048), "ed": OKPKey.generate_key("Ed25519"),
}  # fmt: skip
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """With clients of each kind. Everything that is tried here leaves it as it was."""
    folder = tmp_path_factory.mktemp("attacked")
    audience = ["https://things.example.com", "https://other.example.com"]
    authorization = {
        "roles": {"reader": ["things:read"], "writer": ["reader", "things:write"], "admin": []},
        "rules": [{"operations": ["*"], "allow": ["things:read", "admin"]}],
    }
    limits = [{"per": "ip", "rate": "100000/min", "burst": 100000}]
    with running(written(folder, 0, {"audience": audience}, authorization=authorization, limits=limits)) as found:
        furnished(found)
        for name, key in KEYS.items():
            (folder / f"{name}.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
        for arguments in (
            ("users", "add", "bob", "--role", "writer", "--role", "admin"),
            ("users", "add", "eve"),
            ("clients", "add", "narrow", "--redirect", REDIRECT, "--role", "reader"),
            ("clients", "add", "scoped", "--redirect", REDIRECT, "--scope", "things:read"),
            ("users", "add", "root", "--role", "admin"),
            ("clients", "add", "roleonly", "--redirect", REDIRECT, "--role", "admin"),
            ("clients", "add", "native", "--redirect", NATIVE, "--redirect", "http://[::1]/done"),
            ("clients", "add", "fixed", "--redirect", "http://127.0.0.1:8000/done"),
            ("clients", "add", "named", "--redirect", "http://localhost:8000/done"),
            ("clients", "add", "queried", "--redirect", f"{REDIRECT}?tenant=a%26b"),
            ("clients", "add", "app.own", "--redirect", "com.example.app:/done"),
            *(("clients", "add", name, "--keys", str(folder / f"{name}.json"), "--role", "reader") for name in KEYS),
        ):
            ran = found.run("tokens", *arguments, given=f"{PASSWORD}\n" if arguments[0] == "users" else None)
            assert ran.exit_code == 0, (arguments, ran.output, ran.exception)
        yield found


@pytest.fixture(scope="module")
def bound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Where every token is bound to a key."""
    folder = tmp_path_factory.mktemp("bound")
    with running(written(folder, 0, {"bound": "dpop", "unbound": None})) as found:
        yield furnished(found)


def claims(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = json.loads(decoded(answer.json()["access_token"].split(".")[1]))
    return found


def refused(answer: httpx.Response, *errors: str) -> None:
    """An error of RFC 6749 section 5.2, no token, and not a fault of ours."""
    assert answer.status_code in {400, 401}, (answer.status_code, answer.text)
    assert answer.json()["error"] in errors, answer.text
    assert '"access_token"' not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def changed(desk: Service, code: str, client: str = "app", redirect: str = REDIRECT, **more: Any) -> httpx.Response:
    """A code changed for a token; `None` leaves a parameter out."""
    headers = more.pop("headers", None)
    form = {
        "grant_type": "authorization_code", "client_id": client, "code": code, "redirect_uri": redirect,
        "code_verifier": VERIFIER,
    } | more  # fmt: skip
    return desk.token(headers=headers, **{name: value for name, value in form.items() if value is not None})


# where a browser is sent back to


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(url, id=name)
        for name, url in {
            "rfc9700-2.1-other-host": "https://evil.example/back",
            "rfc9700-2.1-prefix": f"{REDIRECT}/more",
            "rfc9700-2.1-other-case": "https://app.example.com/Back",
            "rfc9700-2.1-host-in-capitals": "https://APP.example.com/back",
            "rfc9700-2.1-subdomain": "https://x.app.example.com/back",
            "rfc9700-2.1-suffix-host": "https://app.example.com.evil.example/back",
            "rfc9700-2.1-userinfo": "https://app.example.com@evil.example/back",
            "rfc9700-2.1-userinfo-before": "https://evil.example@app.example.com/back",
            "rfc9700-2.1-port": "https://app.example.com:443/back",
            "rfc9700-2.1-other-port": "https://app.example.com:8443/back",
            "rfc9700-2.1-http": "http://app.example.com/back",
            "rfc9700-2.1-dot-segments": "https://app.example.com/x/../back",
            "rfc9700-2.1-encoded-letter": "https://app.example.com/%62ack",
            "rfc9700-2.1-encoded-host": "https://app%2eexample.com/back",
            "rfc9700-2.1-double-encoded": "https://app.example.com/back%252f..",
            "rfc9700-2.1-query": f"{REDIRECT}?next=https://evil.example",
            "rfc6749-3.1.2-fragment": f"{REDIRECT}#x",
            "rfc9700-2.1-backslash": "https://app.example.com\\@evil.example/back",
            "rfc9700-2.1-backslash-path": "https://evil.example\\.app.example.com/back",
            "rfc9700-2.1-tab": "https://app.example.com/ba\tck",
            "rfc9700-2.1-newline": f"{REDIRECT}\r\nX-Injected: 1",
            "rfc9700-2.1-newline-only": f"{REDIRECT}\n",
            "rfc9700-2.1-space": f" {REDIRECT}",
            "rfc9700-2.1-nul": f"{REDIRECT}\0",
            "rfc9700-2.1-punycode": "https://xn--pp-example-fza.com/back",
            "rfc9700-2.1-homoglyph": "https://\u0430pp.example.com/back",
            "rfc9700-2.1-fullwidth": "https://app。example.com/back",
            "rfc9700-2.1-no-scheme": "//app.example.com/back",
            "rfc9700-2.1-relative": "/back",
            "rfc9700-4.11-javascript": "javascript:alert(1)//https://app.example.com/back",
            "rfc9700-4.11-data": "data:text/html,x",
            "rfc8252-7.3-loopback-for-a-web-app": "http://127.0.0.1:1234/back",
            "rfc6749-3.1.2-two-in-one": f"{REDIRECT} https://evil.example/back",
            "rfc9700-2.1-quote": f'{REDIRECT}"',
        }.items()
    ],
)  # fmt: skip
def test_a_browser_is_sent_to_no_url_that_was_not_registered(desk: Service, url: str) -> None:
    for answer in (desk.log_in(redirect_uri=url), desk.log_in("deny", redirect_uri=url)):
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert "x-injected" not in answer.headers
        assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("client", "url", "allowed"),
    [
        pytest.param(*case, id=name)
        for name, case in {
            "rfc8252-7.3-any-port": ("native", "http://127.0.0.1:51004/done", True),
            "rfc8252-7.3-any-port-v6": ("native", "http://[::1]:51004/done", True),
            "rfc8252-7.3-other-path": ("native", "http://127.0.0.1:51004/other", False),
            "rfc8252-7.3-other-query": ("native", "http://127.0.0.1:51004/done?x=1", False),
            "rfc8252-7.3-no-port": ("native", NATIVE, False),
            "rfc8252-7.3-port-zero": ("native", "http://127.0.0.1:0/done", False),
            "rfc8252-7.3-port-too-large": ("native", "http://127.0.0.1:65536/done", False),
            "rfc8252-7.3-port-signed": ("native", "http://127.0.0.1:+80/done", False),
            "rfc8252-7.3-port-twice": ("native", "http://127.0.0.1:80:81/done", False),
            "rfc8252-7.3-userinfo": ("native", "http://127.0.0.1:80@evil.example/done", False),
            "rfc8252-7.3-other-loopback": ("native", "http://127.0.0.2:51004/done", False),
            "rfc8252-7.3-short-form": ("native", "http://127.1:51004/done", False),
            "rfc8252-7.3-decimal-form": ("native", "http://2130706433:51004/done", False),
            "rfc8252-7.3-mapped": ("native", "http://[::ffff:127.0.0.1]:51004/done", False),
            "rfc8252-8.3-localhost-by-name": ("native", "http://localhost:51004/done", False),
            "rfc8252-7.3-https": ("native", "https://127.0.0.1:51004/done", False),
            "rfc8252-7.3-registered-with-a-port": ("fixed", "http://127.0.0.1:8000/done", True),
            "rfc8252-7.3-registered-with-another": ("fixed", "http://127.0.0.1:8001/done", False),
            "rfc8252-8.3-localhost-as-registered": ("named", "http://localhost:8000/done", True),
            "rfc8252-8.3-localhost-any-port": ("named", "http://localhost:8001/done", False),
            "rfc8252-7.1-own-scheme": ("app.own", "com.example.app:/done", True),
            "rfc8252-7.1-own-scheme-with-host": ("app.own", "com.example.app://evil/done", False),
        }.items()
    ],
)  # fmt: skip
def test_rfc8252_an_app_on_this_machine_chooses_its_port_and_nothing_else(
    desk: Service, client: str, url: str, allowed: bool
) -> None:
    answer = desk.log_in(client_id=client, redirect_uri=url)
    assert answer.status_code == (303 if allowed else 400)
    if allowed:
        assert answer.headers["location"].startswith(f"{url}?code=")
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        refused(
            changed(desk, code, client, url.replace("51004", "51005").replace("8000", "8001") + "x"), "invalid_grant"
        )
        assert changed(desk, code, client, url).status_code == 200


def test_rfc6749_3_1_2_what_a_registered_url_asks_stays_in_it(desk: Service) -> None:
    where = desk.log_in(client_id="queried", redirect_uri=f"{REDIRECT}?tenant=a%26b", state="a&b=c#d").headers[
        "location"
    ]
    told = parse_qs(urlsplit(where).query)
    assert (told["tenant"], told["state"], told["iss"]) == (["a&b"], ["a&b=c#d"], [ISSUER])
    assert urlsplit(where).fragment == ""


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(state, id=name)
        for name, state in {
            "rfc9700-4.11-url": "https://evil.example/",
            "rfc9700-4.11-second-code": "x&code=stolen&iss=https://evil.example",
            "rfc9700-4.11-fragment": "x#access_token=stolen",
            "rfc9700-4.11-markup": '"><script>alert(1)</script>',
            "rfc9700-4.11-semicolon": "x;code=stolen",
        }.items()
    ],
)
def test_a_state_comes_back_as_it_was_and_is_nothing_else(desk: Service, state: str) -> None:
    for answer in (desk.log_in(state=state), desk.log_in("deny", state=state), desk.log_in(state=state, scope="root")):
        parts = urlsplit(answer.headers["location"])
        assert (parts.scheme, parts.netloc, parts.path, parts.fragment) == ("https", "app.example.com", "/back", "")
        told = parse_qs(parts.query, separator="&")
        assert (told["state"], told["iss"]) == ([state], [ISSUER])  # RFC 9207: also with an error
        assert len(told.get("code", [])) + len(told.get("error", [])) == 1


def test_rfc6749_a_5_a_state_with_a_line_in_it_is_refused(desk: Service) -> None:
    answer = desk.log_in(state="x\r\nSet-Cookie: a=b")
    assert (answer.status_code, "location" in answer.headers, "set-cookie" in answer.headers) == (400, False, False)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        pytest.param(query, error, id=name)
        for name, query, error in [
            ("rfc7636-4.4.1-no-challenge", {"code_challenge": ""}, "invalid_request"),
            ("rfc9700-2.1.1-plain", {"code_challenge_method": "plain", "code_challenge": VERIFIER}, "invalid_request"),
            ("rfc9700-2.1.1-method-left-out", {"code_challenge_method": ""}, "invalid_request"),
            ("rfc9700-2.1.1-method-in-lower-case", {"code_challenge_method": "s256"}, "invalid_request"),
            ("rfc7636-4.2-short", {"code_challenge": "x"}, "invalid_request"),
            ("rfc7636-4.2-long", {"code_challenge": "x" * 129}, "invalid_request"),
            ("rfc6749-4.1.2.1-implicit", {"response_type": "token"}, "unsupported_response_type"),
            ("rfc6749-4.1.2.1-hybrid", {"response_type": "code token"}, "unsupported_response_type"),
            ("rfc6749-4.1.2.1-id-token", {"response_type": "id_token"}, "unsupported_response_type"),
            ("rfc6749-4.1.2.1-capitals", {"response_type": "CODE"}, "unsupported_response_type"),
            ("rfc6749-3.3-scope", {"scope": "things:read root"}, "invalid_scope"),
            ("rfc6749-3.3-role-as-scope", {"scope": "admin"}, "invalid_scope"),
            ("oidc-core-3.1.2.1-openid", {"scope": "openid"}, "invalid_scope"),
            ("rfc9101-6.1-request", {"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
            ("rfc9101-6.1-request-uri", {"request_uri": "http://127.0.0.1:1/x"}, "request_uri_not_supported"),
            ("oauth-responses-2.1-fragment", {"response_mode": "fragment"}, "invalid_request"),
            ("oauth-responses-2.1-form-post", {"response_mode": "form_post"}, "invalid_request"),
            ("rfc8707-2-elsewhere", {"resource": "https://evil.example"}, "invalid_target"),
            ("rfc9449-10-no-thumbprint", {"dpop_jkt": "x"}, "invalid_request"),
            ("rfc6749-4.1.2.1-of-another-kind", {"client_id": "robot"}, None),
        ]
    ],
)  # fmt: skip
def test_a_request_for_a_code_that_is_less_than_the_standard_asks_gets_none(
    desk: Service, query: dict[str, str], error: str | None
) -> None:
    answer = desk.log_in(**query)
    assert "code=" not in answer.headers.get("location", "")
    if error is None:
        assert (answer.status_code, "location" in answer.headers) == (400, False)
    else:
        told = parse_qs(urlsplit(answer.headers["location"]).query)
        assert (told["error"], told["state"], told["iss"]) == ([error], ["s1"], [ISSUER])


# codes


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param(change, error, id=name)
        for name, change, error in [
            ("rfc7636-4.6-another-verifier", {"code_verifier": "x" * 43}, "invalid_grant"),
            ("rfc7636-4.6-the-challenge", {"code_verifier": CHALLENGE}, "invalid_grant"),
            ("rfc7636-4.6-none", {"code_verifier": None}, "invalid_request"),
            ("rfc7636-4.1-short", {"code_verifier": VERIFIER[:42]}, "invalid_request"),
            ("rfc7636-4.1-long", {"code_verifier": "x" * 129}, "invalid_request"),
            ("rfc7636-4.1-newline", {"code_verifier": f"{VERIFIER}\n"}, "invalid_request"),
            ("rfc7636-4.1-not-ascii", {"code_verifier": f"{VERIFIER}é"}, "invalid_request"),
            ("rfc9700-2.1.1-method-at-the-end", {"code_verifier": CHALLENGE, "code_challenge_method": "plain"}, "invalid_grant"),
            ("rfc9700-4.5-another-client", {"client_id": "narrow"}, "invalid_grant"),
            ("rfc6749-4.1.3-no-client", {"client_id": None}, "invalid_client"),
            ("rfc6749-4.1.3-unknown-client", {"client_id": "nobody"}, "invalid_client"),
            ("rfc6749-2.3-a-client-with-a-key-without-it", {"client_id": "robot"}, "invalid_client"),
            ("rfc6749-2.3.1-a-secret-that-it-has-not", {"client_secret": "x"}, "invalid_client"),
            ("rfc6749-4.1.3-another-url", {"redirect_uri": "https://evil.example/"}, "invalid_grant"),
            ("rfc6749-4.1.3-no-url", {"redirect_uri": None}, "invalid_grant"),
            ("rfc6749-5.2-another-grant", {"grant_type": "client_credentials"}, "invalid_client"),
            ("rfc6749-5.2-password-grant", {"grant_type": "password", "username": "ann", "password": PASSWORD}, "unsupported_grant_type"),
            ("rfc6749-6-refresh", {"grant_type": "refresh_token", "refresh_token": "x"}, "unsupported_grant_type"),
            ("rfc6749-5.2-odd-grant", {"grant_type": 'x"<script>'}, "invalid_request"),
            ("rfc8707-2.2-elsewhere", {"resource": "https://evil.example"}, "invalid_target"),
            ("rfc6749-4.1.3-code-with-nul", {"code": "a\0b"}, "invalid_request"),
        ]
    ],
)  # fmt: skip
def test_a_stolen_code_is_worth_nothing_and_stays_with_whom_it_was_given_to(
    desk: Service, change: dict[str, Any], error: str
) -> None:
    code = desk.code()
    refused(changed(desk, change.get("code", code), **{n: v for n, v in change.items() if n != "code"}), error)
    assert changed(desk, code).status_code == 200


def test_rfc9449_10_a_code_that_was_asked_for_by_a_key_is_changed_by_that_key_alone(bound: Service) -> None:
    key, another = (ECKey.generate_key("P-256") for _ in range(2))
    code = bound.code(dpop_jkt=key.thumbprint())
    refused(changed(bound, code), "invalid_grant")
    refused(changed(bound, code, headers={"DPoP": proof(another, "POST", f"{ISSUER}/token")}), "invalid_grant")
    answer = changed(bound, code, headers={"DPoP": proof(key, "POST", f"{ISSUER}/token")})
    assert claims(answer)["cnf"] == {"jkt": key.thumbprint()}
    assert answer.json()["token_type"] == "DPoP"


def test_rfc9449_5_without_a_proof_there_is_no_token_and_the_code_stays(bound: Service) -> None:
    code, key = bound.code(), ECKey.generate_key("P-256")
    refused(changed(bound, code), "invalid_request")
    assert changed(bound, code, headers={"DPoP": proof(key, "POST", f"{ISSUER}/token")}).status_code == 200


def test_rfc9449_5_1_where_no_token_is_bound_that_is_announced_and_no_proof_is_taken(
    desk: Service, bound: Service
) -> None:
    path = "/.well-known/oauth-authorization-server"
    assert "ES256" in web.get(bound.url + path).json()["dpop_signing_alg_values_supported"]
    assert "dpop_signing_alg_values_supported" not in web.get(desk.url + path).json()
    key = ECKey.generate_key("P-256")
    refused(changed(desk, desk.code(), headers={"DPoP": proof(key, "POST", f"{ISSUER}/token")}), "invalid_dpop_proof")


def test_rfc8707_2_2_a_token_is_for_what_was_asked_and_a_code_for_no_more(desk: Service) -> None:
    both = ["https://things.example.com", "https://other.example.com"]
    assert claims(changed(desk, desk.code()))["aud"] == both
    assert claims(changed(desk, desk.code(), resource=both[1]))["aud"] == both[1]
    assert claims(changed(desk, desk.code(resource=both[0])))["aud"] == both[0]
    refused(changed(desk, desk.code(resource=both[0]), resource=both[1]), "invalid_target")


# more than one has


@pytest.mark.parametrize(
    ("client", "name", "scope", "scopes", "roles"),
    [
        pytest.param(*case, id=case_id)
        for case_id, case in {
            "rfc6749-3.3-all-of-both": ("app", "bob", "", {"things:read", "things:write"}, {"writer", "admin"}),
            "rfc6749-3.3-a-part-of-it": ("app", "bob", "things:read", {"things:read"}, set()),
            "rfc6749-3.3-a-client-with-less": ("narrow", "bob", "", {"things:read"}, set()),
            "rfc6749-3.3-a-client-with-one-scope": ("scoped", "bob", "", {"things:read"}, set()),
            "rfc6749-3.3-a-client-with-a-role-without-scopes": ("roleonly", "bob", "", set(), {"admin"}),
            "rfc6749-3.3-a-role-without-scopes": ("app", "root", "", set(), {"admin"}),
            "rfc6749-3.3-a-role-without-scopes-not-asked": ("app", "root", "things:read", set(), set()),
            "rfc6749-3.3-a-person-with-nothing": ("app", "eve", "", set(), set()),
            "rfc6749-3.3-a-person-asked-for-more": ("app", "eve", "things:write", set(), set()),
        }.items()
    ],
)  # fmt: skip
def test_a_token_holds_what_the_person_has_and_the_client_may_and_was_asked(
    desk: Service, client: str, name: str, scope: str, scopes: set[str], roles: set[str]
) -> None:
    found = claims(changed(desk, desk.code(client_id=client, name=name, scope=scope), client))
    assert (set(found["scope"].split()), set(found.get("roles", []))) == (scopes, roles)


def test_rfc6749_3_3_a_key_with_one_scope_of_its_role_gets_a_token_with_that_one(desk: Service, issue: Any) -> None:
    key = issue(desk.path, "writer", scopes=("things:read",))
    form: dict[str, Any] = {"grant_type": EXCHANGE, "subject_token": key, "subject_token_type": API_KEY}
    found = claims(desk.token(**form))
    assert (found["scope"], found.get("roles")) == ("things:read", None)
    for scope in ("things:write", "writer", "reader", "things:read things:write"):
        refused(desk.token(**form, scope=scope), "invalid_scope")


def test_a_client_whose_role_the_contract_has_no_more_gets_nothing_by_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("changed")
    path = written(folder)
    before = furnished(Service("", path))
    added = before.run("tokens", "clients", "add", "old", "--redirect", REDIRECT, "--role", "reader")
    assert added.exit_code == 0
    rules = [{"operations": ["*"], "allow": ["things:write"]}]
    written(folder, authorization={"roles": {"writer": ["things:write"]}, "rules": rules})
    with running(path) as found:
        token = claims(changed(found, found.code(client_id="old"), "old"))
        assert (token["scope"], token.get("roles")) == ("", None)
        assert "error=invalid_scope" in found.log_in(client_id="old", scope="things:write").headers["location"]


def test_rfc9700_4_15_a_person_and_a_client_are_never_called_alike(desk: Service) -> None:
    assert desk.run("tokens", "users", "add", "robot", given=f"{PASSWORD}\n").exit_code != 0
    assert desk.run("tokens", "clients", "add", "ann", "--redirect", REDIRECT).exit_code != 0


# proofs of clients


def said(**change: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {"iss": "robot", "sub": "robot", "aud": ISSUER, "exp": now + 60, "iat": now, "jti": secrets.token_hex(8)}
    return {name: value for name, value in (whole | change).items() if value is not None}


def asserted(desk: Service, text: str, **more: str) -> httpx.Response:
    form: dict[str, Any] = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION,
        "client_assertion": text,
    }
    return desk.token(**form | more)


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [("robot", "ES256"), ("rsa", "RS256"), ("rsa", "PS256"), ("ed", "EdDSA"), ("ed", "Ed25519")],
)
def test_rfc8414_each_announced_algorithm_is_taken_once(desk: Service, name: str, algorithm: str) -> None:
    announced = web.get(f"{desk.url}/.well-known/oauth-authorization-server").json()
    assert algorithm in announced["token_endpoint_auth_signing_alg_values_supported"]
    for typ in ("JWT", "client-authentication+jwt"):
        text = sign({"alg": algorithm, "typ": typ}, said(iss=name, sub=name), KEYS[name])
        assert claims(asserted(desk, text, client_id=name))["sub"] == name
        refused(asserted(desk, text), "invalid_client")


PUBLIC = json.dumps(KEYS["rsa"].as_dict(private=False)).encode()
PEM = KEYS["rsa"].as_pem(private=False)
STRANGER = ECKey.generate_key("P-256")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=name)
        for name, text in {
            "rfc8725-3.1-none": lambda: sign({"alg": "none"}, said(), None),
            "rfc8725-3.1-none-in-capitals": lambda: sign({"alg": "NONE"}, said(), None),
            "rfc8725-2.1-hs-with-the-public-pem": lambda: sign({"alg": "HS256"}, said(iss="rsa", sub="rsa"), PEM),
            "rfc8725-2.1-hs-with-the-public-jwk": lambda: sign({"alg": "HS256"}, said(iss="rsa", sub="rsa"), PUBLIC),
            "rfc8725-3.1-hs-with-nothing": lambda: sign({"alg": "HS256"}, said(), b"\0"),
            "rfc8725-3.1-another-curve": lambda: sign({"alg": "ES384"}, said(), ECKey.generate_key("P-384")),
            "rfc8725-3.1-not-announced": lambda: sign({"alg": "RS512"}, said(iss="rsa", sub="rsa"), KEYS["rsa"]),
            "rfc8725-3.1-rsa-for-an-ec-client": lambda: sign({"alg": "RS256"}, said(), KEYS["rsa"]),
            "rfc7515-4.1.3-its-own-key": lambda: sign({"alg": "ES256", "jwk": STRANGER.as_dict(private=False)}, said(), STRANGER),
            "rfc8725-3.10-its-own-key-set": lambda: sign({"alg": "ES256", "jku": "https://evil.example/"}, said(), STRANGER),
            "rfc8725-3.10-kid-as-path": lambda: sign({"alg": "ES256", "kid": "../../dev/null"}, said(), KEYS["robot"]),
            "rfc7515-4.1.11-crit": lambda: sign({"alg": "ES256", "crit": ["x"], "x": 1}, said(), KEYS["robot"]),
            "rfc7797-b64": lambda: sign({"alg": "ES256", "b64": False}, said(), KEYS["robot"]),
            "rfc8725-3.11-an-access-token": lambda: sign({"alg": "ES256", "typ": "at+jwt"}, said(), KEYS["robot"]),
            "rfc8725-3.11-a-proof": lambda: sign({"alg": "ES256", "typ": "dpop+jwt"}, said(), KEYS["robot"]),
            "rfc7523-3-another-key": lambda: sign({"alg": "ES256"}, said(), STRANGER),
            "rfc7523-3-no-signature": lambda: sign({"alg": "ES256"}, said(), KEYS["robot"]).rpartition(".")[0] + ".",
            "rfc7523-3-iss": lambda: sign({"alg": "ES256"}, said(iss="app"), KEYS["robot"]),
            "rfc7523-3-no-iss": lambda: sign({"alg": "ES256"}, said(iss=None), KEYS["robot"]),
            "rfc7523-3-sub": lambda: sign({"alg": "ES256"}, said(sub="rsa"), KEYS["robot"]),
            "rfc7523-3-no-sub": lambda: sign({"alg": "ES256"}, said(sub=None), KEYS["robot"]),
            "rfc7523-3-sub-is-a-list": lambda: sign({"alg": "ES256"}, said(sub=["robot"]), KEYS["robot"]),
            "rfc7523-3-another-client": lambda: sign({"alg": "ES256"}, said(iss="rsa", sub="rsa"), KEYS["robot"]),
            "rfc7523-3-a-client-without-a-key": lambda: sign({"alg": "ES256"}, said(iss="app", sub="app"), KEYS["robot"]),
            "rfc7523-3-nobody": lambda: sign({"alg": "ES256"}, said(iss="nobody", sub="nobody"), KEYS["robot"]),
            "rfc7523-3-aud": lambda: sign({"alg": "ES256"}, said(aud="https://evil.example"), KEYS["robot"]),
            "rfc7523bis-aud-is-the-endpoint": lambda: sign({"alg": "ES256"}, said(aud=f"{ISSUER}/token"), KEYS["robot"]),
            "rfc7523bis-aud-is-a-list": lambda: sign({"alg": "ES256"}, said(aud=[ISSUER, "https://evil.example"]), KEYS["robot"]),
            "rfc7523-3-no-aud": lambda: sign({"alg": "ES256"}, said(aud=None), KEYS["robot"]),
            "rfc7523-3-expired": lambda: sign({"alg": "ES256"}, said(exp=int(time.time()) - 60), KEYS["robot"]),
            "rfc7523-3-no-exp": lambda: sign({"alg": "ES256"}, said(exp=None), KEYS["robot"]),
            "rfc7523-3-for-a-day": lambda: sign({"alg": "ES256"}, said(exp=int(time.time()) + 86400), KEYS["robot"]),
            "rfc7519-2-exp-is-text": lambda: sign({"alg": "ES256"}, said(exp="9999999999"), KEYS["robot"]),
            "rfc7519-2-exp-is-true": lambda: sign({"alg": "ES256"}, said(exp=True), KEYS["robot"]),
            "rfc8259-6-exp-is-nan": lambda: sign({"alg": "ES256"}, said(exp=float("nan")), KEYS["robot"]),
            "rfc8259-6-exp-is-endless": lambda: sign({"alg": "ES256"}, said(exp=float("inf")), KEYS["robot"]),
            "rfc7523-3-nbf": lambda: sign({"alg": "ES256"}, said(nbf=int(time.time()) + 120), KEYS["robot"]),
            "rfc7523-3-iat": lambda: sign({"alg": "ES256"}, said(iat=int(time.time()) + 120), KEYS["robot"]),
            "rfc7523-3-no-jti": lambda: sign({"alg": "ES256"}, said(jti=None), KEYS["robot"]),
            "rfc7523-3-jti-is-a-number": lambda: sign({"alg": "ES256"}, said(jti=1), KEYS["robot"]),
            "rfc7523-3-jti-is-long": lambda: sign({"alg": "ES256"}, said(jti="x" * 300), KEYS["robot"]),
            "rfc8725-2.4-a-name-twice": lambda: sign({"alg": "ES256"}, b'{"sub":"robot","sub":"rsa","iss":"robot"}', KEYS["robot"]),
            "rfc8259-9-deep": lambda: sign({"alg": "ES256"}, b"[" * 5000 + b"]" * 5000, KEYS["robot"]),
            "rfc7523-3-no-object": lambda: sign({"alg": "ES256"}, b"[]", KEYS["robot"]),
            "rfc7519-10-not-utf-8": lambda: sign({"alg": "ES256"}, b'{"sub":"\xff"}', KEYS["robot"]),
            "rfc7515-7.1-nonsense": lambda: "a.b.c",
            "rfc7515-7.1-two-parts": lambda: "a.b",
            "rfc7515-7.1-padded": lambda: sign({"alg": "ES256"}, said(), KEYS["robot"]) + "==",
            "rfc7516-a-jwe": lambda: "e30.e30.e30.e30.e30",
            "rfc7515-7.2-as-json": lambda: '{"payload":"e30","signatures":[]}',
        }.items()
    ],
)  # fmt: skip
def test_an_assertion_that_is_not_wholly_right_proves_nothing(desk: Service, text: Any) -> None:
    answer = asserted(desk, text())
    if answer.status_code == 400:  # characters that no parameter has
        refused(answer, "invalid_request")
    else:
        assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


@pytest.mark.parametrize(
    ("more", "headers", "error"),
    [
        pytest.param(*case, id=name)
        for name, case in {
            "rfc7521-4.2-another-client-id": ({"client_id": "rsa"}, {}, "invalid_client"),
            "rfc6749-2.3-and-a-secret": ({"client_secret": "x"}, {}, "invalid_request"),
            "rfc6749-2.3-and-basic": ({}, {"Authorization": "Basic eDp5"}, "invalid_request"),
            "rfc6749-2.3-and-a-key": ({}, {"X-API-Key": "x"}, "invalid_request"),
            "rfc7521-4.2-another-type": ({"client_assertion_type": "urn:x"}, {}, "invalid_client"),
        }.items()
    ],
)
def test_a_client_proves_itself_once_and_as_itself(
    desk: Service, more: dict[str, str], headers: dict[str, str], error: str
) -> None:
    text = sign({"alg": "ES256"}, said(), KEYS["robot"])
    form: dict[str, Any] = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION,
        "client_assertion": text,
    }
    refused(desk.token(headers=headers, **form | more), error)


@pytest.mark.parametrize(
    "field",
    [
        pytest.param(field, id=name)
        for name, field in {
            "rfc7617-2-no-colon": "Basic " + b64encode(b"robot").decode(),
            "rfc7617-2-empty": "Basic Og==",
            "rfc7617-2-nothing": "Basic",
            "rfc7617-2-no-base64": "Basic !!!!",
            "rfc7617-2-not-utf-8": "Basic " + b64encode(b"\xff\xfe:\xff").decode(),
            "rfc7617-2-of-a-client-without-a-secret": "Basic " + b64encode(b"app:x").decode(),
            "rfc7617-2-of-a-client-with-nothing": "Basic " + b64encode(b"app:").decode(),
            "rfc6750-2.1-bearer": "Bearer x",
            "rfc7617-2-nul": "Basic " + b64encode(b"a\0b:c").decode(),
            "rfc7617-2-sql": "Basic " + b64encode(b"' OR 1=1 --:x").decode(),
            "rfc7617-2-long": "Basic " + b64encode(b"x" * 4000 + b":" + b"y" * 4000).decode(),
        }.items()
    ],
)
def test_rfc6749_2_3_1_a_bad_secret_is_told_like_an_unknown_client(desk: Service, field: str) -> None:
    answer = desk.token(grant_type="client_credentials", headers={"Authorization": field})
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    ("made", "more"),
    [
        pytest.param(*case, id=name)
        for name, case in {
            "rfc9449-4.3-another-method": ({"method": "GET"}, {}),
            "rfc9449-4.3-another-url": ({"url": f"{ISSUER}/authorize"}, {}),
            "rfc9449-4.3-another-host": ({"url": "http://evil.example/token"}, {}),
            "rfc9449-4.3-userinfo": ({"url": "http://127.0.0.1:9443@evil.example/token"}, {}),
            "rfc9449-11.1-old": ({}, {"iat": 1}),
            "rfc9449-11.1-to-come": ({}, {"iat": int(time.time()) + 3600}),
            "rfc9449-4.3-no-id": ({}, {"jti": ""}),
            "rfc9449-4.3-id-is-no-text": ({}, {"jti": 1}),
        }.items()
    ],
)
def test_a_proof_that_is_for_something_else_is_none(
    bound: Service, issue: Any, made: dict[str, str], more: dict[str, Any]
) -> None:
    key = ECKey.generate_key("P-256")
    text = proof(key, made.get("method", "POST"), made.get("url", f"{ISSUER}/token"), **more)
    form: dict[str, Any] = {
        "grant_type": EXCHANGE,
        "subject_token": issue(bound.path, "reader"),
        "subject_token_type": API_KEY,
    }
    refused(bound.token(**form, headers={"DPoP": text}), "invalid_dpop_proof")


def test_rfc9449_4_3_two_proofs_are_none_and_one_is_used_once(bound: Service, issue: Any) -> None:
    key = ECKey.generate_key("P-256")
    form: dict[str, Any] = {
        "grant_type": EXCHANGE,
        "subject_token": issue(bound.path, "reader"),
        "subject_token_type": API_KEY,
    }
    texts = [proof(key, "POST", f"{ISSUER}/token") for _ in range(2)]
    two = web.post(f"{bound.url}/token", data=form, headers=[("DPoP", one) for one in texts])
    refused(two, "invalid_dpop_proof")
    assert bound.token(**form, headers={"DPoP": texts[0]}).status_code == 200
    refused(bound.token(**form, headers={"DPoP": texts[0]}), "invalid_dpop_proof")


# an exchange


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param(*case, id=name)
        for name, case in {
            "rfc8693-2.1-another-type": ({"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"),
            "rfc8693-2.1-no-type": ({"subject_token_type": ""}, "invalid_request"),
            "rfc8693-2.1-for-a-refresh-token": (
                {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request",
            ),
            "rfc8693-2.1-an-actor": ({"actor_token": "x", "actor_token_type": API_KEY}, "invalid_request"),
            "rfc8693-2.1-elsewhere": ({"audience": "https://evil.example"}, "invalid_target"),
            "rfc8707-2-elsewhere": ({"resource": "https://evil.example"}, "invalid_target"),
            "rfc8693-2.1-as-somebody-else": ({"client_id": "robot"}, "invalid_grant"),
            "rfc8693-2.1-an-unknown-key": ({"subject_token": "nf_live_" + "a" * 12 + "_" + "b" * 38}, "invalid_grant"),
            "rfc8693-2.1-a-key-and-a-line": ({"subject_token": "x\r\nX-API-Key: y"}, "invalid_request"),
        }.items()
    ],
)  # fmt: skip
def test_a_key_is_changed_for_no_more_than_it_is(desk: Service, issue: Any, change: dict[str, str], error: str) -> None:
    form: dict[str, Any] = {
        "grant_type": EXCHANGE,
        "subject_token": issue(desk.path, "reader"),
        "subject_token_type": API_KEY,
    }
    refused(desk.token(**{name: value for name, value in (form | change).items() if value}), error)


def test_rfc8693_2_1_a_token_of_ours_is_no_key(desk: Service, issue: Any) -> None:
    form: dict[str, Any] = {
        "grant_type": EXCHANGE,
        "subject_token": issue(desk.path, "reader"),
        "subject_token_type": API_KEY,
    }
    token = desk.token(**form).json()["access_token"]
    refused(desk.token(**form | {"subject_token": token}), "invalid_grant")
    asked = {"Authorization": f"Bearer {token}"}
    refused(desk.token(grant_type="client_credentials", headers=asked), "invalid_client")


# bodies and fields


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(*case, id=name)
        for name, case in {
            "rfc6749-3.1-twice": (b"grant_type=client_credentials&client_id=a&client_id=b", FORM),
            "rfc6749-3.1-grant-twice": (b"grant_type=client_credentials&grant_type=authorization_code", FORM),
            "rfc6749-3.1-twice-encoded": (b"grant_type=client_credentials&scope=a&sco%70e=b", FORM),
            "rfc6749-b-not-utf-8": (b"grant_type=client_credentials&scope=%ff%fe", FORM),
            "rfc6749-b-raw-bytes": (b"grant_type=client_credentials&scope=\xff", FORM),
            "rfc6749-b-no-form": (b"grant_type", FORM),
            "rfc6749-b-many": (b"&".join(b"a%d=1" % one for one in range(100)), FORM),
            "rfc6749-4.4.2-json": (b'{"grant_type":"client_credentials"}', {"Content-Type": "application/json"}),
            "rfc6749-4.4.2-no-type": (b"grant_type=client_credentials", {}),
            "rfc6749-4.4.2-multipart": (b"--x\r\n\r\n--x--", {"Content-Type": "multipart/form-data; boundary=x"}),
            "rfc6749-4.4.2-nothing": (b"", FORM),
            "rfc6749-a-nul": (b"grant_type=client%00_credentials", FORM),
            "rfc6749-a-newline": (b"grant_type=client_credentials%0d%0aX: y", FORM),
        }.items()
    ],
)
def test_a_body_that_has_not_one_reading_is_refused(desk: Service, body: bytes, headers: dict[str, str]) -> None:
    answer = web.post(f"{desk.url}/token", content=body, headers=headers)
    refused(answer, "invalid_request", "unsupported_grant_type")


def test_rfc6749_2_3_1_what_stands_in_the_query_is_not_taken(desk: Service, issue: Any) -> None:
    form: dict[str, Any] = {
        "grant_type": EXCHANGE,
        "subject_token": issue(desk.path, "reader"),
        "subject_token_type": API_KEY,
    }
    refused(web.post(f"{desk.url}/token?{urlencode(form)}", headers=FORM, content=b"x=y"), "unsupported_grant_type")
    assert web.get(f"{desk.url}/token?{urlencode(form)}").status_code == 405


@pytest.mark.parametrize("path", ["/token", "/authorize", "/jwks"])
def test_rfc9110_15_5_6_another_method_is_told_which_there_are(desk: Service, path: str) -> None:
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"):
        answer = web.request(method, desk.url + path)
        assert answer.status_code == 405
        assert answer.headers["allow"]


@pytest.mark.parametrize(
    "path",
    ["//token", "/token/", "/TOKEN", "/token%00", "/./token", "/x/../token", "/%74oken/", "/token;x", "/.well-known/jwks.json"],
)  # fmt: skip
def test_a_path_is_one_or_it_is_none(desk: Service, path: str) -> None:
    raw = desk.raw(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    assert raw.split()[1] in {b"404", b"400"}


ODD = st.one_of(
    st.sampled_from([
        "", " ", "\0", "\n", '"', "\\", "é", "%", "%00", "client_credentials", "authorization_code", EXCHANGE, API_KEY, "app", "robot",
        "native", "code", "S256", CHALLENGE, VERIFIER, REDIRECT, "things:read", "http://[", "http://127.0.0.1:x/", "[" * 3000, ASSERTION,
        "e30.e30.e30", "https://things.example.com", "{}", "a" * 9000, "\U0001f600",
    ]),
    st.text(max_size=20),
)  # fmt: skip
NAMES = st.sampled_from([
    "grant_type", "client_id", "client_secret", "code", "code_verifier", "redirect_uri", "scope", "state", "response_type",
    "code_challenge", "code_challenge_method", "client_assertion", "client_assertion_type", "subject_token", "subject_token_type",
    "resource", "audience", "dpop_jkt", "response_mode", "request", "username", "password", "decision", "x",
])  # fmt: skip


@settings(max_examples=25)
@given(
    form=st.dictionaries(NAMES, ODD, max_size=8),
    fields=st.dictionaries(
        st.sampled_from(["Authorization", "DPoP", "X-API-Key", "Origin", "Content-Type", "X-Forwarded-For"]),
        st.binary(max_size=40).map(lambda one: one.translate(None, b"\0\r\n\v\f\x1c\x1d\x1e\x1f").strip() or b"x"),
        max_size=3,
    ),
    base=st.sampled_from([
        {}, {"grant_type": "client_credentials"}, {"grant_type": "authorization_code", "client_id": "app", "code": "x"},
        {"grant_type": EXCHANGE, "subject_token_type": API_KEY, "subject_token": "x"},
        {"response_type": "code", "client_id": "app", "code_challenge": CHALLENGE, "code_challenge_method": "S256"},
    ]),
)  # fmt: skip
def test_whatever_comes_there_is_an_answer_and_no_token(
    desk: Service, form: dict[str, str], fields: dict[str, bytes], base: dict[str, str]
) -> None:
    whole = base | form
    sent = [(name.encode(), value) for name, value in fields.items()]
    for answer in (
        web.post(f"{desk.url}/token", data=whole, headers=sent),
        web.post(f"{desk.url}/authorize", params=whole, data=form, headers=sent),
        web.get(f"{desk.url}/authorize", params=whole, headers=sent),
    ):
        assert answer.status_code in {200, 303, 400, 401, 413, 429}, answer.text
        assert '"access_token"' not in answer.text
        if answer.status_code == 303:
            parts = urlsplit(answer.headers["location"])
            assert (
                parts.netloc == "app.example.com"
                or parts.scheme == "com.example.app"
                or parts.hostname in {"127.0.0.1", "::1"}
            )
            assert "code" not in parse_qs(parts.query)


# what a browser is shown


def test_rfc9700_4_16_no_page_can_be_framed_scripted_or_kept(desk: Service) -> None:
    for answer in (desk.log_in(password="x"), desk.log_in(client_id="nobody"), web.get(f"{desk.url}/authorize")):
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "base-uri 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("client", "url", "source"),
    [
        ("app", REDIRECT, "https://app.example.com"),
        ("native", "http://127.0.0.1:51004/done", "http://127.0.0.1:51004"),
        ("native", "http://[::1]:51004/done", "http:"),
        ("app.own", "com.example.app:/done", "com.example.app:"),
    ],
)
def test_a_form_leads_back_to_where_its_client_is_and_nowhere_else(
    desk: Service, client: str, url: str, source: str
) -> None:
    page = desk.log_in(client_id=client, redirect_uri=url, name="nobody here", password="x")
    assert f"form-action 'self' {source};" in page.headers["content-security-policy"]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_rfc9700_4_7_a_form_of_another_site_logs_nobody_in(desk: Service, site: str) -> None:
    query = urlencode({
        "response_type": "code", "client_id": "app", "redirect_uri": REDIRECT, "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    })  # fmt: skip
    form = {"username": "ann", "password": PASSWORD, "decision": "allow"}
    url = f"{desk.url}/authorize?{query}"
    assert web.post(url, data=form, headers={"Sec-Fetch-Site": site}).status_code == 400
    assert web.post(url, data=form, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_what_a_request_says_is_text_on_the_page(desk: Service) -> None:
    for name in ("client_id", "scope", "redirect_uri", "response_type"):
        answer = desk.log_in(**{name: "<img/src=x>"})
        assert "<img" not in answer.text
        assert "<img" not in answer.headers.get("location", "")


def test_rfc7636_a_challenge_of_an_empty_verifier_is_matched_by_none(desk: Service) -> None:
    empty = urlsafe_b64encode(sha256(b"").digest()).rstrip(b"=").decode()
    code = desk.code(code_challenge=empty)
    for verifier in (None, "", "."):
        refused(changed(desk, code, code_verifier=verifier), "invalid_request")


def test_an_odd_name_or_password_is_a_wrong_one(desk: Service) -> None:
    for name, password in (
        ("", ""), ("ann", ""), ("ann", "x" * 100_00), ("' OR 1=1 --", "x"), ("ann\0", PASSWORD), ("ann ", PASSWORD),
        ("ANN", PASSWORD), ("ann" + "́", PASSWORD), ("\U0001f600" * 200, PASSWORD), ("ann", PASSWORD + "\0"),
    ):  # fmt: skip
        assert desk.log_in(name=name, password=password, client_id="narrow").status_code in {401, 429}
