"""REST: what people say about an API, with answers."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apim.errors import FieldError, Invalid
from portal import queries
from portal.actions.comments import say
from portal.api import scopes
from portal.api.base import DEFAULT_LIMIT, MOST, asked, number, page, payload, tagged, tenant, unchanged
from portal.api.scopes import HasScope
from publisher import comments
from publisher.actions.comments import delete_comment, edit_comment
from publisher.api.shapes import comments as shapes
from publisher.models import Api, Comment

SWITCH = {"": False, "false": False, "true": True}


class _ReadByAll(BasePermission):
    """Reading is open to everybody; writing needs a log-in, and of a token one of the view's `scopes`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """The answer."""
        if request.method in SAFE_METHODS:
            return True
        asks = HasScope()
        passes = asks.has_permission(request, view)
        self.message = getattr(asks, "message", "")
        return passes


class _OfApi(APIView):
    """A resource below /apis/{apiId}/comments."""

    permission_classes = (_ReadByAll,)
    scopes: ClassVar[tuple[str, ...]] = scopes.SUBSCRIBER

    def api(self, api_id: UUID) -> Api:
        """The API, when the caller sees it. Raises NotFound."""
        return queries.api(self.request.user, tenant(self.request), api_id)


class Comments(_OfApi):
    """GET and POST /apis/{apiId}/comments."""

    def get(self, request: Request, api_id: UUID) -> Response:
        """The newest first, each with its first answers."""
        named, rows = _named(request), comments.threads(self.api(api_id))

        def show(found: list[Comment]) -> list[dict[str, Any]]:
            limit = comments.FIRST_REPLIES
            return [shapes.thread(row, commenter=named, limit=limit) for row in comments.with_replies(found)]

        return page(request, rows, show, f"/apis/{api_id}/comments", together=True)

    def post(self, request: Request, api_id: UUID) -> Response:
        """A comment, or an answer to the one named in `replyTo`."""
        api, body = self.api(api_id), payload(request)
        parent = comments.one(api, asked(request, "replyTo")) if asked(request, "replyTo") else None
        category = "general" if body.get("category") is None else body["category"]
        made = say(by=request.user, api=api, text=body.get("content"), category=category, parent=parent)
        return tagged(request, shapes.shown(made), 201, Location=f"/apis/{api_id}/comments/{made.pk}")


class OneComment(_OfApi):
    """GET, PATCH and DELETE /apis/{apiId}/comments/{commentId}."""

    def get_permissions(self) -> list[BasePermission]:
        """Administrators' tokens may delete too."""
        self.scopes = (*scopes.SUBSCRIBER, "apim:admin") if self.request.method == "DELETE" else scopes.SUBSCRIBER
        return super().get_permissions()

    def get(self, request: Request, api_id: UUID, comment_id: UUID) -> Response:
        """The comment with `replyLimit` of its answers from `replyOffset` on."""
        row = comments.one(self.api(api_id), comment_id)
        limit, offset = number(request, "replyLimit", DEFAULT_LIMIT, least=1), number(request, "replyOffset", 0)
        limit = min(limit, MOST)
        row.shown_replies = list(comments.replies(row)[offset : offset + limit])
        return tagged(request, shapes.thread(row, commenter=_named(request), limit=limit, offset=offset))

    def patch(self, request: Request, api_id: UUID, comment_id: UUID) -> Response:
        """Other words; for its author."""
        row, body = comments.one(self.api(api_id), comment_id), payload(request)
        changed = edit_comment(by=request.user, comment=row, text=body.get("content"), category=body.get("category"))
        return tagged(request, shapes.shown(changed), Location=f"/apis/{api_id}/comments/{comment_id}")

    def delete(self, request: Request, api_id: UUID, comment_id: UUID) -> Response:
        """Delete it with its answers; for its author and administrators."""
        row = comments.one(self.api(api_id), comment_id)
        unchanged(request, shapes.shown(row))
        delete_comment(by=request.user, comment=row)
        return Response(status=200)


class Replies(_OfApi):
    """GET /apis/{apiId}/comments/{commentId}/replies."""

    def get(self, request: Request, api_id: UUID, comment_id: UUID) -> Response:
        """The oldest first."""
        named, rows = _named(request), comments.replies(comments.one(self.api(api_id), comment_id))
        place = f"/apis/{api_id}/comments/{comment_id}/replies"
        return tagged(request, page(request, rows, lambda row: shapes.shown(row, commenter=named), place).data)


def _named(request: Request) -> bool:
    """Whether authors' names are asked for. Raises Invalid naming the parameter."""
    value = asked(request, "includeCommenterInfo").lower()
    if value not in SWITCH:
        raise Invalid("A parameter is wrong.", [FieldError("includeCommenterInfo", "is true or false")])
    return SWITCH[value]
