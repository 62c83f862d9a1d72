"""The policies that ship with the product, by name, and the flows of an operation compiled from its record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.plan import Plan
from gateway.policies import (
    convert,
    fault_bodies,
    headers,
    interceptor,
    json_limits,
    logs,
    mediation,
    one_time,
    opa,
    patterns,
    target,
    xml_limits,
)
from gateway.policies.base import AnswerStep, FlowName, Head, Native, Use
from gateway.schema import PolicyUse
from gateway.stages import Step

NATIVE: dict[str, Native] = {
    "addHeader": headers.ADD,
    "removeHeader": headers.REMOVE,
    "disableChunking": headers.DISABLE_CHUNKING,
    "setToHeader": target.SET_TO,
    "addQueryParam": target.ADD_QUERY,
    "changeHTTPMethod": target.CHANGE_METHOD,
    "rewriteResourcePath": target.REWRITE,
    "preserveAcceptHeader": convert.PRESERVE_ACCEPT,
    "applyAcceptHeader": convert.APPLY_ACCEPT,
    "jsonToXML": convert.JSON_TO_XML,
    "xmlToJson": convert.XML_TO_JSON,
    "jsonFault": fault_bodies.JSON_FAULT,
    "debugJsonFault": fault_bodies.DEBUG_JSON_FAULT,
    "addLogMessage": logs.LOG,
    "debugRequestFlow": logs.DEBUG_REQUEST,
    "debugResponseFlow": logs.DEBUG_RESPONSE,
    "jsonValidator": json_limits.POLICY,
    "xmlValidator": xml_limits.POLICY,
    "regexPolicy": patterns.POLICY,
    "revokeOneTimeToken": one_time.POLICY,
    "opaPolicy": opa.POLICY,
    "callInterceptorService": interceptor.POLICY,
}
"""Name of a policy → what compiles it. A use with a definition of its own is mediation, whatever its name."""

ALIASES: dict[str, tuple[str, dict[str, str]]] = {
    "ccAddHeader": ("addHeader", {}),
    "ccRemoveHeader": ("removeHeader", {}),
    "ccRewriteResourcePath": ("rewriteResourcePath", {}),
    "ccChangeHTTPMethod": ("changeHTTPMethod", {"updatedMethod": "httpMethod"}),
    "ccCallInterceptorService": ("callInterceptorService", {}),
}
"""Names under which Choreo Connect knows the same: the policy here, and attributes that are called otherwise."""


@dataclass(frozen=True, slots=True)
class Answering:
    """A compiled response or fault flow. `head`: all it does, when that is known before the answer; `steps` otherwise."""

    steps: tuple[AnswerStep, ...] = ()
    head: Head | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.steps


def native(record: PolicyUse) -> tuple[Native | None, PolicyUse]:
    """What compiles a use, and the use under our own names; None for mediation. Raises ValueError for an unknown policy."""
    if record.definition:
        return None, record
    name, renamed = ALIASES.get(record.name, (record.name, {}))
    found = NATIVE.get(name)
    if found is None:
        raise ValueError(f"policy {record.name!r} is not known to this gateway and has no definition")
    if not renamed:
        return found, record
    return found, replace_parameters(record, renamed)


def replace_parameters(record: PolicyUse, renamed: dict[str, str]) -> PolicyUse:
    """The use with its attributes called otherwise."""
    known = {renamed.get(name, name): value for name, value in record.parameters.items()}
    return PolicyUse(record.name, record.version, known, record.definition)


def uses(plan: Plan, flow: FlowName) -> list[tuple[Native | None, Use]]:
    """The policies of a flow: the API's first, then the operation's. Raises ValueError for one that does not belong there."""
    found = []
    for record in (*getattr(plan.record.flows, flow), *getattr(plan.operation.flows, flow)):
        kind, known = native(record)
        if kind is not None and flow not in kind.flows:
            raise ValueError(
                f"policy {record.name!r} cannot stand in the {flow} flow, only in {', '.join(sorted(kind.flows))}"
            )
        found.append((kind, Use(plan, known, flow)))
    return found


def request_steps(plan: Plan) -> list[Step]:
    """The steps of the request flow. Raises ValueError naming policy, attribute and value."""
    steps = []
    for kind, use in uses(plan, "request"):
        make: Callable[[Use], Step] | None = mediation.compile_request if kind is None else kind.request
        if make is not None:
            steps.append(make(use))
    return steps


def fetches(plan: Plan) -> bool:
    """Whether a policy of the request flow needs the answer fetched whole."""
    return any(kind is not None and kind.fetches for kind, _ in uses(plan, "request"))


def answering(plan: Plan, flow: FlowName) -> Answering:
    """The response or fault flow. Raises ValueError naming policy, attribute and value."""
    steps: list[AnswerStep] = []
    head: Head | None = Head()
    for kind, use in uses(plan, flow):
        make: Callable[[Use], AnswerStep] | None = mediation.compile_answer if kind is None else kind.answer
        if make is None:
            continue
        steps.append(make(use))
        known = kind.head(use) if kind is not None and kind.head is not None else None
        head = head.then(known) if head is not None and known is not None else None
    return Answering(tuple(steps), head)
