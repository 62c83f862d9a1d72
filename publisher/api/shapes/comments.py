"""A comment in the contracts of publisher and portal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from publisher.models import Comment


def shown(comment: Comment, *, commenter: bool = False, replies: dict[str, Any] | None = None) -> dict[str, Any]:
    """The contract's Comment; `commenter`: with the author's name, `replies`: a list of the contract."""
    body = {
        "id": str(comment.pk),
        "content": comment.text,
        "createdTime": _moment(comment.created),
        "createdBy": comment.author_name,
        "category": comment.category,
        "entryPoint": comment.entry_point,
    }
    if comment.updated is not None:
        body["updatedTime"] = _moment(comment.updated)
    if comment.parent_id is not None:
        body["parentCommentId"] = str(comment.parent_id)
    if commenter:
        body["commenterInfo"] = _names(comment)
    if replies is not None:
        body["replies"] = replies
    return body


def thread(comment: Comment, *, commenter: bool, limit: int, offset: int = 0) -> dict[str, Any]:
    """A comment that went through `comments.with_replies`, or has `shown_replies` from elsewhere, with these."""
    rows = [shown(reply, commenter=commenter) for reply in comment.shown_replies]
    return shown(comment, commenter=commenter, replies=listed(rows, comment.reply_count, limit, offset))


def listed(rows: list[dict[str, Any]], total: int, limit: int, offset: int) -> dict[str, Any]:
    """A list without links: replies inside a comment."""
    pagination = {"offset": offset, "limit": limit, "total": total, "next": "", "previous": ""}
    return {"count": len(rows), "list": rows, "pagination": pagination}


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _names(comment: Comment) -> dict[str, str]:
    author = comment.author
    first, last = (author.first_name, author.last_name) if author is not None else ("", "")
    return {"firstName": first, "lastName": last, "fullName": f"{first} {last}".strip() or comment.author_name}
