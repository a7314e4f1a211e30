"""What a condition may speak of: the attributes of one operation's requests and answers, each with its type.

`caller`, `operation`, `address`, `device` and `time` are the guard's own; `path`, `query`, `headers`, `body` and `resource`
are what the description declares. Whatever is not here is an error when the contract loads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ninefold.contract.description import Description, Operation, Schema

#: Each name a condition may begin with.
ROOTS = ("caller", "operation", "path", "query", "headers", "body", "address", "time", "device", "resource")

#: What a caller says of himself and the guard knows better, and what is a secret: no condition may look at it.
UNTOLD_FIELDS = frozenset({
    "authorization", "connection", "cookie", "dpop", "expect", "forwarded", "keep-alive", "proxy-authorization", "te",
    "trailer", "transfer-encoding", "upgrade", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
    "x-forwarded-port", "x-forwarded-prefix", "x-forwarded-server", "x-forwarded-scheme", "x-real-ip", "x-client-ip",
    "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip", "fastly-client-ip", "x-original-url", "x-rewrite-url",
    "x-original-host", "x-host", "x-http-method", "x-http-method-override", "x-method-override", "x-ninefold-caller",
    "x-ninefold-subject", "x-ninefold-tenant", "x-request-id", "http2-settings", "proxy-connection",
    "client-cert", "client-cert-chain", "x-client-cert", "x-client-cert-chain", "x-forwarded-client-cert",
    "x-ssl-cert", "x-ssl-client-cert", "x-ssl-client-cn", "x-ssl-client-dn", "x-ssl-client-s-dn", "x-ssl-client-verify",
    "x-client-verify", "x-client-dn", "ssl-client-cert", "ssl-client-verify", "ssl-client-subject-dn",
    "x-arr-clientcert", "x-amzn-mtls-clientcert", "x-amzn-mtls-clientcert-leaf", "x-amzn-mtls-clientcert-subject",
})  # fmt: skip

_SCALARS = {"string": "string", "integer": "int", "number": "double", "boolean": "bool"}
_OWN: dict[str, dict[str, str]] = {
    "caller": {
        "id": "string", "role": "string", "owner": "string", "tenant": "string", "tier": "string", "subject": "string",
        "scopes": "list(string)",
    },
    "operation": {"id": "string", "method": "string", "path": "string", "tags": "list(string)"},
    "time": {"hour": "int", "weekday": "int"},
}  # fmt: skip
_LEAVES = {"address": "string", "device": "string", "time": "timestamp"}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute that a condition uses: `cel` is its type there, `value` what the description says of it, if anything."""

    root: str
    path: tuple[str, ...]
    cel: str
    value: Value | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return ".".join((self.root, *self.path))


class Unknown(Exception):
    """There is no such attribute. `depth` is the place in the chain (0: the root) of what is not known."""

    def __init__(self, what: str, remedy: str, depth: int) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.depth = depth


class Value:
    """What a schema says of one place in a JSON text. Its alternatives and parts melt into one, as in a projection."""

    __slots__ = ("_answer", "_atoms", "_description", "kinds")

    def __init__(self, description: Description, schemas: tuple[Schema, ...], *, answer: bool) -> None:
        """`answer`: a response, which holds no `writeOnly` members; else a request, which holds no `readOnly` ones."""
        self._description = description
        self._answer = answer
        self._atoms: list[dict[str, Any]] = []
        seen: set[int] = set()
        for schema in schemas:
            self._gather(schema, seen)
        self.kinds = frozenset(kind for atom in self._atoms for kind in _kinds(atom)) - {"null"}

    def _gather(self, schema: Schema, seen: set[int]) -> None:
        resolved = self._description.resolve(schema)
        if not isinstance(resolved, dict) or id(resolved) in seen:
            return
        seen.add(id(resolved))
        self._atoms.append(resolved)
        for name in ("allOf", "oneOf", "anyOf"):
            for part in resolved.get(name) or ():
                self._gather(part, seen)

    @property
    def cel(self) -> str:
        """Its type in CEL; `object` where it has members of its own, which are asked for by name."""
        if len(self.kinds) != 1:
            return "double" if self.kinds == {"integer", "number"} else "dyn"
        (kind,) = self.kinds
        if kind == "array":
            inner = self.items
            held = inner.cel if inner is not None else "dyn"
            return f"list({'map(string, dyn)' if held == 'object' else held})"
        if kind == "object":
            others = self.others
            if others is None or any(True for _ in self.names()):
                return "object"
            return f"map(string, {'dyn' if others.cel == 'object' else others.cel})"
        return _SCALARS[kind]

    def names(self) -> Iterator[str]:
        """The members that it declares."""
        for atom in self._atoms:
            for name, member in (atom.get("properties") or {}).items():
                resolved = self._description.resolve(member)
                hidden = "writeOnly" if self._answer else "readOnly"
                if not (isinstance(resolved, dict) and resolved.get(hidden) is True):
                    yield name

    def member(self, name: str) -> Value | None:
        """The member of that name; None where it declares none."""
        if name not in set(self.names()):
            return None
        found = tuple(atom["properties"][name] for atom in self._atoms if name in (atom.get("properties") or {}))
        return Value(self._description, found, answer=self._answer)

    @property
    def items(self) -> Value | None:
        """What an array holds."""
        found = tuple(atom["items"] for atom in self._atoms if isinstance(atom.get("items"), dict | bool))
        return Value(self._description, found, answer=self._answer) if found else None

    @property
    def others(self) -> Value | None:
        """What members without a name in the schema are, where it lets them be."""
        found = tuple(
            atom["additionalProperties"] for atom in self._atoms if atom.get("additionalProperties", False) is not False
        )
        return Value(self._description, found, answer=self._answer) if found else None


def _kinds(atom: Mapping[str, Any]) -> set[str]:
    declared = atom.get("type")
    if isinstance(declared, str):
        return {declared}
    if isinstance(declared, list):
        return set(declared)
    if "properties" in atom or "additionalProperties" in atom:
        return {"object"}
    if "items" in atom:
        return {"array"}
    values = atom.get("enum") or ([atom["const"]] if "const" in atom else [])
    return {_kind(one) for one in values}


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) else "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object" if isinstance(value, dict) else "null"


class Environment:
    """The attributes of one operation."""

    def __init__(self, operation: Operation, description: Description, key_field: str, *, open_: bool) -> None:
        """`open_`: it is open to callers without a key, so nothing is known of them."""
        self.operation = operation
        self._description = description
        self._untold = UNTOLD_FIELDS | {key_field.lower()}
        self._open = open_
        self.elements = False
        self._body = self._value(answer=False)
        self._resource = self._value(answer=True)
        if self._resource is not None and self._resource.kinds == {"array"}:
            self.elements = True
            self._resource = self._resource.items

    def _value(self, *, answer: bool) -> Value | None:
        if answer:
            known = [one for status, one in self.operation.responses.items() if status[:1] == "2"]
            media = [schema for one in known for name, schema in one.media.items() if _is_json(name)]
        else:
            media = [schema for name, schema in self.operation.request.items() if _is_json(name)]
        schemas = tuple(one for one in media if one is not None)
        return Value(self._description, schemas, answer=answer) if schemas else None

    def find(self, root: str, names: tuple[str, ...], *, bracketed: bool = False) -> tuple[Attribute, int]:
        """The attribute that a chain of names begins with, and how many of the names it takes.

        `bracketed`: the first name stands in brackets. Raises `Unknown`.
        """
        if root in {"path", "query", "headers"}:
            return self._parameter(root, names, bracketed=bracketed), 1
        if root in {"body", "resource"}:
            return self._declared(root, names)
        if root == "caller" and self._open:
            raise Unknown("the operation is public, so nothing is known of its caller", "use `address` or `time`", 0)
        if root == "caller" and names[:1] == ("claims",):
            if len(names) < 2:
                raise Unknown("caller.claims is not one value", "name the claim, as caller.claims.department", 0)
            return Attribute(root, names, "dyn"), len(names)
        known = _OWN.get(root, {})
        if names and names[0] in known:
            return Attribute(root, names[:1], known[names[0]]), 1
        if root in _LEAVES and not names:
            return Attribute(root, (), _LEAVES[root]), 0
        if root in _LEAVES and not known:
            return Attribute(root, (), _LEAVES[root]), 0
        raise self._none(root, names, (*known, *(("claims",) if root == "caller" else ())), 1 if names else 0)

    def _parameter(self, root: str, names: tuple[str, ...], *, bracketed: bool) -> Attribute:
        location = {"path": "path", "query": "query", "headers": "header"}[root]
        known = {one.name: one for one in self.operation.parameters if one.location == location}
        if not names:
            raise self._none(root, (), tuple(known), 0)
        name = names[0]
        if root == "headers":
            if name.lower() in self._untold:
                what = f"the field {name!r} is a secret, or what a caller says of himself"
                raise Unknown(what, "use `caller` and `address`, which the guard knows", 1)
            if bracketed or name.lower() in {one.lower() for one in known}:
                return Attribute(root, (name.lower(),), "string")
            raise self._none(root, names, tuple(one.lower() for one in known), 1)
        if name not in known:
            raise self._none(root, names, tuple(known), 1)
        declared = known[name]
        value = Value(self._description, (declared.schema,), answer=False)
        cel = value.cel
        listed = root == "query" and cel.startswith("list(") and "map" not in cel and "dyn" not in cel
        if cel == "dyn" and not value.kinds:
            cel = "string"
        if cel not in _SCALARS.values() and not listed:
            what = f"the parameter {name!r} is no single value, so no condition can read it"
            raise Unknown(what, "give it one scalar type in the description", 1)
        return Attribute(root, (name,), cel, value)

    def _declared(self, root: str, names: tuple[str, ...]) -> tuple[Attribute, int]:
        value = self._body if root == "body" else self._resource
        if value is None:
            what = (
                "takes no JSON body with a schema" if root == "body" else "declares no JSON with a schema for success"
            )
            raise Unknown(f"{self.operation.id} {what}", f"declare it, or leave `{root}` out", 0)
        if value.cel != "object":
            if value.kinds and "object" not in value.kinds:
                return Attribute(root, (), value.cel, value), 0
            raise Unknown(f"{root} has no declared members", "declare them in the description", 0)
        for depth, name in enumerate(names, 1):
            inner = value.member(name)
            if inner is None:
                raise self._none(".".join((root, *names[: depth - 1])), names[depth - 1 :], tuple(value.names()), depth)
            value = inner
            if value.cel != "object":
                return Attribute(root, names[:depth], value.cel, value), depth
        raise self._none(".".join((root, *names)), (), tuple(value.names()), len(names))

    def _none(self, holder: str, names: tuple[str, ...], known: tuple[str, ...], depth: int) -> Unknown:
        listed = ", ".join(sorted(known)[:12]) or "nothing"
        if not names:
            return Unknown(f"{holder} is not one value", f"name what of it is meant: {listed}", depth)
        near = get_close_matches(names[0], known, 1)
        remedy = f"did you mean `{near[0]}`?" if near else f"known of {self.operation.id}: {listed}"
        return Unknown(f"{holder} has no {names[0]!r}", remedy, depth)


def _is_json(media: str) -> bool:
    name = media.partition(";")[0].strip().lower()
    return name in {"application/json", "text/json", "*/*", "application/*"} or name.endswith("+json")
