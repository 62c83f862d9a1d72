"""Reading of traces that leaves no audit row: the list, and more steps of a trace whose opening was noted."""

from __future__ import annotations

from typing import Any

from apim.accounts.models import User
from integrator.actions.nodes import require_platform
from integrator.dashboard.client import Node
from integrator.models import Integrator


def opened_trace(*, by: User, row: Integrator, identifier: str) -> dict[str, Any]:
    """A trace that the caller opened already. Raises Forbidden, NodeDown, NodeRefused."""
    require_platform(by)
    return Node(row).get(f"/traces/{identifier}")
