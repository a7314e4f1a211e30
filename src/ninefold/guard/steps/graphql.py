"""GraphQL queries, held against their schema and the contract before the API gets them (GraphQL over HTTP, section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import json as msgjson
from msgspec import structs

from ninefold.guard.answer import Answer
from ninefold.guard.foreign import Malformed, Unreadable, read_json, read_query
from ninefold.guard.need import Need
from ninefold.guard.plan import Check, Setting, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.guard.request import Request

#: Members of a request; others are not known to every server.
_MEMBERS = frozenset({"query", "operationName", "variables", "extensions"})
_HEAD = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))


def compile_graphql(setting: Setting) -> Check | None:
    """Judges each query; the answer is held against what it selects."""
    operation = setting.operation
    settings = next((one for one in setting.contract.graphql if operation and one.operation == operation.id), None)
    schema = setting.graphs.get(operation.id) if operation is not None else None
    if operation is None or settings is None or schema is None:
        return None
    from ninefold.guard.graphql.judge import Judge, Unfit  # noqa: PLC0415  # loads what few contracts need
    from ninefold.guard.graphql.served import Served  # noqa: PLC0415

    judge = Judge(settings, schema)
    reads = operation.method in {"GET", "HEAD"}

    def check(request: Request) -> Answer | Need | None:
        if not reads and request.content is None:
            return Need.BODY if request.body else _refused(400, "A query is needed.", "no body")
        try:
            queries = [_in_query(request)] if reads else _in_body(request, settings.batch)
            asked = [
                judge.judge(
                    one["query"], one.get("operationName"), one.get("variables") or {}, request.scopes, reads=reads
                )
                for one in queries
            ]
        except Unfit as fault:
            return _refused(fault.status, fault.told, str(fault))
        except (Malformed, Unreadable) as fault:
            return _refused(400, "The request cannot be read.", str(fault))
        plan = request.plan
        assert plan is not None
        assert plan.treatments is not None
        if len(asked) == 1 and asked[0].projector is not None and not isinstance(plan.treatments, Served):
            request.plan = structs.replace(plan, treatments=Served(plan.treatments, asked[0].projector))
        return None

    return check


def _in_body(request: Request, batch: int) -> list[dict[str, Any]]:
    """The queries in a JSON body. Raises `Malformed`."""
    media = request.fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media != b"application/json":
        raise Malformed("the body is not application/json")
    found = read_json(request.content or b"")
    if isinstance(found, list):
        if not 0 < len(found) <= batch or batch == 1:
            raise Malformed(f"more than {batch} queries in one request")
        return [_request(one) for one in found]
    return [_request(found)]


def _in_query(request: Request) -> dict[str, Any]:
    """The one in a query of HTTP. Raises `Unreadable` or `Malformed`."""
    found = read_query(request.target.partition(b"?")[2])
    if any(len(found.get(name, ())) > 1 for name in _MEMBERS):
        raise Malformed("a parameter came more than once")
    told = {name: found[name][0] for name in _MEMBERS if name in found}
    made: dict[str, Any] = {name: told[name] for name in ("query", "operationName") if told.get(name)}
    for name in ("variables", "extensions"):
        if told.get(name):
            made[name] = read_json(told[name].encode())
    return _request(made)


def _request(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict) or not set(found) <= _MEMBERS:
        raise Malformed("it is no GraphQL request: an object with `query`, `operationName`, `variables`, `extensions`")
    shapes: Mapping[str, tuple[type, ...]] = {
        "query": (str,), "operationName": (str, type(None)), "variables": (dict, type(None)), "extensions": (dict, type(None)),
    }  # fmt: skip
    for name, value in found.items():
        if not isinstance(value, shapes[name]):
            raise Malformed(f"`{name}` is of the wrong type")
    if not found.get("query"):
        raise Malformed("there is no `query`")
    return found


def _refused(status: int, told: str, why: str) -> Answer:
    """In the form that GraphQL's clients read."""
    body = msgjson.encode({"errors": [{"message": told}]})
    return Answer(status, _HEAD, body, "refused", "graphql", why)


def _basis(setting: Setting) -> object:
    operation = setting.operation
    return operation.id if operation is not None and operation.id in setting.graphs else None


STEP = Step("graphql", compile_graphql, _basis)
