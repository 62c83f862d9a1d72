"""The page of what people say about an API."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from apim.accounts.models import BuiltinRole
from publisher import comments as reads
from publisher.actions.comments import add_comment, delete_comment, edit_comment
from publisher.views.base import api_page, attempt, back, read_api

PAGE, MOST_ANSWERS = 20, 100


@login_required
@require_safe
def comments(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Threads, newest first."""
    api = read_api(request, api_id)
    page = Paginator(reads.threads(api), PAGE).get_page(request.GET.get("page"))
    threads = reads.with_replies(page.object_list, MOST_ANSWERS)
    may_delete = request.user.has_role(BuiltinRole.ADMIN)
    return api_page(request, "comments", api, {"threads": threads, "page": page, "may_delete": may_delete})


@login_required
@require_POST
def add(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """A comment, or an answer to one."""
    api, to = read_api(request, api_id), request.POST.get("replyTo", "")
    parent = reads.one(api, to) if to else None
    text = request.POST.get("content", "")
    attempt(request, lambda: add_comment(by=request.user, api=api, text=text, parent=parent), "Your comment is there.")
    return back("comments", api)


@login_required
@require_POST
def edit(request: HttpRequest, api_id: uuid.UUID, comment_id: uuid.UUID) -> HttpResponse:
    """Other words."""
    api = read_api(request, api_id)
    row, text = reads.one(api, comment_id), request.POST.get("content", "")
    attempt(request, lambda: edit_comment(by=request.user, comment=row, text=text), "Saved.")
    return back("comments", api)


@login_required
@require_POST
def delete(request: HttpRequest, api_id: uuid.UUID, comment_id: uuid.UUID) -> HttpResponse:
    """Delete a comment with its answers."""
    api = read_api(request, api_id)
    row = reads.one(api, comment_id)
    attempt(request, lambda: delete_comment(by=request.user, comment=row), "The comment is deleted.")
    return back("comments", api)
