"""Certificates that JavaScript, TypeScript, Go and Java do not check (sign 3, CWE-295)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.audit.code.node import names
from ninefold.audit.code.unit import Sight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.code.node import Node
    from ninefold.audit.code.unit import Step, Unit


def unverified(unit: Unit, step: Step) -> Iterator[Sight]:
    """A setting, a verifier or a trust manager that lets every certificate or every name pass."""
    if step.node.kind in {"call", "new"}:
        yield from _trusting_call(step)
    elif step.node.kind in {"assign", "field"}:
        yield from _unverified(unit, step)
    elif step.node.kind == "function":
        yield from _trusting_function(unit, step)


def _unverified(unit: Unit, step: Step) -> Iterator[Sight]:
    node = step.node
    name = node.last if node.kind == "assign" else node.name
    value = node.parts[0] if node.parts else node
    detail = ""
    if name in {"rejectUnauthorized", "strictSSL"} and _is(value, "false"):
        detail = f"`{name}: false` does not check the other side's certificate."
    elif name == "NODE_TLS_REJECT_UNAUTHORIZED" and value.kind in {"text", "number"} and value.name == "0":
        detail = "Certificates are not checked anywhere in this process."
    elif name == "InsecureSkipVerify" and _is(value, "true"):
        detail = "`InsecureSkipVerify: true` does not check the other side's certificate."
    elif name == "checkServerIdentity" and value.kind == "function" and _empty(value):
        detail = "The certificate's name is not checked."
    if detail and unit.language != "Java":
        yield Sight("verification", node.line, detail, detail)


def _trusting_call(step: Step) -> Iterator[Sight]:
    said = " ".join(names(one) for one in step.node.parts)
    detail = ""
    if re.search(
        r"\b(?:NoopHostnameVerifier|ALLOW_ALL_HOSTNAME_VERIFIER|AllowAllHostnameVerifier)\b", f"{step.node.name} {said}"
    ):
        detail = "The certificate's name is not checked."
    elif re.search(r"\b(?:TrustAllStrategy|InsecureTrustManagerFactory)\b", f"{step.node.name} {said}"):
        detail = "Every certificate is trusted."
    elif re.search(r"ostnameVerifier$", step.node.last) and step.node.parts and step.node.parts[-1].kind == "function":
        detail = "The certificate's name is not checked." if _agrees(step.node.parts[-1]) else ""
    if detail:
        yield Sight("verification", step.node.line, detail, detail)


def _trusting_function(unit: Unit, step: Step) -> Iterator[Sight]:
    node = step.node
    if unit.language != "Java":
        return
    detail = ""
    if node.name == "checkServerTrusted" and "TrustManager" in unit.text and _empty(node):
        detail = "Every certificate is trusted: `checkServerTrusted` refuses none."
    elif node.name == "verify" and len(node.parts[0].parts) == 2 and "HostnameVerifier" in unit.text and _agrees(node):
        detail = "The certificate's name is not checked."
    if detail:
        yield Sight("verification", node.line, detail, detail)


def _is(node: Node, flag: str) -> bool:
    return node.kind == "flag" and node.name == flag


def _body(function: Node) -> tuple[Node, ...]:
    return tuple(one for part in function.parts[1:] for one in (part.parts if part.kind == "block" else (part,)))


def _empty(function: Node) -> bool:
    """Whether a function does nothing, or gives nothing back."""
    return all(
        one.kind == "return" and all(value.kind in {"null", "record"} and not value.parts for value in one.parts)
        for one in _body(function)
    )


def _agrees(function: Node) -> bool:
    """Whether a function says yes, whatever it is given."""
    body = _body(function)
    return len(body) == 1 and body[0].kind == "return" and len(body[0].parts) == 1 and _is(body[0].parts[0], "true")
