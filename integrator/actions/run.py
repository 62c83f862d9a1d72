"""Running a task or a processor now, because a person asks for it."""

from __future__ import annotations

from celery import current_app
from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import Invalid
from integrator.actions.schedule import PROCESS_STORE, QUEUE, RUN_TASK
from integrator.models import ArtifactStatus
from integrator.queries import RUNNABLE, require_integrator


def run_now(*, by: User, artifact: ArtifactStatus) -> None:
    """Hand one run of a task or processor to a worker. Raises Forbidden, and Invalid for anything that cannot run."""
    require_integrator(by)
    kind = RUNNABLE.get(artifact.kind)
    if kind is None or not artifact.deployed:
        raise Invalid(f"{artifact} cannot be run: only deployed tasks and message processors can.")
    task = RUN_TASK if kind == "task" else PROCESS_STORE  # by name: the control plane does not load the engine
    arguments = {"home": artifact.home, "name": artifact.name}
    with transaction.atomic():
        audit.record(by, "integrator.run", artifact, organisation=by.organisation)
        transaction.on_commit(lambda: current_app.send_task(task, kwargs=arguments, queue=QUEUE))
