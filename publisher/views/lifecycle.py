"""The life cycle as a picture, the steps one may take from here, and those taken so far."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from apim.workflows.queries import last_of, pending
from publisher.actions import lifecycle as actions
from publisher.models import Api, State
from publisher.views.base import api_page, attempt, back, expected, read_api
from publisher.views.diagram import diagram

EXPLAINED = {
    actions.PUBLISH: "Developers find it in the portal and can subscribe.",
    actions.PROTOTYPE: "Show it early: developers can try it and tell what they think.",
    actions.DEMOTE: "Take it out of the portal and go on designing. It stays on the gateways.",
    actions.BLOCK: "Every call is answered with 503 until you publish it again, and the portal hides it.",
    actions.DEPRECATE: "No new subscriptions; those that exist go on working.",
    actions.REPUBLISH: "Calls pass again, and the portal shows it.",
    actions.RETIRE: "It leaves the gateways and the portal, and its subscriptions end. There is no way back.",
}
SEVERE = (actions.BLOCK, actions.RETIRE, actions.DEMOTE)


@login_required
@require_GET
def lifecycle(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """State, picture, steps, history."""
    api = read_api(request, api_id)
    context = {
        "diagram": diagram(api.state),
        "waits": pending(api),
        "last": last_of(api),
        "steps": _steps(api),
        "obstacles": actions.obstacles(api) if api.state in (State.CREATED, State.PROTOTYPED) else [],
        "checklist": actions.checklist_of(api),
        "history": api.lifecycle_events.all()[:50],
    }
    return api_page(request, "lifecycle", api, context)


def _steps(api: Api) -> list[dict[str, Any]]:
    return [
        {"action": action, "text": EXPLAINED[action], "target": State(target).label, "severe": action in SEVERE}
        for action, target in actions.available_actions(api).items()
        if target != api.state
    ]


@login_required
@require_POST
def change(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Take a step."""
    api = read_api(request, api_id)
    action, ticked = request.POST.get("action", ""), request.POST.getlist("checklist")
    target = actions.available_actions(api).get(action)

    def step() -> str:
        changed = actions.change_state(
            by=request.user, api=api, action=action, checklist=ticked, expected=expected(request)
        )
        if changed.state != target:
            return f"{action} waits for approval."
        return f"{api} is now {State(target).label.lower()}." if target else ""

    attempt(request, step)
    return back("lifecycle", api)


@login_required
@require_POST
def withdraw(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Take back the step that waits for approval."""
    api = read_api(request, api_id)
    attempt(request, lambda: actions.withdraw_step(by=request.user, api=api), "The request is taken back.")
    return back("lifecycle", api)
