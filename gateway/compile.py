"""From records to running chains: what can be known before a call is worked out here, when the record arrives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway import faults
from gateway.call import Call
from gateway.counters import Counter, Counters
from gateway.observe import Tally
from gateway.principal import Decision
from gateway.realm import Realm
from gateway.schema import Api, Cors, Operation, Policy
from gateway.stages import Step, authenticate, cors, endpoint, limits, subscription
from gateway.stages.route import BadPath, Resources, plain
from gateway.upstreams import Upstreams

if TYPE_CHECKING:
    from gateway.state import State

ORDER = (
    "route",
    "cors",
    "authenticate",
    "subscription",
    "limits",
    "request_policies",
    "endpoint",
    "response_policies",
    "analytics",
)
"""The stages in their order. `route` is gateway.pipeline, `analytics` gateway.observe; the policies come with their records."""

UNAUTHENTICATED = "Unauthenticated"
"""Name of the subscription policy for operations that anybody may call."""


SCHEMES = frozenset({"oauth2"})
"""The security schemes a gateway can check. An API that wants others only is refused rather than left open."""

Preflight = Callable[[Call, list[bytes]], bool]


class Unusable(ValueError):
    """A record that no chain can be made of; the text says what is wrong with which value."""


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
    tally: Tally | None = None

    @property
    def contexts(self) -> list[bytes]:
        """The base paths it answers on."""
        return [context.encode() for context in (self.record.context, self.record.default_context) if context]


class Compiler:
    """Makes compiled APIs. Holds what outlives a change: counters, verified tokens, connection pools."""

    def __init__(self, upstreams: Upstreams, token_capacity: int) -> None:
        self.counters = Counters()
        self.upstreams = upstreams
        self.token_capacity = token_capacity
        self.realms: dict[str, Realm] = {}
        self._cors: dict[Cors, tuple[Step | None, Preflight]] = {}
        self._authenticate: dict[tuple[str, str], Step] = {}
        self.current: Callable[[], State] = _no_state

    def realm(self, organisation: str) -> Realm:
        """The realm of an organisation, made at first need."""
        realm = self.realms.get(organisation)
        if realm is None:
            realm = self.realms[organisation] = Realm(self.token_capacity)
        return realm

    def api(self, record: Api, policies: dict[str, Policy]) -> CompiledApi:
        """The chains of an API. Raises Unusable, naming the value, when the record cannot be served."""
        _check(record)
        try:
            cors.check(record.cors)
            backends = {
                "PRODUCTION": self.upstreams.backend(record.production) if record.production else None,
                "SANDBOX": self.upstreams.backend(record.sandbox) if record.sandbox else None,
            }
        except ValueError as error:
            raise Unusable(str(error)) from error
        decisions: dict[str, Decision] = {}
        across, preflight = self._shared_cors(record.cors)

        def decide(consumer: str) -> Decision:
            return self.current().decide(record, consumer, backends, self.counters)

        api = CompiledApi(
            record=record,
            resources=Resources(()),
            preflight=preflight,
            cors=across,
            schemes=frozenset(record.transports),
            decisions=decisions,
        )
        stages = {
            "cors": api.cors,
            "subscription": subscription.compile(decisions, decide),
            "endpoint": endpoint.compile(record, backends["PRODUCTION"] or backends["SANDBOX"]),
        }
        api.resources = Resources(
            (operation.verb, operation.target, self._operation(api, operation, stages, policies))
            for operation in record.operations
        )
        return api

    def _operation(
        self, api: CompiledApi, operation: Operation, shared: dict[str, Step | None], policies: dict[str, Policy]
    ) -> CompiledOperation:
        record = api.record
        if record.lifecycle == "BLOCKED":
            return _compiled(operation, [("cors", api.cors), ("route", _blocked)])
        open_to_all = operation.auth == "none"
        own = self._own_limits(api, operation, policies)
        if open_to_all:
            policy = policies.get(f"{record.organisation}:subscription:{UNAUTHENTICATED}")
            limit = limits.compile_anonymous(self.counters, policy, own, record.id)
        else:
            limit = limits.compile(own, subscribed=True)
        return _compiled(
            operation,
            [
                ("cors", api.cors),
                ("authenticate", None if open_to_all else self._shared_authenticate(record)),
                ("authenticate", None if open_to_all else authenticate.compile_rights(record, operation)),
                ("subscription", None if open_to_all else shared["subscription"]),
                ("limits", limit),
                ("endpoint", shared["endpoint"]),
            ],
        )

    def _shared_cors(self, record: Cors) -> tuple[Step | None, Preflight]:
        """The CORS steps of this record; most APIs have the same."""
        found = self._cors.get(record)
        if found is None:
            found = self._cors[record] = cors.compile(record), cors.compile_preflight(record)
        return found

    def _shared_authenticate(self, record: Api) -> Step:
        """The token check of an organisation's APIs that take their token from the same header."""
        key = (record.organisation, record.authorization_header)
        found = self._authenticate.get(key)
        if found is None:
            found = self._authenticate[key] = authenticate.compile(self.realm(key[0]), key[1])
        return found

    def _own_limits(self, api: CompiledApi, operation: Operation, policies: dict[str, Policy]) -> tuple[Counter, ...]:
        record = api.record
        if record.policy:
            name, key, code = record.policy, f"api:{record.id}", "900800"
        else:
            name, key, code = operation.policy, f"operation:{record.id}:{operation.verb}:{operation.target}", "900802"
        policy = policies.get(f"{record.organisation}:api:{name}")
        if policy is None and name != "Unlimited":
            note = f"policy {name!r} is not known here: no such limit is applied"
            if note not in api.notes:
                api.notes.append(note)
        if policy is None or policy.quota is None:
            return ()
        return (self.counters.get(key, policy.quota, code),)


def _compiled(operation: Operation, stages: list[tuple[str, Step | None]]) -> CompiledOperation:
    """Leaves out what has nothing to do."""
    kept = [(name, step) for name, step in stages if step is not None]
    names = tuple(dict.fromkeys(name for name, _ in kept))
    return CompiledOperation(operation, tuple(step for _, step in kept), names)


def _blocked(call: Call) -> bool:
    return call.refuse(faults.BLOCKED)


def _check(record: Api) -> None:
    """Raises Unusable for what the schema cannot say."""
    for name, context in (("context", record.context), ("default_context", record.default_context)):
        wrong = not context.startswith("/") or context.endswith("/") or "//" in context or not context.isascii()
        if wrong and (context or name == "context"):
            raise Unusable(f"{name} {context!r} is not a path of the form /name/version")
    if record.production is None and record.sandbox is None and record.lifecycle != "BLOCKED":
        raise Unusable("neither a production nor a sandbox endpoint is given")
    secured = [operation for operation in record.operations if operation.auth != "none"]
    if secured and record.security and not SCHEMES & set(record.security):
        raise Unusable(f"security {list(record.security)} has none of the schemes offered here: {sorted(SCHEMES)}")
    strange = set(record.transports) - {"http", "https"}
    if strange or not record.transports:
        raise Unusable(f"transports {sorted(strange)} are not among http, https")
    if not record.operations:
        raise Unusable("it has no operations")
    for operation in record.operations:
        try:
            plain(operation.target.encode())
        except BadPath as error:
            raise Unusable(f"target {operation.target!r} has a dot segment, a NUL or a broken escape") from error


def _no_state() -> State:
    raise RuntimeError("the compiler has no state yet")
