"""That the insecure shop really has each of the nine signs, and that its guarded copy has not: by plain HTTP requests."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import yaml

if TYPE_CHECKING:
    from tests.examples.conftest import Guarded, Served

SHOP = Path(__file__).parents[2] / "examples" / "shop"
LUNA = {"X-API-Key": "cafe-luna-1002"}
OFFICE = {"X-API-Key": "office-1000"}


class TestTheInsecureShop:
    def test_1_opens_for_a_key_alone_over_plain_http_and_in_the_query(self, insecure: Served) -> None:
        assert insecure.client.base_url.scheme == "http"
        assert insecure.client.get("/orders").status_code == 401
        assert insecure.client.get("/orders", headers=LUNA).status_code == 200
        assert insecure.client.get("/orders", params={"api_key": "cafe-luna-1002"}).status_code == 200

    def test_2_lets_everybody_administrate(self, insecure: Served) -> None:
        assert len(insecure.client.get("/admin/customers").json()) == 3
        assert insecure.client.put("/admin/products/4/price", json={"price": 0.5}).json()["price"] == 0.5

    def test_2_gives_a_cafe_the_order_of_another(self, insecure: Served) -> None:
        mine = insecure.client.get("/orders", headers=LUNA).json()
        assert {one["customer"] for one in mine} == {2}
        assert insecure.client.get("/orders/1", headers=LUNA).json()["customer"] == 1

    def test_2_forgets_the_check_that_its_description_promises(self, insecure: Served) -> None:
        described = yaml.safe_load((SHOP / "insecure" / "openapi.yaml").read_text("utf-8"))
        assert described["paths"]["/orders/{order_id}/invoice"]["get"]["security"] == [{"key": []}]
        assert insecure.client.get("/orders/1/invoice").status_code == 200

    def test_3_keeps_passwords_as_md5(self, insecure: Served) -> None:
        hashes = [one["password"] for one in insecure.client.get("/admin/customers").json()]
        assert all(re.fullmatch("[0-9a-f]{32}", one) for one in hashes)

    def test_4_tells_its_framework_and_version(self, insecure: Served) -> None:
        assert re.fullmatch(r"FastAPI/\d+\.\d+\.\d+", insecure.client.get("/products").headers["X-Powered-By"])

    def test_5_refuses_in_three_ways(self, insecure: Served) -> None:
        key, session = insecure.client.get("/orders"), insecure.client.get("/me")
        report = insecure.client.get("/admin/report", params={"password": "?"})
        assert (key.status_code, session.status_code, report.status_code) == (401, 403, 403)
        assert (key.json().keys(), session.json().keys()) == ({"detail"}, {"error"})
        assert insecure.client.get("/admin/report", params={"password": "ristretto"}).json()["orders"] >= 4

    def test_6_is_not_limited(self, insecure: Served) -> None:
        answers = [insecure.client.get("/orders/1/invoice") for _ in range(300)]
        assert {one.status_code for one in answers} == {200}
        assert not [name for one in answers for name in one.headers if "ratelimit" in name.lower()]

    def test_7_returns_more_than_it_declares(self, insecure: Served) -> None:
        assert {"cost_price", "supplier_note"} <= insecure.client.get("/products/1").json().keys()
        assert {"password", "card_number", "internal_note"} <= insecure.client.get("/admin/customers").json()[0].keys()

    def test_7_tells_its_statements_and_its_stack(self, insecure: Served) -> None:
        failed = httpx.get(f"{insecure.client.base_url}/products/'")  # after it, the shop closes the connection
        assert failed.status_code == 500
        assert "unrecognized token" in failed.json()["error"]
        assert "Traceback (most recent call last)" in failed.json()["trace"]
        assert len(insecure.client.get("/products/0 OR 1=1").json()) > 1  # and they can be rewritten

    def test_7_shows_its_settings_to_everybody(self, insecure: Served) -> None:
        assert insecure.client.get("/debug").json()["config"]["mail"]["api_key"]

    def test_8_logs_passwords_and_sessions_and_no_requests(self, insecure: Served) -> None:
        answer = insecure.client.post("/login", json={"email": "ana@milano.example", "password": "correct-horse"})
        token = answer.json()["token"]
        assert insecure.client.get("/me", headers={"Authorization": f"Bearer {token}"}).json()["cafe"] == "Milano"
        log = insecure.log.read_text("utf-8")
        assert "with password correct-horse" in log
        assert f"session {token}" in log
        assert "GET /me" not in log

    def test_8_swallows_that_no_mail_goes_out(self, insecure: Served) -> None:
        placed = insecure.client.post("/orders", headers=LUNA, json={"product": 4, "amount": 2})
        assert placed.status_code == 201
        assert not re.search("mail|Refused", insecure.log.read_text("utf-8"))
        assert not [name for name in placed.headers if "id" in name.lower().split("-")]

    def test_9_lets_any_page_read_with_credentials(self, insecure: Served) -> None:
        origin = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
        preflight = insecure.client.options("/orders", headers=origin)
        assert preflight.headers["Access-Control-Allow-Origin"] == "https://evil.example"
        answer = insecure.client.get("/orders", headers={**OFFICE, "Origin": "https://evil.example"})
        assert answer.headers["Access-Control-Allow-Origin"] in {"*", "https://evil.example"}
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"


#: Every operation, and the status that each role gets; the empty role has no key.
ROLES = ("", "reader", "clerk", "admin")
MATRIX = [
    ("GET", "/products", (200, 200, 200, 200)),
    ("GET", "/products/1", (200, 200, 200, 200)),
    ("GET", "/orders", (401, 200, 200, 200)),
    ("GET", "/orders/3", (401, 200, 200, 200)),
    ("GET", "/orders/3/invoice", (401, 200, 200, 200)),
    ("POST", "/orders", (401, 403, 201, 201)),
    ("GET", "/admin/customers", (401, 403, 403, 200)),
    ("PUT", "/admin/products/4/price", (401, 403, 403, 200)),
    ("GET", "/admin/report", (401, 403, 403, 200)),
]
BODIES = {"POST": {"product": 4, "amount": 1}, "PUT": {"price": 6.5}}


class TestTheGuardedShop:
    @pytest.mark.parametrize(("method", "path", "statuses"), MATRIX, ids=[f"{one[0]} {one[1]}" for one in MATRIX])
    def test_lets_each_role_do_its_own(
        self, guarded: Guarded, method: str, path: str, statuses: tuple[int, ...]
    ) -> None:
        got = [guarded.ask(role, method, path, json=BODIES.get(method)).status_code for role in ROLES]
        assert tuple(got) == statuses

    def test_has_a_rule_for_every_operation_that_it_describes(self) -> None:
        described = yaml.safe_load((SHOP / "guarded.yaml").read_text("utf-8"))
        ids = {one["operationId"] for item in described["paths"].values() for one in item.values()}
        rules = yaml.safe_load((SHOP / "contract.yaml").read_text("utf-8"))["authorization"]["rules"]
        assert sorted(name for rule in rules for name in rule["operations"]) == sorted(ids)
        assert len(MATRIX) == len(ids)

    def test_keeps_the_order_of_another_cafe_back(self, guarded: Guarded) -> None:
        for path in ("/orders/1", "/orders/1/invoice"):
            assert guarded.ask("clerk", "GET", path).status_code == 404
            assert guarded.ask("admin", "GET", path).status_code == 200

    def test_does_not_believe_a_caller_who_says_that_he_is_another(self, guarded: Guarded) -> None:
        office = guarded.keys["admin"].split("_")[2]
        forged = {"X-API-Key": guarded.keys["clerk"], "X-Ninefold-Caller": office}
        assert {one["id"] for one in guarded.client.get("/orders", headers=forged).json()}.isdisjoint({1, 2})

    def test_takes_no_key_from_the_query(self, guarded: Guarded) -> None:
        assert guarded.client.get("/orders", params={"api_key": guarded.keys["admin"]}).status_code == 400

    def test_returns_what_it_declares_and_no_more(self, guarded: Guarded) -> None:
        assert guarded.ask("", "GET", "/products/1").json().keys() == {"id", "name", "origin", "price", "stock"}
        assert guarded.ask("admin", "GET", "/admin/customers").json()[0].keys() == {"id", "cafe", "email"}
        assert guarded.ask("admin", "GET", "/orders/1/invoice").json().keys() == {
            "number", "cafe", "name", "amount", "total",
        }  # fmt: skip

    @pytest.mark.parametrize("path", ["/debug", "/login", "/me", "/docs", "/products/1/nothing"])
    def test_serves_nothing_that_is_not_described(self, guarded: Guarded, path: str) -> None:
        assert guarded.ask("admin", "GET", path).status_code == 404

    def test_says_nothing_of_what_stands_behind_it(self, guarded: Guarded) -> None:
        for path in ("/products/'", "/products", "/products?search='"):
            answer = guarded.ask("", "GET", path)
            assert not {"server", "x-powered-by"} & answer.headers.keys()
            assert not re.search("Traceback|sqlite", answer.text)

    def test_finds_products_still(self, guarded: Guarded) -> None:
        found = guarded.ask("", "GET", "/products", params={"search": "GUJI"}).json()
        assert [one["id"] for one in found] == [2]

    def test_lets_no_foreign_page_read(self, guarded: Guarded) -> None:
        key = {"X-API-Key": guarded.keys["admin"]}
        foreign = guarded.client.get("/orders", headers={**key, "Origin": "https://evil.example"})
        assert foreign.status_code == 403
        own = guarded.client.get("/orders", headers={**key, "Origin": "https://shop.example.com"})
        assert own.headers["Access-Control-Allow-Origin"] == "https://shop.example.com"
        assert "Access-Control-Allow-Credentials" not in own.headers

    def test_keeps_passwords_with_scrypt_and_a_salt_for_each(self, guarded: Guarded) -> None:
        with sqlite3.connect(guarded.state / "fixed.db") as database:
            stored = [one for (one,) in database.execute("SELECT password FROM customer")]
        database.close()
        assert all(re.fullmatch("[0-9a-f]{160}", one) for one in stored)
        assert len({one[:32] for one in stored}) == len(stored)

    def test_logs_who_could_not_log_in_and_no_password(self, guarded: Guarded) -> None:
        credentials = {"email": "ben@luna.example", "password": "not-the-password"}
        assert guarded.inside.post("/login", json=credentials).status_code == 401
        assert guarded.inside.post("/login", json={**credentials, "password": "battery-staple"}).status_code == 200
        log = (guarded.state / "fixed.log").read_text("utf-8")
        assert "failed login of ben@luna.example" in log
        assert not re.search("not-the-password|battery-staple", log)

    def test_logs_that_no_mail_went_out(self, guarded: Guarded) -> None:
        number = guarded.ask("clerk", "POST", "/orders", json={"product": 4, "amount": 1}).json()["id"]
        assert f"no confirmation of order {number} was sent" in (guarded.state / "fixed.log").read_text("utf-8")

    def test_serves_the_description_that_is_true_of_it(self, guarded: Guarded) -> None:
        document = guarded.client.get("/openapi.json").json()
        assert document["paths"]["/products"]["get"]["security"] == []
        assert document["paths"]["/orders"]["get"]["security"] == [{"apiKey": []}]
        assert "/debug" not in document["paths"]


class TestTheTwoCopies:
    def test_differ_by_the_remedies_only(self) -> None:
        """Whoever mends more here than the findings ask for makes the card say less than it should."""
        insecure = {one.name for one in (SHOP / "insecure").iterdir() if one.is_file()}
        fixed = {one.name for one in (SHOP / "fixed").iterdir() if one.is_file()}
        assert insecure - fixed == {"openapi.yaml"}
        assert not fixed - insecure
        banner, debug = 'headers["X-Powered-By"]', '@app.get("/debug"'
        source = (SHOP / "fixed" / "app.py").read_text("utf-8")
        assert banner in source, "the guard drops it"
        assert debug in source, "the guard does not serve it"

    def test_name_the_packages_that_run_here(self) -> None:
        lock = (SHOP.parents[1] / "requirements" / "demo.lock").read_text("utf-8")
        text = (SHOP / "fixed" / "requirements.txt").read_text("utf-8")
        pins = re.findall(r"^\S+==\S+", text, re.MULTILINE)
        assert len(pins) > 4
        assert not [pin for pin in pins if not re.search(rf"^{re.escape(pin)}\b", lock, re.MULTILINE)]


class TestTheAdvisories:
    @pytest.mark.parametrize("file", sorted((SHOP / "advisories").iterdir()), ids=lambda one: one.stem)
    def test_are_osv_records_of_their_own_names(self, file: Path) -> None:
        record = json.loads(file.read_text("utf-8"))
        assert record["id"] == file.stem
        assert any(alias.startswith("CVE-") for alias in record["aliases"])
        assert all(one["package"]["ecosystem"] == "PyPI" for one in record["affected"])
