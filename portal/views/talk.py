"""Pages: what people say about an API – stars, comments and answers."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apim.accounts.models import BuiltinRole
from portal import queries, stars
from portal.actions.comments import say
from portal.actions.ratings import LEAST, MOST, rate, take_back
from portal.permissions import DEVELOPER
from portal.views.base import attempt, developers_only, organisation
from publisher import comments
from publisher.actions.comments import delete_comment, edit_comment
from publisher.models import Api

PAGE, ANSWERS = 20, 50


@require_safe
def show(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """Stars on one side, comments with their answers on the other; to write, people log in."""
    api = _api(request, api_id)
    page = Paginator(comments.threads(api), PAGE).get_page(request.GET.get("page"))
    own, user = stars.given_by(request.user, api), request.user
    context = {
        "api": api,
        "page": page,
        "threads": comments.with_replies(page.object_list, ANSWERS),
        "mean": stars.average(api),
        "ratings": _spread(api),
        "own": own.stars if own else 0,
        "scale": range(LEAST, MOST + 1),
        "may_write": user.is_authenticated and user.has_role(DEVELOPER),
        "may_delete": user.is_authenticated
        and user.has_role(BuiltinRole.ADMIN)
        and user.organisation_id == api.organisation_id,
    }
    return render(request, "portal/talk.html", context)


@require_POST
@developers_only
def give_stars(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """Stars from one to five; 0 takes them back."""
    api, given = _api(request, api_id), request.POST.get("stars", "")
    if given == "0":
        attempt(request, take_back, "Your rating is taken back.", api=api)
    else:
        attempt(
            request,
            rate,
            "Thank you for your rating.",
            api=api,
            stars=int(given) if given in "12345" and given else given,
        )
    return redirect("portal:talk", api.pk)


@require_POST
@developers_only
def write(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """A comment, or an answer to the one named in `replyTo`."""
    api, parent = _api(request, api_id), request.POST.get("replyTo", "")
    above = comments.one(api, parent) if parent else None
    attempt(request, say, "Your comment is there.", api=api, text=request.POST.get("content", ""), parent=above)
    return redirect("portal:talk", api.pk)


@require_POST
@developers_only
def edit(request: HttpRequest, api_id: UUID, comment_id: UUID) -> HttpResponse:
    """Other words for an own comment."""
    api = _api(request, api_id)
    row = comments.one(api, comment_id)
    attempt(request, edit_comment, "Your comment is changed.", comment=row, text=request.POST.get("content", ""))
    return redirect("portal:talk", api.pk)


@require_POST
@developers_only
def delete(request: HttpRequest, api_id: UUID, comment_id: UUID) -> HttpResponse:
    """Remove a comment with its answers."""
    api = _api(request, api_id)
    attempt(request, delete_comment, "The comment is deleted.", comment=comments.one(api, comment_id))
    return redirect("portal:talk", api.pk)


def _api(request: HttpRequest, api_id: UUID) -> Api:
    return queries.api(request.user, organisation(request), api_id)


def _spread(api: Api) -> list[tuple[int, int]]:
    """How many people gave how many stars, five first."""
    counted = dict(api.ratings.order_by().values_list("stars").annotate(Count("pk")))
    return [(number, counted.get(number, 0)) for number in range(MOST, LEAST - 1, -1)]
