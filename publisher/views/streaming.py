"""Pages of streaming APIs: made by hand, from AsyncAPI, and the topics of WebSub with their receiver."""

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
from apim.websub import queries as hub
from publisher.actions.access import DESIGNERS
from publisher.actions.streaming import create_streaming, import_asyncapi, set_websub, validate_asyncapi
from publisher.asyncapi import websub
from publisher.checks.identity import full_path
from publisher.forms import streaming as forms
from publisher.models import Api
from publisher.openapi.report import Report
from publisher.vhosts import bases
from publisher.views.base import api_page, back, expected, read_api, rights, sent, try_save
from publisher.views.create import excerpt

PLACES = {"endpoints.production": "endpoint", "endpoints.production.url": "endpoint", "type": "kind"}


@login_required
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """A new streaming API with one topic for everything."""
    require(request.user, *DESIGNERS)
    form = forms.Streaming(*sent(request))
    if request.method == "POST":
        api = try_save(request, form, lambda: create_streaming(by=request.user, **form.keywords()), PLACES)
        if api:
            return _made(request, api)
    return render(request, "publisher/create_streaming.html", {"form": form}, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def asyncapi(request: HttpRequest) -> HttpResponse:
    """First the definition and the report on it, then the API it suggests."""
    require(request.user, *DESIGNERS)
    if "name" in request.POST:
        return _import(request)
    form = forms.AsyncDefinition(*sent(request))
    if request.method == "GET" or not form.is_valid():
        return render(request, "publisher/create_asyncapi.html", {"form": form}, status=400 if form.errors else 200)
    report = validate_asyncapi(form.cleaned_data["text"])
    if not report.valid:
        again = forms.AsyncDefinition(initial={"text": report.text})
        context = {"form": again, "report": report, "lines": excerpt(report)}
        return render(request, "publisher/create_asyncapi.html", context, status=400)
    return _review(request, forms.FromAsyncApi(initial=_suggested(report)), report)


@login_required
@require_http_methods(["GET", "POST"])
def topics(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """The topics of a WebSub API: where their events go, how those are signed, who listens."""
    api = read_api(request, api_id)
    if api.kind != "WEBSUB":
        raise NotFound(f"{api} is no WebSub API.")
    options = websub.shown_options(api.gateway_options)
    # The secret is for those who may change it.
    secret = options["secret"] if rights(request.user)["may_design"] else ""
    form = forms.Receiver(*sent(request), initial=options | {"secret": ""})
    if request.method == "POST" and try_save(
        request, form, lambda: set_websub(by=request.user, api=api, expected=expected(request), **form.cleaned_data)
    ):
        messages.success(request, "Saved. Gateways follow with the next deployed revision.")
        return back("topics", api)
    context = {
        "form": form,
        "secret": secret,
        "options": options,
        "receivers": _receivers(api),
        "callbacks": hub.of_api(str(api.pk))[:100],
        "outcomes": sorted(hub.outcomes(str(api.pk)).items()),
    }
    return api_page(request, "topics", api, context, status=400 if form.errors else 200)


def _receivers(api: Api) -> list[tuple[str, list[str]]]:
    """Each topic with the addresses that take its events."""
    path = api.organisation.prefix + full_path(api.context, api.version) + websub.RECEIVER
    places = [bases(one.environment, one.vhost)["https"] for one in api.deployments.select_related("environment")]
    return [(one.target, [place + path + one.target for place in places]) for one in api.operations.all()]


def _import(request: HttpRequest) -> HttpResponse:
    form = forms.FromAsyncApi(request.POST)
    api = try_save(request, form, lambda: import_asyncapi(by=request.user, **form.keywords()), PLACES)
    if api:
        return _made(request, api)
    return _review(request, form, validate_asyncapi(request.POST.get("text", "")), status=400)


def _review(request: HttpRequest, form: Any, report: Report, status: int = 200) -> HttpResponse:
    return render(request, "publisher/create_asyncapi_review.html", {"form": form, "report": report}, status=status)


def _suggested(report: Report) -> dict[str, Any]:
    named = {name: report.suggestion[name] for name in ("kind", "name", "context", "version")}
    endpoint = report.suggestion["endpoints"].get("production", {}).get("url", "")
    return {**named, "endpoint": endpoint, "text": report.text}


def _made(request: HttpRequest, api: Api) -> HttpResponse:
    messages.success(request, f"{api} was created.")
    return redirect("publisher:api", api.pk)
