"""Keys and tokens of known make, digests of passwords, and values that a name calls secret (CWE-200, CWE-312, CWE-522).

What the audit looks for in files (`ninefold.audit.leak`) and what must not stand in answers is told by the same makes.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter

from ninefold.leak.checksum import checked, signed
from ninefold.leak.rule import AT, Kind, Rule

#: Keys whose make says what they are, by who issues them.
MAKES = (
    ("an AWS access key id", re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b")),
    ("a GitHub token", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}\b")),
    ("a GitHub token", re.compile(r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b")),
    ("a GitLab token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,300}")),
    ("a Stripe live key", re.compile(r"\b[rs]k_live_[A-Za-z0-9]{16,250}")),
    ("a Slack token", re.compile(r"\bxox[abeoprs]-\d[A-Za-z0-9-]{20,250}")),
    ("a Google API key", re.compile(r"\bAIza[A-Za-z0-9_-]{35}\b")),
    ("a SendGrid key", re.compile(r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b")),
    ("a signed token", re.compile(r"\beyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{43,1500}")),
    ("an npm token", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b")),
    ("a PyPI token", re.compile(r"\bpypi-[A-Za-z0-9_-]{50,300}")),
    ("a Ninefold key", re.compile(r"\bnf_[a-z0-9]{1,40}_[A-Za-z0-9]{1,40}_[A-Za-z0-9]{24,250}\b")),
)

#: Makes that carry a checksum, and what verifies it: a wrong one is no token.
VERIFIED = {"a GitHub token": checked, "an npm token": checked, "a signed token": signed}

#: More makes, which in a file are often a public half or an example, and have no business in an answer's free text.
_MORE = (
    r"\bsk-(?:proj-|ant-(?:api|admin)?\d{0,2}-?|or-v1-|svcacct-)?[A-Za-z0-9_-]{24,250}",
    r"\b[rs]k_test_[A-Za-z0-9]{16,250}", r"\bwhsec_[A-Za-z0-9+/=]{24,100}", r"\bd[op]p_v1_[a-f0-9]{64}\b|\bdoo_v1_[a-f0-9]{64}\b",
    r"\bGOCSPX-[A-Za-z0-9_-]{20,60}", r"\bya29\.[A-Za-z0-9_-]{30,1000}", r"\bSK[0-9a-f]{32}\b|\bAC[0-9a-f]{32}\b", r"\bkey-[0-9a-f]{32}\b",
    r"\bxapp-\d-[A-Za-z0-9-]{20,200}", r"\bhooks\.slack\.com/services/T[A-Z0-9]{6,14}/B[A-Z0-9]{6,14}/[A-Za-z0-9]{18,40}",
    r"\bdiscord(?:app)?\.com/api/webhooks/\d{15,22}/[\w-]{50,100}", r"\b[MNO][A-Za-z\d_-]{23,27}\.[\w-]{6}\.[\w-]{27,45}\b", r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b",
    r"\bsq0(?:atp|csp)-[A-Za-z0-9_-]{22,60}", r"\bEAAA[A-Za-z0-9_-]{60}\b", r"\bglrt-[A-Za-z0-9_-]{20,60}|\bgl(?:dt|ft|soat|cbt)-[A-Za-z0-9_-]{20,60}", r"\bhf_[A-Za-z0-9]{30,40}\b", r"\bdckr_pat_[A-Za-z0-9_-]{27,40}",
    r"\blin_api_[A-Za-z0-9]{40}\b", r"\bATATT3[A-Za-z0-9_=-]{60,250}", r"\bhvs\.[A-Za-z0-9_-]{24,200}|\bs\.[A-Za-z0-9]{24}\b", r"\bpul-[a-f0-9]{40}\b", r"\bgls[ap]_[A-Za-z0-9]{32}_[a-f0-9]{8}\b", r"\bNRAK-[A-Z0-9]{27}\b", r"\brubygems_[a-f0-9]{48}\b",
    r"\bdapi[a-f0-9]{32}\b", r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{32,35}(?![\w-])", r"\bEAA[A-Za-z0-9]{80,300}", r"\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b", r"\bsbp_[a-f0-9]{40}\b", r"\b[0-9a-f]{32}-us\d{1,2}\b", r"\bxkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}\b",
    r"\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}\b", r"\bntn_[A-Za-z0-9]{40,60}\b|\bsecret_[A-Za-z0-9]{43}\b", r"\bfigd_[A-Za-z0-9_-]{40,60}", r"\bAccountKey=[A-Za-z0-9+/=]{40,120}", r"\bSharedAccessKey=[A-Za-z0-9+/=]{40,120}",
    r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b", r"\beyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{43,1500}", r"\beyJ[A-Za-z0-9_-]{10,1000}\.{2}[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{16,100}",
    r"\beyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{100,2000}\.[A-Za-z0-9_-]{16,30}\.[A-Za-z0-9_-]{20,8000}\.[A-Za-z0-9_-]{22,30}",
)  # fmt: skip

_WORDS = (
    "akia", "asia", "aroa", "aida", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "k_live_", "xox", "aiza", "sg.", "eyj", "npm_", "pypi-", "nf_", "sk-", "k_test_", "whsec_",
    "op_v1_", "oo_v1_", "dop_v9_", "doo_v9_", "dpp_v9_", "gocspx-", "ya99.", "sk9", "ac9", *(f"{one}{digit}" for one in ("sk", "ac") for digit in "abcdef"), "glsa_", "glsp_", "key-", "xapp-", "hooks.slack", "/webhooks/", "shpat_", "shpca_", "shppa_", "shpss_", "sq9atp", "sq9csp", "eaaa", "glrt-",
    "gldt-", "glft-", "glsoat-", "glcbt-", "hf_", "dckr_pat", "lin_api_", "atatt9", "hvs.", "pul-", "nrak-", "rubygems_", "dapi", ":aa", "eaa", "age-secret", "sbp_", "xkeysib-", "pmak-", "ntn_", "secret_", "figd_",
    "-us9", "accountkey=", "sharedaccesskey=",
)  # fmt: skip

_NO_SECRET = re.compile(
    r"change[_-]?me|your[_-]|example|placeholder|dummy|sample|x{4}|\*\*\*|todo|insert|replace|none"
    r"|null|true|false|test",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"^[A-Za-z_]+(?:\.[A-Za-z_]+)+$|^https?:|^[A-Z][A-Z0-9_]+$|^/|^[Xx]-[A-Za-z-]+$|^[a-z]+(?:[_-][a-z]+)*$"
)


def secretive(value: str) -> bool:
    """Whether chance rather than a person chose these characters, by their mix and their entropy."""
    if _NO_SECRET.search(value) or _CODE.search(value) or len(set(value)) < 6:
        return False
    mixed = bool(re.search(r"\d", value)) and bool(re.search(r"[A-Za-z]", value))
    return (mixed and len(value) >= 10 and entropy(value) >= 2.8) or (len(value) >= 24 and entropy(value) >= 3.5)


def placeholder(value: str) -> bool:
    """Whether a text holds a secret's place, or is too short for one."""
    return len(value) < 4 or _NO_SECRET.search(value) is not None


def entropy(value: str) -> float:
    """Bits a character, by how often each one is there (Shannon)."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())


def _made(found: re.Match[str]) -> bool:
    """Whether a token of a known make is one, and nobody's example."""
    token = found[0]
    for what, pattern in MAKES:
        if (
            (verify := VERIFIED.get(what)) is not None
            and pattern.fullmatch(token)
            and not token.startswith("github_pat_")
        ):
            return verify(token)
    return (
        "EXAMPLE" not in token
        and not re.search(r"(.)\1{7}|x{6}|your|example", token, re.IGNORECASE)
        and len(set(token)) >= 10
    )


def _given(found: re.Match[str]) -> bool:
    """Whether what a name is given is a value, and not a word about one."""
    value = found["leak"]
    return (
        not placeholder(value)
        and not re.fullmatch(r"[a-z]+|[A-Z][a-z]+|\*+|\.+|[-_]+|\{.*\}|<.*>|\$.*|%.*", value)
        and len(set(value)) >= 4
    )


def _basic(found: re.Match[str]) -> bool:
    """Whether the credentials of `Basic` are a name and a password (RFC 7617)."""
    text = found["leak"]
    try:
        return ":" in base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except (ValueError, binascii.Error):
        return False


def _bearer(found: re.Match[str]) -> bool:
    return secretive(found["leak"]) or signed(found["leak"])


_HERE = re.compile(r"^\w*(?:pass|password|pwd|secret)\w*$|^[<{$%*.]", re.IGNORECASE)

RULES = (
    Rule(
        Kind.SECRET, "a key or token", _WORDS,
        re.compile("|".join([*(pattern.pattern for _, pattern in MAKES[1:8]), *(pattern.pattern for _, pattern in MAKES[9:]), *_MORE])),
        real=_made,
    ),
    Rule(
        Kind.SECRET, "a private key", ("private key", "openssh key", "putty-user-key"),
        re.compile(r"-----BEGIN (?:[A-Z0-9]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----[\sA-Za-z0-9+/=\\:,.-]{0,8000}(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?|PuTTY-User-Key-File-\d[^\0]{0,4000}"),
    ),
    Rule(
        Kind.SECRET, "the digest of a password", ("$9$", "$9a$", "$9b$", "$9x$", "$9y$", "$argon", "pbkdf9", "$scrypt", "scrypt:", "{ssha", "$p$", "sha9:", "$y$", "$h$", "bcrypt_sha", "{sha", "{ssha"),
        re.compile(
            r"\$2[abxy]?\$\d{2}\$[./A-Za-z0-9]{53}|\$argon2(?:id?|d)\$(?:v=\d{1,3}\$)?[\w=,]{1,60}\$[A-Za-z0-9+/=]{8,100}(?:\$[A-Za-z0-9+/=]{16,200})?|\bpbkdf2[_:]?(?:sha\d{1,3})?[:$][^\s\"'<>]{20,300}|\$pbkdf2-[^\s\"'<>]{20,300}"
            r"|\$[156y]\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,40}\$[./A-Za-z0-9]{20,90}|\$y\$[./A-Za-z0-9]{1,10}\$[./A-Za-z0-9]{1,90}\$[./A-Za-z0-9]{30,60}|\bscrypt:\d{1,8}:\d{1,3}:\d{1,3}\$[^\s\"'<>]{20,300}|\$scrypt\$[^\s\"'<>]{20,300}|\$7\$[./A-Za-z0-9]{20,120}"
            r"|\{S?SHA(?:256|512)?\}[A-Za-z0-9+/=]{20,140}|\$[PH]\$[./A-Za-z0-9]{31}|\bsha(?:1|256|512)[:$][^\s:$\"'<>]{1,60}[:$][0-9a-f]{40,128}\b|\bbcrypt_sha256\$[^\s\"'<>]{20,200}",
        ),
    ),
    Rule(
        Kind.SECRET, "a password in a URL", ("://",),
        re.compile(r"\b[a-z][a-z0-9+.-]{1,30}://[^:/\s@\"'{}<>?#]{0,128}:(?P<leak>[^@/\s\"'<>]{3,128})@[A-Za-z0-9\[]", re.IGNORECASE),
        also=(AT,), real=lambda found: not _HERE.match(found["leak"]),
    ),
    Rule(
        Kind.SECRET, "a value that its name calls secret",
        ("passw", "passphrase", "pwd", "kennwort", "mot de passe", "contrase", "senha", "wachtwoord", "hasło", "haslo", "parola", "пароль", "密码", "비밀번호", "パスワード"),
        re.compile(
            r"(?<![A-Za-z])(?:[A-Za-z0-9]{1,40}[_.-]){0,6}(?:password|passwd|passphrase|pwd|passwort|kennwort|mot de passe|contrase(?:ñ|n)a|senha|wachtwoord|has(?:ł|l)o|parola|пароль|密码|비밀번호|パスワード)[\"'`]?\s{0,3}(?:=>|：|:=|=|:|\bis\b)\s{0,3}[\"'`]?(?P<leak>[!#$%&*+\-./0-9:?@A-Z_a-z~^]{6,128})", re.IGNORECASE),
        real=lambda found: _given(found) and (bool(re.search(r"[\d!#$%&*+@^~]", found["leak"])) and not re.match(r"https?:", found["leak"])),
    ),
    Rule(
        Kind.SECRET, "a value that its name calls secret",
        ("secret", "api_key", "api-key", "apikey", "api key", "token", "access_key", "access-key", "accesskey", "private_key", "privatekey", "private key", "private-key", "credential", "encryption_key", "signing_key", "auth_key", "app_key", "master_key", "session", "csrf", "cookie", "sid="),
        re.compile(
            r"(?<![A-Za-z])(?:[A-Za-z0-9]{1,40}[_.-]){0,6}(?:secret(?:[_-]?(?:access[_-]?)?key)?|api[ _-]?key|access[_-]?key(?:[_-]?id)?|auth[_-]?(?:token|key)|(?:access|refresh|session|reset|csrf|id|bearer)?[_ -]?token|private[_-]?key"
            r"|(?:encryption|signing|app|master)[_-]?key|client[_-]?secret|(?:php|j)?sess(?:ion)?[_-]?id|connect\.sid|session|sid)[\"'`]?\s{0,3}(?:=>|:=|=|:|\bis\b)\s{0,3}[\"'`]?(?P<leak>[A-Za-z0-9_\-+/=.~%:]{12,4000})", re.IGNORECASE),
        real=lambda found: _given(found) and secretive(found["leak"]),
    ),
    Rule(
        Kind.SECRET, "credentials of HTTP", ("basic ",), re.compile(r"\bBasic (?P<leak>[A-Za-z0-9+/]{8,400}={0,2})", re.IGNORECASE), real=_basic,
    ),
    Rule(
        Kind.SECRET, "credentials of HTTP", ("authorization",),
        re.compile(r"\bauthorization[\"']?\s?[:=]\s?[\"']?(?:[A-Za-z][\w-]{1,20} )?(?P<leak>[A-Za-z0-9_\-+/=.~:]{16,8000})", re.IGNORECASE), real=_bearer,
    ),
    Rule(
        Kind.SECRET, "credentials of HTTP", ("curl", "--user ", "wget"),
        re.compile(r"(?: -u|--user)[ =][\"']?(?P<leak>[\w.@+-]{1,100}:[^\s\"']{4,200})"), real=lambda found: "$" not in found["leak"],
    ),
    Rule(
        Kind.SECRET, "credentials of HTTP", ("bearer ",), re.compile(r"\bBearer (?P<leak>[A-Za-z0-9_\-+/=.~]{16,8000})", re.IGNORECASE), real=_bearer,
    ),
    Rule(
        Kind.SECRET, "an AWS secret key", ("akia", "asia", "aws_secret", "aws secret", "secretaccesskey"),
        re.compile(r"(?:(?:AKIA|ASIA)[A-Z2-7]{16}|aws.?secret.{0,20}|SecretAccessKey.{0,6})[^A-Za-z0-9/+\n]{0,20}[\w :='\"]{0,40}?(?<![A-Za-z0-9/+])(?P<leak>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])", re.IGNORECASE),
        real=lambda found: secretive(found["leak"]),
    ),
)  # fmt: skip
