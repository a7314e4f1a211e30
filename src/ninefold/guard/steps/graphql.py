"""GraphQL queries, held against their schema and the contract before the API gets them (GraphQL over HTTP, section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import json as msgjson
from msgspec import structs

from ninefold.guard.answer import Answer
from ninefold.guard.foreign import Malformed, Unreadable
from ninefold.guard.lookout import lookout_of
from ninefold.guard.need import Need
from ninefold.guard.plan import Check, Plan, Setting, Step

if TYPE_CHECKING:
    from ninefold.guard.graphql.document import Asked
    from ninefold.guard.request import Request

_HEAD = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))


def compile_graphql(setting: Setting) -> Check | None:
    """Judges each query; the answer is held against what it selects.

    Raises `ContractProblems` where a listed document can never be run.
    """
    operation = setting.operation
    settings = next((one for one in setting.contract.graphql if operation and one.operation == operation.id), None)
    graph = setting.graphs.get(operation.id) if operation is not None else None
    if operation is None or settings is None or graph is None:
        return None
    from ninefold.guard.graphql.document import Unfit  # noqa: PLC0415  # loads what few contracts need
    from ninefold.guard.graphql.judge import Judge  # noqa: PLC0415
    from ninefold.guard.graphql.query import in_body, in_target, put_body, put_target  # noqa: PLC0415
    from ninefold.guard.graphql.served import Served, Several  # noqa: PLC0415

    # names of members are the caller's own here (aliases), so none tells what is expected
    judge = Judge(settings, graph, lookout_of(setting.contract.responses.leaks, named=False))
    reads = operation.method in {"GET", "HEAD"}
    opened = operation.id in setting.contract.responses.open

    def check(request: Request) -> Answer | Need | None:
        if not reads and request.content is None:
            return Need.BODY if request.body else _refused(400, "A query is needed.", "no body")
        try:
            queries, listed = ([in_target(request)], False) if reads else in_body(request, settings.batch)
            found = [judge.judge(one, request.scopes, reads=reads, alone=not listed) for one in queries]
            sent = [one for _, one in found]
            if reads and sent[0] is not None:
                put_target(request, sent[0])
            elif any(one is not None for one in sent):
                put_body(request, sent, listed=listed)
        except Unfit as fault:
            return _refused(fault.status, fault.told, str(fault), fault.code)
        except (Malformed, Unreadable) as fault:
            return _refused(400, "The request cannot be read.", str(fault))
        plan = request.plan
        assert plan is not None
        if not isinstance(plan.treatments, Served):
            asked = [one for one, _ in found]
            request.plan = several(plan, asked) if listed else one_of(plan, asked[0])
        return None

    def one_of(plan: Plan, asked: Asked) -> Plan:
        known = asked.plans.get(plan)
        if known is None:
            assert plan.treatments is not None
            assert asked.projector is not None
            served = Served(plan.treatments, asked.projector, streams=settings.subscriptions, opened=opened)
            known = asked.plans[plan] = structs.replace(plan, treatments=served)
        return known

    def several(plan: Plan, asked: list[Asked]) -> Plan:
        assert plan.treatments is not None
        each = [one.projector for one in asked if one.projector is not None]
        served = Served(plan.treatments, Several(each, judge.refusal), streams=False, opened=opened)
        return structs.replace(plan, treatments=served)

    return check


def _refused(status: int, told: str, why: str, code: str = "") -> Answer:
    """In the form that GraphQL's clients read."""
    error = {"message": told, "extensions": {"code": code}} if code else {"message": told}
    return Answer(status, _HEAD, msgjson.encode({"errors": [error]}), "refused", "graphql", why)


def _basis(setting: Setting) -> object:
    operation = setting.operation
    return operation.id if operation is not None and operation.id in setting.graphs else None


STEP = Step("graphql", compile_graphql, _basis)
