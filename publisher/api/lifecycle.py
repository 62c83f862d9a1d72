"""/apis/change-lifecycle and what one can ask about the life cycle."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import FieldError, Invalid
from publisher.actions.access import etag
from publisher.actions.lifecycle import available_actions, change_state, checklist_of
from publisher.api.base import Resource, tagged
from publisher.models import Api, State


class ChangeLifecycle(Resource):
    """POST /apis/change-lifecycle."""

    def post(self, request: Request) -> Response:
        """Carry out `action`; `lifecycleChecklist` is `item:true,item:false`."""
        api, action = self.api(self.required("apiId")), self.required("action")
        api = change_state(
            by=request.user,
            api=api,
            action=action,
            checklist=_ticked(self.word("lifecycleChecklist")),
            expected=self.if_match(),
        )
        return tagged(request, {"workflowStatus": "APPROVED", "lifecycleState": _state(api)}, etag(api))


class LifecycleState(Resource):
    """GET /apis/{apiId}/lifecycle-state."""

    def get(self, request: Request, api_id: str) -> Response:
        """State, possible actions, checklist."""
        api = self.api(api_id)
        return tagged(request, _state(api), etag(api))


class LifecycleHistory(Resource):
    """GET /apis/{apiId}/lifecycle-history."""

    def get(self, request: Request, api_id: str) -> Response:
        """Every step so far, the newest first."""
        events = [
            {"previousState": e.before or None, "postState": e.after, "user": e.user, "updatedTime": e.at.isoformat()}
            for e in self.api(api_id).lifecycle_events.all()
        ]
        return tagged(request, {"count": len(events), "list": events})


def _state(api: Api) -> dict[str, Any]:
    transitions = [
        {"event": action, "targetState": State(target).label} for action, target in available_actions(api).items()
    ]
    items = [{"name": item, "value": False, "requiredStates": ["Published"]} for item in checklist_of(api)]
    return {"state": State(api.state).label, "checkItems": items, "availableTransitions": transitions}


def _ticked(text: str) -> list[str]:
    found = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, colon, value = item.rpartition(":")
        if not colon or value.strip().lower() not in ("true", "false"):
            raise Invalid(
                f"lifecycleChecklist: {item[:80]!r} is not item:true or item:false.",
                [FieldError("lifecycleChecklist", "item:true,…")],
            )
        if value.strip().lower() == "true":
            found.append(name.strip())
    return found
