from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ninefold.audit.pycrypto import Danger, dangers
from ninefold.audit.source import Module, SourceFile


def found(text: str) -> list[Danger]:
    return list(dangers(Module(SourceFile(Path("a.py"), "a.py", text), ast.parse(text))))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("class U:\n    def set_password(self, raw):\n        self.h = hashlib.sha1(raw).digest()", "password"),
        ("import hashlib\npassword_hash = hashlib.sha512(x).hexdigest()", "password"),
        ("from cryptography.hazmat.primitives.ciphers import algorithms\nalgorithms.TripleDES(k)", "cipher"),
        (
            "import hashlib\ndef md5(text):\n    return hashlib.md5(text.encode()).hexdigest()\nrow = md5(body.password)",
            "password",
        ),
        ("AES.new(k, AES.MODE_CBC, iv=b'0000000000000000')", "cipher"),
        ("import ssl\nssl._create_default_https_context = ssl._create_unverified_context", "verification"),
        ("urllib3.PoolManager(cert_reqs=ssl.CERT_NONE)", "verification"),
        ("jwt.decode(token, key='hunter2hunter2', algorithms=['HS256'])", "key"),
        ("app.secret_key = b'0123456789abcdef'", "key"),
    ],
)
def test_each_danger_has_its_kind(text: str, kind: str) -> None:
    assert [one.kind for one in found(text)] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "hashlib.md5(b'', usedforsecurity=False)",
        "client.get(url, verify=True)",
        "check(verify=False)",
        "signing_key = load_key()",
        "DESCRIPTION = Seed()",
        "hmac.new(key, body, 'sha256')",
        "hashlib.new(name, password)",
        "import hashlib\ndef md5(text):\n    return hashlib.md5(text).hexdigest()\netag = md5(page)\nmd5(password_reset_token)",
        "import hashlib\ndef mark(text):\n    return text + hashlib.md5(SALT).hexdigest()\nmark(password)",
    ],
)
def test_what_is_none_is_not_told(text: str) -> None:
    assert found(text) == []


def test_no_detail_repeats_a_secret() -> None:
    assert "hunter2" not in repr(found("jwt.encode({}, 'hunter2hunter2')\nJWT_SECRET = 'hunter2hunter2'"))
