"""The description that an API publishes itself: at a URL that was given, or found where frameworks put it.

Everything goes through the probe, to its one origin: redirects and links that lead out are refused, sizes and times are
bounded, and no `$ref` to the network is followed. A description is no secret; that it is public is no finding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

from ninefold.audit.answer import Answer, Ask
from ninefold.audit.inputs.content import GRAPHQL, described
from ninefold.audit.probe import Unanswered, parse_origin
from ninefold.audit.rule import Untried
from ninefold.contract.description import Kind
from ninefold.errors import DescriptionError, Place, ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.key import Key
    from ninefold.audit.probe import Probe
    from ninefold.contract.description import Description

#: Most bytes of a published description, most redirects to it, most requests that looking for one may cost, and how many
#: of them may go without an answer.
MOST_BYTES, REDIRECTS, REQUESTS, SILENT = 32 * 1024 * 1024, 3, 24, 3

#: Where frameworks and standards publish a description, the likeliest first. RFC 9727: the catalogue.
PLACES = (
    "/openapi.json",
    "/openapi.yaml",
    "/swagger.json",
    "/v3/api-docs",
    "/.well-known/api-catalog",
    "/api-docs",
    "/v2/api-docs",
    "/swagger/v1/swagger.json",
    "/schema/openapi.json",
    "/api/schema/",
    "/api-json",
    "/apispec_1.json",
)

#: Pages that show one to people, and where the page says it is.
PAGES = ("/docs", "/swagger-ui/index.html", "/redoc", "/swagger")
_LINK = re.compile(
    r"""(?:\burl["']?\s*[:=]\s*|spec-?url\s*=\s*|data-url\s*=\s*|Redoc\.init\(\s*)["']([^"'<>\s]{1,300})["']""",
    re.IGNORECASE,
)
_LINKS = 4


@dataclass(frozen=True, slots=True)
class Found:
    """`description`, or None and in `reason` a sentence of what was tried."""

    description: Description | None
    reason: str = ""


def fetched(probe: Probe, url: str, key: Key | None = None, graphql: str = GRAPHQL) -> Description:
    """The description at `url`, which is on the probe's origin. Raises `DescriptionError` or `ServiceError`."""
    try:
        answer = _followed(probe, url, key)
    except Unanswered as fault:
        raise ServiceError(fault.reason, remedy="start the API, or mend the URL of the description") from None
    except Untried as fault:
        raise DescriptionError(fault.reason, place=Place(url), remedy="give the description as a file") from None
    if not answer.ok:
        raise DescriptionError(
            f"is no description: it answers {answer.status}", place=Place(url), remedy="mend the URL, or give a file"
        )
    return _whole(answer, url, graphql)


def _whole(answer: Answer, url: str, graphql: str = GRAPHQL) -> Description:
    if answer.truncated:
        raise DescriptionError(
            f"is larger than {MOST_BYTES // 1024**2} MiB", place=Place(url), remedy="give the description as a file"
        )
    return described(answer.body, url, graphql)


def search(probe: Probe, key: Key | None = None) -> Found:
    """The first description that the API publishes where such things are, without leaving its origin or a quarter of
    the budget.
    """
    most = probe.sent + max(1, min(REQUESTS, probe.limits.budget // 4))
    tried: list[str] = []
    broken, silent = "", 0
    bases = dict.fromkeys((probe.origin.base, ""))
    waiting = [f"{base}{place}" for place in (*PLACES, *PAGES) for base in bases]
    while waiting and probe.sent < most:
        path = waiting.pop(0)
        if path in tried:
            continue
        tried.append(path)
        url = f"{probe.origin}{path}"
        try:
            answer = _followed(probe, url, key)
        except DescriptionError as fault:
            broken = broken or f" What stands at {path} {fault.what}."
            continue
        except Unanswered:
            silent += 1
            if silent >= SILENT:
                break
            continue
        except Untried:
            break
        if not answer.ok or not answer.body:
            continue
        if links := [one for one in _links(answer, url) if one not in tried][:_LINKS]:
            waiting = [*links, *waiting]
            continue
        if not _may_be(answer):
            continue
        try:
            found = _whole(answer, url)
        except DescriptionError as fault:
            broken = broken or f" What stands at {path} cannot be read: {fault.what}."
            continue
        if found.kind is Kind.OPENAPI and found.operations:
            return Found(replace(found, notes=(f"The description was found at {url}.",)))
    return Found(None, f"No description was found; it was looked for at {', '.join(tried)}.{broken}")


def _followed(probe: Probe, url: str, key: Key | None) -> Answer:
    """The answer, over redirects within the origin; with the key where it is refused without."""
    asked = url
    for _ in range(REDIRECTS + 1):
        ask = _ask(asked)
        answer = probe.send(ask, patient=False, most=MOST_BYTES)
        if answer.status in {401, 403} and key:
            answer = probe.send(key.on(ask), patient=False, most=MOST_BYTES)
        if not 300 <= answer.status < 400 or not (leads := answer.header("location")):
            return answer
        asked = _joined(asked, leads)
        if not _same(probe, asked):
            raise DescriptionError(
                "redirects to another origin, and that is not followed",
                place=Place(url),
                remedy="give the URL that it leads to, if you trust it",
            )
    return answer


def _joined(url: str, reference: str) -> str:
    """The reference resolved (RFC 3986 section 5); empty for one that is none."""
    try:
        return urljoin(url, reference)
    except ValueError:
        return ""


def _ask(url: str) -> Ask:
    parts = urlsplit(url)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    accept = (("Accept", "application/json, application/yaml, */*"),)
    return Ask("GET", path, tuple(parse_qsl(parts.query, keep_blank_values=True)), accept)


def _same(probe: Probe, url: str) -> bool:
    try:
        parts = urlsplit(url)
        origin = parse_origin(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        return False
    mine = probe.origin
    return (origin.scheme, origin.host, origin.port) == (mine.scheme, mine.host, mine.port)


def _may_be(answer: Answer) -> bool:
    """Whether it reads as a description at all, so that a page for every path is no broken one."""
    return (
        answer.media != "text/html"
        and re.search(rb"""["']?(?:openapi|swagger)["']?\s*:""", answer.body[:65536]) is not None
    )


def _links(answer: Answer, url: str) -> list[str]:
    """Paths that a catalogue (RFC 9727, RFC 9264) or a page for people names, those of this origin only."""
    if answer.media == "text/html":
        named = _LINK.findall(answer.text[:200_000])
    elif url.endswith("/.well-known/api-catalog"):
        named = list(_catalogued(answer.json()))
    else:
        return []
    origin = urlsplit(url)
    found = [urlsplit(joined) for one in named if (joined := _joined(url, one))]
    here = [one for one in found if (one.scheme, one.netloc) == (origin.scheme, origin.netloc)]
    return [one.path + (f"?{one.query}" if one.query else "") for one in here if one.path not in {"", "/"}]


def _catalogued(document: Any) -> Iterator[str]:
    linkset = document.get("linkset") if isinstance(document, dict) else None
    for context in linkset if isinstance(linkset, list) else ():
        for relation in ("service-desc", "item"):
            links = context.get(relation) if isinstance(context, dict) else None
            for link in links if isinstance(links, list) else ():
                if isinstance(link, dict) and isinstance(link.get("href"), str):
                    yield link["href"]
