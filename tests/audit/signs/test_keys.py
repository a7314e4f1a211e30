from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.finding import Confidence, Severity
from ninefold.audit.key import Key
from ninefold.audit.rule import Untried
from ninefold.audit.signs import keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

RULES = {rule.id: rule for rule in keys.RULES}
GOOD = "k7Qw2ZrT9xLm4VbN8sHd3FgJ6pYc1AeU"
OTHER = "Zp4Xn8Vr2Ls6Kd1Jf9Hg3Tq7Wy5Mb0Ce"


def look(rule: str, target: Target) -> Looked:
    return RULES[rule].look(target)


def document(scheme: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "paths": {"/orders": {"post": {"security": [{"key": []}], "responses": {}, **more}}},
        "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key", **scheme}}},
    }


class TestAKeyAlone:
    def test_is_told_once_for_all_operations_of_a_scheme(self, static: Callable[..., Target]) -> None:
        told = document({})
        told["paths"]["/items"] = {"get": {"security": [{"key": []}], "responses": {}}}
        looked = look("keys-alone", static(told))
        assert looked.at == 2
        assert {one.cause for one in looked.seen} == {"scheme key"}
        assert [one.severity for one in looked.seen] == [None, Severity.LOW]

    def test_with_a_second_scheme_is_no_key_alone(self, static: Callable[..., Target]) -> None:
        told = document({})
        told["components"]["securitySchemes"]["mtls"] = {"type": "mutualTLS"}
        told["paths"]["/orders"]["post"]["security"] = [{"key": [], "mtls": []}]
        assert look("keys-alone", static(told)).seen == ()

    @pytest.mark.parametrize(
        "restriction",
        [
            {"x-source-addresses": ["10.0.0.0/8", "2001:db8::/32"]},
            {"x-kong-plugin-ip-restriction": {"config": {"allow": ["192.0.2.7"]}}},
            {
                "x-amazon-apigateway-policy": {
                    "Statement": [{"Effect": "Allow", "Condition": {"IpAddress": {"aws:SourceIp": ["192.0.2.0/24"]}}}]
                }
            },
        ],
    )
    def test_from_declared_addresses_is_no_key_alone(
        self, static: Callable[..., Target], restriction: dict[str, Any]
    ) -> None:
        assert look("keys-alone", static(document(restriction))).seen == ()
        assert look("keys-alone", static(document({}, **restriction))).seen == ()
        assert look("keys-alone", static({**document({}), **restriction})).seen == ()

    @pytest.mark.parametrize(
        "restriction",
        [
            {"x-source-addresses": ["0.0.0.0/0"]},
            {"x-source-addresses": ["10.0.0.0/8", "::/0"]},
            {"x-kong-plugin-ip-restriction": {"config": {"deny": ["192.0.2.7"]}}},
            {"x-version": "1.2"},
            {"x-internal": True},
        ],
    )
    def test_from_anywhere_is_a_key_alone(self, static: Callable[..., Target], restriction: dict[str, Any]) -> None:
        assert len(look("keys-alone", static(document(restriction))).seen) == 1

    @pytest.mark.parametrize(
        "words",
        [
            "Accepted only from the addresses that the customer registered.",
            "Every request is signed with HMAC-SHA256 beside it.",
            "Needs mutual TLS.",
        ],
    )
    def test_with_more_in_words_alone_is_suspected(self, static: Callable[..., Target], words: str) -> None:
        looked = look("keys-alone", static(document({"description": words})))
        assert [one.confidence for one in looked.seen] == [Confidence.SUSPECTED]
        plain = look(
            "keys-alone", static(document({"description": "Ask the office for one. It names your address book."}))
        )
        assert [one.confidence for one in plain.seen] == [None]

    @pytest.mark.parametrize("scheme", [{"in": "cookie", "name": "sid"}, {"name": "Authorization"}])
    def test_is_no_session_cookie_and_no_bearer_token(
        self, static: Callable[..., Target], scheme: dict[str, Any]
    ) -> None:
        assert look("keys-alone", static(document(scheme))).seen == ()


class TestTheEndOfAKey:
    def test_of_which_nothing_is_said_is_suspected(self, static: Callable[..., Target]) -> None:
        assert len(look("keys-no-expiry", static(document({"description": "Ask the office."}))).seen) == 1

    @pytest.mark.parametrize(
        "said",
        [
            {"description": "Expires after 90 days."},
            {"description": "Rotate your key once a year."},
            {"x-key-ttl": "90d"},
        ],
    )
    def test_is_read_at_the_scheme(self, static: Callable[..., Target], said: dict[str, Any]) -> None:
        assert look("keys-no-expiry", static(document(said))).seen == ()

    def test_is_read_in_the_text_and_in_the_operations(self, static: Callable[..., Target]) -> None:
        told = {
            **document({}),
            "info": {"title": "a", "version": "1", "description": "Keys live for a year and expire."},
        }
        assert look("keys-no-expiry", static(told)).seen == ()
        told = document({})
        told["paths"]["/keys/{id}/rotate"] = {"post": {"operationId": "roll", "responses": {}}}
        assert look("keys-no-expiry", static(told)).seen == ()

    @pytest.mark.parametrize(
        "name", ["X-CSRF-Token", "X-XSRF-TOKEN", "DPoP", "dpop", "X-Signature", "X-Acme-Timestamp", "Date"]
    )
    def test_is_not_asked_of_a_proof_of_one_request(self, static: Callable[..., Target], name: str) -> None:
        told = document({"name": name})
        assert look("keys-no-expiry", static(told)).at == 0
        assert look("keys-alone", static(told)).seen == ()

    def test_is_not_asked_of_a_key_that_always_needs_a_client_certificate(self, static: Callable[..., Target]) -> None:
        told = document({})
        told["components"]["securitySchemes"]["mtls"] = {"type": "mutualTLS"}
        told["paths"]["/orders"]["post"]["security"] = [{"key": [], "mtls": []}]
        assert look("keys-no-expiry", static(told)).at == 0
        told["paths"]["/items"] = {"get": {"security": [{"key": []}], "responses": {}}}
        assert len(look("keys-no-expiry", static(told)).seen) == 1

    def test_is_not_asked_of_a_bearer_token(self, static: Callable[..., Target]) -> None:
        assert look("keys-no-expiry", static(document({"name": "Authorization"}))).at == 0


class TestAKeyInTheUrl:
    def test_is_told_of_the_scheme_and_of_parameters(self, static: Callable[..., Target]) -> None:
        assert len(look("keys-in-url", static(document({"in": "query", "name": "api_key"}))).seen) == 1
        parameter = {"name": "apikey", "in": "query", "schema": {"type": "string"}}
        assert len(look("keys-in-url", static(document({}, parameters=[parameter]))).seen) == 1

    @pytest.mark.parametrize("name", ["q", "page_token", "sort_key", "key_id"])
    def test_is_no_word_that_only_sounds_like_it(self, static: Callable[..., Target], name: str) -> None:
        looked = look("keys-in-url", static(document({}, parameters=[{"name": name, "in": "query"}])))
        assert (looked.at, looked.seen) == (1, ())


class TestAKeyInTheSource:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("app.py", 'API_KEY = "9f8b3c1d7e6a5042b1c9"\n'),
            ("config.yaml", "payment_api_key: 9f8b3c1d7e6a5042b1c9\n"),
            ("app.py", 'API_KEYS = {\n    "sk-9f8b3c1d7e6a": "alice",\n}\n'),
            (
                "deploy.sh",
                "export AWS_ID=AKIAQWERTYUIOPASDFGH\nexport AWS_SECRET=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\n",
            ),
            (".env", "STRIPE_API_KEY=rk_live_51HqLyjWDarjtT1zdp7dc\n"),
            ("main.js", "const apiKey = 'a81bc81b-dead-4e5d-abff-90865d1e13b1';\n"),
        ],
    )
    def test_is_found_and_not_repeated(self, source: Callable[..., Target], name: str, text: str) -> None:
        looked = look("keys-in-source", source({name: text}))
        assert len(looked.seen) == 1
        assert looked.seen[0].place.line in {1, 2}
        secret = max(text.replace('"', " ").replace("'", " ").replace("=", " ").split(), key=len)
        assert secret not in looked.seen[0].detail

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("app.py", 'API_KEY = os.environ["API_KEY"]\n'),
            ("app.py", 'api_key = "your-api-key-here-123"\n'),
            ("app.py", 'API_KEY_HEADER = "X-API-Key"\n'),
            ("app.py", "def get(api_key: str = Header(...)) -> None: ...\n"),
            ("app.py", 'api_key = APIKeyHeader(name="X-API-Key")\n'),
            ("settings.toml", "api_key = ${API_KEY_9f8b3c1d7e6a}\n"),
            ("tests/test_app.py", 'API_KEY = "9f8b3c1d7e6a5042b1c9"\n'),
            (".env.example", "API_KEY=9f8b3c1d7e6a5042b1c9\n"),
        ],
    )
    def test_is_no_reference_placeholder_or_test(self, source: Callable[..., Target], name: str, text: str) -> None:
        assert look("keys-in-source", source({name: text, "main.py": "x = 1\n"})).seen == ()


DOCUMENT = {"paths": {"/orders": {"get": {"operationId": "listOrders", "responses": {}}}}}


def api(*, query: bool, says_no: tuple[int, Any] = (401, {"error": "unauthorized"})) -> Any:
    """Takes the key from the header, and as `api_key` from the query if it was built that way."""

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        given = {request.headers.get("X-API-Key")}
        if query:
            given |= set(request.query.get("api_key", ()))
        status, body = (200, {"orders": [{"id": 1, "total": 2}], "next": None}) if GOOD in given else says_no
        if request.path != "/orders":
            status, body = 404, {"error": "not found"}
        return status, {"Content-Type": "application/json"}, json.dumps(body).encode()

    return answer


@pytest.fixture(params=[(401, {"error": "unauthorized"}), (200, {"error": "unauthorized"}), (404, {"error": "x"})])
def says_no(request: pytest.FixtureRequest) -> Any:
    return request.param


class TestAKeyInTheQuery:
    def test_is_found_however_the_api_refuses(
        self, serve: Callable[..., str], live: Callable[..., Target], says_no: Any
    ) -> None:
        target = live(serve(api(query=True, says_no=says_no)), DOCUMENT, GOOD)
        looked = look("keys-in-query", target)
        assert [one.role for one in looked.seen[0].evidence] == ["baseline", "attack", "control", "repeat"]  # type: ignore[union-attr]
        assert GOOD not in repr(looked)

    def test_is_not_found_where_it_is_refused(
        self, serve: Callable[..., str], live: Callable[..., Target], says_no: Any
    ) -> None:
        looked = look("keys-in-query", live(serve(api(query=False, says_no=says_no)), DOCUMENT, GOOD))
        assert (looked.at, looked.seen) == (1, ())

    def test_cannot_be_told_where_every_key_is_served(
        self, serve: Callable[..., str], live: Callable[..., Target]
    ) -> None:
        def catalogue(_: Any) -> tuple[int, dict[str, str], bytes]:
            return 200, {"Content-Type": "application/json"}, b'[{"id": 1}]'

        with pytest.raises(Untried, match="tells the key from a wrong one"):
            look("keys-in-query", live(serve(catalogue), DOCUMENT, GOOD))


class TestAKeyOverPlainHttp:
    def test_is_found_with_proof(self, serve: Callable[..., str], live: Callable[..., Target], says_no: Any) -> None:
        looked = look("keys-over-plain-http", live(serve(api(query=False, says_no=says_no)), DOCUMENT, GOOD))
        assert len(looked.seen[0].evidence) == 4
        assert looked.seen[0].confidence is not Confidence.SUSPECTED

    def test_is_not_found_over_tls(
        self, serve: Callable[..., str], live: Callable[..., Target], certified: Any
    ) -> None:
        url = serve(api(query=False), certified.context)
        looked = look("keys-over-plain-http", live(url, DOCUMENT, GOOD, authority=certified.authority))
        assert (looked.at, looked.seen) == (1, ())


class TestAGuessableKey:
    @pytest.mark.parametrize(
        "given",
        [
            ("key-0001", "key-0002"),
            ("alice-secret-key",),
            ("shop-demo-key-0001",),
            ("123456789012",),
            (f"live_{GOOD}_01", f"live_{GOOD}_02"),
            ("9f8b3c1d7e6a",),
        ],
    )
    def test_is_told(self, live: Callable[..., Target], serve: Callable[..., str], given: tuple[str, ...]) -> None:
        looked = look("keys-guessable", live("http://127.0.0.1:9", None, *given))
        assert looked.seen
        assert all(one not in repr(looked) for one in given)

    @pytest.mark.parametrize(
        "given",
        [
            (GOOD,),
            (GOOD, OTHER),
            ("9f8b3c1d7e6a5042b1c99f1b3c4d7e60",),
            ("a81bc81b-dead-4e5d-abff-90865d1e13b1", "5f2b9c44-1f0e-4c8a-9d37-6b1a2e3f4051"),
            (f"nf_live_k3jd92ks_{GOOD}", f"nf_live_p8dk27xq_{OTHER}"),
        ],
    )
    def test_is_no_random_key(self, live: Callable[..., Target], given: tuple[str, ...]) -> None:
        looked = look("keys-guessable", live("http://127.0.0.1:9", None, *given))
        assert (looked.at, looked.seen) == (len(given), ())

    def test_looks_at_the_token_behind_bearer(self, live: Callable[..., Target]) -> None:
        token = Key("header", "Authorization", "Bearer key-0001")
        assert look("keys-guessable", live("http://127.0.0.1:9", None, token)).seen
