"""From records to running chains: what can be known before a call is worked out here, when the record arrives."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway import faults
from gateway.auth import assertion
from gateway.call import Call
from gateway.kinds import Kind, Making, Stages
from gateway.observe import Tally
from gateway.plan import Plan, Unusable
from gateway.principal import Decision
from gateway.protocols import graphql, sse, websocket, websub
from gateway.schema import Api, Cors, Operation, Policy
from gateway.services import Services
from gateway.stages import Step, answer, authenticate, cors, deny, limits, policies, subscription
from gateway.stages.route import BadPath, Resources, plain

log = logging.getLogger("gateway")

_VERB = re.compile(r"[A-Za-z][A-Za-z_-]{0,31}").fullmatch

ORDER = (
    "route",
    "cors",
    "authenticate",
    "subscription",
    "deny",
    "limits",
    "request_policies",
    "endpoint",
    "response_policies",
    "analytics",
)
"""The stages in their order. `route` is gateway.pipeline, `analytics` gateway.observe."""

STAGES: Stages = (
    ("cors", cors.stage),
    ("authenticate", authenticate.stage),
    ("authenticate", authenticate.rights_stage),
    ("subscription", subscription.stage),
    ("deny", deny.stage),
    ("limits", limits.stage),
    ("authenticate", assertion.stage),
    ("request_policies", policies.stage),
    ("endpoint", answer.stage),
)
"""The compilers of one operation's chain. `answer` is the endpoint with the response and fault policies."""

KINDS: dict[str, Kind] = {"GRAPHQL": graphql.compile, "SSE": sse.rows, "WEBSUB": websub.rows, "WS": websocket.rows}
"""Kind of API → what picks its operations (gateway.protocols). Kinds that are not here are matched by verb and path."""

SCHEME_OF = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
"""Transport as an API names it → scheme of the connections that its calls come in on."""

SCHEMES = frozenset({"oauth2", "api_key", "basic_auth", "mutualssl"})
"""The security schemes a gateway can check. An API that names another is refused rather than left open."""

Preflight = Callable[[Call, list[bytes]], bool]


@dataclass(slots=True, eq=False)
class CompiledOperation:
    """One operation: its record, its steps, and the names of the stages they come from."""

    record: Operation
    steps: tuple[Step, ...]
    stages: tuple[str, ...]


@dataclass(slots=True, eq=False)
class CompiledApi:
    """One API ready to serve. `decisions` fills while serving and is emptied when what it was made from changes."""

    record: Api
    resources: Resources[CompiledOperation]
    preflight: Preflight
    cors: Step | None
    schemes: frozenset[str]
    decisions: dict[str, Decision]
    notes: list[str] = field(default_factory=list)
    shared: dict[str, Any] = field(default_factory=dict)
    tally: Tally | None = None
    log_level: str | None = None
    """How much is logged of its calls, when that was raised while running: BASIC, STANDARD or FULL."""

    @property
    def contexts(self) -> list[bytes]:
        """The base paths it answers on."""
        return [context.encode() for context in (self.record.context, self.record.default_context) if context]


class Compiler:
    """Makes compiled APIs."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._cors: dict[Cors, tuple[Step | None, Preflight]] = {}

    def api(self, record: Api, known_policies: dict[str, Policy]) -> CompiledApi:
        """The chains of an API. Raises Unusable, naming the value, when the record cannot be served."""
        _check(record)
        try:
            across, preflight = self._shared_cors(record.cors)
            api = CompiledApi(
                record=record,
                resources=Resources(()),
                preflight=preflight,
                cors=across,
                schemes=frozenset(SCHEME_OF[transport] for transport in record.transports),
                decisions={},
            )
            making = Making(self.services, api, known_policies, compile_operation, STAGES)
            api.resources = Resources(KINDS.get(record.kind, Making.rows)(making))
        except ValueError as error:
            raise Unusable(str(error)) from error
        except Exception as error:  # a surprise in one record must not hold up all changes behind it
            log.exception(
                "an API cannot be compiled", extra={"fields": {"api": record.name, "version": record.version}}
            )
            raise Unusable(f"it cannot be compiled: {type(error).__name__}: {str(error)[:200]}") from error
        return api

    def _shared_cors(self, record: Cors) -> tuple[Step | None, Preflight]:
        """The CORS steps of this record; most APIs have the same. Raises ValueError for one that must not be served."""
        found = self._cors.get(record)
        if found is None:
            cors.check(record)
            found = self._cors[record] = cors.compile(record), cors.compile_preflight(record)
        return found


_named: dict[tuple[str, ...], tuple[str, ...]] = {}
"""Names of stages, kept once: there are few different ones."""


def compile_operation(plan: Plan, stages: Stages = STAGES) -> CompiledOperation:
    """The chain of one operation; stages with nothing to do are left out. Raises ValueError naming a value it cannot use."""
    if plan.record.lifecycle == "BLOCKED":
        found: list[tuple[str, Step | None]] = [("cors", plan.api.cors), ("route", _blocked)]
    else:
        found = [(name, stage(plan)) for name, stage in stages]
    kept = [(name, step) for name, step in found if step is not None]
    names = tuple(dict.fromkeys(name for name, _ in kept))
    return CompiledOperation(plan.operation, tuple(step for _, step in kept), _named.setdefault(names, names))


def _blocked(call: Call) -> bool:
    return call.refuse(faults.BLOCKED)


def _check(record: Api) -> None:
    """Raises Unusable for what the schema cannot say."""
    for name, context in (("context", record.context), ("default_context", record.default_context)):
        wrong = not context.startswith("/") or context.endswith("/") or "//" in context or not context.isascii()
        if wrong and (context or name == "context"):
            raise Unusable(f"{name} {context!r} is not a path of the form /name/version")
    secured = [operation for operation in record.operations if operation.auth != "none"]
    unknown = sorted(set(record.security) - SCHEMES)
    if secured and unknown:
        raise Unusable(f"security {unknown} cannot be checked here; the schemes are {sorted(SCHEMES)}")
    strange = set(record.transports) - SCHEME_OF.keys()
    if strange or not record.transports:
        raise Unusable(f"transports {sorted(strange)} are not among {', '.join(SCHEME_OF)}")
    if not record.operations:
        raise Unusable("it has no operations")
    for operation in record.operations:
        if not _VERB(operation.verb):
            raise Unusable(f"verb {operation.verb!r} is not a word of letters")
        try:
            plain(operation.target.encode())
        except BadPath as error:
            raise Unusable(f"target {operation.target!r} has a dot segment, a NUL or a broken escape") from error
