"""GraphQL APIs: one address; the operations are the root fields of what is asked for there.

A call is read, parsed and validated, and then goes the way of the fields it runs: their rights must all be met and their limits
all have room, the plan's depth and complexity hold for the whole. Chains of single fields are made with the API, those of several
at their first call and kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from graphql import OperationDefinitionNode

from gateway import faults
from gateway.call import Call
from gateway.chain import proceed
from gateway.counters import Counter
from gateway.faults import Fault
from gateway.kinds import Making, Rows, Stages
from gateway.plan import Plan
from gateway.protocols import graphql_request
from gateway.protocols.graphql_document import Document, Documents, InvalidQuery, Variables, read_schema
from gateway.protocols.graphql_request import Request
from gateway.protocols.graphql_socket import Gate
from gateway.schema import Operation, Policy
from gateway.stages import Step, authenticate
from gateway.stages.limits import UNAUTHENTICATED, Own, own_counters, own_of, take

if TYPE_CHECKING:
    from gateway.compile import CompiledOperation

INTROSPECTION = "graphql_introspection"
"""Property of an API; "off" refuses `__schema` and `__type`."""

ABOUT = "__schema"
"""Name of the operation that stands for calls which ask about the schema only."""

MOST_CHAINS = 500
"""Combinations of fields whose chains are kept."""


@dataclasses.dataclass(slots=True, eq=False)
class Field:
    """What one field asks for: rights of its own, and room in limits of its own."""

    rights: Step | None
    own: Own | tuple[Counter, ...]

    def steps(self) -> tuple[Step, ...]:
        """The same as steps of a call that runs other fields, too."""
        own = self.own

        def room(call: Call) -> bool | Awaitable[bool | None] | None:
            return take(call, own_of(own, call))

        return tuple(step for step in (self.rights, room if own != () else None) if step is not None)


@dataclasses.dataclass(slots=True, eq=False)
class Way:
    """The steps of a set of fields, without CORS: up to the limits on the query itself, and after them."""

    operation: CompiledOperation
    before: tuple[Step, ...]
    after: tuple[Step, ...]
    fields: tuple[Field, ...]
    """What the fields ask for beyond the checks that all share."""


class Graphql:
    """One GraphQL API. Raises ValueError for a definition or an operation that cannot be used."""

    def __init__(self, making: Making) -> None:
        record, settings = making.record, making.services.settings
        self.making = making
        self.limit = settings.graphql_body
        self.documents = Documents(
            read_schema(record.definition), record.complexities, settings.graphql_tokens, settings.graphql_documents
        )
        self.introspection = dict(record.properties).get(INTROSPECTION) != "off"
        open_ones = [one for one in record.operations if one.auth == "none"]
        self.guarded = not open_ones
        """No field is open to all, so that callers are asked who they are before anything of theirs is read."""

        about = Operation("QUERY", ABOUT, auth="none" if len(open_ones) == len(record.operations) else "any")
        self.about = making.plan(about)
        self.plans = {(one.verb, one.target): making.plan(one) for one in (*record.operations, about)}
        self.single = {key: self._single(plan) for key, plan in self.plans.items()}
        self._several: dict[tuple[str, tuple[str, ...]], Way] = {}

    # -- made when the record arrives

    def _single(self, plan: Plan) -> Way:
        made = self.making.compile(plan, _with_mark(self.making.stages, self.guarded))
        place = made.steps.index(_mark)
        across = plan.api.cors
        before = tuple(step for step in made.steps[:place] if step is not across)
        return Way(made, before, made.steps[place + 1 :], (_asked(plan),))

    def first_steps(self) -> tuple[Step, ...]:
        """What every call meets before it is read."""
        plan = self.plans["QUERY", ABOUT]
        known = authenticate.stage(plan) if self.guarded else None
        return tuple(step for step in (plan.api.cors, known) if step is not None)

    # -- for each call

    def step(self, call: Call) -> bool | Awaitable[bool | None]:
        """Reads the call and goes on with the steps of its fields."""
        if call.exchange.method != b"GET":
            return self._post(call)
        try:
            request = graphql_request.from_query(call.exchange.query)
        except InvalidQuery as error:
            return call.refuse(faults.invalid_query(str(error)))
        return self._run(call, request)

    async def _post(self, call: Call) -> bool:
        exchange = call.exchange
        try:
            graphql_request.refuse_second(exchange.query)
            if exchange.fields.get(b"content-encoding", b"identity") != b"identity":
                raise InvalidQuery("The body must not be compressed.")
            body = await call.read(self.limit)
            request = graphql_request.from_body(exchange.fields.get(b"content-type", b""), body)
        except InvalidQuery as error:
            return call.refuse(faults.invalid_query(str(error)))
        if request.body is not None:
            call.edit().body = request.body
        return self._run(call, request)

    def _run(self, call: Call, request: Request) -> bool:
        try:
            document = self.documents.get(request.query)
            operation = document.operation(request.operation)
            verb, names = self.asked(document, operation, request.variables)
        except InvalidQuery as error:
            return call.refuse(faults.invalid_query(str(error)))
        if verb == "MUTATION" and call.exchange.method == b"GET":
            return call.refuse(faults.NOT_ALLOWED, "a mutation by GET", b"allow: POST\r\n")
        way = self.way(verb, names)
        if way is None:
            return call.refuse(faults.NO_MATCHING_RESOURCE, f"no operation for one of {names}")
        call.operation = way.operation
        query = call.exchange.query
        call.edit().target = b"?" + query if query else b""

        def measure(call: Call) -> bool | None:
            fault = self.too_much(call, document, operation, request.variables)
            return call.refuse(fault) if fault is not None else None

        proceed(call, (*way.before, measure, *way.after))
        return True

    def asked(
        self, document: Document, operation: OperationDefinitionNode, variables: Variables
    ) -> tuple[str, tuple[str, ...]]:
        """Kind of the operation and its root fields, in order of name. Raises InvalidQuery for introspection that is off."""
        names = document.roots(operation, variables)
        kept = tuple(sorted(name for name in names if not name.startswith("__")))
        if not self.introspection and any(name in ("__schema", "__type") for name in names):
            raise InvalidQuery("Introspection is not offered by this API.")
        return operation.operation.value.upper(), kept

    def way(self, verb: str, names: tuple[str, ...]) -> Way | None:
        """The steps of a call for these root fields; None when one of them is not offered."""
        if not names:
            return self.single["QUERY", ABOUT]
        if len(names) == 1:
            return self.single.get((verb, names[0]))
        known = self._several.get((verb, names))
        if known is None and all((verb, name) in self.single for name in names):
            if len(self._several) >= MOST_CHAINS:
                self._several.clear()
            known = self._several[verb, names] = self._joined(verb, names)
        return known

    def _joined(self, verb: str, names: tuple[str, ...]) -> Way:
        """The way of the first field that wants to know its caller, with what the others ask for besides."""
        ordered = sorted(names, key=lambda name: self.plans[verb, name].operation.auth == "none")
        ways = [self.single[verb, name] for name in ordered]
        first = ways[0]
        record = Operation(verb, ",".join(names)[:1000])
        others = tuple(step for way in ways[1:] for field in way.fields for step in field.steps())
        asked = tuple(field for way in ways for field in way.fields)
        return Way(dataclasses.replace(first.operation, record=record), first.before, others + first.after, asked)

    def too_much(
        self, call: Call, document: Document, operation: OperationDefinitionNode, variables: Variables
    ) -> Fault | None:
        """The refusal of a query that goes deeper or costs more than its caller's plan allows."""
        plan = self._plan(call)
        if plan is None or not (plan.graphql_max_depth or plan.graphql_max_complexity):
            return None
        try:
            found = document.measure(operation, variables)
        except RecursionError:
            return faults.invalid_query("The document is nested too deeply.")
        if plan.graphql_max_depth and found.depth > plan.graphql_max_depth:
            return faults.too_deep(found.depth, plan.graphql_max_depth)
        if plan.graphql_max_complexity and found.cost > plan.graphql_max_complexity:
            return faults.too_complex(min(found.cost, 10**15), plan.graphql_max_complexity)
        return None

    def _plan(self, call: Call) -> Policy | None:
        decision = call.decision
        subscription = decision.subscription if decision is not None else None
        name = subscription.plan if subscription is not None else UNAUTHENTICATED
        policies = self.making.services.current().records["policy"]
        found: Policy | None = policies.get(f"{self.making.record.organisation}:subscription:{name}")
        return found


def _mark(call: Call) -> None:
    """Stands where the query itself is measured; never run."""


def _with_mark(stages: Stages, guarded: bool) -> Stages:
    """The stages of a field: the limits on the query come before those that count calls."""
    found: list[tuple[str, Callable[[Plan], Step | None]]] = []
    for name, stage in stages:
        if name == "limits":
            found.append(("limits", lambda plan: _mark))
        if not (guarded and stage is authenticate.stage):
            found.append((name, stage))
    return tuple(found)


def _asked(plan: Plan) -> Field:
    """What a field asks for when it is called together with others."""
    rights = authenticate.rights_stage(plan) if plan.operation.auth != "none" else None
    return Field(rights, own_counters(plan, plan.operation) if not plan.record.policy else ())


def compile(making: Making) -> Rows:
    """The resources of a GraphQL API: POST and GET, on whatever path."""
    if making.record.lifecycle == "BLOCKED":
        return [(verb, "/*", making.compile(making.plan(Operation(verb, "/*")))) for verb in ("POST", "GET")]
    api = Graphql(making)
    usual = (*api.first_steps(), api.step)
    made = api.single["QUERY", ABOUT].operation
    post = dataclasses.replace(made, record=Operation("POST", "/*"), steps=usual)
    get = dataclasses.replace(made, record=Operation("GET", "/*"), steps=(Gate(api, usual),))
    return [("POST", "/*", post), ("GET", "/*", get)]
