"""API products: choose APIs, tick their resources, and change that choice later."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apim.accounts.permissions import require
from apim.errors import ApimError, Forbidden, Invalid, NotFound
from publisher import products, queries
from publisher.actions.access import DESIGNERS
from publisher.actions.products import create_product, refresh_product, update_product
from publisher.forms.create import Identity
from publisher.models import Api
from publisher.views.base import api_page, attempt, back, expected, read_api, sent

MOST_APIS = 50
"""APIs whose resources are shown on one page."""

PAGE_SIZE = 25


@login_required
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """First the APIs, then name, context and the ticked resources."""
    require(request.user, *DESIGNERS)
    apis = _chosen_apis(request, (request.POST or request.GET).getlist("api"))
    if not apis:
        return _choose(request)
    form, errors = Identity(*sent(request)), []
    if request.method == "POST" and form.is_valid():
        product, errors = _try(
            form, lambda: create_product(by=request.user, resources=_ticked(request), **form.cleaned_data)
        )
        if product is not None:
            messages.success(request, f"{product} was created. Choose its plans next.")
            return redirect("publisher:api", product.pk)
    context = {"form": form, "groups": _groups(apis, _marks(request)), "errors": errors}
    return render(request, "publisher/create_product.html", context, status=400 if form.errors or errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def resources(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """The resources of a product, by API; `api` in the address adds one to choose from."""
    product, errors = read_api(request, api_id), []
    if product.kind != products.PRODUCT:
        raise NotFound(f"{product} is no API product.")
    if request.method == "POST":
        saved, errors = _try(
            None,
            lambda: update_product(
                by=request.user, product=product, resources=_ticked(request), expected=expected(request)
            ),
        )
        if saved is not None:
            messages.success(request, "Resources saved. Gateways follow with the next deployed revision.")
            return back("product_resources", product)
    now = {_mark(str(one.source_id), one.verb, one.target) for one in product.operations.all()}
    held = Api.objects.filter(in_products__api=product).distinct()
    more = _chosen_apis(request, (request.POST or request.GET).getlist("api"))
    apis = list(dict.fromkeys([*held.prefetch_related("operations"), *more]))
    context = {
        "groups": _groups(apis, _marks(request) if request.method == "POST" else now),
        "errors": errors,
        "others": _usable(request).exclude(pk__in=[api.pk for api in apis]).order_by("name", "version")[:200],
        "outdated": products.is_outdated(product),
    }
    return api_page(request, "product_resources", product, context, status=400 if errors else 200)


@login_required
@require_POST
def refresh(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Take over rights and limits of the resources as their APIs have them now."""
    product = read_api(request, api_id)
    attempt(
        request,
        lambda: refresh_product(by=request.user, product=product, expected=expected(request)),
        "The resources are those of their APIs again. Deploy a new revision to let gateways follow.",
    )
    return back("product_resources", product)


def _choose(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").replace("\0", "").strip()[:200]
    found = queries.search(_usable(request), text).order_by("name", "version", "pk")
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "publisher/create_product_apis.html", {"page_obj": page, "q": text})


def _usable(request: HttpRequest) -> Any:
    return queries.listed(request.user).filter(kind__in=products.SOURCES)


def _chosen_apis(request: HttpRequest, identifiers: list[str]) -> list[Api]:
    wanted = []
    for text in identifiers[:MOST_APIS]:
        try:
            wanted.append(uuid.UUID(text))
        except ValueError:
            continue
    return list(_usable(request).filter(pk__in=wanted).order_by("name", "version").prefetch_related("operations"))


def _mark(api: str, verb: str, target: str) -> str:
    return f"{api} {verb} {target}"


def _marks(request: HttpRequest) -> set[str]:
    return set(request.POST.getlist("resource"))


def _groups(apis: list[Api], ticked: set[str]) -> list[dict[str, Any]]:
    return [
        {
            "api": api,
            "rows": [
                {"operation": one, "mark": mark, "ticked": mark in ticked}
                for one in api.operations.all()
                for mark in [_mark(str(api.pk), one.verb, one.target)]
            ],
        }
        for api in apis
    ]


def _ticked(request: HttpRequest) -> list[dict[str, Any]]:
    found: dict[str, list[dict[str, str]]] = {}
    for mark in request.POST.getlist("resource"):
        api, _, rest = mark.partition(" ")
        verb, _, target = rest.partition(" ")
        found.setdefault(api, []).append({"verb": verb, "target": target})
    return [{"api": api, "operations": rows} for api, rows in found.items()]


def _try(form: Identity | None, work: Any) -> tuple[Api | None, list[str]]:
    """What `work` made, or the mistakes in words; those of the form's fields are shown there."""
    try:
        return work(), []
    except (Forbidden, NotFound):
        raise
    except Invalid as error:
        for wrong in error.fields if form is not None else ():
            if wrong.field in form.fields:
                form.add_error(wrong.field, wrong.message)
        shown = [one.message for one in error.fields if form is None or one.field not in form.fields]
        return None, shown
    except ApimError as error:
        return None, [error.description]
