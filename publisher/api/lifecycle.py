"""/apis/change-lifecycle and what one can ask about the life cycle."""

from __future__ import annotations

import json
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import FieldError, Invalid
from apim.workflows.models import Task
from apim.workflows.queries import pending
from publisher.actions.access import etag
from publisher.actions.lifecycle import available_actions, change_state, checklist_of, withdraw_step
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
        waits = pending(api)
        body = {"workflowStatus": "CREATED" if waits else "APPROVED", "lifecycleState": _state(api)}
        if waits:
            body["jsonPayload"] = json.dumps({"workflowReference": str(waits.pk)})
            return tagged(request, body, etag(api), 202)
        return tagged(request, body, etag(api))


class LifecycleState(Resource):
    """GET /apis/{apiId}/lifecycle-state."""

    def get(self, request: Request, api_id: str) -> Response:
        """State, possible actions, checklist."""
        api = self.api(api_id)
        return tagged(request, _state(api), etag(api))


class PendingTasks(Resource):
    """GET and DELETE /apis/{apiId}/lifecycle-state/pending-tasks."""

    def get(self, request: Request, api_id: str) -> Response:
        """The step that waits for approval, as a list of one or none."""
        task = pending(self.api(api_id))
        found = [_waiting(task)] if task else []
        return tagged(request, {"count": len(found), "list": found})

    def delete(self, request: Request, api_id: str) -> Response:
        """Take it back; 404 when none waits."""
        withdraw_step(by=request.user, api=self.api(api_id))
        return Response(status=200)


class LifecycleHistory(Resource):
    """GET /apis/{apiId}/lifecycle-history."""

    def get(self, request: Request, api_id: str) -> Response:
        """Every step so far, the newest first."""
        events = [
            {
                **({"previousState": e.before} if e.before else {}),
                "postState": e.after,
                "user": e.user,
                "updatedTime": e.at.isoformat(),
            }
            for e in self.api(api_id).lifecycle_events.all()
        ]
        return tagged(request, {"count": len(events), "list": events})


def _waiting(task: Task) -> dict[str, Any]:
    return {
        "workflowType": task.kind,
        "workflowStatus": task.status,
        "referenceId": str(task.pk),
        "createdTime": task.created.isoformat(),
        "properties": task.properties,
        "description": task.description,
    }


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
