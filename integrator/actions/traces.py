"""What administrators do with message traces: open one, say which messages are traced, try a request, forget them."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import FieldError, Invalid
from integrator.actions.nodes import require_platform
from integrator.dashboard.client import Node
from integrator.models import Integrator


def open_trace(*, by: User, row: Integrator, identifier: str) -> dict[str, Any]:
    """The whole of a trace. Who opens one is noted: payloads may be personal. Raises Forbidden, NodeDown, NodeRefused."""
    require_platform(by)
    trace = Node(row).get(f"/traces/{identifier}")
    told = {"trace": identifier, "artifact": trace.get("artifact"), "correlation": trace.get("correlationId")}
    _record(by, "integrator.trace_open", row, told)
    return trace


def add_rule(*, by: User, row: Integrator, rule: dict[str, Any]) -> dict[str, Any]:
    """Trace messages that match. Raises Forbidden, Invalid, NodeDown, NodeRefused."""
    require_platform(by)
    if not rule:
        raise Invalid(fields=[FieldError("artifact", "Say which messages: give at least one of the fields.")])
    added = Node(row).send("POST", "/traces/rules", rule)
    _record(by, "integrator.trace_rule_add", row, {key: value for key, value in added.items() if key != "value"})
    return added


def remove_rule(*, by: User, row: Integrator, identifier: str) -> None:
    """Trace them no more. Raises Forbidden, NodeDown, NodeRefused."""
    require_platform(by)
    Node(row).send("DELETE", f"/traces/rules/{identifier}")
    _record(by, "integrator.trace_rule_remove", row, {"rule": identifier})


def clear(*, by: User, row: Integrator) -> None:
    """Forget all traces of an integrator. Raises Forbidden, NodeDown, NodeRefused."""
    require_platform(by)
    Node(row).send("DELETE", "/traces")
    _record(by, "integrator.trace_clear", row, {})


def attempt(*, by: User, row: Integrator, request: dict[str, Any]) -> dict[str, Any]:
    """Send one request to the integrator's own http port and trace it. Raises Forbidden, NodeDown, NodeRefused."""
    require_platform(by)
    found = Node(row).send("POST", "/traces/try", request)
    told = {"method": request.get("method"), "path": request.get("path"), "trace": found.get("trace")}
    _record(by, "integrator.trace_try", row, told)
    return found


@transaction.atomic
def _record(by: User, action: str, row: Integrator, told: dict[str, Any]) -> None:
    audit.record(by, action, row, after=told, organisation=by.organisation)
