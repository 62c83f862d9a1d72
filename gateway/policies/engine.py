"""The integrator's engine as the gateway uses it: messages made from calls and answers, and what policies may not touch.

Policies are written by people of many organisations and run in one worker. They get no files, no registry, no environment, no
databases and no stores, whatever their text says: the registry here holds nothing, and the rest is refused when it is read.
"""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from gateway.call import Call
from gateway.message import Answer
from gateway.policies.templates import matcher, names
from integrator.engine.config import Config
from integrator.engine.content.payload import Payload
from integrator.engine.databases import Pools
from integrator.engine.deployment import Deployment
from integrator.engine.errors import Fault
from integrator.engine.headers import Headers
from integrator.engine.message import Flow, Message
from integrator.engine.registry import Registry
from integrator.engine.replies import Collector
from integrator.engine.runtime import MemoryState, Runtime
from integrator.engine.services.rest import query_parameters
from integrator.engine.settings import Settings
from integrator.engine.stores.base import Store

if TYPE_CHECKING:
    from gateway.services import Services
    from wire.client import Client

NOWHERE = Path("/nonexistent")
THREADS = 2
SCOPES = frozenset({"default", "synapse", "ctx", "axis2", "axis2-client", "transport", "trp", "operation", "func"})
"""Property scopes that policies may use."""

_INJECTED = re.compile(r"\$(ENV|SYSTEM|FILE):")
_GET = re.compile(r"get-property\s*\(\s*(?:'([^']*)'|\"([^\"]*)\")?\s*([,)]?)")


class NoRegistry(Registry):
    """A registry with nothing in it."""

    def read(self, key: str) -> bytes | None:
        """Nothing, for any key."""
        return None

    def read_property(self, key: str) -> str | None:
        """Nothing, for any key."""
        return None

    def write_property(self, key: str, value: str) -> None:
        """Raises Fault."""
        raise Fault(0, f"registry key {key!r}: policies have no registry")


class PolicyRuntime(Runtime):
    """What mediation in a gateway may use: the worker's client, two threads, nothing that is kept."""

    def __init__(self, services: Services) -> None:
        self.settings = Settings(NOWHERE, NOWHERE, threads=THREADS, max_body_bytes=services.settings.policy_body)
        self._services = services
        self.pools = Pools()
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="policy")
        self.max_body = services.settings.policy_body
        self.global_timeout_ms = int(services.settings.policy_seconds * 1000)
        self.background: set[asyncio.Task[Any]] = set()
        self.redis = None
        self.state = MemoryState()

    @property
    def client(self) -> Client:  # type: ignore[override]
        """The worker's client for side calls."""
        return self._services.client

    def store(self, name: str) -> Store:
        """Raises Fault: policies have no message stores."""
        raise Fault(0, f"message store {name!r}: policies have no stores")


_deployments: WeakKeyDictionary[Services, Deployment] = WeakKeyDictionary()


def deployment(services: Services) -> Deployment:
    """The empty deployment in which the policies of a worker run."""
    found = _deployments.get(services)
    if found is None:
        runtime = PolicyRuntime(services)
        found = _deployments[services] = Deployment(runtime, Config(), NoRegistry(NOWHERE), {})
    return found


def check_text(text: str) -> None:
    """Raises ValueError for text of a policy that reaches for what it may not have."""
    found = _INJECTED.search(text)
    if found:
        raise ValueError(f"{found.group(0)} values are not open to policies")
    if "$sys:" in text:
        raise ValueError("property scope 'system' is not open to policies")
    for one in _GET.finditer(text):
        literal = one.group(1) if one.group(1) is not None else one.group(2)
        if literal is None:
            raise ValueError("get-property takes literals only in policies")
        if one.group(3) == "," and literal not in SCOPES and literal != "SYSTEM_DATE":
            raise ValueError(f"property scope {literal!r} is not one of {', '.join(sorted(SCOPES))}")


def message_of(home: Deployment, call: Call, answer: Answer | None = None) -> Message:
    """The message context of a call's request, or of `answer`. A body that nobody read stays unread in it."""
    exchange, request = call.exchange, call.edit()
    source = request if answer is None else answer
    flow = Flow(home, Collector(), call.correlation.decode("latin-1"))
    flow.transport = exchange.scheme
    record = call.api.record if call.api is not None else None
    hidden = b"" if record is None or answer is not None else record.authorization_header.lower().encode()
    pairs = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in source.headers if n != hidden]
    kind = (source.header(b"content-type") or b"").decode("latin-1")
    soap = answer is not None or request.header(b"soapaction") is not None or "soap+xml" in kind
    payload = Payload(source.body, kind, pox=not soap)
    message = Message(flow, payload, Headers(pairs))
    message.properties = properties(call) | request.properties
    message.axis2 = {
        "HTTP_METHOD": request.method.decode("latin-1"),
        "REST_URL_POSTFIX": request.target.decode("latin-1"),
        "REMOTE_ADDR": exchange.address,
        "REMOTE_HOST": exchange.address,
        "TRANSPORT_IN_URL": exchange.target.decode("latin-1"),
    }
    if answer is None:
        message.headers.received = frozenset(pairs)
        message.to = exchange.target.decode("latin-1")
    else:
        message.response = True
        message.axis2["HTTP_SC"] = answer.status
    return message


def properties(call: Call) -> dict[str, Any]:
    """What is known of a call under the names that sequences use."""
    exchange, api, operation = call.exchange, call.api, call.operation
    method, path = exchange.method.decode("latin-1"), exchange.path.decode("latin-1")
    found: dict[str, Any] = {
        "REST_METHOD": method,
        "REST_FULL_REQUEST_PATH": exchange.target.decode("latin-1"),
        "REST_SUB_REQUEST_PATH": exchange.target[call.cut :].decode("latin-1") or "/",
        "TRANSPORT_IN_NAME": exchange.scheme,
        "api.ut.HTTP_METHOD": method,
        "am.correlationID": call.correlation.decode("latin-1"),
    }
    if api is not None:
        record = api.record
        found |= {
            "REST_API_CONTEXT": record.context,
            "REST_URL_PREFIX": f"{exchange.scheme}://{exchange.fields.get(b'host', b'').decode('latin-1')}",
            "SYNAPSE_REST_API": f"{record.provider}--{record.name}:v{record.version}",
            "SYNAPSE_REST_API_VERSION": record.version,
            "api.ut.context": record.context,
            "api.ut.api_version": f"{record.name}:v{record.version}",
            "api.ut.api": record.name,
            "api.ut.version": record.version,
            "api.ut.apiPublisher": record.provider,
            "API_NAME": record.name,
            "API_VERSION": record.version,
        }
    if operation is not None:
        target = operation.record.target
        found["API_ELECTED_RESOURCE"] = found["api.ut.resource"] = target
        if "{" in target:
            values = matcher(target)(path[call.cut :].encode("latin-1")) or []
            found |= {f"uri.var.{name}": unquote(value) for name, value in zip(names(target), values, strict=False)}
    found |= {
        f"query.param.{name}": value for name, value in query_parameters(exchange.query.decode("latin-1")).items()
    }
    return found | _caller(call)


def _caller(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if call.principal is not None:
        found |= {"api.ut.consumerKey": call.principal.client_id, "api.ut.userId": call.principal.subject}
    if call.decision is not None:
        found["AM_KEY_TYPE"] = call.decision.key_type
        if call.decision.application is not None:
            found["api.ut.application.id"] = call.decision.application.id
            found["api.ut.application.name"] = call.decision.application.name
    return found
