"""The guard: a contract compiled once, asked about every request and every response. It does no I/O.

`admit` gives the operation's `Plan` (go on, and treat the response as it says), an `Answer` (send this instead) or a
`Need` (bring this fact and ask again). Whatever goes wrong inside a check is a refusal.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import structs

from ninefold.contract.rules import standing
from ninefold.guard.answer import Answer, Fields, lines, refuse
from ninefold.guard.behind import Sampler
from ninefold.guard.ceilings import Ceilings
from ninefold.guard.chain import CHAIN
from ninefold.guard.entrance import Entrance
from ninefold.guard.gcra import Limiter
from ninefold.guard.lookout import lookout_of
from ninefold.guard.need import Need
from ninefold.guard.outlook import NOBODY, Outlook
from ninefold.guard.penalty import Penalties
from ninefold.guard.plan import Check, Manner, Permission, Plan, Setting
from ninefold.guard.roles import grants, permission, rules_for
from ninefold.guard.router import AmbiguousPath, Resource, Router
from ninefold.guard.treatment import Projectors

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from ninefold.contract.description import Description, Operation
    from ninefold.contract.documents import Graph
    from ninefold.contract.model import Contract
    from ninefold.contract.source import Source
    from ninefold.guard.keyring import Keyring
    from ninefold.guard.outlook import View
    from ninefold.guard.request import Request
    from ninefold.guard.tokens import Tokens
    from ninefold.guard.treatment import Treatments

_PREFLIGHT = "preflight"


class Guard:
    """Immutable but for what its limits count. Safe for one thread."""

    def __init__(
        self,
        contract: Contract,
        description: Description,
        keyring: Keyring,
        *,
        local: Sequence[IPv4Network | IPv6Network],
        described: bytes = b"",
        tokens: Tokens | None = None,
        source: Source | None = None,
        pseudonym_key: bytes = b"",
        graphs: Mapping[str, Graph] | None = None,
    ) -> None:
        """Compile. `local` are this machine's own addresses; `described` is what `api.serve_description` serves.

        `tokens` are needed where the contract has an `identity`; `source` is the contract's file, for the trail to tell a
        rule's place in it; `pseudonym_key` is that of `responses.mask`, `graphs` are what
        its GraphQL endpoints serve, by their operation.

        Raises `DescriptionError` where a response schema cannot be followed, `ConditionFaults` where a condition cannot.
        """
        self.contract = contract
        self._description = description
        self._place = standing(source)
        self._graphs = graphs or {}
        self._keyring = keyring
        self._tokens = tokens
        self._local = tuple(local)
        self._grants = grants(contract.authorization)
        self._outlook = Outlook(contract.responses, description, pseudonym_key)
        self._lookout = lookout_of(contract.responses.leaks)
        self._projected: dict[View, Projectors] = {}
        self._sampler = Sampler()
        self._limiters = _limiters(contract)
        self._penalties = Penalties(contract.limits.penalty) if contract.limits.penalty is not None else None
        self._checks: dict[tuple[str, Hashable], Check | None] = {}
        self._chains: dict[tuple[Check, ...], tuple[Check, ...]] = {}
        #: At which check of a chain it is asked who calls.
        self._asking: dict[tuple[Check, ...], int] = {}
        self._origins = {origin.encode(): self._cross_origin(origin.encode()) for origin in contract.origins.allow}
        key_field = contract.keys.header.lower().encode()
        identity = contract.identity
        proofs = frozenset({b"authorization", b"dpop"}) if identity and identity.forward is None else frozenset[bytes]()
        self._manners = {
            (private, whole, judged, reads): Manner(
                self._fields(),
                private=private,
                whole=whole,
                key_field=key_field,
                proofs=proofs,
                judged=judged,
                follows=contract.responses.compression == "follow",
                varies=self._outlook.varies and whole,
                reads=reads,
            )
            for private in (False, True)
            for whole in (False, True)
            for judged in (False, True)
            for reads in (False, True)
        }  # fmt: skip
        self._entrance = Entrance(description, contract.requests)
        projectors = self._projectors(NOBODY)
        methods: dict[str, list[str]] = {}
        for operation in description.operations:
            methods.setdefault(operation.path, []).append(operation.method)
        for known in methods.values():
            if "GET" in known and "HEAD" not in known:
                known.append("HEAD")
        routes = [
            (operation.method, operation.path, self._plan(operation, methods[operation.path], projectors))
            for operation in description.operations
        ]
        projectors.ready()
        self._entrance.ready()
        by_template = {(template, method): plan for method, template, plan in routes}
        opened = {operation.path: self._permission(operation).open for operation in description.operations}
        others: dict[tuple[tuple[str, ...], bool], tuple[Plan, Plan]] = {}
        for template, known in methods.items():
            if "HEAD" in known and (template, "HEAD") not in by_template:
                routes.append(("HEAD", template, by_template[template, "GET"]))
            alike = (tuple(known), opened[template])
            if alike not in others:
                others[alike] = self._preflight(known, open_=opened[template]), self._not_allowed(known)
            routes += zip((_PREFLIGHT, ""), (template, template), others[alike], strict=True)
        if contract.api.serve_description is not None:
            answer = Answer(
                200, ((b"content-type", b"application/json"),), described, "answered", "route", "description"
            )
            served = self._nothing(answer, "description")
            routes += [(method, contract.api.serve_description, served) for method in ("GET", "HEAD")]
            routes.append(("", contract.api.serve_description, self._not_allowed(["GET", "HEAD"])))
        self._router = Router(routes)
        self._nowhere = self._nothing(refuse(404, "route", "the path is not declared"))
        self._ambiguous = self._nothing(refuse(400, "route", "the path can be read in two ways", closes=True))

    def admit(self, request: Request) -> Plan | Answer | Need:
        """Decide about one request. After a `Need`, ask again with the same request."""
        try:
            plan = request.plan
            if plan is None:
                plan = request.plan = self.plan(request)
            checks = plan.checks
            for check in checks[request.step :] if request.step else checks:
                verdict = check(request)
                if verdict is not None:
                    if type(verdict) is Need:
                        # a body may take minutes: who calls is asked again with it, and may have been revoked
                        request.step = self._asking[checks] if verdict is Need.BODY else checks.index(check)
                    return verdict
        except Exception as fault:  # noqa: BLE001  # a fault of ours must not open the gate
            return refuse(503, "guard", f"{type(fault).__name__}: {fault}", closes=True)
        return request.plan or plan

    def plan(self, request: Request) -> Plan:
        """What the request is about, nothing checked yet."""
        try:
            resource: Resource[Plan] | None = self._router.find(request.path)
        except AmbiguousPath:
            return self._ambiguous
        if resource is None:
            return self._nowhere
        method = request.method
        if method == "OPTIONS" and b"access-control-request-method" in request.fields and b"origin" in request.fields:
            method = _PREFLIGHT
        plan = resource.plan(method) or resource.plan("")
        assert plan is not None
        return plan

    def block(self, request: Request) -> bytes:
        """The fields of this one answer as header lines, beside `Plan.block`: its id, how its limit stands, its origin."""
        allowance = request.allowance
        origin = self._origins[request.origin] if request.origin else b""
        if allowance is None:
            return b"x-request-id: %b\r\n%b" % (request.id, origin)
        return b"x-request-id: %b\r\nratelimit: %b;r=%d;t=%d\r\n%b" % (
            request.id,
            allowance.limit.text,
            allowance.remaining,
            allowance.reset + 1,
            origin,
        )

    def _permission(self, operation: Operation) -> Permission:
        return permission(self.contract.authorization, operation.id)

    def _setting(
        self,
        operation: Operation | None,
        methods: Sequence[str],
        final: Answer | None = None,
        *,
        open_: bool = False,
        preflight: bool = False,
    ) -> Setting:
        asked = self._permission(operation) if operation is not None else Permission(open=open_)
        return Setting(
            self.contract, operation, asked, tuple(methods), self._keyring, self._local, self._grants, self._limiters,
            final, preflight, self._tokens, self._description, self._place, self._penalties, self._entrance,
            graphs=self._graphs,
        )  # fmt: skip

    def _compile(self, setting: Setting) -> tuple[Check, ...]:
        """The chain for one setting; checks that depend on the same are the same, and so are chains of the same."""
        found = []
        for step in CHAIN:
            known = (step.name, step.basis(setting))
            if known not in self._checks:
                self._checks[known] = step.compile(setting)
            found.append(self._checks[known])
        chain = tuple(check for check in found if check is not None)
        before = found[: [step.name for step in CHAIN].index("caller")]
        self._asking[chain] = sum(check is not None for check in before)
        return self._chains.setdefault(chain, chain)

    def _projectors(self, view: View) -> Projectors:
        known = self._projected.get(view)
        if known is None:
            responses, outlook = self.contract.responses, self._outlook
            known = self._projected[view] = Projectors(
                self._description,
                undeclared=responses.undeclared,
                fields=outlook.fields(view),
                varies=outlook.varies,
                lookout=self._lookout,
                ceilings=Ceilings(self.contract.limits.lists, self._description),
                sampler=self._sampler,
            )
        return known

    def _plan(self, operation: Operation, methods: Sequence[str], projectors: Projectors) -> Plan:
        setting = self._setting(operation, methods)
        rules = rules_for(self.contract.authorization, operation.id)
        open_ = operation.id in self.contract.responses.open
        treatments = projectors.treatments(operation, open_=open_)
        views = None
        if self._outlook.varies and treatments.reads_bodies:
            views = _Views(self._outlook, lambda view: self._projectors(view).treatments(operation, open_=open_))
            setting = replace(setting, views=views.of)
        asked, reads = setting.permission, operation.method in {"GET", "HEAD"}
        plan = Plan(
            self._compile(setting),
            treatments,
            self._manners[not asked.open, treatments.reads_bodies, asked.judged, reads and self._outlook.varies],
            operation.id,
            frozenset(name.lower().encode() for rule in rules for name in rule.upgrade),
            "" if "{" in operation.path else operation.path,
        )
        if views is not None:
            views.bind(plan)
        return plan

    def _nothing(self, answer: Answer, operation: str = "") -> Plan:
        return Plan(
            self._compile(self._setting(None, (), answer)), None, self._manners[False, False, False, False], operation
        )

    def _preflight(self, methods: Sequence[str], *, open_: bool) -> Plan:
        setting = self._setting(None, methods, open_=open_, preflight=True)
        last = self._not_allowed(methods).checks  # where it is not the origin that answers
        return Plan((*self._compile(setting), *last[-1:]), None, self._manners[False, False, False, False], "")

    def _not_allowed(self, methods: Sequence[str]) -> Plan:
        allow = ((b"allow", ", ".join(sorted(methods)).encode()),)
        return self._nothing(refuse(405, "route", "the method is not declared", allow))

    def _fields(self) -> Fields:
        """What every answer carries: no sniffing, no framing, no referrer, TLS from now on (OWASP API8:2023)."""
        encryption = self.contract.encryption
        fields = [
            (b"x-content-type-options", b"nosniff"),
            (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
            (b"referrer-policy", b"no-referrer"),
            (b"ratelimit-policy", b", ".join(limiter.policy for limiter in self._limiters)),
        ]
        if encryption.plain is None and encryption.hsts:
            fields.append((b"strict-transport-security", b"max-age=%d" % encryption.hsts))
        if self._origins:
            fields.append((b"vary", b"Origin"))
        return tuple(fields)

    def _cross_origin(self, origin: bytes) -> bytes:
        origins = self.contract.origins
        asked = ("WWW-Authenticate", "DPoP-Nonce") if self.contract.identity is not None else ()
        expose = ", ".join(("RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id", *asked, *origins.expose))
        fields = [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", expose.encode()),
        ]
        if origins.credentials:
            fields.append((b"access-control-allow-credentials", b"true"))
        return lines(fields)


class _Views:
    """The plans of one operation, by what a caller sees of its answers."""

    __slots__ = ("_made", "_outlook", "_treatments")

    def __init__(self, outlook: Outlook, treatments: Callable[[View], Treatments]) -> None:
        self._outlook = outlook
        self._treatments = treatments
        self._made: dict[View, Plan] = {}

    def bind(self, plan: Plan) -> None:
        """`plan` is the one of who sees least."""
        self._made[NOBODY] = plan

    def of(self, scopes: frozenset[str]) -> Plan:
        """The plan for who holds these."""
        view = self._outlook.view(scopes)
        known = self._made.get(view)
        if known is None:
            known = structs.replace(self._made[NOBODY], treatments=self._treatments(view))
            self._made[view] = known
        return known


def _limiters(contract: Contract) -> tuple[Limiter, ...]:
    """One for each rate, named after what it counts; the second of a name is `name-2`."""
    used: dict[str, int] = {}
    made = []
    for limit in contract.limits.rates:
        name = "-".join(limit.per)
        used[name] = used.get(name, 0) + 1
        made.append(Limiter(name if used[name] == 1 else f"{name}-{used[name]}", limit.rate, limit.depth))
    return tuple(made)
