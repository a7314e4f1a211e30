"""Sign 1, overreliance on API keys: a key alone, in a URL, in the source, guessable, or sent in the clear."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from ninefold.audit.address import addresses, in_words
from ninefold.audit.credential import Doubt, doubt
from ninefold.audit.finding import Confidence, Location, Method, Severity
from ninefold.audit.judge import alike, proof
from ninefold.audit.key import Key
from ninefold.audit.leak import leaks
from ninefold.audit.lookup import keys_looked_up
from ninefold.audit.probe import Unanswered
from ninefold.audit.rule import Looked, Needs, Observation, Rule, Untried
from ninefold.audit.source import files
from ninefold.audit.worth import learn

if TYPE_CHECKING:
    from ninefold.audit.target import Target
    from ninefold.contract.description import Description, Operation, SecurityScheme

#: Names under which APIs read a key from the query.
_QUERY_NAMES = ("api_key", "apikey", "key", "access_token", "token")
_KEY_NAME = re.compile(
    r"^(?:x[-_])?(?:api[-_]?key|apikey|access[-_]?(?:key|token)|auth[-_]?token|secret|token)$", re.IGNORECASE
)

#: Words about the end of a key's life, or about the next key's beginning.
_ENDS = re.compile(
    r"expir|rotat|lifetime|life-?time|valid (?:for|until)|lives? for|\bttl\b|max[-_]?age|short-lived|renew|revo[ck]"
    r"|regenerat|roll(?:ed|ing)? (?:the |your |an? )?(?:api )?key",
    re.IGNORECASE,
)

#: Fewer bits than this can be searched. OWASP ASVS 5.0 V11.5.1 asks 128 of a secret; half is surely too few.
_BITS = 64.0

_SOURCE_SUFFIXES = (
    ".py", ".js", ".ts", ".mjs", ".cjs", ".jsx", ".tsx", ".mts", ".cts", ".go", ".java", ".kt", ".rb", ".php", ".rs", ".cs",
    ".scala", ".ex", ".sh", ".yaml", ".yml", ".json", ".toml", ".ini", ".cfg", ".conf", ".properties", ".xml", ".tf", ".tfvars",
    ".env", ".env.local", ".env.development", ".env.staging", ".env.production", ".pem", ".key", "Dockerfile",
)  # fmt: skip

#: Files that are written by machines, or to show where a key goes.
_MADE = re.compile(
    r"(?:^|/)(?:package-lock|pnpm-lock)\.(?:json|yaml)$|\.(?:lock|min\.[cm]?js|bundle\.js|example|sample|template|dist)$"
)


#: Fields with a proof of one request, which no caller keeps: a token against forgery, a proof of possession (RFC 9449), a
#: signature and what is signed with it.
_PROOF = re.compile(
    r"(?:x[-_])?(?:csrf|xsrf)(?:[-_]?token)?|dpop"
    r"|(?:[a-z0-9]+[-_]){0,3}(?:signature|sign|hmac|timestamp|date|nonce|digest|sha256)",
    re.IGNORECASE,
)


def _is_api_key(scheme: SecurityScheme) -> bool:
    """An API key, and no session cookie, no bearer token in Swagger 2.0's clothes and no proof of one request."""
    name = str(scheme.raw.get("name", "")).lower()
    placed = scheme.kind == "apiKey" and scheme.raw.get("in") in {"header", "query"}
    return placed and name != "authorization" and not _PROOF.fullmatch(name)


def _bound(description: Description, scheme: SecurityScheme) -> bool:
    """Whether every choice with this key asks for a client certificate beside it, and that one has an end of its own."""
    asked = [choice for one in description.operations for choice in one.security or () if scheme.name in choice]
    schemes = description.schemes
    return bool(asked) and all(any(n in schemes and schemes[n].kind == "mutualTLS" for n in one) for one in asked)


def _alone(description: Description, operation: Operation) -> SecurityScheme | None:
    """The API key that is enough for this operation all by itself."""
    for choice in operation.security or ():
        scheme = description.schemes.get(next(iter(choice))) if len(choice) == 1 else None
        if scheme and _is_api_key(scheme) and not addresses(description, operation, scheme):
            return scheme
    return None


def _key_alone(target: Target) -> Looked:
    secured = [one for one in target.api.operations if one.security]
    seen = tuple(
        Observation(
            Location(operation=operation.id, pointer=operation.pointer),
            f"The API key `{scheme.name}` alone opens operations: no second scheme is required with it, "
            "and no source addresses are declared for it.",
            cause=f"scheme {scheme.name}",
            severity=Severity.LOW if operation.method in {"GET", "HEAD"} else None,
            confidence=Confidence.SUSPECTED if in_words(operation, scheme) else None,
        )
        for operation in secured
        if (scheme := _alone(target.api, operation))
    )
    return Looked(len(secured), seen)


def _no_expiry(target: Target) -> Looked:
    """No word about the end of a key's life: at its scheme, in the description's own text, or as an operation."""
    document = target.api.document
    info = document.get("info")
    spoken = [str(info.get("description", "")) if isinstance(info, dict) else ""]
    spoken += [f"{one.id} {one.path}" for one in target.api.operations if re.search(r"key", one.path, re.IGNORECASE)]
    schemes = [one for one in target.api.schemes.values() if _is_api_key(one) and not _bound(target.api, one)]
    if any(map(_ENDS.search, spoken)):
        return Looked(len(schemes))
    seen = tuple(
        Observation(
            Location(pointer=scheme.pointer),
            f"Nothing says when a key of `{scheme.name}` ends or how it is replaced: a key that never ends is never rotated.",
            cause=f"scheme {scheme.name}",
        )
        for scheme in schemes
        if not _ENDS.search(json.dumps(scheme.raw, default=str))
    )
    return Looked(len(schemes), seen)


def _key_in_url(target: Target) -> Looked:
    schemes = (
        Observation(
            Location(pointer=scheme.pointer),
            f"`{scheme.name}` takes the key from the query parameter `{scheme.raw.get('name', '')}`.",
            cause=f"query {scheme.raw.get('name', '')}",
        )
        for scheme in target.api.schemes.values()
        if scheme.kind == "apiKey" and scheme.raw.get("in") == "query"
    )
    parameters = (
        Observation(
            Location(operation=operation.id, pointer=parameter.pointer),
            f"The query parameter `{parameter.name}` takes a key.",
            cause=f"query {parameter.name}",
            confidence=Confidence.SUSPECTED if said is Doubt.SOME else None,
        )
        for operation in target.api.operations
        for parameter in operation.parameters
        if parameter.location == "query" and _KEY_NAME.match(parameter.name)
        if (said := doubt(target, operation, parameter)) is not Doubt.ENOUGH
    )
    return Looked(len(target.api.operations), (*schemes, *parameters))


def _key_in_source(target: Target) -> Looked:
    read = [file for file in files(target.tree, *_SOURCE_SUFFIXES) if not file.is_test and not _MADE.search(file.name)]
    seen = tuple(
        Observation(
            Location(file=file.name, line=leak.line),
            f"`{leak.shown}` in {file.name} reads as {leak.kind}.",
            cause=f"keys in {file.name}",
            confidence=Confidence.CONFIRMED if leak.sure else None,
        )
        for file in read
        for leak in leaks(file.text)
    )
    known = {(one.place.file, one.place.line) for one in seen}
    looked_up = [one for one in keys_looked_up(target) if (one.place.file, one.place.line) not in known]
    return Looked(len(read), (*seen, *looked_up))


def _plain_key(target: Target) -> Looked:
    call, judge = learn(target)
    key = target.keys[0]
    control = judge.bad
    if target.probe.origin.scheme == "https":
        try:
            control = target.probe.plain(replace(key.wrong(), also=()).on(call.ask))
        except Unanswered:
            return Looked(1)
        if not alike(control, judge.bad):
            return Looked(1)  # not the API as it is over TLS, and so the real key is not sent that way
    attack = target.probe.plain(key.on(call.ask))
    again = target.probe.plain(key.on(call.ask))
    if not (judge.accepts(attack) and judge.accepts(again)):
        return Looked(1)
    evidence = proof(call.answer, attack, control, again)
    detail = f"{call.ask.method} {call.ask.path} accepts the key over http://, where everyone on the way reads it."
    return Looked(1, (Observation(call.place, detail, evidence, cause="plain"),))


def _query_key(target: Target) -> Looked:
    key = target.keys[0]
    if key.place == "query":
        raise Untried(
            "the key that was given goes to the query already; the description's rule judges that",
            missed=False,
        )
    call, judge = learn(target)
    value = key.value.rpartition(" ")[2]
    for name in dict.fromkeys((key.name, *_QUERY_NAMES)):
        placed = Key("query", name, value)
        attack = target.probe.send(placed.on(call.ask))
        if not judge.accepts(attack):
            continue
        control = target.probe.send(placed.wrong().on(call.ask))
        again = target.probe.send(placed.on(call.ask))
        if judge.accepts(again) and not judge.accepts(control):
            detail = (
                f"{call.ask.method} {call.ask.path} accepts the key as `?{name}=`, beside {key.place} `{key.name}`."
            )
            return Looked(1, (Observation(call.place, detail, proof(call.answer, attack, control, again)),))
    return Looked(1)


def _guessable(target: Target) -> Looked:
    values = list(dict.fromkeys(key.value.rpartition(" ")[2] for key in target.keys))
    compared = ", compared with the other key" if len(values) > 1 else ""
    held = [(len(value), guess_bits(_own_part(value, values))) for value in values]
    seen = tuple(
        Observation(
            Location(url=target.url),
            f"A key of {length} characters holds about {bits:.0f} bits that another caller cannot know{compared}; "
            f"{_BITS:.0f} is the least.",
            cause="guessable",
        )
        for length, bits in held
        if bits < _BITS
    )
    return Looked(len(values), seen)


def _own_part(value: str, values: list[str]) -> str:
    """What of a key is not shared with every other key: their common beginning and end say nothing secret."""
    others = [one for one in values if one != value]
    if not others:
        return value
    head = min(_common(value, one) for one in others)
    tail = min(_common(value[head:][::-1], one[head:][::-1]) for one in others)
    return value[head : len(value) - tail]


def _common(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def guess_bits(value: str) -> float:
    """About how many bits of chance a secret holds: 12 a word, none a run of one rule, the rest in full."""
    words = [one for one in re.findall(r"[A-Za-z]+", value) if _is_word(one)]
    parts = re.findall(r"[A-Za-z]+|[0-9]+", value) if sum(map(len, words)) >= len(value) / 3 else [value]
    bits = 0.0
    for part in parts:
        if part in words:
            bits += 12.0
        elif not _run(part):
            bits += len(part) * math.log2(max(2, min(len(set(part)) * 1.5, _alphabet(part))))
    return bits


def _is_word(letters: str) -> bool:
    """Whether a person could have spoken it: one case, vowels as languages have them, not too long."""
    vowels = sum(one in "aeiouyAEIOUY" for one in letters)
    plain = letters.islower() or letters.isupper() or letters.istitle()
    return plain and 3 <= len(letters) <= 12 and 0.2 <= vowels / len(letters) <= 0.7


def _run(part: str) -> bool:
    """`1234`, `1111`, `0001`: digits that one rule makes."""
    return len(part) > 1 and len({ord(b) - ord(a) for a, b in pairwise(part)}) == 1


def _alphabet(part: str) -> int:
    """How many characters the part could have been made of."""
    makes = (
        (r"[0-9]+", 10),
        (r"[a-f0-9]+", 16),
        (r"[a-z]+|[A-Z]+", 26),
        (r"[a-z0-9]+|[A-Z0-9]+", 36),
        (r"[A-Za-z0-9]+", 62),
    )
    return next((size for make, size in makes if re.fullmatch(make, part)), 66)


_LINES = "keys:\n  header: X-API-Key\n  max_age: 90d\n  with: {ip: [local]}\n"

RULES = (
    Rule(
        id="keys-alone",
        sign=1,
        method=Method.STATIC,
        severity=Severity.MEDIUM,
        confidence=Confidence.CONFIRMED,
        title="An API key alone opens operations",
        owasp="API2:2023",
        cwe="CWE-308",
        asvs="V6.3.3",
        why="A key is copied with every log, proxy and laptop it passes. Whoever holds a copy is the caller, for good.",
        remedy="Ask for a second proof beside the key (a token, a client certificate, the addresses that callers come "
        "from), and declare it in the description.",
        contract=_LINES,
        needs=(Needs.DESCRIPTION,),
        look=_key_alone,
    ),
    Rule(
        id="keys-no-expiry",
        sign=1,
        method=Method.STATIC,
        severity=Severity.LOW,
        confidence=Confidence.SUSPECTED,
        title="Nothing says when a key ends",
        owasp="API2:2023",
        cwe="CWE-613",
        asvs="V13.3.4",
        why="A key that does not end outlives the laptop, the contract and the person that it was issued for.",
        remedy="Issue keys that expire, replace them with an overlap, and tell callers both in the description.",
        contract="keys:\n  max_age: 90d\n  overlap: 24h\n",
        needs=(Needs.DESCRIPTION,),
        look=_no_expiry,
    ),
    Rule(
        id="keys-in-url",
        sign=1,
        method=Method.STATIC,
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        title="The description puts the key into the URL",
        owasp="API2:2023",
        cwe="CWE-598",
        asvs="V14.2.1",
        why="URLs end up in access logs, browser histories, Referer fields and monitoring.",
        remedy="Take the key from a header field only, and drop the query parameter from the description.",
        contract="keys:\n  header: X-API-Key\n",
        needs=(Needs.REQUESTS,),
        look=_key_in_url,
    ),
    Rule(
        id="keys-in-source",
        sign=1,
        method=Method.STATIC,
        severity=Severity.HIGH,
        confidence=Confidence.SUSPECTED,
        title="An API key stands in the source",
        owasp="API2:2023",
        cwe="CWE-798",
        asvs="V13.3.1",
        why="Everyone who reads the repository, its history or an image of it has the key, and "
        "nobody can take it back.",
        remedy="Revoke the key, read its successor from a secret store or the environment, and "
        "keep only digests of keys "
        "that your API issues.",
        contract="keys:\n  store: ninefold-keys.db\n",
        needs=(Needs.SOURCE,),
        look=_key_in_source,
    ),
    Rule(
        id="keys-over-plain-http",
        sign=1,
        method=Method.LIVE,
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        title="A key is accepted over plain HTTP",
        owasp="API2:2023",
        cwe="CWE-319",
        asvs="V12.2.1",
        why="Everyone between the caller and the API reads the key and can use it.",
        remedy="Serve the API over TLS only, and refuse what comes in the clear without reading its key.",
        contract='encryption:\n  tls: {minimum: "1.2"}\n',
        needs=(Needs.URL, Needs.KEY),
        look=_plain_key,
    ),
    Rule(
        id="keys-in-query",
        sign=1,
        method=Method.LIVE,
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        title="A key is accepted in the query",
        owasp="API2:2023",
        cwe="CWE-598",
        asvs="V14.2.1",
        why="A key in a URL is written to every log on its way; callers use the place because it works.",
        remedy="Read the key from the header field only; refuse requests that carry it in the query.",
        contract="keys:\n  header: X-API-Key\n",
        needs=(Needs.URL, Needs.KEY),
        look=_query_key,
    ),
    Rule(
        id="keys-guessable",
        sign=1,
        method=Method.LIVE,
        severity=Severity.CRITICAL,
        confidence=Confidence.SUSPECTED,
        title="Keys can be guessed",
        owasp="API2:2023",
        cwe="CWE-330",
        asvs="V11.5.1",
        why="What a key has in common with others, counts up, or spells words is found by trying.",
        remedy="Issue keys of at least 128 bits from the system's random source: `ninefold keys create`.",
        contract="keys:\n  max_age: 90d\n",
        needs=(Needs.KEY,),
        look=_guessable,
    ),
)
