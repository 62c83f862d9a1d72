"""Pages: the catalogue of APIs, open to everybody."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apim.errors import Invalid
from portal.catalogue import categories, tag_counts, visible
from portal.search import by_tag, search
from portal.views.base import organisation, word

PAGE = 24
TAGS = 24
"""Most tags shown; the rest is found by searching."""
ORDERS = {"name": ("name", "version"), "newest": ("-created", "name")}


@require_safe
def apis(request: HttpRequest) -> HttpResponse:
    """The APIs this person may see: search, tag filter, order, pages. Its number of queries does not grow with them."""
    query, tag = request.GET.get("query", "").strip(), word(request, "tag")
    order, category = request.GET.get("order", "name"), word(request, "category")
    everything = visible(request.user, organisation(request))
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
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "tags": tag_counts(everything)[:TAGS],
        "query": query,
        "tag": tag,
        "categories": categories(organisation(request), everything),
        "category": category,
        "order": order,
        "problem": problem,
        "filtered": bool(query or tag or category),
    }
    return render(request, "portal/apis.html", context)
