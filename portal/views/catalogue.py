"""Pages: the catalogue of APIs, open to everybody."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from apim.errors import Invalid
from portal.catalogue import categories, tag_counts, visible
from portal.picked import Picked
from portal.search import by_tag, search
from portal.views.base import asked_organisation, organisation, word

PAGE = 24
TAGS = 24
"""Most tags shown; the rest is found by searching."""
ORDERS = {"name": ("name", "version"), "newest": ("-created", "name")}


@require_safe
def apis(request: HttpRequest) -> HttpResponse:
    """The APIs this person may see: search, tag filter, order, pages. Its number of queries does not grow with them."""
    query, tag = request.GET.get("query", "").strip(), word(request, "tag")
    order, category = request.GET.get("order", "name"), word(request, "category")
    shown = asked_organisation(request)
    if not request.user.is_authenticated and shown != organisation(request):
        return redirect(f"{shown.prefix}/devportal/")
    everything = visible(request.user, shown)
    rows, problem = everything, ""
    try:
        rows = search(rows, query)
    except Invalid as error:
        problem = error.fields[0].message
    if tag:
        rows = by_tag(rows, tag)
    if category:
        rows = rows.filter(categories__name__iexact=category)
    rows = rows.order_by(*ORDERS.get(order, ORDERS["name"]), "pk")
    context = {
        "page": Paginator(Picked(rows), PAGE).get_page(request.GET.get("page")),
        "tags": tag_counts(everything)[:TAGS],
        "query": query,
        "tag": tag,
        "categories": categories(shown, everything),
        "category": category,
        "order": order,
        "problem": problem,
        "elsewhere": shown if shown != organisation(request) else None,
        "filtered": bool(query or tag or category),
    }
    return render(request, "portal/apis.html", context)
