"""The one definition of the records that travel from the control plane to gateways.

Both sides import this package: `apim.eventhub` writes the records, the gateway builds its chains from them. It therefore
imports nothing but msgspec. A field added here must have a default, so that an older disk copy still loads.
"""

from __future__ import annotations

from typing import Literal

from gateway.schema.access import (
    Application,
    ClientCertificate,
    Key,
    KeyManager,
    Revocation,
    Subscription,
    TokenPattern,
)
from gateway.schema.apis import (
    Api,
    BackendThroughput,
    Complexity,
    Cors,
    Flows,
    Operation,
    PolicyUse,
)
from gateway.schema.base import Record
from gateway.schema.endpoints import CircuitBreaker, Endpoint, EndpointSecurity, Function, HealthCheck, Suspension
from gateway.schema.environments import Domain, LogLevel
from gateway.schema.limits import Condition, ConditionalGroup, CustomRule, Deny, Limit, Policy, ThrottleReset
from gateway.schema.sync import DELETED, Batch, Event, KeyUse, Refusal, Status, Stranger

Kind = Literal[
    "api",
    "application",
    "key",
    "subscription",
    "policy",
    "key_manager",
    "revocation",
    "client_certificate",
    "deny",
    "custom_rule",
    "throttle_reset",
    "domain",
    "log_level",
]

RECORDS: dict[str, type[Record]] = {
    "api": Api,
    "application": Application,
    "key": Key,
    "subscription": Subscription,
    "policy": Policy,
    "key_manager": KeyManager,
    "revocation": Revocation,
    "client_certificate": ClientCertificate,
    "deny": Deny,
    "custom_rule": CustomRule,
    "throttle_reset": ThrottleReset,
    "domain": Domain,
    "log_level": LogLevel,
}
"""Kind → record type. The order is the order of a snapshot: what others refer to need not come first."""

__all__ = [
    "DELETED",
    "RECORDS",
    "Api",
    "Application",
    "BackendThroughput",
    "Batch",
    "CircuitBreaker",
    "ClientCertificate",
    "Complexity",
    "Condition",
    "ConditionalGroup",
    "Cors",
    "CustomRule",
    "Deny",
    "Domain",
    "Endpoint",
    "EndpointSecurity",
    "Function",
    "Event",
    "Flows",
    "HealthCheck",
    "Key",
    "KeyManager",
    "Kind",
    "Limit",
    "LogLevel",
    "Operation",
    "Policy",
    "PolicyUse",
    "Record",
    "Refusal",
    "Revocation",
    "Status",
    "KeyUse",
    "Stranger",
    "Subscription",
    "Suspension",
    "ThrottleReset",
    "TokenPattern",
]
