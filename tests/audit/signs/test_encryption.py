from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.rule import Untried
from ninefold.audit.signs import encryption

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

RULES = {rule.id: rule for rule in encryption.RULES}


def look(rule: str, target: Target) -> Looked:
    return RULES[rule].look(target)


class TestServersInTheDescription:
    @pytest.mark.parametrize("url", ["http://api.example.com/v1", "ws://api.example.com"])
    def test_in_the_clear_are_told(self, static: Callable[..., Target], url: str) -> None:
        assert look("encryption-plain-server", static({"servers": [{"url": url}]})).seen

    @pytest.mark.parametrize(
        "url", ["https://api.example.com", "http://localhost:8000", "http://127.0.0.1", "http://[::1]"]
    )
    def test_over_tls_or_on_this_machine_are_not(self, static: Callable[..., Target], url: str) -> None:
        looked = look("encryption-plain-server", static({"servers": [{"url": url}]}))
        assert (looked.at, looked.seen) == (1, ())

    def test_that_give_tokens_are_looked_at_too(self, static: Callable[..., Target]) -> None:
        flows = {"clientCredentials": {"tokenUrl": "http://id.example.com/token", "scopes": {}}}
        told = {"components": {"securitySchemes": {"oauth": {"type": "oauth2", "flows": flows}}}}
        assert "tokenUrl" in look("encryption-plain-server", static(told)).seen[0].detail


SOURCES = {
    "encryption-password-hash": (
        "import hashlib\ndef hash_password(value):\n    return hashlib.md5(value.encode()).hexdigest()\n",
        "from hashlib import sha256\nstored = sha256(password.encode()).hexdigest()\n",
        "import hashlib as h\ncheck = h.new('sha1', user.password.encode())\n",
    ),
    "encryption-weak-cipher": (
        "from Crypto.Cipher import AES\nc = AES.new(key, AES.MODE_ECB)\n",
        "from Crypto.Cipher import DES3\nc = DES3.new(key, DES3.MODE_CBC)\n",
        "from cryptography.hazmat.primitives.ciphers import modes\nmode = modes.ECB()\n",
        "from cryptography.hazmat.primitives.ciphers import modes\nm = modes.CBC(b'0123456789abcdef')\n",
    ),
    "encryption-hard-coded-key": (
        "SECRET_KEY = 'correct horse battery staple'\n",
        "import jwt\ntoken = jwt.encode({'sub': 1}, 'hunter2hunter2', algorithm='HS256')\n",
        "from cryptography.fernet import Fernet\nbox = Fernet(b'ZmDfcTF7_60GrrY167zsiPd67pEvs0aG')\n",
        "class Settings:\n    jwt_secret: str = 's3cr3t-9f8b3c1d7e6a'\n",
    ),
    "encryption-unverified": (
        "import requests\nrequests.get(url, verify=False)\n",
        "import httpx\nclient = httpx.AsyncClient(verify=False)\n",
        "import ssl\ncontext = ssl._create_unverified_context()\n",
        "context.check_hostname = False\n",
        "import ssl\ncontext.verify_mode = ssl.CERT_NONE\n",
    ),
}
HONEST = {
    "encryption-password-hash": (
        "import hashlib\netag = hashlib.md5(body).hexdigest()\n",
        "import hashlib\nkey = hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)\n",
        "import hashlib\ndef hash_password(p, s):\n    return hashlib.pbkdf2_hmac('sha256', p, s, 600_000)\n",
        "import bcrypt\nhashed = bcrypt.hashpw(password, bcrypt.gensalt())\n",
        "import hashlib\ndigest = hashlib.sha256(api_key.encode()).hexdigest()\n",
        "import hashlib\ndef reset_password(token):\n    return find(hashlib.sha256(token.encode()).hexdigest())\n",
        "import hashlib\ndef is_pwned(password):\n    return ask(hashlib.sha1(password.encode()).hexdigest()[:5])\n",
    ),
    "encryption-weak-cipher": (
        "from Crypto.Cipher import AES\nc = AES.new(key, AES.MODE_GCM, nonce=secrets.token_bytes(12))\n",
        "from cryptography.hazmat.primitives.ciphers import modes\nm = modes.CBC(os.urandom(16))\n",
        "DES = 'Destination'\n",
    ),
    "encryption-hard-coded-key": (
        "import os\nSECRET_KEY = os.environ['SECRET_KEY']\n",
        "SECRET_KEY = ''\n",
        "import jwt\ntoken = jwt.encode(claims, settings.secret, algorithm='HS256')\n",
        "SECRET_KEY = 'change-me'\n",
        "import jwt\nclaims = jwt.decode(token, '-----BEGIN PUBLIC KEY-----', algorithms=['RS256'])\n",
        "import json\ntext = json.dumps({'a': 'hunter2hunter2'})\n",
    ),
    "encryption-unverified": (
        "import requests\nrequests.get(url, verify='/etc/ca.pem')\n",
        "import jwt\nclaims = verify(token, verify=True)\n",
        "context.check_hostname = True\n",
    ),
}


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in SOURCES.items() for text in texts])
def test_dangerous_source_is_told_with_its_line(source: Callable[..., Target], rule: str, text: str) -> None:
    looked = look(rule, source({"app.py": text}))
    assert [one.place.file for one in looked.seen] == ["app.py"]
    assert looked.seen[0].place.line == max(1, text.count("\n"))


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in HONEST.items() for text in texts])
def test_honest_source_is_not(source: Callable[..., Target], rule: str, text: str) -> None:
    looked = look(rule, source({"app.py": text, "broken.py": "def ("}))
    assert (looked.at, looked.seen) == (1, ())


def test_secrets_of_the_source_stay_out_of_the_report(source: Callable[..., Target]) -> None:
    for text in SOURCES["encryption-hard-coded-key"]:
        assert all(
            word not in repr(look("encryption-hard-coded-key", source({"a.py": text})))
            for word in ("horse", "hunter2", "ZmDf")
        )


def hello(**headers: Any) -> Any:
    def answer(_: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {"Content-Type": "text/plain", **headers}, b"hello"

    return answer


class TestPlainHttp:
    def test_is_told_of_an_api_without_tls(self, serve: Callable[..., str], live: Callable[..., Target]) -> None:
        looked = look("encryption-plain-http", live(serve(hello())))
        assert len(looked.seen[0].evidence) == 4

    def test_is_not_told_of_a_redirect_to_tls(self, serve: Callable[..., str], live: Callable[..., Target]) -> None:
        def away(_: Any) -> tuple[int, dict[str, str], bytes]:
            return 308, {"Location": "https://api.example.com/"}, b""

        assert look("encryption-plain-http", live(serve(away))).seen == ()

    def test_is_told_of_a_redirect_to_elsewhere(self, serve: Callable[..., str], live: Callable[..., Target]) -> None:
        def away(_: Any) -> tuple[int, dict[str, str], bytes]:
            return 308, {"Location": "/docs"}, b""

        assert look("encryption-plain-http", live(serve(away))).seen

    def test_is_not_told_of_tls(self, serve: Callable[..., str], live: Callable[..., Target], certified: Any) -> None:
        target = live(serve(hello(), certified.context), authority=certified.authority)
        looked = look("encryption-plain-http", target)
        assert (looked.at, looked.seen) == (1, ())


class TestOldTls:
    def test_is_told_where_it_is_spoken(
        self, serve: Callable[..., str], live: Callable[..., Target], certify: Callable[..., Any]
    ) -> None:
        made = certify()
        made.context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
            made.context.minimum_version = ssl.TLSVersion.TLSv1
        target = live(serve(hello(), made.context), authority=made.authority)
        assert {one.detail.split(" speaks ")[1][:7] for one in look("encryption-old-tls", target).seen} == {
            "TLS 1.0",
            "TLS 1.1",
        }

    def test_is_not_told_of_today_s(
        self, serve: Callable[..., str], live: Callable[..., Target], certified: Any
    ) -> None:
        target = live(serve(hello(), certified.context), authority=certified.authority)
        assert look("encryption-old-tls", target).at == 2
        assert look("encryption-old-tls", target).seen == ()

    def test_has_nothing_to_look_at_without_tls(self, serve: Callable[..., str], live: Callable[..., Target]) -> None:
        with pytest.raises(Untried) as told:
            look("encryption-old-tls", live(serve(hello())))
        assert not told.value.missed


class TestTheCertificate:
    @pytest.mark.parametrize(
        ("made", "fault"),
        [
            ({"began": datetime(2026, 1, 1, tzinfo=UTC), "days": 30}, "ended on 2026-02-01"),
            ({"began": datetime(2030, 1, 1, tzinfo=UTC)}, "begins on 2030-01-01"),
            (
                {"host": "api.example.com", "began": datetime(2026, 11, 1, tzinfo=UTC), "days": 90},
                "does not name 127.0.0.1",
            ),
            ({"bits": 1024, "began": datetime(2026, 11, 1, tzinfo=UTC), "days": 90}, "1024 bits"),
            ({"began": datetime(2026, 8, 25, tzinfo=UTC), "days": 90}, "in less than 14 days"),
        ],
    )
    def test_is_told_with_its_fault(
        self,
        serve: Callable[..., str],
        live: Callable[..., Target],
        certify: Callable[..., Any],
        made: dict[str, Any],
        fault: str,
    ) -> None:
        server = certify(**made)
        target = live(serve(hello(), server.context), authority=server.authority)
        assert [one for one in look("encryption-certificate", target).seen if fault in one.detail]

    def test_that_nobody_vouches_for_is_told(
        self, serve: Callable[..., str], live: Callable[..., Target], certify: Callable[..., Any]
    ) -> None:
        server = certify(began=datetime(2026, 11, 1, tzinfo=UTC), days=90)
        looked = look("encryption-certificate", live(serve(hello(), server.context)))
        assert "not trusted" in looked.seen[0].detail

    def test_without_fault_is_not_told(
        self, serve: Callable[..., str], live: Callable[..., Target], certify: Callable[..., Any]
    ) -> None:
        server = certify(began=datetime(2026, 11, 1, tzinfo=UTC), days=4000)
        target = live(serve(hello(), server.context), authority=server.authority)
        looked = look("encryption-certificate", target)
        assert (looked.at, looked.seen) == (1, ())


class TestHsts:
    @pytest.mark.parametrize("headers", [{}, {"Strict-Transport-Security": "max-age=60"}])
    def test_is_missed_over_tls(
        self, serve: Callable[..., str], live: Callable[..., Target], certified: Any, headers: dict[str, str]
    ) -> None:
        target = live(serve(hello(**headers), certified.context), authority=certified.authority)
        assert look("encryption-hsts", target).seen

    def test_is_found(self, serve: Callable[..., str], live: Callable[..., Target], certified: Any) -> None:
        api = hello(**{"Strict-Transport-Security": "max-age=31536000; includeSubDomains"})
        target = live(serve(api, certified.context), authority=certified.authority)
        looked = look("encryption-hsts", target)
        assert (looked.at, looked.seen) == (1, ())


class TestCookies:
    def test_of_a_session_without_flags_are_told_and_cut(
        self, serve: Callable[..., str], live: Callable[..., Target]
    ) -> None:
        looked = look("encryption-cookie-flags", live(serve(hello(**{"Set-Cookie": "sessionid=abcdef123; Path=/"}))))
        assert "lacks Secure and HttpOnly" in looked.seen[0].detail
        assert "abcdef123" not in repr(looked)

    @pytest.mark.parametrize(
        ("cookie", "shown"),
        [
            ("sessionid=; Path=/", False),
            ('sessionid=""; Path=/', False),
            ("sessionid=gone; Path=/; Max-Age=0", False),
            ("sessionid=gone; max-age=-1; Expires=Wed, 21 Oct 2099 07:28:00 GMT", False),
            ("sessionid=gone; Expires=Thu, 01 Jan 1970 00:00:00 GMT", False),
            ("sessionid=gone; expires=Thu, 01-Jan-1970 00:00:01 GMT; Path=/", False),
            ("sessionid=abcdef123; Expires=Wed, 21 Oct 2099 07:28:00 GMT", True),
            ("sessionid=abcdef123; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", True),
            ("sessionid=abcdef123; Max-Age=soon; Expires=never", True),
        ],
    )
    def test_that_are_deleted_have_nothing_in_them(
        self, serve: Callable[..., str], live: Callable[..., Target], cookie: str, *, shown: bool
    ) -> None:
        looked = look("encryption-cookie-flags", live(serve(hello(**{"Set-Cookie": cookie}))))
        assert bool(looked.seen) is shown

    @pytest.mark.parametrize("cookie", ["sessionid=x; Secure; HttpOnly", "csrf_token=x", "theme=dark"])
    def test_with_flags_or_for_scripts_are_not(
        self, serve: Callable[..., str], live: Callable[..., Target], cookie: str
    ) -> None:
        looked = look("encryption-cookie-flags", live(serve(hello(**{"Set-Cookie": cookie}))))
        assert (looked.at, looked.seen) == (1, ())
