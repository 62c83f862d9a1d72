"""The three doors to a new API: from scratch, from an OpenAPI definition, from a service of the catalog."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from apim.accounts.permissions import require
from apim.errors import NotFound
from catalog.models import DefinitionType, Service
from publisher.actions.access import DESIGNERS
from publisher.actions.apis import copy_api, create_api
from publisher.actions.definitions import import_openapi, validate_openapi
from publisher.actions.services import create_from_service
from publisher.forms import create as forms
from publisher.models import Api
from publisher.openapi.report import Report
from publisher.views.base import api_page, read_api, sent, try_save

ENDPOINT = {"endpoints.production": "endpoint", "endpoint": "endpoint"}


@login_required
@require_GET
def doors(request: HttpRequest) -> HttpResponse:
    """Where does the API come from?"""
    require(request.user, *DESIGNERS)
    return render(request, "publisher/create.html")


@login_required
@require_http_methods(["GET", "POST"])
def scratch(request: HttpRequest) -> HttpResponse:
    """A new API with nothing but a name."""
    require(request.user, *DESIGNERS)
    form = forms.Scratch(*sent(request))
    if request.method == "POST":
        api = try_save(request, form, lambda: create_api(by=request.user, **form.keywords()), ENDPOINT)
        if api:
            return _made(request, api)
    return render(request, "publisher/create_scratch.html", {"form": form}, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def openapi(request: HttpRequest) -> HttpResponse:
    """First the definition and the report on it, then the API it suggests."""
    require(request.user, *DESIGNERS)
    if "name" in request.POST:
        return _import(request)
    form = forms.Definition(*sent(request))
    if request.method == "GET" or not form.is_valid():
        return render(request, "publisher/create_openapi.html", {"form": form}, status=400 if form.errors else 200)
    report = validate_openapi(form.cleaned_data["text"])
    if not report.valid:
        context = {"form": forms.Definition(initial={"text": report.text}), "report": report, "lines": excerpt(report)}
        return render(request, "publisher/create_openapi.html", context, status=400)
    return _second_step(request, forms.FromDefinition(initial=_suggested(report)), report)


def _import(request: HttpRequest) -> HttpResponse:
    form = forms.FromDefinition(request.POST)
    api = try_save(request, form, lambda: import_openapi(by=request.user, **form.keywords()), ENDPOINT)
    if api:
        return _made(request, api)
    report = validate_openapi(request.POST.get("text", ""))
    return _second_step(request, form, report, status=400)


def _second_step(request: HttpRequest, form: Any, report: Report, status: int = 200) -> HttpResponse:
    return render(request, "publisher/create_openapi_review.html", {"form": form, "report": report}, status=status)


def _suggested(report: Report) -> dict[str, Any]:
    names = {name: report.suggestion[name] for name in ("name", "context", "version")}
    endpoint = report.suggestion["endpoints"].get("production", {}).get("url", "")
    return {**names, "endpoint": endpoint, "text": report.text}


def excerpt(report: Report, around: int = 2, most: int = 400) -> list[tuple[int, str, list[str]]]:
    """Lines of the definition near its mistakes: number, text, messages. Number 0 marks a gap."""
    lines = report.text.splitlines()
    messages_at: dict[int, list[str]] = {}
    for mistake in report.mistakes:
        messages_at.setdefault(mistake.line, []).append(f"{mistake.pointer}: {mistake.message}")
    wanted = sorted(
        {n for at in messages_at if at for n in range(at - around, at + around + 1) if 1 <= n <= len(lines)}
    )
    found: list[tuple[int, str, list[str]]] = []
    for before, number in zip([0, *wanted], wanted, strict=False):
        if before and number > before + 1:
            found.append((0, "", []))
        found.append((number, lines[number - 1][:400], messages_at.get(number, [])))
    return found[:most]


@login_required
@require_GET
def services(request: HttpRequest) -> HttpResponse:
    """Which service?"""
    require(request.user, *DESIGNERS)
    usable = (DefinitionType.OAS2, DefinitionType.OAS3)
    found = Service.objects.filter(organisation=request.user.organisation_id, definition_type__in=usable).defer(
        "definition"
    )
    text = request.GET.get("q", "").replace("\0", "").strip()[:200]
    page = Paginator(found.filter(name__icontains=text), 25).get_page(request.GET.get("page"))
    return render(request, "publisher/create_services.html", {"page_obj": page, "q": text})


@login_required
@require_http_methods(["GET", "POST"])
def from_service(request: HttpRequest, service_id: uuid.UUID) -> HttpResponse:
    """An API from one service of the catalog."""
    require(request.user, *DESIGNERS)
    service = (
        Service.objects.filter(pk=service_id, organisation=request.user.organisation_id)
        .select_related("organisation")
        .first()
    )
    if service is None:
        raise NotFound("There is no such service.")
    report = validate_openapi(service.definition)
    initial = {name: report.suggestion.get(name, "") for name in ("name", "context")} | {"version": service.version}
    form = forms.Identity(*sent(request), initial=initial)
    if request.method == "POST":
        api = try_save(
            request, form, lambda: create_from_service(by=request.user, service=service, **form.cleaned_data)
        )
        if api:
            return _made(request, api)
    context = {"form": form, "service": service, "report": report}
    return render(request, "publisher/create_from_service.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def copy(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """A new version of an API."""
    api = read_api(request, api_id)
    form = forms.NewVersion(*sent(request))
    if request.method == "POST":
        made = try_save(request, form, lambda: copy_api(by=request.user, api=api, **form.cleaned_data))
        if made:
            return _made(request, made)
    return api_page(request, "copy", api, {"form": form}, status=400 if form.errors else 200)


def _made(request: HttpRequest, api: Api) -> HttpResponse:
    messages.success(request, f"{api} was created.")
    return redirect("publisher:api", api.pk)
