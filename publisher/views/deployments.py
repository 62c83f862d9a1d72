"""Revisions and where they run: create, deploy, undeploy, restore, delete, and what each gateway has."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from publisher import queries, snapshots
from publisher.actions import revisions as actions
from publisher.models import MAX_REVISIONS, Revision, State
from publisher.vhosts import ANY, bases, virtual_hosts
from publisher.views.base import api_page, attempt, back, read_api


@login_required
@require_GET
def deployments(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Environments with their gateways, and the revisions."""
    api = read_api(request, api_id)
    rows = list(api.deployments.select_related("environment", "revision", "api").defer("revision__snapshot"))
    views = queries.gateway_views(rows)
    running = {row.environment_id: row for row in rows}
    places = [
        {
            "environment": environment,
            "deployment": running.get(environment.pk),
            "gateways": views.get(environment.name, []),
            "hosts": virtual_hosts(environment),
            "address": bases(environment, running[environment.pk].vhost)["https"] if environment.pk in running else "",
        }
        for environment in queries.environments(api.organisation)
        if environment.open_to(request.user) or environment.pk in running
    ]
    revisions = list(api.revisions.defer("snapshot").prefetch_related("deployments__environment"))
    context = {
        "places": places,
        "revisions": revisions,
        "room": len(revisions) < MAX_REVISIONS,
        "most": MAX_REVISIONS,
        "changed": bool(revisions) and snapshots.take(api) != revisions[0].snapshot,
        "retired": api.state == State.RETIRED,
    }
    return api_page(request, "deployments", api, context)


@login_required
@require_POST
def create(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """A new revision; with environments ticked it is deployed there at once."""
    api = read_api(request, api_id)
    names = request.POST.getlist("environment")

    def work() -> None:
        revision = actions.create_revision(by=request.user, api=api, description=request.POST.get("description", ""))
        _deploy(request, revision, names)

    with_transaction = transaction.atomic(work)
    attempt(
        request, with_transaction, f"A new revision was {'deployed to ' + ', '.join(names) if names else 'created'}."
    )
    return back("deployments", api)


@login_required
@require_POST
def deploy(request: HttpRequest, api_id: uuid.UUID, revision_id: uuid.UUID) -> HttpResponse:
    """Run a revision in the ticked environments."""
    names = request.POST.getlist("environment")
    return _with(
        request,
        api_id,
        revision_id,
        transaction.atomic(lambda revision: _deploy(request, revision, names)),
        f"Deployed to {', '.join(names)}.",
    )


@login_required
@require_POST
def undeploy(request: HttpRequest, api_id: uuid.UUID, revision_id: uuid.UUID) -> HttpResponse:
    """Take a revision off an environment."""
    names = request.POST.getlist("environment")
    return _with(
        request,
        api_id,
        revision_id,
        lambda revision: actions.undeploy_revision(by=request.user, revision=revision, environments=names),
        f"Undeployed from {', '.join(names)}.",
    )


@login_required
@require_POST
def restore(request: HttpRequest, api_id: uuid.UUID, revision_id: uuid.UUID) -> HttpResponse:
    """Bring the design back to a revision."""
    return _with(
        request,
        api_id,
        revision_id,
        lambda revision: actions.restore_revision(by=request.user, revision=revision),
        "The design is that of the revision again.",
    )


@login_required
@require_POST
def delete(request: HttpRequest, api_id: uuid.UUID, revision_id: uuid.UUID) -> HttpResponse:
    """Delete a revision that runs nowhere."""
    return _with(
        request,
        api_id,
        revision_id,
        lambda revision: actions.delete_revision(by=request.user, revision=revision),
        "The revision was deleted.",
    )


def _deploy(request: HttpRequest, revision: Revision, names: list[str]) -> None:
    """To each environment on the virtual host chosen for it (`vhost:Name` in the form)."""
    for name in names:
        vhost = request.POST.get(f"vhost:{name}", "") or ANY
        actions.deploy_revision(by=request.user, revision=revision, environments=[name], vhost=vhost)


def _with(
    request: HttpRequest, api_id: uuid.UUID, revision_id: uuid.UUID, work: Callable[[Revision], object], done: str
) -> HttpResponse:
    api = read_api(request, api_id)
    revision = queries.revision(request.user, api, revision_id)
    attempt(request, lambda: work(revision), done)
    return back("deployments", api)
