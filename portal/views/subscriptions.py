"""Pages: the subscriptions of one application."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from portal import queries
from portal.actions import subscriptions
from portal.models import Subscription, SubscriptionState
from portal.views.base import attempt, developers_only


@require_safe
@developers_only
def application_subscriptions(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """What the application may call, under which plan."""
    application = queries.application(request.user, application_id)
    rows = queries.subscriptions(request.user).filter(application=application).prefetch_related("api__plans")
    return render(request, "portal/subscriptions.html", {"application": application, "subscriptions": rows})


@require_POST
@developers_only
def change_plan(request: HttpRequest, subscription_id: UUID) -> HttpResponse:
    """Move to another plan."""
    row = queries.subscription(request.user, subscription_id)
    plan = request.POST.get("plan", "")

    def done(changed: Subscription) -> str:
        if changed.state == SubscriptionState.TIER_UPDATE_PENDING:
            return f"The change to the plan {plan} waits for approval."
        return f"{row.api} is now on the plan {plan}."

    attempt(request, subscriptions.change_plan, done, subscription=row, plan=plan)
    return redirect("portal:application_subscriptions", row.application_id)


@require_POST
@developers_only
def unsubscribe(request: HttpRequest, subscription_id: UUID) -> HttpResponse:
    """End a subscription."""
    row = queries.subscription(request.user, subscription_id)

    def done(waits: Subscription | None) -> str:
        return (
            "Ending the subscription waits for approval." if waits else f"{name} is no longer subscribed to {row.api}."
        )

    name = row.application.name
    attempt(request, subscriptions.unsubscribe, done, subscription=row)
    return redirect("portal:application_subscriptions", row.application_id)
