"""The integrator at a glance: what is deployed, what is refused and why, what ran and how."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apim.accounts.queries import sees_every_organisation
from apim.errors import NotFound
from integrator import queries
from integrator.actions.run import run_now
from integrator.models import ArtifactStatus


@login_required
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Every home with its tasks, processors, stores and refusals."""
    context = {
        "homes": queries.homes(request.user),
        "runs": queries.recent_runs(request.user),
        "may_trace": sees_every_organisation(request.user),
    }
    return render(request, "integrator/overview.html", context)


@login_required
@require_POST
def run(request: HttpRequest, identifier: int) -> HttpResponse:
    """Runs one task or processor now."""
    queries.require_integrator(request.user)
    artifact = ArtifactStatus.objects.filter(pk=identifier).first()
    if artifact is None:
        raise NotFound("There is no such artifact any more.")
    run_now(by=request.user, artifact=artifact)
    messages.success(request, f"{artifact.name} was handed to a worker.")
    return redirect("integrator:overview")
