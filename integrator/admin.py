"""The integrator in the admin site: artifacts with the reason of a refusal, and the runs of tasks and processors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.text import Truncator
from unfold.decorators import action, display

from apim.accounts.admin_base import PlatformAdmin, ReadOnly
from apim.errors import ApimError
from integrator.actions import nodes
from integrator.actions.run import run_now
from integrator.forms import IntegratorForm
from integrator.models import ArtifactStatus, Integrator, TaskRun

STATE_LABELS = {"deployed": "success", "refused": "danger"}
RUN_LABELS = {"ok": "success", "failed": "danger"}


@admin.register(ArtifactStatus)
class ArtifactStatusAdmin(ReadOnly, PlatformAdmin):
    """What the homes have deployed and refused; tasks and processors can be run from here."""

    list_display = ("name", "kind", "state", "reason", "glance", "seen")
    list_filter = ("deployed", "kind")
    search_fields = ("name", "error")
    actions = ("run_chosen",)
    ordering = ("deployed", "kind", "name")

    @display(description="State", label=STATE_LABELS, ordering="deployed")
    def state(self, row: ArtifactStatus) -> str:
        """Deployed or refused."""
        return "deployed" if row.deployed else "refused"

    @display(description="Reason")
    def reason(self, row: ArtifactStatus) -> str:
        """Why it was refused, short enough to leave room for the other columns; its own page has all of it."""
        return Truncator(row.error).chars(160)

    @display(description="At a glance")
    def glance(self, row: ArtifactStatus) -> str:
        """Trigger, messages stored and the like, in a line."""
        return ", ".join(f"{name} {value}" for name, value in row.detail.items())

    @action(description="Run now")
    def run_chosen(self, request: HttpRequest, rows: QuerySet[ArtifactStatus]) -> None:
        """Hand the chosen tasks and processors to a worker."""
        _run(request, rows)


@admin.register(TaskRun)
class TaskRunAdmin(ReadOnly, PlatformAdmin):
    """How tasks and processors went, newest first."""

    list_display = ("name", "kind", "outcome", "started", "duration_ms", "result", "error", "worker")
    list_filter = ("ok", "kind", "name")
    search_fields = ("name", "result", "error")
    actions = ("run_again",)

    @display(description="Outcome", label=RUN_LABELS, ordering="ok")
    def outcome(self, row: TaskRun) -> str:
        """Ok or failed."""
        return "ok" if row.ok else "failed"

    @action(description="Run now")
    def run_again(self, request: HttpRequest, rows: QuerySet[TaskRun]) -> None:
        """Run the tasks and processors of the chosen rows again, each once."""
        kinds = {"task": "task", "processor": "message-processor"}
        wanted = {(row.home, kinds[row.kind], row.name) for row in rows}
        found = [ArtifactStatus.objects.filter(home=h, kind=k, name=n).first() for h, k, n in sorted(wanted)]
        _run(request, [artifact for artifact in found if artifact is not None])


@admin.register(Integrator)
class IntegratorAdmin(PlatformAdmin):
    """Registering integrators; everything else is on the dashboard, which stands in the sidebar in place of the list."""

    list_display = ("name", "url", "state", "reason", "checked")
    search_fields = ("name", "url")
    form = IntegratorForm
    fields = ("name", "url", "username", "password", "certificate")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The dashboard is the list."""
        return False

    def perform_save(self, request: HttpRequest, obj: Integrator, form: Any, change: bool) -> None:
        """Through the action."""
        nodes.save_integrator(by=request.user, row=obj, password=form.cleaned_data.get("password") or None)

    def perform_delete(self, request: HttpRequest, obj: Integrator) -> None:
        """Through the action."""
        nodes.remove_integrator(by=request.user, row=obj)

    def response_post_save_add(self, request: HttpRequest, obj: Integrator) -> HttpResponse:
        """To its page."""
        return HttpResponseRedirect(reverse("integrations:node", args=[obj.pk]))

    response_post_save_change = response_post_save_add

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        """To the dashboard."""
        messages.success(request, f"{obj_display} is looked at no more.")
        return HttpResponseRedirect(reverse("integrations:overview"))


def _run(request: HttpRequest, artifacts: Iterable[ArtifactStatus]) -> None:
    for artifact in artifacts:
        try:
            run_now(by=request.user, artifact=artifact)
        except ApimError as error:
            messages.error(request, error.description)
        else:
            messages.success(request, f"{artifact.name} was handed to a worker.")
