"""The list of APIs: search, filter by state and tag, pages; the same few queries for ten APIs and for thousands."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from publisher import queries
from publisher.models import Deployment, State
from publisher.views.base import rights

PAGE_SIZE = 25
ORDERS = {"name": ("name", "version"), "-updated": ("-updated",), "-created": ("-created",), "state": ("state", "name")}


@login_required
@require_GET
def api_list(request: HttpRequest) -> HttpResponse:
    """APIs that match `q`, `state` and `tag`, in the order `sort`."""
    every = queries.listed(request.user)
    text = request.GET.get("q", "").replace("\0", "").strip()[:200]
    tag = request.GET.get("tag", "").replace("\0", "").strip()[:60]
    state, sort = request.GET.get("state", ""), request.GET.get("sort", "-updated")
    found = queries.search(every, text)
    if state in State.values:
        found = found.filter(state=state)
    if tag:
        found = queries.tagged(found, tag)
    deployments = Deployment.objects.select_related("environment", "revision").defer("revision__snapshot")
    shown = found.prefetch_related(Prefetch("deployments", deployments))
    page = Paginator(shown.order_by(*ORDERS.get(sort, ORDERS["-updated"]), "pk"), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    context = {
        "page_obj": page,
        "q": text,
        "tag": tag,
        "state": state,
        "sort": sort,
        "states": State.choices,
        "filtered": bool(text or tag or state),
        **rights(request.user),
    }
    return render(request, "publisher/list.html", context)
