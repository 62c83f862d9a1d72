"""Workflows in the admin site: who decides on what, and the list of what waits, with approve, reject and a comment."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Case, IntegerField, QuerySet, When
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display

from apim.accounts.admin_base import OrganisationAdmin
from apim.errors import ApimError
from apim.workflows.actions import executors
from apim.workflows.actions.tasks import decide
from apim.workflows.admin_forms import ExecutorForm, TaskForm
from apim.workflows.models import Executor, Status, Task

STATUS_LABELS = {"CREATED": "warning", "APPROVED": "success", "REJECTED": "danger", "WITHDRAWN": "info"}


@admin.register(Executor)
class ExecutorAdmin(OrganisationAdmin):
    """Which kind of request is decided how. Kinds without a row are approved at once."""

    form = ExecutorForm
    list_display = ("kind", "style", "url", "organisation")
    list_filter = ("style", "kind", "organisation")
    fieldsets = (
        (None, {"fields": ("organisation", "kind", "style", "notify")}),
        (
            "Service that is asked (style HTTP)",
            {
                "fields": ("url", "credentials", "username", "new_secret", "token_url"),
                "description": "The service gets a JSON object with callbackUrl and callbackToken, and posts "
                '{"status": "APPROVED"} there, with the token as bearer.',
            },
        ),
        ("State changes", {"fields": ("transitions",)}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Executor | None = None) -> Any:
        """A tenant's administrator has no choice of organisation."""
        hidden = set(self.get_exclude(request, obj))
        return [
            (title, {**options, "fields": tuple(name for name in options["fields"] if name not in hidden)})
            for title, options in self.fieldsets
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Executor | None = None) -> tuple[str, ...]:
        """Organisation and kind are its identity."""
        return ("organisation", "kind") if obj else ()

    def perform_save(self, request: HttpRequest, obj: Executor, form: ModelForm, change: bool) -> None:
        """By the action."""
        stored = Executor.objects.get(pk=obj.pk) if change else obj
        given = form.cleaned_data
        names = ("style", "url", "credentials", "username", "token_url", "transitions", "notify")
        made = executors.set_executor(
            by=request.user,
            organisation=stored.organisation,
            kind=stored.kind,
            secret=given["new_secret"] or executors.KEPT,
            **{name: given[name] for name in names},
        )
        obj.pk = made.pk

    def perform_delete(self, request: HttpRequest, obj: Executor) -> None:
        """By the action."""
        executors.delete_executor(by=request.user, executor=obj)


@admin.register(Task)
class TaskAdmin(OrganisationAdmin):
    """Requests. Those that wait come first; each is approved or rejected once."""

    form = TaskForm
    calls_elsewhere = True
    list_display = ("shown_kind", "subject_name", "requester_name", "shown_status", "organisation", "created")
    list_filter = ("status", "kind", "organisation")
    list_select_related = ("organisation",)
    search_fields = ("subject_name", "requester_name", "description", "id")
    actions = ("approve_chosen", "reject_chosen")
    actions_submit_line = ("approve_task", "reject_task")
    fields = ("description", "shown_kind", "status_text", "requester_name", "created", "details", "id")
    decided_fields = ("decided_by", "updated", "problem")
    change_form_show_cancel_button = True

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """What waits comes first."""
        waits = Case(When(status=Status.CREATED, then=0), default=1, output_field=IntegerField())
        return [waits.asc(), "-created"]

    def get_fields(self, request: HttpRequest, obj: Task | None = None) -> tuple[str, ...]:
        """With the comment of the decision, and how it went."""
        return (*self.fields, *(() if obj is None or obj.is_waiting else self.decided_fields), "comment")

    def get_readonly_fields(self, request: HttpRequest, obj: Task | None = None) -> tuple[str, ...]:
        """Nothing but the comment of a decision to come can be entered."""
        waits = obj is not None and obj.is_waiting
        return (*self.fields, *self.decided_fields, *(() if waits else ("comment",)))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Requests begin where things are asked for."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They are decided; old ones are forgotten by themselves."""
        return False

    def get_actions_submit_line(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only what waits can be decided."""
        waits = Task.objects.filter(pk=object_id, status=Status.CREATED).exists()
        return super().get_actions_submit_line(request, object_id) if waits else []

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """Two buttons instead of the usual ones."""
        shown = {"show_save": False, "show_save_and_continue": False, "show_save_and_add_another": False}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def perform_save(self, request: HttpRequest, obj: Task, form: ModelForm, change: bool) -> None:
        """By the action, as the button says."""
        approved = any(name.endswith("approve_task") for name in request.POST)
        if approved or any(name.endswith("reject_task") for name in request.POST):
            task = Task.objects.get(pk=obj.pk)
            decide(by=request.user, task=task, approved=approved, comment=form.cleaned_data.get("comment", ""))

    def response_change(self, request: HttpRequest, obj: Task) -> HttpResponse:
        """Back to the list, with what was decided."""
        task = Task.objects.get(pk=obj.pk)
        messages.success(request, f"{task} – {task.get_status_display().lower()}.")
        return self.response_post_save_change(request, obj)

    @action(description="Approve", icon="check")
    def approve_task(self, request: HttpRequest, obj: Task) -> None:
        """A button; `perform_save` does it."""

    @action(description="Reject", icon="close")
    def reject_task(self, request: HttpRequest, obj: Task) -> None:
        """A button; `perform_save` does it."""

    @admin.action(description="Approve chosen requests")
    def approve_chosen(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        """Each by itself: one that cannot be carried out leaves the others."""
        _decide_all(request, queryset, approved=True)

    @admin.action(description="Reject chosen requests")
    def reject_chosen(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        """Each by itself."""
        _decide_all(request, queryset, approved=False)

    @display(description="Request", ordering="kind")
    def shown_kind(self, row: Task) -> str:
        """In words."""
        return row.get_kind_display()

    @display(description="State", label=STATUS_LABELS, ordering="status")
    def shown_status(self, row: Task) -> tuple[str, str]:
        """In its colour."""
        return row.status, row.get_status_display()

    @display(description="State")
    def status_text(self, row: Task) -> str:
        """In words."""
        return row.get_status_display()

    @display(description="Details")
    def details(self, row: Task) -> str:
        """What was asked for, a line each."""
        return "\n".join(f"{name}: {value}" for name, value in row.properties.items()) or "–"


def _decide_all(request: HttpRequest, rows: QuerySet[Task], *, approved: bool) -> None:
    done = 0
    for task in rows:
        try:
            decide(by=request.user, task=task, approved=approved)
            done += 1
        except ApimError as error:
            messages.error(request, f"{task}: {error.description}")
    if done:
        messages.success(request, f"{done} request{'s' if done != 1 else ''} {'approved' if approved else 'rejected'}.")
