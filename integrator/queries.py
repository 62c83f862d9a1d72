"""What people may look at: homes, their artifacts, and how their tasks and processors went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from apim.accounts.models import BuiltinRole, User
from apim.accounts.permissions import require
from apim.errors import Forbidden
from integrator.models import ArtifactStatus, TaskRun

ROLES = (BuiltinRole.INTEGRATION_DEV,)
RUNNABLE = {"task": "task", "message-processor": "processor"}
"""Kind of artifact → kind of its runs."""


@dataclass
class Row:
    """An artifact with its newest run."""

    status: ArtifactStatus
    last: TaskRun | None = None


@dataclass
class Home:
    """Everything of one home that is shown on a page."""

    path: str
    tasks: list[Row] = field(default_factory=list)
    processors: list[Row] = field(default_factory=list)
    stores: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)
    others: list[Row] = field(default_factory=list)


def require_integrator(by: User) -> None:
    """Let pass who may see integrators: they serve the whole platform, so only its own people. Raises Forbidden."""
    require(by, *ROLES)
    if not by.organisation.is_super:
        raise Forbidden("Integrators are looked after by the platform's own organisation.")


def homes(by: User) -> list[Home]:
    """All homes that a worker has looked at. Raises Forbidden."""
    require_integrator(by)
    found: dict[str, Home] = {}
    for status in ArtifactStatus.objects.all():
        home = found.setdefault(status.home, Home(status.home))
        _group(home, status).append(Row(status, _last_run(status)))
    return list(found.values())


def recent_runs(by: User, limit: int = 20) -> Iterable[TaskRun]:
    """The newest runs of everything. Raises Forbidden."""
    require_integrator(by)
    return TaskRun.objects.all()[:limit]


def _group(home: Home, status: ArtifactStatus) -> list[Row]:
    if not status.deployed:
        return home.refused
    groups = {"task": home.tasks, "message-processor": home.processors, "message-store": home.stores}
    return groups.get(status.kind, home.others)


def _last_run(status: ArtifactStatus) -> TaskRun | None:
    if status.kind not in RUNNABLE:
        return None
    return TaskRun.objects.filter(home=status.home, kind=RUNNABLE[status.kind], name=status.name).first()
