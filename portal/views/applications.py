"""Pages: a developer's applications."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apim.errors import ApimError
from apim.ui.forms import add_errors
from apim.workflows.queries import last_of
from portal import attributes, queries
from portal.actions.applications import create_application, delete_application, update_application
from portal.actions.limits import reset_limits
from portal.actions.sharing import share
from portal.forms import ApplicationForm
from portal.models import Application, ApplicationStatus
from portal.picked import Picked
from portal.views.base import attempt, developers_only, organisation, word

PAGE = 20


@require_safe
@developers_only
def applications(request: HttpRequest) -> HttpResponse:
    """All of them, with the numbers of their keys and subscriptions."""
    rows = queries.with_counts(queries.applications(request.user)).order_by("name", "pk")
    query = word(request, "query")
    if query:
        rows = rows.filter(name__icontains=query)
    limits = {limit.name: limit for limit in queries.limits(organisation(request))}
    page = Paginator(Picked(rows), PAGE).get_page(request.GET.get("page"))
    for application in page:
        application.limit = limits.get(application.policy)
    return render(request, "portal/applications.html", {"page": page, "query": query})


@developers_only
def create(request: HttpRequest) -> HttpResponse:
    """The form of a new application."""
    form = _form(request, None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                made = create_application(by=request.user, **form.values())
                share(by=request.user, application=made, groups=form.cleaned_data.get("groups", ()))
        except ApimError as error:
            add_errors(form, error)
        else:
            if made.status == ApplicationStatus.CREATED:
                messages.info(request, f"{made} waits for an administrator to approve it.")
            return redirect("portal:application", made.pk)
    return render(request, "portal/application_form.html", {"form": form})


@developers_only
def edit(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """The form of an existing application."""
    application = queries.application(request.user, application_id)
    form = _form(request, application)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                update_application(by=request.user, application=application, **form.values())
                if "groups" in form.cleaned_data:
                    share(by=request.user, application=application, groups=form.cleaned_data["groups"])
        except ApimError as error:
            add_errors(form, error)
        else:
            return redirect("portal:application", application.pk)
    return render(request, "portal/application_form.html", {"form": form, "application": application})


def _form(request: HttpRequest, application: Application | None) -> ApplicationForm:
    """The fields of a new or an existing application; groups are for its owner to choose."""
    whose = organisation(request) if application is None else application.organisation
    more: dict[str, Any] = {"limits": queries.limits(whose), "attributes": attributes.of(whose)}
    if application is None or application.owner_id == request.user.pk:
        more["groups"] = queries.groups_to_share_with(request.user, application)
    if application is None:
        return ApplicationForm(request.POST or None, initial=_first(request), **more)
    now = {"name": application.name, "throttlingPolicy": application.policy, "description": application.description}
    now["groups"] = [group.name for group in application.groups.all()]
    return ApplicationForm(request.POST or None, initial=now, kept=application.attributes, **more)


@require_safe
@developers_only
def application(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """What the application is, and what is still to do before it can call an API."""
    row = queries.application(request.user, application_id)
    limit = queries.limits(row.organisation).filter(name=row.policy).first()
    return render(
        request,
        "portal/application.html",
        {"application": row, "limit": limit, "keys": queries.keys(row), "last": last_of(row)},
    )


@require_POST
@developers_only
def delete(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """Remove it with its keys and subscriptions."""
    row = queries.application(request.user, application_id)
    attempt(
        request,
        delete_application,
        lambda waits: f"The deletion of {row.name} waits for approval." if waits else f"{row.name} is deleted.",
        application=row,
    )
    return redirect("portal:applications")


@require_POST
@developers_only
def reset(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """Have gateways forget what it used up."""
    row = queries.application(request.user, application_id)
    attempt(request, reset_limits, "Its limit counts from zero again.", application=row)
    return redirect("portal:application", row.pk)


def _first(request: HttpRequest) -> dict[str, str]:
    names = list(queries.limits(organisation(request)).values_list("name", flat=True))
    usual = queries.default_limit(organisation(request))
    return {"throttlingPolicy": usual if usual in names else next(iter(names), "")}
