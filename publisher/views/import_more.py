"""Two more doors to a new API, from a GraphQL schema and from a WSDL, and the pages that only those kinds have."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apim.accounts.permissions import require
from apim.errors import NotFound
from publisher.actions.access import DESIGNERS
from publisher.actions.graphql import import_graphql, set_complexities, validate_graphql
from publisher.actions.soap import edit_policy, import_wsdl
from publisher.forms import import_more as forms
from publisher.graphql.schema import types
from publisher.models import Api
from publisher.views.base import api_page, attempt, back, expected, read_api, sent, try_save
from publisher.views.create import ENDPOINT, excerpt


@login_required
@require_http_methods(["GET", "POST"])
def graphql(request: HttpRequest) -> HttpResponse:
    """A GraphQL API; mistakes of the schema are shown with their lines."""
    require(request.user, *DESIGNERS)
    form = forms.FromSchema(*sent(request))
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        report = validate_graphql(form.cleaned_data["text"])
        if not report.valid:
            context |= {"report": report, "lines": excerpt(report)}
        else:
            api = try_save(request, form, lambda: import_graphql(by=request.user, **form.import_keywords()), ENDPOINT)
            if api:
                return _made(request, api)
    return render(request, "publisher/create_graphql.html", context, status=400 if request.method == "POST" else 200)


@login_required
@require_http_methods(["GET", "POST"])
def wsdl(request: HttpRequest) -> HttpResponse:
    """A SOAP API, passed through or as REST."""
    require(request.user, *DESIGNERS)
    form = forms.FromWsdl(*sent(request))
    if request.method == "POST":
        api = try_save(request, form, lambda: import_wsdl(by=request.user, **form.import_keywords()), ENDPOINT)
        if api:
            return _made(request, api)
    return render(request, "publisher/create_wsdl.html", {"form": form}, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def complexity(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """What the fields of a GraphQL API cost."""
    api = _of_kind(request, api_id, "GRAPHQL")
    found = types(api.definition)
    if request.method == "POST":
        pairs = zip(request.POST.getlist("field"), request.POST.getlist("cost"), strict=False)
        costs = [_cost(place, value) for place, value in pairs]
        save = {"by": request.user, "api": api, "costs": costs, "expected": expected(request)}
        if attempt(request, lambda: set_complexities(**save), "Costs saved."):
            return back("complexity", api)
    known = {(one["type"], one["field"]): one["value"] for one in api.complexities}
    rows = [
        {
            "type": one["type"],
            "fields": [{"name": name, "cost": known.get((one["type"], name), 1)} for name in one["fields"]],
        }
        for one in found
    ]
    return api_page(request, "complexity", api, {"types": rows}, status=400 if request.method == "POST" else 200)


@login_required
@require_http_methods(["GET", "POST"])
def sequences(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """The sequences that translate between REST and SOAP."""
    api = _of_kind(request, api_id, "SOAPTOREST")
    content = request.POST.get("content", "").replace("\r\n", "\n")
    chosen = request.POST.get("policy", "")
    if request.method == "POST":
        save = {"by": request.user, "api": api, "policy_id": chosen, "content": content, "expected": expected(request)}
        if attempt(
            request, lambda: edit_policy(**save), "The sequence was saved. Gateways follow with the next revision."
        ):
            return back("sequences", api)
    rows = [one | {"open": one["id"] == chosen, "content": content if one["id"] == chosen else one["content"]}
            for one in api.resource_policies]  # fmt: skip
    return api_page(request, "sequences", api, {"rows": rows}, status=400 if request.method == "POST" else 200)


def _of_kind(request: HttpRequest, api_id: uuid.UUID, kind: str) -> Api:
    api = read_api(request, api_id)
    if api.kind != kind:
        raise NotFound(f"{api} has no such page.")
    return api


def _cost(place: str, value: str) -> dict[str, Any]:
    kind, _, name = place.partition(".")
    number = int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else value
    return {"type": kind, "field": name, "value": number}


def _made(request: HttpRequest, api: Api) -> HttpResponse:
    messages.success(request, f"{api} was created.")
    return redirect("publisher:api", api.pk)
