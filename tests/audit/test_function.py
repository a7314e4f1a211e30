from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.finding import Confidence
from ninefold.audit.jwt import encoded
from ninefold.audit.key import Key
from ninefold.audit.rule import Untried
from ninefold.audit.signs.callers import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target


pytestmark = pytest.mark.usefixtures("again")
RULE = next(rule for rule in RULES if rule.id == "authorization-function-level")


def described(security: Any, path: str = "/admin/users", tags: tuple[str, ...] = (), own: Any = None) -> dict[str, Any]:
    return {
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "paths": {
            "/me": {"get": {"operationId": "me", "security": [{"key": []}], "responses": {}}},
            path: {
                "get": {
                    "operationId": "users",
                    "tags": list(tags),
                    "security": security,
                    "responses": {},
                    **(own or {}),
                }
            },
        },
    }


ADMIN_SCOPE = [{"key": ["users:admin"]}]


class Api:
    def __init__(self, me: Any, *, checks: str, path: str = "/admin/users", wrapped: bool = False) -> None:
        self.me, self.checks, self.path, self.wrapped = me, checks, path, wrapped

    def __call__(self, handler: Any) -> tuple[int, dict[str, str], bytes]:
        known = handler.headers.get("Authorization", "").startswith("Bearer good")
        if handler.path not in {"/me", self.path}:
            return self._no(404)
        if not known and not (self.checks == "nothing" and handler.path == self.path):
            return self._no(401)
        if handler.path == self.path and self.checks == "role":
            return self._no(403)
        said = self.me if handler.path == "/me" else [{"id": 1, "mail": "ada@example.com"}]
        return 200, {}, json.dumps({"ok": True, "data": said} if self.wrapped else said).encode()

    def _no(self, status: int) -> tuple[int, dict[str, str], bytes]:
        return (200 if self.wrapped else status), {}, json.dumps({"ok": False, "error": "no"}).encode()


@pytest.fixture
def tried(live: Callable[..., Target], serve: Callable[..., str]) -> Callable[..., Looked]:
    def run(api: Api, document: dict[str, Any], value: str = "good-key-1") -> Looked:
        return RULE.look(live(serve(api), document, Key("header", "Authorization", f"Bearer {value}")))

    return run


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    "me", [{"role": "member"}, {"isAdmin": False}, {"is_staff": 0, "name": "Ada"}, {"roles": ["user"]}]
)
def test_a_scope_that_is_asked_for_and_not_checked_is_confirmed(tried: Any, me: Any, wrapped: bool) -> None:
    (seen,) = tried(Api(me, checks="key", wrapped=wrapped), described(ADMIN_SCOPE)).seen
    assert seen.confidence is Confidence.CONFIRMED
    assert "GET /me says" in seen.detail
    assert [piece.role for piece in seen.evidence] == ["baseline", "attack", "control", "repeat"]


@pytest.mark.parametrize("path", ["/admin/users", "/backoffice/users"])
def test_a_name_alone_is_suspected(tried: Any, path: str) -> None:
    (seen,) = tried(Api({"role": "member"}, checks="key", path=path), described([{"key": []}], path)).seen
    assert seen.confidence is Confidence.SUSPECTED


def test_a_role_in_an_extension_is_asked_for_too(tried: Any) -> None:
    document = described([{"key": []}], "/users", own={"x-required-roles": ["admin"]})
    (seen,) = tried(Api({"role": "member"}, checks="key", path="/users"), document).seen
    assert seen.confidence is Confidence.CONFIRMED


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("me", [{"role": "member"}, {"name": "Ada"}])
def test_an_api_that_checks_the_role_is_clear(tried: Any, me: Any, wrapped: bool) -> None:
    looked = tried(Api(me, checks="role", wrapped=wrapped), described(ADMIN_SCOPE))
    assert (looked.at, looked.seen) == (1, ())


@pytest.mark.parametrize(
    "me", [{"role": "admin"}, {"is_admin": True}, {"role": "member", "groups": ["staff"]}, {"name": "Ada"}]
)
def test_a_caller_who_may_be_an_administrator_is_no_finding(tried: Any, me: Any) -> None:
    with pytest.raises(Untried, match="nothing tells"):
        tried(Api(me, checks="key"), described(ADMIN_SCOPE))


def test_what_is_open_to_everybody_is_another_matter(tried: Any) -> None:
    assert tried(Api({"role": "member"}, checks="nothing"), described(ADMIN_SCOPE)).seen == ()


def test_the_claims_of_a_token_tell_who_is_ordinary(tried: Any) -> None:
    class Tokens(Api):
        def __call__(self, handler: Any) -> tuple[int, dict[str, str], bytes]:
            if value := handler.headers.get("Authorization"):
                handler.headers.replace_header(
                    "Authorization", "Bearer good" if value.endswith(".c2ln") else "Bearer bad"
                )
            return super().__call__(handler)

    token = ".".join((encoded(b'{"alg":"HS256"}'), encoded(b'{"role":"customer"}'), "c2ln"))
    (seen,) = tried(Tokens({"name": "Ada"}, checks="key"), described(ADMIN_SCOPE), token).seen
    assert "the token says `role: customer`" in seen.detail


def test_without_administration_there_is_nothing_to_try(tried: Any) -> None:
    with pytest.raises(Untried, match="no operation"):
        tried(Api({"role": "member"}, checks="key", path="/users"), described([{"key": []}], "/users"))


class Office(Api):
    """The first key is an administrator's, the second an ordinary caller's; whether that is checked is to be found out."""

    def __call__(self, handler: Any) -> tuple[int, dict[str, str], bytes]:
        second = handler.headers.get("Authorization") == "Bearer good-cafe"
        if second and handler.path == self.path and self.checks == "role of the second":
            return self._no(403)
        if second and handler.path == "/me":
            return 200, {}, json.dumps({"role": "customer"}).encode()
        return super().__call__(handler)


@pytest.mark.parametrize(("checks", "found"), [("key", 1), ("role of the second", 0)])
def test_each_caller_is_tried(live: Any, serve: Any, checks: str, found: int) -> None:
    keys = [Key("header", "Authorization", f"Bearer {one}") for one in ("good-office", "good-cafe")]
    looked = RULE.look(live(serve(Office({"name": "Office"}, checks=checks)), described(ADMIN_SCOPE), *keys))
    assert (looked.at, len(looked.seen)) == (1, found)
