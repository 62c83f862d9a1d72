"""Pages: one API – overview with subscribing, definition, try-out console."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apim.accounts.permissions import require
from apim.errors import ApimError
from apim.ui.csp import allow
from apim.ui.forms import add_errors
from portal import described, queries, streaming
from portal.actions.applications import create_application
from portal.actions.subscriptions import subscribe as subscribe_action
from portal.addresses import Address, addresses
from portal.catalogue import versions
from portal.definition import as_yaml, definition
from portal.forms import SubscribeForm
from portal.models import ApplicationKey, Subscription, SubscriptionState
from portal.permissions import DEVELOPER
from portal.views.base import developers_only, organisation
from portal.wording import call_curl, credentials
from publisher.models import Api, Operation


@require_safe
def overview(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """What the API does, where it is, what it costs, and how to subscribe."""
    api = queries.api(request.user, organisation(request), api_id)
    return _overview(request, api, _form(request, api))


@require_POST
@developers_only
def subscribe(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """Subscribe an application, which is made on the way when its name is given: all or nothing."""
    api = queries.api(request.user, organisation(request), api_id)
    form = _form(request, api, request.POST)
    require(request.user, DEVELOPER)
    if not form or not form.is_valid():
        return _overview(request, api, form)
    try:
        subscription = _subscribe(request, api, form)
    except ApimError as error:
        add_errors(form, error)
        return _overview(request, api, form)
    if subscription.state == SubscriptionState.ON_HOLD:
        messages.info(request, f"The subscription of {subscription.application.name} to {api} waits for approval.")
    else:
        messages.success(request, f"{subscription.application.name} is subscribed to {api}.")
    return redirect("portal:api", api.pk)


@require_safe
def tryout(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """The console that calls the gateway from the browser."""
    api = queries.api(request.user, organisation(request), api_id)
    places, operations = addresses(api), list(api.operations.all())
    context = {
        "api": api,
        "places": places,
        "scopes": sorted({scope for operation in operations for scope in operation.scopes}),
        "keys": _keys(request, api),
        "subscriptions": _own_subscriptions(request, api),
        "curl": call_curl(api, places),
        "topic_url": _topic_url(places, operations),
        "example": described.example(api) if api.kind == "GRAPHQL" else "",
        "open": all(operation.auth == "none" for operation in operations),
    }
    origins = {"{0.scheme}://{0.netloc}".format(urlsplit(url)) for place in places for url in place.urls}
    return allow(render(request, "portal/tryout.html", context), "connect-src", sorted(origins))


@require_safe
def definition_file(request: HttpRequest, api_id: UUID, form: str) -> HttpResponse:
    """The OpenAPI document for callers, as JSON or YAML; `?download` offers it as a file."""
    api = queries.api(request.user, organisation(request), api_id)
    document = definition(api, addresses(api))
    if form == "json":
        response = JsonResponse(document, json_dumps_params={"indent": 2, "ensure_ascii": False})
    else:
        response = HttpResponse(as_yaml(document), content_type="application/yaml; charset=utf-8")
    if "download" in request.GET:
        name = "".join(c if c.isascii() and c.isalnum() else "-" for c in f"{api.name}-{api.version}")
        response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response


def _overview(request: HttpRequest, api: Api, form: SubscribeForm | None) -> HttpResponse:
    places = addresses(api)
    context = {
        "api": api,
        "places": places,
        "operations": api.operations.all(),
        "plans": queries.plans(api, request.user),
        "versions": versions(request.user, api),
        "subscriptions": _own_subscriptions(request, api),
        "form": form,
        "subscribable": api.state in queries.SUBSCRIBABLE,
        "curl": call_curl(api, places),
        "credentials": credentials(api),
        "callbacks": streaming.callbacks(request.user, api=str(api.pk)) if api.kind == "WEBSUB" else None,
        "properties": [p for p in api.additional_properties if isinstance(p, dict) and p.get("display")],
    }
    return render(request, "portal/api.html", context, status=400 if form and form.is_bound and form.errors else 200)


def _topic_url(places: list[Address], operations: list[Operation]) -> str:
    """Where the console of a streaming API begins."""
    if not places or not places[0].urls or not operations:
        return ""
    return places[0].urls[0] + operations[0].target.removesuffix("*")


def _form(request: HttpRequest, api: Api, data: object = None) -> SubscribeForm | None:
    """The form for this person, or None when there is nothing to fill in."""
    user = request.user
    offered = queries.plans(api, user)
    if not user.is_authenticated or not user.has_role(DEVELOPER) or not offered:
        return None
    free = queries.applications(user).exclude(subscriptions__api=api)
    newcomer = not free and not queries.applications(user).exists()
    initial = {"application": free.first(), "new_application": "My application" if newcomer else ""}
    return SubscribeForm(data, applications=free, plans=offered, initial=initial)


@transaction.atomic
def _subscribe(request: HttpRequest, api: Api, form: SubscribeForm) -> Subscription:
    application = form.cleaned_data["application"]
    if application is None:
        application = create_application(by=request.user, name=form.cleaned_data["new_application"])
    plan = form.cleaned_data["throttlingPolicy"]
    return subscribe_action(by=request.user, application=application, api=api, plan=plan)


def _own_subscriptions(request: HttpRequest, api: Api) -> list[Subscription]:
    if not request.user.is_authenticated:
        return []
    return list(queries.subscriptions(request.user).filter(api=api).prefetch_related("application__keys"))


def _keys(request: HttpRequest, api: Api) -> list[ApplicationKey]:
    """Keys of the person's applications that are subscribed to the API."""
    if not request.user.is_authenticated:
        return []
    used = ApplicationKey.objects.filter(application__in=queries.applications(request.user))
    own = used.filter(application__subscriptions__api=api)
    return list(
        own.filter(client__isnull=False).select_related("application").order_by("application__name", "key_type")
    )
