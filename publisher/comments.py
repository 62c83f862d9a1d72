"""Reads of comments: threads, newest first, each with its first answers, in a constant number of queries."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber

from apim.errors import NotFound
from publisher.models import Api, Comment

FIRST_REPLIES = 3
"""Answers that a list shows below each comment."""


def threads(api: Api) -> QuerySet[Comment]:
    """The comments on `api` that answer no other, newest first, with `reply_count`."""
    # Counting drops the model's own order.
    counted = _read(api.comments.filter(parent=None)).annotate(reply_count=Count("replies"))
    return counted.order_by("-created", "id")


def replies(comment: Comment) -> QuerySet[Comment]:
    """The answers to `comment`, oldest first."""
    return _read(comment.replies.all()).order_by("created", "id")


def one(api: Api, identifier: uuid.UUID | str) -> Comment:
    """A comment on `api`, or an answer to one. Raises NotFound."""
    try:
        found = _read(api.comments.all()).annotate(reply_count=Count("replies"))
        row = found.filter(pk=uuid.UUID(str(identifier))).first()
    except ValueError:
        row = None
    if row is None:
        raise NotFound(f"There is no comment {str(identifier)[:80]}.")
    row.api = api
    return row


def with_replies(comments: Iterable[Comment], limit: int = FIRST_REPLIES) -> list[Comment]:
    """`comments` as a list, each with its first `limit` answers as `shown_replies`. One query for all of them."""
    found = list(comments)
    numbered = Window(RowNumber(), partition_by=F("parent_id"), order_by=[F("created").asc(), F("id").asc()])
    rows = _read(Comment.objects.filter(parent__in=found)).annotate(place=numbered).filter(place__lte=limit)
    below: dict[Any, list[Comment]] = {}
    for row in rows.order_by("created", "id"):
        below.setdefault(row.parent_id, []).append(row)
    for comment in found:
        comment.shown_replies = below.get(comment.pk, [])
    return found


def _read(rows: QuerySet[Comment]) -> QuerySet[Comment]:
    return rows.select_related("author")
