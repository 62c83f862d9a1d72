"""/workflows of the admin contract, and the address where asked services call back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apim.accounts.permissions import require
from apim.errors import FieldError, Invalid, Unauthenticated
from apim.workflows import queries
from apim.workflows.actions.tasks import decide
from apim.workflows.deliver import is_callback_token
from apim.workflows.errors import NoTask
from apim.workflows.models import Kind, Status, Style, Task

SEE, DECIDE = ("apim:admin", "apim:api_workflow_view"), ("apim:admin", "apim:api_workflow_approve")
DEFAULT_LIMIT, MOST = 25, 1000
SELDOM = ("APPLICATION_UPDATE", "REVISION_DEPLOYMENT")
"""Types of the contract that nothing here asks for: their lists are empty."""

ASKED = {f"AM_{kind}": str(kind) for kind in (*Kind.values, *SELDOM)}
"""`workflowType` of the query → of the answer."""


class Scoped(BasePermission):
    """An administrator whose token, if it is one, has a scope of the contract."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """The answer; `message` says which scopes would do."""
        if not request.user.is_authenticated:
            return False
        wanted = DECIDE if request.method == "POST" else SEE
        given = getattr(request.auth, "scopes", None)
        self.message = f"The access token needs one of the scopes: {', '.join(wanted)}."
        return given is None or not given.isdisjoint(wanted)


class Resource(APIView):
    """For administrators of the organisation whose requests these are."""

    permission_classes = (Scoped,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises Forbidden for others."""
        super().initial(request, *args, **kwargs)
        require(request.user)


class Workflows(Resource):
    """GET /workflows: what waits, the newest first."""

    def get(self, request: Request) -> Response:
        """One page of it; `workflowType` narrows."""
        kind = request.query_params.get("workflowType", "")
        if kind and kind not in ASKED:
            message = f"{kind[:80]!r} is not one of: {', '.join(ASKED)}"
            raise Invalid("There is no such workflow type.", [FieldError("workflowType", message)])
        rows = queries.waiting(request.user.organisation, ASKED.get(kind, ""))
        limit = min(_number(request, "limit", DEFAULT_LIMIT, 1), MOST)
        offset, total = _number(request, "offset", 0, 0), rows.count()
        found = [shape(row) for row in rows[offset : offset + limit]]

        def link(start: int) -> str:
            return f"/workflows?limit={limit}&offset={start}" + (f"&workflowType={kind}" if kind else "")

        following = link(offset + limit) if offset + limit < total else ""
        previous = link(max(offset - limit, 0)) if offset else ""
        return Response({"count": len(found), "next": following, "previous": previous, "list": found})


class OneWorkflow(Resource):
    """GET /workflows/{externalWorkflowRef}."""

    def get(self, request: Request, reference: str) -> Response:
        """A request that waits; decided ones are not found."""
        task = queries.task(request.user.organisation, reference)
        if not task.is_waiting:
            raise NoTask(reference)
        return Response(shape(task))


class UpdateStatus(Resource):
    """POST /workflows/update-workflow-status?workflowReferenceId=…"""

    def post(self, request: Request) -> Response:
        """Approve or reject; the same decision again is no mistake, the other one is a conflict."""
        reference = request.query_params.get("workflowReferenceId") or request.query_params.get("workflowReferenceID")
        if not reference:
            raise Invalid("Which request?", [FieldError("workflowReferenceId", "is required")])
        task = queries.task(request.user.organisation, reference)
        approved, comment = _decision(request)
        done = decide(by=request.user, task=task, approved=approved, comment=comment)
        return Response({"status": str(done.status), "attributes": {}, "description": done.comment})


class Callback(APIView):
    """POST /workflows/callback/<reference>: the asked service decides. It shows the token that it was given as Bearer."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request: Request, reference: UUID) -> Response:
        """Approve or reject. Raises Unauthenticated for a wrong token, whether there is such a request or not."""
        task = Task.objects.filter(pk=reference, style=Style.HTTP).select_related("organisation").first()
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if task is None or scheme.lower() != "bearer" or not is_callback_token(task, token.strip()):
            raise Unauthenticated("The callback needs the callbackToken of its request as a bearer token.")
        approved, comment = _decision(request)
        done = decide(by=None, task=task, approved=approved, comment=comment)
        return Response({"status": str(done.status), "description": done.comment})


def shape(task: Task) -> dict[str, Any]:
    """WorkflowInfo."""
    return {
        "workflowType": task.kind,
        "workflowStatus": task.status,
        "createdTime": _time(task.created),
        "updatedTime": _time(task.updated),
        "referenceId": str(task.pk),
        "properties": {**task.properties, "requestedBy": task.requester_name},
        "description": task.description,
    }


def _time(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}"


def _decision(request: Request) -> tuple[bool, str]:
    body = request.data
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.", [FieldError("body", "send an object")])
    status, comment = body.get("status"), body.get("description") or ""
    if status not in (Status.APPROVED, Status.REJECTED):
        raise Invalid("There is no such decision.", [FieldError("status", "APPROVED or REJECTED")])
    if not isinstance(comment, str) or any("\ud800" <= one <= "\udfff" for one in comment):
        raise Invalid("The comment is not valid.", [FieldError("description", "must be a text")])
    return status == Status.APPROVED, comment


def _number(request: Request, name: str, default: int, least: int) -> int:
    text = request.query_params.get(name, "") or str(default)
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) >= least):
        raise Invalid("A number is wrong.", [FieldError(name, f"{text[:40]!r} is not a whole number from {least} on")])
    return int(text)
