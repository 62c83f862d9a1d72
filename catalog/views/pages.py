"""The pages of the service catalog: list, one service, import, delete."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apim.accounts.models import User
from apim.errors import ApimError
from catalog import queries
from catalog.actions.services import WRITERS, delete_service, import_services
from catalog.definitions import media_type
from catalog.forms import ImportForm
from catalog.models import DefinitionType, Service

PAGE_SIZE = 24
SHOWN_DEFINITION = 200_000
"""Characters of a definition on its page; the rest is behind the download link."""


@login_required
@require_GET
def service_list(request: HttpRequest) -> HttpResponse:
    """All services, or those that match `q` and `type`."""
    every = queries.services(request.user)
    text, kind = request.GET.get("q", "").replace("\0", "").strip(), request.GET.get("type", "")
    found = every.filter(Q(name__icontains=text) | Q(display_name__icontains=text) | Q(description__icontains=text))
    if kind in DefinitionType.values:
        found = found.filter(definition_type=kind)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "q": text,
        "type": kind,
        "types": DefinitionType.choices,
        "may_write": _may_write(request.user),
    }
    return render(request, "catalog/list.html", {**context, "filtered": bool(text or kind)})


@login_required
@require_GET
def service_detail(request: HttpRequest, identifier: uuid.UUID) -> HttpResponse:
    """One service: how to reach it, what it offers, and the APIs made from it."""
    service = queries.service(request.user, identifier)
    context = {
        "service": service,
        "definition": service.definition[:SHOWN_DEFINITION],
        "cut": len(service.definition) > SHOWN_DEFINITION,
        "apis": [(api, _api_address(api.pk)) for api in service.apis.filter(organisation=service.organisation)],
        "create_address": _address("publisher:create_from_service", service.pk),
        "may_write": _may_write(request.user),
    }
    return render(request, "catalog/detail.html", context)


@login_required
@require_GET
def service_definition(request: HttpRequest, identifier: uuid.UUID) -> HttpResponse:
    """The definition as a download."""
    service = queries.service(request.user, identifier)
    response = HttpResponse(service.definition, content_type=media_type(service.definition_type, service.definition))
    response["Content-Disposition"] = f'attachment; filename="{_file_name(service)}"'
    return response


@login_required
@require_http_methods(["GET", "POST"])
def service_import(request: HttpRequest) -> HttpResponse:
    """Registers the services of an uploaded zip."""
    queries.services(request.user)
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        archive, overwrite = form.cleaned_data["file"].read(), form.cleaned_data["overwrite"]
        try:
            done = import_services(by=request.user, archive=archive, overwrite=overwrite)
        except ApimError as error:
            form.add_error("file", error.description)
        else:
            messages.success(request, f"{len(done)} service{'s' if len(done) != 1 else ''} imported.")
            return redirect("catalog:list")
    return render(request, "catalog/import.html", {"form": form}, status=400 if form.errors else 200)


@login_required
@require_POST
def service_delete(request: HttpRequest, identifier: uuid.UUID) -> HttpResponse:
    """Removes a service that no API uses."""
    service = queries.service(request.user, identifier)
    try:
        delete_service(by=request.user, service=service)
    except ApimError as error:
        messages.error(request, error.description)
        return redirect("catalog:detail", identifier)
    messages.success(request, f"{service} was removed from the catalog.")
    return redirect("catalog:list")


def _may_write(user: User) -> bool:
    return user.has_role(*WRITERS)


def _address(name: str, *arguments: object) -> str:
    """Address of a page of the floor above; empty when that app is not installed."""
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""


def _api_address(identifier: object) -> str:
    return _address("publisher:api_detail", identifier) or _address("publisher:api", identifier)


def _file_name(service: Service) -> str:
    extension = {"application/json": "json", "application/yaml": "yaml", "text/xml": "wsdl", "text/plain": "graphql"}
    stem = "".join(c if c.isalnum() and c.isascii() or c in ".-_" else "_" for c in f"{service.name}-{service.version}")
    return f"{stem}.{extension[media_type(service.definition_type, service.definition)]}"
