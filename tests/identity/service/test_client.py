"""Asked by other authors' client, openid-client: discovery, each grant, proofs of clients and of possession."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey
from tests.identity.issuing import decoded
from tests.identity.service.conftest import PASSWORD, REDIRECT, Service, free_port, furnished, running, written

FOLDER = Path(__file__).parents[1] / "provider"


@pytest.fixture(scope="module", params=["bearer", "dpop"])
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client was given."""
    if shutil.which("node") is None or not (FOLDER / "node_modules" / "openid-client").is_dir():
        pytest.skip("openid-client is not installed: scripts/provider.sh needs node and npm")
    folder, port = tmp_path_factory.mktemp("asked"), free_port()
    key = ECKey.generate_key("P-256")
    bound = request.param == "dpop"
    with running(written(folder, port, {"bound": "dpop", "unbound": None} if bound else None), port) as found:
        furnished(found)
        return _asked(found, folder, key, bound=bound)


def _asked(found: Service, folder: Path, key: Any, *, bound: bool) -> dict[str, Any]:
    (folder / "robot.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    ran = found.run("tokens", "clients", "add", "robot", "--keys", str(folder / "robot.json"), "--role", "reader")
    assert ran.exit_code == 0
    text = found.run("keys", "create", "--role", "reader", "--name", "peer", "--expires", "1h").output.split()
    issued = next(one for one in text if one.startswith("nf_"))
    told = {
        "issuer": found.url, "bound": bound, "app": "app", "redirect": REDIRECT, "robot": key.as_dict(private=True), "key": issued,
        "keyId": issued.split("_")[2], "name": "ann", "password": PASSWORD,
    }  # fmt: skip
    ran = subprocess.run(
        ["node", "client.mjs"], cwd=FOLDER, input=json.dumps(told), capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    outcome: dict[str, Any] = json.loads(ran.stdout)
    return outcome | {"asked": bound}


def claims(given: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(decoded(given["access_token"].split(".")[1]))
    return told


def test_rfc8414_it_finds_the_service_by_its_issuer(outcome: dict[str, Any]) -> None:
    assert outcome["metadata"]["authorization_response_iss_parameter_supported"] is True
    assert outcome["metadata"]["code_challenge_methods_supported"] == ["S256"]


@pytest.mark.parametrize(("grant", "subject"), [("code", "ann"), ("oidc", "ann"), ("robot", "robot")])
def test_it_is_given_tokens_for_whom_it_asked(outcome: dict[str, Any], grant: str, subject: str) -> None:
    told = claims(outcome[grant])
    assert (told["sub"], told["scope"]) == (subject, "things:read")
    assert told["exp"] - told["iat"] == outcome[grant]["expires_in"] == 600


def test_rfc9449_5_tokens_are_bound_to_the_keys_that_it_has(outcome: dict[str, Any]) -> None:
    assert ("boundCode" in outcome) == outcome["asked"]
    for grant in {"code", "boundCode", "robot", "basic", "exchange"} & outcome.keys():
        assert outcome[grant]["token_type"].lower() == ("dpop" if outcome["asked"] else "bearer")
        assert ("jkt" in claims(outcome[grant]).get("cnf", {})) == outcome["asked"]


def test_a_key_is_its_secret_and_its_subject_token(outcome: dict[str, Any]) -> None:
    assert claims(outcome["basic"])["sub"] == claims(outcome["exchange"])["sub"]


def test_it_understands_what_is_refused(outcome: dict[str, Any]) -> None:
    challenged = "OAUTH_WWW_AUTHENTICATE_CHALLENGE"  # its word for 401 with a challenge
    assert outcome["refused"] == {"wrongKey": challenged, "scope": "invalid_scope", "openid": "invalid_scope"}
