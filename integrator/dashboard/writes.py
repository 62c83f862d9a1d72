"""What the dashboard's buttons do: each calls one action, tells what came of it, and goes back to its page."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from apim.errors import ApimError, Invalid
from integrator.actions import control
from integrator.dashboard import reading, watching
from integrator.dashboard.access import platform
from integrator.models import Integrator


def _done(request: HttpRequest, work: Callable[[], str]) -> None:
    try:
        messages.success(request, work())
    except ApimError as error:
        for text in [one.message for one in error.fields] or [error.description]:
            messages.error(request, text)


def _back(page: str, pk: int, /, *more: str, **query: str) -> HttpResponse:
    given = {key: value for key, value in query.items() if value}
    return HttpResponseRedirect(
        reverse(f"integrations:{page}", args=[pk, *more]) + (f"?{urlencode(given)}" if given else "")
    )


@platform
@require_POST
def switch(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Activate or deactivate an artifact, or switch its tracing or statistics."""
    row, form = reading.find(pk), request.POST
    name = form.get("name", "")
    field, _, value = (form.get("turn") or f"{form.get('field', '')}:{form.get('value', '')}").partition(":")
    _done(request, lambda: control.switch(by=request.user, row=row, kind=kind, name=name, field=field, value=value))
    if form.get("next") == "list":
        return _back("artifacts", pk, kind=kind, search=form.get("search", ""))
    return _back("artifact", pk, kind, name=name, type=form.get("type", ""))


@platform
@require_POST
def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """Deploy an uploaded application."""
    row = reading.find(pk)

    def work() -> str:
        file = request.FILES.get("file")
        if file is None:
            raise Invalid("Choose a .car file first.")
        if file.size > control.LARGEST_FILE:
            raise Invalid(f"At most {control.LARGEST_FILE // 1024 // 1024} MB are taken.")
        return control.upload_application(by=request.user, row=row, name=file.name, data=file.read())

    _done(request, work)
    return _back("applications", pk)


@platform
@require_POST
def application(request: HttpRequest, pk: int) -> HttpResponse:
    """Deploy an application again, or remove it."""
    row, form = reading.find(pk), request.POST
    name, file = form.get("name", ""), form.get("file", "")

    def work() -> str:
        if form.get("what") == "redeploy":
            return control.redeploy_application(by=request.user, row=row, name=name, file=file)
        stem = file.removesuffix(".car") or name
        return control.remove_application(by=request.user, row=row, name=stem)

    _done(request, work)
    return _back("applications", pk)


@platform
@require_POST
def level(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the level of a logger."""
    row, form = reading.find(pk), request.POST
    _done(
        request,
        lambda: control.set_level(
            by=request.user,
            row=row,
            logger=form.get("logger", "")[:200],
            level=form.get("level", ""),
            component=form.get("component", "")[:200],
        ),
    )
    return _back("loggers", pk, search=form.get("search", ""))


@platform
@require_POST
def look(request: HttpRequest, pk: int) -> HttpResponse:
    """Look at an integrator now."""
    row = watching.watch(reading.find(pk))
    if row.state == Integrator.State.UP:
        messages.success(request, f"{row.name} answers.")
    else:
        messages.error(request, f"{row.name}: {row.reason}")
    return _back("node", pk)
