"""An API at a glance, with the next step always in sight; deleting it, taking over its service."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from publisher.actions.apis import delete_api
from publisher.actions.services import is_outdated, reimport_service
from publisher.checks.identity import full_path
from publisher.models import Api, State
from publisher.products import PRODUCT, products_of
from publisher.products import is_outdated as product_outdated
from publisher.vhosts import bases
from publisher.views.base import api_page, attempt, back, expected, read_api


@dataclass(frozen=True)
class Step:
    """One step on the way to a published API: what it is, where it is done, whether it is done."""

    label: str
    text: str
    url_name: str
    button: str
    done: bool
    roles: str = "may_design"


def steps(api: Api) -> list[Step]:
    """Design → plans → deploy → publish."""
    return [
        Step(
            "Design",
            "Name a backend and check the operations.",
            "publisher:endpoints",
            "Set the endpoint",
            bool(api.endpoints) or api.kind in (PRODUCT, "WEBSUB"),
        ),
        Step(
            "Choose plans",
            "Decide how much subscribers may use.",
            "publisher:plans",
            "Choose plans",
            api.plans.exists(),
        ),
        Step(
            "Deploy",
            "Freeze the design as a revision and run it on a gateway.",
            "publisher:deployments",
            "Deploy a revision",
            api.deployments.exists(),
            "may_deploy",
        ),
        Step(
            "Publish",
            "Let developers find it and subscribe.",
            "publisher:lifecycle",
            "Publish",
            api.state not in (State.CREATED, State.PROTOTYPED),
            "may_publish",
        ),
    ]


@login_required
@require_GET
def overview(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """The API and what comes next."""
    api = read_api(request, api_id)
    way = steps(api)
    path = api.organisation.prefix + full_path(api.context, api.version)
    deployments = api.deployments.select_related("environment", "revision").defer("revision__snapshot")
    context = {
        "steps": way,
        "next_step": next((step for step in way if not step.done), None) if api.state != State.RETIRED else None,
        "path": path,
        "deployments": deployments,
        "addresses": [f"{bases(row.environment, row.vhost)['https']}{path}" for row in deployments],
        "operations": api.operations.all()[:8],
        "operation_count": api.operations.count(),
        "plans": api.plans.all(),
        "outdated": is_outdated(api),
        "product_outdated": api.kind == PRODUCT and product_outdated(api),
        "products": products_of(api),
        "versions": Api.objects.filter(organisation=api.organisation, name__iexact=api.name)
        .exclude(pk=api.pk)
        .only("name", "version", "state"),
    }
    return api_page(request, "overview", api, context)


@login_required
@require_POST
def delete(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Delete the API."""
    api = read_api(request, api_id)
    name = str(api)
    if attempt(request, lambda: delete_api(by=request.user, api=api), f"{name} was deleted."):
        return redirect("publisher:apis")
    return back("api", api)


@login_required
@require_POST
def reimport(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Take over the service of the catalog as it is now."""
    api = read_api(request, api_id)
    attempt(
        request,
        lambda: reimport_service(by=request.user, api=api, expected=expected(request)),
        "Definition and endpoint are the service's again. Deploy a new revision to let gateways follow.",
    )
    return back("api", api)
