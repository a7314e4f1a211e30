"""Sign 3, improper encryption at rest or in transit: plain HTTP, old TLS, weak certificates, hashes, ciphers, keys."""

from __future__ import annotations

import re
import ssl
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ninefold.audit.answer import Ask
from ninefold.audit.cookie import deleted
from ninefold.audit.finding import Confidence, Location, Method, Severity
from ninefold.audit.judge import alike, proof
from ninefold.audit.methods import NOWHERE
from ninefold.audit.probe import Unanswered
from ninefold.audit.pycrypto import dangers, digests
from ninefold.audit.rule import Looked, Needs, Observation, Rule, Untried
from ninefold.audit.suites import handshake_shown, weak_suites
from ninefold.contract.description import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.answer import Answer
    from ninefold.audit.pycrypto import Danger
    from ninefold.audit.target import Target

#: The least `max-age` that a browser's next visit will still find (RFC 6797 section 6.1.1): a week.
_HSTS = 7 * 86400

_OLD = ((ssl.TLSVersion.TLSv1, "TLS 1.0"), (ssl.TLSVersion.TLSv1_1, "TLS 1.1"))


def _plain_servers(target: Target) -> Looked:
    urls = list(_urls(target))
    seen = tuple(
        Observation(Location(pointer=pointer), f"{what} is {url}, in the clear.", cause="plain server")
        for what, url, pointer in urls
        if urlsplit(url).scheme in {"http", "ws"} and not _local(urlsplit(url).hostname or "")
    )
    return Looked(len(urls), seen)


def _urls(target: Target) -> Iterator[tuple[str, str, str]]:
    """What a client is told to call: the servers, and where tokens come from."""
    first = next((one.pointer for one in target.api.operations), "") if target.api.kind is not Kind.OPENAPI else ""
    for at, url in enumerate(target.api.servers):
        if "://" in url:
            yield "A server", url, first or f"/servers/{at}"
    for scheme in target.api.schemes.values():
        flows = scheme.raw.get("flows")
        holders = [scheme.raw, *(flows.values() if isinstance(flows, dict) else ())]
        for holder in holders:
            for name in ("authorizationUrl", "tokenUrl", "refreshUrl", "openIdConnectUrl"):
                if isinstance(holder, dict) and isinstance(told := holder.get(name), str) and "://" in told:
                    yield f"The {name} of `{scheme.name}`", told, scheme.pointer


def _local(host: str) -> bool:
    """This machine itself: what never leaves it is read by nobody on the way."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _in_source(kind: str, target: Target) -> Looked:
    at, known = target.once("dangers", lambda: _dangers(target))
    code = target.code
    seen = tuple(
        Observation(
            Location(file=name, line=danger.line),
            danger.detail,
            cause=danger.detail,
            confidence=None if danger.sure else Confidence.SUSPECTED,
        )
        for name, danger in known
        if danger.kind == kind
    )
    return Looked(at + code.at.get("file", 0), (*seen, *code.of(kind)), target.left)


def _dangers(target: Target) -> tuple[int, list[tuple[str, Danger]]]:
    """How many modules there are, and every danger with its file's name."""
    elsewhere: dict[str, str] = {}
    for module in target.modules:
        elsewhere |= digests(module)
    at, found = 0, []
    for module in target.modules:
        at += 1
        found += [(module.file.name, danger) for danger in dangers(module, elsewhere)]
    return at, found


def _plain_http(target: Target) -> Looked:
    if target.probe.origin.scheme == "https":
        return _beside_tls(target)
    probe = target.probe
    served = [call for call in target.survey.calls() if not _sends_to_tls(call.answer)]
    control = probe.handshake(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.MAXIMUM_SUPPORTED)
    if not served or (control.agreed and all(call.answer.status == 400 for call in served)):
        return Looked(1)  # the way to TLS, or what a TLS port says to plain HTTP
    attack, again = probe.send(served[0].ask), probe.send(served[0].ask)
    said = f"control: a TLS handshake gave {control.version or control.fault}"
    evidence = (served[0].answer.exchange("baseline"), attack.exchange("attack"), said, again.exchange("repeat"))
    detail = f"{probe.origin} serves the API in the clear, and does not send its callers to TLS."
    return Looked(1, (Observation(Location(url=str(probe.origin)), detail, evidence, cause="plain"),))


def _beside_tls(target: Target) -> Looked:
    """Plain HTTP on the port that speaks TLS; asked without credentials, for they would go in the clear."""
    call = target.survey.calls()[0]
    try:
        attack = target.probe.plain(call.ask)
    except Unanswered:
        return Looked(1)  # nothing answers in the clear, which is the wish
    secure = target.survey.anonymous(call)
    if not alike(attack, secure):
        return Looked(1)
    control = target.probe.plain(Ask("GET", f"{call.ask.path}-{NOWHERE}"))
    evidence = proof(secure, attack, control, target.probe.plain(call.ask))
    detail = f"{target.probe.origin.authority} answers over http:// as it does over https://."
    return Looked(1, (Observation(Location(url=str(target.probe.origin)), detail, evidence, cause="plain"),))


def _sends_to_tls(answer: Answer) -> bool:
    return answer.status in {301, 302, 307, 308} and (answer.header("location") or "").startswith("https://")


def _tls(target: Target) -> None:
    if target.probe.origin.scheme != "https":
        raise Untried("the API is asked over http://, so there is no TLS to look at", missed=False)


def _old_versions(target: Target) -> Looked:
    _tls(target)
    new = target.probe.handshake(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.MAXIMUM_SUPPORTED)
    seen = []
    for version, name in _OLD:
        attack = target.probe.handshake(version, version)
        if attack.agreed and target.probe.handshake(version, version).agreed:
            known = f"baseline: {new.version or 'no TLS 1.2 or newer'} {new.cipher}".strip()
            evidence = (known, handshake_shown(target, name, f"{attack.version} {attack.cipher}"), "repeat: the same")
            detail = f"{target.probe.origin.authority} speaks {name}, which RFC 8996 withdrew."
            seen.append(Observation(Location(url=target.url), detail, evidence, cause="old TLS"))
    if not new.agreed and not seen:
        raise Untried(f"no TLS handshake at all: {new.fault}")
    return Looked(len(_OLD), tuple(seen))


def _certificate(target: Target) -> Looked:
    _tls(target)
    shaken = target.probe.handshake(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.MAXIMUM_SUPPORTED)
    if not shaken.certificate:
        raise Untried(f"no certificate was shown: {shaken.fault}")
    from ninefold.audit.certificate import faults  # noqa: PLC0415  # takes long to load, and needs a handshake first

    found = list(faults(shaken.certificate, target.probe.origin.host, target.now))
    if not found and (why := target.probe.distrusted()):
        found = [f"The certificate is not trusted: {why}. (Give --authority if its authority is your own.)"]
    evidence = (handshake_shown(target, "", f"{shaken.version} {shaken.cipher}"),)
    seen = tuple(Observation(Location(url=target.url), fault, evidence, cause=fault) for fault in found)
    return Looked(1, seen)


def _hsts(target: Target) -> Looked:
    _tls(target)
    calls = target.survey.calls()
    seen: list[Observation] = []
    for call in calls:
        detail = _hsts_fault(call.answer.header("strict-transport-security"))
        if detail and seen:
            seen.append(Observation(call.place, detail, cause="no HSTS"))
        elif detail:
            again = target.probe.send(target.survey.as_caller(call.ask))
            if _hsts_fault(again.header("strict-transport-security")):
                evidence = (call.answer.exchange("attack"), again.exchange("repeat"))
                seen.append(Observation(call.place, detail, evidence, cause="no HSTS"))
    return Looked(len(calls), tuple(seen))


def _hsts_fault(value: str | None) -> str:
    if value is None:
        return "Answers over TLS carry no `Strict-Transport-Security` (RFC 6797 section 7.1)."
    age = re.search(r'max-age\s*=\s*"?(\d+)', value, re.IGNORECASE)
    if not age or int(age[1]) < _HSTS:
        return f"`Strict-Transport-Security: {value}` is forgotten in less than a week."
    return ""


def _cookies(target: Target) -> Looked:
    calls = target.survey.calls()
    seen = []
    for call in calls:
        for answer in dict.fromkeys((call.answer, target.survey.anonymous(call))):
            for cookie in answer.values("set-cookie"):
                name = cookie.partition("=")[0].strip()
                flags = {part.strip().lower() for part in cookie.split(";")[1:]}
                missing = [flag for flag in ("Secure", "HttpOnly") if flag.lower() not in flags]
                if missing and _is_session(name) and not deleted(cookie, target.now):
                    detail = f"The cookie `{name}` lacks {' and '.join(missing)} (RFC 6265 section 4.1.2)."
                    seen.append(Observation(call.place, detail, (answer.exchange("attack"),), cause=f"cookie {name}"))
    return Looked(len(calls), tuple(seen))


def _is_session(name: str) -> bool:
    """Whether a cookie's name says that it proves who one is; others may be read by scripts on purpose."""
    plain = name.lower()
    return bool(re.search(r"sess|sid$|auth|token|jwt|login|remember|user", plain)) and not re.search("[cx]srf", plain)


_TLS_LINES = 'encryption:\n  tls: {certificate: cert.pem, key: key.pem, minimum: "1.2"}\n'


def _source_rule(
    id_: str, kind: str, severity: Severity, title: str, cwe: str, asvs: str, why: str, remedy: str
) -> Rule:
    """The rules on source differ in what they look for, and in nothing else."""
    return Rule(
        id=id_,
        sign=3,
        method=Method.STATIC,
        severity=severity,
        confidence=Confidence.CONFIRMED,
        title=title,
        owasp="API8:2023",
        cwe=cwe,
        asvs=asvs,
        why=why,
        remedy=remedy,
        contract="",
        needs=(Needs.SOURCE,),
        look=partial(_in_source, kind),
    )


RULES = (
    Rule(
        id="encryption-plain-server",
        sign=3,
        method=Method.STATIC,
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        title="The description sends callers to http://",
        owasp="API8:2023",
        cwe="CWE-319",
        asvs="V12.2.1",
        why="Clients are generated from the description and will call what it says, in the clear.",
        remedy="Write https:// in `servers` and in the OAuth 2.0 URLs, and serve it.",
        contract=_TLS_LINES,
        needs=(Needs.REQUESTS,),
        look=_plain_servers,
    ),
    _source_rule(
        "encryption-password-hash",
        "password",
        Severity.HIGH,
        "A password goes through a fast hash",
        "CWE-916",
        "V11.4.2",
        "Who gets the table tries billions of passwords a second against fast hashes.",
        "Keep passwords with `hashlib.scrypt`, Argon2 or bcrypt and a salt for each.",
    ),
    _source_rule(
        "encryption-weak-cipher",
        "cipher",
        Severity.HIGH,
        "A broken cipher, mode or fixed vector is used",
        "CWE-327",
        "V11.3.2",
        "What such a cipher hides can be read, compared or changed without its key.",
        "Use AES-256-GCM or ChaCha20-Poly1305 with a fresh nonce for each text.",
    ),
    _source_rule(
        "encryption-hard-coded-key",
        "key",
        Severity.CRITICAL,
        "A cryptographic key stands in the source",
        "CWE-321",
        "V13.3.1",
        "Everyone who reads the source decrypts what it encrypts and signs what it trusts.",
        "Make a new key, keep it in a secret store or the environment, and read it from there.",
    ),
    _source_rule(
        "encryption-unverified",
        "verification",
        Severity.HIGH,
        "Certificates are not verified",
        "CWE-295",
        "V12.3.2",
        "TLS without verification is a secret shared with whoever answers.",
        "Leave verification on; give your own authority's PEM file where the certificate is your own.",
    ),
    Rule(
        id="encryption-plain-http",
        sign=3,
        method=Method.LIVE,
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        title="The API is served over plain HTTP",
        owasp="API8:2023",
        cwe="CWE-319",
        asvs="V12.2.1",
        why="Everyone on the way reads and changes every request and every answer.",
        remedy="Serve TLS only. For an API do not redirect: refuse, so that no client goes on sending in the clear.",
        contract=_TLS_LINES,
        needs=(Needs.URL,),
        look=_plain_http,
    ),
    Rule(
        id="encryption-old-tls",
        sign=3,
        method=Method.LIVE,
        severity=Severity.MEDIUM,
        confidence=Confidence.CONFIRMED,
        title="TLS older than 1.2 is spoken",
        owasp="API8:2023",
        cwe="CWE-326",
        asvs="V12.1.1",
        why="TLS 1.0 and 1.1 rest on MD5 and SHA-1, and on ciphers with known attacks (RFC 8996).",
        remedy="Offer TLS 1.2 and 1.3 only.",
        contract=_TLS_LINES,
        needs=(Needs.URL,),
        look=_old_versions,
    ),
    Rule(
        id="encryption-weak-suite",
        sign=3,
        method=Method.LIVE,
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        title="TLS can be made weak",
        owasp="API8:2023",
        cwe="CWE-327",
        asvs="V12.1.2",
        why="What a server takes, somebody in between can make it take: the weakest suite is what TLS is worth.",
        remedy="Offer suites with ECDHE and an AEAD only (RFC 9325 section 4.2); TLS 1.3 has no others.",
        contract=_TLS_LINES,
        needs=(Needs.URL,),
        look=weak_suites,
    ),
    Rule(
        id="encryption-certificate",
        sign=3,
        method=Method.LIVE,
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        title="The certificate has a fault",
        owasp="API8:2023",
        cwe="CWE-295",
        asvs="V12.2.2",
        why="Clients that meet a faulty certificate fail, or learn to look away.",
        remedy="Have a certificate issued for this name, with a key of today's size, and renew it by machine.",
        contract=_TLS_LINES,
        needs=(Needs.URL,),
        look=_certificate,
    ),
    Rule(
        id="encryption-hsts",
        sign=3,
        method=Method.LIVE,
        severity=Severity.LOW,
        confidence=Confidence.CONFIRMED,
        title="HTTPS is not made to stay",
        owasp="API8:2023",
        cwe="CWE-523",
        asvs="V3.4.1",
        why="Without `Strict-Transport-Security` a browser's next request may go out in the clear.",
        remedy="Send `Strict-Transport-Security: max-age=31536000` with every answer over TLS.",
        contract="encryption:\n  hsts: 365d\n",
        needs=(Needs.URL,),
        look=_hsts,
    ),
    Rule(
        id="encryption-cookie-flags",
        sign=3,
        method=Method.LIVE,
        severity=Severity.MEDIUM,
        confidence=Confidence.CONFIRMED,
        title="A session cookie may travel in the clear or be read by scripts",
        owasp="API8:2023",
        cwe="CWE-614",
        asvs="V3.3.1",
        why="A cookie without Secure goes out over http://, one without HttpOnly to any script on the page.",
        remedy="Set Secure, HttpOnly and SameSite on every cookie that proves who one is.",
        contract="",
        needs=(Needs.URL,),
        look=_cookies,
    ),
)
