from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from tests.notes import PLAIN, Plain

from ninefold.audit.finding import Confidence, Finding, Skipped
from ninefold.audit.key import Key
from ninefold.audit.run import audit
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

CHANGING = [rule for rule in RULES if rule.active and rule.sign == 2]


def _body(media: str, *names: str) -> dict[str, Any]:
    schema = {"type": "object", "required": list(names), "properties": {one: {"type": "string"} for one in names}}
    return {"security": [], "requestBody": {"content": {media: {"schema": schema}}}, "responses": {}}


def described(sign_up: str, log_in: str, *, form: str, remove: str) -> dict[str, Any]:
    document = copy.deepcopy(PLAIN)
    document["components"]["securitySchemes"]["key"] = {"type": "http", "scheme": "bearer"}
    document["paths"][sign_up] = {"post": {"operationId": "enrol", **_body("application/json", "email", "password")}}
    document["paths"][log_in] = {"post": {"operationId": "enter", **_body(form, "username", "password")}}
    if remove:
        parameters = (
            [{"name": "uid", "in": "path", "required": True, "schema": {"type": "string"}}] if "{" in remove else []
        )
        document["paths"][remove] = {
            "get": {"operationId": "who", "parameters": parameters, "responses": {}},
            "delete": {"operationId": "leave", "parameters": parameters, "responses": {}},
        }
    return document


class Peopled(Plain):
    """The notes, for whoever signs up."""

    def __init__(self, *flaws: str, sign_up: str, log_in: str, remove: str) -> None:
        super().__init__(*flaws)
        self.sign_up, self.log_in, self.remove = sign_up, log_in, remove
        self.people: dict[str, str] = {"root@example.com": "root-password"}
        self.tokens: dict[str, str] = {}

    def __call__(self, handler: Any) -> tuple[int, dict[str, Any], bytes]:
        status, said = self._answer(handler)
        return status, {}, b"" if said is None else json.dumps(said).encode()

    def _answer(self, handler: Any) -> tuple[int, Any]:
        method, path = handler.method, handler.path
        self.log.append((method, path, ""))
        if (method, path) == ("POST", self.sign_up):
            given = json.loads(handler.content)
            if given["email"] in self.people:
                return 409, {"error": "there is such a person"}
            self.people[given["email"]] = given["password"]
            return 201, {"uid": f"u{len(self.people)}", "email": given["email"]}
        if (method, path) == ("POST", self.log_in):
            form = "urlencoded" in handler.headers["Content-Type"]
            given = dict(parse_qsl(handler.content.decode())) if form else json.loads(handler.content)
            if self.people.get(given["username"]) != given["password"]:
                return 401, {"error": "no"}
            token = f"token-{len(self.tokens)}-{given['username'][:6]}"
            self.tokens[token] = given["username"]
            return 200, {"data": {"access_token": token}}
        who = self.tokens.get(handler.headers.get("Authorization", "").removeprefix("Bearer "), "")
        who = who if who in self.people else ""
        numbers = {f"u{at}": mail for at, mail in enumerate(self.people, 1)}
        mine = path == self.remove or numbers.get(path.rpartition("/")[2]) == who
        if who and self.remove and path.startswith(self.remove.partition("{")[0]) and mine:
            if method == "DELETE":
                self.people[who] = ""
                self.tokens = {token: one for token, one in self.tokens.items() if one != who}
                return 204, None
            return 200, {"uid": "u?", "email": who}
        return self.answer(method, path, who, handler.content)


WAYS = [
    ("/register", "/login", "application/json", "/me"),
    ("/users", "/oauth/token", "application/x-www-form-urlencoded", "/users/{uid}"),
    ("/auth/signup", "/auth/sign-in", "application/json", ""),
]


@pytest.mark.parametrize(("sign_up", "log_in", "form", "remove"), WAYS)
def test_callers_are_signed_up_tried_and_removed(
    live: Callable[..., Target], serve: Callable[..., str], sign_up: str, log_in: str, form: str, remove: str
) -> None:
    api = Peopled("write", sign_up=sign_up, log_in=log_in, remove=remove)
    document = described(sign_up, log_in, form=form, remove=remove)
    done = audit(live(serve(api), document, active=True), CHANGING)
    told = [one for one in done.outcomes if isinstance(one, Finding)]
    assert [(one.rule, one.confidence) for one in told] == [("authorization-object-write", Confidence.CONFIRMED)]
    assert sorted(api.things) == ["1", "2", "3"]
    assert sum(password != "" for password in api.people.values()) == (1 if remove else 3)
    assert len(done.left) == (0 if remove else 2)
    assert api.people["root@example.com"] == "root-password"
    assert not any(password in str(told) for password in api.people.values() if password)
    if not remove:
        assert "no DELETE of an account is described" in done.left[0]


def test_a_second_caller_is_made_for_one_key(live: Callable[..., Target], serve: Callable[..., str]) -> None:
    api = Peopled("write", sign_up="/register", log_in="/login", remove="/me")
    api.people["alice"], api.tokens["alice-token-1"] = "x" * 9, "alice"
    key = Key("header", "Authorization", "Bearer alice-token-1")
    document = described("/register", "/login", form="application/json", remove="/me")
    done = audit(live(serve(api), document, key, active=True), CHANGING)
    assert [one.rule for one in done.findings] == ["authorization-object-write"]
    assert api.people["alice"] == "x" * 9  # DELETE /me went out with the made caller's token alone
    assert [password for person, password in api.people.items() if person.startswith("nf")] in ([""], ["", ""])


def test_without_a_way_in_two_keys_are_asked_for(live: Callable[..., Target], serve: Callable[..., str]) -> None:
    api = Plain()
    done = audit(live(serve(api), PLAIN, active=True), CHANGING)
    assert all(isinstance(one, Skipped) and "two keys" in one.reason for one in done.outcomes)
    assert api.log == []


def test_nobody_is_signed_up_without_leave(live: Callable[..., Target], serve: Callable[..., str]) -> None:
    api = Peopled(sign_up="/register", log_in="/login", remove="/me")
    audit(live(serve(api), described("/register", "/login", form="application/json", remove="/me")), RULES)
    assert {method for method, _, _ in api.log} <= {"GET", "HEAD", "OPTIONS", "TRACE", "SEARCH", "POST"}
    assert all(path.endswith("graphql") for method, path, _ in api.log if method == "POST")  # a query, which reads
    assert all(not one.startswith("nf") for one in api.people)


def test_a_sign_up_that_refuses_leaves_nothing(live: Callable[..., Target], serve: Callable[..., str]) -> None:
    class Closed(Peopled):
        def _answer(self, handler: Any) -> tuple[int, Any]:
            return (403, {"error": "by invitation only"}) if handler.path == "/register" else super()._answer(handler)

    api = Closed(sign_up="/register", log_in="/login", remove="/me")
    done = audit(
        live(serve(api), described("/register", "/login", form="application/json", remove="/me"), active=True), CHANGING
    )
    assert done.left == ()
    assert all(isinstance(one, Skipped) for one in done.outcomes)
