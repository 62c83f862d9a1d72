"""Pages in the publisher: who is subscribed to an API; block, unblock, move to another plan (reference A5)."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apim.accounts.permissions import require
from portal import queries
from portal.actions import subscriptions as actions
from portal.models import SubscriptionState
from portal.permissions import PUBLISHER
from portal.views.base import attempt, word
from publisher.queries import api as publisher_api

PAGE = 50
DONE = {
    SubscriptionState.UNBLOCKED: "may call the API again.",
    SubscriptionState.BLOCKED: "is blocked.",
    SubscriptionState.PROD_ONLY_BLOCKED: "is blocked in production; its sandbox calls pass.",
}


@require_safe
@login_required
def subscriptions(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """Subscribers of one API with their applications, plans and states."""
    api = publisher_api(request.user, api_id)
    rows = queries.subscriptions_to(request.user.organisation).filter(api=api)
    query, state = word(request, "query"), request.GET.get("state", "")
    if query:
        rows = rows.filter(Q(application__name__icontains=query) | Q(application__owner__username__icontains=query))
    if state in SubscriptionState.values:
        rows = rows.filter(state=state)
    plans = queries.plans(api)
    context = {
        "api": api,
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "plans": plans,
        "offered": [plan.name for plan in plans],
        "query": query,
        "state": state,
        "states": SubscriptionState.choices,
        "may_write": request.user.has_role(PUBLISHER),
    }
    return render(request, "portal/publisher_subscriptions.html", context)


@require_POST
@login_required
def set_state(request: HttpRequest, subscription_id: UUID) -> HttpResponse:
    """Block or unblock."""
    require(request.user, PUBLISHER)
    row = queries.subscription_to(request.user.organisation, subscription_id)
    state = request.POST.get("state", "")
    done = f"{row.application.name} {DONE.get(state, '')}"
    attempt(request, actions.set_state, done, subscription=row, state=state)
    return redirect("portal_publisher:subscriptions", row.api_id)


@require_POST
@login_required
def change_plan(request: HttpRequest, subscription_id: UUID) -> HttpResponse:
    """Move a subscriber to another plan."""
    require(request.user, PUBLISHER)
    row = queries.subscription_to(request.user.organisation, subscription_id)
    plan = request.POST.get("plan", "")
    done = f"{row.application.name} is now on the plan {plan}."
    attempt(request, actions.change_plan, done, subscription=row, plan=plan)
    return redirect("portal_publisher:subscriptions", row.api_id)
