"""/apis/{apiId}/comments: what people say about an API or API product, with answers."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from publisher import comments, queries
from publisher.actions.comments import add_comment, delete_comment, edit_comment
from publisher.api.base import DEFAULT_LIMIT, MOST, Resource, body_of, tagged
from publisher.api.shapes import comments as shapes
from publisher.models import Api

VIEW = ("apim:api_view", "apim:comment_view", "apim:comment_manage")
WRITE = ("apim:comment_write", "apim:comment_manage")


class CommentResource(Resource):
    """A resource below …/comments: products have comments as well."""

    def api(self, identifier: Any) -> Api:
        """The caller's API or product with that id. Raises NotFound."""
        return queries.api(self.request.user, identifier)


class Comments(CommentResource):
    """GET and POST /apis/{apiId}/comments."""

    scopes = {"GET": VIEW, "POST": WRITE}

    def get(self, request: Request, api_id: str) -> Response:
        """Comments, newest first, each with its first answers."""
        rows, commenter = comments.threads(self.api(api_id)), self.switch("includeCommenterInfo")
        limit, offset = self.number("limit", DEFAULT_LIMIT, 1, MOST), self.number("offset", 0, 0, 10**9)
        found = comments.with_replies(rows[offset : offset + limit])
        shown = [shapes.thread(row, commenter=commenter, limit=comments.FIRST_REPLIES) for row in found]
        return self.cut(shown, rows.count())

    def post(self, request: Request, api_id: str) -> Response:
        """A new comment, or an answer to the comment `replyTo`."""
        api, body = self.api(api_id), body_of(request)
        parent = comments.one(api, self.word("replyTo")) if self.word("replyTo") else None
        more = {"category": body["category"]} if body.get("category") is not None else {}
        made = add_comment(by=request.user, api=api, text=body.get("content"), parent=parent, **more)
        return tagged(request, shapes.shown(made), status=201, headers={"Location": _place(api, made.pk)})


class OneComment(CommentResource):
    """GET, PATCH and DELETE /apis/{apiId}/comments/{commentId}."""

    scopes = {"GET": VIEW, "PATCH": WRITE, "DELETE": (*WRITE, "apim:admin")}

    def get(self, request: Request, api_id: str, comment_id: str) -> Response:
        """The comment with `replyLimit` of its answers from `replyOffset` on."""
        row, commenter = comments.one(self.api(api_id), comment_id), self.switch("includeCommenterInfo")
        limit, offset = self.number("replyLimit", DEFAULT_LIMIT, 1, MOST), self.number("replyOffset", 0, 0, 10**9)
        row.shown_replies = list(comments.replies(row)[offset : offset + limit])
        return tagged(request, shapes.thread(row, commenter=commenter, limit=limit, offset=offset))

    def patch(self, request: Request, api_id: str, comment_id: str) -> Response:
        """Other words; the author's only."""
        api, body = self.api(api_id), body_of(request)
        row = comments.one(api, comment_id)
        made = edit_comment(by=request.user, comment=row, text=body.get("content"), category=body.get("category"))
        return tagged(request, shapes.shown(made), headers={"Location": _place(api, made.pk)})

    def delete(self, request: Request, api_id: str, comment_id: str) -> Response:
        """Delete it with its answers."""
        delete_comment(by=request.user, comment=comments.one(self.api(api_id), comment_id))
        return Response(status=200)


class Replies(CommentResource):
    """GET /apis/{apiId}/comments/{commentId}/replies."""

    scopes = {"GET": VIEW}

    def get(self, request: Request, api_id: str, comment_id: str) -> Response:
        """The answers, oldest first."""
        commenter = self.switch("includeCommenterInfo")
        rows = comments.replies(comments.one(self.api(api_id), comment_id))
        return self.page(rows, lambda row: shapes.shown(row, commenter=commenter))


def _place(api: Api, comment_id: Any) -> str:
    return f"/apis/{api.pk}/comments/{comment_id}"
