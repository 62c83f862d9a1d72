"""Workflows of the admin contract."""

from __future__ import annotations

from typing import Any

from apim.workflows.actions.executors import set_executor
from apim.workflows.models import Task
from tests.contracts.harness import case
from tests.contracts.world import World


def waiting(w: World) -> Task:
    """An application that waits for approval."""
    set_executor(by=w.user, organisation=w.organisation, kind="APPLICATION_CREATION", style="APPROVAL")
    w.application(name="Waits")
    return Task.objects.get()


@case("admin", "GET /workflows")
def list_workflows(w: World) -> Any:
    waiting(w)
    return w.admin.get("/workflows?workflowType=AM_APPLICATION_CREATION&limit=5")


@case("admin", "GET /workflows/{externalWorkflowRef}")
def one_workflow(w: World) -> Any:
    return w.admin.get(f"/workflows/{waiting(w).pk}")


@case("admin", "POST /workflows/update-workflow-status")
def update_workflow(w: World) -> Any:
    decision = {"status": "APPROVED", "attributes": {}, "description": "Approve workflow request."}
    return w.admin.post(f"/workflows/update-workflow-status?workflowReferenceId={waiting(w).pk}", decision)
