from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ninefold.audit.pycrypto import Danger, dangers, digests
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
        ("import hmac\nLINK = b'links-2019'\ndef f(m):\n    return hmac.new(LINK, m, 'sha256')", "key"),
        ("PHRASE = 'links-2019'\ndef f(p):\n    return jwt.encode(p, PHRASE, algorithm='HS256')", "key"),
        ("class T:\n    PHRASE = 'links-2019'\n    def f(self, p):\n        return jwt.encode(p, self.PHRASE)", "key"),
        (
            "class T:\n    def __init__(self):\n        self.phrase = 'links-2019'\n    def f(self, p):\n        return jwt.encode(p, self.phrase)",
            "key",
        ),
        ("def f(m):\n    phrase = 'links-2019'.encode()\n    return hmac.new(phrase, m, 'sha256')", "key"),
        ("Fernet(base64.urlsafe_b64decode('MDEyMzQ1Njc4OWFiY2RlZg=='))", "key"),
        ("URLSafeTimedSerializer('links-2019')", "key"),
        ("app.config['SECRET_KEY'] = 'links-2019'", "key"),
        ("app.config.update(SECRET_KEY='links-2019')", "key"),
        ("app.add_middleware(SessionMiddleware, secret_key='links-2019')", "key"),
        ("IV = b'0123456789abcdef'\ndef f(k):\n    return Cipher(algorithms.AES(k), modes.CBC(IV))", "cipher"),
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
        "LINK = os.environ['LINK'].encode()\ndef f(m):\n    return hmac.new(LINK, m, 'sha256')",
        "LINK = os.environ.get('LINK')\njwt.encode({}, LINK)",
        "def f(LINK, m):\n    return hmac.new(LINK, m, 'sha256')\nLINK = b'links-2019'",
        "LINK = b'links-2019'\nLINK = load()\nhmac.new(LINK, m, 'sha256')",
        "LINK = b''\nhmac.new(LINK, m, 'sha256')",
        "self.phrase = load()\njwt.encode({}, other.phrase)\nphrase = 'links-2019'",
        "SECRET_KEY = os.environ['SECRET_KEY']",
        "app.config['SECRET_KEY'] = config.secret",
        "IV = os.urandom(16)\nmodes.CBC(IV)",
        "DESCRIPTION = Seed()",
        "hmac.new(key, body, 'sha256')",
        "hashlib.new(name, password)",
        "import hashlib\ndef md5(text):\n    return hashlib.md5(text).hexdigest()\netag = md5(page)\nmd5(password_reset_token)",
        "import hashlib\ndef mark(text):\n    return text + hashlib.md5(SALT).hexdigest()\nmark(password)",
    ],
)
def test_what_is_none_is_not_told(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "SECRET_KEY = os.environ.get('SECRET_KEY', 'links-2019')",
        "KEY = os.getenv('KEY', 'links-2019')\njwt.encode({}, KEY)",
        "KEY = os.environ.get('KEY') or 'links-2019'\njwt.encode({}, KEY)",
        "SECRET_KEY = config('SECRET_KEY', default='links-2019')",
        "class S(BaseSettings):\n    secret_key: str = 'links-2019'",
    ],
)
def test_what_stands_in_for_the_environment_is_suspected(text: str) -> None:
    assert [(one.kind, one.sure) for one in found(text)] == [("key", False)]


def test_a_digest_of_another_module_is_followed_by_its_import() -> None:
    store = "import hashlib\ndef weak(text):\n    return hashlib.md5(text).hexdigest()\n"
    known = digests(Module(SourceFile(Path("b.py"), "b.py", store), ast.parse(store)))
    assert known == {"weak": "md5"}
    for text, kinds in (("from .b import weak\nweak(form['password'])", ["password"]), ("weak(password)", [])):
        module = Module(SourceFile(Path("a.py"), "a.py", text), ast.parse(text))
        assert [one.kind for one in dangers(module, known)] == kinds


def test_no_detail_repeats_a_secret() -> None:
    assert "hunter2" not in repr(found("jwt.encode({}, 'hunter2hunter2')\nJWT_SECRET = 'hunter2hunter2'"))
