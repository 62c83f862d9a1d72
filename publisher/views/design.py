"""The pages that change an API's design: basic info, plans, operations."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from apim.errors import ApimError, Forbidden, NotFound
from apim.traffic.models import UNLIMITED, Level
from apim.traffic.queries import policies
from publisher import kinds, snapshots
from publisher.actions.apis import update_api
from publisher.forms import design as forms
from publisher.forms import operations as table
from publisher.models import Api
from publisher.products import PRODUCT
from publisher.views.base import api_page, back, expected, read_api, try_save

AUTH_CHOICES = (
    ("any", "Application or user"),
    ("application", "Application"),
    ("user", "User"),
    ("none", "Nobody – open to all"),
)


def _save(request: HttpRequest, api: Api, form: forms.Part) -> bool:
    saved = try_save(
        request,
        form,
        lambda: update_api(by=request.user, api=api, expected=expected(request), **form.keywords()),
        getattr(form, "PLACES", None),
    )
    if saved:
        text = "Saved. Gateways follow with the next deployed revision." if api.deployments.exists() else "Saved."
        messages.success(request, text)
    return bool(saved)


def _one_form(request: HttpRequest, api_id: uuid.UUID, kind: type[forms.Part], page: str) -> HttpResponse:
    api = read_api(request, api_id)
    form = kind(api, request.POST if request.method == "POST" else None)
    if request.method == "POST" and _save(request, api, form):
        return back(page, api)
    return api_page(request, page, api, {"form": form}, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def info(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Description, tags, visibility, owners."""
    return _one_form(request, api_id, forms.Basics, "info")


@login_required
@require_http_methods(["GET", "POST"])
def plans(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Business plans and limits."""
    return _one_form(request, api_id, forms.Plans, "plans")


@login_required
@require_http_methods(["GET", "POST"])
def operations(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """All operations in one table; of a product, the resources of its APIs."""
    api = read_api(request, api_id)
    if api.kind == PRODUCT:
        return back("product_resources", api)
    rows, errors = table.rows_of(snapshots.operations(api)), []
    if request.method == "POST":
        rows = table.rows_from(request.POST)
        errors = _save_operations(request, api, rows)
        if not errors:
            messages.success(request, "Operations saved.")
            return back("operations", api)
    limits = [UNLIMITED, *(row.name for row in policies(api.organisation, Level.API) if row.name != UNLIMITED)]
    context = {
        "rows": rows,
        "errors": errors,
        "verbs": kinds.of(api.kind).verbs,
        "auths": AUTH_CHOICES,
        "limits": limits,
    }
    return api_page(request, "operations", api, context, status=400 if errors else 200)


def _save_operations(request: HttpRequest, api: Api, rows: list[table.Row]) -> list[str]:
    wanted = [row.operation() for row in table.kept(rows)]
    if not wanted:
        return ["An API needs at least one operation."]
    try:
        update_api(by=request.user, api=api, expected=expected(request), operations=wanted)
    except (Forbidden, NotFound):
        raise
    except ApimError as error:
        return table.show_errors(rows, error) or ["Some rows are not valid; see below."]
    return []
